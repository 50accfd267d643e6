"""The paper's ablations on patient-grouped folds: with and without spectral loss, 50 and 6 steps, kernels of one width.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/respdiff_ablation.py --workdir=runs/ablation --config.data_dir=DATA
"""
import ml_collections

CONFIG = "configs/respdiff.py"


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg` goes to every experiment: "" (simulator), "real" or "smoke"."""
  sweep = ml_collections.ConfigDict({"data_dir": "", "cache_dir": "", "experiments": {}})
  changes = {
      "default": {},
      "no_spectral": {"loss": {"spectral": "none"}},
      "spectral_as_coded": {"loss": {"spectral": "as_coded"}, "process": {"target": "eps"}},
      "steps_50": {"sampler": {"name": "ddpm", "steps": 50}},
      "one_kernel": {"model": {"fine_kernels": (3,) * 6, "coarse_kernels": (3,) * 6}},
  }
  for i, (name, change) in enumerate(changes.items()):
    own = {**change, "run_controls": i == 0}
    sweep.experiments[name] = {"config": CONFIG, "arg": arg, "overrides": own}
  return sweep
