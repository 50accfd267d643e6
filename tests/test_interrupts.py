"""Ctrl-C and SIGTERM end a command with one sentence and 75; from Python nothing is changed."""
import os
import signal
import subprocess
import sys
import time

import pytest
from builders import ROOT, TOY_CONFIG

from jaxsig import interrupts, main

SIGNALS = ["SIGINT", "SIGTERM"]
SENTENCE = "jaxsig: interrupted; give the same command again to continue"
ENDED = 75   # as schedulers know it
FIRST = """
import os, signal, sys, time, weakref
from jaxsig import interrupts
number = signal.{number}
signal.signal(signal.SIGINT, signal.default_int_handler)   # a background job ignores it
{before}
interrupts.end_on_signals()
def kill(*_):
  os.kill(os.getpid(), number)
{then}
"""
# what the process does as it is asked to end
MOMENTS = {
  "waiting": "kill(); time.sleep(9)",
  "computing": "kill()\nwhile True: pass",
  "in a callback whose exceptions are swallowed":
    "class Gone: pass\ngone = Gone()\nweak = weakref.ref(gone, kill)\ndel gone\ntime.sleep(9)",
  "catching everything": "while True:\n  try: kill(); time.sleep(9)\n  except BaseException: pass",
  "in compiled code, which lets others run":
    "import threading; threading.Timer(0.1, kill).start(); "
    "import ctypes; ctypes.CDLL(None).usleep(9_000_000); ctypes.CDLL(None).usleep(9_000_000)",
  "with a closed console": "os.close(2); kill(); time.sleep(9)",
  "where somebody has taken the pipe": "signal.set_wakeup_fd(-1); kill(); time.sleep(9)",
  "twice": "kill(); kill(); time.sleep(9)",
}


def ended(number: str, then: str, before: str = "") -> subprocess.CompletedProcess:
  """The end of a process that sends itself a signal."""
  code = FIRST.format(number=number, then=then, before=before)
  return subprocess.run(
    [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", SIGNALS)
def test_whatever_is_done_at_that_moment(number, moment):
  process = ended(number, MOMENTS[moment])
  assert process.returncode == ENDED
  if "closed" not in moment:
    assert process.stderr.splitlines() == [SENTENCE]


def test_what_was_printed_is_printed():
  process = ended("SIGTERM", "print('so far'); kill(); time.sleep(9)")
  assert process.stdout == "so far\n"


def test_a_process_in_the_background_ignores_what_it_ignored():
  ignored = "signal.signal(number, signal.SIG_IGN)"
  assert ended("SIGINT", "kill(); time.sleep(0.2)", ignored).returncode == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_handlers_of_the_training_loop_go_first(number):
  process = ended(number, "signal.signal(number, print); kill(); time.sleep(0.2)")
  assert process.returncode == 0
  assert not process.stderr


@pytest.mark.parametrize("number", SIGNALS)
def test_when_all_is_done_nothing_is_interrupted(number):
  """Python gives signals their defaults back before it is gone."""
  last = "class Last:\n  def __del__(self): kill()\nsys.modules['last'] = Last()"
  assert ended(number, last).returncode == 0


def test_the_console_command(tmp_path):
  """A training, asked to end as soon as it has made its workdir, wherever it is then."""
  process = subprocess.Popen(
    [sys.executable, "-m", "jaxsig", f"--config={TOY_CONFIG}", f"--workdir={tmp_path / 'w'}"],
    cwd=ROOT,
    env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
    stderr=subprocess.PIPE,
    stdout=subprocess.DEVNULL,
    text=True,
  )
  give_up_s = time.monotonic() + 60
  while not (tmp_path / "w").is_dir() and time.monotonic() < give_up_s and process.poll() is None:
    time.sleep(0.02)
  process.send_signal(signal.SIGTERM)
  said = process.communicate(timeout=60)[1]
  assert process.returncode == ENDED, said
  assert said.splitlines()[-1].endswith("; give the same command again to continue")
  assert "Traceback" not in said


@pytest.fixture
def in_foreground():
  """SIGINT as a process in the foreground has it; one in the background ignores it."""
  before = signal.signal(signal.SIGINT, signal.default_int_handler)
  yield
  signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_foreground")
def test_from_python_ctrl_c_stays_a_keyboard_interrupt(capsys):
  before = [signal.getsignal(number) for number in interrupts.SIGNALS]
  assert main.main(["jaxsig", "--version"]) == 0
  assert capsys.readouterr().out.startswith("jaxsig")
  assert [signal.getsignal(number) for number in interrupts.SIGNALS] == before
  with pytest.raises(KeyboardInterrupt):
    signal.raise_signal(signal.SIGINT)
