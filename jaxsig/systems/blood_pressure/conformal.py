"""Intervals that hold the truth as often as they say, by the errors of validation subjects.

Split conformal prediction (Vovk et al. 2005) with every subject counted alike, however many windows
it has, as windows of one subject are no independent draws; the level at which a new subject is held
is found by leaving out subjects in turn, as the jackknife+ does (Barber et al., Annals of
Statistics 49, 2021).
"""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.system import Plain

LEVELS = ("50", "80", "90", "95")   # per cent
LEAST_SD_MMHG = 1.0
HALVINGS = 24   # of the span in which a level is looked for


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
  """The score under which a new subject has this share of its windows, on average.

  Every subject is left out in turn, and the level is looked for at which the quantiles of the
  others' windows hold the share of the windows that were left out; the width is the mean of those
  quantiles. So it is neither too narrow where subjects differ, nor too wide where they are alike.
  Where subjects are fewer than it takes to see so rare an error, ten for 90 % and twenty for 95 %,
  it is the largest score.
  """
  fine_n = np.isfinite(score_n)
  order_n = np.argsort(score_n[fine_n])
  score_n = score_n[fine_n][order_n]
  subjects, index_n = np.unique(subject_n[fine_n][order_n], return_inverse=True)
  if not len(subjects):
    return float("nan")
  if len(subjects) * (1 - share) < 1 - 1e-9 or len(subjects) == 1:
    return float(score_n[-1])
  weight_n = 1 / np.bincount(index_n)[index_n]
  scores = _Scores(score_n, weight_n, index_n)
  low, high = scores.at(0.0), scores.at(1.0)
  for _ in range(HALVINGS):
    middle = scores.at((low.level + high.level) / 2)
    if middle.held < share:
      low = middle
    else:
      high = middle
  # where subjects differ much, a step from one to the next holds many windows at once
  between = np.clip((share - low.held) / max(high.held - low.held, 1e-9), 0, 1)
  return float(low.width + between * (high.width - low.width))


class _Level(NamedTuple):
  """A level, the mean quantile there, and the mean share of those left out that it holds."""
  level: float
  width: float
  held: float


class _Scores(NamedTuple):
  """Ascending scores [n] of windows, with weights that count subjects alike, and whose they are."""
  score_n: np.ndarray
  weight_n: np.ndarray
  index_n: np.ndarray

  def at(self, level: float) -> _Level:
    """The quantiles of all subjects but each, and what they hold of the windows left out."""
    quantiles = []
    for subject in range(self.index_n.max() + 1):
      reached_n = np.cumsum(np.where(self.index_n == subject, 0.0, self.weight_n))
      place = np.searchsorted(reached_n, level * reached_n[-1] - 1e-9)
      quantiles.append(self.score_n[min(place, len(self.score_n) - 1)])
    quantile_s = np.array(quantiles)
    held_n = self.score_n <= quantile_s[self.index_n]
    held = np.mean(np.bincount(self.index_n, held_n * self.weight_n))
    return _Level(level, float(quantile_s.mean()), float(held))


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
