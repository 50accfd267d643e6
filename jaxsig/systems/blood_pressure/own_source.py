"""What a user gives of blood pressure: a PPG, traces of colour, or a video."""
import os
import pathlib

import numpy as np

from jaxsig.data.ppg import ppg_file
from jaxsig.data.ppg.camera import colour_pulse, video
from jaxsig.data.ppg.camera.colour_traces import read_traces
from jaxsig.data.records import Record
from jaxsig.system import OwnOptions


def read_source(source: object, options: OwnOptions) -> Record:
  """A record with "ppg_t", from a video by its suffix, from traces of R, G and B, or from a PPG.

  Args:
    source: a path; or an array, [t] of a PPG or [t, 3] of R, G, B.
    options: `own.box` or `own.mask` name the skin of a video; `own.camera` how its pulse is made.

  Raises:
    UserError: it cannot be read, see the readers.
  """
  own = options.own
  colours = _colours(source, options)
  if colours is None:
    return ppg_file.read_ppg(source, options.rate_hz, own.signal, own.polarity)
  return colour_pulse.with_ppg(colours, own.camera)


def _colours(source: object, options: OwnOptions) -> Record | None:
  """The traces of colour of a source; None of one that holds a PPG."""
  own = options.own
  if isinstance(source, (str, os.PathLike)):
    path = pathlib.Path(source)
    if path.suffix.lower() in video.SUFFIXES:
      return video.read_video(path, own.box, own.mask)
    return read_traces(path, options.rate_hz)
  array = np.asarray(source)
  if array.ndim == 2 and array.shape[1] == 3 and options.rate_hz:
    signals = {"rgb_t_c": array.astype(np.float32)}
    info = {"source": "user", "notes": ["Columns were taken for R, G and B."]}
    return Record("array", "user", float(options.rate_hz), signals, {}, info)
  return None
