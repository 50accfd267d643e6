"""What the standards for cuffs ask for, applied to a table: what would fail, and why.

A sample of windows is no validation study: no badge is given.
"""
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.systems.blood_pressure.agreement import Agreement, Pairs

ISO_SUBJECTS = 85
ISO_BIAS_MMHG, ISO_SD_MMHG = 5.0, 8.0
ISO_WITHIN_MMHG, ISO_SHARE = 10.0, 0.85
BHS_MMHG = (5.0, 10.0, 15.0)
BHS_GRADES = {"A": (60.0, 85.0, 95.0), "B": (50.0, 75.0, 90.0), "C": (40.0, 65.0, 85.0)}
IEEE_GRADES = (("A", 5.0), ("B", 6.0), ("C", 7.0))   # largest mean absolute difference; C below
# Population of ISO 81060-2: (target, side, mmHg, least per cent of the readings)
POPULATION = (
    ("sbp", "at most", 100.0, 5.0),
    ("sbp", "at least", 160.0, 5.0),
    ("sbp", "at least", 140.0, 20.0),
    ("dbp", "at most", 60.0, 5.0),
    ("dbp", "at least", 100.0, 5.0),
    ("dbp", "at least", 85.0, 20.0),
)


class Verdict(NamedTuple):
  """Whether figures would meet a criterion, and in words why not."""
  meets: bool
  words: str


def iso_criterion_1(found: Agreement) -> Verdict:
  """ISO 81060-2, criterion 1: mean error within 5 mmHg, deviation within 8, 85 subjects."""
  reasons = []
  if abs(found.mean_error) > ISO_BIAS_MMHG:
    reasons.append(f"the mean error is {found.mean_error:+.1f} mmHg, more than 5")
  if not found.sd <= ISO_SD_MMHG:
    reasons.append(f"the deviation is {found.sd:.1f} mmHg, more than 8")
  if found.subjects < ISO_SUBJECTS:
    reasons.append(f"{found.subjects} subjects are fewer than 85")
  return _verdict(reasons)


def iso_criterion_2(found: Agreement) -> Verdict:
  """ISO 81060-2, criterion 2: the deviation of the subjects' mean errors, by the mean error."""
  most = largest_sd(found.mean_error)
  reasons = []
  if not found.sd_of_subject_means <= most:
    reasons.append(
        f"the deviation of the subjects' means is {found.sd_of_subject_means:.1f} mmHg, more than "
        f"the {most:.2f} that a mean error of {found.mean_error:+.1f} allows")
  if found.subjects < ISO_SUBJECTS:
    reasons.append(f"{found.subjects} subjects are fewer than 85")
  return _verdict(reasons)


def _verdict(reasons: Sequence[str]) -> Verdict:
  if reasons:
    return Verdict(False, "would fail: " + ", ".join(reasons))
  return Verdict(True, "these figures would pass, in a study of its rules")


@functools.lru_cache(maxsize=4096)
def largest_sd(mean_error_mmhg: float) -> float:
  """The deviation in mmHg at which a normal error with this mean lies within 10 mmHg in 85 %.

  0 where the mean error alone is too large.
  """
  import scipy.optimize
  import scipy.stats

  bias = abs(mean_error_mmhg)

  def lacking(sd: float) -> float:
    above = scipy.stats.norm.cdf((ISO_WITHIN_MMHG - bias) / sd)
    below = scipy.stats.norm.cdf((-ISO_WITHIN_MMHG - bias) / sd)
    return above - below - ISO_SHARE

  if bias >= ISO_WITHIN_MMHG or lacking(1e-3) < 0:
    return 0.0
  return float(scipy.optimize.brentq(lacking, 1e-3, 50.0))


def bhs_grade(error_n: np.ndarray) -> str:
  """The grade of the British Hypertension Society (1993), A to D, by the share within 5, 10, 15."""
  shares = bhs_shares(error_n)
  for grade, needed in BHS_GRADES.items():
    if all(share >= least for share, least in zip(shares, needed, strict=True)):
      return grade
  return "D"


def bhs_shares(error_n: np.ndarray) -> tuple[float, ...]:
  """Per cent of the errors within 5, 10 and 15 mmHg."""
  size_n = np.abs(error_n)
  return tuple(float(100 * np.mean(size_n <= within)) for within in BHS_MMHG)


def ieee_grade(mae_mmhg: float) -> str:
  """The grade of IEEE 1708 by the mean absolute difference, A to D.

  The standard asks for pressures that have changed since the calibration by 15 and by 30 mmHg.
  """
  for grade, most in IEEE_GRADES:
    if mae_mmhg <= most and (grade != "C" or mae_mmhg < most):
      return grade
  return "D"


def lacking_population(target: str, pairs: Pairs) -> list[str]:
  """What the readings of ISO 81060-2's population lack, a sentence each."""
  lacking = []
  for of, side, mmhg, least in POPULATION:
    if of != target or not len(pairs.truth_n):
      continue
    inside_n = pairs.truth_n <= mmhg
    if side == "at least":
      inside_n = pairs.truth_n >= mmhg
    share = 100 * float(np.mean(inside_n))
    if share < least:
      lacking.append(
          f"{share:.0f} % of the readings are {side} {mmhg:g} mmHg, less than {least:g} %")
  return lacking
