"""Lists of experiments, which a sweep runs: their checks, and the order in which they run."""
from collections.abc import Sequence

from ml_collections import ConfigDict

from jaxsig import paths
from jaxsig.config import nearest
from jaxsig.errors import UserError

REPORT = "report"   # a folder beside those of the experiments


def require_list(listing: ConfigDict) -> None:
  """Raises UserError where a config is not the list of a sweep, or one that cannot be run."""
  if not isinstance(listing.get("experiments"), ConfigDict):
    raise UserError(
        "--mode=sweep takes a list of experiments, a file of configs/sweeps/, and this config has "
        "none: run it with --mode=train")
  for key in ("data_dir", "cache_dir"):
    if not isinstance(listing.get(key), str):
      raise UserError(f"this list names no {key}: set it, or to '' for none")
  if not listing.experiments:
    raise UserError("this list has no experiment: add one to its experiments")
  for name, one in listing.experiments.items():
    paths.require_name(name, "the experiment")
    if name == REPORT:
      raise UserError(
          f"the experiment {name!r} has a name that the folder of a sweep needs itself: give it "
          "another")
    _require_entry(name, one)
  lead = listing.get("lead", "")
  if lead and lead not in listing.experiments:
    raise UserError(
        f"this list is led by {lead!r}, which is none of its experiments"
        f"{nearest(str(lead), listing.experiments)}")
  in_order(listing)


def _require_entry(name: str, one: object) -> None:
  """An experiment of a list says which config it is, and what its folds choose from."""
  needs = {"config": str, "arg": str, "overrides": ConfigDict}
  chooses = isinstance(one, ConfigDict) and "candidates" in one
  if chooses:
    needs |= {"candidates": ConfigDict, "readings": ConfigDict, "inner_folds": int}
  for key, kind in needs.items():
    if not isinstance(one, ConfigDict) or not isinstance(one.get(key), kind):
      raise UserError(
          f"the experiment {name} of this list has no {key}, or no such one: it needs "
          f"{', '.join(needs)}")
  if chooses:
    _require_choice(name, one)


def _require_choice(name: str, one: ConfigDict) -> None:
  """Folds have something to choose from, and groups to choose by."""
  if one.inner_folds < 2:
    raise UserError(
        f"the experiment {name} has inner_folds={one.inner_folds}: set it to 2 or more, as its "
        "folds choose among candidates by so many parts of their training groups")
  if not one.candidates:
    raise UserError(f"the experiment {name} has no candidates: add some, or leave the key out")
  for kind in ("candidates", "readings"):
    for choice in one[kind]:
      paths.require_name(choice, f"a name among the {kind} of {name},")
  if "inner" in one.candidates:
    raise UserError(
        f"the experiment {name} has a candidate 'inner', the folder of the choice itself: give it "
        "another name")


def base_of(one: ConfigDict) -> str:
  """The experiment of the same list from which one starts; empty where there is none."""
  base = one["overrides"].get("init_from", "")
  if isinstance(base, str) and base.startswith("@"):
    return base[1:]
  return ""


def in_order(listing: ConfigDict) -> list[str]:
  """What others start from, then the one that leads the report, then the others by name.

  Raises:
    UserError: a base that is none of the list's trainings, or that starts from itself.
  """
  experiments = listing.experiments
  bases = {base_of(one) for one in experiments.values()}

  def rank(name: str) -> tuple[bool, bool, str]:
    return name not in bases, name != listing.get("lead", ""), name

  order = []
  for name in sorted(experiments, key=rank):
    for one in reversed(_with_bases(name, experiments)):
      if one not in order:
        order.append(one)
  return order


def _with_bases(name: str, experiments: ConfigDict) -> Sequence[str]:
  """An experiment, its base, the base of that, and so on."""
  chain = [name]
  while base := base_of(experiments[chain[-1]]):
    start = f"the experiment {chain[-1]} starts from '@{base}'"
    if base not in experiments:
      raise UserError(
          f"{start}, which is none of this list's experiments{nearest(base, experiments)}")
    if "candidates" in experiments[base]:
      raise UserError(
          f"{start}, whose folds choose among several trainings: start from one that has no "
          "candidates")
    if base in chain:
      raise UserError(
          f"{start}, and so, in a circle, from itself: let one of them start from nothing or from "
          "a workdir")
    chain.append(base)
  return chain
