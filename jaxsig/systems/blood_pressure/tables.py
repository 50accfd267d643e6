"""Tables that reports of blood pressure have beside those of all systems."""
import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from jaxsig.data.ppg.pressure.labels import TARGETS
from jaxsig.rows import Row
from jaxsig.statistics import paired_difference
from jaxsig.system import Material
from jaxsig.systems.blood_pressure import standards
from jaxsig.systems.blood_pressure.agreement import (
  Agreement,
  Pairs,
  agreement,
  by_bin,
  compare_distributions,
  pairs_of,
)
from jaxsig.systems.blood_pressure.holm import holm
from jaxsig.systems.blood_pressure.score import WINDOW
from jaxsig.table_text import Line, Table

MEAN = "constant"
IN_WORDS = {"sbp": "Systolic", "dbp": "Diastolic"}
FEWEST_IN_BIN = 5   # windows
HELD_LEVELS = ("50", "80", "95")   # per cent
KS = "KS distance (p of windows, of subjects)"


def tables(material: Material) -> list[Table]:
  """The tables of both pressures: agreement, gains over the mean, by bin, standards."""
  every = []
  for target in TARGETS:
    pairs = pairs_by_method(material, target)
    if not pairs:
      continue
    found = {method: agreement(own) for method, own in pairs.items()}
    every.append(_agreement_table(target, found))
    every.append(_gain_table(target, pairs))
    if material.reference in pairs:
      for by in ("truth", "estimate"):
        every.append(_bin_table(target, pairs[material.reference], material.reference, by))
    every.append(_standards_table(target, pairs, found))
  return [table for table in every if table.lines]


def pairs_by_method(material: Material, target: str) -> Mapping[str, Pairs]:
  """{method: its pairs of a target}, best first."""
  rows: dict[str, list[Row]] = defaultdict(list)
  for row in material.rows:
    if row.metric == WINDOW and row.target == target:
      rows[row.method].append(row)
  pairs = {method: pairs_of(rows[method]) for method in material.methods if method in rows}
  return {method: own for method, own in pairs.items() if len(own.truth_n)}


def _number(x: float, decimals: int = 1) -> str:
  if not math.isfinite(x):
    return "-"
  return f"{x:.{decimals}f}"


def _share(x: float) -> str:
  if not math.isfinite(x):
    return "-"
  return f"{100 * x:.0f}%"


def _agreement_table(target: str, found: Mapping[str, Agreement]) -> Table:
  lines = []
  mean_mae = math.nan
  if MEAN in found:
    mean_mae = found[MEAN].mae
  for method, own in found.items():
    low, high = own.limits
    lines.append(Line(method, [
        _number(own.mae),
        _number(own.mae / mean_mae, 2),
        _number(own.mean_error),
        _number(own.sd),
        _number(own.rmse),
        _number(own.r2, 2),
        _number(own.slope, 2),
        f"{_number(low)} to {_number(high)}",
        str(own.windows),
        str(own.subjects),
    ]))
  return Table(
      title=f"{IN_WORDS[target]}: agreement over windows, in mmHg",
      header=[
          "method", "MAE", "MASE", "ME", "SD", "RMSE", "R2", "slope", "limits of agreement",
          "windows", "subjects"],
      lines=lines,
      note=(
          "Each window counts once. MASE: MAE over that of the training mean. Slope: of the error "
          "on the truth; -(1 - R2) is as good as it gets, so that high pressures are read too low "
          "and low ones too high by any method that knows little. Limits of agreement for repeated "
          "measures (Bland and Altman 2007)."),
  )


def _gain_table(target: str, pairs: Mapping[str, Pairs]) -> Table:
  """What each method gains over the training mean, subject by subject."""
  if MEAN not in pairs:
    return Table("", [], [])
  mean_mae = _subject_mae(pairs[MEAN])
  gains, p_values = {}, {}
  for method, own in pairs.items():
    if method == MEAN:
      continue
    own_mae = _subject_mae(own)
    shared = sorted(mean_mae.keys() & own_mae.keys())
    if len(shared) < 2:
      continue
    mean_g = np.array([mean_mae[subject] for subject in shared])
    own_g = np.array([own_mae[subject] for subject in shared])
    gains[method] = paired_difference(mean_g, own_g)
    p_values[method] = gains[method].p_value
  corrected = holm(p_values)
  lines = []
  for method, gain in gains.items():
    lines.append(Line(method, [
        f"{_number(gain.difference)} [{_number(gain.low)}, {_number(gain.high)}]",
        _p_value(p_values[method]),
        _p_value(corrected[method]),
        _distributions(pairs[method], pairs[MEAN]),
        verdict(gain.low, gain.high),
    ]))
  return Table(
      title=f"{IN_WORDS[target]}: gain over the training mean, in mmHg",
      header=["method", "gain [95 % CI]", "Wilcoxon p", "Holm p", KS, "verdict"],
      lines=lines,
      note=(
          "Mean over subjects of the mean's MAE less the method's, paired by subject; the interval "
          "by bootstrap over subjects; p corrected over the methods of this table. KS: the "
          "Kolmogorov-Smirnov distance of the errors to the mean's, with its p were all windows "
          "independent (as published studies have it), and with as many draws as subjects."),
  )


def _p_value(p: float) -> str:
  if p < 0.001:
    return "<0.001"
  return _number(p, 3)


def _distributions(own: Pairs, mean: Pairs) -> str:
  test = compare_distributions(own, mean)
  return (
      f"{test.distance:.2f} (p {_p_value(test.p_of_windows)}, "
      f"{_p_value(test.p_of_subjects)})")


def verdict(low: float, high: float) -> str:
  """What the interval of a gain over the training mean says."""
  if low > 0:
    return "better than the mean"
  if high < 0:
    return "worse than the mean"
  return "no better than the mean"


def _subject_mae(pairs: Pairs) -> dict[str, float]:
  sizes = defaultdict(list)
  for subject, error in zip(pairs.subject_n, pairs.error_n, strict=True):
    sizes[subject].append(abs(error))
  return {str(subject): float(np.mean(values)) for subject, values in sizes.items()}


def _bin_table(target: str, pairs: Pairs, method: str, by: str) -> Table:
  lines = []
  for one in by_bin(pairs, by):
    if one.windows < FEWEST_IN_BIN:
      continue
    name = f"{one.low_mmhg:g}-{one.low_mmhg + 10:g} mmHg"
    cells = [_number(one.mae), _number(one.mean_error)]
    for level in HELD_LEVELS:
      cells.append(_share(one.hold.get(level, math.nan)))
    cells += [str(one.windows), str(one.subjects)]
    lines.append(Line(name, cells))
  return Table(
      title=f"{IN_WORDS[target]}: error of {method} by bins of the {by}",
      header=[
          f"{by}", "MAE", "ME", *(f"{level} % hold" for level in HELD_LEVELS), "windows",
          "subjects"],
      lines=lines,
      note=(
          f"Bins with fewer than {FEWEST_IN_BIN} windows are left out. Hold: share of the windows "
          "whose interval of that level holds the truth."),
      secondary=by == "estimate",
  )


def _standards_table(
    target: str,
    pairs: Mapping[str, Pairs],
    found: Mapping[str, Agreement],
) -> Table:
  lines = []
  for method, own in found.items():
    error_n = pairs[method].error_n
    shares = "/".join(f"{share:.0f}" for share in standards.bhs_shares(error_n))
    lines.append(Line(method, [
        standards.iso_criterion_1(own).words,
        standards.iso_criterion_2(own).words,
        f"{standards.bhs_grade(error_n)} ({shares} % within 5/10/15)",
        standards.ieee_grade(own.mae),
    ]))
  first = next(iter(pairs.values()))
  lacking = standards.lacking_population(target, first)
  note = "A sample of windows is no validation study: no method is certified by this table."
  if lacking:
    note += f" Of ISO's population these readings lack: {'; '.join(lacking)}."
  return Table(
      title=f"{IN_WORDS[target]}: what the standards for cuffs would say",
      header=["method", "ISO 81060-2, criterion 1", "criterion 2", "BHS", "IEEE 1708"],
      lines=lines,
      note=note,
      numbers=False,
      secondary=True,
  )
