r"""Stochastic against batch training: the images to a step, for one rate and rates by curvature.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/cnn_notes_batch.py \
      --workdir=runs/cnn_batch --config.data_dir=DATA

All see as many images, five passes over the training part, at the table's rates; batches of ten,
whose gradients are noisier, at less than half of them. No rate is tuned to its size: twice the
table's saturate at 100. One seed; some eight minutes on two cores.
"""
from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import parse_arg

CONFIG = "configs/cnn_notes.py"
PASSES = 5
IMAGES = 58_000              # of the training part
SMOKE_IMAGES = 300
BETWEEN_DIAGONALS = 10_000   # images
RATES = {                    # {method: {images to a step: learning rate}}
    "sgd": {10: 0.02, 100: 0.05, 1000: 0.05},
    "gauss_newton": {10: 0.004, 100: 0.01, 1000: 0.01},
}


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "smoke"."""
  arg = parse_arg(arg, smoke=False)
  sweep = empty_sweep("sgd_10")

  images = IMAGES
  smoke = ""
  if arg.smoke:
    images = SMOKE_IMAGES
    smoke = ",smoke"
  for method, rates in RATES.items():
    for size, rate in rates.items():
      sweep.experiments[f"{method}_{size}"] = {
          "config": CONFIG,
          "arg": f"method={method}{smoke}",
          "overrides": overrides(images, size, rate),
      }
  return sweep


def overrides(images: int, size: int, rate: float) -> dict[str, dict[str, object]]:
  """What differs from the config.

  Args:
    images: of the training part.
    size: images to a step.
    rate: learning rate.
  """
  steps = PASSES * images // size
  return {
      "split": {"seeds": (0,)},
      "optim": {
          "learning_rate": rate,
          "warmup_steps": steps // 100,
          "curvature_steps": BETWEEN_DIAGONALS // size,
      },
      "train": {
          "batch_size": size,
          "steps": steps,
      },
      "run": {
          "log_steps": max(1, steps // 50),
          "val_steps": max(1, steps // 10),
          "ckpt_steps": max(1, steps // 5),
      },
      "baselines": {"run": False},
      "report": {
          "axis": "train.batch_size",
          "against": "",
          "metrics": ("nll_nats", "brier"),
      },
  }
