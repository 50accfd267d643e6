"""Lists of experiments: what cannot be run is told before anything, and bases come first."""
import pytest
from builders import TOY_CONFIG, toy
from ml_collections import ConfigDict

import jaxsig
from jaxsig.errors import UserError
from jaxsig.experiment import lists, sweep

pytestmark = pytest.mark.quick

ONE = {"config": str(TOY_CONFIG), "arg": "", "overrides": {}}
CHOICE = {"candidates": {"a": {}}, "readings": {}, "inner_folds": 2}


def listing(experiments, **more):
  return ConfigDict({"data_dir": "", "cache_dir": "", "experiments": experiments, **more})


def starting(base):
  return {**ONE, "overrides": {"init_from": base}}


@pytest.mark.parametrize(
  ("experiments", "more", "sentence"),
  [
    ({}, {}, "has no experiment"),
    ({"alpha": ONE}, {"lead": "zz"}, "led by 'zz'.*known are alpha"),
    ({"alpha": ONE}, {"lead": "alpa"}, "did you mean 'alpha'"),
    ({"a/b": ONE}, {}, "'a/b' names a folder"),
    ({"/tmp/x": ONE}, {}, "names a folder"),
    ({"": ONE}, {}, "give it a name"),
    ({" ": ONE}, {}, "give it a name"),
    ({"report": ONE}, {}, "'report' has a name that the folder of a sweep needs"),
    ({"a\nb": ONE}, {}, "no console prints"),
    ({"a\udcff": ONE}, {}, "no console prints"),
    ({"a" * 300: ONE}, {}, "300 characters"),
    ({"a": starting("@zz")}, {}, "starts from '@zz', which is none"),
    ({"a": starting("@")}, {}, "neither a shipped model nor a workdir"),
    ({"a": starting("@a")}, {}, "in a circle"),
    ({"a": starting("@b"), "b": starting("@a")}, {}, "in a circle"),
    ({"a": starting("@b"), "b": starting("@c"), "c": starting("@b")}, {}, "in a circle"),
    ({"a": starting("@b"), "b": {**ONE, **CHOICE}}, {}, "choose among several"),
    ({"a": starting("nowhere")}, {}, "neither a shipped model nor a workdir"),
    ({"a": {**ONE, **CHOICE, "inner_folds": 0}}, {}, "inner_folds=0: set it to 2 or more"),
    ({"a": {**ONE, **CHOICE, "inner_folds": 1}}, {}, "inner_folds=1"),
    ({"a": {**ONE, **CHOICE, "candidates": {}}}, {}, "has no candidates"),
    ({"a": {**ONE, **CHOICE, "candidates": {"x/y": {}}}}, {}, "names a folder"),
    ({"a": {**ONE, **CHOICE, "candidates": {"inner": {}}}}, {}, "candidate 'inner'"),
  ],
)
def test_what_cannot_be_run_is_told_before_anything(experiments, more, sentence, tmp_path):
  with pytest.raises(UserError, match=sentence):
    sweep.sweep(listing(experiments, **more), tmp_path / "w")
  assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("names", [("c", "b", "a"), ("a", "b", "c"), ("b", "c", "a")])
def test_the_base_of_a_base_comes_first(names):
  first, second, third = names
  many = listing({first: ONE, second: starting(f"@{first}"), third: starting(f"@{second}")})
  assert lists.in_order(many) == [first, second, third]


@pytest.mark.parametrize("name", ["", " ", "a/b", "/tmp/x", "a\udc80", "a\nb", "x" * 161])
@pytest.mark.parametrize("section", ["ablations", "readings"])
def test_names_of_changes_are_names_of_folders(name, section, tmp_path):
  with pytest.raises(UserError, match=f"a name in config.{section}, "):
    jaxsig.train(toy(**{section: {name: {}}}), tmp_path / "w")
  assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("method", ["x" * 300, "a\udc80", "a\tb", "é" * 81, "a/b"])
def test_a_method_is_the_name_of_a_folder(method, tmp_path):
  with pytest.raises(UserError, match="read.method"):
    jaxsig.train(toy(read__method=method), tmp_path / "w")
  assert not (tmp_path / "w").exists()
