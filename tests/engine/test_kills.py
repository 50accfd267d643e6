"""Restore equals continue: a training that is stopped and killed ends with the same bits and curve.

The process sends itself the signals at steps that the test names: SIGTERM between two checkpoints,
SIGKILL after the scalars of a step whose checkpoint is still to come.
"""
import os
import signal

import numpy as np
import pytest
from builders import assert_close, assert_same, checkpoints, final_state, scalars, toy
from processes import finish, job, start
from train_only import INTERRUPTED, writer_that_signals

from jaxsig.engine import checkpoint
from jaxsig.engine.log import Scalars
from jaxsig.engine.train import _stop_signal, train
from jaxsig.errors import Interrupted
from jaxsig.experiment import sweep

INTERVAL = 10
STOPPED, KILLED, LAST = 13, 30, 40
CHANGES = {
  "train__steps": LAST,
  "train__batch_size": 12,   # on 8 devices padded to 16 and masked
  "run__ckpt_steps": INTERVAL,
  "run__log_steps": 1,
}
ONE_STEP = {**CHANGES, "train__steps": 1}


def train_here(workdir, **changes):
  run, members = sweep.open_run(toy(**changes), workdir)
  train(run, members)


def assert_saved_on_sigterm(workdir):
  last = checkpoint.steps(checkpoints(workdir))[-1]
  assert STOPPED <= last <= STOPPED + 1   # several processes agree one step later


def assert_lost_one_interval_at_most(workdir):
  last = checkpoint.steps(checkpoints(workdir))[-1]
  assert KILLED - INTERVAL <= last < KILLED
  assert max(scalars(workdir)) == KILLED


def assert_ended_alike(whole, killed):
  assert final_state(whole).step == LAST
  assert_same(final_state(whole), final_state(killed))
  assert scalars(whole) == scalars(killed)
  assert list(scalars(whole)) == list(range(1, LAST + 1))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  """A training of this process that nothing has stopped."""
  workdir = tmp_path_factory.mktemp("whole") / "w"
  train_here(workdir, **CHANGES)
  return workdir


def test_killed_on_one_device_it_ends_bit_identical(whole, tmp_path, monkeypatch):
  workdir = tmp_path / "killed"
  with monkeypatch.context() as patch:
    patch.setattr(Scalars, "write", writer_that_signals(STOPPED, signal.SIGTERM))
    with pytest.raises(Interrupted, match="stopped and saved at step"):
      train_here(workdir, **CHANGES)
  assert_saved_on_sigterm(workdir)
  finish(start(0, job(workdir, (KILLED, signal.SIGKILL), **CHANGES)), -signal.SIGKILL)
  assert_lost_one_interval_at_most(workdir)
  train_here(workdir, **CHANGES)
  assert_ended_alike(whole, workdir)


def test_asked_in_the_last_step_it_ends_before_the_evaluation(tmp_path, monkeypatch):
  monkeypatch.setattr(Scalars, "write", writer_that_signals(1, signal.SIGTERM))
  with pytest.raises(Interrupted, match="stopped after the training, which is saved"):
    train_here(tmp_path / "w", **ONE_STEP)
  assert checkpoint.steps(checkpoints(tmp_path / "w")) == [1]
  train_here(tmp_path / "w", **ONE_STEP)


def test_the_handlers_of_signals_come_back():
  """Whatever they were: a process in the background ignores Ctrl-C."""
  before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
  with _stop_signal() as stop:
    during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert not set(during) & set(before)
    signal.raise_signal(signal.SIGTERM)
    assert stop["asked"]
  assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.fixture(scope="module")
def on_eight(tmp_path_factory):
  """On eight devices: "whole" to the end, "first" for one step, "killed" stopped by SIGTERM."""
  folder = tmp_path_factory.mktemp("eight")
  jobs = [
    job(folder / "first", **ONE_STEP),
    job(folder / "whole", **CHANGES),
    job(folder / "killed", (STOPPED, signal.SIGTERM), **CHANGES),
  ]
  finish(start(8, *jobs), INTERRUPTED)
  return folder


def test_killed_on_eight_devices_it_ends_bit_identical(on_eight):
  workdir = on_eight / "killed"
  assert_saved_on_sigterm(workdir)
  finish(start(8, job(workdir, (KILLED, signal.SIGKILL), **CHANGES)), -signal.SIGKILL)
  assert_lost_one_interval_at_most(workdir)
  finish(start(8, job(workdir, **CHANGES)))
  assert_ended_alike(on_eight / "whole", workdir)


def assert_first_step_alike(one, other):
  """The gradient's norm as well: Adam hides a gradient that is 8 times too large."""
  for name in ("loss", "grad_norm"):
    np.testing.assert_allclose(scalars(one)[1][name], scalars(other)[1][name], rtol=1e-4)


def test_one_and_eight_devices_take_the_same_first_step(on_eight, tmp_path):
  train_here(tmp_path / "one", **ONE_STEP)
  assert_first_step_alike(tmp_path / "one", on_eight / "first")
  one = final_state(tmp_path / "one")
  eight = final_state(on_eight / "first")
  assert_close(one, eight, atol=1e-4)


def test_two_processes_train_as_one(tmp_path, free_port):
  changes = {**CHANGES, "train__steps": 4, "run__ckpt_steps": 2}
  train_here(tmp_path / "one", **changes)
  processes = []
  for number in range(2):
    place = {
      "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{free_port}",
      "JAX_NUM_PROCESSES": "2",
      "JAX_PROCESS_ID": str(number),
    }
    processes.append(start(0, job(tmp_path / "two", **changes), **place))
  for process in processes:
    finish(process)
  assert_first_step_alike(tmp_path / "one", tmp_path / "two")
  assert_close(final_state(tmp_path / "one"), final_state(tmp_path / "two"), atol=1e-3)


@pytest.fixture
def free_port():
  """A port of this machine that nobody listens on."""
  import socket
  with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    return listener.getsockname()[1]


def test_a_process_can_signal_itself(monkeypatch):
  """What the other tests stand on: the signal comes at its step, not before."""
  seen = []
  monkeypatch.setattr(os, "kill", lambda process, number: seen.append(number))
  monkeypatch.setattr(Scalars, "write", lambda self, step, values: None)
  write = writer_that_signals(3, signal.SIGTERM)
  for step in range(3):
    write(None, step, {})
  assert not seen
  write(None, 3, {})
  assert seen == [signal.SIGTERM]
