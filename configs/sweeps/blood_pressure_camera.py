"""From a sensor on the finger to a camera: what a network keeps, and what it learns anew.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/blood_pressure_camera.py \
    --workdir=runs/bp_camera

A network is trained on 500 simulated people with a sensor on the finger, and moved to 24 others
before a camera, each of whom is left out in turn (Schrumpf et al. 2021, tables 1 and 2). With
`--config.data_dir=DATA` and `:own` the camera's recordings are tables of R, G and B with readings
of a cuff beside them (`data.name=rgb_traces`), and the network starts from `--config.base=WORKDIR`.

  finger               on people with a sensor on the finger, who are none of those below
  untuned              as it is, on the camera's pulse
  camera_head, _all    its head, or all of it, trained on the other people before the camera
  scratch              the same network trained on these people alone
  personal             starts from `camera_head`, and trains its head on the first readings
"""
from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import parse_arg

CONFIG = "configs/blood_pressure.py"
HEAD = "heads|hidden"
PEOPLE = 24
FINGERS = 500
METRIC = "bp_mmhg_win_median/sbp"
CAMERA = {
    "simulate_sensor": "camera",
    "simulate_groups": PEOPLE,
    "simulate_seed": 77,
}
CLAIMS = (
    {
        "text": "What was learnt on the finger holds before a camera",
        "better": "ours, untuned",
        "worse": "constant",
        "metric": METRIC,
    },
    {
        "text": "Fine-tuning helps the camera",
        "better": "ours, head tuned",
        "worse": "ours, untuned",
        "metric": METRIC,
    },
    {
        "text": "Fine-tuning helps the camera beyond a constant",
        "better": "ours, head tuned",
        "worse": "constant",
        "metric": METRIC,
    },
    {
        "text": "Starting from the finger helps beyond the camera's people alone",
        "better": "ours, all tuned",
        "worse": "ours, from scratch",
        "metric": METRIC,
    },
    {
        "text": "Personalising helps beyond the mean of the readings",
        "better": "ours, personalised",
        "worse": "first_mean",
        "metric": METRIC,
    },
)


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "smoke" (tiny networks on few people)."""
  arg = parse_arg(arg, smoke=False)
  sweep = empty_sweep("finger")

  def add(name: str, changes: dict[str, object]) -> None:
    size = ""
    if arg.smoke:
      size = "smoke"
    shared = {"run": {"ablations": False}, **changes}
    sweep.experiments[name] = {"config": CONFIG, "arg": size, "overrides": shared}

  fingers, people, steps = FINGERS, PEOPLE, 150
  if arg.smoke:
    fingers, people, steps = 12, 4, 4
  camera = {**CAMERA, "simulate_groups": people}
  add("finger", {
      "data": {"simulate_groups": fingers},
      "report": {"claims": CLAIMS},
      "baselines": {"run": False},   # those of the table are of the people before the camera
      "read": {"method": "ours, on the finger"},
      "readings": {},
      "own": {"reading": ""},
  })
  add("untuned", before_camera(camera, "ours, untuned") | {
      "init_from": "@finger",
      "train": {"steps": 0},
      "baselines": {"run": False},
  })
  add("camera_head", before_camera(camera, "ours, head tuned") | {
      "init_from": "@finger",
      "trainable": HEAD,
      "train": {"steps": steps},
  })
  add("camera_all", before_camera(camera, "ours, all tuned") | {
      "init_from": "@finger",
      "train": {"steps": steps},
      "baselines": {"run": False},
  })
  add("scratch", before_camera(camera, "ours, from scratch") | {
      "optim": {"learning_rate": 2e-3},
      "train": {"steps": 2 * steps},
      "baselines": {"run": False},
  })
  add("personal", before_camera(camera, "ours, personalised") | {
      "init_from": "@camera_head",
      "trainable": HEAD,
      "split": {
          "kind": "personal",
          "folds": (),
          "n_folds": 0,
          "adapt": "first",
          "adapt_s": 33.0,
          "block_s": 11.0,
          "val_share": 0.0,
          "val_groups": 0,
      },
      "train": {"steps": 60},
  })
  return sweep


def before_camera(camera: dict[str, object], method: str) -> dict[str, object]:
  """The changes of an experiment on people before a camera, each left out in turn."""
  return {
      "data": camera,
      "split": {"kind": "leave_one_out", "folds": ()},
      "optim": {"learning_rate": 3e-4, "warmup_steps": 0},
      "read": {"method": method},
      "readings": {},
      "own": {"reading": ""},
  }
