"""Scalars (jsonl and TensorBoard) and the progress line; written by one process only."""
import json
import pathlib
import sys
import time
from typing import Any


class Scalars:
  """Appends scalars of one member; a restart drops the lines after the step from which it continues."""

  def __init__(self, folder: str | pathlib.Path, from_step: int = 0, tensorboard: bool = True):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scalars.jsonl"
    kept = [line for line in path.read_text().splitlines() if _step(line) <= from_step] if path.exists() else []
    path.write_text("".join(line + "\n" for line in kept))
    self._file = path.open("a")
    self._board = _board(folder, from_step) if tensorboard else None

  def write(self, step: int, scalars: dict[str, float]) -> None:
    """One line {"step", name: value}; flushed, so that a kill loses nothing."""
    self._file.write(json.dumps({"step": step, **scalars}) + "\n")
    self._file.flush()
    if self._board:
      for name, value in scalars.items():
        self._board.add_scalar(name, value, step)

  def close(self) -> None:
    """Closes both files."""
    self._file.close()
    if self._board:
      self._board.close()


def _step(line: str) -> float:
  try:
    return json.loads(line)["step"]
  except (ValueError, KeyError):  # the torn last line of a killed run
    return float("inf")


def _board(folder: pathlib.Path, from_step: int) -> Any:
  try:
    from tensorboardX import SummaryWriter
  except ImportError:  # TensorBoard files are a convenience; the jsonl holds the same numbers
    return None
  return SummaryWriter(str(folder / "tensorboard"), purge_step=from_step)


class Progress:
  """A line with rate and remaining time: rewritten on a terminal, plain lines every `every_s` seconds elsewhere."""

  def __init__(self, what: str, total: int, start: int = 0, every_s: float = 10.0, show: bool = True):
    self._what, self._total, self._first = what, total, start
    self._begin = self._shown = time.monotonic()
    self._tty, self._show = sys.stderr.isatty(), show
    self._every_s = 0.2 if self._tty else every_s

  def update(self, done: int, note: str = "") -> None:
    """Shows `done` of the total, where it is time to."""
    now = time.monotonic()
    if not self._show or (now - self._shown < self._every_s and done < self._total):
      return
    self._shown = now
    rate = (done - self._first) / max(now - self._begin, 1e-9)
    left = (self._total - done) / rate if rate else float("nan")
    line = f"{self._what} {done}/{self._total} {note} {rate:.1f}/s, {_clock(left)} left"
    print(f"\r\x1b[K{line}" if self._tty else line, end="" if self._tty else "\n", file=sys.stderr, flush=True)

  def close(self) -> None:
    """Ends the line."""
    if self._show and self._tty:
      print(file=sys.stderr)


def _clock(seconds: float) -> str:
  if not seconds < 1e6:
    return "?"
  minutes, s = divmod(int(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  return f"{hours}:{minutes:02d}:{s:02d}" if hours else f"{minutes}:{s:02d}"
