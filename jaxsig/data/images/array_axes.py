"""Which axes of an array are those of images or frames, by its shape: read, told, or refused.

Square pictures along the last axis, [h, w, t], would pass as frames [t, h, w] of another form; they
are refused. An axis of length 1 says which is meant: [t, 1, h, w] is never anything else.
"""
from typing import NamedTuple

import numpy as np

from jaxsig.data.images.flattened_images import unflattened
from jaxsig.errors import UserError

CHANNELS = (1, 3, 4)
_SMALLEST_SIDE = 8   # of images whose channels come first
_LONGER = 1.2        # frames along the first axis beside those along the last: worth a note
_FAR_LONGER = 2      # and a refusal
_LAYOUTS = "[h, w], [t, h, w], [h, w, 3] or [t, h, w, 3], or with 1 or 4 channels"


class Frames(NamedTuple):
  """Images with their number as the first axis."""
  values: np.ndarray   # [t, h, w] or [t, h, w, c]
  note: str            # which axes were taken for which; "" where that is plain


def images_of(x: np.ndarray, name: str) -> Frames:
  """Returns the images of an array as [t, h, w] or [t, h, w, c].

  Raises:
    UserError: the shape is that of no images, or of several readings none is certain.
  """
  if x.size == 0 or x.ndim not in (2, 3, 4):
    raise UserError(f"{name} has the shape {x.shape}: give images as {_LAYOUTS}")
  if x.ndim == 2:
    return Frames(*unflattened(x, name))
  if x.ndim == 3:
    return _of_three_axes(x, name)
  return _of_four_axes(x, name)


def _of_three_axes(x: np.ndarray, name: str) -> Frames:
  if x.shape[-1] == 1:
    return Frames(*unflattened(x[..., 0], name))
  if x.shape[-1] in CHANNELS:
    return Frames(x[None], "")
  if x.shape[-1] == 2:
    raise UserError(
      f"{name} has the shape {x.shape}, which may be grey with transparency or two images: "
      "give one image of it, x[..., 0], or two by numpy.moveaxis(x, -1, 0)"
    )
  if x.shape[1] == 1:
    return Frames(*unflattened(x[:, 0], name))

  channels_first = x.shape[0] == 3 or (x.shape[0] == 4 and np.ptp(x[3]) == 0)
  if channels_first:
    raise UserError(
      f"{name} has the shape {x.shape}, which may be one image in {x.shape[0]} colour channels or "
      f"{x.shape[0]} grey images: give the one by numpy.moveaxis(x, 0, -1), the others by "
      "x[..., None]"
    )
  if x.shape[0] > 1:
    check_frames_first(x.shape, name, "x[..., None]")
  return Frames(x, axes_note(x.shape))


def _of_four_axes(x: np.ndarray, name: str) -> Frames:
  t, first, second, last = x.shape
  if last in CHANNELS:
    return Frames(x, "")
  if first in CHANNELS and min(second, last) >= _SMALLEST_SIDE:
    note = f"The shape {x.shape} is read as [t, c, h, w], channels first"
    return Frames(np.moveaxis(x, 1, -1), note)

  sentence = f"{name} has the shape {x.shape}: give images as {_LAYOUTS}"
  if second == last and t > 1 and first not in CHANNELS:
    sentence += f"; a grid of {t} x {first} becomes it by x.reshape(-1, {second}, {last})"
  elif second in CHANNELS:
    sentence += "; [h, w, c, t] becomes it by numpy.moveaxis(x, -1, 0)"
  elif t == 1:
    sentence += "; the first axis is left out by x[0]"
  raise UserError(sentence)


def frames_of(x: np.ndarray, name: str) -> Frames:
  """Returns one frame [v, u], or a stack of them, as [t, v, u]; axes of length 1 are left out.

  Raises:
    UserError: the shape is that of no frames, or the frames seem to lie along the last axis.
  """
  if x.size == 0 or x.ndim < 2:
    raise UserError(
      f"{name} has the shape {x.shape}: give one frame [v, u] or a stack of frames [t, v, u]"
    )
  if x.ndim == 2:
    return Frames(x[None], "")

  explicit = x.ndim == 4 and x.shape[1] == 1
  longer = [side for side in x.shape if side != 1]
  if explicit:
    longer = [x.shape[0], *[side for side in x.shape[2:] if side != 1]]
  if len(longer) not in (2, 3):
    sentence = f"{name} has the shape {x.shape}: give one frame [v, u] or a stack [t, v, u]"
    if len(longer) > 3:
      v, u = longer[-2:]
      sentence += f", where these are frames of {v} x {u} by x.reshape(-1, {v}, {u}) as NPY"
    raise UserError(sentence)
  if len(longer) == 2:
    longer = [1, *longer]
  values = x.reshape(longer)
  note = ""
  if x.ndim > 3 or x.shape[0] != values.shape[0]:
    note = f"The shape {x.shape} is read as frames {values.shape}"
  if explicit or x.shape[0] == 1:
    return Frames(values, note)
  check_frames_first(values.shape, name, "x[:, None]")
  return Frames(values, note or axes_note(values.shape))


def check_frames_first(shape: tuple[int, int, int], name: str, way_out: str) -> None:
  """Raises a UserError where frames seem to lie along the last of three axes.

  Args:
    shape: of the array.
    name: for the error.
    way_out: the expression that says that they lie along the first.
  """
  first, second, last = shape
  square_before_last = first == second != last
  if square_before_last or _longer(shape) > _FAR_LONGER:
    raise UserError(
      f"{name} has the shape {shape}, which seems to be {last} frames of {first} x {second} along "
      f"the last axis: give them by numpy.moveaxis(x, -1, 0); if they are {first} frames of "
      f"{second} x {last}, give {way_out}"
    )


def _longer(shape: tuple[int, int, int]) -> float:
  """By how much frames along the first axis are longer than frames along the last one."""
  first, second, last = shape
  as_first = max(second, last) / min(second, last)
  as_last = max(first, second) / min(first, second)
  return as_first / as_last


def axes_note(shape: tuple[int, int, int]) -> str:
  """Returns a note where the shape does not tell which of three axes is that of the frames."""
  cube = len(set(shape)) == 1
  if not cube and (shape[0] == 1 or _longer(shape) <= _LONGER):
    return ""
  return f"The shape {shape} does not tell which axis is that of the frames: the first is taken"
