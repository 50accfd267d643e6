"""Masks beside the frames of a file, wherever CXI, NeXus and others have them."""
import pathlib

import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_intensity import centred, intensity

from jaxsig.data.images.intensities.intensity_file import Intensity, read_intensity

FAULTS = np.zeros((32, 32), np.uint32)
FAULTS[15:18, 15:18] = 4
FRAME = np.where(FAULTS, 1e5 + np.arange(1024).reshape(32, 32), centred(intensity()))
DETECTOR = "entry_1/instrument_1/detector_1/"
DATA = "entry_1/data_1/data"


def cxi(path: pathlib.Path, masks: dict[str, object]) -> pathlib.Path:
  """A CXI file whose data are those of its detector."""
  with h5py.File(path, "w") as file:
    file[DETECTOR + "data"] = FRAME[None]
    file[DATA] = h5py.SoftLink("/" + DETECTOR + "data")
    for name, mask in masks.items():
      file[name] = mask
  return path


def faults(read: Intensity) -> int:
  if read.mask_v_u is None:
    return 0
  return int((~read.mask_v_u).sum())


PLACES = [
  "entry_1/data_1/mask",
  DETECTOR + "mask",
  "entry_1/image_1/mask",
  DETECTOR + "mask_shared",
  "entry_1/data_1/mask_shared",
  "entry_1/image_2/mask",
  "entry_1/instrument_1/detector_2/mask",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dataset", ["", DATA, DETECTOR + "data"])
def test_the_places_of_cxi(tmp_path, place, dataset):
  read = read_intensity(cxi(tmp_path / "a.cxi", {place: FAULTS}), dataset)
  assert faults(read) == 9
  assert f"{place} leaves out 9 of 1024" in read.notes[0]


def test_behind_links(tmp_path):
  with h5py.File(tmp_path / "mask.h5", "w") as file:
    file["x"] = FAULTS
  links = {
    "soft": {"other": FAULTS, "entry_1/data_1/mask": h5py.SoftLink("/other")},
    "external": {"entry_1/image_1/mask": h5py.ExternalLink("mask.h5", "/x")},
  }
  for name, masks in links.items():
    assert faults(read_intensity(cxi(tmp_path / f"{name}.cxi", masks))) == 9

  (tmp_path / "mask.h5").unlink()
  sentence = says(read_intensity, tmp_path / "external.cxi")
  assert "entry_1/image_1/mask as a link to /x of the file mask.h5, which is missing" in sentence
  read = read_intensity(tmp_path / "external.cxi", mask=FAULTS == 0)   # the way out
  assert faults(read) == 9


def test_two_masks_are_combined_and_two_names_of_one_are_not(tmp_path):
  other = FAULTS.copy()
  other[2, 2] = 1
  masks = {PLACES[0]: FAULTS, PLACES[1]: other, PLACES[2]: h5py.SoftLink("/" + PLACES[0])}
  read = read_intensity(cxi(tmp_path / "a.cxi", masks))
  assert faults(read) == 10
  assert read.notes[0].startswith(f"The masks {PLACES[0]} and {PLACES[1]} leave out 10 of 1024")


@pytest.mark.parametrize(
  ("mask", "words"),
  [
    (FAULTS[:30], "has the shape (30, 32)"),
    (np.stack([FAULTS, FAULTS])[None, None].repeat(3, 1), "has the shape"),
    (np.full((32, 32), b"x"), "give a mask of numbers"),
    (FAULTS == 0, "it must be zero where a pixel is usable"),
    (FAULTS + 1, "leaves no pixel"),
  ],
)
def test_masks_that_do_not_fit_name_the_way_out(tmp_path, mask, words):
  path = cxi(tmp_path / "a.cxi", {PLACES[1]: mask})
  sentence = says(read_intensity, path)
  assert words in sentence
  assert "own.mask" in sentence
  assert faults(read_intensity(path, mask=FAULTS == 0)) == 9


def test_masks_of_other_data_do_not_count(tmp_path):
  masks = {
    "entry_2/data_1/data": FRAME,
    "entry_2/data_1/mask": FAULTS,
    "entry_1/image_1/data": FRAME,
    "entry_1/image_1/mask": FAULTS,
    "entry_1/elsewhere": FRAME,
  }
  path = cxi(tmp_path / "a.cxi", masks)
  assert faults(read_intensity(path)) == 0
  assert faults(read_intensity(path, "entry_2/data_1/data")) == 9
  assert faults(read_intensity(path, "entry_1/elsewhere")) == 0


@pytest.mark.parametrize(
  "place",
  [
    "entry/instrument/detector/pixel_mask",
    "entry/instrument/detector/detectorSpecific/pixel_mask",
    "entry/data/pixel_mask",
  ],
)
def test_the_places_of_nexus(tmp_path, place):
  with h5py.File(tmp_path / "a.nxs", "w") as file:
    file["entry/data/data"] = FRAME
    file[place] = FAULTS
  assert faults(read_intensity(tmp_path / "a.nxs")) == 9


@pytest.mark.parametrize(
  ("mask", "words"),
  [
    (FAULTS, "The mask mask leaves out 9"),
    (FAULTS > 0, "The mask mask leaves out 9"),
    (FAULTS == 0, "mask (nonzero where a pixel is usable) leaves out 9"),
    (255 * (FAULTS == 0), "mask (nonzero where a pixel is usable) leaves out 9"),
    ((FAULTS == 0)[None], "mask (nonzero where a pixel is usable) leaves out 9"),
  ],
)
def test_a_plain_mask_leaves_the_larger_part(tmp_path, mask, words):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file["frames"] = FRAME
    file["mask"] = mask
  read = read_intensity(tmp_path / "a.h5")
  assert faults(read) == 9
  assert words in read.notes[0]


def test_a_plain_mask_of_another_shape_is_not_used_and_told(tmp_path):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file["frames"] = FRAME
    file["mask"] = FAULTS[:12, :12]
  read = read_intensity(tmp_path / "a.h5")
  assert faults(read) == 0
  assert "The mask mask has the shape (12, 12) and is not used" in read.notes[0]


def test_half_a_mask_does_not_tell_which_half(tmp_path):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file["frames"] = FRAME
    file["mask"] = np.arange(1024).reshape(32, 32) % 2
  assert "does not tell whether" in says(read_intensity, tmp_path / "a.h5")


def test_a_users_mask_the_wrong_way_round_is_refused():
  assert "of faults give mask == 0" in says(read_intensity, FRAME, mask=FAULTS)


def test_a_users_mask_is_found_among_other_data_sets(tmp_path):
  with h5py.File(tmp_path / "m.h5", "w") as file:
    file["frames"] = FRAME
    file["mask"] = FAULTS == 0
  assert faults(read_intensity(FRAME, mask=tmp_path / "m.h5")) == 9


def test_masked_arrays_bring_their_mask():
  masked = np.ma.masked_array(FRAME, FAULTS > 0)
  for x in (masked, np.ma.stack([masked, masked]), np.ma.masked_invalid(masked.filled(np.nan))):
    read = read_intensity(x)
    assert faults(read) == 9
    assert read.notes[0].startswith("The mask of the array leaves out 9")
  assert read_intensity(np.ma.array(centred(intensity()))).notes == []
