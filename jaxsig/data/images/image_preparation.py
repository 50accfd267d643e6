"""From an image of any size, colours and contrast to a small square grey one.

The training images are such ones.
What is done to an image, in this order, each step but the first with a note where it changes
anything:
  scale          0 to 1, by the numbers that stand for black and white: see `number_range`
  transparency   shown on black or on white, whichever the opaque parts of all are further from
  colours        luma of ITU-R BT.601
  contrast       bright on dark: inverted where the border is brighter than the inside
  form           the smallest square about it, filled with the background, the median of its
                 outermost pixels
  size           means over equal areas, also where these are parts of pixels
"""
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from jaxsig.data.images.image_blocks import WHITE
from jaxsig.data.images.number_range import SLACK, NumberRange
from jaxsig.data.images.transparency import LUMA, common_ground, opaque, opaque_luma
from jaxsig.errors import UserError

SMALLEST = 3       # pixels to a side: fewer have no inside
LARGEST = 2**13    # pixels to a side: so many squared fit in memory
FAINT = 64         # of 255: a smaller span of the pixels is worth a note


class Prepared(NamedTuple):
  """An image as the network is to see it."""
  image_y_x: np.ndarray   # uint8 [side, side], 255 for white
  changes: list[str]      # what was done to it


def check_size(sides: Iterable[int], name: str) -> None:
  """Raises a UserError where a side has too few or too many pixels."""
  if min(sides) >= SMALLEST and max(sides) <= LARGEST:
    return
  pixels = " x ".join(map(str, sides))
  raise UserError(
    f"{name} has {pixels} pixels, not {SMALLEST} to {LARGEST} to a side: give it another size"
  )


def prepare_image(
    pixels: np.ndarray,
    numbers: NumberRange,
    name: str,
    side: int,
    ground: float | None = None,
) -> Prepared:
  """Brings one image to `side` x `side` grey pixels: see the top of this file.

  Args:
    pixels: [h, w] or [h, w, c] with c = 1, 3 or 4 channels.
    numbers: that stand for black and for white.
    name: for the errors.
    side: of the result, in pixels.
    ground: for what is transparent, 0 or 1; None for the one that suits this image.

  Raises:
    UserError: the image is too small or too large, or of one colour.
  """
  h, w = pixels.shape[:2]
  check_size((h, w), name)

  changes = []
  if numbers.change:
    changes.append(numbers.change)
  scaled = (pixels.astype(np.float32) - numbers.black) / (numbers.white - numbers.black)
  scaled = np.clip(scaled, 0, 1)
  if ground is None:
    ground = common_ground([opaque_luma(pixels, numbers)])
  grey_y_x = _grey(scaled, ground, name, changes)
  grey_y_x, background = _bright_on_dark(grey_y_x, changes)
  if h != w:
    changes.append("Filled up to a square")
  if (h, w) != (side, side):
    changes.append(f"Resized to {side} x {side} pixels")
  resized_y_x = _resized(grey_y_x, background, side)
  image_y_x = np.rint(WHITE * resized_y_x)
  image_y_x = image_y_x.astype(np.uint8)

  brightest = int(image_y_x.max())
  darkest = int(image_y_x.min())
  span = brightest - darkest
  if span == 0:
    raise UserError(
      f"{name} shows nothing, it is of one colour: give an image with an object in it"
    )
  if span < FAINT:
    changes.append(
      f"Faint, the pixels span less than {FAINT} of {WHITE}, "
      "those of the training images nearly all of it"
    )
  return Prepared(image_y_x, changes)


def _grey(x: np.ndarray, ground: float, name: str, changes: list[str]) -> np.ndarray:
  """[h, w] of [h, w] or [h, w, c], 0 to 1."""
  if x.ndim == 2 or x.shape[-1] == 1:
    return x.reshape(x.shape[:2])

  colour_y_x_c = x
  if x.shape[-1] == 4:
    colour_y_x_c = x[..., :3]
    alpha_y_x_1 = x[..., 3:]
    colour_y_x_c = opaque(colour_y_x_c, alpha_y_x_1, ground, name, changes)
  differences = np.abs(np.diff(colour_y_x_c, axis=-1))
  if differences.max() > SLACK:
    changes.append("Colours are dropped")
  return colour_y_x_c @ LUMA


def _bright_on_dark(x_y_x: np.ndarray, changes: list[str]) -> tuple[np.ndarray, float]:
  """The image, inverted where its border is the brighter part, and its background."""
  border = np.concatenate([
    x_y_x[0],
    x_y_x[-1],
    x_y_x[1:-1, 0],
    x_y_x[1:-1, -1],
  ])
  # The median, not the mean: an object may reach the border. So no image of Fashion-MNIST's test
  # part is taken for its negative.
  background = float(np.median(border))
  inside_y_x = x_y_x[1:-1, 1:-1]
  if background <= inside_y_x.mean():
    return x_y_x, background

  changes.append("Inverted, as the border is brighter than the inside")
  return 1 - x_y_x, 1 - background


def _resized(x_y_x: np.ndarray, background: float, side: int) -> np.ndarray:
  """Means over side x side equal squares of the smallest square about the image.

  Outside of the image there is `background`.
  """
  h, w = x_y_x.shape
  length = max(h, w)
  rows = _shares(h, length, side)
  columns = _shares(w, length, side)
  above_background = x_y_x - background
  return background + rows @ above_background @ columns.T


def _shares(n: int, length: int, side: int) -> np.ndarray:
  """[side, n] float32: the share of interval i that pixel k covers.

  `side` equal intervals of a line of `length` lie about its `n` pixels.
  """
  interval = length / side
  margin = (length - n) / 2
  edge_i = np.arange(side + 1) * interval - margin
  pixel_k = np.arange(n)

  end_i_k = np.minimum(edge_i[1:, None], pixel_k + 1)
  start_i_k = np.maximum(edge_i[:-1, None], pixel_k)
  covered_i_k = np.maximum(end_i_k - start_i_k, 0)
  return (covered_i_k * (side / length)).astype(np.float32)
