"""Figures and counts in words, as tables and pages tell them."""
from collections.abc import Sequence

from jaxsig.report.averages import MEANS, Estimate
from jaxsig.report.join import LEAKS
from jaxsig.system import Metric, Words

MOST_NAMES = 12   # of groups in a sentence
SIMULATED_BANNER = "SIMULATED: no evidence about real data"


def number(x: float | None, decimals: int = 2) -> str:
  """A figure, or "-" where there is none."""
  if x is None:
    return "-"
  return f"{x:z.{decimals}f}"


def percent(x: float | None) -> str:
  """A share in per cent, or "-" where there is none."""
  if x is None:
    return "-"
  return f"{x:.0%}"


def interval(x: Estimate, decimals: int = 2) -> str:
  """A figure with its interval: "1.20 [1.00, 1.40]"."""
  value = number(x.value, decimals)
  if x.low is None:
    return value
  low = number(x.low, decimals)
  high = number(x.high, decimals)
  return f"{value} [{low}, {high}]"


def p_value(p: float) -> str:
  """A p value with three decimals, or "<0.001"."""
  if p < 0.001:
    return "<0.001"
  return f"{p:.3f}"


def statistic(metric: Metric) -> str:
  """What tables call the figure of a metric: "MAE", "median absolute error", "mean", ..."""
  how = metric.aggregate
  if not metric.is_error:
    return how.groups
  if how == MEANS:
    return "MAE"
  return f"{how.groups} absolute error"


def with_unit(text: str, metric: Metric) -> str:
  """A heading with the metric's unit, where it has one: "MAE, mm"."""
  if metric.unit:
    return f"{text}, {metric.unit}"
  return text


def followed_by_unit(text: str, metric: Metric) -> str:
  """A quantity with the metric's unit, where it has one: "within 2 mm"."""
  if metric.unit:
    return f"{text} {metric.unit}"
  return text


def axis_label(text: str, metric: Metric) -> str:
  """A label with the metric's unit, where it has one: "error (mm)"."""
  if metric.unit:
    return f"{text} ({metric.unit})"
  return text


def capitalised(text: str) -> str:
  """The text with a capital at its beginning."""
  return text[:1].upper() + text[1:]


def noun(n: int, singular: str, plural: str) -> str:
  """The word for so many things."""
  if n == 1:
    return singular
  return plural


def count(n: int, singular: str, plural: str) -> str:
  """A number of things: "1 recording", "2 recordings"."""
  return f"{n} {noun(n, singular, plural)}"


def groups(n: int, words: Words) -> str:
  """A number of groups, in the field's words."""
  return count(n, words.group, words.groups)


def records(n: int, words: Words) -> str:
  """A number of records, in the field's words."""
  return count(n, words.record, words.records)


def units(n: int, words: Words) -> str:
  """A number of units, in the field's words."""
  return count(n, words.unit, words.units)


def distinct(words: Words) -> Words:
  """The words; where two of them are the same, with what they stand for: "blocks (groups)"."""
  plurals = [words.groups, words.records, words.units]
  told = {}
  for part in ("group", "record", "unit"):
    singular = getattr(words, part)
    plural = getattr(words, f"{part}s")
    if plurals.count(plural) > 1:
      told[part] = f"{singular} ({part})"
      told[f"{part}s"] = f"{plural} ({part}s)"
  return words._replace(**told)


def sizes(n_groups: int, n_records: int, n_units: int, words: Words) -> str:
  """How much there is: numbers of groups, records and units, in distinct words."""
  words = distinct(words)
  parts = [
      groups(n_groups, words),
      records(n_records, words),
      units(n_units, words),
  ]
  return ", ".join(parts)


def names(missing: Sequence[str], words: Words) -> str:
  """The names of groups, or their number where they are many."""
  if len(missing) <= MOST_NAMES:
    return ", ".join(missing)
  return groups(len(missing), words)


def how_averaged(words: Words) -> str:
  """The sentences that say how figures come about."""
  return (
      f"Figures are means over {words.groups} unless a table says otherwise: {words.units} are "
      f"averaged within a seed, seeds within each {words.record}, {words.records} within each "
      f"{words.group}. [low, high] are 95 % intervals by bootstrap over {words.groups}; limits of "
      f"agreement are bias -+ 1.96 SD, each {words.group} of equal weight.")


def other_averages(metric: Metric, words: Words) -> str:
  """The sentence that says how a metric is averaged; empty where that is the mean throughout."""
  how = metric.aggregate
  if how == MEANS:
    return ""
  return (
      f"The {how.units} over {words.units}, then the mean over seeds, "
      f"then the {how.records} over {words.records}, then the {how.groups} over {words.groups}.")


def banner(simulated: bool, methods: Sequence[str]) -> str:
  """What stands above everything where records are simulated or a split leaks; else empty."""
  parts = []
  if simulated:
    parts.append(SIMULATED_BANNER)

  leaking = [method for method in methods if LEAKS in method]
  if leaking:
    whose = ", ".join(leaking)
    if len(leaking) == len(methods):
      whose = "all methods"
    parts.append(
        f"LEAKS: the split of {whose} leaks on purpose: what is tested was partly trained on, "
        "so that these figures are no evidence of anything but what leaking does")
  return ". ".join(parts)
