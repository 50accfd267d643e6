"""What a user may ask for of a song: which stems, what is left, and how files are written."""
from collections.abc import Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig.config import nearest
from jaxsig.data.audio.audio_writing import SAMPLE_TYPES
from jaxsig.errors import UserError
from jaxsig.setting_rules import choice, optional, text, yes_or_no

RESIDUAL = "residual"
OPTIONS = {
    "stems": "",              # names, such as "vocals,drums"; empty: all
    "two_stems": "",          # a name: that stem, and the rest as "no_<name>"
    "residual": False,        # what no written stem holds, as one more
    "sample_type": "int16",   # int24, or in WAV float32, which is never clipped
    "format": "wav",          # flac
}
SETTINGS = {
    "own.stems": optional(text()),
    "own.two_stems": optional(text()),
    "own.residual": optional(yes_or_no()),
    "own.sample_type": optional(choice(*SAMPLE_TYPES)),
    "own.format": optional(choice("wav", "flac")),
}


class Plan(NamedTuple):
  """What is made of a song.

  Attributes:
    stems: of the network, in the order in which they are written.
    rest: name of the mixture minus all of them; empty: it is not made.
    sample_type: of the files.
    ending: of the files, with its dot.
  """
  stems: tuple[str, ...]
  rest: str
  sample_type: str
  ending: str

  @property
  def names(self) -> tuple[str, ...]:
    """Of all that is written."""
    if self.rest:
      return (*self.stems, self.rest)
    return self.stems


def plan_of(known: Sequence[str], own: ConfigDict) -> Plan:
  """The plan by `config.own`, where a network separates the stems `known`.

  Raises:
    UserError: a stem is unknown, or two settings contradict each other.
  """
  asked = {name: own.get(name, default) for name, default in OPTIONS.items()}
  if asked["format"] == "flac" and asked["sample_type"] == "float32":
    raise UserError(
        "own.format=flac holds no float32: set own.sample_type to int16 or int24, or own.format to "
        "wav")
  stems, rest = tuple(known), ""
  if asked["stems"]:
    stems = _names(asked["stems"], "own.stems", known)
  if asked["residual"]:
    rest = RESIDUAL
  if asked["two_stems"]:
    if asked["stems"] or asked["residual"]:
      raise UserError(
          "own.two_stems is one stem and all the rest: leave own.stems and own.residual out, or "
          "leave it out")
    stems = _names(asked["two_stems"], "own.two_stems", known)
    if len(stems) > 1:
      raise UserError(
          f"own.two_stems={asked['two_stems']} names {len(stems)} stems: name one, or use "
          "own.stems with own.residual=True")
    rest = f"no_{stems[0]}"
  return Plan(stems, rest, asked["sample_type"], f".{asked['format']}")


def _names(words: str, key: str, known: Sequence[str]) -> tuple[str, ...]:
  """The names in a text, each once."""
  names = [word.strip() for word in words.split(",") if word.strip()]
  if not names:
    raise UserError(f"{key}={words!r} names no stem: name some of {', '.join(known)}")
  for name in names:
    if name not in known:
      raise UserError(
          f"{key} names {name!r}, which the model does not separate{nearest(name, known)}")
  return tuple(dict.fromkeys(names))


def own_stems_are_known(config: ConfigDict) -> None:
  """What is asked for of a user's song can be made.

  Raises:
    UserError: see `plan_of`.
  """
  if config.get("own") is not None:
    plan_of(config.data.stems, config.own)


RELATIONS = (own_stems_are_known,)
