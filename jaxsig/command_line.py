"""The words of a command line: flags and modes, read and checked."""
import re
from collections.abc import Callable, Sequence

from absl import flags
from ml_collections import ConfigDict, config_flags
from ml_collections.config_flags.config_flags import FlagOrderError, UnsupportedOperationError

from jaxsig import config as configs
from jaxsig.errors import UserError
from jaxsig.usage import MODES, NEEDS

MOST_CPU_DEVICES = 256
_KEY_WORD = re.compile(r"--?(?:no)?config\.([\w.]+)")   # --config.KEY=VALUE


def define_flags(argv: Sequence[str], config: ConfigDict | None = None) -> flags.FlagValues:
  """Returns the flags, not yet parsed; `argv` says which keys of its config are flags too.

  They are not absl's global ones, so that one call leaves nothing for the next.

  Args:
    argv: the program's name, then the words of the command.
    config: whose keys they are, where no config file is named.
  """
  given = flags.FlagValues()
  if config is None:
    config_flags.DEFINE_config_file(
        "config",
        help_string="config file, and after a colon its argument",
        flag_values=given,
        sys_argv=list(argv),
    )
  else:
    config_flags.DEFINE_config_dict(
        "config", config, flag_values=given, sys_argv=list(argv))
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


def parse(
    argv: Sequence[str],
    config_of_model: Callable[[flags.FlagValues], ConfigDict] | None = None,
) -> flags.FlagValues:
  """Parses a command line.

  Args:
    argv: the program's name, then the words of the command.
    config_of_model: (flags of --mode=predict) -> the config of the model that they name, whose
      keys are changed where no config file is named.

  Raises:
    UserError: any mistake in it, in one sentence.
  """
  argv = _with_config_first(argv)
  if _config_index(argv) is not None:
    _, path, argument = _config_of(argv)
    config = configs.load(path, argument)   # what is wrong is told before absl wraps it
    given = _parsed(argv, config, from_file=True)
    _require_flags(given)
    return given

  without_keys = _without_keys(argv)
  given = _parsed(without_keys, None)
  changed = _changed_keys(argv)
  has_model = given.mode == "predict" and config_of_model is not None
  if changed and given.mode in MODES and not has_model:
    raise UserError(
        f"--config.{min(changed)} needs --config=FILE, the config that it changes (of a "
        "--workdir, its own)")
  _require_flags(given)
  if changed:
    config = config_of_model(given)
    given = _parsed(argv, config)
  return given


def _parsed(
    argv: Sequence[str],
    config: ConfigDict | None,
    from_file: bool = False,
) -> flags.FlagValues:
  """The flags with their values; `config` has the keys that may be changed."""
  try:
    if from_file:
      given = define_flags(argv)
    else:
      given = define_flags(argv, config)
    rest = given(argv)
  except (flags.Error, FlagOrderError, UnsupportedOperationError) as error:
    sentence = " ".join(str(error).split())
    raise UserError(sentence.removeprefix("ERROR:: ").rstrip("?. ")) from None
  except (AttributeError, KeyError, TypeError) as error:   # ml_collections on an unknown key
    raise _unknown_key(argv, error, config) from None
  except OSError as error:
    raise UserError(f"{error.filename} cannot be read ({error.strerror}): name another") from None
  if len(rest) > 1:
    raise _stray_word(rest[1])
  return given


def _require_flags(given: flags.FlagValues) -> None:
  """Checks what the flags say beside the config."""
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
  if not 0 <= given.cpu_devices <= MOST_CPU_DEVICES:
    raise UserError(
        f"--cpu_devices={given.cpu_devices} is no number of devices to simulate: give 1 to "
        f"{MOST_CPU_DEVICES}, or leave it out")
  file, _, name = given.update.rpartition(":")
  if given.update and not (file and name):
    raise UserError(
        f"--update={given.update} names no table: write --update=FILE.md:NAME, where NAME is that "
        "of the mark <!-- table:NAME --> in the file")


def _config_index(argv: Sequence[str]) -> int | None:
  """Returns where the last word of the form --config=FILE stands."""
  places = [i for i, word in enumerate(argv) if re.match(r"--?config=", word)]
  if not places:
    return None
  return places[-1]


def _config_of(argv: Sequence[str]) -> tuple[str, str, str]:
  """Returns the value of --config=PATH:ARGUMENT, which must be there, its path and argument."""
  value = argv[_config_index(argv)].partition("=")[2]
  path, _, argument = value.partition(":")
  return value, path, argument


def _with_config_first(argv: Sequence[str]) -> list[str]:
  """Returns the words with the config file that they mean, once and before its keys.

  A relative path means a file below the current folder, or else one of this checkout, so that
  `--config=configs/respdiff.py` does from any folder.

  Raises:
    UserError: there is no such file.
  """
  argv = list(argv)
  for i in reversed(range(len(argv))):
    if argv[i] in ("--config", "-config"):   # --config FILE: the form of two words
      value = "".join(argv[i + 1:i + 2])
      argv[i:i + 2] = [f"--config={value}"]
  if _config_index(argv) is None:
    return argv

  _, path, argument = _config_of(argv)
  word = f"--config={configs.config_file(path)}"
  if argument:
    word += f":{argument}"
  others = [other for other in argv[1:] if not re.match(r"--?config=", other)]
  return [argv[0], word, *others]


def _without_keys(argv: Sequence[str]) -> list[str]:
  """The words without those of the form --config.KEY=VALUE or --config.KEY VALUE."""
  words = []
  value_follows = False
  for word in argv:
    if _KEY_WORD.match(word):
      value_follows = "=" not in word
    elif value_follows and not word.startswith("-"):
      value_follows = False
    else:
      value_follows = False
      words.append(word)
  return words


def _changed_keys(argv: Sequence[str]) -> list[str]:
  """Returns the dotted keys that words such as --config.KEY=VALUE change."""
  matches = [_KEY_WORD.match(word) for word in argv]
  return [match[1] for match in matches if match]


def _unknown_key(argv: Sequence[str], error: Exception, config: ConfigDict | None) -> UserError:
  config = config or ConfigDict()
  known = configs.flat(config)
  unknown = [key for key in _changed_keys(argv) if key not in known]
  if not unknown:
    unknown = [str(error).strip("\"'")]
  return UserError(f"unknown config key {unknown[0]!r}{configs.nearest_key(unknown[0], config)}")


def _stray_word(word: str) -> UserError:
  if word in MODES:
    return UserError(f"unexpected argument {word!r}: a mode is written --mode={word}")
  return UserError(f"unexpected argument {word!r}: settings are written --config.key=value")
