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
  signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
  for number in SIGNALS:
    if signal.getsignal(number) != signal.SIG_IGN:
      signal.signal(number, _seen)
  threading.Thread(target=_watch, args=(reading,), daemon=True).start()
  atexit.register(_ignore)   # the first that is registered is the last that runs


def _ignore() -> None:
  """All is done: Python would give the signals their defaults back, which end without a word."""
  for number in SIGNALS:
    signal.signal(number, signal.SIG_IGN)


def _seen(*_: object) -> None:
  """Does nothing: Python has written the signal's number to the pipe, where `_watch` reads it."""


def _watch(reading: int) -> None:
  """Ends the process at a signal that has no other handler."""
  while True:
    for number in os.read(reading, 64):
      if signal.getsignal(number) is _seen:
        _end()


def _end() -> None:
  with contextlib.suppress(Exception):   # a console that is closed or busy is no reason to stay
    sys.stdout.flush()
  with contextlib.suppress(Exception):
    end_line()
  with contextlib.suppress(Exception):
    os.write(2, SENTENCE.encode())
  os._exit(EXIT_INTERRUPTED)
