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
left out), `:network=alexnet` (or `resnet50`, `spectro_temporal`, `lstm`: the published networks at
full size, for an accelerator), `:ppg_bp` (subjects with one cuff value each), `:five_folds`.
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.config import module_of
from jaxsig.config_arguments import parse_arg

BASE = pathlib.Path(__file__).with_name("base.py")


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "smoke", "five_folds", "ppg_bp", "paper", "released_code", "network=NAME"; several."""
  arg = parse_arg(
      arg,
      smoke=False,
      five_folds=False,
      ppg_bp=False,
      paper=False,
      released_code=False,
      network="ours",
  )
  config = module_of(BASE).get_config()
  config.system = "blood_pressure"

  set_data(config.data)
  config.split.kind = "kfold"
  config.split.n_folds = 5
  config.split.folds = (0,)
  config.split.val_groups = 2
  config.split.val_share = 0.2
  set_model(config.model)

  config.loss.name = "gaussian"
  config.loss.beta = 0.0         # above 0, uncertain windows count more (Seitzer et al. 2022)
  config.loss.balanced = False
  config.augment = ConfigDict()
  config.augment.noise = 0.05

  config.optim.learning_rate = 2e-3
  config.optim.warmup_steps = 50
  config.optim.clip_norm = 1.0
  config.optim.weight_decay = 0.05
  config.train.steps = 1500
  config.train.batch_size = 32
  config.train.groups_alike = True   # as scores count them

  set_reading(config)
  config.run.predict_batch_size = 256
  config.run.ckpt_steps = 500
  config.run.val_steps = 250
  set_ablations(config)
  set_report(config.report)
  if arg.ppg_bp:
    set_ppg_bp(config)
  if arg.paper:
    set_paper(config.data)
  if arg.released_code:
    set_released_code(config.data)
  if arg.network != "ours":
    set_published(config, arg.network)
  if arg.five_folds:
    config.split.folds = ()
  if arg.smoke:
    shrink(config)
  return config


def set_reading(config: ConfigDict) -> None:
  """Sets how a trained network is read: by itself, and with the subject's first readings."""
  config.read.method = "ours"
  config.read.known = "none"
  config.read.known_readings = 0   # the first so many readings of a subject are used; 0 for all
  config.read.pool = False
  config.readings.offset = {
      "label": "moved to the readings",
      "known": "offset",
  }
  config.readings.change = {
      "label": "mean reading + shrunk change",
      "known": "change",
  }
  config.own.reading = "change"
  config.own.signal = ""         # which signal of a file; empty: the one that is named as a PPG
  config.own.polarity = "auto"   # turns a PPG that is upside down; upright, inverted
  config.own.camera = "auto"     # how a camera's pulse is made: pos, green, red
  config.own.box = ()            # the skin in a video: (x, y, width, height) in pixels
  config.own.mask = ""           # or an image of the frames' size, not 0 where the skin is
  config.own.calibration = ""    # readings of a cuff: "120/80@0; 125/82@300", times in seconds


def set_data(data: ConfigDict) -> None:
  """Sets how windows are cut and labelled, and the simulated cohort."""
  data.name = "challenge2015"
  data.skip_broken = False
  data.window = "time"
  data.window_s = 7.0
  data.hop_s = 3.5
  data.beats = 7
  data.hop_beats = 4
  data.beat_cut = "feet"
  data.samples = 875
  data.rate_hz = 125.0
  data.filter = "record"
  data.low_hz = 0.5
  data.high_hz = 8.0
  data.derivatives = 0
  data.derivative_form = "scaled"
  data.rate_limits_bpm = (40.0, 150.0)
  data.snr_form = ""
  data.snr_min_db = -7.0
  data.sbp_limits = (60.0, 220.0)
  data.dbp_limits = (25.0, 130.0)
  data.limit_rule = "median"
  data.stable = True
  data.label_rounding = "none"
  data.known_share = 0.2
  data.known_gap_s = 0.0
  data.known_input = False
  data.max_windows = 0
  data.camera_pulse = "auto"     # how a camera's pulse is made: pos, green, red; auto: what works

  data.simulate_seed = 14
  data.simulate_groups = 1000
  data.cohort = "physiological"
  data.simulate_sensor = "finger"   # or camera
  data.simulate_duration_s = 1500.0
  data.simulate_stretches = 12
  data.simulate_stretch_s = 10.0
  data.simulate_pressure_change = 1.0
  data.simulate_subject_effects = 1.0
  data.simulate_stiffness_sd = 0.16
  data.simulate_contact_mmhg = 10.0
  data.simulate_artefacts = 1.0


def set_paper(data: ConfigDict) -> None:
  """Sets windows and limits as Schrumpf et al. 2021 describe them: 7 beats, SNR above -7 dB."""
  data.window = "beats"
  data.beats = 7
  data.hop_beats = 7
  data.snr_form = "snr_db_01_02_05_4_hann_pad16"   # the paper names no convention
  data.snr_min_db = -7.0
  data.sbp_limits = (75.0, 165.0)
  data.dbp_limits = (40.0, 80.0)
  data.rate_limits_bpm = (50.0, 140.0)
  data.stable = False
  data.simulate_stretch_s = 16.0   # seven beats, and what is left out at both ends


def set_released_code(data: ConfigDict) -> None:
  """Sets windows and limits as their published code has them: 7 s, no SNR, whole mmHg."""
  data.window = "time"
  data.window_s = 7.0
  data.hop_s = 437 / 125
  data.filter = "window"
  data.sbp_limits = (40.0, 200.0)
  data.dbp_limits = (40.0, 120.0)
  data.limit_rule = "any_beat"
  data.rate_limits_bpm = (50.0, 140.0)
  data.stable = False
  data.label_rounding = "floor"


def set_ppg_bp(config: ConfigDict) -> None:
  """Sets windows of 2.1 s, and one estimate a subject."""
  config.data.name = "ppg_bp"
  config.data.window_s = 2.1
  config.data.hop_s = 2.1
  config.data.samples = 262
  config.data.stable = False
  config.data.known_share = 0.0
  config.read.pool = True
  config.readings = ConfigDict()
  config.own.reading = ""
  config.report.metrics = ()


def set_model(model: ConfigDict) -> None:
  """Sets the network."""
  model.network = "ours"
  model.channels = (16, 24, 32, 48)
  model.kernel = 7
  model.hidden = 32
  model.uses_rate = True
  model.relu_heads = False
  model.preset = "released"   # of the LSTM: released, main, paper
  model.width = 1.0           # a factor on its units
  model.stride = 1            # of its convolution, or of the spectro-temporal network's means


def set_published(config: ConfigDict, network: str) -> None:
  """Sets a published network at its full size, with the paper's loss and rate of learning."""
  config.model.network = network
  config.model.uses_rate = False
  config.model.hidden = 0
  if network == "alexnet":
    config.model.filters = (96, 256, 384, 384, 256)
    config.model.dense = 4096
  if network == "resnet50":
    config.model.filters = (64, 128, 256, 512)
    config.model.first_channel_only = False
  config.loss.name = "squared"
  config.augment.noise = 0.0
  config.optim.weight_decay = 0.0
  config.optim.learning_rate = 1e-3
  config.read.method = network
  config.run.ablations = False


def set_ablations(config: ConfigDict) -> None:
  """Sets the further trainings: the published LSTM, and the small network with a plain loss."""
  config.ablations.lstm = {
      "model": {
          "network": "lstm",
          "stride": 4,
          "hidden": 0,
          "uses_rate": False,
      },
      "loss": {"name": "squared"},
      "train": {"steps": 600},
      "read": {"method": "lstm"},
      "baselines": {"run": False},   # those of the experiment itself serve all
  }
  config.ablations.small_resnet = {
      "model": {"network": "small_resnet", "uses_rate": False},
      "loss": {"name": "squared"},
      "read": {"method": "small_resnet"},
      "baselines": {"run": False},
  }


def set_report(report: ConfigDict) -> None:
  """Sets what is shown."""
  report.title = "Blood pressure from the PPG"
  report.primary = ("bp_mmhg_win_median/sbp", "bp_mmhg_win_median/dbp")
  report.metrics = (
      "bp_change_mae_mmhg_record/sbp",
      "bp_change_mae_mmhg_record/dbp",
      "bp_change_corr_record/sbp",
      "bp_change_corr_record/dbp",
      "nearest_is_same_subject_win",
  )
  report.strata.sbp = bins(80, 180)
  report.strata.dbp = bins(40, 110)
  report.timing_s = 300.0
  report.timing = "s per 5 min"


def bins(low: int, high: int) -> tuple[str, ...]:
  """The names of the 10 mmHg bins of the truth, in their order."""
  inside = [f"{edge}-{edge + 10}" for edge in range(low, high, 10)]
  return (f"<{low}", *inside, f">={high}")


def shrink(config: ConfigDict) -> None:
  """Makes it small enough for a test: the same code on little data for a few steps."""
  config.data.simulate_groups = 12
  config.data.simulate_stretches = 6
  config.data.samples = 128
  config.split.n_folds = 3
  config.split.val_groups = 2
  config.model.channels = (8, 8)
  config.model.hidden = 8
  config.train.steps = 8
  config.train.batch_size = 8
  config.run.log_steps = 2
  config.run.val_steps = 4
  config.run.val_windows = 8
  config.run.ckpt_steps = 4
  config.model.width = 0.1
  config.ablations.lstm.train.steps = 4
