"""The command line: `python -m jaxsig.main --config=configs/respdiff.py --workdir=runs/respdiff`. Flags only.

Exit status: 0 done; 2 a user's mistake, told in one sentence; 75 interrupted and saved, so that the same command continues.
"""
import pathlib
import re
import sys
from typing import Any

from absl import flags
from ml_collections import config_flags

from jaxsig import config as configs
from jaxsig.errors import UserError

MODES = ("train", "eval", "predict", "sweep", "report", "inspect", "export", "gradients")
EXIT_USER, EXIT_INTERRUPTED = 2, 75

CONFIG = config_flags.DEFINE_config_file("config", None, "config file, with an argument after a colon: configs/respdiff.py:smoke")
WORKDIR = flags.DEFINE_string("workdir", "", "where checkpoints, rows and the report go")
MODE = flags.DEFINE_string("mode", "train", f"one of {', '.join(MODES)}; train evaluates at the end")
INPUT = flags.DEFINE_string("input", "", "predict: a recording of your own (CSV, NPY or WFDB), an intensity (NPY, HDF5, CXI or TIFF), or "
                                         "an image, a folder of images or an NPY of them, as the model takes")
MODEL = flags.DEFINE_string("model", "", "predict: a shipped model's name or folder, instead of --workdir; by default the shipped one")
OUTPUT = flags.DEFINE_string("output", "", "predict: the folder of the results; export: the folder of the model, jaxsig/pretrained/NAME")
RATE_HZ = flags.DEFINE_float("rate_hz", None, "predict: the sampling rate, where the file does not say it")
WORKDIRS = flags.DEFINE_list("workdirs", [], "report: the workdirs whose rows are joined; export: one with patients held out, for the card")
UPDATE = flags.DEFINE_string("update", "", "report: FILE.md:NAME writes the tables between its table:NAME marks, NAME_short the first")
DEVICES = flags.DEFINE_integer("cpu_devices", 0, "simulate this many devices on the CPU")


def _overrides(argv: list[str]) -> dict[str, str]:
  pairs = (re.match(r"--config\.([\w.]+)(?:=(.*))?$", word, re.DOTALL) for word in argv)
  return {m[1]: m[2] for m in pairs if m}


def parse(argv: list[str]) -> None:
  """Parses the flags, and turns every mistake in them into one sentence."""
  paths = [word.split("=", 1)[1].split(":")[0] for word in argv if word.startswith("--config=")]
  if paths and not pathlib.Path(paths[-1]).is_file():
    raise UserError(f"no config file {paths[-1]}: name one of configs/, as in --config=configs/respdiff.py")
  try:
    left = flags.FLAGS(argv)
  except flags.Error as error:
    if not paths and (changed := _overrides(argv)):
      raise UserError(f"--config.{min(changed)} needs --config=FILE, the config that it changes (of a --workdir, its own)") from None
    raise UserError(" ".join(str(error).split()).rstrip("?. ")) from None
  except (AttributeError, KeyError) as error:
    known = configs.flat(configs.load(paths[-1], _argument(argv))) if paths else {}
    bad = [k for k in _overrides(argv) if k not in known] or [str(error).strip("\"'")]
    raise UserError(f"unknown config key {bad[0]!r}{configs.nearest(bad[0], known)}") from None
  if len(left) > 1:
    raise UserError(f"unexpected argument {left[1]!r}: settings are written --config.key=value")
  if MODE.value not in MODES:
    raise UserError(f"unknown mode {MODE.value!r}{configs.nearest(MODE.value, MODES)}")


def _argument(argv: list[str]) -> str:
  return [word for word in argv if word.startswith("--config=")][-1].partition(":")[2]


def _need(value: object, flag: str, mode: str) -> object:
  if not value:
    raise UserError(f"--mode={mode} needs --{flag}")
  return value


def dispatch(mode: str) -> None:
  """Runs one mode with the parsed flags."""
  from jaxsig.engine import mesh
  from jaxsig.experiment import sweep  # after the flags, so that a wrong one is answered at once
  mesh.start(cpu_devices=DEVICES.value)
  workdir = pathlib.Path(WORKDIR.value)
  if mode in ("train", "eval"):
    config, _ = _need(CONFIG.value, "config", mode), _need(WORKDIR.value, "workdir", mode)
    sweep.tell(sweep.experiment(config, workdir, fit=mode == "train"), workdir / "report")
  elif mode == "predict":
    _predict(_need(INPUT.value, "input", mode))
  elif mode == "sweep":
    _need(WORKDIR.value, "workdir", mode)
    sweep.tell(sweep.sweep(_need(CONFIG.value, "config", mode), workdir), workdir / "report")
  elif mode == "report":
    _need(WORKDIR.value, "workdir", mode)
    workdirs = [pathlib.Path(w) for w in _need(WORKDIRS.value, "workdirs", mode)]
    sweep.tell(workdirs, workdir / "report")
    sweep.say_whose(workdirs, workdir)
    if UPDATE.value:
      sweep.update_table(workdirs, *UPDATE.value.rpartition(":")[::2])
  elif mode == "export":
    from jaxsig.predict import export
    _need(WORKDIR.value, "workdir", mode)
    export.export(workdir, pathlib.Path(_need(OUTPUT.value, "output", mode)), [pathlib.Path(w) for w in WORKDIRS.value])
  elif mode == "gradients":
    _check_gradients(_need(CONFIG.value, "config", mode))
  else:
    sweep.inspect(_need(CONFIG.value, "config", mode))


def _check_gradients(config: Any) -> None:
  from jaxsig.engine import gradients
  from jaxsig.experiment import sweep
  report = gradients.check_config(config)
  sweep.say(str(report))
  if not report.ok:
    raise UserError("the gradient of the loss is not what differences say: see the leaves above that are not ok")


def _predict(source: str) -> None:
  from jaxsig.engine import weights
  from jaxsig.predict import model as shipped
  from jaxsig.predict import own_file as infer
  if WORKDIR.value and MODEL.value:
    raise UserError("--mode=predict takes --workdir or --model, not both: leave one out")
  if WORKDIR.value:
    model = shipped.from_workdir(pathlib.Path(WORKDIR.value), CONFIG.value)
  else:
    model = shipped.open_model(MODEL.value or weights.DEFAULT, CONFIG.value)
  default = pathlib.Path(WORKDIR.value) / "predict" if WORKDIR.value else pathlib.Path("predictions")
  infer.run(model, source, RATE_HZ.value, pathlib.Path(OUTPUT.value) if OUTPUT.value else default)


def main(argv: list[str]) -> int:
  """Runs the command line; returns the exit status."""
  try:
    parse(argv)
    dispatch(MODE.value)
  except UserError as error:
    print(f"jaxsig: {error}", file=sys.stderr)
    return EXIT_USER
  except Exception as error:
    if type(error).__name__ != "Interrupted":
      raise
    print(f"jaxsig: {error}; give the same command again to continue", file=sys.stderr)
    return EXIT_INTERRUPTED
  return 0


if __name__ == "__main__":
  sys.exit(main(sys.argv))
