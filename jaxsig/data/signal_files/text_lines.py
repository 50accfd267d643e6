"""Lines of a text file in blocks: gz-compressed or not, in the common encodings."""
import gzip
import io
import pathlib
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from jaxsig.errors import UserError

_HEAD_BYTES = 1 << 16
_BLOCK_CHARACTERS = 1 << 20   # read at once
_LONGEST_LINE = 1 << 20
_BYTE_ORDER_MARKS = (
  (b"\xef\xbb\xbf", "utf-8-sig"),
  (b"\xff\xfe", "utf-16"),
  (b"\xfe\xff", "utf-16"),
)
_OTHER_FORMATS = (
  (b"PK\x03\x04", "a workbook or an archive"),
  (b"\xd0\xcf\x11\xe0", "an old workbook"),
  (b"\x89HDF", "an HDF5 file"),
  (b"MATLAB", "a MATLAB file"),
  (b"\x93NUMPY", "a NumPy array: name it .npy"),
  (b"%PDF", "a PDF"),
)
_CONTROL = bytes(range(1, 9)) + bytes(range(14, 26)) + bytes(range(28, 32))


class Block(NamedTuple):
  """Some lines of a file, in order.

  Attributes:
    first: number of the first line in the file, from 1 on.
    lines: without their ends; blank ones too.
    is_open: the last one ends with the file instead of a line end.
  """
  first: int
  lines: list[str]
  is_open: bool = False


def encoding_of(path: pathlib.Path) -> tuple[str, str]:
  """Returns a text file's encoding and a note on it ("" where it is UTF-8).

  Raises:
    UserError: the file is empty, damaged or no text.
  """
  with _readable(path), _open_bytes(path) as file:
    head = file.read(_HEAD_BYTES)
  if not head:
    raise no_table(path, "it is empty")

  for magic, words in _OTHER_FORMATS:
    if head.startswith(magic):
      raise no_table(path, f"it is {words}")
  for mark, encoding in _BYTE_ORDER_MARKS:
    if head.startswith(mark):
      return encoding, ""

  if b"\0" in head:
    return _wide_encoding(head, path), "read as UTF-16"
  if any(byte in head for byte in _CONTROL):
    raise no_table(path, "it is not text")

  whole_lines = head
  if len(head) == _HEAD_BYTES:
    whole_lines = head[:-4]   # a character may be cut
  try:
    whole_lines.decode("utf-8")
  except UnicodeDecodeError as error:
    if error.start < len(whole_lines) - 4:
      return "cp1252", "read as Latin-1"
  return "utf-8", ""


def _wide_encoding(head: bytes, path: pathlib.Path) -> str:
  """UTF-16 without a byte order mark: every second byte is 0."""
  for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
    if not any(head[first::2]) and all(head[1 - first::2]):
      return encoding
  raise no_table(path, "it is not text: it holds NUL bytes")


def line_blocks(path: pathlib.Path, encoding: str) -> Iterator[Block]:
  """Yields the lines of a text file in blocks of a few megabytes.

  Raises:
    UserError: the file is damaged, holds NUL bytes, or a line is longer than a megabyte.
  """
  with _readable(path), _open_bytes(path) as raw:
    file = io.TextIOWrapper(raw, encoding, errors="replace", newline=None)
    block = Block(1, [])
    rest = ""
    while text := file.read(_BLOCK_CHARACTERS):
      if block.lines:
        yield block
      lines = (rest + text).split("\n")
      rest = lines.pop()
      block = Block(block.first + len(block.lines), lines)
      _check_text(block, rest, text, path)

    rest = rest.rstrip("\x1a")   # how DOS ends a file
    yield Block(block.first, [*block.lines, rest], is_open=bool(rest))


def _check_text(block: Block, rest: str, text: str, path: pathlib.Path) -> None:
  if "\0" in text:
    for number, line in enumerate([*block.lines, rest], block.first):
      if "\0" in line:
        raise UserError(f"line {number} of {path} holds NUL bytes: cut the file there")

  if len(rest) > _LONGEST_LINE:
    number = block.first + len(block.lines)
    raise no_table(path, f"line {number} is longer than a million characters")


def _open_bytes(path: pathlib.Path) -> io.BufferedIOBase:
  file = open(path, "rb")  # noqa: SIM115  closed by the caller
  is_gz = file.read(2) == b"\x1f\x8b"
  file.seek(0)
  if not is_gz:
    return file
  file.close()
  return gzip.open(path, "rb")


class _readable:
  """Turns what goes wrong in opening, unpacking and decoding into a sentence."""

  def __init__(self, path: pathlib.Path):
    self._path = path

  def __enter__(self) -> None:
    return None

  def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
    if isinstance(error, (EOFError, gzip.BadGzipFile, zlib.error)):
      raise no_table(self._path, f"its compressed data are damaged: {error}") from error
    if isinstance(error, UnicodeError):
      raise no_table(self._path, f"its text is damaged: {error}") from error
    if isinstance(error, OSError):
      raise UserError(f"{self._path} cannot be read: {error.strerror or error}") from error


def no_table(path: pathlib.Path, why: str) -> UserError:
  """Returns the error of a file that is no table of numbers."""
  return UserError(
    f"{path} is no table of numbers ({why}): export it as plain CSV, a line a sample"
  )
