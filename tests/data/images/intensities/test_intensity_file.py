"""A user's own intensity: every form gives the same frames with the zero frequency at [0, 0].

Each thing that may be wrong with a file has one sentence.
"""
import pathlib
from collections.abc import Callable

import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_intensity import centred, intensity, saved, tiff_bytes
from PIL import Image

from jaxsig.data.images.intensities.intensity_file import read_intensity, undersampled_note


@pytest.mark.parametrize("name", ["a.npy", "a.h5", "a.cxi", "a.tif", ""])
@pytest.mark.parametrize("frames", [1, 3])
def test_every_form_gives_the_same_frames(tmp_path, name, frames):
  truth = np.stack([intensity(seed=k) for k in range(frames)]).astype(np.float32)
  source = centred(truth)
  if frames == 1:
    source = source[0]
  if name:
    source = saved(tmp_path / name, source)

  read = read_intensity(source)
  np.testing.assert_array_equal(read.frames_t_v_u, truth)
  assert read.frames_t_v_u.dtype == np.float32
  assert read.mask_v_u is None
  assert read.notes == []


KINDS = ["uint8", "uint16", ">u2", "int32", "float32", "float64", "uint32", "int16"]


def scaled(largest: float, kind: str) -> np.ndarray:
  """An intensity as numbers of a type, up to `largest`."""
  x = intensity()
  return np.rint(x / x.max() * largest).astype(kind)


@pytest.fixture(params=KINDS)
def typed(request) -> np.ndarray:
  """An intensity of each type of numbers."""
  x = scaled(120, request.param)
  x[3, 4] = 3
  return x


def test_number_types_of_npy(tmp_path, typed):
  read = read_intensity(saved(tmp_path / "a.npy", centred(typed)))
  np.testing.assert_array_equal(read.frames_t_v_u[0], typed.astype(np.float32))


def test_number_types_of_tiff(tmp_path, typed):
  path = tmp_path / "a.tif"
  kind = typed.dtype.name
  if kind in ("uint32", "int16"):
    path.write_bytes(tiff_bytes(centred(typed), signed=kind == "int16"))
  elif kind == "float64":
    saved(path, centred(typed).astype("float32"))
  else:
    saved(path, centred(typed))
  read = read_intensity(path)
  np.testing.assert_array_equal(read.frames_t_v_u[0], typed.astype(np.float32))


def test_unsigned_tiff_of_32_bits_beyond_the_signed_range(tmp_path):
  truth = scaled(4e9, "uint32")
  (tmp_path / "a.tif").write_bytes(tiff_bytes(centred(truth), signed=False))
  read = read_intensity(tmp_path / "a.tif")
  np.testing.assert_array_equal(read.frames_t_v_u[0], truth.astype(np.float32))

  (tmp_path / "b.tif").write_bytes(tiff_bytes(centred(truth).view(np.int32), signed=True))
  assert "negative" in says(read_intensity, tmp_path / "b.tif")


FRAMES = intensity()
DARK = intensity(seed=1)


@pytest.fixture
def scan(tmp_path) -> pathlib.Path:
  """An HDF5 file with one data set of two axes of numbers, and others."""
  path = tmp_path / "a.h5"
  with h5py.File(path, "w") as file:
    file["scan/frames"] = FRAMES
    file["scan/energy"] = 8.0
    file["name"] = np.array([[b"x"]])
  return path


def add(path: pathlib.Path, name: str, x: np.ndarray) -> None:
  with h5py.File(path, "a") as file:
    file[name] = x


def assert_frame(path: pathlib.Path, dataset: str, expected: np.ndarray) -> None:
  read = read_intensity(path, dataset)
  np.testing.assert_allclose(read.frames_t_v_u[0], expected, rtol=1e-6)


def test_the_only_data_set_with_two_axes_of_numbers_is_meant(scan):
  assert_frame(scan, "", FRAMES)


def test_which_of_two_data_sets_must_be_said(scan):
  add(scan, "scan/dark", DARK)
  sentence = says(read_intensity, scan)
  for words in ("scan/frames (32 x 32)", "scan/dark", "scan/energy (no axes)", "own.dataset"):
    assert words in sentence
  assert_frame(scan, "/scan/dark", DARK)
  assert "has no data set scan/light" in says(read_intensity, scan, "scan/light")
  assert "has no data set scan:" in says(read_intensity, scan, "scan")   # a group


@pytest.mark.parametrize("linked", [False, True])
def test_where_cxi_has_its_data_is_meant_before_others(scan, linked):
  data = DARK
  if linked:
    add(scan, "scan/dark", DARK)
    data = h5py.SoftLink("/scan/dark")
  add(scan, "entry_1/data_1/data", data)
  assert_frame(scan, "", DARK)


def test_a_file_without_data_sets(tmp_path):
  with h5py.File(tmp_path / "empty.h5", "w"):
    pass
  assert "it has none" in says(read_intensity, tmp_path / "empty.h5")


@pytest.mark.parametrize("m", [32, 33])
@pytest.mark.parametrize(
  ("move", "option"),
  [(np.copy, "auto"), (centred, "auto"), (np.copy, "no"), (centred, "yes")],
  ids=["at 0", "in the middle", "at 0 as said", "in the middle as said"],
)
def test_the_zero_frequency_is_found_wherever_it_is(m, move, option):
  read = read_intensity(move(intensity(m)), centred=option)
  frame = read.frames_t_v_u[0]
  assert np.unravel_index(frame.argmax(), frame.shape) == (0, 0)
  assert len(read.notes) == (m == 33)


@pytest.mark.parametrize("m", [32, 33])
def test_a_wrong_layout_is_believed(m):
  truth = intensity(m)
  read = read_intensity(truth, centred="yes")
  assert read.frames_t_v_u[0][0, 0] != truth.max()
  assert "use auto, yes or no" in says(read_intensity, truth, centred="maybe")


@pytest.mark.parametrize("move", [np.copy, centred])
def test_behind_a_beam_stop_the_rings_still_tell(move: Callable[[np.ndarray], np.ndarray]):
  usable = np.ones((64, 64))
  stop = [-2, -1, 0, 1, 2]
  usable[np.ix_(stop, stop)] = 0
  read = read_intensity(move(intensity(64)), mask=move(usable))
  np.testing.assert_array_equal(read.mask_v_u, usable > 0)
  assert len(read.notes) == 1


def test_an_unclear_layout_is_noted():
  flat = np.random.default_rng(0).uniform(1, 2, (32, 32))
  assert "not clear" in read_intensity(flat).notes[0]


def test_a_beam_beside_the_middle_is_noted():
  moved = np.roll(centred(intensity()), (3, -2), (0, 1))
  [note] = read_intensity(moved).notes
  assert "3 rows and -2 columns" in note


@pytest.mark.parametrize("move", [np.copy, centred])
@pytest.mark.parametrize("shape", [(33, 33), (32, 45), (45, 32), (37, 50), (33, 32)])
def test_odd_and_rectangular_frames_keep_their_frequencies(shape, move):
  """A frequency k is at index k: the values say which they are."""
  rows = frequencies(shape[0])[:, None]
  columns = frequencies(shape[1])
  peak = 1e4 / (1 + rows**2 + columns**2)
  truth = peak + (rows + 50) / 100 + (columns + 50) / 7000

  size = min(shape) // 2 * 2
  low = frequencies(size)
  read = read_intensity(move(truth))
  np.testing.assert_allclose(read.frames_t_v_u[0], truth[np.ix_(low, low)], rtol=1e-6)
  assert f"{shape[0]} x {shape[1]} are cut" in read.notes[0]
  assert f"{size} x {size}" in read.notes[0]


def frequencies(n: int) -> np.ndarray:
  """Whole numbers in the order of an FFT of n."""
  return np.fft.fftfreq(n, 1 / n).round().astype(int)


TRUTH = intensity()


@pytest.mark.parametrize(
  ("x", "words"),
  [
    (TRUTH.astype(complex), "numpy.abs(F)**2"),
    (TRUTH > 1, "not numbers of an intensity"),
    (TRUTH.astype(str), "not numbers of an intensity"),
    (TRUTH.astype(object), "not numbers of an intensity"),
    (TRUTH[0], "shape (32,)"),
    (TRUTH.reshape(2, 2, 8, 32), "shape (2, 2, 8, 32)"),
    (np.zeros((0, 32, 32)), "shape (0, 32, 32)"),
    (TRUTH[:15], "fewer than 16"),
    (intensity(15, 4), "fewer than 16"),
    (np.stack([TRUTH, 0 * TRUTH]), "frame 1 of the array is zero"),
  ],
  ids=[
    "complex",
    "truth values",
    "text",
    "objects",
    "one axis",
    "four axes",
    "empty",
    "few rows",
    "few pixels",
    "a frame of zeros",
  ],
)
def test_what_is_no_intensity_is_refused(x, words):
  assert words in says(read_intensity, x)


def test_an_odd_frame_may_have_one_pixel_more_than_the_fewest():
  assert read_intensity(intensity(17, 4)).frames_t_v_u.shape == (1, 16, 16)


def test_a_frame_that_is_zero_where_it_is_usable_is_refused():
  x = intensity()
  x[9:] = 0
  sentence = says(read_intensity, x, mask=x == 0)
  assert "frame 0 of the array is zero in every usable pixel" in sentence


@pytest.mark.parametrize(
  ("name", "content", "words"),
  [
    ("a.csv", b"1,2", "none of .npy"),
    ("b.npy", b"", "it is empty"),
    ("text.npy", b"no such thing" * 100, "text"),
    ("text.h5", b"no such thing" * 100, "text"),
    ("text.tif", b"no such thing" * 100, "text"),
  ],
)
def test_files_that_hold_something_else(tmp_path, name, content, words):
  (tmp_path / name).write_bytes(content)
  sentence = says(read_intensity, tmp_path / name)
  assert words in sentence
  assert "pickle" not in sentence   # numpy's own advice is to load one


def test_what_is_no_file(tmp_path):
  assert "does not exist" in says(read_intensity, tmp_path / "a.npy")
  assert "does not exist" in says(read_intensity, tmp_path / (3000 * "a" + ".npy"))
  (tmp_path / "folder.npy").mkdir()
  assert "folder.npy is a folder" in says(read_intensity, tmp_path / "folder.npy")


def test_npy_files_of_objects_and_archives(tmp_path):
  np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
  sentence = says(read_intensity, tmp_path / "objects.npy")
  assert "not a NumPy array of numbers (it holds Python objects)" in sentence

  np.savez(tmp_path / "two.npz", a=TRUTH, b=TRUTH)
  (tmp_path / "two.npz").rename(tmp_path / "two.npy")
  assert "archive of several" in says(read_intensity, tmp_path / "two.npy")


@pytest.mark.parametrize(
  ("name", "kind", "left", "words"),
  [
    ("b.npy", "float64", 40, "not a NumPy array of numbers (it is truncated"),
    ("b.npy", "float64", -8, "not a NumPy array of numbers (it is truncated"),
    ("c.cxi", "float64", 2000, "cannot be read as HDF5"),
    ("d.tif", "float32", 300, "cannot be read as a TIFF"),
  ],
)
def test_truncated_files(tmp_path, name, kind, left, words):
  path = saved(tmp_path / name, TRUTH.astype(kind))
  content = path.read_bytes()
  path.write_bytes(content[:left])
  assert words in says(read_intensity, path)


def test_a_tiff_in_colour(tmp_path):
  Image.new("RGB", (32, 32), (9, 8, 7)).save(tmp_path / "e.tif")
  assert "in colour" in says(read_intensity, tmp_path / "e.tif")


def test_an_hdf5_file_of_complex_numbers(tmp_path):
  with h5py.File(tmp_path / "f.h5", "w") as file:
    file["data"] = TRUTH.astype(np.complex64)
  assert "numpy.abs(F)**2" in says(read_intensity, tmp_path / "f.h5")


@pytest.mark.parametrize("scale", [1e40, 1e-60])
def test_beyond_single_precision_is_scaled_and_said(scale):
  read = read_intensity(TRUTH * scale)
  assert "divided by the largest" in read.notes[0]
  np.testing.assert_allclose(read.frames_t_v_u[0], TRUTH / TRUTH.max(), rtol=1e-5)


def test_undersampling_is_said_from_the_first_pixel_on():
  assert undersampled_note(83, 42) == ""
  assert undersampled_note(96, 42) == ""
  sentence = undersampled_note(82, 42)
  assert "82 pixels" in sentence
  assert "2 n - 1 = 83" in sentence
  assert sentence.count(". ") == 0


def test_nothing_is_done_to_what_is_given():
  x = centred(intensity())
  x[3, 3] = np.nan
  before = x.copy()
  read_intensity(x)
  np.testing.assert_array_equal(x, before)
