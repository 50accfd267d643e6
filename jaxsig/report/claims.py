"""Judgements of claims that one method is better than another, or as good."""
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxsig.errors import UserError
from jaxsig.report.averages import Estimate, direction
from jaxsig.report.settings import Claim
from jaxsig.statistics import over_groups, paired_difference
from jaxsig.system import Metric

CONFIRMED, REFUTED, OPEN, NOT_JUDGED = "confirmed", "refuted", "not decided", "not judged"


class Judgement(NamedTuple):
  """A claim in one metric, judged."""
  claim: Claim
  better: str                       # names of the two methods as tables have them
  worse: str
  key: str
  metric: Metric
  verdict: str
  why: str = ""                     # it is not judged; then nothing follows
  value_better: float | None = None
  value_worse: float | None = None
  gain: Estimate = Estimate(None)   # of the better method over the worse
  p: float | None = None
  groups: int = 0                   # that both cover


def judge(
    claim: Claim,
    key: str,
    metric: Metric,
    by_group: Mapping[str, Mapping[str, float]],
    names: tuple[str, str],
    groups_word: str,
) -> Judgement:
  """Judges a claim by what the better method gains over the worse on the groups both cover.

  Without a margin: confirmed where the 95 % interval of the gain lies above zero, refuted where it
  lies below. With one: confirmed where the interval lies within +-margin, refuted where outside.

  Args:
    claim: what is claimed.
    key, metric: in which it is judged.
    by_group: {method: {group: figure}} of the included rows.
    names: of the better and the worse method among those of `by_group`.
    groups_word: what groups are called.

  Raises:
    UserError: a claim without margin in a metric of which neither more nor less is better.
  """
  if direction(metric) == 0 and claim.margin is None:
    raise UserError(
        f"report.claims: {claim.text!r} is on {key!r}, of which neither more nor less is better: "
        "give the claim a margin, or name another metric")

  better, worse = names
  open_judgement = Judgement(claim, better, worse, key, metric, NOT_JUDGED)
  absent = [name for name in names if not by_group.get(name)]
  if absent:
    return open_judgement._replace(why=f"no rows of {', '.join(absent)}")
  better_g, worse_g = _shared(by_group[better], by_group[worse])
  if len(better_g) < 2:
    return open_judgement._replace(why=f"fewer than two {groups_word} in common")

  statistic = metric.aggregate.groups
  if direction(metric) < 0:
    gain = paired_difference(better_g, worse_g, statistic=statistic)
  else:
    gain = paired_difference(worse_g, better_g, statistic=statistic)
  return open_judgement._replace(
      verdict=_verdict(gain.low, gain.high, claim.margin),
      value_better=over_groups(better_g, statistic),
      value_worse=over_groups(worse_g, statistic),
      gain=Estimate(gain.difference, gain.low, gain.high),
      p=gain.p_value,
      groups=len(better_g),
  )


def _shared(
    a: Mapping[str, float],
    b: Mapping[str, float],
) -> tuple[Sequence[float], Sequence[float]]:
  """The figures of the groups that both have, in one order."""
  shared = sorted(a.keys() & b.keys())
  a_g = [a[group] for group in shared]
  b_g = [b[group] for group in shared]
  return a_g, b_g


def _verdict(low: float, high: float, margin: float | None) -> str:
  if margin is None:
    holds = low > 0
    fails = high < 0
  else:
    holds = -margin <= low and high <= margin
    fails = low > margin or high < -margin

  if holds:
    return CONFIRMED
  if fails:
    return REFUTED
  return OPEN
