"""Blood pressure from the PPG, at a size that trains on two CPU cores.

  python -m jaxsig.main --config=configs/blood_pressure.py --workdir=runs/bp
  python -m jaxsig.main --config=configs/blood_pressure.py --workdir=runs/bp_icu \
    --config.data_dir=DATA

The first trains on a simulated cohort, the second on the intensive-care records of the
PhysioNet/CinC Challenge 2015 (`data.name=challenge2015`), of which a fold of records is held out.
In the table stand the training mean, what is known of a subject's first readings, and simple
learners beside the networks: `ours`, and as ablations the published LSTM and a small ResNet.
docs/blood_pressure.md has the tables and says how to read them.

Arguments: `:smoke` (half a minute), `:paper` and `:released_code` (how windows are cut and what is
left out, see `jaxsig/data/ppg/pressure/presets.py`), `:ppg_bp` (189 subjects with one cuff value
each), `:five_folds`.
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.config import module_of, parse_arg

BASE = pathlib.Path(__file__).with_name("base.py")


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "smoke", "paper", "released_code", "ppg_bp", "five_folds", or several."""
  arg = parse_arg(
      arg, smoke=False, paper=False, released_code=False, ppg_bp=False, five_folds=False)
  config = module_of(BASE).get_config()
  config.system = "blood_pressure"

  set_data(config.data)
  config.split.kind = "kfold"
  config.split.n_folds = 5
  config.split.folds = (0,)
  config.split.val_groups = 10
  set_model(config.model)

  config.loss.name = "gaussian"
  config.loss.beta = 0.5
  config.loss.balanced = False
  config.augment = ConfigDict()
  config.augment.noise = 0.05
  config.augment.shift = 0

  config.optim.learning_rate = 1e-3
  config.optim.warmup_steps = 50
  config.optim.clip_norm = 1.0
  config.optim.weight_decay = 1e-2
  config.optim.name = "adamw"
  config.train.steps = 600
  config.train.batch_size = 32

  config.read.method = "ours"
  config.read.known = "none"
  config.own.calibration = ""    # readings of a cuff: "120/80@0; 125/82@300", the times in seconds
  return config
