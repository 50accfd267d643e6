"""Exceptions that end a command without a traceback, for every module to raise."""
import unicodedata

_NOT_PRINTED = ("Cc", "Cs", "Zl", "Zp")   # control characters, bytes that are no text, line ends


class UserError(Exception):
  """A user's mistake: one sentence names it and the remedy; `main` prints it and exits with 2."""

  def __init__(self, sentence: object = ""):
    one_line = " ".join(line.strip() for line in str(sentence).splitlines())
    super().__init__(printable(one_line))


class OtherNetwork(UserError):
  """Stored parameters are not those of the network that they are read for."""


class Interrupted(Exception):
  """A training was stopped after saving; the same command continues. `main` exits with 75."""


def printable(text: str) -> str:
  """A text that any console, table and file takes.

  Control characters, and the bytes of a name that is not UTF-8, are written as in a web address:
  "Gr%F6%DFe.npy".
  """
  characters = []
  for character in text:
    if unicodedata.category(character) in _NOT_PRINTED:
      encoded = character.encode("utf-8", "surrogatepass")
      if "\udc80" <= character <= "\udcff":   # how Python keeps such a byte
        encoded = character.encode("utf-8", "surrogateescape")
      character = "".join(f"%{byte:02X}" for byte in encoded)
    characters.append(character)
  return "".join(characters)
