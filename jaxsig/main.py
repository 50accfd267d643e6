"""The command line: flags, modes and exit codes only; `python -m jaxsig --help` explains them.

Exit codes: 0 done; 2 a user's mistake, told in one sentence; 75 interrupted and saved, so that the
same command continues.
"""
import os
import pathlib
import re
import sys
from collections.abc import Sequence

from absl import flags
from ml_collections import config_flags

from jaxsig import config as configs
from jaxsig.errors import Interrupted, UserError

EXIT_DONE = 0
EXIT_USER = 2
EXIT_INTERRUPTED = 75

NEEDS = {   # flags that a mode needs
    "train": ("config", "workdir"),
    "eval": ("config", "workdir"),
    "predict": ("input",),
    "sweep": ("config", "workdir"),
    "report": ("workdir", "workdirs"),
    "inspect": ("config",),
    "export": ("workdir", "output"),
    "gradients": ("config",),
}
MODES = tuple(NEEDS)
HELP_WORDS = ("--help", "-help", "-h", "--helpshort", "--helpfull")
CHECKOUT = pathlib.Path(__file__).parent.parent

USAGE = """\
jaxsig trains models of signals and images in JAX, tests them on groups held out, and reports.

  jaxsig --config=configs/respdiff.py --workdir=runs/first      train, evaluate, report (simulated)
  jaxsig --mode=predict --input=mine.csv --rate_hz=64           your own file, with a shipped model
  jaxsig --mode=predict --input=mine.csv --workdir=runs/first   the same, with what you have trained
  jaxsig --mode=inspect --config=configs/respdiff.py --config.data_dir=DATA    what DATA holds
  jaxsig --mode=sweep --config=configs/sweeps/respdiff_bidmc.py --workdir=runs/table \\
         --config.data_dir=DATA                                 several experiments, one table

`python -m jaxsig` and, in a clone without installation, ./launch/local.sh take the same flags.

modes
  train      trains what is not finished, evaluates it and writes the report (the default mode)
  eval       evaluates a finished training again and writes the report
  predict    reads a file of your own with a trained model
  sweep      runs the experiments that a file in configs/sweeps/ lists; finished ones are kept
  report     joins the results of several --workdirs in one report
  inspect    tells what a data folder holds, what would be skipped, its licence and citation
  export     writes the model of a workdir as a folder of three small files, for --model
  gradients  compares the gradient of a config's loss with finite differences

flags
  --mode=MODE            one of the modes above
  --config=FILE[:ARG]    the experiment, a file in configs/; ARG such as smoke (seconds) or real
  --config.KEY=VALUE     changes one setting of it, as in --config.train.steps=1000
  --workdir=DIR          where checkpoints, results and the report go; the same command continues
  --input=FILE           predict: your recording, measurement or image, or a folder of images
  --rate_hz=HZ           predict: its sampling rate, where the file does not tell it
  --model=NAME           predict: a shipped model's name or folder, instead of --workdir
  --output=DIR           predict: folder of the results; export: folder of the model
  --workdirs=DIR,DIR     report: what is joined; export: a workdir with its error on new groups
  --update=FILE.md:NAME  report: writes the tables between the marks table:NAME of a text file
  --cpu_devices=N        simulates N devices on the CPU
  --help, --version      this page; the version
"""


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

  try:
    dispatch(parse(argv))
  except UserError as error:
    print(f"jaxsig: {error}", file=sys.stderr)
    return EXIT_USER
  except Interrupted as error:
    print(f"jaxsig: {error}; give the same command again to continue", file=sys.stderr)
    return EXIT_INTERRUPTED
  return EXIT_DONE


def run() -> None:
  """The console command `jaxsig`: runs the words of this process and exits."""
  sys.exit(main(sys.argv))


def define_flags(argv: Sequence[str]) -> flags.FlagValues:
  """Returns the flags, not yet parsed; `argv` says which keys of its config are flags too.

  They are not absl's global ones, so that one call leaves nothing for the next.
  """
  given = flags.FlagValues()
  config_flags.DEFINE_config_file(
      "config",
      help_string="config file, and after a colon its argument",
      flag_values=given,
      sys_argv=list(argv),
  )
  flags.DEFINE_string("mode", "train", f"one of {', '.join(MODES)}", flag_values=given)
  flags.DEFINE_list("workdirs", [], "report, export: finished workdirs", flag_values=given)
  flags.DEFINE_float("rate_hz", None, "predict: sampling rate", flag_values=given)
  flags.DEFINE_integer("cpu_devices", 0, "devices to simulate on the CPU", flag_values=given)

  texts = {
      "workdir": "folder of a training",
      "input": "predict: a file of your own",
      "model": "predict: a shipped model",
      "output": "predict, export: folder of the results",
      "update": "report: text file and mark of a table",
  }
  for name, meaning in texts.items():
    flags.DEFINE_string(name, "", meaning, flag_values=given)
  return given


def parse(argv: Sequence[str]) -> flags.FlagValues:
  """Parses a command line.

  Raises:
    UserError: any mistake in it, in one sentence.
  """
  argv = _with_config_found(argv)
  if _config_index(argv) is not None:
    configs.load(*_config_of(argv))   # what is wrong with the file is told before absl wraps it
  given = define_flags(argv)
  try:
    rest = given(argv)
  except flags.Error as error:
    raise _flag_mistake(argv, error) from None
  except (AttributeError, KeyError) as error:   # how ml_collections tells of an unknown key
    raise _unknown_key(argv, error) from None

  if len(rest) > 1:
    raise _stray_word(rest[1])
  if given.mode not in MODES:
    suggestion = configs.nearest(given.mode, MODES)
    raise UserError(f"unknown mode {given.mode!r}{suggestion}")
  for flag in NEEDS[given.mode]:
    if not given[flag].value:
      raise UserError(f"--mode={given.mode} needs --{flag}")
  if given.mode == "predict" and given.workdir and given.model:
    raise UserError("--mode=predict takes --workdir or --model, not both: leave one out")
  if given.rate_hz is not None and not given.rate_hz > 0:
    raise UserError(
        f"--rate_hz={given.rate_hz:g} is no sampling rate: give the samples in a second, above 0")
  file, _, name = given.update.rpartition(":")
  if given.update and not (file and name):
    raise UserError(
        f"--update={given.update} names no table: write --update=FILE.md:NAME, where NAME is that "
        "of the mark <!-- table:NAME --> in the file")
  return given


def _config_index(argv: Sequence[str]) -> int | None:
  """Returns where the last word of the form --config=FILE stands."""
  places = [i for i, word in enumerate(argv) if re.match(r"--?config=", word)]
  if not places:
    return None
  return places[-1]


def _config_of(argv: Sequence[str]) -> tuple[str, str]:
  """Returns path and argument of --config=PATH:ARGUMENT, which must be there."""
  value = argv[_config_index(argv)].partition("=")[2]
  path, _, argument = value.partition(":")
  return path, argument


def _with_config_found(argv: Sequence[str]) -> list[str]:
  """Returns the words with the config file that they mean.

  A relative path means a file below the current folder, or else one of this checkout, so that
  `--config=configs/respdiff.py` does from any folder.

  Raises:
    UserError: there is no such file.
  """
  argv = list(argv)
  if "--config" in argv[:-1]:   # --config FILE: the form of two words
    i = argv.index("--config")
    argv[i:i + 2] = [f"--config={argv[i + 1]}"]
  index = _config_index(argv)
  if index is None:
    return argv

  path, argument = _config_of(argv)
  if pathlib.Path(path).is_file():
    return argv
  in_checkout = CHECKOUT / path
  if not in_checkout.is_file():
    raise UserError(
        f"no config file {path}: name one of the repository's configs/, "
        "as in --config=configs/respdiff.py"
    )
  word = f"--config={in_checkout}"
  if argument:
    word += f":{argument}"
  argv[index] = word
  return argv


def _changed_keys(argv: Sequence[str]) -> list[str]:
  """Returns the dotted keys that words such as --config.KEY=VALUE change."""
  matches = [re.match(r"--?(?:no)?config\.([\w.]+)", word) for word in argv]
  return [match[1] for match in matches if match]


def _flag_mistake(argv: Sequence[str], error: flags.Error) -> UserError:
  changed = _changed_keys(argv)
  if changed and _config_index(argv) is None:
    return UserError(
        f"--config.{min(changed)} needs --config=FILE, the config that it changes "
        "(of a --workdir, its own)"
    )
  sentence = " ".join(str(error).split())
  return UserError(sentence.rstrip("?. "))


def _unknown_key(argv: Sequence[str], error: Exception) -> UserError:
  known = configs.flat(configs.load(*_config_of(argv)))
  unknown = [key for key in _changed_keys(argv) if key not in known]
  if not unknown:
    unknown = [str(error).strip("\"'")]
  suggestion = configs.nearest(unknown[0], known)
  return UserError(f"unknown config key {unknown[0]!r}{suggestion}")


def _stray_word(word: str) -> UserError:
  if word in MODES:
    return UserError(f"unexpected argument {word!r}: a mode is written --mode={word}")
  return UserError(f"unexpected argument {word!r}: settings are written --config.key=value")


def dispatch(given: flags.FlagValues) -> None:
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


def _require_kind(given: flags.FlagValues) -> None:
  """Raises UserError where a mode is given a sweep's list for an experiment, or the reverse."""
  from jaxsig.experiment import checks
  if given.mode == "sweep":
    checks.require_list(given.config)
  elif given.config is not None:
    checks.require_experiment(given.config)


def _start_devices(cpu_devices: int) -> None:
  """Imports and starts jax: after the flags are parsed, so that a wrong one is answered at once.

  Raises:
    UserError: the devices that JAX_PLATFORMS names cannot be opened.
  """
  # XLA's "Very slow compile?" is an error of its log: level 3 leaves fatal ones only.
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  from jaxsig.engine import mesh
  mesh.start(cpu_devices=cpu_devices)
  try:
    mesh.is_main()   # opens the devices
  except (AssertionError, RuntimeError) as error:
    platforms = os.environ.get("JAX_PLATFORMS")
    if not platforms:
      raise
    raise UserError(
        f"jax cannot open the devices that the environment variable JAX_PLATFORMS={platforms} "
        "names: unset it, or set JAX_PLATFORMS=cpu"
    ) from error


def _folder(text: str) -> pathlib.Path:
  """Returns the folder that a flag names; `~` is the home folder, which shells leave after a `=`.

  Raises:
    UserError: it is the address of a bucket, or a file.
  """
  if "://" in text:
    raise UserError(f"{text} is no folder of this machine: mount the bucket, and name its folder")
  folder = pathlib.Path(text).expanduser()
  if folder.is_file():
    raise UserError(f"{text} is a file: name a folder")
  return folder


def _train(given: flags.FlagValues) -> None:
  _experiment(given, fit=True)


def _evaluate(given: flags.FlagValues) -> None:
  _experiment(given, fit=False)


def _experiment(given: flags.FlagValues, fit: bool) -> None:
  from jaxsig.experiment import sweep
  workdir = _folder(given.workdir)
  workdirs = sweep.experiment(given.config, workdir, fit=fit)
  sweep.report(workdirs, workdir / "report")


def _sweep(given: flags.FlagValues) -> None:
  from jaxsig.experiment import sweep
  workdir = _folder(given.workdir)
  workdirs = sweep.sweep(given.config, workdir)
  sweep.report(workdirs, workdir / "report")


def _report(given: flags.FlagValues) -> None:
  from jaxsig.experiment import sweep
  workdir = _folder(given.workdir)
  workdirs = [_folder(joined) for joined in given.workdirs]
  sweep.report(workdirs, workdir / "report")
  sweep.copy_config(workdirs, workdir)
  if given.update:
    file, _, name = given.update.rpartition(":")
    sweep.update_table(workdirs, file, name)


def _inspect(given: flags.FlagValues) -> None:
  from jaxsig.experiment import sweep
  sweep.inspect(given.config)


def _export(given: flags.FlagValues) -> None:
  from jaxsig.prediction import export
  evidence = [_folder(workdir) for workdir in given.workdirs]
  export.export(_folder(given.workdir), _folder(given.output), evidence)


def _check_gradients(given: flags.FlagValues) -> None:
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


def _predict(given: flags.FlagValues) -> None:
  from jaxsig import DEFAULT_MODEL
  from jaxsig.prediction import model as models
  from jaxsig.prediction import own_file
  if given.workdir:
    workdir = _folder(given.workdir)
    model = models.from_workdir(workdir, given.config)
    folder = workdir / "predict"
  else:
    name = os.path.expanduser(given.model or DEFAULT_MODEL)
    model = models.open_model(name, given.config)
    folder = pathlib.Path("predictions")
  if given.output:
    folder = _folder(given.output)
  own_file.run(model, os.path.expanduser(given.input), given.rate_hz, folder)


if __name__ == "__main__":
  run()
