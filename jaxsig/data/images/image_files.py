"""A user's own images, as files, a folder or an array: small square grey ones and notes out, or one sentence on what is wrong.

What is done to an image, in this order, each but the first with a note where it changes anything:
  scale          0 to 1: integers of 8 and 16 bits by their range, other numbers from 0 to 1 or from 0 to 255
  transparency   shown on black or on white, whichever the opaque part is further from
  colours        luma of ITU-R BT.601
  contrast       bright on dark, as the training images are: inverted where the border is brighter than the inside
  form           the smallest square about it, filled with the background, the median of its outermost pixels
  size           means over equal areas, also where these are parts of pixels
"""
import pathlib
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from jaxsig.data.images.image_blocks import WHITE
from jaxsig.data.images.intensity_formats import read_array
from jaxsig.errors import UserError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF")
LUMA = np.array([0.299, 0.587, 0.114], np.float32)   # of red, green and blue
SMALLEST, LARGEST = 3, 2**13   # pixels to a side: fewer have no inside, and so many squared fit in memory
FAINT = 64                     # of 255: a smaller span of the pixels is worth a note
_SLACK = 0.01                  # by which resampled floats may leave their range
_LISTED = 3                    # names in a note
_LAYOUTS = "[h, w], [t, h, w], [h, w, 3] or [t, h, w, 3], or with 1 or 4 channels"


class Images(NamedTuple):
  """Images as the network is to see them."""
  image_t_y_x: np.ndarray   # uint8 [t, side, side], 255 for white
  names: list[str]          # of the files, or numbers from 0 on
  notes: list[str]          # a sentence for each thing that was done to some of them


def read_images(source: Any, side: int) -> Images:
  """Reads images and brings them to `side` pixels to a side: see the top of this file.

  Args:
    source: the path of an image (PNG, JPEG, TIFF, BMP or GIF; of several frames the first), of a folder of images (in the order of their
      names; other files are left out), or of an .npy file; or an array. Arrays are [h, w], [t, h, w], [h, w, c] or [t, h, w, c] with
      c = 1, 3 or 4 channels. A last axis of that length counts as channels.
    side: of the results, in pixels.

  Raises:
    UserError: there is no image, or one that is not in a folder cannot be read, has the wrong numbers or shape, or shows nothing.
  """
  path = pathlib.Path(source) if isinstance(source, (str, pathlib.Path)) else None
  if path and path.is_dir():
    return _of_folder(path, side)
  if path and path.suffix.lower() != ".npy":
    return _joined({path.name: _of_file(path, side)})
  x, name = _array(source)
  frames, white = _frames(x, name), _white(x, name)
  return _joined({str(t): _prepared(frame, white, f"image {t} of {name}", side) for t, frame in enumerate(frames)})


def _of_folder(folder: pathlib.Path, side: int) -> Images:
  paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
  if not paths:
    raise UserError(f"the folder {folder} has no files: name the one that holds the images themselves")
  found, left_out = {}, {}
  for path in paths:
    try:
      found[path.name] = _of_file(path, side)
    except UserError as error:
      left_out[path.name] = str(error)
  first = next(iter(left_out.values()), "")
  if not found:
    raise UserError(f"the folder {folder} has no image that can be used ({len(paths)} files, the first: {first})")
  images = _joined(found)
  if not left_out:
    return images
  note = f"Left out as no images that can be used: {_listed(list(left_out), len(paths), 'files')}; the first: {first}."
  return images._replace(notes=[note, *images.notes])


def _joined(prepared: dict[str, tuple[np.ndarray, list[str]]]) -> Images:
  """{name: (image, what was done to it)} as one; what was done to several is one note."""
  done = {}
  for name, (_, whats) in prepared.items():
    for what in whats:
      done.setdefault(what, []).append(name)
  notes = [f"{what}: {_listed(names, len(prepared), 'images')}." for what, names in done.items()]
  return Images(np.stack([image for image, _ in prepared.values()]), list(prepared), notes)


def _listed(names: list[str], total: int, what: str) -> str:
  if len(names) == total > 1:
    return f"all {total} {what}"
  more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
  return ", ".join(names[:_LISTED]) + more + (f" of {total} {what}" if total > 1 else "")


def _array(source: Any) -> tuple[np.ndarray, str]:
  try:
    return read_array(source)
  except ValueError as error:   # a list of arrays of several shapes
    raise UserError(f"the images do not make one array ({error}): give them one shape, or name a folder of image files") from error


def _frames(x: np.ndarray, name: str) -> np.ndarray:
  """[t, h, w] or [t, h, w, c]."""
  channels = x.ndim > 2 and x.shape[-1] in (1, 3, 4)
  if x.ndim - channels not in (2, 3) or not x.size:
    raise UserError(f"{name} has the shape {x.shape}: give images as {_LAYOUTS}")
  return x if x.ndim - channels == 3 else x[None]


def _white(x: np.ndarray, name: str) -> float:
  """The value that stands for white."""
  if x.dtype.kind not in "biuf":
    raise UserError(f"{name} holds {x.dtype}, not pixels: save them as integers or floats")
  if x.dtype.kind == "u" and x.dtype.itemsize <= 2:
    return float(np.iinfo(x.dtype).max)
  if not np.isfinite(x).all():
    raise UserError(f"{name} is NaN or infinite in {int((~np.isfinite(x)).sum())} of {x.size} values: fill them, or leave these images out")
  low, high = float(x.min()), float(x.max())
  white = 1.0 if high <= 1 + _SLACK else float(WHITE)
  if low < -_SLACK * white or high > (1 + _SLACK) * white:
    raise UserError(f"{name} has values from {low:g} to {high:g}: scale them to 0 to 1, or to 0 to {WHITE}")
  return white


def _of_file(path: pathlib.Path, side: int) -> tuple[np.ndarray, list[str]]:
  if not path.is_file():
    raise UserError(f"{path} does not exist: name an image, a folder of images or an .npy file")
  pixels, whats = _pixels(path)
  image, more = _prepared(pixels, _white(pixels, str(path)), str(path), side)
  return image, whats + more


def _pixels(path: pathlib.Path) -> tuple[np.ndarray, list[str]]:
  """[h, w], [h, w, 3] or [h, w, 4] of the file's own numbers, upright as its camera says; and what was left out."""
  from PIL import Image, ImageOps, UnidentifiedImageError
  formats = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")   # of tags that nothing here depends on, and of sizes, which are looked at below
      with Image.open(path, formats=FORMATS) as image:
        _check_size((image.height, image.width), str(path))
        several = getattr(image, "n_frames", 1) > 1 and image.format != "MPO"   # that is a photograph with its preview
        return _unpacked(ImageOps.exif_transpose(image)), ["Only the first frame is read"] if several else []
  except UserError:
    raise
  except UnidentifiedImageError as error:
    raise UserError(f"{path} is no image of a known kind: save it as {formats}") from error
  except Exception as error:   # pillow parses by hand: a damaged file raises nearly anything
    raise UserError(f"{path} cannot be read ({' '.join(str(error).split())}): save it again as {formats} of at most {LARGEST} pixels to a "
                    "side") from error


def _unpacked(image: Any) -> np.ndarray:
  """The pixels of a pillow image: gray ones as they are, all others (palettes, CMYK, ...) as RGB or RGBA."""
  if image.mode == "F" or image.mode.startswith("I"):   # more than 8 bits
    return np.array(image)
  if image.has_transparency_data:
    return np.array(image.convert("RGBA"))
  return np.array(image if image.mode in ("1", "L") else image.convert("RGB"))


def _check_size(sides: Iterable[int], name: str) -> None:
  if min(sides) < SMALLEST or max(sides) > LARGEST:
    raise UserError(f"{name} has {' x '.join(map(str, sides))} pixels, not {SMALLEST} to {LARGEST} to a side: give it another size")


def _prepared(pixels: np.ndarray, white: float, name: str, side: int) -> tuple[np.ndarray, list[str]]:
  """uint8 [side, side] of pixels [h, w] or [h, w, c], and what was done to them."""
  h, w = pixels.shape[:2]
  _check_size((h, w), name)
  whats: list[str] = []
  grey_y_x = _grey(np.clip(pixels.astype(np.float32) / white, 0, 1), whats)
  grey_y_x, background = _bright_on_dark(grey_y_x, whats)
  whats += ["Filled up to a square"] * (h != w) + [f"Resized to {side} x {side} pixels"] * ((h, w) != (side, side))
  image = np.rint(WHITE * _resized(grey_y_x, background, side)).astype(np.uint8)
  span = int(image.max()) - int(image.min())
  if not span:
    raise UserError(f"{name} shows nothing, it is of one colour: give an image with an object in it")
  if span < FAINT:
    whats.append(f"Faint, the pixels span less than {FAINT} of {WHITE}, those of the training images nearly all of it")
  return image, whats


def _grey(x: np.ndarray, whats: list[str]) -> np.ndarray:
  """[h, w] of [h, w] or [h, w, c], 0 to 1."""
  if x.ndim == 2 or x.shape[-1] == 1:
    return x.reshape(x.shape[:2])
  if x.shape[-1] == 4:
    x = _opaque(x[..., :3], x[..., 3:], whats)
  if np.abs(np.diff(x, axis=-1)).max() > _SLACK:
    whats.append("Colours are dropped")
  return x @ LUMA


def _opaque(x_y_x_c: np.ndarray, alpha_y_x_1: np.ndarray, whats: list[str]) -> np.ndarray:
  if alpha_y_x_1.min() == 1:
    return x_y_x_c
  luma = float((alpha_y_x_1[..., 0] * (x_y_x_c @ LUMA)).sum() / max(float(alpha_y_x_1.sum()), 1e-6))
  ground = float(luma < 0.5)
  whats.append(f"Transparent pixels are made {'white' if ground else 'black'}")
  return alpha_y_x_1 * x_y_x_c + (1 - alpha_y_x_1) * ground


def _bright_on_dark(x_y_x: np.ndarray, whats: list[str]) -> tuple[np.ndarray, float]:
  """The image, inverted where its border is the brighter part, and its background."""
  # The median, not the mean: an object may reach the border. So no image of Fashion-MNIST's test part is taken for its negative.
  background = float(np.median(np.concatenate([x_y_x[0], x_y_x[-1], x_y_x[1:-1, 0], x_y_x[1:-1, -1]])))
  if background <= x_y_x[1:-1, 1:-1].mean():
    return x_y_x, background
  whats.append("Inverted, as the border is brighter than the inside")
  return 1 - x_y_x, 1 - background


def _resized(x_y_x: np.ndarray, background: float, side: int) -> np.ndarray:
  """Means over side x side equal squares of the smallest square about the image; outside the image there is `background`."""
  h, w = x_y_x.shape
  return background + _shares(h, max(h, w), side) @ (x_y_x - background) @ _shares(w, max(h, w), side).T


def _shares(n: int, length: int, side: int) -> np.ndarray:
  """[side, n]: share of interval i that pixel k covers, where `side` equal intervals of a line of `length` lie about its `n` pixels."""
  edge_i = np.arange(side + 1) * (length / side) - (length - n) / 2
  pixel_k = np.arange(n)
  covered_i_k = np.minimum(edge_i[1:, None], pixel_k + 1) - np.maximum(edge_i[:-1, None], pixel_k)
  return (np.maximum(covered_i_k, 0) * (side / length)).astype(np.float32)
