"""Rows: one score each, with what it was made with. All tables and figures come from them."""
import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple


class Stamp(NamedTuple):
  """What a row was made with."""
  member: str
  fold: int
  seed: int
  step: int
  config: str     # fingerprint
  data: str       # fingerprint
  commit: str
  source: str     # the data set's name, or "simulated"
  leaks: bool     # the split leaks on purpose (split.kind=mixed)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
  """One score: a metric of a target on a scoring unit of a record, by a method.

  An error metric has `truth` and `estimate`, any other a `value`; None where there is none.

  Attributes:
    metric, group, record: names.
    unit: its name within the record, such as "60-120 s".
    target: which of several quantities or sources; empty where there is one.
    spread: what the method says of its own error, in the metric's unit.
    interval: {"95": (low, high)}, by per cent.
    probability: that the method gives to value = 1.
    strata: {name: the stratum of this unit}.
    start_s, end_s: where the unit lies in the record.
    included: whether figures count it; it depends on the truth alone: a unit without a truth is
      left out for all methods, one without an estimate lowers a method's coverage.
    why: it is not included; of a user's own record, why its quality is not the best.
    quality: of a user's own record.
    method, stamp: filled in by the evaluation.
  """
  metric: str
  group: str
  record: str
  unit: str
  target: str = ""
  value: float | None = None
  truth: float | None = None
  estimate: float | None = None
  spread: float | None = None
  interval: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
  probability: float | None = None
  strata: Mapping[str, str] = dataclasses.field(default_factory=dict)
  start_s: float | None = None
  end_s: float | None = None
  included: bool = True
  why: str = ""
  quality: str = ""
  method: str = ""
  stamp: Stamp | None = None

  @property
  def key(self) -> str:
    """Metric and target in one name: "mae_mmhg/sbp", or the metric alone."""
    return f"{self.metric}/{self.target}" if self.target else self.metric

  @property
  def is_error(self) -> bool:
    """Whether the row compares an estimate with a truth."""
    return self.value is None and (self.truth is not None or self.estimate is not None)

  @property
  def result(self) -> float:
    """The value, or the error estimate - truth; NaN where there is none."""
    if self.value is not None:
      return self.value
    if self.truth is None or self.estimate is None:
      return math.nan
    return self.estimate - self.truth


def finite_or_none(x: float | None) -> float | None:
  """The number as a Python float; None where it is None or not finite, as rows hold plain JSON."""
  if x is None or not math.isfinite(x):
    return None
  return float(x)
