"""What rules of settings take and refuse, and how they say it."""
import math

import numpy as np
import pytest
import toy_system

from jaxsig.experiment import shared_settings
from jaxsig.setting_rules import (
  choice,
  either,
  expression,
  items,
  mistake,
  number,
  pair,
  positive,
  rule_of,
  text,
  whole,
  yes_or_no,
)
from jaxsig.systems import cnn_notes, phase_retrieval, respiration

pytestmark = pytest.mark.quick

TABLES = {
  "shared": shared_settings.SETTINGS,
  "respiration": respiration.SETTINGS,
  "cnn_notes": cnn_notes.SETTINGS,
  "phase_retrieval": phase_retrieval.SETTINGS,
  "toy": toy_system.SETTINGS,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_rule_takes_its_examples_and_refuses_those_outside(name):
  for key, rule in TABLES[name].items():
    assert all(map(rule.holds, rule.inside)), key
    assert not any(map(rule.holds, rule.outside)), key
    assert rule.outside or not rule.words, f"{key} has no example outside"


@pytest.mark.parametrize(
  ("rule", "inside", "outside"),
  [
    (number(0, 1), (0, 1, 0.5, np.float32(0.5)), (-0.1, 1.1, math.nan, math.inf, True, "1", 1j)),
    (number(above=0, below=1), (1e-9, 0.9), (0, 1, -1)),
    (positive(10), (10, 1e-300), (0, 0.0, -0.0, 11, 10**400)),
    (whole(1, 9), (1, 9, np.int64(4)), (0, 10, 1.0, True, None, "3")),
    (choice("a", "b"), ("a",), ("c", "", None, ["a"], np.array(["a", "b"]))),
    (choice(1), (1,), (True, 1.0)),
    (yes_or_no(), (True, False), (1, 0, "yes", None)),
    (text(), ("", "x"), (None, 1, b"x")),
    (text("a+"), ("aa",), ("", "ab", "a\n")),
    (expression(), ("", ".*"), ("(", None, 3, b"x")),
    (items(whole(0), 1, distinct=True), ([0], (0, 1)), ((), (0, 0), (-1,), 0, "01", {0}, [[0]])),
    (items(number(0, 1), ascending=True), ((), (0, 0.5)), ((0.5, 0), (0, 0), (0, math.nan))),
    (pair(-1, 1), ((-1, 1),), ((1, -1), (0, 0), (0,), (0, 0.5, 1), (-2, 0))),
    (either(choice("auto"), whole(1)), ("auto", 3), ("3", 0, "")),
  ],
)
def test_a_rule_takes_and_refuses(rule, inside, outside):
  assert all(map(rule.holds, inside))
  assert not any(map(rule.holds, outside))


def test_a_mistake_names_the_setting_its_value_and_what_to_set_it_to():
  assert mistake("a.b", -1, whole(0, 9)) == (
    "config.a.b is -1: set it to a whole number from 0 to 9"
  )
  assert mistake("a.b", [0, 0], items(whole(0, 9), 1, distinct=True)) == (
    "config.a.b is (0, 0): set it to a tuple of 1 or more different values, each a whole number "
    "from 0 to 9"
  )
  assert len(mistake("a.b", "x" * 10**6, whole(0))) < 200


def test_a_star_stands_for_one_name():
  rules = {"a.*.c": whole(0), "a.b": text(), "d.*": yes_or_no()}
  assert rule_of("a.x.c", rules) is rules["a.*.c"]
  assert rule_of("a.b", rules) is rules["a.b"]
  assert rule_of("d.x", rules) is rules["d.*"]
  for key in ("a.c", "a..c", "a.x.y.c", "a.x.d", "d", "d.x.y", "e"):
    assert rule_of(key, rules) is None
