"""Figures of reports on blood pressure."""
import functools
from collections.abc import Mapping

import matplotlib.figure
import numpy as np

from jaxsig.data.ppg.pressure.labels import TARGETS
from jaxsig.figure_style import ACCENT, BASELINE, FAINT, OURS
from jaxsig.system import Figure, Material
from jaxsig.systems.blood_pressure.agreement import Pairs, by_bin, limits_of_agreement
from jaxsig.systems.blood_pressure.tables import FEWEST_IN_BIN, IN_WORDS, MEAN, pairs_by_method

MOST_POINTS = 4000


def figures(material: Material) -> list[Figure]:
  """Error by bin of the truth, and agreement of the reference method, for both pressures."""
  plans = []
  for target in TARGETS:
    pairs = pairs_by_method(material, target)
    plans.append(Figure(
        name=f"error_by_pressure_{target}",
        title=f"{IN_WORDS[target]} pressure: error by the true pressure",
        note=(
            "Mean absolute error in bins of 10 mmHg, over a histogram of the windows. Whatever "
            "knows little of the pressure errs least near the mean of its training subjects."),
        draw=functools.partial(_by_pressure, pairs, material.reference),
    ))
    plans.append(Figure(
        name=f"agreement_{target}",
        title=f"{IN_WORDS[target]} pressure: estimate less truth against their mean",
        note="Bland-Altman; lines: bias and limits of agreement for repeated measures.",
        draw=functools.partial(_agreement, pairs.get(material.reference)),
    ))
  return plans


def _by_pressure(
    pairs: Mapping[str, Pairs],
    reference: str,
) -> matplotlib.figure.Figure | None:
  if reference not in pairs:
    return None
  figure = matplotlib.figure.Figure(figsize=(7, 4))
  axes = figure.subplots()
  counts = axes.twinx()
  counts.hist(pairs[reference].truth_n, bins=40, color=FAINT, zorder=0)
  counts.set_ylabel("windows")
  axes.set_zorder(counts.get_zorder() + 1)
  axes.patch.set_visible(False)
  for method, color in ((MEAN, BASELINE), (reference, OURS)):
    if method not in pairs:
      continue
    bins = [one for one in by_bin(pairs[method]) if one.windows >= FEWEST_IN_BIN]
    middle = [one.low_mmhg + 5 for one in bins]
    axes.plot(middle, [one.mae for one in bins], marker="o", color=color, label=method)
  axes.set_xlabel("true pressure (mmHg)")
  axes.set_ylabel("mean absolute error (mmHg)")
  axes.legend()
  return figure


def _agreement(pairs: Pairs | None) -> matplotlib.figure.Figure | None:
  if pairs is None:
    return None
  figure = matplotlib.figure.Figure(figsize=(7, 4))
  axes = figure.subplots()
  step = -(-len(pairs.truth_n) // MOST_POINTS)
  mean_n = (pairs.estimate_n + pairs.truth_n)[::step] / 2
  axes.plot(mean_n, pairs.error_n[::step], ".", markersize=3, alpha=0.4, color=OURS)
  axes.axhline(float(np.mean(pairs.error_n)), color=ACCENT)
  for limit in limits_of_agreement(pairs):
    axes.axhline(limit, color=ACCENT, linestyle="--")
  axes.set_xlabel("mean of estimate and truth (mmHg)")
  axes.set_ylabel("estimate - truth (mmHg)")
  return figure
