"""The table of blood pressure: unseen subjects, known readings, personalised networks, and a leak.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/blood_pressure.py \
    --workdir=runs/bp_table --config.data_dir=DATA
  python -m jaxsig.main --mode=sweep --config=configs/sweeps/blood_pressure.py:simulated \
    --workdir=runs/bp_simulated

The first is on the intensive-care records of the Challenge 2015, and takes 16 minutes on two
cores; the second on 1,000 simulated people. What is finished is not run again.

  ours           five folds of subjects, with its ablations and all baselines
  mixed          the same network and learners where windows are dealt to folds whatever their
                 subject: this LEAKS, and shows what leaking does
  personal_...   starts from `ours`, which never saw the subject, and trains its head, or all of it,
                 on the first 60 s of the subject (`first`), or on as many windows from all of the
                 recording (`random`, which LEAKS); both are tested on the same windows
"""
from ml_collections import ConfigDict

from jaxsig.config import parse_arg

CONFIG = "configs/blood_pressure.py"
HEAD = "heads|hidden"   # what is trained of a network: its last layers, or all
ALL = ""
CLAIMS = (
    {
        "text": "A mixed split flatters",
        "better": "ours, mixed split (LEAKS)",
        "worse": "ours",
        "metric": "bp_mmhg_win_median/sbp",
    },
    {
        "text": "Personalising the head helps beyond the mean of the readings",
        "better": "ours, personal head",
        "worse": "known_mean",
        "metric": "bp_mmhg_win_median/sbp",
    },
    {
        "text": "A network's change helps beyond the mean of the readings",
        "better": "ours, mean reading + shrunk change",
        "worse": "known_mean",
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
  """`arg`: "simulated", "smoke" (tiny networks on simulated people)."""
  arg = parse_arg(arg, simulated=False, smoke=False)
  sweep = ConfigDict()
  sweep.data_dir = ""
  sweep.cache_dir = ""
  sweep.lead = "ours"
  sweep.experiments = ConfigDict()

  block_s, adapt_s = 14.0, 60.0
  if arg.simulated or arg.smoke:
    block_s, adapt_s = 11.0, 33.0   # a stretch and its gap; three of them
  size = "five_folds"
  if arg.smoke:
    size = "five_folds,smoke"

  def add(name: str, changes: dict[str, object]) -> None:
    sweep.experiments[name] = {"config": CONFIG, "arg": size, "overrides": changes}

  add("ours", {"report": {"claims": CLAIMS}})
  add("mixed", {
      "split": {"kind": "mixed", "block_s": block_s},
      "read": {"method": "ours, mixed split"},
      "readings": {},
      "own": {"reading": ""},
      "run": {"ablations": False},
  })
  for adapt in ("first", "random"):
    for name, trainable in (("head", HEAD), ("all", ALL)):
      add(f"personal_{adapt}_{name}", personal(adapt, name, trainable, block_s, adapt_s))
  if arg.smoke:
    for one in sweep.experiments.values():
      one.overrides["run"] = {"ablations": False}
  return sweep


def personal(
    adapt: str,
    name: str,
    trainable: str,
    block_s: float,
    adapt_s: float,
) -> dict[str, object]:
  """The changes of a network that is personalised."""
  method = f"ours, personal {name}"
  if adapt == "random":
    method += ", random windows"
  return {
      "init_from": "@ours",
      "trainable": trainable,
      "split": {
          "kind": "personal",
          "adapt": adapt,
          "adapt_s": adapt_s,
          "block_s": block_s,
          "spare_random": True,
          "val_share": 0.0,
          "val_groups": 0,
      },
      "optim": {"learning_rate": 3e-4, "warmup_steps": 0},
      "train": {"steps": 60},
      "read": {"method": method},
      "readings": {},
      "own": {"reading": ""},
      "baselines": {"run": False},
      "run": {"ablations": False},
  }
