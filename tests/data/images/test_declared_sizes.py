"""Files that declare more than they hold: one sentence, and no memory by their word."""
import io
import pathlib
import tracemalloc
import zipfile
from collections.abc import Callable

import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_intensity import centred, intensity, tiff_bytes

from jaxsig.data.images.image_files import read_images
from jaxsig.data.images.intensities.intensity_file import read_intensity

FRAME = centred(intensity())
MOST_BYTES = 2**26


def npy_bytes(shape: tuple, kind: str = "<f8") -> bytes:
  """An NPY file that declares a shape and holds a few bytes."""
  file = io.BytesIO()
  header = {"descr": kind, "fortran_order": False, "shape": shape}
  np.lib.format.write_array_header_1_0(file, header)
  return file.getvalue() + bytes(1000)


def modestly(read: Callable[..., str], *args: object) -> str:
  """What is said, without much memory."""
  tracemalloc.start()
  sentence = says(read, *args)
  _, peak = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  assert peak < MOST_BYTES
  return sentence


@pytest.mark.parametrize(
  "shape", [(10**10,), (100, 10**4, 10**4), (10**30, 3), (-1, 5), ("a", 3), (2**40, 2**40), "(3"]
)
@pytest.mark.parametrize("read", [read_intensity, lambda path: read_images(path, 28)])
def test_npy_headers(tmp_path, shape, read):
  (tmp_path / "a.npy").write_bytes(npy_bytes(shape))
  assert "damaged" in modestly(read, tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(10**10,), (100, 10**4, 10**4)])
def test_archives(tmp_path, shape):
  with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("a.npy", npy_bytes(shape))
  assert "declares" in modestly(read_intensity, tmp_path / "a.npz")
  (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:80])
  assert "truncated or damaged" in modestly(read_intensity, tmp_path / "b.npz")


def empty_hdf5(path: pathlib.Path, **options: object) -> pathlib.Path:
  """An HDF5 file of a few kB that declares 8 GiB."""
  with h5py.File(path, "w") as file:
    file.create_dataset("frames", (1024, 1024, 1024), np.float64, **options)
  assert path.stat().st_size < 10_000
  return path


@pytest.mark.parametrize(
  "options",
  [{}, {"chunks": (1, 1024, 1024)}, {"chunks": True, "compression": "gzip"}, {"fillvalue": 3.0}],
)
def test_hdf5_that_was_never_written(tmp_path, options):
  sentence = modestly(read_intensity, empty_hdf5(tmp_path / "a.h5", **options))
  assert "declares 1024 x 1024 x 1024 values, of which the file holds 0" in sentence


def test_hdf5_of_zeros_that_are_compressed_has_a_limit(tmp_path):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    shape = (2**15, 2**15)
    frames = file.create_dataset("frames", shape, np.uint8, chunks=shape, compression="gzip")
    frames.id.write_direct_chunk((0, 0), b"x")
  assert "more than 268435456" in modestly(read_intensity, tmp_path / "a.h5")


def test_frames_that_were_not_written_are_not_zero(tmp_path):
  with h5py.File(tmp_path / "a.h5", "w") as file:
    frames = file.create_dataset("frames", (5, 32, 32), float, chunks=(1, 32, 32))
    frames[:3] = FRAME
  assert "holds 3 of 5 parts" in says(read_intensity, tmp_path / "a.h5")


def virtual(path: pathlib.Path, declared: int, sources: int) -> pathlib.Path:
  """A virtual data set of `declared` frames, of which some have a source of one frame."""
  layout = h5py.VirtualLayout((declared, 32, 32), float)
  for t in range(sources):
    layout[t] = h5py.VirtualSource(f"{t}.h5", "x", (32, 32))
  with h5py.File(path, "w") as file:
    file.create_virtual_dataset("frames", layout, fillvalue=1)
  return path


def source(path: pathlib.Path, x: np.ndarray) -> None:
  with h5py.File(path, "w") as file:
    file["x"] = x


def test_virtual_data_sets(tmp_path):
  for t in range(2):
    source(tmp_path / f"{t}.h5", FRAME)
  read = read_intensity(virtual(tmp_path / "v.h5", 2, 2))
  np.testing.assert_allclose(read.frames_t_v_u[1], intensity(), rtol=1e-6)
  sentence = says(read_intensity, virtual(tmp_path / "w.h5", 3, 2))
  assert "1 of 3 frames, the first 2, have no source" in sentence

  source(tmp_path / "1.h5", FRAME[:9])
  assert "smaller than declared" in says(read_intensity, tmp_path / "v.h5")
  (tmp_path / "1.h5").unlink()
  assert "source x of 1.h5 is missing" in says(read_intensity, tmp_path / "v.h5")
  with h5py.File(tmp_path / "1.h5", "w") as file:
    file["y"] = FRAME
  assert "source x of 1.h5 is missing" in says(read_intensity, tmp_path / "v.h5")


@pytest.mark.parametrize("size", [FRAME.nbytes, h5py.h5f.UNLIMITED])
def test_values_in_another_file(tmp_path, size, monkeypatch):
  monkeypatch.chdir("/")
  FRAME.tofile(tmp_path / "raw.bin")
  with h5py.File(tmp_path / "a.h5", "w") as file:
    file.create_dataset("frames", FRAME.shape, FRAME.dtype, external=[("raw.bin", 0, size)])
  read = read_intensity(tmp_path / "a.h5")
  np.testing.assert_allclose(read.frames_t_v_u[0], intensity(), rtol=1e-6)

  FRAME[:20].tofile(tmp_path / "raw.bin")
  assert "raw.bin, which is missing or too short" in says(read_intensity, tmp_path / "a.h5")
  (tmp_path / "raw.bin").unlink()
  assert "raw.bin, which is missing or too short" in says(read_intensity, tmp_path / "a.h5")


@pytest.mark.parametrize("width", [2**31 - 1, 2**20, 40_000, 12_000])
def test_tiff_of_absurd_tags(tmp_path, width):
  content = tiff_bytes(FRAME.astype(np.uint16), signed=False)
  for tag in (256, 257):
    start = content.index(np.array([tag, 4, 1, 0], "<u2").tobytes()[:6], 8)
    content = content[:start + 8] + np.uint32(width).tobytes() + content[start + 12:]
  (tmp_path / "a.tif").write_bytes(content)
  sentence = modestly(read_intensity, tmp_path / "a.tif")
  assert "a.tif" in sentence
  if width == 12_000:
    assert f"and holds {len(content)} bytes" in sentence
  assert "a.tif" in modestly(lambda path: read_images(path, 28), tmp_path / "a.tif")
