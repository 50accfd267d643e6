"""Ours: a minute of PPG at a time, the waveform by diffusion in few steps, the rate with an honest interval.

  python -m jaxsig.main --config=configs/respdiff_60s.py --workdir=runs/respdiff_60s
  python -m jaxsig.main --mode=sweep --config=configs/sweeps/respdiff_bidmc.py --workdir=runs/bidmc_table --config.data_dir=DATA

The first trains on the simulator alone. The second is the table of README.md: pre-training on simulated patients, then, patient
group by patient group, a choice among candidates inside the training patients and a fine-tuning on BIDMC, beside the faithful
RespDiff, its ablations and all rivals.

What differs from RespDiff (`configs/respdiff.py`): 60 s of context, the respiration at 5 Hz and the PPG at 30 Hz; the PPG is read once
by a network with memory and the denoiser is a cheap one; v-prediction on a cosine schedule that is shifted to the noisy side; a rate
head over learnt spectra, trained on the annotators' rates of *training* patients; windows warped in time by 0.5 to 2, against
the pull to the common rate. Arguments: "pretrain" (simulated patients, nobody held out), "real" (fine-tuning on six groups of BIDMC
patients; wants `init_from`), "ship" (the same on all patients), "smoke".
"""
import ml_collections

from jaxsig.config import parse_arg


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg`: "smoke", "pretrain", "real" or "ship"."""
  arg = parse_arg(arg, smoke=False, pretrain=False, real=False, ship=False)
  config = ml_collections.ConfigDict()
  config.task = "respdiff"
  config.method = "respdiff_60s"
  config.data_dir = ""
  config.cache_dir = ""
  config.init_from = ""
  config.trainable = ""
  config.data = dict(
      name="bidmc", source="auto", skip_broken=False, window_s=60.0, stride_s=20.0, rate_hz=5.0, ppg_rate_hz=30.0, normalise="zscore",
      ppg_low_pass_hz=0.0, resp_low_pass_hz=1.0, resp_high_pass_hz=0.05, ppg_range=(-1.0, 1.0), resp_range=(-1.0, 1.0), warps=(),
      simulate_seed=31, simulate_patients=600, simulate_duration_s=240.0, simulate_rate_hz=125.0, simulate_records_per_patient=1)
  config.split = dict(kind="kfold", n_folds=12, folds=(0,), seeds=(0,), val_groups=24, salt=0, inner_folds=0)
  config.model = dict(
      network="respdiff_long", objective="diffusion", rate_hz=5.0, channels=8, fine_kernels=(1, 3, 5, 7, 9, 11),
      coarse_kernels=(3, 5, 7, 9, 11, 13), dilations=(1, 2, 4), hidden=64, layers=2, cell="gru", scan_form="auto", width=48,
      denoiser_dilations=(1, 2, 4, 8, 16), waves=12)
  config.process = dict(schedule="cosine", options=dict(shift=-3.0), target="v", stratified=True)
  config.loss = dict(spectral="none", weight=0.0, rate_weight=0.3, ppg_noise=0.05)
  config.sampler = dict(name="ddim", steps=6, samples=8, keep_samples=True, clip=(-4.0, 4.0), temperature=1.0)
  config.optim = dict(learning_rate=3e-3, schedule="cosine", warmup_steps=50, drops=(), clip_norm=1.0, weight_decay=1e-2, ema=0.995)
  config.train = dict(steps=2000, batch_size=32, log_steps=50, val_steps=500, val_windows=128, ckpt_steps=500,
                      members_per_program="auto", feed="auto", prefetch=4, tensorboard=True)
  config.eval = dict(batch_size=64, seed=0, shuffle=())
  config.score = dict(rate_of="pooled", divisor_slip=False)
  config.run_controls = True
  config.run_rivals = True
  config.variants = dict(
      one_window=dict(score=dict(rate_of="posterior")),
      waveforms=dict(score=dict(rate_of="samples")),
      shuffled=dict(eval=dict(shuffle=("ppg_b_t_p",))))
  config.controls = dict(one_pass=dict(
      method="respdiff_60s_one_pass", model=dict(objective="regression"), variants=dict(waveform=dict(score=dict(rate_of="mean")))))
  config.report = dict(
      title="Breathing from a minute of PPG", primary="rr_bpm_win60_annotators_spectral", unit="breaths/min", within=2.0,
      metrics=("rr_bpm_win60_annotators_count", "rr_bpm_win32_annotators_spectral", "rr_bpm_win64_annotators_spectral",
               "rr_bpm_win60_resp_authors", "rr_bpm_win60_resp_spectral", "resp_corr_lag1s_signed_win60",
               "breath_f1_tol500ms_win60_lag1s_signed", "resp_mae_unit_win60"),
      strata=("<12", "12-20", ">20"), claims=())
  if arg.pretrain:
    config.data.source = "simulated"
    config.split.update(kind="all", folds=(), val_groups=24)
    config.run_controls = False
  if arg.real or arg.ship:
    fine_tune(config)
  if arg.ship:
    config.split.update(kind="all", folds=(), val_groups=0)
    config.run_controls = False
  if arg.smoke:
    shrink(config)
  return config


def fine_tune(config: ml_collections.ConfigDict) -> None:
  """On real recordings: six groups of patients, windows warped in time, fewer and smaller steps from `init_from`."""
  config.data.update(source="real", warps=(0.5, 0.63, 0.8, 1.25, 1.6, 2.0))
  config.split.update(n_folds=6, folds=(), val_groups=0)
  config.optim.learning_rate = 1e-3
  config.train.update(steps=300, val_windows=0, ckpt_steps=150)


def shrink(config: ml_collections.ConfigDict) -> None:
  """Makes it small enough for a test: the same code on little data for a few steps."""
  config.data.update(simulate_patients=6, simulate_duration_s=190.0)
  config.split.update(n_folds=3, val_groups=1)
  config.model.update(channels=2, hidden=8, layers=1, fine_kernels=(1, 3), coarse_kernels=(3, 5), dilations=(1, 2), width=8,
                      denoiser_dilations=(1, 2), waves=3)
  config.train.update(steps=8, batch_size=8, log_steps=2, val_steps=4, val_windows=8, ckpt_steps=4)
  config.sampler.update(steps=2, samples=2)
