"""The network of the notes, stochastic against batch training: the images to a step, for one rate and for rates by curvature.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/cnn_notes_batch.py --workdir=runs/cnn_batch --config.data_dir=DATA

All see as many images, five passes over the training part, at the table's rates; batches of ten, whose gradients are noisier, at less
than half of them. No rate is tuned to its size: twice the table's saturate at 100. One seed; some eight minutes on two cores.
"""
import ml_collections

from jaxsig.config import parse_arg

CONFIG = "configs/cnn_notes.py"
PASSES, IMAGES, BETWEEN_DIAGONALS = 5, 58_000, 10_000
RATES = {"sgd": {10: 0.02, 100: 0.05, 1000: 0.05}, "gauss_newton": {10: 0.004, 100: 0.01, 1000: 0.01}}


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg`: "smoke"."""
  arg = parse_arg(arg, smoke=False)
  sweep = ml_collections.ConfigDict({"data_dir": "", "cache_dir": "", "lead": "sgd_10", "experiments": {}})
  for method, rates in RATES.items():
    for size, rate in rates.items():
      steps = PASSES * IMAGES // size
      overrides = {"run_controls": False, "run_rivals": False, "split": {"seeds": (0,)},
                   "report": {"axis": "train.batch_size", "against": "", "metrics": ("nll_nats", "brier")},
                   "optim": {"learning_rate": rate, "warmup_steps": steps // 100, "curvature_steps": BETWEEN_DIAGONALS // size},
                   "train": {"batch_size": size, "steps": steps, "log_steps": steps // 50, "val_steps": steps // 10}}
      sweep.experiments[f"{method}_{size}"] = {"config": CONFIG, "arg": f"method={method}" + ",smoke" * arg.smoke, "overrides": overrides}
  return sweep
