"""The table of blood pressure: unseen subjects, known readings, personalised networks, and a leak.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/blood_pressure.py \
    --workdir=runs/bp_table --config.data_dir=DATA
  python -m jaxsig.main --mode=sweep --config=configs/sweeps/blood_pressure.py:simulated \
    --workdir=runs/bp_simulated
  python -m jaxsig.main --mode=sweep --config=configs/sweeps/blood_pressure.py:null \
    --workdir=runs/bp_null

The first is on the intensive-care records of the Challenge 2015, and takes 16 minutes on two
cores; the second on 300 simulated people; the third on 200 whose PPG tells who they are and
nothing of the pressure: any gain over the mean there is a leak. With `:full` the four published
networks at their own sizes go the same way, on an accelerator. What is finished is not run again.

  ours           five folds of subjects, with its ablations and all baselines
  mixed          the same network and learners where windows are dealt to folds whatever their
                 subject: this LEAKS, and shows what leaking does
  personal_...   starts from `ours`, which never saw the subject, and trains its head, or all of it,
                 on the first 60 s of the subject (`first`), or on as many windows from all of the
                 recording (`random`, which LEAKS), a network a subject; both are tested on the same
                 windows, beside what the labels alone say: their mean, and a straight line between
                 random ones
"""
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import parse_arg

CONFIG = "configs/blood_pressure.py"
PERSONAL = 60   # simulated subjects that are personalised
OURS = "ours"
PUBLISHED = ["alexnet", "resnet50", "spectro_temporal", "lstm"]   # at full size
HEAD, PUBLISHED_HEAD = "heads|hidden", "heads|dense"   # the last layers of a network
CLAIMS = (
    {
        "text": "A mixed split flatters",
        "better": "ours, mixed split (LEAKS)",
        "worse": "ours",
        "metric": "bp_mmhg_win_median/sbp",
    },
    {
        "text": "Personalising the head helps beyond the mean of the same labels",
        "better": "ours, personal head",
        "worse": "first_mean",
        "metric": "bp_mmhg_win_median/sbp",
    },
    {
        "text": "A network's change helps beyond the mean of the readings",
        "better": "ours, mean reading + shrunk change",
        "worse": "known_mean",
        "metric": "bp_mmhg_win_median/sbp",
    },
    {
        "text": "Random readings beat the first ones (LEAKS), without any PPG",
        "better": "random_interpolated (LEAKS)",
        "worse": "first_mean",
        "metric": "bp_mmhg_win_median/sbp",
    },
    {
        "text": "A network is better than the mean of the training subjects",
        "better": "ours",
        "worse": "constant",
        "metric": "bp_mmhg_win_median/sbp",
    },
)


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "simulated", "null", "full" (the published networks too), "smoke" (tiny, simulated)."""
  arg = parse_arg(arg, simulated=False, null=False, full=False, smoke=False)
  sweep = empty_sweep(OURS)

  times = Times(block_s=14.0, adapt_s=60.0)
  if arg.simulated or arg.null or arg.smoke:
    people = PERSONAL
    if arg.smoke:
      people = 2
    # a stretch and its gap; three of them
    times = Times(block_s=11.0, adapt_s=33.0, subjects=tuple(range(people)))
  networks = [OURS]
  if arg.full:
    networks += PUBLISHED
  for network in networks:
    for name, changes in experiments_of(network, times).items():
      sweep.experiments[name] = {
          "config": CONFIG,
          "arg": config_arg(network, arg),
          "overrides": changes,
      }
  for one in sweep.experiments.values():
    if arg.smoke or arg.null or arg.simulated:
      one.overrides["run"] = {"ablations": False}
    if arg.simulated:
      one.overrides["data"] = {"simulate_groups": 300}
    if arg.null:
      one.overrides["data"] = {"cohort": "null", "simulate_groups": 200}
  return sweep


class Times(NamedTuple):
  """How long blocks are that are dealt to folds, and how much of whom is trained on."""
  block_s: float
  adapt_s: float
  subjects: tuple[int, ...] = ()   # that are personalised, by their number; empty: all


def config_arg(network: str, arg: ConfigDict) -> str:
  """The argument of the config of a network."""
  words = ["five_folds"]
  if network != OURS:
    words.append(f"network={network}")
  if arg.smoke:
    words.append("smoke")
  return ",".join(words)


def experiments_of(network: str, times: Times) -> dict[str, dict[str, object]]:
  """{name: changes} of all experiments with a network."""
  prefix = ""
  base = {"report": {"claims": CLAIMS}}
  if network != OURS:   # the baselines are those of ours
    prefix = f"{network}_"
    base = {"baselines": {"run": False}}
  experiments = {
      network: base,
      f"{prefix}mixed": {
          "split": {"kind": "mixed", "block_s": times.block_s},
          "read": {"method": f"{network}, mixed split"},
          "readings": {},
          "own": {"reading": ""},
          "baselines": {"run": network == OURS},
          "run": {"ablations": False},
      },
  }
  for adapt in ("first", "random"):
    for part in ("head", "all"):
      changes = personal(network, adapt, part, times)
      # those of a personal split are the same for all networks and parts
      changes["baselines"] = {"run": network == OURS and part == "head"}
      experiments[f"{prefix}personal_{adapt}_{part}"] = changes
  return experiments


def personal(network: str, adapt: str, part: str, times: Times) -> dict[str, object]:
  """The changes of a network of which a part is personalised."""
  trainable = ""   # all
  if part == "head" and network == OURS:
    trainable = HEAD
  elif part == "head":
    trainable = PUBLISHED_HEAD
  method = f"{network}, personal {part}"
  if adapt == "random":
    method += ", random windows"
  return {
      "init_from": f"@{network}",
      "trainable": trainable,
      "split": {
          "kind": "personal",
          "n_folds": 0,   # a member a subject
          "folds": times.subjects,
          "adapt": adapt,
          "adapt_s": times.adapt_s,
          "block_s": times.block_s,
          "spare_random": True,
          "val_share": 0.0,
          "val_groups": 0,
      },
      "optim": {"learning_rate": 3e-4, "warmup_steps": 0},
      "train": {"steps": 60},
      "read": {"method": method},
      "readings": {},
      "own": {"reading": ""},
      "run": {"ablations": False},
  }
