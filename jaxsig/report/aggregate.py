"""All figures of a report, which tables, pictures and pages only show."""
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.report.averages import Estimate, Figures, direction, figures_of, result_groups
from jaxsig.report.claims import NOT_JUDGED, Judgement, judge
from jaxsig.report.join import LEAKS, Results, Trained
from jaxsig.report.nesting import Nesting, nesting_of
from jaxsig.report.settings import Claim, Settings, further_keys, keys_of, keys_of_name
from jaxsig.report.uncertainty import Uncertainty, uncertainty_of
from jaxsig.rows import Row
from jaxsig.statistics import paired_difference
from jaxsig.system import Metric, Protocol, Words

Rows = Sequence[Row]


class Size(NamedTuple):
  """How much there is of a stratum."""
  groups: int
  units: int


class Paired(NamedTuple):
  """A method less the reference, on the groups both cover."""
  difference: Estimate
  p: float
  groups: int


class MethodFigures(NamedTuple):
  """Of one method in one metric."""
  included: Figures
  everything: Figures | None                          # with the excluded units; None if none was
  strata: Mapping[str, Mapping[str, Figures]]         # {stratification: {stratum: figures}}
  by_group: Mapping[str, float]                       # of the included units
  missing: Sequence[str]                              # groups without a result
  clashes: int                                        # results that differ between workdirs


class MetricFigures(NamedTuple):
  """Of all methods in one metric."""
  key: str
  metric: Metric
  title: str                                          # with the target
  groups: int
  records: int
  units: int
  excluded: Mapping[str, int]                         # {why: units}
  strata: Mapping[str, Mapping[str, Size]]            # {stratification: {stratum: size}}
  methods: Mapping[str, MethodFigures]

  # of primary metrics only
  paired: Mapping[str, Paired] = {}                   # {method: ...}
  uncertainty: Mapping[str, Uncertainty] = {}         # {method: ...}; empty if no method says any


class ReportFigures(NamedTuple):
  """All figures of a report."""
  settings: Settings
  words: Words
  reference: str                           # the method it is about; empty where that has no rows
  methods: Sequence[str]                   # best first, by the first primary metric
  titles: Mapping[str, str]                # {method: in words}, of those that have a title
  simulated: bool
  leaks: bool
  primary: Sequence[str]                   # keys
  metrics: Mapping[str, MetricFigures]     # by key, the primary ones first
  seconds: Mapping[str, float]             # {method: time for settings.timing_s of signal}
  claims: Sequence[Judgement]
  nesting: Nesting = Nesting()
  trained: Mapping[str, Trained] = {}      # {method of a training: which}
  absent: Sequence[str] = ()               # metrics that are asked for and have no rows
  absent_strata: Sequence[str] = ()        # "name", or "name: stratum", that no unit is in


def aggregate(
    results: Results,
    settings: Settings,
    protocol: Protocol,
    may_lack: Collection[str] = (),
) -> ReportFigures:
  """The figures of all tables of a report.

  Args:
    results: joined rows.
    settings: what is asked for.
    protocol: knows the metrics, the titles of methods, and the words.
    may_lack: a reference that need not have rows.

  Raises:
    UserError: a primary metric or the reference is in no row, the protocol does not know a
      metric, or a claim cannot be judged.
  """
  by_key = defaultdict(list)
  for row in results.rows:
    by_key[row.key].append(row)
  primary = keys_of(settings.primary, list(by_key))
  further = further_keys(settings.metrics, list(by_key), protocol.metrics)
  reference = _reference(settings.reference, results.methods, may_lack)

  metrics = {}
  for key in (*primary, *further.keys):
    if key not in metrics:
      metrics[key] = _metric_figures(by_key[key], settings, protocol, results.clashes)
  for key in primary:
    metrics[key] = _with_comparisons(metrics[key], by_key[key], reference)

  return ReportFigures(
      settings=settings,
      words=protocol.words,
      reference=reference,
      methods=best_first(results.methods, metrics[primary[0]]),
      titles=_titles(results, protocol),
      simulated=results.simulated,
      leaks=results.leaks,
      primary=primary,
      metrics=metrics,
      seconds=_seconds(results.seconds, settings.timing_s),
      claims=_judgements(settings.claims, primary, by_key, protocol),
      nesting=nesting_of(results.rows, protocol.words),
      trained=results.trained,
      absent=further.absent,
      absent_strata=_absent_strata(results.rows, settings),
  )


def metric_of(row: Row, protocol: Protocol) -> Metric:
  """What the protocol knows of a row's metric.

  Raises:
    UserError: it does not know it.
  """
  if row.metric not in protocol.metrics:
    raise UserError(
        f"the protocol scores {row.metric!r}, but does not list it among its metrics"
        f"{nearest(row.metric, protocol.metrics)}")
  return protocol.metrics[row.metric]


def method_named(name: str, methods: Collection[str]) -> str:
  """The method of a name in settings, which know no mark of leaks."""
  if name not in methods and name + LEAKS in methods:
    return name + LEAKS
  return name


def _reference(name: str, methods: Sequence[str], may_lack: Collection[str]) -> str:
  if not name:
    return methods[0]
  found = method_named(name, methods)
  if found in methods:
    return found
  if name in may_lack:
    return ""
  raise UserError(f"the report asks for {name!r}, of which there is no row{nearest(name, methods)}")


def _metric_figures(
    rows: Rows,
    settings: Settings,
    protocol: Protocol,
    clashes: Mapping[tuple[str, str], int],
) -> MetricFigures:
  first = rows[0]
  metric = metric_of(first, protocol)
  title = metric.title or first.metric
  if first.target:
    title = f"{title}, {first.target}"

  units = {(row.record, row.unit): row for row in rows}
  included = [row for row in units.values() if row.included]
  excluded = Counter(row.why for row in units.values() if not row.included)
  groups = {row.group for row in rows}
  strata = _strata(included, settings)

  methods = {}
  for method, own in rows_by_method(rows).items():
    figures = _method_figures(own, metric, groups, strata)
    methods[method] = figures._replace(clashes=clashes.get((method, first.key), 0))
  return MetricFigures(
      key=first.key,
      metric=metric,
      title=title,
      groups=len(groups),
      records=len({row.record for row in rows}),
      units=len(units),
      excluded=dict(excluded),
      strata=strata,
      methods=methods,
  )


def rows_by_method(rows: Rows) -> dict[str, list[Row]]:
  """{method: its rows}, in the order of their first rows."""
  by_method = defaultdict(list)
  for row in rows:
    by_method[row.method].append(row)
  return by_method


def _strata(units: Rows, settings: Settings) -> dict[str, dict[str, Size]]:
  """The sizes of the strata that the units have.

  Returns:
    {stratification: {stratum: size}}: the stratifications that settings ask for, or all; their
    strata as asked for, then as they appear.
  """
  members = defaultdict(lambda: defaultdict(list))
  for row in units:
    for name, stratum in row.strata.items():
      if stratum:
        members[name][stratum].append(row)

  names = settings.strata or members
  sizes = {}
  for name in names:
    if name not in members:
      continue
    asked = settings.strata.get(name, ())
    strata = dict.fromkeys((*asked, *members[name]))
    sizes[name] = {stratum: _size(members[name][stratum]) for stratum in strata}
  return sizes


def _absent_strata(rows: Rows, settings: Settings) -> tuple[str, ...]:
  """The stratifications that are asked for and no row has, and the strata that no row is in."""
  present = {(name, stratum) for row in rows for name, stratum in row.strata.items()}
  names = {name for name, _ in present}
  absent = []
  for name, strata in settings.strata.items():
    if name not in names:
      absent.append(name)
      continue
    absent += [f"{name}: {one}" for one in strata if (name, one) not in present]
  return tuple(absent)


def _size(units: Rows) -> Size:
  groups = {row.group for row in units}
  return Size(len(groups), len(units))


def _method_figures(
    rows: Rows,
    metric: Metric,
    groups: Collection[str],
    strata: Mapping[str, Mapping[str, Size]],
) -> MethodFigures:
  included = [row for row in rows if row.included]
  everything = None
  if len(included) < len(rows):
    everything = figures_of(rows, metric)

  by_stratum = {}
  for name, sizes in strata.items():
    members = defaultdict(list)
    for row in included:
      members[row.strata.get(name)].append(row)
    by_stratum[name] = {}
    for stratum in sizes:
      by_stratum[name][stratum] = figures_of(members[stratum], metric)

  by_group = result_groups(included, metric)
  return MethodFigures(
      included=figures_of(included, metric),
      everything=everything,
      strata=by_stratum,
      by_group=by_group,
      missing=sorted(set(groups) - by_group.keys()),
      clashes=0,
  )


def _with_comparisons(figures: MetricFigures, rows: Rows, reference: str) -> MetricFigures:
  """With paired differences to the reference and with what the methods know of their errors."""
  uncertainty = {}
  for method, own in rows_by_method(rows).items():
    included = [row for row in own if row.included]
    uncertainty[method] = uncertainty_of(included, figures.metric)
  says_nothing = all(one == Uncertainty(None, None) for one in uncertainty.values())
  if says_nothing:
    uncertainty = {}
  return figures._replace(paired=_paired(figures, reference), uncertainty=uncertainty)


def _paired(figures: MetricFigures, reference: str) -> dict[str, Paired]:
  paired = {}
  if reference not in figures.methods:
    return paired

  ours = figures.methods[reference].by_group
  for method, other in figures.methods.items():
    if method == reference:
      continue
    theirs = other.by_group
    shared = sorted(theirs.keys() & ours.keys())
    if len(shared) < 2:
      continue
    found = paired_difference(
        [theirs[group] for group in shared],
        [ours[group] for group in shared],
        statistic=figures.metric.aggregate.groups,
    )
    difference = Estimate(found.difference, found.low, found.high)
    paired[method] = Paired(difference, found.p_value, len(shared))
  return paired


def best_first(methods: Sequence[str], figures: MetricFigures) -> list[str]:
  """The methods with the best in a metric first, and those without a result last."""
  sign = direction(figures.metric)

  def badness(method: str) -> float:
    if method not in figures.methods or not figures.methods[method].by_group:
      return math.inf
    return sign * figures.methods[method].included.estimate.value

  return sorted(methods, key=badness)


def _titles(results: Results, protocol: Protocol) -> dict[str, str]:
  """{method: title} of those baselines that have one; marks of a name follow its title."""
  titles = {}
  for method in results.methods:
    name = method.removesuffix(LEAKS)
    if method in results.sources:
      name = results.sources[method][0].method
    baseline = protocol.baselines.get(name)
    if baseline is not None and baseline.title:
      titles[method] = baseline.title + method.removeprefix(name)
  return titles


def _seconds(per_second: Mapping[str, float], timing_s: float) -> dict[str, float]:
  """{method: time for so much signal}."""
  return {method: seconds * timing_s for method, seconds in per_second.items()}


def _judgements(
    claims: Sequence[Claim],
    primary: Sequence[str],
    by_key: Mapping[str, Rows],
    protocol: Protocol,
) -> list[Judgement]:
  judgements = []
  for claim in claims:
    keys = primary
    if claim.metric:
      keys = keys_of_name(claim.metric, list(by_key))
    if not keys:
      judgements.append(_without_rows(claim, by_key, protocol))
    for key in keys:
      judgements.append(_judgement(claim, key, by_key[key], protocol))
  return judgements


def _without_rows(
    claim: Claim,
    by_key: Mapping[str, Rows],
    protocol: Protocol,
) -> Judgement:
  """A claim on a metric of which there is no row."""
  name = claim.metric.partition("/")[0]
  if name not in protocol.metrics:
    raise UserError(
        f"report.claims asks for {claim.metric!r}, of which there is no row"
        f"{nearest(claim.metric, by_key)}")
  metric = protocol.metrics[name]
  return Judgement(
      claim, claim.better, claim.worse, claim.metric, metric, NOT_JUDGED, "no rows of this metric")


def _judgement(claim: Claim, key: str, rows: Rows, protocol: Protocol) -> Judgement:
  methods = rows_by_method([row for row in rows if row.included])
  better = method_named(claim.better, methods)
  worse = method_named(claim.worse, methods)
  metric = metric_of(rows[0], protocol)

  by_group = {}
  for method in (better, worse):
    by_group[method] = result_groups(methods.get(method, []), metric)
  return judge(claim, key, metric, by_group, (better, worse), protocol.words.groups)
