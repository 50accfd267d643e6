"""Recordings of a simulated cohort as a camera has them: colours of skin, and the pulse in them."""
from collections.abc import Sequence

import numpy as np

from jaxsig.data.ppg.camera.colour_pulse import with_ppg
from jaxsig.data.ppg.camera.simulated_colours import FRAME_RATE_HZ, colours, draw_skin
from jaxsig.data.ppg.pressure.simulated_pulse import RATE_HZ as PULSE_RATE_HZ
from jaxsig.data.ppg.pressure.simulated_pulse import Pulse
from jaxsig.data.records import Record

GAP_S = 1.0


def camera_record(
    name: str,
    parts: Sequence[Pulse],
    artefacts: float,
    way: str,
    draw: np.random.Generator,
) -> Record:
  """A person's record at the camera's frame rate, its pulse in "ppg_t".

  Args:
    name: of the person.
    parts: the pulse of each stretch.
    artefacts: see `simulated_colours.colours`.
    way: how the pulse is made of the colours, see `colour_pulse.with_ppg`.
    draw: of this person alone.

  Returns:
    A record with "ppg_t", "sbp_t" and "dbp_t" at FRAME_RATE_HZ, NaN for a second between stretches.
  """
  skin = draw_skin(draw)
  gap = round(GAP_S * FRAME_RATE_HZ)
  rgb, labels = [], {"sbp_t": [], "dbp_t": []}
  for pulse in parts:
    rgb_t_c = colours(pulse.volume_t, PULSE_RATE_HZ, skin, artefacts, draw)
    rgb += [rgb_t_c, np.full((gap, 3), np.nan)]
    for target, values in labels.items():
      own_t = _at_frames(getattr(pulse, target), len(rgb_t_c))
      values += [own_t, np.full(gap, np.nan, np.float32)]
  annotations = {target: np.concatenate(values[:-1]) for target, values in labels.items()}
  record = Record(
      id=name,
      group=name,
      rate_hz=FRAME_RATE_HZ,
      signals={"rgb_t_c": np.concatenate(rgb[:-1]).astype(np.float32)},
      annotations=annotations,
      info={"source": "simulated"},
  )
  return with_ppg(record, way)


def _at_frames(mmhg_t: np.ndarray, frames: int) -> np.ndarray:
  """[t] pressures of beats at the nearest frames, NaN elsewhere."""
  found_k = np.flatnonzero(np.isfinite(mmhg_t))
  frame_k = np.rint(found_k / PULSE_RATE_HZ * FRAME_RATE_HZ).astype(int)
  own_t = np.full(frames, np.nan, np.float32)
  is_inside_k = frame_k < frames
  own_t[frame_k[is_inside_k]] = mmhg_t[found_k[is_inside_k]]
  return own_t
