"""How far a rate per minute may be trusted: one rule, fixed in advance, from what the model says of itself and of the signal."""
import numpy as np

GOOD, DOUBTFUL, NONE = "good", "doubtful", "no estimate"
DOUBTFUL_SPREAD = 2.0         # per minute: what is called agreement between two observers
WIDEST_95 = 12.0              # per minute: the span of all resting adults, so nothing was learnt
BAND = (4.0, 60.0)            # per minute: the rates that are looked for; at its edge the true rate is most likely outside
EDGE = 1.02                   # a factor, about the step of the finest grid of rates
MOST_UNSEEN = 0.5             # of a window
PASSED_OVER_S = 1.0           # of a window: the end of a stretch that whole seconds leave
NUMBERS = ("estimate", "spread", *(f"{end}_{level}" for level in (50, 80, 95) for end in ("low", "high")))


def judge(row: dict, bridged_s: float, unseen_s: float, length_s: float) -> str:
  """The quality of a rate row: "good", "doubtful" or "no estimate".

  "no estimate": there is none; it lies at the edge of the band; its 95 % interval (where there is none, two spreads) is wider
  than 12 a minute; or the model saw less than half of the window. "doubtful": else, where the spread is above 2 a minute or
  unknown, or some of the window was bridged, or more than a second of it not seen.

  Args:
    row: "estimate", and "spread", "low_95", "high_95" where the method has them; per minute.
    bridged_s: seconds of the window that a line fills.
    unseen_s: seconds of it that no model window covers.
    length_s: of the window.
  """
  estimate, spread, low, high = (row.get(k) for k in ("estimate", "spread", "low_95", "high_95"))
  if estimate is None or not np.isfinite(estimate) or not BAND[0] * EDGE < estimate < BAND[1] / EDGE:
    return NONE
  width = high - low if None not in (low, high) else None if spread is None else 2 * spread
  if unseen_s > MOST_UNSEEN * length_s or (width is not None and not width <= WIDEST_95):
    return NONE
  if spread is None or spread > DOUBTFUL_SPREAD or bridged_s > 0 or unseen_s > PASSED_OVER_S:
    return DOUBTFUL
  return GOOD


def emptied(row: dict) -> dict:
  """The row without its numbers: what is no estimate must not be read as one."""
  return {k: (None if k in NUMBERS else v) for k, v in row.items()}
