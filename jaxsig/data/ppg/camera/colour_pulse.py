"""A PPG from traces of colour: minus POS, minus green or minus red, upright."""
import numpy as np

from jaxsig.data.gaps import runs
from jaxsig.data.ppg.camera.pos import LEAST_LEVEL, WINDOW_S, pos
from jaxsig.data.records import Record
from jaxsig.errors import UserError

WAYS = ("auto", "pos", "green", "red")


def with_ppg(record: Record, way: str = "auto") -> Record:
  """The record with "ppg_t" in the place of "rgb_t_c".

  Blood absorbs light, so that the skin is darker where its volume is larger: what is taken is the
  negative of each.

  Args:
    record: with "rgb_t_c" [t, 3], R, G, B on a uniform grid, NaN in gaps.
    way: "pos"; "green" or "red": the colour over its mean; "auto": POS, or minus red where a
      channel is dark throughout, as under a fingertip.

  Raises:
    UserError: a channel that is needed is dark.
  """
  rgb_t_c = np.asarray(record.signals["rgb_t_c"], np.float64)
  notes = list(record.info.get("notes", ()))
  if way == "auto":
    way = "pos"
    level_c = np.nanmean(rgb_t_c, 0)
    if not (level_c > LEAST_LEVEL).all():
      way = "red"
      notes.append("A colour channel is dark throughout: the pulse is minus red, not POS.")
  is_finite_t = np.isfinite(rgb_t_c).all(-1)
  ppg_t = np.full(len(rgb_t_c), np.nan, np.float32)
  for first, last in runs(is_finite_t):
    if last - first >= np.ceil(WINDOW_S * record.rate_hz):
      ppg_t[first:last] = _pulse(rgb_t_c[first:last], record.rate_hz, way)
  signals = {"ppg_t": ppg_t}
  return record._replace(signals=signals, info={**record.info, "notes": notes})


def _pulse(rgb_t_c: np.ndarray, rate_hz: float, way: str) -> np.ndarray:
  if way == "pos":
    return -pos(rgb_t_c, rate_hz, "divided")
  column = {"green": 1, "red": 0}[way]
  level_t = rgb_t_c[:, column]
  if not level_t.mean() > LEAST_LEVEL:
    raise UserError(f"the channel {way} is dark throughout: choose another by own.camera")
  return -level_t / level_t.mean()
