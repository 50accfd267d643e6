"""Masks of HDF5 files by their names: used where that is certain, told where it is not."""
import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_intensity import centred, intensity

from jaxsig.data.images.intensities.intensity_file import read_intensity

FAULTS = np.zeros((32, 32), bool)
FAULTS[4:8, 20:24] = True
FRAME = np.where(FAULTS, 777.0, centred(intensity()))
FOUR = np.stack([FRAME] * 4)
DATA = "entry/data/data"
CXI_MASK = "entry_1/instrument_1/detector_1/mask"


def file_of(path, **datasets):
  with h5py.File(path, "w") as file:
    for name, values in datasets.items():
      file[name] = values
  return path


def masked(read):
  if read.mask_v_u is None:
    return np.zeros((32, 32), bool)
  return ~np.fft.fftshift(read.mask_v_u)


@pytest.mark.parametrize(
  "name",
  [
    "mask", "bad_pixels", "dead_pixels", "hot_pixels", "invalid", "bad_pixel_mask", "pixel_mask_2",
    "data_mask", "user_mask", "good", "good_pixels", "valid", "valid_mask",
  ],
)
@pytest.mark.parametrize(
  "group",
  ["entry/data", "entry/instrument/detector", "entry/instrument/detector/detectorSpecific"],
)
def test_names_in_the_entry_of_the_frames(tmp_path, group, name):
  values = FAULTS
  if name.startswith(("good", "valid")):
    values = ~FAULTS
  path = file_of(tmp_path / "a.h5", **{DATA: FRAME, f"{group}/{name}": values})
  read = read_intensity(path)
  np.testing.assert_array_equal(masked(read), FAULTS)
  assert f"{group}/{name}" in read.notes[0]


@pytest.mark.parametrize(
  "name",
  ["masks/m1", "process/mask/mask", "mask_detector/mask", "other/bad_pixels", "calib/valid"],
)
def test_other_places_are_told(tmp_path, name):
  path = file_of(tmp_path / "a.h5", **{DATA: FRAME, name: FAULTS})
  read = read_intensity(path)
  assert read.mask_v_u is None
  assert f"Not used, as it is not certain that they are masks of these frames: {name}" in "".join(
    read.notes
  )
  masked_by_user = read_intensity(path, mask=~FAULTS)   # the way out
  np.testing.assert_array_equal(masked(masked_by_user), FAULTS)


def test_the_mask_of_another_detector_is_not_used(tmp_path):
  other = {"entry/b/data": FRAME[::-1], "entry/b/bad_pixels": FAULTS}
  path = file_of(tmp_path / "a.h5", **{"entry/a/data": FRAME, **other})
  assert read_intensity(path, "entry/a/data").mask_v_u is None


@pytest.mark.parametrize(
  ("bit", "fault"),
  [
    *[(bit, True) for bit in (0x1, 0x2, 0x4, 0x8, 0x10, 0x40, 0x80, 0x200, 0x400, 0x1000)],
    *[(bit, False) for bit in (0x20, 0x800, 0x2000, 0x4000, 0x10000)],
  ],
)
def test_bits_of_cxi(tmp_path, bit, fault):
  values = np.where(FAULTS, bit | 0x4000, 0x4000).astype(np.uint32)
  path = file_of(tmp_path / "a.cxi", **{"entry_1/data_1/data": FRAME, CXI_MASK: values})
  np.testing.assert_array_equal(masked(read_intensity(path)), FAULTS & fault)


@pytest.mark.parametrize("value", ["none", b"none", np.array([b"a", b"b"]), 7])
@pytest.mark.parametrize("name", ["pixel_mask", "bad_pixels", "mask"])
def test_masks_that_are_none(tmp_path, name, value):
  path = file_of(tmp_path / "a.h5", **{DATA: FRAME, f"entry/data/{name}": value})
  sentence = says(read_intensity, path)
  assert f"the mask entry/data/{name}" in sentence and "not a number for each pixel" in sentence
  assert masked(read_intensity(path, mask=~FAULTS)).sum() == 16


@pytest.mark.parametrize("by_user", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_masks_of_other_frames_than_there_are(tmp_path, count, by_user):
  masks = np.stack([np.roll(FAULTS, k, 0) for k in range(count)])
  path = file_of(tmp_path / "a.h5", **{DATA: FOUR, "entry/data/pixel_mask": masks})
  options = {}
  if by_user:
    options["mask"] = ~masks
  if count not in (1, 4):
    sentence = says(read_intensity, path, **options)
    assert f"has the shape ({count}, 32, 32), the frames are 32 x 32, 4 in number" in sentence
    return
  read = read_intensity(path, **options)
  np.testing.assert_array_equal(masked(read), masks.any(0))
  assert any("differs between frames" in note for note in read.notes) == (count == 4)


@pytest.mark.parametrize("name", ["entry/data/pixel_mask", "entry/data/mask", "other/mask"])
def test_a_mask_of_the_file_beside_the_users_is_told(tmp_path, name):
  path = file_of(tmp_path / "a.h5", **{DATA: FRAME, name: FAULTS})
  read = read_intensity(path, mask=np.ones((32, 32)))
  assert read.mask_v_u is None
  assert any(f"only own.mask is used, not {name}" in note for note in read.notes)
