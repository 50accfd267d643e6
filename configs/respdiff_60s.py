"""Ours: a minute of PPG at a time, the waveform by diffusion in few steps.

The rate has an honest interval.

  python -m jaxsig.main --config=configs/respdiff_60s.py --workdir=runs/respdiff_60s
  python -m jaxsig.main --mode=sweep --config=configs/sweeps/respdiff_bidmc.py \
    --workdir=runs/bidmc_table --config.data_dir=DATA

The first trains on the simulator alone. The second is the table of docs/respiration.md:
pre-training on simulated patients, then, patient group by patient group, a choice among candidates
inside the training patients and a fine-tuning on BIDMC, beside the faithful RespDiff, its ablations
and all baselines.

What differs from RespDiff (`configs/respdiff.py`): 60 s of context, the respiration at 5 Hz and the
PPG at 30 Hz; the PPG is read once by a network with memory and the denoiser is a cheap one;
v-prediction on a cosine schedule that is shifted to the noisy side; a rate head over learnt
spectra, trained on the annotators' rates of *training* patients; windows warped in time by 0.5 to
2, against the pull to the common rate.

Arguments:
  "pretrain": simulated patients, nobody held out.
  "real": fine-tuning on six groups of BIDMC patients; wants `init_from`.
  "ship": the same on all patients.
  "causal": for streams: every two seconds the last minute, and no sample depends on anything that
    comes more than two seconds later.
  "capnobase": all of CapnoBase tests the shipped model.
  "steps": error against network evaluations, of the waveforms of a training in `init_from`.
  "smoke": tiny, for a test.
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.config import module_of
from jaxsig.config_arguments import parse_arg

RESPDIFF = pathlib.Path(__file__).with_name("respdiff.py")


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "smoke", "pretrain", "real", "ship", "causal", "capnobase", "steps", or several."""
  arg = parse_arg(
      arg,
      smoke=False,
      pretrain=False,
      real=False,
      ship=False,
      causal=False,
      capnobase=False,
      steps=False,
  )
  config = module_of(RESPDIFF).get_config()

  config.data.window_s = 60.0
  config.data.stride_s = 20.0
  config.data.rate_hz = 5.0
  config.data.ppg_rate_hz = 30.0
  config.data.normalise = "zscore"
  config.data.resp_high_pass_hz = 0.05
  config.data.simulate_seed = 31
  config.data.simulate_groups = 600

  config.split.n_folds = 12
  config.split.val_groups = 24

  config.model = model()
  config.process.schedule = "cosine"
  config.process.options = ConfigDict({"shift": -3.0})
  config.process.target = "v"
  config.process.stratified = True

  config.loss.spectral = "none"
  config.loss.weight = 0.0
  config.loss.rate_weight = 0.3
  config.loss.ppg_noise = 0.05

  config.optim.learning_rate = 3e-3
  config.optim.weight_decay = 1e-2

  config.read.method = "respdiff_60s"
  config.read.rate_of = "pooled"
  config.read.sampler.steps = 6
  config.read.sampler.samples = 8
  config.read.sampler.clip = (-4.0, 4.0)
  config.readings.one_window = {"label": "one_window", "rate_of": "posterior"}
  config.readings.waveforms = {"label": "waveforms", "rate_of": "samples"}
  config.readings.shuffled = {"label": "shuffled", "shuffle": ("ppg_b_t_p",)}

  config.run.ckpt_steps = 500
  config.run.val_steps = 500
  config.run.predict_batch_size = 64
  config.ablations.one_pass = {
      "read": {"method": "respdiff_60s_one_pass"},
      "model": {"objective": "regression"},
      "readings": {"waveform": {"label": "waveform", "rate_of": "mean"}},
  }
  config.report.title = "Breathing from a minute of PPG"
  config.report.metrics = config.report.metrics[:-1]

  set_arguments(config, arg)
  return config


def model() -> ConfigDict:
  """The network."""
  section = ConfigDict()
  section.network = "respdiff_long"
  section.objective = "diffusion"
  section.rate_hz = 5.0
  section.channels = 8
  section.fine_kernels = (1, 3, 5, 7, 9, 11)
  section.coarse_kernels = (3, 5, 7, 9, 11, 13)
  section.dilations = (1, 2, 4)
  section.hidden = 64
  section.layers = 2
  section.cell = "gru"
  section.scan_form = "auto"
  section.width = 48
  section.denoiser_dilations = (1, 2, 4, 8, 16)
  section.waves = 12
  return section


def set_arguments(config: ConfigDict, arg: ConfigDict) -> None:
  """Changes the config as the argument's words say."""
  if arg.pretrain:
    config.data.source = "simulated"
    config.split.kind = "all"
    config.split.folds = ()
    config.split.val_groups = 24
    config.run.ablations = False
  if arg.real or arg.ship:
    fine_tune(config)
  if arg.ship:
    config.split.kind = "all"
    config.split.folds = ()
    config.split.val_groups = 0
    config.run.ablations = False
  if arg.causal:
    config.data.causal = True
    config.data.stride_s = 2.0
    config.read.rate_of = "posterior"   # pooling waits for what comes later
  if arg.capnobase:
    config.data.name = "capnobase"
    config.data.source = "real"
    config.init_from = "respdiff_60s"   # the shipped model
    config.split.kind = "external"
    config.split.folds = ()
    config.split.val_groups = 0
    config.run.ablations = False
  if arg.steps:
    read_in_steps(config)
  if arg.smoke:
    shrink(config)


def fine_tune(config: ConfigDict) -> None:
  """Fine-tunes on real recordings: fewer and smaller steps from `init_from`.

  In six groups of patients, with windows warped in time.
  """
  config.data.source = "real"
  config.data.time_warp_factors = (0.5, 0.63, 0.8, 1.25, 1.6, 2.0)
  config.split.n_folds = 6
  config.split.folds = ()
  config.split.val_groups = 0
  config.optim.learning_rate = 1e-3
  config.train.steps = 300
  config.run.val_windows = 0
  config.run.ckpt_steps = 150


def read_in_steps(config: ConfigDict) -> None:
  """Reads a training in `init_from` with several numbers of network evaluations and samples."""
  config.train.steps = 0
  config.read.rate_of = "samples"
  config.run.ablations = False
  config.baselines.run = False
  config.readings = ConfigDict()
  for samples in (1, 8):
    for steps in (1, 2, 4, 6, 10, 25, 50):
      config.readings[f"steps_{steps}_samples_{samples}"] = {
          "label": f"{steps} steps, S={samples}",
          "sampler": {"steps": steps, "samples": samples},
      }


def shrink(config: ConfigDict) -> None:
  """Makes it small enough for a test: the same code on little data for a few steps."""
  config.data.simulate_groups = 6
  config.data.simulate_duration_s = 190.0
  config.split.n_folds = 3
  config.split.val_groups = 1
  config.model.channels = 2
  config.model.hidden = 8
  config.model.layers = 1
  config.model.fine_kernels = (1, 3)
  config.model.coarse_kernels = (3, 5)
  config.model.dilations = (1, 2)
  config.model.width = 8
  config.model.denoiser_dilations = (1, 2)
  config.model.waves = 3
  config.train.steps = 8
  config.train.batch_size = 8
  config.run.log_steps = 2
  config.run.val_steps = 4
  config.run.val_windows = 8
  config.run.ckpt_steps = 4
  config.read.sampler.steps = 2
  config.read.sampler.samples = 2
