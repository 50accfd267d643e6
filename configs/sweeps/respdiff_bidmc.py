"""The table of RespDiff on BIDMC: ours, its controls, the faithful RespDiff with its ablations, and every rival, patients left out.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/respdiff_bidmc.py --workdir=runs/bidmc_table --config.data_dir=DATA

Six groups of patients (hashes of the patient), one seed: a size for two cores; `:seeds=3` has three.
`ours` chooses training and sharpness of its posterior inside the training patients, once a group (`ours/choice.json`).
What is finished is not run again.
"""
import ml_collections

from jaxsig.config import parse_arg

OURS, FAITHFUL = "configs/respdiff_60s.py", "configs/respdiff.py"
MANY = {"sampler": {"samples": 8}}
FEW_STEPS = {"sampler": {"name": "ddim", "steps": 6, "samples": 1}}


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg`: "seeds=3", "smoke" (tiny networks on simulated patients)."""
  arg = parse_arg(arg, seeds=1, smoke=False)
  sweep = ml_collections.ConfigDict({"data_dir": "", "cache_dir": "", "lead": "ours", "experiments": {}})
  split = {"split": {"seeds": tuple(range(arg.seeds))}}
  real = "smoke" if arg.smoke else "real"
  sweep.experiments["pretrain"] = {"config": OURS, "arg": "pretrain" + ",smoke" * arg.smoke, "overrides": {}}
  sweep.experiments["ours"] = {
      "config": OURS, "arg": real, "overrides": {**split, "init_from": "" if arg.smoke else "@pretrain", "report": {"claims": CLAIMS}},
      "inner_folds": 3,
      "candidates": {"balanced": {}, "mild": {"data": {"warps": (0.8, 1.25)}}},
      "readings": {"soft": {"sampler": {"temperature": 1.5}}, "softer": {"sampler": {"temperature": 2.0}}}}
  for name, changes in faithful().items():
    if arg.smoke:
      del changes["train"]
    sweep.experiments[name] = {"config": FAITHFUL, "arg": f"paper_windows,{real}", "overrides": {**changes, **split}}
  return sweep


def faithful() -> dict[str, dict]:
  """The published design at a size for two cores, eps-prediction on its own schedule: the paper's Table II and section IV-D.

  Steps by validation patients: after 800, diffusion still learns, while the regressor has begun to overfit.
  """
  plain = {"process": {"target": "eps"}, "run_rivals": False, "run_controls": False, "train": {"steps": 4000},
           "sampler": {"name": "ddpm", "steps": 50, "samples": 1}, "model": {"cell": "tanh"}}
  one_kernel = {"fine_kernels": (3,) * 6, "coarse_kernels": (3,) * 6}
  return {
      "spectral": {**plain, "method": "faithful, spectral loss", "loss": {"spectral": "as_coded", "weight": 1.0},
                   "variants": {"6 steps": FEW_STEPS, "6 steps, S=8": {"sampler": {**FEW_STEPS["sampler"], "samples": 8}},
                                "shuffled": {**FEW_STEPS, "eval": {"shuffle": ("ppg_b_t_p",)}}}},
      "plain": {**plain, "method": "faithful, no spectral loss", "loss": {"spectral": "none"}, "variants": {"6 steps": FEW_STEPS}},
      "one_kernel": {**plain, "method": "faithful, one kernel width", "loss": {"spectral": "none"}, "model": {"cell": "tanh", **one_kernel},
                     "variants": {"6 steps": FEW_STEPS}},
      "regressor": {**plain, "method": "faithful, one-pass regressor", "loss": {"spectral": "none"},
                    "train": {"steps": 800}, "model": {"cell": "tanh", "objective": "regression"}, "variants": {}},
  }


CLAIMS = (
    {"text": "the spectral loss helps (50 steps)", "better": "faithful, spectral loss", "worse": "faithful, no spectral loss"},
    {"text": "6 steps are within 0.2/min of 50", "better": "faithful, spectral loss", "worse": "faithful, spectral loss, 6 steps",
     "margin": 0.2},
    {"text": "kernels of many widths help", "better": "faithful, no spectral loss", "worse": "faithful, one kernel width"},
    {"text": "diffusion beats the one-pass regressor of the same network", "better": "faithful, spectral loss",
     "worse": "faithful, one-pass regressor"},
    {"text": "eight samples are better than one", "better": "faithful, spectral loss, 6 steps, S=8",
     "worse": "faithful, spectral loss, 6 steps"},
    {"text": "a minute of context with a rate head beats the faithful network", "better": "respdiff_60s",
     "worse": "faithful, spectral loss"},
    {"text": "ours beats its one-pass regressor, read from the waveform", "better": "respdiff_60s",
     "worse": "respdiff_60s_one_pass, waveform"},
    {"text": "ours beats its one-pass regressor with the same rate head", "better": "respdiff_60s", "worse": "respdiff_60s_one_pass"},
    {"text": "ours hears the PPG (it is worse on another window's)", "better": "respdiff_60s", "worse": "respdiff_60s, shuffled"},
)
