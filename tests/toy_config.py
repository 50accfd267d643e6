"""The experiment of `toy_system`, for its tests."""
from builders import ROOT

from jaxsig.config import module_of


def get_config(arg=""):
  config = module_of(ROOT / "configs" / "base.py").get_config()
  config.system = "toy_system"
  config.data.name = "toy"
  config.data.simulate_groups = 6
  config.data.duration_s = 30.0
  config.split.n_folds = 3
  config.split.folds = (0,)
  config.split.val_groups = 1
  config.optim.learning_rate = 0.05
  config.optim.ema = 0.9
  config.train.steps = 200
  config.train.batch_size = 16
  config.read.method = "linear"
  config.own.gain = 1.0
  config.run.log_steps = 50
  config.run.ckpt_steps = 100
  config.run.val_windows = 8
  config.run.tensorboard = False
  config.run.predict_batch_size = 16
  config.report.title = "Notes"
  config.report.primary = ("amplitude_units", "level_units")
  config.report.metrics = ("energy",)
  config.report.strata = {"length": ("1 s", "1.5 s", "2 s")}
  return config
