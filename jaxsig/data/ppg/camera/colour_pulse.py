"""A PPG from traces of colour: minus POS, minus green or minus red, upright."""
import numpy as np

from jaxsig.data.gaps import stretches
from jaxsig.data.ppg.camera.pos import LEAST_LEVEL, WINDOW_S, pos
from jaxsig.data.ppg.clipped_values import clipped_share
from jaxsig.data.records import Record
from jaxsig.errors import UserError

BRIDGE_S = 0.15   # frames that are missing for no longer are filled by a straight line
WAYS = ("auto", "pos", "green", "red")
COLOURS = ("red", "green", "blue")
GREY = 1e-4            # of its level: colours that never differ by more are those of grey pictures
CLIPPED_SHARE = 0.02   # of the frames in which a colour rests at a limit, from which on it is told


def with_ppg(record: Record, way: str = "auto", name: str = "the recording") -> Record:
  """The record with "ppg_t" in the place of "rgb_t_c".

  Blood absorbs light, so that the skin is darker where its volume is larger: what is taken is the
  negative of each.

  Args:
    record: with "rgb_t_c" [t, 3], R, G, B on a uniform grid, not finite in gaps; those of up to
      BRIDGE_S are bridged.
    way: "pos"; "green" or "red": the colour over its mean; "auto": POS, or minus red where a
      channel is dark throughout, as under a fingertip, or minus green of grey pictures.
    name: for the error.

  Returns:
    The record; info["notes"] tells what was done, and info["is_clipped"] whether a colour rests at
    its limit.

  Raises:
    UserError: no frame is whole, or a channel that is needed is dark.
  """
  rgb_t_c = np.asarray(record.signals["rgb_t_c"], np.float64)
  is_whole_t = np.isfinite(rgb_t_c).all(-1)
  if not is_whole_t.any():
    raise UserError(f"{name} has no frame with a value of each of R, G and B: record it again")
  whole_t_c = rgb_t_c[is_whole_t]
  notes = list(record.info.get("notes", ()))
  if way == "auto":
    way, why = _way_of(whole_t_c, name)
    notes += why
  if way == "pos":
    notes += _order_notes(whole_t_c)
  clipped = _clipped_notes(whole_t_c, way)
  notes += clipped

  gapped_t_c = np.where(is_whole_t[:, None], record.signals["rgb_t_c"], np.nan)
  record = record._replace(signals={"rgb_t_c": gapped_t_c})
  ppg_t = np.full(len(rgb_t_c), np.nan, np.float32)
  for stretch in stretches(record, BRIDGE_S, WINDOW_S):
    own_t_c = np.asarray(stretch.record.signals["rgb_t_c"], np.float64)
    first = round(stretch.start_s * record.rate_hz)
    ppg_t[first:first + len(own_t_c)] = _pulse(own_t_c, record.rate_hz, way)
  info = {**record.info, "notes": notes}
  if clipped:
    info["is_clipped"] = True
  return record._replace(signals={"ppg_t": ppg_t}, info=info)


def _way_of(rgb_t_c: np.ndarray, name: str) -> tuple[str, list[str]]:
  """The way by which the pulse is made, and a sentence where it is not POS."""
  level_c = rgb_t_c.mean(0)
  if not (level_c > LEAST_LEVEL).any():
    raise UserError(f"{name} is dark throughout: record it with more light, or correct own.box")
  if not (level_c > LEAST_LEVEL).all():
    return "red", ["A colour channel is dark throughout: the pulse is minus red, not POS."]
  if np.ptp(rgb_t_c, axis=-1).max() <= GREY * level_c.max():
    return "green", ["The three colours are the same, as in grey pictures: the pulse is minus "
                     "their level, not POS."]
  return "pos", []


def _order_notes(rgb_t_c: np.ndarray) -> list[str]:
  red, _, blue = rgb_t_c.mean(0)
  if blue <= red:
    return []
  return ["Blue is brighter than red, which skin is not: if the colours are in the order B, G, R, "
          "reverse it."]


def _clipped_notes(rgb_t_c: np.ndarray, way: str) -> list[str]:
  """A sentence for each colour that is used and rests at its limit, as in pictures too bright."""
  notes = []
  for name, x_t in zip(COLOURS, rgb_t_c.T, strict=True):
    if way not in ("pos", name):
      continue
    is_still = np.ptp(x_t) == 0 and x_t[0] > LEAST_LEVEL
    if is_still or clipped_share(x_t) > CLIPPED_SHARE:
      notes.append(f"The colour {name} rests on one value, as where pictures are too bright or too "
                   "dark: pressures are doubtful.")
  return notes


def _pulse(rgb_t_c: np.ndarray, rate_hz: float, way: str) -> np.ndarray:
  if way == "pos":
    return -pos(rgb_t_c, rate_hz, "divided")
  column = COLOURS.index(way)
  level_t = rgb_t_c[:, column]
  if not level_t.mean() > LEAST_LEVEL:
    raise UserError(f"the channel {way} is dark throughout: choose another by own.camera")
  return -level_t / level_t.mean()
