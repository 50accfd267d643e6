"""Figures and counts in words, as tables and pages tell them."""
from collections.abc import Iterable, Mapping, Sequence

from jaxsig.plurals import count
from jaxsig.report.averages import MEANS, Estimate
from jaxsig.report.join import LEAKS, Trained
from jaxsig.report.nesting import Nesting
from jaxsig.system import Metric, Words

MOST_NAMES = 12   # of groups in a sentence
USUAL = Nesting()
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


def heading(metric: Metric) -> str:
  """The heading of a metric's figures: "MAE [95 % CI], mm", or of a count "number"."""
  if metric.is_count:
    return with_unit("number", metric)
  return with_unit(f"{statistic(metric)} [95 % CI]", metric)


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


def groups(n: int, words: Words) -> str:
  """A number of groups, in the field's words."""
  return count(n, words.group, words.groups)


def records(n: int, words: Words) -> str:
  """A number of records, in the field's words."""
  return count(n, words.record, words.records)


def units(n: int, words: Words) -> str:
  """A number of units, in the field's words."""
  return count(n, words.unit, words.units)


def distinct(words: Words, nesting: Nesting = USUAL) -> Words:
  """The words; where two of them are the same, with what they stand for: "blocks (groups)".

  Units that are the groups one for one are told once, as groups.
  """
  parts = ["group", "record"]
  if not nesting.units_are_groups:
    parts.append("unit")
  plurals = [getattr(words, f"{part}s") for part in parts]
  told = {}
  for part in parts:
    singular = getattr(words, part)
    plural = getattr(words, f"{part}s")
    if plurals.count(plural) > 1:
      told[part] = f"{singular} ({part})"
      told[f"{part}s"] = f"{plural} ({part}s)"
  return words._replace(**told)


def sizes(
    n_groups: int,
    n_records: int,
    n_units: int,
    words: Words,
    nesting: Nesting = USUAL,
) -> str:
  """How much there is: numbers of groups, records and units, in distinct words."""
  words = distinct(words, nesting)
  parts = [groups(n_groups, words), records(n_records, words)]
  if nesting.groups_in_records:
    parts = [f"{parts[0]} in {parts[1]}"]
  if not nesting.units_are_groups:
    parts.append(units(n_units, words))
  return ", ".join(parts)


def listed(methods: Iterable[str]) -> str:
  """Names of methods in a sentence; they may contain commas themselves."""
  return "; ".join(methods)


def trainings(trained: Mapping[str, Trained], reference: str) -> list[str]:
  """The sentences that say which names are readings of one training, and which other trainings."""
  read = {}
  others = []
  for method, one in trained.items():
    if one.label:
      read[one.training] = None
    elif method != reference:
      others.append(method)

  sentences = []
  if read:
    sentences.append(
        'A name "X, Y" is X read as Y (settings: readings in the config.json of X), where X is '
        f"{listed(read)}.")
  if others:
    sentences.append(
        f"Further trainings (settings: config.json in the workdir of each): {listed(others)}.")
  return sentences


def absent_metrics(names: Sequence[str]) -> list[str]:
  """The sentence on metrics that a report was asked for and has no rows of."""
  if not names:
    return []
  return [f"Left out, as no record gives a row of it: {listed(names)}."]


def absent_strata(names: Sequence[str], words: Words) -> list[str]:
  """The sentence on what report.strata asks for and no unit is in."""
  if not names:
    return []
  return [f"Of report.strata, no {words.unit} is in: {listed(names)}."]


def order(primary: Sequence[str], key: str, title: str) -> list[str]:
  """The sentence on the order of methods in a table of another metric than the first."""
  if key == primary[0]:
    return []
  return [f"Methods in the order of: {title}."]


def names(missing: Sequence[str], words: Words) -> str:
  """The names of groups, or their number where they are many."""
  if len(missing) <= MOST_NAMES:
    return ", ".join(missing)
  return groups(len(missing), words)


def how_averaged(words: Words, nesting: Nesting = USUAL, of_errors: bool = True) -> str:
  """The sentences that say how figures come about; `of_errors`: where some have limits."""
  if nesting.units_are_groups:
    steps = f"seeds are averaged within each {words.group}"
  elif nesting.groups_in_records:
    steps = (
        f"{words.units} within each {words.group} are averaged within a seed, then seeds within "
        f"each {words.group}")
  else:
    steps = (
        f"{words.units} are averaged within a seed, seeds within each {words.record}, "
        f"{words.records} within each {words.group}")
  sentences = (
      f"Figures are means over {words.groups} unless a table says otherwise: {steps}. "
      f"[low, high] are 95 % intervals by bootstrap over {words.groups}")
  if of_errors:
    sentences += (
        f"; limits of agreement are bias +/- 1.96 SD, each {words.group} of equal weight")
  return sentences + "."


def other_averages(metric: Metric, words: Words, nesting: Nesting = USUAL) -> str:
  """The sentence that says how a metric is averaged; empty where that is the mean throughout."""
  how = metric.aggregate
  if how == MEANS:
    return ""
  steps = ["the mean over seeds"]
  if not nesting.units_are_groups:
    steps.insert(0, f"the {how.units} over {words.units}")
  if not nesting.groups_in_records:
    steps.append(f"the {how.records} over {words.records}")
  steps.append(f"the {how.groups} over {words.groups}")
  return capitalised(", then ".join(steps)) + "."


def banner(simulated: bool, methods: Sequence[str]) -> str:
  """What stands above everything where records are simulated or a split leaks; else empty."""
  parts = []
  if simulated:
    parts.append(SIMULATED_BANNER)

  leaking = [method for method in methods if LEAKS in method]
  if leaking:
    whose = listed(leaking)
    if len(leaking) == len(methods):
      whose = "all methods"
    parts.append(
        f"LEAKS: the split of {whose} leaks on purpose: what is tested was partly trained on, "
        "so that these figures are no evidence of anything but what leaking does")
  return ". ".join(parts)
