"""What the error of blood pressure depends on: one axis a call.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/blood_pressure_axes.py:seconds \
    --workdir=runs/bp_seconds --config.data_dir=DATA

On recordings (`--config.data_dir`), or on 200 simulated people where none are named:
  seconds, beats    windows of 1 to 20 seconds, or of 1 to 20 whole beats
  window            7 s against 7 beats
  derivatives       none, the first, and the second too, as channels; `released`: as the published
                    code makes them
  readings          how many first readings of the subject are known: 1 to 16
On simulated people only, a cause taken out:
  subjects          people whose pulses are alike where their pressures are: a mixed split has
                    nothing to leak
  change            people whose pressure stays: nothing is gained over the mean of the readings
Each takes 10 to 40 minutes on two cores; docs/blood_pressure.md has the figures to expect.
"""
from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import asked_of, parse_arg

CONFIG = "configs/blood_pressure.py"
LENGTHS = (1, 2, 3, 5, 7, 10, 15, 20)
COUNTS = (1, 2, 3, 5, 10, 16)
PEOPLE = 200          # simulated
PERSONAL = 60         # of them, that networks are personalised to
STRETCH_S = 11.0      # of them, with the gap after it
STEPS = 600
LONG = 7              # from which on simulated stretches of 10 s are too short

WINDOW_CLAIMS = (
    {
        "text": "Windows of whole beats are better than windows of one length",
        "better": "ours, 7 beats",
        "worse": "ours, 7 s",
        "metric": "bp_mmhg_win_median/sbp",
    },
)

Changes = dict[str, object]


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: one of the axes (by default "seconds"); and maybe "released", "smoke"."""
  arg = parse_arg(
      arg,
      seconds=False,
      beats=False,
      window=False,
      derivatives=False,
      readings=False,
      subjects=False,
      change=False,
      released=False,
      smoke=False,
  )
  axis = asked_of(arg, AXES, "seconds", "blood_pressure_axes.py draws one axis at a time")
  experiments = AXES[axis]()
  sweep = empty_sweep(next(iter(experiments)))
  for name, changes in experiments.items():
    size = "five_folds"
    if arg.smoke:
      size = "five_folds,smoke"
    sweep.experiments[name] = {
        "config": CONFIG,
        "arg": size,
        "overrides": with_shared(changes, arg),
    }
  return sweep


def with_shared(changes: Changes, arg: ConfigDict) -> Changes:
  """The changes of an experiment, with those that all have."""
  data = {"simulate_groups": PEOPLE}
  steps = STEPS
  if arg.released:
    data["derivative_form"] = "released"
  if arg.smoke:
    data["simulate_groups"] = 12
    steps = 4
  every = {
      "run": {"ablations": False},
      "train": {"steps": steps},
      **changes,
  }
  every["data"] = {**data, **changes.get("data", {})}
  if arg.smoke and "split" in every:
    every["split"] = {**every["split"], "folds": (0, 1)}
  return every


def plain(axis: str, changes: Changes) -> Changes:
  """An experiment without readings of the subject."""
  return {
      "report": {"axis": axis},
      "readings": {},
      "own": {"reading": ""},
      **changes,
  }


def seconds() -> dict[str, Changes]:
  """Windows of so many seconds, half of each in the next."""
  experiments = {}
  for length in LENGTHS:
    data = {"window_s": float(length), "hop_s": length / 2, **stretches_for(length)}
    experiments[f"seconds_{length}"] = plain("data.window_s", {"data": data})
  return experiments


def beats() -> dict[str, Changes]:
  """Windows of so many whole beats, half of each in the next."""
  experiments = {}
  for length in LENGTHS:
    data = {
        "window": "beats",
        "beats": length,
        "hop_beats": max(length // 2, 1),
        **stretches_for(1.5 * length + 4),
    }
    experiments[f"beats_{length}"] = plain("data.beats", {"data": data})
  return experiments


def window() -> dict[str, Changes]:
  """Seven seconds against seven beats: two methods, and no axis."""
  experiments = {}
  for kind, name in (("time", "7 s"), ("beats", "7 beats")):
    data = {"window": kind, **stretches_for(14)}
    changes = plain("", {"data": data, "read": {"method": f"ours, {name}"}})
    if kind == "time":
      changes["report"] = {"claims": WINDOW_CLAIMS}
    else:
      changes["baselines"] = {"run": False}
    experiments[kind] = changes
  return experiments


def stretches_for(window_s: float) -> Changes:
  """The simulated stretches that such windows fit into, as many as keep the signal's length."""
  if window_s <= LONG:
    return {}
  return {"simulate_stretch_s": window_s + 4.0, "simulate_stretches": 8}


def derivatives() -> dict[str, Changes]:
  """No derivative, the first, and the second too."""
  experiments = {}
  for number in (0, 1, 2):
    changes = {"data": {"derivatives": number}}
    experiments[f"derivatives_{number}"] = plain("data.derivatives", changes)
  return experiments


def readings() -> dict[str, Changes]:
  """One network, with so many of the subject's first readings."""
  experiments = {}
  for count in COUNTS:
    changes = {
        "read": {"known": "change", "known_readings": count},
        "readings": {},
        "own": {"reading": ""},
        "report": {"axis": "read.known_readings"},
    }
    if experiments:   # the first one is trained
      changes["init_from"] = f"@readings_{COUNTS[0]}"
      changes["train"] = {"steps": 0}
    experiments[f"readings_{count}"] = changes
  return experiments


def subjects() -> dict[str, Changes]:
  """A split by people and a mixed one, where people's vessels differ and where they do not."""
  experiments = {}
  for size in (0.0, 1.0):
    data = {"simulate_subject_effects": size}
    experiments[f"ours_{size:g}"] = plain("data.simulate_subject_effects", {"data": data})
    mixed = {
        "data": data,
        "split": {"kind": "mixed", "block_s": STRETCH_S},
        "read": {"method": "ours, mixed split"},
    }
    experiments[f"mixed_{size:g}"] = plain("data.simulate_subject_effects", mixed)
  return experiments


def change() -> dict[str, Changes]:
  """Networks moved to the readings, and personalised, where the pressure moves and where not."""
  experiments = {}
  for size in (0.0, 1.0):
    data = {"simulate_pressure_change": size}
    axis = {"axis": "data.simulate_pressure_change"}
    experiments[f"ours_{size:g}"] = {"data": data, "report": axis}
    personal = {
        "data": data,
        "init_from": f"@ours_{size:g}",
        "split": {
            "kind": "personal",
            "n_folds": 0,   # a member a subject
            "folds": tuple(range(PERSONAL)),
            "adapt": "first",
            "adapt_s": 3 * STRETCH_S,
            "block_s": STRETCH_S,
            "spare_random": True,
            "val_share": 0.0,
            "val_groups": 0,
        },
        "optim": {"learning_rate": 3e-4, "warmup_steps": 0},
        "train": {"steps": 60},
        "read": {"method": "ours, personalised"},
    }
    experiments[f"personal_{size:g}"] = plain("data.simulate_pressure_change", personal)
  return experiments


AXES = {
    "seconds": seconds,
    "beats": beats,
    "window": window,
    "derivatives": derivatives,
    "readings": readings,
    "subjects": subjects,
    "change": change,
}
