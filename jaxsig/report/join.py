"""The rows of several workdirs joined, with their times, clashes, and where predictions lie."""
import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from etils import epath

from jaxsig.errors import UserError
from jaxsig.report import rows as row_files
from jaxsig.rows import Row
from jaxsig.stored_files import AGAIN, read_json
from jaxsig.system import Plain

CLOSE = 1e-3         # relative or absolute: by this much two results may differ and still agree
LEAKS = " (LEAKS)"   # ends the name of a method whose split leaks on purpose
SIMULATED = "simulated"

Value = float | tuple[float, ...]   # of the setting along which a report goes; a tuple is a range


class Source(NamedTuple):
  """Where the rows and predictions of a method lie."""
  workdir: epath.Path
  method: str   # its name there


class Trained(NamedTuple):
  """What a method of a training is."""
  training: str   # the method that reads the trained model plainly
  label: str      # of the reading; empty for that one


class Results(NamedTuple):
  """Joined rows. Methods may have other names than in their workdirs, see `load_rows`."""
  rows: Sequence[Row]
  seconds: Mapping[str, float] = {}             # {method: time for a second of signal}
  clashes: Mapping[tuple[str, str], int] = {}   # {(method, key): rows that differ between workdirs}
  sources: Mapping[str, Sequence[Source]] = {}  # {method: its workdirs, the first counts}
  at_values: Mapping[Value, "Results"] = {}     # {value of report.axis: its results}
  trained: Mapping[str, Trained] = {}           # {method that a workdir's training made: ...}

  @property
  def methods(self) -> list[str]:
    """The names of all methods in the order of their first rows."""
    return list(dict.fromkeys(row.method for row in self.rows))

  @property
  def simulated(self) -> bool:
    """Whether the rows are of simulated records; never some of them."""
    return any(row.stamp.source == SIMULATED for row in self.rows)

  @property
  def leaks(self) -> bool:
    """Whether any row was made with a split that leaks on purpose."""
    return any(row.stamp.leaks for row in self.rows)


def load_rows(workdirs: Iterable[epath.PathLike], axis: str | None = None) -> Results:
  """Joins the rows of several workdirs.

  What two of them share (baselines, as a rule) is taken from the first. Methods of which a row was
  made with a split that leaks are called "name (LEAKS)". A method that a workdir's own training
  made ("methods" in its about.json, or else that of its first row) becomes "name (workdir)" where
  an earlier workdir has the same name with other results. Any other shared row whose result differs
  is counted as a clash.

  Args:
    workdirs: evaluated ones.
    axis: the dotted key of a setting. Each of its values has rows of its own, which are not
      compared with each other's. None: `report.axis` of the first workdir's config.

  Raises:
    UserError: no workdir, no rows, a broken line, workdirs of different systems, simulated beside
      real records, one row on two versions of the data, or no number at the axis.
  """
  workdirs = [epath.Path(workdir) for workdir in workdirs]
  if axis is None:
    axis = _axis_of(workdirs[0])
  _check_systems(workdirs)

  by_value = defaultdict(_Join)
  for workdir in workdirs:
    rows = _read(workdir)
    value = None
    if axis:
      value = setting(workdir, axis)
    by_value[value].add(workdir, rows)

  parts = {}
  for value, join in by_value.items():
    parts[value] = join.results()
  _check_sources(parts.values())
  if not axis:
    return parts[None]
  return _joined_values(parts)


def setting(workdir: epath.Path, key: str) -> Value:
  """The number, infinity or range (low, high) at a dotted key of a workdir's config.

  Raises:
    UserError: there is none.
  """
  value = read_json(workdir / "config.json")
  for name in key.split("."):
    if not isinstance(value, dict):
      value = None
      break
    value = value.get(name)

  if not is_value(value):
    raise UserError(
        f"{workdir} has no number at {key!r} in its config.json, along which report.axis sets the "
        "report: leave this workdir out, or report without an axis")
  if isinstance(value, list):
    return tuple(value)
  return value


def is_value(value: object) -> bool:
  """Whether a report can go along a setting of this value, as a config.json has it."""
  numbers = [value]
  if isinstance(value, list):
    numbers = value
  return bool(numbers) and all(_is_number(number) for number in numbers)


def read_about(workdir: epath.Path) -> Plain:
  """What a workdir's about.json says of its methods and data; empty where it has none.

  Raises:
    UserError: it is broken.
  """
  path = workdir / "about.json"
  if not path.exists():
    return {"methods": [], "data": {}}
  about = {"methods": [], "data": {}, **read_json(path)}
  if not isinstance(about["methods"], list) or not isinstance(about["data"], dict):
    raise UserError(f"{path} is broken (it says nothing of methods or data): {AGAIN}")
  return about


class _Join:
  """Rows of workdirs that may be compared, joined one workdir after the other."""

  def __init__(self):
    self.rows = {}         # {identity: the first workdir's row}
    self.differing = {}    # {identity: that row}, where a later workdir's result differs
    self.seconds = {}
    self.sources = defaultdict(list)
    self.trained = {}

  def add(self, workdir: epath.Path, rows: Sequence[Row]) -> None:
    """Joins the rows of one more workdir."""
    rows = _with_leaks_marked(rows)
    own = _own_methods(workdir, rows)
    new_names = self._new_names(workdir, rows, own)

    for row in rows:
      name = new_names.get(row.method, row.method)
      if name != row.method:
        row = dataclasses.replace(row, method=name)
      self._add_row(workdir, row)

    seconds = _seconds(workdir)
    for method in dict.fromkeys(row.method for row in rows):
      name = new_names.get(method, method)
      source = Source(workdir, method.removesuffix(LEAKS))
      self.sources[name].append(source)
      if method in own:
        training, label = _training_of(method, own)
        training = new_names.get(training, training)
        self.trained.setdefault(name, Trained(training, label))
      if source.method in seconds:
        self.seconds.setdefault(name, seconds[source.method])

  def results(self) -> Results:
    """The joined rows."""
    clashes = Counter()
    for row in self.differing.values():
      clashes[row.method, row.key] += 1
    return Results(
        rows=list(self.rows.values()),
        seconds=self.seconds,
        clashes=clashes,
        sources=dict(self.sources),
        trained=self.trained,
    )

  def _new_names(
      self,
      workdir: epath.Path,
      rows: Sequence[Row],
      own: Sequence[str],
  ) -> dict[str, str]:
    """The names of the workdir's own methods that differ from an earlier workdir's of that name.

    Returns:
      {method: "method (workdir)"}.
    """
    new_names = {}
    for row in rows:
      if row.method not in own or row.method in new_names:
        continue
      first = self.rows.get(_identity(row), row)
      if not _agree(first, row):
        new_names[row.method] = f"{row.method} ({workdir.name})"
    return new_names

  def _add_row(self, workdir: epath.Path, row: Row) -> None:
    identity = _identity(row)
    first = self.rows.setdefault(identity, row)
    if first.stamp.data != row.stamp.data:
      raise UserError(
          f"{workdir} scored {row.method} on {row.record} with data {row.stamp.data}, another "
          f"workdir with data {first.stamp.data}: evaluate both on the same data or report them "
          "separately")
    if not _agree(first, row):
      self.differing[identity] = first


def _identity(row: Row) -> tuple[str, ...]:
  return (
      row.method,
      row.metric,
      row.target,
      row.record,
      row.unit,
      row.stamp.member,
  )


def _agree(first: Row, second: Row) -> bool:
  """Whether two rows of one unit have the same result, or both none."""
  if first.included != second.included:
    return False
  one = first.result
  other = second.result
  if math.isnan(one) and math.isnan(other):
    return True
  difference = abs(one - other)
  return difference <= CLOSE * (1 + abs(other))


def _with_leaks_marked(rows: Sequence[Row]) -> Sequence[Row]:
  leaking = {row.method for row in rows if row.stamp.leaks}
  if not leaking:
    return rows

  marked = []
  for row in rows:
    if row.method in leaking:
      row = dataclasses.replace(row, method=row.method + LEAKS)
    marked.append(row)
  return marked


def _own_methods(workdir: epath.Path, rows: Sequence[Row]) -> list[str]:
  """The methods that the workdir's own training made, by the names in `rows`, the plain first."""
  methods = read_about(workdir)["methods"]
  if not methods:
    return [rows[0].method]
  marked = [method + LEAKS for method in methods]
  return [*methods, *marked]


def _training_of(method: str, own: Sequence[str]) -> Trained:
  """The training that a method "training, label" of a workdir is a reading of."""
  plain = own[0].removesuffix(LEAKS)
  mark = ""
  if method.endswith(LEAKS):
    mark = LEAKS
  if not method.startswith(f"{plain}, "):
    return Trained(method, "")
  label = method.removesuffix(LEAKS).removeprefix(f"{plain}, ")
  return Trained(plain + mark, label)


def _seconds(workdir: epath.Path) -> dict[str, float]:
  path = workdir / "timing.json"
  if not path.exists():
    return {}
  return read_json(path)


def _read(workdir: epath.Path) -> list[Row]:
  if not (workdir / "config.json").exists():
    raise UserError(
        f"{workdir} is not a workdir (it holds no config.json): name the --workdir of a training")
  path = workdir / "rows.jsonl"
  rows = []
  if path.exists():
    rows = row_files.read_rows(path)
  if not rows:
    raise UserError(f"{path} is missing or empty: run --mode=eval with --workdir={workdir} first")
  return rows


def _axis_of(workdir: epath.Path) -> str:
  path = workdir / "config.json"
  if not path.exists():
    return ""   # the refusal follows when its rows are read
  report = read_json(path).get("report")
  if not isinstance(report, dict):
    return ""
  return report.get("axis", "")


def _check_systems(workdirs: Sequence[epath.Path]) -> None:
  first_of = {}
  for workdir in workdirs:
    path = workdir / "config.json"
    if path.exists():   # the refusal of any other follows when its rows are read
      system = read_json(path, needs=("system",))["system"]
      first_of.setdefault(system, workdir)
  if len(first_of) > 1:
    (one, its), (other, others) = list(first_of.items())[:2]
    raise UserError(
        f"config.system is {one!r} in {its}, but {other!r} in {others}: report workdirs of "
        "different systems separately")


def _is_number(value: object) -> bool:
  return isinstance(value, int | float) and value > -math.inf


def _check_sources(parts: Iterable[Results]) -> None:
  sources = set()
  for part in parts:
    sources.update(row.stamp.source for row in part.rows)
  if SIMULATED in sources and len(sources) > 1:
    raise UserError(
        f"simulated and real records ({', '.join(sorted(sources))}) share no table: "
        "report them separately")


def _joined_values(parts: Mapping[Value, Results]) -> Results:
  """All rows in one, with each value's own results."""
  rows = []
  seconds = {}
  sources = defaultdict(list)
  trained = {}
  for part in parts.values():
    rows.extend(part.rows)
    seconds = {**part.seconds, **seconds}
    trained = {**part.trained, **trained}
    for method, places in part.sources.items():
      sources[method].extend(places)
  return Results(
      rows=rows,
      seconds=seconds,
      sources=dict(sources),
      at_values=parts,
      trained=trained,
  )
