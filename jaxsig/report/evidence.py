"""What the card of a shipped model tells of an evaluation: figures out of a written report."""
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from etils import epath

from jaxsig.errors import UserError
from jaxsig.report import wording
from jaxsig.report.averages import Estimate
from jaxsig.report.join import LEAKS
from jaxsig.report.provenance import Fact
from jaxsig.system import Aggregate, Metric, Plain, Words


class StratumEvidence(NamedTuple):
  """A method's figure in a stratum."""
  name: str
  estimate: Estimate
  groups: int


class MetricEvidence(NamedTuple):
  """A method in one primary metric, on the included units."""
  key: str
  title: str
  metric: Metric
  estimate: Estimate
  groups: int
  units: int
  coverage: float | None
  rmse: float | None
  bias: float | None
  within: Sequence[float]                   # a share for each tolerance of the metric
  interval_coverage: Mapping[str, float]    # {level in per cent: share}; empty without intervals
  strata: Sequence[StratumEvidence]


class Evidence(NamedTuple):
  """A method's figures in the primary metrics of a workdir's report."""
  method: str
  simulated: bool
  leaks: bool
  words: Words
  metrics: Sequence[MetricEvidence]
  origin: Sequence[Fact]                    # records, members


def evidence(workdir: epath.PathLike, method: str = "") -> Evidence:
  """The figures of a method in the report of a workdir.

  Args:
    workdir: of an evaluation, with `report/table.json`, or of a joined report, with `table.json`.
    method: its name. One that the report does not know, or none, stands for the method that the
      report is about.

  Raises:
    UserError: the workdir holds no report.
  """
  workdir = epath.Path(workdir)
  try:
    table = _read_table(workdir)
    return _evidence(table, method)
  except (OSError, ValueError, LookupError, TypeError, AttributeError):
    raise _no_report(workdir) from None


def figures_of(workdir: epath.PathLike) -> Plain:
  """The figures of all methods in the primary metrics of a workdir's report.

  Returns:
    {key: {method: {"value", "low", "high", "groups"}}}, of the methods whose split does not leak.

  Raises:
    UserError: the workdir holds no report.
  """
  try:
    table = _read_table(epath.Path(workdir))
    return {key: _figures(table["metrics"][key]) for key in table["primary"]}
  except (OSError, ValueError, LookupError, TypeError, AttributeError):
    raise _no_report(workdir) from None


def _figures(metric: Plain) -> Plain:
  found = {}
  for method, own in metric["methods"].items():
    estimate = Estimate(**own["included"]["estimate"])
    if estimate.value is None or method.endswith(LEAKS):
      continue
    found[method] = {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "groups": own["included"]["groups"],
    }
  return found


def _no_report(workdir: epath.PathLike) -> UserError:
  return UserError(
      f"{workdir} holds no report of a training (config.json and report/table.json): "
      "name the workdir of an evaluation with --workdirs, or leave that out")


def evidence_text(found: Evidence) -> str:
  """The evidence as Markdown for a card."""
  words = found.words
  lines = []
  if found.simulated:
    lines += [f"**Simulated {words.records}: not evidence about real {words.groups}.**", ""]
  if found.leaks:
    lines += ["**LEAKS: the split leaks on purpose: evidence only of what leaking does.**", ""]
  for one in found.metrics:
    lines += _metric_lines(found.method, one, words)
  for fact in found.origin:
    if fact.label not in ("Licence", "Citation"):
      lines.append(f"- {fact.label}: {fact.text}")
  return "\n".join([*lines, ""])


def _read_table(workdir: epath.Path) -> Plain:
  path = workdir / "report" / "table.json"
  if not path.exists():
    path = workdir / "table.json"
  return json.loads(path.read_text())


def _evidence(table: Plain, method: str) -> Evidence:
  first = table["metrics"][table["primary"][0]]
  ours = table["reference"]
  for name in (method, method + LEAKS):
    if name in first["methods"]:
      ours = name
  metrics = []
  for key in table["primary"]:
    if ours in table["metrics"][key]["methods"]:
      metrics.append(_metric_evidence(table["metrics"][key], ours))
  return Evidence(
      method=ours,
      simulated=table["simulated"],
      leaks=table["leaks"],
      words=Words(**table["words"]),
      metrics=metrics,
      origin=[Fact(label, text) for label, text in table["origin"]],
  )


def _metric_evidence(figures: Plain, method: str) -> MetricEvidence:
  own = figures["methods"][method]
  included = own["included"]
  intervals = figures["uncertainty"].get(method, {}).get("intervals") or {}
  strata = []
  for name, by_stratum in own["strata"].items():
    for stratum, x in by_stratum.items():
      groups = figures["strata"][name][stratum]["groups"]
      strata.append(StratumEvidence(stratum, Estimate(**x["estimate"]), groups))
  return MetricEvidence(
      key=figures["key"],
      title=figures["title"],
      metric=_metric(figures["metric"]),
      estimate=Estimate(**included["estimate"]),
      groups=included["groups"],
      units=included["units"],
      coverage=included["coverage"],
      rmse=included["rmse"],
      bias=included["bias"],
      within=included["within"],
      interval_coverage=intervals.get("share", {}),
      strata=strata,
  )


def _metric(plain: Plain) -> Metric:
  fields = dict(plain)
  fields["aggregate"] = Aggregate(**plain["aggregate"])
  fields["within"] = tuple(plain["within"])
  fields["targets"] = tuple(plain.get("targets", ()))
  return Metric(**fields)


def _metric_lines(method: str, x: MetricEvidence, words: Words) -> list[str]:
  metric = x.metric
  decimals = metric.decimals
  how = metric.aggregate.groups
  groups = wording.groups(x.groups, words)
  units = wording.units(x.units, words)
  estimate = wording.interval(x.estimate, decimals)
  lines = [
      f"{method}, {x.title} ({x.key}): {wording.statistic(metric)}, the {how} over {groups} of "
      f"{units}, with its 95 % interval.",
      "",
      wording.followed_by_unit(f"- all: {estimate}", metric),
  ]
  for stratum in x.strata:
    if stratum.estimate.value is not None:
      estimate = wording.interval(stratum.estimate, decimals)
      lines.append(f"- {stratum.name}: {estimate} ({wording.groups(stratum.groups, words)})")

  if x.rmse is not None:
    lines.append(f"- RMSE: {wording.number(x.rmse, decimals)}")
  if x.bias is not None:
    lines.append(f"- bias: {x.bias:+.{decimals}f}")
  for tolerance, share in zip(metric.within, x.within):
    lines.append(f"- within {tolerance:g}: {wording.percent(share)}")
  if x.coverage is not None:
    lines.append(f"- {words.units} with a result: {wording.percent(x.coverage)}")
  for level, share in x.interval_coverage.items():
    lines.append(f"- truths inside the {level} % interval: {wording.percent(share)}")
  return lines
