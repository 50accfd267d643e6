"""Intervals that hold the truth as often as they say, by the errors of validation subjects.

Split conformal prediction (Vovk et al. 2005) with every subject counted alike, however many windows
it has: windows of one subject are no independent draws.
"""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.system import Plain

LEVELS = ("50", "80", "90", "95")   # per cent
LEAST_SD_MMHG = 1.0


class Errors(NamedTuple):
  """Errors of validation windows; [n, p] in mmHg, and whose they are."""
  error_n_p: np.ndarray
  sd_n_p: np.ndarray | None    # that the method states
  subject_n: np.ndarray


def fit(errors: Errors) -> Plain:
  """{level: [half the width of the interval for each target]}.

  Where the method states deviations, the widths are in units of them.
  """
  widths = {}
  for level in LEVELS:
    own = []
    for p in range(errors.error_n_p.shape[1]):
      score_n = np.abs(errors.error_n_p[:, p])
      if errors.sd_n_p is not None:
        score_n = score_n / np.maximum(errors.sd_n_p[:, p], LEAST_SD_MMHG)
      own.append(_quantile(score_n, errors.subject_n, float(level) / 100))
    widths[level] = own
  return widths


def _quantile(score_n: np.ndarray, subject_n: np.ndarray, share: float) -> float:
  """The score under which lies this share of the windows, subjects counted alike.

  One subject more than there are is counted above all, as the next one may be worse than any.
  """
  fine_n = np.isfinite(score_n)
  score_n = score_n[fine_n]
  subjects, index_n, counts = np.unique(
      subject_n[fine_n], return_inverse=True, return_counts=True)
  if not len(subjects):
    return float("nan")
  weight_n = 1 / (counts[index_n] * (len(subjects) + 1))
  order_n = np.argsort(score_n)
  reached_n = np.cumsum(weight_n[order_n])
  place = np.searchsorted(reached_n, share - 1e-9)
  return float(score_n[order_n][min(place, len(score_n) - 1)])


def intervals(
    estimate_b_p: np.ndarray,
    sd_b_p: np.ndarray | None,
    widths: Plain,
) -> dict[str, np.ndarray]:
  """{"low_LEVEL_mmhg_b_p", "high_LEVEL_mmhg_b_p"} of estimates."""
  arrays = {}
  for level, half_p in widths.items():
    half_b_p = np.broadcast_to(np.asarray(half_p, np.float64), estimate_b_p.shape)
    if sd_b_p is not None:
      half_b_p = half_b_p * np.maximum(sd_b_p, LEAST_SD_MMHG)
    arrays[f"low_{level}_mmhg_b_p"] = estimate_b_p - half_b_p
    arrays[f"high_{level}_mmhg_b_p"] = estimate_b_p + half_b_p
  return arrays


def joined(parts: Sequence[Errors]) -> Errors:
  """The errors of several records."""
  sds = [part.sd_n_p for part in parts]
  sd_n_p = None
  if all(sd is not None for sd in sds):
    sd_n_p = np.concatenate(sds)
  return Errors(
      np.concatenate([part.error_n_p for part in parts]),
      sd_n_p,
      np.concatenate([part.subject_n for part in parts]),
  )
