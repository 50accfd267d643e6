"""Arrays on disk: slices are those of the array, and nothing else is read."""
import weakref

import numpy as np
import pytest

from jaxsig.data.stored import StoredArray

pytestmark = pytest.mark.quick


@pytest.fixture(params=[(100,), (100, 3), (100, 2, 4)])
def pair(request, tmp_path):
  """(array, the same on disk)."""
  x = np.random.default_rng(0).standard_normal(request.param).astype(np.float32)
  np.save(tmp_path / "x.npy", x)
  return x, StoredArray(tmp_path / "x.npy")


SLICES = [
  slice(None), slice(10, 20), slice(0, 0), slice(90, 200), slice(-5, None), slice(50, 40),
]


@pytest.mark.parametrize("index", SLICES, ids=str)
def test_slices_are_those_of_the_array(pair, index):
  x, stored = pair
  np.testing.assert_array_equal(stored[index], x[index], strict=True)


def test_it_has_the_shape_and_size_of_the_array(pair):
  x, stored = pair
  assert (stored.shape, stored.ndim, stored.dtype) == (x.shape, x.ndim, x.dtype)
  assert (len(stored), stored.nbytes) == (len(x), x.nbytes)


def test_it_becomes_a_plain_array(pair):
  x, stored = pair
  np.testing.assert_array_equal(np.asarray(stored), x, strict=True)
  np.testing.assert_array_equal(np.asarray(stored, np.float64), x.astype(np.float64), strict=True)


@pytest.mark.parametrize("index", [3, slice(0, 10, 2), np.array([1, 2])], ids=str)
def test_other_indices_are_refused(pair, index):
  with pytest.raises(TypeError, match="plain slices"):
    pair[1][index]


def test_a_slice_reads_no_more_than_itself(tmp_path):
  """The rest of the file may be missing."""
  path = tmp_path / "x.npy"
  np.save(path, np.arange(1000.0))
  stored = StoredArray(path)
  with path.open("r+b") as file:
    file.truncate(path.stat().st_size - 8 * 900)
  np.testing.assert_array_equal(stored[90:100], np.arange(90.0, 100.0))


@pytest.mark.parametrize("x", [np.asfortranarray(np.ones((3, 4))), np.array([{}], object)])
def test_what_is_no_array_of_numbers_in_rows_is_refused(tmp_path, x):
  np.save(tmp_path / "x.npy", x, allow_pickle=True)
  with pytest.raises(ValueError, match="not an array of numbers in rows"):
    StoredArray(tmp_path / "x.npy")


@pytest.mark.parametrize("ends", [(10, 60), (0, 100), (-20, 200), (40, 40), (60, 20)], ids=str)
def test_a_part_of_it_stays_on_disk(pair, ends):
  x, stored = pair
  first, last = ends
  part = stored.between(first, last)
  assert isinstance(part, StoredArray)
  np.testing.assert_array_equal(part[:], x[first:last], strict=True)
  np.testing.assert_array_equal(part[5:15], x[first:last][5:15], strict=True)
  np.testing.assert_array_equal(part.between(5, 15)[:], x[first:last][5:15], strict=True)
  assert len(stored) == 100


def test_who_deletes_its_file_lives_as_long_as_its_parts(tmp_path):
  class Folder:
    pass

  np.save(tmp_path / "x.npy", np.arange(10))
  folder = Folder()
  is_there = weakref.ref(folder)
  part = StoredArray(tmp_path / "x.npy", folder).between(2, 4)
  del folder
  assert is_there() is not None
  del part
  assert is_there() is None
