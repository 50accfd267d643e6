"""Scalars survive a kill; progress leaves compilation out of its times, and ends its line."""
import contextlib
import io
import json
import os
import time

import pytest

from jaxsig.engine import log


class FakeClock:
  """A monotonic clock that tests set."""

  def __init__(self):
    self.now_s = 100.0

  def __call__(self) -> float:
    return self.now_s


class FakeTerminal(io.StringIO):
  """A stderr that says that it is a terminal."""

  def isatty(self) -> bool:
    return True

  def visible_lines(self) -> list[str]:
    """What a terminal shows: an erased line is gone."""
    lines = self.getvalue().split("\n")
    return [line.split(log.ERASE_LINE)[-1] for line in lines]


@pytest.fixture
def clock(monkeypatch):
  """The clock of progress lines, set by the test."""
  fake = FakeClock()
  monkeypatch.setattr(log.time, "monotonic", fake)
  return fake


def on_a_terminal() -> contextlib.AbstractContextManager[FakeTerminal]:
  """A block in which stderr is a terminal."""
  return contextlib.redirect_stderr(FakeTerminal())


def test_a_restart_drops_scalars_after_its_step_and_a_torn_line(tmp_path):
  first = log.Scalars(tmp_path, tensorboard=False)
  for step in (10, 20, 30):
    first.write(step, {"loss": step / 10})
  first.close()
  with (tmp_path / "scalars.jsonl").open("a") as file:
    file.write('{"step": 4')

  second = log.Scalars(tmp_path, from_step=20, tensorboard=False)
  second.write(25, {"loss": 0.5})
  second.close()

  lines = (tmp_path / "scalars.jsonl").read_text().splitlines()
  assert [json.loads(line)["step"] for line in lines] == [10, 20, 25]


def test_remaining_time_leaves_the_time_before_the_first_update_out(clock, capsys):
  progress = log.Progress("training", total=100)
  clock.now_s += 600   # compilation
  progress.update(10, "loss 0.5")
  clock.now_s += 20
  progress.update(50, "loss 0.4")
  assert capsys.readouterr().err.splitlines() == [
      "training 10/100, loss 0.5",
      "training 50/100, loss 0.4, 2.0/s, 0:25 left",
  ]


def test_the_clock_starts_after_the_compilation(clock, capsys):
  progress = log.Progress("training", total=100, start=20)
  with progress.compiling("the training step"):
    clock.now_s += 600
  progress.update(21)
  clock.now_s += 120
  progress.update(41)
  assert capsys.readouterr().err.splitlines() == [
      "training 21/100",
      "training 41/100, 6.0 s each, 5:54 left",
  ]


def test_elsewhere_than_on_a_terminal_a_line_comes_every_ten_seconds(clock, capsys):
  progress = log.Progress("training", total=100)
  for done in range(1, 101):
    clock.now_s += 1
    progress.update(done)
  progress.close()
  lines = capsys.readouterr().err.splitlines()
  counts = [line.split()[1].rstrip(",") for line in lines]
  assert counts == [f"{done}/100" for done in range(10, 101, 10)]


def test_a_terminal_shows_one_line_and_nothing_runs_into_it(clock):
  with on_a_terminal() as terminal:
    log.Progress("reading", total=2).update(2)   # done, but not closed
    with log.Progress("training", total=9) as progress:
      for done in (1, 2, 3):
        clock.now_s += 1
        progress.update(done)
    progress.close()
    print("a table", file=terminal)
  assert terminal.visible_lines() == [
      "reading 2/2",
      "training 3/9, 1.0/s, 0:06 left",
      "a table",
      "",
  ]


def test_a_progress_line_fits_the_terminal(monkeypatch):
  monkeypatch.setattr(log.shutil, "get_terminal_size", lambda: os.terminal_size((20, 24)))
  with on_a_terminal() as terminal:
    log.Progress("a" * 50, total=2).update(2)
  assert terminal.visible_lines() == ["a" * 19, ""]


def test_a_slow_phase_is_announced_and_timed(capsys):
  with log.phase("scoring", after_s=0.02):
    time.sleep(0.2)
  with log.phase("writing", after_s=5):
    pass
  assert capsys.readouterr().err.splitlines() == ["scoring ...", "scoring ... 0 s"]


def test_a_slow_phase_is_one_line_of_a_terminal():
  with on_a_terminal() as terminal, log.phase("scoring", after_s=0.02):
    time.sleep(0.2)
  assert terminal.visible_lines() == ["scoring ... 0 s", ""]


def test_only_the_first_slow_call_is_a_compilation(monkeypatch, capsys):
  monkeypatch.setattr(log, "COMPILING_AFTER_S", 0.02)
  progress = log.Progress("training", total=9)
  for _ in range(2):
    with progress.compiling("the training step"):
      time.sleep(0.2)
  lines = capsys.readouterr().err.splitlines()
  assert lines == ["compiling the training step ...", "compiling the training step ... 0 s"]


def test_a_failing_phase_ends_its_line():
  with on_a_terminal() as terminal, pytest.raises(ValueError), log.phase("scoring", after_s=0.02):
    time.sleep(0.2)
    raise ValueError
  assert terminal.visible_lines() == ["scoring ... 0 s", ""]


def test_an_open_line_ends_before_a_table(clock):
  with on_a_terminal() as terminal:
    progress = log.Progress("training", total=9)
    clock.now_s += 1
    progress.update(1)
    log.end_line()
    print("a table", file=terminal)
  assert terminal.visible_lines() == ["training 1/9", "a table", ""]


def test_nothing_is_shown_by_a_process_that_is_not_the_main_one(capsys):
  progress = log.Progress("training", total=2, show=False)
  with progress.compiling("the training step"), log.phase("scoring", 0.0, show=False):
    progress.update(2)
  progress.close()
  assert capsys.readouterr().err == ""


def test_a_single_part_has_no_progress(capsys):
  progress = log.Progress("predicting", total=1)
  progress.update(1)
  progress.close()
  assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "text"), [(9, "0:09"), (61, "1:01"), (3725, "1:02:05")])
def test_clock(seconds, text):
  assert log._clock(seconds) == text
