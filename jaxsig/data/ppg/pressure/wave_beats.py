"""Systolic and diastolic pressures of the beats of an arterial pressure wave."""
import numpy as np

from jaxsig.data.gaps import runs
from jaxsig.data.ppg.pressure.beat_peaks import find_beats
from jaxsig.data.ppg.pressure.pulse_filters import low_pass
from jaxsig.errors import UserError

LOW_PASS_HZ = 16.0
LEAST_MMHG, MOST_MMHG = 20.0, 250.0   # between which the median of a pressure wave lies
SHORTEST_S = 4.0              # of a stretch without gaps in which beats are looked for


def annotated(abp_t: np.ndarray, rate_hz: float) -> dict[str, np.ndarray]:
  """The pressures of all beats, as annotations of a record.

  Args:
    abp_t: [t] arterial pressure in mmHg, NaN in gaps.
    rate_hz: its sampling rate, 40 Hz or more.

  Returns:
    "sbp_t", "dbp_t": [t] float32 in mmHg, NaN but at the systolic peaks and at the feet.
  """
  sbp_t = np.full(len(abp_t), np.nan, np.float32)
  dbp_t = np.full(len(abp_t), np.nan, np.float32)
  for first, last in runs(np.isfinite(abp_t)):
    if last - first < SHORTEST_S * rate_hz:
      continue
    smooth_t = low_pass(abp_t[first:last], rate_hz, min(LOW_PASS_HZ, 0.4 * rate_hz))
    beats = find_beats(smooth_t, rate_hz)
    sbp_t[first + beats.peak_k] = smooth_t[beats.peak_k]
    dbp_t[first + beats.foot_k] = smooth_t[beats.foot_k]
  return {"sbp_t": sbp_t, "dbp_t": dbp_t}


def require_mmhg(abp_t: np.ndarray, path: object) -> None:
  """Raises UserError where a pressure wave is plainly not in mmHg."""
  finite_t = abp_t[np.isfinite(abp_t)]
  if not len(finite_t):
    raise UserError(f"{path} has no sample of the pressure: leave the record out")
  middle = float(np.median(finite_t))
  if not LEAST_MMHG <= middle <= MOST_MMHG:
    raise UserError(
        f"the pressure in {path} has the median {middle:g}, so that it is not in mmHg: correct its "
        "gain, or leave the record out with --config.data.skip_broken=True")
