"""How phase retrieval fares as the measurement or the objects become harder: one axis a call.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/phase_axes.py:photons \
      --workdir=runs/phase_photons --config.data_dir=DATA

"photons": one network, trained on images of 1,000 to a million photons, at each of several numbers.
"grid": the intensities' side, a network each; below 2 n - 1 = 41 the autocorrelation wraps.
"complex": objects with a phase, where positivity does not help. "unseen": shoes and bags by a
network that has seen nothing but clothes, and by one that has seen all. Sizes as in
configs/phase_retrieval.py. Each axis takes between a quarter and three quarters of an hour on two
cores; docs/phase_retrieval.md has the figures to expect.
"""
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import asked_of, parse_arg

CONFIG = "configs/phase_retrieval.py"
PHOTONS = {
    "inf": float("inf"),
    "1e6": 1e6,
    "1e5": 1e5,
    "1e4": 1e4,
    "1e3": 1e3,
}
AXES = ("photons", "grid", "complex", "unseen")
GRIDS = (32, 40, 48, 64)
READINGS = {
    "refined_100": {
        "label": "refined 100",
        "sampler": {"iterations": 100},
    },
    "refined_300": {
        "label": "refined 300",
        "sampler": {"iterations": 300},
    },
    "raar_300": {
        "label": "RAAR 300",
        "sampler": {"method": "raar", "iterations": 300},
    },
    "er_100": {
        "label": "ER 100",
        "sampler": {"method": "er", "iterations": 100},
    },
}


class Experiment(NamedTuple):
  """An experiment of an axis: the argument of its config, and its changes of it."""
  arg: str
  changes: dict[str, object]


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: one of "photons" (by default), "grid", "complex", "unseen"; and maybe "smoke"."""
  arg = parse_arg(arg, photons=False, grid=False, complex=False, unseen=False, smoke=False)
  axis = asked_of(arg, AXES, "photons", "phase_axes.py draws one axis at a time")
  experiments = experiments_of(axis)

  sweep = empty_sweep(next(iter(experiments)))
  for name, experiment in experiments.items():
    parts = [experiment.arg]
    if arg.smoke:
      parts.append("smoke")
    sweep.experiments[name] = {
        "config": CONFIG,
        "arg": ",".join(part for part in parts if part),
        "overrides": {**shared(), **experiment.changes},
    }
  return sweep


def shared() -> dict[str, object]:
  """The changes of every experiment."""
  return {
      "run": {"ablations": False},
      "baselines": {"images": 250},
      "readings": READINGS,
      "own": {"reading": "refined_300"},
  }


def experiments_of(axis: str) -> dict[str, Experiment]:
  """{name: Experiment}, the one first that leads the report."""
  if axis == "photons":
    return photons()
  if axis == "grid":
    return grids()
  if axis == "complex":
    return {"complex": Experiment("complex", {})}
  return unseen()


def photons() -> dict[str, Experiment]:
  """One network for all numbers of photons."""
  experiments = {"mixed": Experiment("noisy", {"report": {"axis": "data.photons"}})}
  for name, number in PHOTONS.items():
    changes = {
        "data": {"photons": number},
        "train": {"steps": 0},
        "init_from": "@mixed",
    }
    experiments[name] = Experiment("", changes)
  return experiments


def grids() -> dict[str, Experiment]:
  """A network for each grid."""
  experiments = {}
  for m in GRIDS:
    experiments[f"m{m}"] = Experiment("", {"data": {"m": m}, "report": {"axis": "data.m"}})
  return experiments


def unseen() -> dict[str, Experiment]:
  """A network that has not seen the tested classes, and one that has."""
  changes = {
      "read": {"method": "U-Net-A, trained on all"},
      "baselines": {"images": 250, "run": False},
  }
  return {
      "unseen": Experiment(
          "clothes,shoes_and_bags", {"read": {"method": "U-Net-A, trained on clothes"}}),
      "seen": Experiment("shoes_and_bags", changes),
  }
