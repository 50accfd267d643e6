"""The table of RespDiff on BIDMC.

It has ours, its ablation, the faithful RespDiff with its ablations, and every baseline.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/respdiff_bidmc.py \
    --workdir=runs/bidmc_table --config.data_dir=DATA

Patients are left out in six groups (hashes of the patient), one seed: a size for two cores;
`:seeds=3` has three. `ours` chooses training and sharpness of its posterior inside the training
patients, once a group (`ours/choice.json`). What is finished is not run again.
"""
from collections.abc import Mapping

from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import parse_arg

OURS = "configs/respdiff_60s.py"
FAITHFUL = "configs/respdiff.py"
FIFTY_STEPS = {"name": "ddpm", "steps": 50, "samples": 1}
SIX_STEPS = {"name": "ddim", "steps": 6, "samples": 1}
EIGHT_SAMPLES = {"name": "ddim", "steps": 6, "samples": 8}


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "seeds=3", "smoke" (tiny networks on simulated patients)."""
  arg = parse_arg(arg, seeds=1, smoke=False)
  sweep = empty_sweep("ours")

  seeds = {"seeds": tuple(range(arg.seeds))}
  pretrain = "pretrain"
  size = "real"
  if arg.smoke:
    pretrain = "pretrain,smoke"
    size = "smoke"

  sweep.experiments.pretrain = {
      "config": OURS,
      "arg": pretrain,
      "overrides": {},
  }
  sweep.experiments.ours = ours(size, seeds)
  if arg.smoke:
    sweep.experiments.ours.overrides.init_from = ""

  for name, changes in faithful().items():
    if arg.smoke:
      del changes["train"]
    changes["split"] = seeds
    sweep.experiments[name] = {
        "config": FAITHFUL,
        "arg": f"paper_windows,{size}",
        "overrides": changes,
    }
  return sweep


def ours(size: str, seeds: Mapping[str, object]) -> dict[str, object]:
  """Our model, fine-tuned from the pre-training, with what each fold chooses from."""
  return {
      "config": OURS,
      "arg": size,
      "overrides": {
          "split": seeds,
          "init_from": "@pretrain",
          "report": {"claims": CLAIMS},
      },
      "inner_folds": 3,
      "candidates": {
          "balanced": {},
          "mild": {"data": {"time_warp_factors": (0.8, 1.25)}},
      },
      "readings": {
          "soft": {"sampler": {"temperature": 1.5}},
          "softer": {"sampler": {"temperature": 2.0}},
      },
  }


def faithful() -> dict[str, dict[str, object]]:
  """The published design at a size for two cores: the paper's Table II, section IV-D.

  It predicts eps on its own schedule. Steps by validation patients: after 800, diffusion still
  learns, while the regressor has begun to overfit.
  """
  six_steps = {
      "label": "6 steps",
      "sampler": SIX_STEPS,
  }
  return {
      "spectral": {
          **_plain("faithful, spectral loss"),
          "model": {"cell": "tanh"},
          "loss": {"spectral": "as_coded", "weight": 1.0},
          "readings": {
              "six_steps": six_steps,
              "six_steps_eight_samples": {
                  "label": "6 steps, S=8",
                  "sampler": EIGHT_SAMPLES,
              },
              "shuffled": {
                  "label": "shuffled",
                  "sampler": SIX_STEPS,
                  "shuffle": ("ppg_b_t_p",),
              },
          },
      },
      "plain": {
          **_plain("faithful, no spectral loss"),
          "model": {"cell": "tanh"},
          "loss": {"spectral": "none"},
          "readings": {"six_steps": six_steps},
      },
      "one_kernel": {
          **_plain("faithful, one kernel width"),
          "model": {
              "cell": "tanh",
              "fine_kernels": (3,) * 6,
              "coarse_kernels": (3,) * 6,
          },
          "loss": {"spectral": "none"},
          "readings": {"six_steps": six_steps},
      },
      "regressor": {
          **_plain("faithful, one-pass regressor"),
          "model": {"cell": "tanh", "objective": "regression"},
          "loss": {"spectral": "none"},
          "train": {"steps": 800},
          "readings": {},
      },
  }


def _plain(method: str) -> dict[str, object]:
  """What all faithful trainings share."""
  return {
      "process": {"target": "eps"},
      "train": {"steps": 4000},
      "read": {
          "method": method,
          "sampler": FIFTY_STEPS,
      },
      "baselines": {"run": False},
      "run": {"ablations": False},
  }


CLAIMS = (
    {
        "text": "the spectral loss helps (50 steps)",
        "better": "faithful, spectral loss",
        "worse": "faithful, no spectral loss",
    },
    {
        "text": "6 steps are within 0.2/min of 50",
        "better": "faithful, spectral loss",
        "worse": "faithful, spectral loss, 6 steps",
        "margin": 0.2,
    },
    {
        "text": "kernels of many widths help",
        "better": "faithful, no spectral loss",
        "worse": "faithful, one kernel width",
    },
    {
        "text": "diffusion beats the one-pass regressor of the same network",
        "better": "faithful, spectral loss",
        "worse": "faithful, one-pass regressor",
    },
    {
        "text": "eight samples are better than one",
        "better": "faithful, spectral loss, 6 steps, S=8",
        "worse": "faithful, spectral loss, 6 steps",
    },
    {
        "text": "a minute of context with a rate head beats the faithful network",
        "better": "respdiff_60s",
        "worse": "faithful, spectral loss",
    },
    {
        "text": "ours beats its one-pass regressor, read from the waveform",
        "better": "respdiff_60s",
        "worse": "respdiff_60s_one_pass, waveform",
    },
    {
        "text": "ours beats its one-pass regressor with the same rate head",
        "better": "respdiff_60s",
        "worse": "respdiff_60s_one_pass",
    },
    {
        "text": "ours hears the PPG (it is worse on another window's)",
        "better": "respdiff_60s",
        "worse": "respdiff_60s, shuffled",
    },
)
