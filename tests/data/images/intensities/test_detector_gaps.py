"""Gaps between the modules of a detector, grids of frames, and what is no frame."""
import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_images import SIDE
from fake_intensity import centred, intensity

from jaxsig.data.images.image_files import read_images
from jaxsig.data.images.intensities.intensity_file import read_intensity

FRAME = centred(intensity())
STACK = np.stack([FRAME] * 3)
GAPS = {
  "rows": (slice(4, 7), slice(None)),
  "columns": (slice(None), slice(9, 11)),
  "a corner": (slice(20, None), slice(24, None)),
  "a block": (slice(4, 8), slice(4, 8)),
}


def virtual(path, gap_v_u, fill, frames=3):
  """A virtual data set of one source a pixel row, without those in the gap."""
  with h5py.File(path.with_name("source.h5"), "w") as file:
    file["x"] = STACK[:frames]
  layout = h5py.VirtualLayout((frames, 32, 32), "f8")
  source = h5py.VirtualSource("source.h5", "x", (frames, 32, 32))
  for v in range(32):
    edges = np.flatnonzero(np.diff(np.r_[True, gap_v_u[v], True].astype(int)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
      layout[:, v, start:end] = source[:, v, start:end]
  with h5py.File(path, "w") as file:
    file.create_virtual_dataset("entry/data/data", layout, fillvalue=fill)
  return path


@pytest.mark.parametrize("fill", [0, -1, 7, np.nan])
@pytest.mark.parametrize("place", GAPS)
def test_gaps_are_masked(tmp_path, place, fill):
  gap_v_u = np.zeros((32, 32), bool)
  gap_v_u[GAPS[place]] = True
  path = virtual(tmp_path / "a.h5", gap_v_u, fill)
  for options in ({}, {"mask": np.ones((32, 32))}):
    read = read_intensity(path, **options)
    np.testing.assert_array_equal(np.fft.fftshift(read.mask_v_u), ~gap_v_u)
    assert "without a source" in read.notes[0]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_frames_without_a_source_are_refused(tmp_path, missing):
  with h5py.File(tmp_path / "source.h5", "w") as file:
    file["x"] = STACK
  layout = h5py.VirtualLayout((3, 32, 32), "f8")
  source = h5py.VirtualSource("source.h5", "x", (3, 32, 32))
  for t in {0, 1, 2} - {missing}:
    layout[t] = source[t]
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file.create_virtual_dataset("data", layout)
  assert f"1 of 3 frames, the first {missing}, have no source" in says(
    read_intensity, tmp_path / "a.h5"
  )


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (2, 2, 2), (6, 1, 2)])
@pytest.mark.parametrize("as_file", [False, True])
def test_grids_name_their_form_as_a_stack(tmp_path, as_file, shape):
  x = np.broadcast_to(FRAME, (*shape, 32, 32))
  source = x
  if as_file:
    source = tmp_path / "a.h5"
    with h5py.File(source, "w") as file:
      file["scan/data"] = x
  assert "x.reshape(-1, 32, 32)" in says(read_intensity, source)
  assert len(read_intensity(x.reshape(-1, 32, 32)).frames_t_v_u) == np.prod(shape)


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1, 3), (1, 3, 1), (3, 1, 1), (1, 1, 1)])
def test_axes_of_one_are_left_out(shape):
  x = STACK.reshape(-1, 32, 32)[: np.prod(shape)].reshape(*shape, 32, 32)
  assert len(read_intensity(x).frames_t_v_u) == np.prod(shape)


@pytest.mark.parametrize("shape", [(2, 12, SIDE, SIDE), (5, 5, 40, 40)])
def test_grids_of_images(shape):
  assert f"x.reshape(-1, {shape[-1]}, {shape[-1]})" in says(read_images, np.ones(shape), SIDE)


@pytest.mark.parametrize("kind", ["bool", "S3"])
def test_a_data_set_of_another_type_is_named_so(tmp_path, kind):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file["a"] = (FRAME > 9).astype(kind)
  sentence = says(read_intensity, tmp_path / "a.h5")
  assert "has no data set of numbers with two or three axes" in sentence
  assert "a (32 x 32 of " in sentence


class Huge:
  shape = (10_000, 10_000, 10_000)

  def __array__(self, dtype=None, copy=None):
    raise AssertionError("read")


@pytest.mark.parametrize("read", [read_intensity, lambda x: read_images(x, SIDE)])
@pytest.mark.parametrize(
  "source",
  [Huge(), np.broadcast_to(np.float32(1), (1000, 4096, 4096)), np.broadcast_to(True, (2**15,) * 2)],
  ids=["lazy", "stack", "frame"],
)
def test_the_limit_of_files_holds_for_arrays(read, source):
  assert "values, more than 268435456" in says(read, source)
