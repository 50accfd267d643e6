"""Arrays of numbers from NPY, HDF5 (CXI, NeXus) and TIFF files, each of which raises a `UserError` that names the file and the remedy."""
import math
import pathlib
import warnings
from typing import Any

import numpy as np

from jaxsig.errors import UserError

HDF5 = (".h5", ".hdf5", ".cxi", ".nxs")
TIFF = (".tif", ".tiff")
CXI_DATA = "entry_1/data_1/data"
CXI_MASKS = ("entry_1/data_1/mask", "entry_1/instrument_1/detector_1/mask")
LARGEST = 2**30   # values: 4 GiB as float32
_ZIP = b"PK"
_NPY = np.lib.format.MAGIC_PREFIX


def read_array(source: Any, dataset: str = "") -> tuple[np.ndarray, str]:
  """The array of a file, or an array as it is, and what to call it in a sentence.

  Args:
    source: an array, or the path of a .npy, .h5 / .hdf5 / .cxi / .nxs or .tif / .tiff (gray; pages become the first axis).
    dataset: of an HDF5 file. By default entry_1/data_1/data, where CXI has its data, else the only one with two or three axes.

  Raises:
    UserError: the file cannot be read, or it is not plain which of its data sets is meant.
  """
  if not isinstance(source, (str, pathlib.Path)):
    return np.asarray(source), "the array"
  path = pathlib.Path(source)
  suffix = path.suffix.lower()
  if suffix not in (".npy", *HDF5, *TIFF):
    raise UserError(f"{path} is none of .npy, {', '.join((*HDF5, *TIFF))}: save it as one of them")
  if not path.is_file():
    raise UserError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}: name a file")
  read = _from_npy if suffix == ".npy" else _from_tiff if suffix in TIFF else lambda p: _from_hdf5(p, dataset)
  return read(path), str(path)


def _affordable(shape: tuple, name: str) -> None:
  if math.prod(shape) > LARGEST:
    raise UserError(f"{name} has {' x '.join(map(str, shape))} values, more than {LARGEST}: cut it into files with fewer frames")


def _from_npy(path: pathlib.Path) -> np.ndarray:
  try:
    with path.open("rb") as file:
      first = file.read(len(_NPY))
    if first == _NPY:
      x = np.load(path, mmap_mode="r", allow_pickle=False)
      _affordable(x.shape, str(path))
      return np.array(x)
    why = "it is an archive of several" if first.startswith(_ZIP) else "it does not begin as one" if first else "it is empty"
  except (ValueError, EOFError) as error:
    why = "it holds Python objects" if "objects" in str(error) else f"it is truncated or damaged: {error}"
  except OSError as error:
    why = f"it cannot be read: {error.strerror}"
  raise UserError(f"{path} is not a NumPy array of numbers ({why}): save the numbers again with numpy.save(path, array)")


def _from_hdf5(path: pathlib.Path, dataset: str) -> np.ndarray:
  import h5py
  try:
    with h5py.File(path, "r") as file:
      chosen = file[_dataset_name(file, path, dataset)]
      _affordable(chosen.shape, f"{chosen.name} of {path}")
      return chosen[()]
  except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
    raise UserError(f"{path} cannot be read as HDF5 ({' '.join(str(error).split())}): copy or export it again") from error


def _dataset_name(file: Any, path: pathlib.Path, wanted: str) -> str:
  import h5py
  found = {}
  file.visititems(lambda name, x: found.update({name: x}) if isinstance(x, h5py.Dataset) else None)
  wanted = wanted.strip("/")
  if not wanted:
    frames = [name for name, x in found.items() if x.ndim in (2, 3) and x.dtype.kind in "iufc"]
    wanted = CXI_DATA if isinstance(file.get(CXI_DATA), h5py.Dataset) else frames[0] if len(frames) == 1 else ""
  if wanted and isinstance(file.get(wanted), h5py.Dataset):
    return wanted
  listed = ", ".join(f"{name} ({' x '.join(map(str, x.shape or ())) or 'no axes'})" for name, x in found.items()) or "none"
  what = f"has no data set {wanted}" if wanted else "has not exactly one data set with two or three axes"
  raise UserError(f"{path} {what}: name one with data.intensity_dataset; it has {listed}")


def cxi_mask(source: Any, dataset: str = "") -> tuple[np.ndarray | None, str]:
  """Which pixels a CXI file itself says are usable, and by which data set; (None, "") where it says nothing, or of other data.

  A pixel without any bit set is perfect (Maia, Nature Methods 9:854, 2012); every bit counts as a fault here.
  """
  if not isinstance(source, (str, pathlib.Path)) or pathlib.Path(source).suffix.lower() not in HDF5:
    return None, ""
  if dataset.strip("/") not in ("", CXI_DATA):
    return None, ""
  import h5py
  with h5py.File(source, "r") as file:
    name = next((name for name in CXI_MASKS if isinstance(file.get(name), h5py.Dataset)), "")
    return (file[name][()] == 0, name) if name else (None, "")


def _from_tiff(path: pathlib.Path) -> np.ndarray:
  from PIL import Image
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")   # of tags that nothing here depends on, and of sizes, which are looked at below
      with Image.open(path, formats=["TIFF"]) as image:
        _affordable((image.n_frames, image.height, image.width), str(path))
        pages = [_page(image, k) for k in range(image.n_frames)]
  except UserError:
    raise
  except Exception as error:   # pillow parses by hand: a damaged file raises nearly anything
    raise UserError(f"{path} cannot be read as a TIFF ({' '.join(str(error).split())}): save it as gray TIFF of 8, 16 or 32 bits, "
                    "or as NPY") from error
  if any(page is None or page.shape != pages[0].shape for page in pages):
    raise UserError(f"{path} has pages in colour or of several sizes: save one gray page a frame, all of one size")
  return np.stack(pages) if len(pages) > 1 else pages[0]


def _page(image: Any, k: int) -> np.ndarray | None:
  """Page k as an array of its own type; None of a page in colour."""
  image.seek(k)
  if image.mode not in ("1", "L", "F") and not image.mode.startswith("I"):
    return None
  x = np.array(image)
  signed = image.tag_v2.get(339, (1,))[0] == 2                        # SampleFormat
  wide = image.mode == "I" and image.tag_v2.get(258, (0,))[0] == 32   # BitsPerSample: pillow calls them signed, whatever they are
  return x.view(np.uint32) if wide and not signed else x
