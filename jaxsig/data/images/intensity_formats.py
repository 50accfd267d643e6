"""Arrays of numbers from NPY, HDF5 (CXI, NeXus) and TIFF files.

Each `UserError` names the file and the remedy.
"""
import math
import pathlib
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from jaxsig.errors import UserError

if TYPE_CHECKING:
  import h5py

HDF5 = (".h5", ".hdf5", ".cxi", ".nxs")
TIFF = (".tif", ".tiff")
CXI_DATA = "entry_1/data_1/data"
CXI_MASKS = (
  "entry_1/data_1/mask",
  "entry_1/instrument_1/detector_1/mask",
)
LARGEST = 2**30   # values: 4 GiB as float32
_ZIP_START = b"PK"
_NPY_START = np.lib.format.MAGIC_PREFIX
_BITS_PER_SAMPLE = 258   # tags of TIFF
_SAMPLE_FORMAT = 339
_UNSIGNED, _SIGNED = 1, 2   # values of the latter


class NamedArray(NamedTuple):
  """An array, and what to call it in a sentence."""
  values: np.ndarray
  name: str


def read_array(source: str | pathlib.Path | ArrayLike, dataset: str = "") -> NamedArray:
  """Reads the array of a file, or takes an array as it is.

  Args:
    source: an array, or the path of a .npy, .h5 / .hdf5 / .cxi / .nxs or .tif / .tiff (gray;
      pages become the first axis).
    dataset: of an HDF5 file. By default entry_1/data_1/data, where CXI has its data, else the
      only one with two or three axes.

  Raises:
    UserError: the file cannot be read, or it is not plain which of its data sets is meant.
  """
  if not isinstance(source, (str, pathlib.Path)):
    return NamedArray(np.asarray(source), "the array")

  path = pathlib.Path(source)
  suffix = path.suffix.lower()
  _check_file(path, suffix)
  if suffix == ".npy":
    values = _from_npy(path)
  elif suffix in TIFF:
    values = _from_tiff(path)
  else:
    values = _from_hdf5(path, dataset)
  return NamedArray(values, str(path))


def _check_file(path: pathlib.Path, suffix: str) -> None:
  if suffix not in (".npy", *HDF5, *TIFF):
    others = ", ".join((*HDF5, *TIFF))
    raise UserError(f"{path} is none of .npy, {others}: save it as one of them")
  if path.is_dir():
    raise UserError(f"{path} is a folder: name a file")
  if not path.is_file():
    raise UserError(f"{path} does not exist: name a file")


def _check_affordable(shape: tuple[int, ...], name: str) -> None:
  if math.prod(shape) > LARGEST:
    sides = " x ".join(map(str, shape))
    raise UserError(
      f"{name} has {sides} values, more than {LARGEST}: cut it into files with fewer frames"
    )


def _from_npy(path: pathlib.Path) -> np.ndarray:
  try:
    with path.open("rb") as file:
      start = file.read(len(_NPY_START))
    if start == _NPY_START:
      stored = np.load(path, mmap_mode="r", allow_pickle=False)
      _check_affordable(stored.shape, str(path))
      return np.array(stored)
    reason = _why_no_npy(start)
  except (ValueError, EOFError) as error:
    reason = f"it is truncated or damaged: {error}"
    if "objects" in str(error):
      reason = "it holds Python objects"
  except OSError as error:
    reason = f"it cannot be read: {error.strerror}"
  raise UserError(
    f"{path} is not a NumPy array of numbers ({reason}): "
    "save the numbers again with numpy.save(path, array)"
  )


def _why_no_npy(start: bytes) -> str:
  if not start:
    return "it is empty"
  if start.startswith(_ZIP_START):
    return "it is an archive of several"
  return "it does not begin as one"


def _from_hdf5(path: pathlib.Path, dataset: str) -> np.ndarray:
  import h5py

  try:
    with h5py.File(path, "r") as file:
      name = _dataset_name(file, path, dataset)
      chosen = file[name]
      _check_affordable(chosen.shape, f"{chosen.name} of {path}")
      return chosen[()]
  except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
    reason = " ".join(str(error).split())
    raise UserError(
      f"{path} cannot be read as HDF5 ({reason}): copy or export it again"
    ) from error


def _dataset_name(file: "h5py.File", path: pathlib.Path, wanted: str) -> str:
  """The data set that the user wants, or else the one that must be meant."""
  existing = _datasets(file)
  wanted = wanted.strip("/")
  problem = f"has no data set {wanted}"
  if not wanted:
    wanted = _usual_dataset(file, existing)
    problem = "has not exactly one data set with two or three axes"
  if _is_dataset(file, wanted):
    return wanted

  described = []
  for name, item in existing.items():
    sides = " x ".join(map(str, item.shape or ()))
    described.append(f"{name} ({sides or 'no axes'})")
  listed = ", ".join(described) or "none"
  raise UserError(
    f"{path} {problem}: name one with own.dataset; it has {listed}"
  )


def _datasets(file: "h5py.File") -> dict[str, "h5py.Dataset"]:
  """The data sets of a file by their paths, but for those behind soft links."""
  import h5py

  existing = {}

  def add(name: str, item: "h5py.Dataset | h5py.Group") -> None:
    if isinstance(item, h5py.Dataset):
      existing[name] = item

  file.visititems(add)
  return existing


def _is_dataset(file: "h5py.File", name: str) -> bool:
  """Whether there is such a data set, also behind a soft link."""
  import h5py

  return bool(name) and isinstance(file.get(name), h5py.Dataset)


def _usual_dataset(file: "h5py.File", existing: Mapping[str, "h5py.Dataset"]) -> str:
  """That of CXI, or else the only one of numbers with two or three axes; "" where there is none."""
  if _is_dataset(file, CXI_DATA):
    return CXI_DATA

  frames = []
  for name, item in existing.items():
    if item.ndim in (2, 3) and item.dtype.kind in "iufc":
      frames.append(name)
  if len(frames) != 1:
    return ""
  return frames[0]


def cxi_mask(
    source: str | pathlib.Path | ArrayLike,
    dataset: str = "",
) -> tuple[np.ndarray | None, str]:
  """Returns which pixels a CXI file itself says are usable, and by which data set.

  A pixel without any bit set is perfect (Maia, Nature Methods 9:854, 2012); every bit counts as a
  fault here.

  Returns:
    (bool array, name of the mask's data set); (None, "") where the file has no mask, or it is of
    other data than `dataset`.
  """
  if not isinstance(source, (str, pathlib.Path)):
    return None, ""
  if pathlib.Path(source).suffix.lower() not in HDF5:
    return None, ""
  if dataset.strip("/") not in ("", CXI_DATA):
    return None, ""

  import h5py

  with h5py.File(source, "r") as file:
    for name in CXI_MASKS:
      if _is_dataset(file, name):
        faults = file[name][()]
        return faults == 0, name
  return None, ""


def _from_tiff(path: pathlib.Path) -> np.ndarray:
  try:
    pages = _pages(path)
  except UserError:
    raise
  except Exception as error:   # pillow parses by hand: a damaged file raises nearly anything
    reason = " ".join(str(error).split())
    raise UserError(
      f"{path} cannot be read as a TIFF ({reason}): "
      "save it as gray TIFF of 8, 16 or 32 bits, or as NPY"
    ) from error

  for page in pages:
    if page is None or page.shape != pages[0].shape:
      raise UserError(
        f"{path} has pages in colour or of several sizes: "
        "save one gray page a frame, all of one size"
      )
  if len(pages) == 1:
    return pages[0]
  return np.stack(pages)


def _pages(path: pathlib.Path) -> list[np.ndarray | None]:
  with warnings.catch_warnings():
    # Of tags that nothing here depends on, and of sizes, which are looked at below.
    warnings.simplefilter("ignore")
    with Image.open(path, formats=["TIFF"]) as image:
      _check_affordable((image.n_frames, image.height, image.width), str(path))
      return [_page(image, k) for k in range(image.n_frames)]


def _page(image: Image.Image, k: int) -> np.ndarray | None:
  """Page k as an array of its own type; None of a page in colour."""
  image.seek(k)
  if image.mode not in ("1", "L", "F") and not image.mode.startswith("I"):
    return None

  values = np.array(image)
  bits = image.tag_v2.get(_BITS_PER_SAMPLE, (0,))[0]
  sample_format = image.tag_v2.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0]
  if image.mode == "I" and bits == 32 and sample_format != _SIGNED:
    return values.view(np.uint32)   # pillow calls them signed, whatever they are
  return values
