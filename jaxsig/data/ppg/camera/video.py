"""The mean colour of a region of each frame of a video, by PyAV."""
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from jaxsig.data.ppg.camera.frame_times import uniform
from jaxsig.data.records import Record
from jaxsig.errors import UserError

SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".3gp")
BOX_REMEDY = "name the skin by own.box=(x, y, width, height) in pixels"


def read_video(path: str | os.PathLike, box: Sequence[int] = (), mask: str = "") -> Record:
  """A record with "rgb_t_c" [t, 3], the mean colour of a region, 0 to 255; NaN rows in gaps.

  Frames are decoded one by one: memory is that of one. Times are those that the frames bear; frames
  that are missing leave a gap.

  Args:
    path: of a video file.
    box: (x, y, width, height) of the skin in pixels.
    mask: path of an image or NPY of the frames' size, in which the skin is not 0.

  Raises:
    UserError: it is no video, is damaged, or the region is missing or lies outside.
  """
  path = pathlib.Path(path)
  if not len(box) and not mask:
    raise UserError(f"{path} is a video, of which no skin is named: {BOX_REMEDY}")
  times, colours = _frames(path, box, mask)
  even = uniform(np.array(times), np.array(colours).reshape(-1, 3), str(path))
  return Record(
      id=path.stem,
      group="user",
      rate_hz=even.rate_hz,
      signals={"rgb_t_c": even.rgb_t_c},
      annotations={},
      info={"source": "video", "notes": list(even.notes)},
  )


def _frames(
    path: pathlib.Path,
    box: Sequence[int],
    mask: str,
) -> tuple[list[float], list[np.ndarray]]:
  """Times in seconds and mean colours of all frames."""
  import av  # takes long to import: only where a video is read

  times, colours = [], []
  region = None
  try:
    with av.open(str(path)) as container:
      if not container.streams.video:
        raise UserError(f"{path} has no pictures: give a video file")
      for frame in container.decode(video=0):
        if frame.time is None:
          raise UserError(f"the frames of {path} bear no times: convert it to MP4")
        pixels_y_x_c = frame.to_ndarray(format="rgb24")
        if region is None:
          region = _region(pixels_y_x_c.shape[:2], box, mask, path)
        times.append(float(frame.time))
        colours.append(_mean_colour(pixels_y_x_c, region))
  except av.error.FFmpegError as error:
    if not times:
      raise UserError(
          f"{path} cannot be read as a video ({error}): copy it again, or convert it to MP4"
      ) from error
    raise UserError(
        f"{path} is damaged after {times[-1] - times[0]:.1f} s ({error}): copy it again") from error
  return times, colours


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
  from PIL import Image, UnidentifiedImageError

  try:
    if mask.endswith(".npy"):
      mask_y_x = np.load(mask, allow_pickle=False)
    else:
      mask_y_x = np.asarray(Image.open(mask).convert("L"))
  except (OSError, ValueError, UnidentifiedImageError) as error:
    raise UserError(f"own.mask={mask} cannot be read ({error}): name an image or NPY") from error
  if mask_y_x.shape != size or not mask_y_x.any():
    height, width = size
    raise UserError(
        f"own.mask={mask} has the shape {mask_y_x.shape}, or nothing in it: the frames of {path} "
        f"are {width} wide and {height} high")
  return mask_y_x != 0


def _mean_colour(pixels_y_x_c: np.ndarray, region: tuple[slice, slice] | np.ndarray) -> np.ndarray:
  return pixels_y_x_c[region].reshape(-1, 3).mean(0, dtype=np.float64)
