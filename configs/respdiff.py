"""RespDiff at a size that trains on two CPU cores.

It is the published design with fewer channels and units.

  python -m jaxsig.main --config=configs/respdiff.py --workdir=runs/respdiff
  python -m jaxsig.main --config=configs/respdiff.py:real --workdir=runs/respdiff_bidmc \
    --config.data_dir=DATA

The first trains on the simulator: about six minutes on two cores with its ablation, and a rate
error of about 2 a minute where the best baseline has 3.5. `:real` sets six patient-grouped folds
for BIDMC: about 38 minutes on two busy cores, about 1.6 a minute on 26 of the 53 recordings
(docs/respiration.md has the tables). `:smoke` is over in half a minute.

What differs from the paper (`configs/respdiff_paper.py` has that): GroupNorm and a moving average;
GRU cells; v-prediction, as eps-prediction blows up at the noisy end in six steps; a band-limited
spectral loss; and windows of 150 samples that last 15 s at 10 Hz, cross-faded, instead of 5 s at 30
Hz (`:paper_windows`), as less than one breath fits into 5 s below 12 a minute.
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.config import module_of
from jaxsig.config_arguments import parse_arg

BASE = pathlib.Path(__file__).with_name("base.py")


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "smoke", "real" (six folds of BIDMC), "paper_windows" (5 s at 30 Hz), or several."""
  arg = parse_arg(arg, smoke=False, real=False, paper_windows=False)
  config = module_of(BASE).get_config()
  config.system = "respiration"

  set_data(config.data)
  config.split.kind = "kfold"
  config.split.n_folds = 4
  config.split.folds = (0,)
  config.split.val_groups = 6
  set_model(config.model)

  config.process = ConfigDict()
  config.process.schedule = "linear"
  config.process.options = ConfigDict({"steps": 50})
  config.process.target = "v"
  config.process.stratified = False

  config.loss.spectral = "banded"
  config.loss.weight = 0.1
  config.loss.rate_weight = 0.0
  config.loss.ppg_noise = 0.0

  config.optim.learning_rate = 2e-3
  config.optim.warmup_steps = 50
  config.optim.clip_norm = 1.0
  config.optim.ema = 0.995
  config.train.steps = 2000
  config.train.batch_size = 32

  config.read.method = "respdiff"
  config.read.rate_of = "mean"
  config.read.divisor_slip = False
  config.read.sampler = ConfigDict()
  config.read.sampler.name = "ddim"
  config.read.sampler.steps = 6
  config.read.sampler.samples = 4
  config.read.sampler.keep_samples = True
  config.read.sampler.clip = (-1.5, 1.5)
  config.read.sampler.temperature = 1.0

  config.own.signal = ""         # which signal of a file; empty: the one that is named as a PPG
  config.own.polarity = "auto"   # turns a PPG that is upside down; upright, inverted

  config.run.ckpt_steps = 250
  config.run.val_steps = 150
  config.run.predict_batch_size = 128
  config.ablations.one_pass = {
      "model": {"objective": "regression"},
      "read": {"method": "one_pass_regressor"},
  }
  set_report(config.report)

  if arg.paper_windows:
    config.data.window_s = 5.0
    config.data.rate_hz = 30.0
  if arg.real:
    config.data.source = "real"
    config.split.n_folds = 6
    config.split.folds = ()
    config.split.val_groups = 2
  if arg.smoke:
    shrink(config)
  return config


def set_data(data: ConfigDict) -> None:
  """Sets what windows hold, and the simulator."""
  data.name = "bidmc"
  data.skip_broken = False
  data.window_s = 15.0
  data.stride_s = 5.0
  data.rate_hz = 10.0
  data.ppg_rate_hz = 0.0
  data.normalise = "window"
  data.ppg_low_pass_hz = 0.0
  data.resp_low_pass_hz = 1.0
  data.resp_high_pass_hz = 0.0
  data.ppg_range = (-1.0, 1.0)
  data.resp_range = (-1.0, 1.0)
  data.time_warp_factors = ()
  data.causal = False
  data.simulate_seed = 6
  data.simulate_groups = 320
  data.simulate_duration_s = 240.0
  data.simulate_rate_hz = 125.0
  data.simulate_records_per_patient = 1


def set_model(model: ConfigDict) -> None:
  """Sets the network."""
  model.network = "respdiff"
  model.objective = "diffusion"
  model.channels = 8
  model.fine_kernels = (1, 3, 5, 7, 9, 11)
  model.coarse_kernels = (3, 5, 7, 9, 11, 13)
  model.dilations = (1, 2, 4)
  model.hidden = 48
  model.layers = 2
  model.cell = "gru"
  model.head = (64,)
  model.norm = "group"
  model.embed_both = True
  model.layer_norm = False
  model.residual = False
  model.scan_form = "auto"


def set_report(report: ConfigDict) -> None:
  """Sets what is shown."""
  report.title = "RespDiff: breathing from the PPG"
  report.primary = "rr_bpm_win60_annotators_spectral"
  report.metrics = (
      "rr_bpm_win60_annotators_count",
      "rr_bpm_win32_annotators_spectral",
      "rr_bpm_win64_annotators_spectral",
      "rr_bpm_win60_resp_authors",
      "rr_bpm_win60_resp_spectral",
      "resp_corr_lag1s_signed_win60",
      "breath_f1_tol500ms_win60_lag1s_signed",
      "resp_mae_unit_win60",
      "resp_mae_sym_win60",
  )
  report.strata = ConfigDict({"rate": ("<12", "12-20", ">20")})
  report.timing_s = 480.0
  report.timing = "s per 8 min"


def shrink(config: ConfigDict) -> None:
  """Makes it small enough for a test: the same code on little data for a few steps."""
  config.data.simulate_groups = 6
  config.data.simulate_duration_s = 130.0
  config.split.n_folds = 3
  config.split.val_groups = 1
  config.model.channels = 2
  config.model.hidden = 8
  config.model.layers = 1
  config.model.head = (8,)
  config.model.fine_kernels = (1, 3)
  config.model.coarse_kernels = (3, 5)
  config.model.dilations = (1, 2)
  config.train.steps = 8
  config.train.batch_size = 8
  config.run.log_steps = 2
  config.run.val_steps = 4
  config.run.val_windows = 8
  config.run.ckpt_steps = 4
  config.read.sampler.steps = 2
  config.read.sampler.samples = 2
