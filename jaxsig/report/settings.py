"""The settings of a report, `config.report`, as typed values."""
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig.config import nearest
from jaxsig.errors import UserError

CLAIM_NEEDS = ("text", "better", "worse")
CLAIM_MAY_HAVE = ("metric", "margin")


class Claim(NamedTuple):
  """That one method is better than another, or, with a margin, as good up to that margin."""
  text: str
  better: str
  worse: str
  metric: str = ""             # a metric or a key; empty: the primary ones
  margin: float | None = None


class Settings(NamedTuple):
  """What a report shows.

  Metrics are named by their key (see `Row.key`), or by their name for all of its targets.
  """
  primary: tuple[str, ...]
  metrics: tuple[str, ...] = ()                # further ones
  title: str = "Report"
  strata: Mapping[str, tuple[str, ...]] = {}   # {stratification: strata in order}; empty: all
  claims: tuple[Claim, ...] = ()
  reference: str = ""                          # whom it is about; empty: the first row's method
  axis: str = ""                               # dotted key of the config along which it goes
  against: str = ""                            # a metric against which the primary one is drawn
  timing_s: float = 480.0                      # how much signal the methods' times are told of
  timing: str = "s per 8 min"                  # heading of these times


def read_settings(config: ConfigDict | Mapping[str, object]) -> Settings:
  """The settings that `config.report` holds.

  Raises:
    UserError: no primary metric, or a claim that lacks a key or has an unknown one.
  """
  primary = _names(config.get("primary", ()))
  if not primary:
    raise UserError("report.primary names no metric: name the one that the report is about")

  timing = config.get("timing", "")
  timing_s = config.get("timing_s", 480.0)
  if not timing:
    timing = _timing_label(timing_s)
  claims = []
  for one in _listed(config.get("claims", ()), "claims"):
    claims.append(_claim(one))
  return Settings(
      primary=primary,
      metrics=_names(config.get("metrics", ())),
      title=config.get("title", "") or "Report",
      strata=_strata(config.get("strata", ())),
      claims=tuple(claims),
      reference=config.get("reference", ""),
      axis=config.get("axis", ""),
      against=config.get("against", ""),
      timing_s=timing_s,
      timing=timing,
  )


def keys_of(names: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
  """The keys of metrics: a key as it is, a metric's name as all keys of its targets.

  Args:
    names: keys or metrics.
    known: the keys that rows have.

  Raises:
    UserError: there is no row of a name; the nearest known one is told.
  """
  keys = []
  for name in names:
    of_name = keys_of_name(name, known)
    if not of_name:
      raise UserError(
          f"the report asks for {name!r}, of which there is no row{nearest(name, known)}")
    keys.extend(of_name)
  return tuple(dict.fromkeys(keys))


class Further(NamedTuple):
  """The further metrics of a report."""
  keys: tuple[str, ...]     # of those that have rows
  absent: tuple[str, ...]   # names that have none


def further_keys(names: Iterable[str], known: Sequence[str], metrics: Iterable[str]) -> Further:
  """The keys of metrics that a report need not have.

  Args:
    names: keys or metrics that are asked for.
    known: the keys that rows have.
    metrics: all that the protocol knows.

  Raises:
    UserError: a name is none of these.
  """
  absent = []
  for name in names:
    if not keys_of_name(name, known) and name.partition("/")[0] in metrics:
      absent.append(name)
  present = [name for name in names if name not in absent]
  return Further(keys_of(present, known), tuple(absent))


def keys_of_name(name: str, known: Sequence[str]) -> list[str]:
  """The known keys that a key or the name of a metric stands for."""
  if name in known:
    return [name]
  return [key for key in known if key.startswith(f"{name}/")]


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
  """One name or several."""
  if isinstance(value, str):
    value = [value]
  for name in _listed(value, "names"):
    if not isinstance(name, str):
      raise UserError(
          f"config.report holds {name!r} where the name of a metric or stratum is wanted: give it "
          "as text")
  return tuple(name for name in value if name)


def _listed(value: Sequence[object], what: str) -> Sequence[object]:
  if not isinstance(value, (list, tuple)):
    raise UserError(
        f"config.report holds {value!r} where {what} are wanted: write a tuple of them, as in "
        "(a, b)")
  return value


def _timing_label(timing_s: float) -> str:
  if timing_s == 480.0:
    return "s per 8 min"
  return f"s per {timing_s:g} s"


def _strata(
    value: Sequence[str] | Mapping[str, Sequence[str]],
) -> dict[str, tuple[str, ...]]:
  """{stratification: its strata in order}, none of them where only names are given."""
  strata = {}
  if isinstance(value, (Mapping, ConfigDict)):
    for name in value:
      strata[name] = tuple(_listed(value[name], f"strata of {name}"))
  else:
    for name in _names(value):
      strata[name] = ()
  return strata


def _claim(config: ConfigDict | Mapping[str, object]) -> Claim:
  if not isinstance(config, (Mapping, ConfigDict)):
    raise UserError(
        f"report.claims holds {config!r}: a claim is {{'text': ..., 'better': METHOD, "
        "'worse': METHOD}")
  given = set(config)
  missing = [key for key in CLAIM_NEEDS if key not in given]
  unknown = sorted(given.difference(CLAIM_NEEDS, CLAIM_MAY_HAVE))
  for key in missing + unknown:
    raise UserError(
        f"report.claims: {config.get('text', config)!r} lacks or does not know {key!r}: "
        "a claim has text, better and worse, and may have metric and margin")
  for key in config:
    wanted, kind = str, "text"
    if key == "margin":
      wanted, kind = (int, float), "a number"
    if not isinstance(config[key], wanted) and config[key] is not None:
      raise UserError(
          f"report.claims: {config['text']!r} has {key} {config[key]!r}: give it {kind}")
  return Claim(**{key: config[key] for key in config})
