"""What a long run tells while it runs: scalars in files, and lines of progress on stderr.

Of several processes only the main one makes these objects, or passes `show=True`.
"""
import contextlib
import json
import pathlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from tensorboardX import SummaryWriter

COMPILING_AFTER_S = 5.0
PHASE_AFTER_S = 10.0
TERMINAL_EVERY_S = 0.2   # between two rewritings of a progress line
ERASE_LINE = "\r\x1b[K"


class Scalars:
  """Scalars of one member over its steps, as `scalars.jsonl` and for TensorBoard.

  A restart drops the lines after the step from which it continues.

  Args:
    folder: of the member; it is made where it is missing.
    from_step: the step from which the training continues.
    tensorboard: whether TensorBoard files are written too (if tensorboardX is installed).
  """

  def __init__(
      self,
      folder: str | pathlib.Path,
      from_step: int = 0,
      tensorboard: bool = True,
  ):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    path = folder / "scalars.jsonl"
    lines = _lines_until(path, from_step)
    path.write_text("".join(line + "\n" for line in lines))
    self._file = path.open("a")

    self._board = None
    if tensorboard:
      self._board = _open_board(folder / "tensorboard", from_step)

  def write(self, step: int, scalars: Mapping[str, float]) -> None:
    """Appends one line {"step", name: value}, flushed so that a kill loses nothing."""
    line = json.dumps({"step": step, **scalars})
    self._file.write(line + "\n")
    self._file.flush()

    if self._board is not None:
      for name, value in scalars.items():
        self._board.add_scalar(name, value, step)

  def close(self) -> None:
    """Closes both files."""
    self._file.close()
    if self._board is not None:
      self._board.close()


def _lines_until(path: pathlib.Path, last_step: int) -> list[str]:
  """Returns the lines of a scalars file whose step is at most `last_step`."""
  if not path.exists():
    return []
  lines = path.read_text().splitlines()
  return [line for line in lines if _step_of(line) <= last_step]


def _step_of(line: str) -> float:
  try:
    return json.loads(line)["step"]
  except (ValueError, LookupError, TypeError):  # the torn last line of a killed run
    return float("inf")


def _open_board(folder: pathlib.Path, from_step: int) -> "SummaryWriter | None":
  try:
    from tensorboardX import SummaryWriter
  except ImportError:  # TensorBoard files are a convenience: the jsonl holds the same numbers
    return None
  return SummaryWriter(str(folder), purge_step=from_step)


class Progress:
  """A line of progress with speed and remaining time, until `close`.

  On a terminal the line is rewritten in place; elsewhere a new line is printed every `every_s`.
  The clock starts after the first compilation (`compiling`), or else at the first update: what
  compiling takes says nothing about the steps that remain.

  Args:
    what: the line's first words, such as "training fold_0".
    total: count at which it is done.
    start: count from which it continues.
    every_s: least time between two lines.
    show: whether anything is printed.
  """

  def __init__(
      self,
      what: str,
      total: int,
      start: int = 0,
      every_s: float = 10.0,
      show: bool = True,
  ):
    self._what = what
    self._total = total
    self._start = start
    self._every_s = every_s
    self._show = show

    self._compiled = set()
    self._shown_s = time.monotonic()
    self._clock_start_s = None   # None: the clock has not started
    self._done_at_clock_start = start

  def __enter__(self) -> "Progress":
    return self

  def __exit__(self, *error: object) -> None:
    self.close()

  @contextlib.contextmanager
  def compiling(self, what: str) -> Iterator[None]:
    """Says "compiling WHAT ..." where the first block under this name takes more than 5 s.

    Later blocks of the same name pass silently, so that a loop may wrap every call of a function
    that compiles at its first one. The clock starts after that call, which has done one part.
    """
    if what in self._compiled:
      yield
      return

    self._compiled.add(what)
    with phase(f"compiling {what}", COMPILING_AFTER_S, self._show):
      yield
    if self._clock_start_s is None:
      self._start_clock(self._start + 1)

  def update(self, done: int, note: str = "") -> None:
    """Shows that `done` of the total are done, where it is time to.

    Args:
      done: count that is done, `start` included.
      note: a few words that follow the count, such as the loss.
    """
    now_s = time.monotonic()
    if self._clock_start_s is None:
      self._start_clock(done)
    if not self._show or self._total == 1:   # a single part has no progress
      return

    every_s = self._every_s
    if _STDERR.is_terminal():
      every_s = TERMINAL_EVERY_S
    finished = done >= self._total
    if now_s - self._shown_s < every_s and not finished:
      return

    self._shown_s = now_s
    _STDERR.rewrite(self._text(done, note, now_s))
    if finished:
      _STDERR.end_line()

  def close(self) -> None:
    """Ends the line, so that what is printed next begins its own; a second call does nothing."""
    if self._show:
      _STDERR.end_line()

  def _start_clock(self, done: int) -> None:
    self._clock_start_s = time.monotonic()
    self._done_at_clock_start = done

  def _text(self, done: int, note: str, now_s: float) -> str:
    parts = [f"{self._what} {done}/{self._total}"]
    if note:
      parts.append(note)

    elapsed_s = now_s - self._clock_start_s
    timed = done - self._done_at_clock_start
    if timed > 0 and elapsed_s > 0:
      remaining_s = (self._total - done) * elapsed_s / timed
      parts.append(_speed(timed, elapsed_s))
      parts.append(f"{_clock(remaining_s)} left")
    return ", ".join(parts)


@contextlib.contextmanager
def phase(what: str, after_s: float = PHASE_AFTER_S, show: bool = True) -> Iterator[None]:
  """Prints "WHAT ..." where the block takes longer than `after_s`, and at its end how long it took.

  Args:
    what: what the block does, such as "scoring".
    after_s: seconds for which nothing is printed.
    show: whether anything is printed.
  """
  if not show:
    yield
    return

  begin_s = time.monotonic()
  announced = threading.Event()

  def announce() -> None:
    _STDERR.rewrite(f"{what} ...")
    announced.set()

  timer = threading.Timer(after_s, announce)
  timer.daemon = True   # an interrupted program does not wait for it
  timer.start()
  try:
    yield
  finally:
    timer.cancel()
    timer.join()
    if announced.is_set():
      _STDERR.rewrite(f"{what} ... {_clock_or_seconds(time.monotonic() - begin_s)}")
      _STDERR.end_line()


def end_line() -> None:
  """Ends a progress line that is still open on the terminal: call it before printing a table."""
  _STDERR.end_line()


class _LastLine:
  """The last line of stderr, which is rewritten in place on a terminal."""

  def __init__(self):
    self._open = False

  def is_terminal(self) -> bool:
    return sys.stderr.isatty()

  def rewrite(self, text: str) -> None:
    """Replaces an open line; where stderr is no terminal, prints a new one."""
    if not self.is_terminal():
      print(text, file=sys.stderr, flush=True)
      return

    width = shutil.get_terminal_size().columns
    shortened = text[:width - 1]   # a line that wraps could not be rewritten
    print(ERASE_LINE + shortened, end="", file=sys.stderr, flush=True)
    self._open = True

  def end_line(self) -> None:
    if self._open:
      print(file=sys.stderr, flush=True)
    self._open = False


_STDERR = _LastLine()   # one for all: progress lines and phases share the terminal


def _speed(count: int, seconds: float) -> str:
  """Returns "12.5/s", or "3.2 s each" below one a second."""
  if count >= seconds:
    return f"{count / seconds:.1f}/s"
  return f"{seconds / count:.1f} s each"


def _clock_or_seconds(seconds: float) -> str:
  """Returns "23 s", or from a minute on "1:23"."""
  if seconds < 60:
    return f"{seconds:.0f} s"
  return _clock(seconds)


def _clock(seconds: float) -> str:
  """Returns "m:ss", or from an hour on "h:mm:ss"."""
  minutes, seconds = divmod(int(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  if hours:
    return f"{hours}:{minutes:02d}:{seconds:02d}"
  return f"{minutes}:{seconds:02d}"
