"""Ctrl-C and SIGTERM on the command line: one sentence and exit code 75, at any moment.

Nothing is raised: an exception out of a signal handler is swallowed in callbacks of compiled code.
So the process just ends. What it has finished stays, as every file is written aside and renamed,
and the same command goes on from there. The training loop has handlers of its own while it runs.
"""
import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable

from jaxsig.engine.log import end_line

EXIT_INTERRUPTED = 75
SENTENCE = "jaxsig: interrupted; give the same command again to continue\n"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def end_on_signals() -> None:
  """From now on Ctrl-C and SIGTERM end this process, even while compiled code runs.

  A signal that is ignored, as of a process in the background, stays ignored.
  """
  reading, writing = os.pipe()
  os.set_blocking(writing, False)

  def seen(number: int, _: object) -> None:
    with contextlib.suppress(BlockingIOError):   # it is full of signals
      os.write(writing, bytes([number]))

  # Python writes the number at once, though compiled code keeps `seen` waiting; where somebody
  # else has taken that over, `seen` does
  signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
  for number in SIGNALS:
    if signal.getsignal(number) != signal.SIG_IGN:
      signal.signal(number, seen)
  threading.Thread(target=_watch, args=(reading, seen), daemon=True).start()
  atexit.register(_ignore)   # the first that is registered is the last that runs


def _ignore() -> None:
  """All is done: Python would give the signals their defaults back, which end without a word."""
  for number in SIGNALS:
    signal.signal(number, signal.SIG_IGN)


def _watch(reading: int, seen: Callable) -> None:
  """Ends the process at a signal whose number arrives and whose handler is `seen`."""
  while True:
    for number in os.read(reading, 64):
      if signal.getsignal(number) is seen:
        _end()


def _end() -> None:
  with contextlib.suppress(Exception):   # a console that is closed or busy is no reason to stay
    sys.stdout.flush()
  with contextlib.suppress(Exception):
    end_line()
  with contextlib.suppress(Exception):
    os.write(2, SENTENCE.encode())
  os._exit(EXIT_INTERRUPTED)
