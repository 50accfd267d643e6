"""RespDiff at a size that trains on two CPU cores: the published design with fewer channels and units.

  python -m jaxsig.main --config=configs/respdiff.py --workdir=runs/respdiff
  python -m jaxsig.main --config=configs/respdiff.py:real --workdir=runs/respdiff_bidmc --config.data_dir=DATA

The first trains on the simulator: about six minutes on two cores with its control, and a rate error of about 2 a minute where the best
training-free rival has 3.5. `:real` sets six patient-grouped folds for BIDMC: about 38 minutes on two busy cores, about 1.6 a minute on
26 of the 53 recordings (README.md has both tables). `:smoke` is over in 15 seconds.

What differs from the paper (`configs/respdiff_paper.py` has that): GroupNorm and a moving average; GRU cells; v-prediction, as
eps-prediction blows up at the noisy end in six steps; a band-limited spectral loss; and windows of 150 samples that last 15 s at
10 Hz, cross-faded, instead of 5 s at 30 Hz (`:paper_windows`), as less than one breath fits into 5 s below 12 a minute.
"""
import ml_collections

from jaxsig.config import parse_arg


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg`: "smoke", "real" (six folds of BIDMC), "paper_windows" (5 s at 30 Hz), or several."""
  arg = parse_arg(arg, smoke=False, real=False, paper_windows=False)
  config = ml_collections.ConfigDict()
  config.task = "respdiff"
  config.method = ""
  config.data_dir = ""
  config.cache_dir = ""
  config.init_from = ""
  config.trainable = ""
  config.data = dict(
      name="bidmc", source="auto", skip_broken=False, window_s=15.0, stride_s=5.0, rate_hz=10.0, ppg_rate_hz=0.0,
      normalise="window", ppg_low_pass_hz=0.0, resp_low_pass_hz=1.0, resp_high_pass_hz=0.0, warps=(), causal=False,
      ppg_range=(-1.0, 1.0), resp_range=(-1.0, 1.0),
      simulate_seed=6, simulate_patients=320, simulate_duration_s=240.0, simulate_rate_hz=125.0, simulate_records_per_patient=1)
  config.split = dict(kind="kfold", n_folds=4, folds=(0,), seeds=(0,), val_groups=6, salt=0, inner_folds=0)
  config.model = dict(
      network="respdiff", objective="diffusion", channels=8, fine_kernels=(1, 3, 5, 7, 9, 11), coarse_kernels=(3, 5, 7, 9, 11, 13),
      dilations=(1, 2, 4), hidden=48, layers=2, cell="gru", head=(64,), norm="group", embed_both=True,
      layer_norm=False, residual=False, scan_form="auto")
  config.process = dict(schedule="linear", options=dict(steps=50), target="v", stratified=False)
  config.loss = dict(spectral="banded", weight=0.1, rate_weight=0.0, ppg_noise=0.0)
  config.sampler = dict(name="ddim", steps=6, samples=4, keep_samples=True, clip=(-1.5, 1.5), temperature=1.0)
  config.optim = dict(learning_rate=2e-3, schedule="cosine", warmup_steps=50, drops=(), clip_norm=1.0, weight_decay=0.0,
                      ema=0.995)
  config.train = dict(steps=2000, batch_size=32, log_steps=50, val_steps=150, val_windows=128, ckpt_steps=250,
                      members_per_program="auto", feed="auto", prefetch=4, tensorboard=True)
  config.eval = dict(batch_size=128, seed=0, shuffle=())
  config.score = dict(rate_of="mean", divisor_slip=False)
  config.run_controls = True
  config.run_rivals = True
  config.variants = {}
  config.controls = dict(one_pass=dict(model=dict(objective="regression")))
  config.report = dict(
      title="RespDiff: breathing from the PPG", primary="rr_bpm_win60_annotators_spectral", unit="breaths/min", within=2.0,
      metrics=("rr_bpm_win60_annotators_count", "rr_bpm_win32_annotators_spectral", "rr_bpm_win64_annotators_spectral",
               "rr_bpm_win60_resp_authors", "rr_bpm_win60_resp_spectral", "resp_corr_lag1s_signed_win60",
               "breath_f1_tol500ms_win60_lag1s_signed", "resp_mae_unit_win60", "resp_mae_sym_win60"),
      strata=("<12", "12-20", ">20"), claims=())
  if arg.paper_windows:
    config.data.update(window_s=5.0, stride_s=5.0, rate_hz=30.0)
  if arg.real:
    config.data.source = "real"
    config.split.update(n_folds=6, folds=(), val_groups=2)
  if arg.smoke:
    shrink(config)
  return config


def shrink(config: ml_collections.ConfigDict) -> None:
  """Makes it small enough for a test: the same code on little data for a few steps."""
  config.data.update(simulate_patients=6, simulate_duration_s=130.0)
  config.split.update(n_folds=3, val_groups=1)
  config.model.update(channels=2, hidden=8, layers=1, head=(8,), fine_kernels=(1, 3), coarse_kernels=(3, 5), dilations=(1, 2))
  config.train.update(steps=8, batch_size=8, log_steps=2, val_steps=4, val_windows=8, ckpt_steps=4)
  config.sampler.update(steps=2, samples=2)
