"""Rules of what a setting may be: each checks a value, says what is wanted, and has examples.

A table names settings and their rules, one a line: `experiment/shared_settings.py` those of every
system, `systems/<name>/settings.py` a system's own. A `*` in a key stands for any name.
"""
import itertools
import math
import numbers
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

LARGEST_SEED = 2**32 - 1   # jax would take larger ones for smaller ones
MOST_SHOWN = 80          # characters of a value


class Rule(NamedTuple):
  """What the value of a setting may be.

  Attributes:
    words: what to set it to.
    holds: (value) -> whether it may be that; a tuple may be a list, as in JSON.
    inside: examples of what it may be, at the edges, for tests.
    outside: examples of what it may not be.
    is_optional: a config need not have the setting.
  """
  words: str
  holds: Callable[[Any], bool]
  inside: tuple = ()
  outside: tuple = ()
  is_optional: bool = False


def optional(rule: Rule) -> Rule:
  """The rule of a setting that a config need not have."""
  return rule._replace(is_optional=True)


def number(
    low: float | None = None,
    high: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
) -> Rule:
  """A finite number: from `low` or `above` it, to `high` or `below` it."""
  least, most = low, high
  start, end = "at least", "at most"
  if above is not None:
    least, start = above, "above"
  if below is not None:
    most, end = below, "below"
  words = f"a number {start} {least:g} and {end} {most:g}"
  if above is None and below is None:
    words = f"a number from {low:g} to {high:g}"

  def holds(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and least <= value <= most and value not in (above, below)

  nearly = (most - least) / 1e3
  edges = (least, least + nearly, (least + most) / 2, most - nearly, most)
  inside = tuple(float(edge) for edge in edges if holds(edge))
  outside = (least - 1.0, most + 1.0, above, below, math.nan, math.inf, True, "1")
  return Rule(words, holds, inside, outside)


def positive(high: float) -> Rule:
  """A finite number above 0."""
  return number(above=0, high=high)


def whole(low: int, high: int = 10**9) -> Rule:
  """A whole number from `low` to `high`."""
  def holds(value: Any) -> bool:
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_whole and low <= value <= high

  outside = (low - 1, high + 1, 10**30, low + 0.5, True, "1", None)
  return Rule(f"a whole number from {low} to {high}", holds, (low, low + 1, high), outside)


def choice(*known: Any) -> Rule:
  """One of these values."""
  def holds(value: Any) -> bool:
    return any(type(value) is type(one) and value == one for one in known)

  words = repr(known[0])
  if len(known) > 1:
    words = f"one of {', '.join(map(repr, known))}"
  return Rule(words, holds, known, ("nonsense", 0.5, -1, None, ()))


def yes_or_no() -> Rule:
  """True or False."""
  return choice(True, False)


def text(pattern: str = "", words: str = "text") -> Rule:
  """Text; all of it matches the regular expression `pattern` where there is one."""
  def holds(value: Any) -> bool:
    return isinstance(value, str) and (not pattern or bool(re.fullmatch(pattern, value)))

  outside = [1.5, None, ("a",)]
  if pattern:
    outside.append("")
  return Rule(words, holds, (), tuple(outside))


def expression() -> Rule:
  """A regular expression."""
  def holds(value: Any) -> bool:
    try:
      re.compile(value)
    except (re.error, TypeError):
      return False
    return isinstance(value, str)

  return Rule("a regular expression, or leave it empty", holds, ("", ".*"), ("(", "*", 3, None))


def items(
    rule: Rule,
    least: int = 0,
    most: int = 1000,
    *,
    distinct: bool = False,
    ascending: bool = False,
) -> Rule:
  """A tuple of `least` to `most` values that all keep a rule, all different or each above the last.
  """
  def holds(value: Any) -> bool:
    if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
      return False
    if not all(map(rule.holds, value)):
      return False
    if ascending:
      return all(a < b for a, b in itertools.pairwise(value))
    return not distinct or len(set(value)) == len(value)

  kind = "different " * distinct + "ascending " * ascending
  inside = [(one,) for one in rule.inside if least <= 1 <= most]
  outside = [(one,) for one in rule.outside]
  if least:
    outside.append(())
  if (distinct or ascending) and rule.inside:
    outside.append(2 * rule.inside[:1])
  words = f"a tuple of {_count(least, most)}{kind}values, each {rule.words}"
  return Rule(words, holds, tuple(inside), (*outside, 0.5, None, "ab"))


def _count(least: int, most: int) -> str:
  if least == most:
    return f"{least} "
  if least:
    return f"{least} or more "
  return ""


def pair(low: float, high: float) -> Rule:
  """(a, b) with a below b, both from `low` to `high`."""
  ends = items(number(low, high), 2, 2, ascending=True)
  outside = ((high, low), (low, low), (low,), (low, math.nan), *ends.outside)
  words = f"a tuple (low, high) of numbers from {low:g} to {high:g}"
  return Rule(words, ends.holds, ((low, high),), outside)


def either(*rules: Rule) -> Rule:
  """What keeps one of several rules."""
  def holds(value: Any) -> bool:
    return any(rule.holds(value) for rule in rules)

  inside, outside = [], []
  for rule in rules:
    inside += rule.inside
    outside += [value for value in rule.outside if not holds(value)]
  return Rule(" or ".join(rule.words for rule in rules), holds, tuple(inside), tuple(outside))


def free() -> Rule:
  """What is checked elsewhere."""
  return Rule("", lambda value: True)


def rule_of(key: str, rules: Mapping[str, Rule]) -> Rule | None:
  """The rule of a dotted key, or None; a pattern has one `*`."""
  if key in rules:
    return rules[key]
  for pattern, rule in rules.items():
    start, star, end = pattern.partition("*")
    if star and key.startswith(start) and key.endswith(end):
      name = key[len(start):len(key) - len(end)]
      if name and "." not in name:
        return rule
  return None


def mistake(key: str, value: Any, rule: Rule) -> str:
  """The sentence on a value that its rule refuses."""
  shown = value
  if isinstance(value, list):
    shown = tuple(value)
  shown = repr(shown)
  if len(shown) > MOST_SHOWN:
    shown = f"{shown[:MOST_SHOWN]}..."
  return f"config.{key} is {shown}: set it to {rule.words}"
