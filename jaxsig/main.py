"""The command line: modes and exit codes only; `python -m jaxsig --help` explains them.

Exit codes: 0 done; 2 a user's mistake, told in one sentence; 75 interrupted, with what was finished
saved, so that the same command continues.
"""
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxsig import DEFAULT_MODEL, interrupts, paths, quiet_xla
from jaxsig.errors import Interrupted, UserError
from jaxsig.usage import HELP_WORDS, USAGE

if TYPE_CHECKING:
  from absl import flags
  from ml_collections import ConfigDict

EXIT_DONE = 0
EXIT_USER = 2
EXIT_INTERRUPTED = interrupts.EXIT_INTERRUPTED


def main(argv: Sequence[str]) -> int:
  """Runs one command line and returns its exit code; it may be called several times in a process.

  Args:
    argv: the program's name, then the words of the command.
  """
  words = argv[1:]
  if not words or any(word in HELP_WORDS for word in words):
    print(USAGE, end="")
    return EXIT_DONE
  if "--version" in words:
    from jaxsig import __version__
    print(f"jaxsig {__version__}")
    return EXIT_DONE

  from jaxsig.command_line import parse  # what takes long is imported when signals are heard
  try:
    dispatch(parse(argv, _config_of_model))
  except UserError as error:
    print(f"jaxsig: {error}", file=sys.stderr)
    return EXIT_USER
  except Interrupted as error:
    print(f"jaxsig: {error}; give the same command again to continue", file=sys.stderr)
    return EXIT_INTERRUPTED
  return EXIT_DONE


def run() -> None:
  """The console command `jaxsig`: runs the words of this process and exits."""
  interrupts.end_on_signals()
  sys.exit(main(sys.argv))


def dispatch(given: "flags.FlagValues") -> None:
  """Runs the mode of parsed flags."""
  commands = {
      "train": _train,
      "eval": _evaluate,
      "predict": _predict,
      "sweep": _sweep,
      "report": _report,
      "inspect": _inspect,
      "export": _export,
      "gradients": _check_gradients,
  }
  command = commands[given.mode]
  _require_kind(given)
  _start_devices(given.cpu_devices)
  command(given)


def _require_kind(given: "flags.FlagValues") -> None:
  """Raises UserError where a mode is given a sweep's list for an experiment, or the reverse."""
  from jaxsig.experiment import checks, lists
  if given.mode == "sweep":
    lists.require_list(given.config)
  elif given.config is not None:
    checks.require_experiment(given.config)


def _start_devices(cpu_devices: int) -> None:
  """Imports and starts jax: after the flags are parsed, so that a wrong one is answered at once.

  Raises:
    UserError: the devices that JAX_PLATFORMS names cannot be opened.
  """
  quiet_xla()
  from jaxsig.engine import mesh
  mesh.start(cpu_devices=cpu_devices)
  mesh.open_devices()


def _config_of_model(given: "flags.FlagValues") -> "ConfigDict":
  """The config of the model that the flags of --mode=predict name."""
  quiet_xla()
  from jaxsig.prediction import model as models
  return models.config_of(given.workdir or given.model or DEFAULT_MODEL)


def _train(given: "flags.FlagValues") -> None:
  _experiment(given, fit=True)


def _evaluate(given: "flags.FlagValues") -> None:
  _experiment(given, fit=False)


def _experiment(given: "flags.FlagValues", fit: bool) -> None:
  from jaxsig.experiment import sweep
  workdir = paths.folder(given.workdir, "--workdir")
  workdirs = sweep.experiment(given.config, workdir, fit=fit)
  sweep.report(workdirs, workdir / "report")


def _sweep(given: "flags.FlagValues") -> None:
  from jaxsig.experiment import sweep
  workdir = paths.folder(given.workdir, "--workdir")
  workdirs = sweep.sweep(given.config, workdir)
  sweep.report(workdirs, workdir / "report")


def _report(given: "flags.FlagValues") -> None:
  from jaxsig.experiment import sweep
  workdir = paths.writable_folder(given.workdir, "--workdir")
  workdirs = [paths.folder(joined, "--workdirs") for joined in given.workdirs]
  sweep.require_apart(workdirs, workdir)
  file, _, name = given.update.rpartition(":")
  if given.update:
    file = paths.source(file, "--update")
    sweep.require_table(file, name)
  sweep.report(workdirs, workdir / "report")
  sweep.copy_config(workdirs, workdir)
  if given.update:
    sweep.update_table(workdirs, file, name)


def _inspect(given: "flags.FlagValues") -> None:
  from jaxsig.experiment import sweep
  sweep.inspect(given.config)


def _export(given: "flags.FlagValues") -> None:
  from jaxsig.prediction import export
  workdir = paths.folder(given.workdir, "--workdir")
  output = paths.writable_folder(given.output, "--output")
  evidence = [paths.folder(folder, "--workdirs") for folder in given.workdirs]
  export.export(workdir, output, evidence, given.config)


def _check_gradients(given: "flags.FlagValues") -> None:
  from jaxsig.engine import gradients
  from jaxsig.experiment import checks, workdir
  checks.require_settings(given.config)
  report = gradients.check_config(given.config)
  workdir.say(str(report))
  if not report.ok:
    raise UserError(
        "the gradient of the loss is not what finite differences give: "
        "see the leaves above that are not ok"
    )


def _predict(given: "flags.FlagValues") -> None:
  from jaxsig.prediction import model as models
  from jaxsig.prediction import own_file
  if given.workdir:
    workdir = paths.folder(given.workdir, "--workdir")
    folder = workdir / "predict"
    model = models.from_workdir(workdir, given.config)
  else:
    folder = pathlib.Path("predictions")
    model = models.open_model(given.model or DEFAULT_MODEL, given.config)
  if given.output:
    folder = given.output
  own_file.run(model, given.input, given.rate_hz, folder)


if __name__ == "__main__":
  run()
