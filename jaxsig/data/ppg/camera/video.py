"""The mean colour of a region of each frame of a video, by PyAV."""
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxsig.data.ppg.camera.frame_times import uniform
from jaxsig.data.records import Record
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import av.container

SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".3gp")
BOX_REMEDY = "tell where the skin is with own.box=(x, y, width, height) in pixels"
LOSSY = ("JPEG", "WEBP")   # pictures whose values change as they are stored
MOST_CUT_S = 1.0   # by which the pictures may end before the file says that they do


class Frames(NamedTuple):
  """What was read of the frames of a video."""
  time_s_t: list[float]
  rgb_t_c: list[np.ndarray]
  notes: list[str]


def read_video(path: str | os.PathLike, box: Sequence[int] = (), mask: str = "") -> Record:
  """A record with "rgb_t_c" [t, 3], the mean colour of a region, 0 to 255; NaN rows in gaps.

  Frames are decoded one by one: memory is that of one. Times are those that the frames bear; frames
  that are missing leave a gap. Frames are turned as players show them.

  Args:
    path: of a video file.
    box: (x, y, width, height) of the skin in pixels.
    mask: path of an image or NPY of the frames' size, in which the skin is not 0.

  Raises:
    UserError: it is no video, is damaged, or the region is missing or lies outside.
  """
  path = pathlib.Path(path)
  if not len(box) and not mask:
    raise UserError(f"{path} is a video, and it is not known where the skin is: {BOX_REMEDY}")
  if len(box) and mask:
    raise UserError("own.box and own.mask both tell where the skin is: leave one out")
  if not path.is_file():
    raise UserError(f"{path} is no file: name a video file")
  frames = _frames(path, box, mask)
  colours_t_c = np.array(frames.rgb_t_c).reshape(-1, 3)
  even = uniform(np.array(frames.time_s_t), colours_t_c, str(path))
  return Record(
      id=path.stem,
      group="user",
      rate_hz=even.rate_hz,
      signals={"rgb_t_c": even.rgb_t_c},
      annotations={},
      info={"source": "video", "notes": [*frames.notes, *even.notes]},
  )


def _frames(path: pathlib.Path, box: Sequence[int], mask: str) -> Frames:
  """Times in seconds and mean colours of all frames."""
  import av  # takes long to import: only where a video is read

  frames = Frames([], [], [])
  try:
    with av.open(str(path)) as container:
      if not container.streams.video:
        raise UserError(f"{path} has no pictures: give a video file")
      _decode(container, path, box, mask, frames)
  except av.error.FFmpegError as error:
    reason = error.strerror or error
    times = frames.time_s_t
    if not times:
      raise UserError(
          f"{path} cannot be read as a video ({reason}): copy it again, or convert it to MP4"
      ) from error
    raise UserError(
        f"{path} is damaged after {times[-1] - times[0]:.1f} s ({reason}): copy it again"
    ) from error
  return frames


def _decode(
    container: "av.container.InputContainer",
    path: pathlib.Path,
    box: Sequence[int],
    mask: str,
    frames: Frames,
) -> None:
  """Adds the time and the mean colour of each frame of a video."""
  region, size = None, ()
  for frame in container.decode(video=0):
    if frame.time is None:
      raise UserError(f"the frames of {path} bear no times: convert it to MP4")
    pixels_y_x_c = _as_shown(frame.to_ndarray(format="rgb24"), frame.rotation)
    if region is None:
      size = pixels_y_x_c.shape
      region = _region(size[:2], box, mask, path)
      if frame.rotation:
        frames.notes.append(
            f"Its frames are turned by {frame.rotation} degrees, as players show them: they are "
            f"{size[1]} wide and {size[0]} high.")
    if pixels_y_x_c.shape != size:
      seconds = frame.time - frames.time_s_t[0]
      raise UserError(
          f"the frames of {path} change their size after {seconds:.1f} s: convert it to one size")
    frames.time_s_t.append(float(frame.time))
    frames.rgb_t_c.append(_mean_colour(pixels_y_x_c, region))
  frames.notes.extend(_cut_notes(container, frames.time_s_t))


def _as_shown(pixels_y_x_c: np.ndarray, rotation: int) -> np.ndarray:
  """A frame turned anticlockwise by the degrees that it bears, in quarters."""
  return np.rot90(pixels_y_x_c, round(rotation / 90) % 4)


def _cut_notes(container: "av.container.InputContainer", time_s_t: Sequence[float]) -> list[str]:
  """A sentence where the file says that its pictures are longer than they are."""
  stream = container.streams.video[0]
  said_s = 0.0
  if stream.duration is not None:
    said_s = float(stream.duration * stream.time_base)
  elif container.duration is not None:
    said_s = container.duration / 1e6
  if not time_s_t or said_s - (time_s_t[-1] - time_s_t[0]) <= MOST_CUT_S:
    return []
  return [
      f"The file says that it lasts {said_s:.1f} s, but its pictures end after "
      f"{time_s_t[-1] - time_s_t[0]:.1f} s: it may be cut off."
  ]


def _region(
    size: tuple[int, int],
    box: Sequence[int],
    mask: str,
    path: pathlib.Path,
) -> tuple[slice, slice] | np.ndarray:
  """The region of a frame: two slices, or [y, x] bool."""
  height, width = size
  if mask:
    return _mask(size, mask, path)
  x, y, wide, high = (int(number) for number in box)
  inside = x >= 0 and y >= 0 and wide > 0 and high > 0 and x + wide <= width and y + high <= height
  if not inside:
    raise UserError(
        f"own.box={tuple(box)} does not lie inside the frames of {path}, which are {width} wide "
        f"and {height} high: {BOX_REMEDY}")
  return slice(y, y + high), slice(x, x + wide)


def _mask(size: tuple[int, int], mask: str, path: pathlib.Path) -> np.ndarray:
  from PIL import UnidentifiedImageError

  try:
    if mask.lower().endswith(".npy"):
      mask_y_x = _stored_mask(mask)
    else:
      mask_y_x = _painted_mask(mask)
  except (OSError, ValueError, UnidentifiedImageError) as error:
    reason = getattr(error, "strerror", None) or error
    raise UserError(f"own.mask={mask} cannot be read ({reason}): name an image or NPY") from error
  height, width = size
  if mask_y_x.shape != size:
    wide_and_high = "x".join(str(n) for n in reversed(mask_y_x.shape))
    raise UserError(
        f"own.mask={mask} has the shape {wide_and_high} (width x height), where the frames of "
        f"{path} are {width} wide and {height} high: make it of their size")
  if not mask_y_x.any():
    raise UserError(f"own.mask={mask} is 0 throughout: paint the skin in it")
  return mask_y_x


def _stored_mask(mask: str) -> np.ndarray:
  mask_y_x = np.load(mask, allow_pickle=False)
  is_number = isinstance(mask_y_x, np.ndarray) and mask_y_x.dtype.kind in "biuf"
  if not is_number or not np.isfinite(mask_y_x).all():
    raise ValueError("it holds no finite real numbers")
  return mask_y_x != 0


def _painted_mask(mask: str) -> np.ndarray:
  """[y, x] where a picture is not black and, of one that is transparent in parts, not so."""
  from PIL import Image

  with Image.open(mask) as picture:
    grey_y_x = np.asarray(picture.convert("L"))
    alpha_y_x = np.asarray(picture.convert("RGBA"))[..., 3]
    is_lossy = picture.format in LOSSY
  if is_lossy:   # what was black is nearly black
    return grey_y_x > 127
  if alpha_y_x.all():
    return grey_y_x != 0
  is_painted_y_x = alpha_y_x != 0
  is_bright_y_x = grey_y_x != 0
  if (is_painted_y_x & is_bright_y_x).any():
    return is_painted_y_x & is_bright_y_x
  return is_painted_y_x   # painted in black


def _mean_colour(pixels_y_x_c: np.ndarray, region: tuple[slice, slice] | np.ndarray) -> np.ndarray:
  return pixels_y_x_c[region].reshape(-1, 3).mean(0, dtype=np.float64)
