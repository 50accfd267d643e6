"""Pixels of a user's own intensity that do not count: by a mask, not finite, or saturated."""
import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_intensity import centred, intensity, saved

from jaxsig.data.images.intensities.intensity_file import Intensity, read_intensity


def masked(read: Intensity) -> list[list[int]]:
  """[row, column] of each pixel that does not count."""
  return np.argwhere(~read.mask_v_u).tolist()


def test_a_cxi_files_own_mask_and_the_users_before_it(tmp_path):
  truth = intensity()
  faults = np.zeros((32, 32), np.uint16)
  faults[5, 7] = 4
  faults[6, 7] = 128
  path = saved(tmp_path / "a.cxi", truth)
  with h5py.File(path, "a") as file:
    file["entry_1/data_1/mask"] = faults
    file["entry_1/other"] = truth

  read = read_intensity(path)
  assert masked(read) == [[5, 7], [6, 7]]
  assert "entry_1/data_1/mask leaves out 2 of 1024" in read.notes[0]
  assert read.frames_t_v_u[0][5, 7] == 0

  users = np.ones((32, 32))
  users[1, 2] = 0
  assert masked(read_intensity(path, mask=users)) == [[1, 2]]
  assert read_intensity(path, "entry_1/other").mask_v_u is None


@pytest.fixture
def usable() -> np.ndarray:
  """A mask of all pixels but one."""
  usable = np.ones((32, 32), np.uint8)
  usable[4, 9] = 0
  return usable


@pytest.fixture
def faulty() -> np.ndarray:
  """An intensity that is negative in that pixel."""
  truth = intensity()
  truth[4, 9] = -5
  return truth


@pytest.mark.parametrize("name", ["m.npy", "m.tif", "m.h5"])
def test_masks_move_with_the_frame(tmp_path, usable, faulty, name):
  mask = saved(tmp_path / name, centred(usable))
  read = read_intensity(centred(faulty), mask=mask)
  assert masked(read) == [[4, 9]]
  expected = np.where(usable, faulty, 0)
  np.testing.assert_allclose(read.frames_t_v_u[0], expected, rtol=1e-6)


def test_unusable_in_one_frame_is_unusable_in_all(usable, faulty):
  masks = np.stack([usable, np.roll(usable, 1, 0)])
  read = read_intensity(np.stack([faulty, faulty]), mask=masks)
  assert masked(read) == [[4, 9], [5, 9]]


@pytest.mark.parametrize(
  ("mask", "words"),
  [
    (np.ones((31, 32)), "the frames are 32 x 32"),
    (np.zeros((32, 32)), "leaves no pixel"),
    (np.ones((32, 32), complex), "complex128"),
  ],
  ids=["another size", "nothing left", "complex"],
)
def test_masks_that_do_not_fit(mask, words):
  assert words in says(read_intensity, intensity(), mask=mask)


def test_a_mask_that_does_not_exist(tmp_path):
  sentence = says(read_intensity, intensity(), mask=tmp_path / "m.npy")
  assert "own.mask" in sentence
  assert "m.npy does not exist" in sentence


def test_few_broken_values_are_masked():
  truth = intensity()
  broken = truth.copy()
  broken.flat[100:110] = np.nan
  broken.flat[200] = np.inf
  read = read_intensity(broken)
  assert len(masked(read)) == 11
  assert "masked: 11 of 1024" in read.notes[0]
  expected = np.where(np.isfinite(broken), truth, 0)
  np.testing.assert_allclose(read.frames_t_v_u[0], expected, rtol=1e-6)


def test_many_broken_values_are_refused():
  broken = intensity()
  broken.flat[:204] = np.nan
  assert len(read_intensity(broken, centred="no").notes) == 1

  broken.flat[204] = np.nan
  sentence = says(read_intensity, broken)
  assert "NaN or infinite in 205 of 1024 pixels (20 %), more than 20 %" in sentence

  finite = np.isfinite(broken)   # what the user masks is not counted
  assert len(read_intensity(broken, mask=finite, centred="no").notes) == 1


def test_negative_values_are_refused_with_their_number():
  x = intensity()
  x[9, 9] = -0.25
  x[9, 10] = -3000
  assert "2 negative values, the smallest -3000" in says(read_intensity, x)


LIMITS = {   # the largest value, and how many pixels may have it by chance
  "uint8": (255, 3),
  "uint16": (65535, 3),
  "int16": (32767, 3),
  "uint32": (2**32 - 1, 0),
  "int64": (2**63 - 1, 0),
}


def at_limit(kind: str, count: int) -> np.ndarray:
  """An intensity with `count` pixels at the limit of its type, none beside another."""
  limit, _ = LIMITS[kind]
  x = intensity()
  x = np.rint(x / x.max() * 120).astype(kind)
  x.flat[:2 * count:2] = limit
  return x


@pytest.mark.parametrize("kind", LIMITS)
def test_the_limit_of_an_integer_type_is_saturation(kind):
  _, by_chance = LIMITS[kind]
  count = by_chance + 1
  read = read_intensity(at_limit(kind, count), centred="no")
  assert len(masked(read)) == count
  assert any("Saturated" in note for note in read.notes)


@pytest.mark.parametrize("kind", LIMITS)
def test_a_few_pixels_at_the_limit_may_be_chance(kind):
  _, by_chance = LIMITS[kind]
  read = read_intensity(at_limit(kind, by_chance), centred="no")
  assert read.mask_v_u is None
  assert not any("Saturated" in note for note in read.notes)


def clipped_to(x: np.ndarray, count: int) -> np.ndarray:
  """The intensity with its `count` largest values clipped to the smallest of them."""
  level = np.sort(x.ravel())[-count]
  return np.minimum(x, level)


@pytest.mark.parametrize("move", [np.copy, centred])   # at [0, 0] they touch across the edges
def test_a_plateau_is_saturation(move):
  x = intensity()
  clipped = clipped_to(x, 5)
  read = read_intensity(move(clipped))
  np.testing.assert_array_equal(read.mask_v_u, x < clipped.max())
  assert "Saturated" in read.notes[0]
  assert "5 of 1024" in read.notes[0]


def test_three_largest_values_may_be_alike_by_chance():
  assert read_intensity(clipped_to(intensity(), 3)).mask_v_u is None


def test_hot_pixels_that_do_not_touch_are_no_plateau():
  x = intensity()
  apart = [4, 8, 12, 16]
  x[apart, apart] = x.max() * 2
  assert read_intensity(x, centred="no").mask_v_u is None


def test_few_photons_have_ties_without_saturation():
  x = intensity()
  photons = np.random.default_rng(0).poisson(x / x.sum() * 200).astype(float)
  read = read_intensity(np.minimum(photons, 2), centred="no")   # many pixels share two photons
  assert read.mask_v_u is None
