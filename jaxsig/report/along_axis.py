"""The figures of a report along one setting, in which its workdirs differ."""
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from jaxsig.errors import UserError
from jaxsig.report.aggregate import (
    MethodFigures,
    MetricFigures,
    ReportFigures,
    aggregate,
    method_named,
)
from jaxsig.report.averages import Figures, direction
from jaxsig.report.join import Results, Trained, Value
from jaxsig.report.nesting import Nesting, nesting_of
from jaxsig.report.settings import Settings, further_keys, keys_of
from jaxsig.system import Protocol, Words

_TO = " to "   # between the ends of a range


class AxisFigures(NamedTuple):
  """The figures of a report at each value of a setting."""
  axis: str                                # the dotted key of the setting
  values: Sequence[str]                    # as text, ascending, ranges last
  by_value: Mapping[str, ReportFigures]    # whose reference is empty where it has no rows
  settings: Settings
  words: Words
  reference: str
  methods: Sequence[str]                   # best first, by their mean over the values
  titles: Mapping[str, str]
  simulated: bool
  leaks: bool
  primary: Sequence[str]                   # keys
  further: Sequence[str]                   # keys
  nesting: Nesting = Nesting()
  trained: Mapping[str, Trained] = {}      # {method of a training: which}
  absent: Sequence[str] = ()               # metrics that are asked for and have no rows


def aggregate_along(results: Results, settings: Settings, protocol: Protocol) -> AxisFigures:
  """The figures of the rows at each value of the setting `settings.axis`.

  Raises:
    UserError: as `aggregate` does; the reference may lack at some values, but not at all.
  """
  if not results.at_values:
    raise UserError(f"the rows were joined without the axis {settings.axis!r}: load them along it")
  known = list(dict.fromkeys(row.key for row in results.rows))
  primary = keys_of(settings.primary, known)
  further = further_keys(settings.metrics, known, protocol.metrics)
  reference = method_named(settings.reference or results.methods[0], results.methods)

  values = sorted(results.at_values, key=_ranges_last)
  by_value = {}
  for label, value in zip(_labels(values), values):
    part = results.at_values[value]
    keys = {row.key for row in part.rows}
    present = tuple(key for key in further.keys if key in keys)
    asked = settings._replace(metrics=present, reference=reference)
    by_value[label] = aggregate(part, asked, protocol, may_lack=results.methods)

  titles = {}
  for one in by_value.values():
    titles.update(one.titles)
  found = AxisFigures(
      axis=settings.axis,
      values=list(by_value),
      by_value=by_value,
      settings=settings,
      words=protocol.words,
      reference=reference,
      methods=results.methods,
      titles=titles,
      simulated=results.simulated,
      leaks=results.leaks,
      primary=primary,
      further=[key for key in further.keys if key not in primary],
      nesting=nesting_of(results.rows, protocol.words),
      trained=results.trained,
      absent=further.absent,
  )
  return found._replace(methods=_best_first(found))


def _ranges_last(value: Value) -> tuple[bool, Value]:
  return isinstance(value, tuple), value


def _labels(values: Sequence[Value]) -> list[str]:
  """The values as text, exact where they would look alike."""
  short = [_label(value, "{:g}".format) for value in values]
  if len(set(short)) == len(values):
    return short
  return [_label(value, repr) for value in values]


def _label(value: Value, form: Callable[[float], str]) -> str:
  if isinstance(value, tuple):
    return _TO.join(form(end) for end in value)
  return form(value)


def numbers(found: AxisFigures) -> dict[str, float]:
  """{value: its number}, ascending, without ranges."""
  return {value: float(value) for value in found.values if _TO not in value}


def metric_at(found: AxisFigures, key: str) -> dict[str, MetricFigures]:
  """{value: figures of a metric}, of the values that have rows of it."""
  at = {}
  for value, one in found.by_value.items():
    if key in one.metrics:
      at[value] = one.metrics[key]
  return at


def metric_of_key(found: AxisFigures, key: str) -> MetricFigures:
  """The figures of a metric at the first value that has any: for its title, unit and direction."""
  return next(iter(metric_at(found, key).values()))


def method_at(found: AxisFigures, key: str, method: str) -> dict[str, MethodFigures]:
  """{value: figures of a method}, of the values at which it has rows."""
  at = {}
  for value, figures in metric_at(found, key).items():
    if method in figures.methods:
      at[value] = figures.methods[method]
  return at


def included_at(found: AxisFigures, key: str, method: str) -> dict[str, Figures]:
  """{value: figures of a method's included units}, of the values at which it has a result."""
  at = {}
  for value, own in method_at(found, key, method).items():
    if own.included.estimate.value is not None:
      at[value] = own.included
  return at


def _best_first(found: AxisFigures) -> list[str]:
  key = found.primary[0]
  sign = direction(metric_of_key(found, key).metric)

  def badness(method: str) -> float:
    at = included_at(found, key, method)
    if not at:
      return math.inf
    total = math.fsum(figures.estimate.value for figures in at.values())
    return sign * total / len(at)

  return sorted(found.methods, key=badness)
