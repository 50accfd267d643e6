"""Frames of detectors: wherever their file has them, whole, or a sentence on what is missing."""
import pathlib

import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_intensity import centred, intensity

from jaxsig.data.images.intensities.intensity_file import read_intensity

TRUTH = np.rint(intensity()).astype(np.uint32)
FRAME = centred(TRUTH)
FAULTS = np.zeros((32, 32), np.uint32)
FAULTS[3, 4] = 1
DETECTOR = "entry/instrument/detector/detectorSpecific/"


def check(path: pathlib.Path, frames: int = 1, dataset: str = "") -> list[str]:
  """The frames are right; returns the notes."""
  read = read_intensity(path, dataset)
  expected = np.stack([TRUTH] * frames).astype(np.float32)
  usable = np.ones((32, 32), bool)
  if read.mask_v_u is not None:
    usable = read.mask_v_u
  np.testing.assert_array_equal(read.frames_t_v_u, np.where(usable, expected, 0))
  return read.notes


def part(path: pathlib.Path, frames: int) -> None:
  with h5py.File(path, "w") as file:
    file["entry/data/data"] = np.stack([FRAME] * frames)


@pytest.fixture
def master(tmp_path) -> pathlib.Path:
  """A master file with two files of frames beside it, a mask and another map."""
  path = tmp_path / "m_master.h5"
  with h5py.File(path, "w") as file:
    for k in (1, 2):
      part(tmp_path / f"m_{k}.h5", k)
      file[f"entry/data/data_{k:06}"] = h5py.ExternalLink(f"m_{k}.h5", "/entry/data/data")
    file[DETECTOR + "pixel_mask"] = FAULTS
    file[DETECTOR + "flatfield"] = np.ones((32, 32), np.float32)
    file[DETECTOR + "trimbit"] = np.ones((32, 32), np.float32)
  return path


def test_a_master_file_has_the_frames_of_all_its_links(master, monkeypatch):
  monkeypatch.chdir("/")
  notes = check(master, frames=3)
  assert "pixel_mask leaves out 1 of 1024" in notes[0]
  assert "data_000001 to entry/data/data_000002" in notes[1]


@pytest.mark.parametrize("dataset", ["entry/data/data_000001", "/entry/data/data_000001/"])
def test_a_link_by_its_name(master, dataset):
  assert "pixel_mask" in check(master, dataset=dataset)[0]


def test_a_group_of_links_by_its_name(master):
  check(master, 3, "entry/data")


@pytest.mark.parametrize("dataset", ["", "entry/data/data_000002"])
def test_a_link_to_a_missing_file_is_named(master, tmp_path, dataset):
  (tmp_path / "m_2.h5").unlink()
  sentence = says(read_intensity, master, dataset)
  assert "data_000002 as a link to /entry/data/data of the file m_2.h5" in sentence
  check(master, dataset="entry/data/data_000001")


def test_a_file_of_that_name_elsewhere_is_not_meant(master, tmp_path, monkeypatch):
  (tmp_path / "elsewhere").mkdir()
  monkeypatch.chdir(tmp_path)
  moved = master.rename(tmp_path / "elsewhere" / "m_master.h5")
  assert "the file m_1.h5, which is missing" in says(read_intensity, moved)


@pytest.mark.parametrize(
  "link",
  [
    h5py.ExternalLink("nowhere.h5", "/x"),
    h5py.SoftLink("/nowhere"),
    h5py.SoftLink("/frames"),
    h5py.ExternalLink("a.h5", "/nowhere"),
  ],
  ids=["no file", "no data set", "itself", "not in the file"],
)
def test_what_is_left_is_not_taken_for_what_is_missing(tmp_path, link):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file["frames"] = link
    file["other"] = FRAME
  assert "frames as a link to" in says(read_intensity, tmp_path / "a.h5")
  check(tmp_path / "a.h5", dataset="other")


@pytest.mark.parametrize(
  "name", ["mask", "pixel_mask", "bad_pixels", "flatfield", "mask_shared", "hot_pixels"]
)
@pytest.mark.parametrize("dataset", [False, True])
def test_a_lone_mask_is_no_intensity_by_its_name(tmp_path, name, dataset):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file[name] = FRAME
  sentence = says(read_intensity, tmp_path / "a.h5", name * dataset)
  assert name in sentence
  assert "mask" in sentence or "holds no frames" in sentence


BITS = np.random.default_rng(0).choice([0] * 9 + [1, 2, 8, 256], (32, 32))


@pytest.mark.parametrize(
  "mask",
  [FAULTS, 1.0 - FAULTS, BITS.astype(np.uint16), BITS.astype(float), 255 * FAULTS, FAULTS * 0 + 7],
)
def test_a_lone_mask_is_no_intensity_by_its_values(mask):
  assert "value" in says(read_intensity, mask)


def test_cycles_of_links_end(tmp_path):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file["a/frames"] = FRAME
    file["a/b"] = h5py.SoftLink("/a")
    file["again"] = file["a"]
    file["a/itself"] = file["a"]
  check(tmp_path / "a.h5")
  check(tmp_path / "a.h5", dataset="a/b/b/frames")


def test_the_signal_of_nexus_is_meant_before_maps(tmp_path):
  with h5py.File(tmp_path / "a.nxs", "w") as file:
    file["entry/data/data"] = FRAME[None]
    file["entry/data"].attrs["signal"] = "data"
    file["entry/instrument/detector/x_pixel_offset"] = np.zeros((32, 32))
    file["entry/instrument/detector/data"] = h5py.SoftLink("/entry/data/data")
  check(tmp_path / "a.nxs")


def test_a_signal_as_older_files_mark_it(tmp_path):
  with h5py.File(tmp_path / "a.nxs", "w") as file:
    file["entry/data/counts"] = FRAME
    file["entry/data/counts"].attrs["signal"] = 1
    file["entry/data/errors"] = FRAME
  check(tmp_path / "a.nxs")


def test_other_data_of_a_cxi_file_are_told(tmp_path):
  with h5py.File(tmp_path / "a.cxi", "w") as file:
    file["entry_1/data_1/data"] = FRAME
    file["entry_2/data_1/data"] = FRAME + 1
  assert "entry_2/data_1/data are others" in check(tmp_path / "a.cxi")[0]


@pytest.mark.parametrize("kind", ["string", "compound", "reference", "empty"])
def test_data_sets_of_something_else(tmp_path, kind):
  path = tmp_path / "a.h5"
  with h5py.File(path, "w") as file:
    if kind == "string":
      file["x"] = np.full((32, 32), b"a")
    elif kind == "compound":
      file["x"] = np.zeros((32, 32), [("a", "f4"), ("b", "f4")])
    elif kind == "reference":
      file["x"] = np.full((32, 32), file.ref, h5py.ref_dtype)
    else:
      file["x"] = h5py.Empty("f4")
  assert "a.h5" in says(read_intensity, path)
  assert "a.h5" in says(read_intensity, path, "x")


def test_a_filter_that_is_missing_is_named(tmp_path):
  from jaxsig.data.images.intensities.hdf5_values import _FILTERS
  if h5py.h5z.filter_avail(32008):
    pytest.skip("it is there")
  created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
  created.set_chunk((32, 32))
  created.set_filter(32008, h5py.h5z.FLAG_OPTIONAL)
  with h5py.File(tmp_path / "a.h5", "w") as file:
    space = h5py.h5s.create_simple((32, 32))
    h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_UINT32, space, created)
  sentence = says(read_intensity, tmp_path / "a.h5")
  assert _FILTERS[32008] in sentence
  assert "pip install hdf5plugin" in sentence
