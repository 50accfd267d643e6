"""How phase retrieval fares as the measurement or the objects become harder: one axis a call, a column a value.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/phase_axes.py:photons --workdir=runs/phase_photons --config.data_dir=DATA

"photons": one network, trained on images of 1,000 to a million photons, at each of several numbers. "grid": the intensities' side, a
network each; below 2 n - 1 = 41 the autocorrelation wraps. "complex": objects with a phase, where positivity does not help.
"unseen": shoes and bags by a network that has seen nothing but clothes, and by one that has seen all. Sizes as in
configs/phase_retrieval.py. Each axis takes between a quarter and three quarters of an hour on two cores; docs/phase_retrieval.md has
the figures to expect.
"""
import ml_collections

from jaxsig.config import parse_arg
from jaxsig.errors import UserError

CONFIG = "configs/phase_retrieval.py"
PHOTONS = {"inf": float("inf"), "1e6": 1e6, "1e5": 1e5, "1e4": 1e4, "1e3": 1e3}
GRIDS = (32, 40, 48, 64)
VARIANTS = {**{f"refined {k}": dict(sampler=dict(iterations=k)) for k in (100, 300)},
            "RAAR 300": dict(sampler=dict(method="raar", iterations=300)), "ER 100": dict(sampler=dict(method="er", iterations=100))}


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg`: one of "photons" (unless another is named), "grid", "complex", "unseen"; and maybe "smoke"."""
  arg = parse_arg(arg, photons=False, grid=False, complex=False, unseen=False, smoke=False)
  axes = [name for name, asked in arg.items() if asked and name != "smoke"] or ["photons"]
  if len(axes) > 1:
    raise UserError(f"phase_axes.py draws one axis at a time, not {' and '.join(axes)}: call it once for each")
  runs = {"photons": _photons, "grid": _grid, "complex": _complex, "unseen": _unseen}[axes[0]]()
  sweep = ml_collections.ConfigDict({"data_dir": "", "cache_dir": "", "lead": next(iter(runs)), "experiments": {}})
  for name, (kind, overrides) in runs.items():
    overrides = {"run_controls": False, "solvers": {"images": 250}, "variants": VARIANTS, "predict_variant": "refined 300", **overrides}
    sweep.experiments[name] = {"config": CONFIG, "arg": (kind + ",smoke" * arg.smoke).strip(","), "overrides": overrides}
  return sweep


def _photons() -> dict:
  levels = {name: ("", {"data": {"photons": photons}, "train": {"steps": 0}, "init_from": "@mixed"}) for name, photons in PHOTONS.items()}
  return {"mixed": ("noisy", {"report": {"axis": "data.photons"}}), **levels}


def _grid() -> dict:
  return {f"m{m}": ("", {"data": {"m": m}, "report": {"axis": "data.m"}}) for m in GRIDS}


def _complex() -> dict:
  return {"complex": ("complex", {})}


def _unseen() -> dict:
  return {"unseen": ("clothes,shoes_and_bags", {"method": "U-Net-A, trained on clothes"}),
          "seen": ("shoes_and_bags", {"method": "U-Net-A, trained on all", "run_rivals": False})}
