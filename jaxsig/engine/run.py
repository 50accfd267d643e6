"""What every part of a training reads, and where its members' files lie."""
import pathlib
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsig.config import fingerprint
from jaxsig.data.cache import Prepared
from jaxsig.data.splits import Member
from jaxsig.system import Batch, Params, Plain, Stats, System


class Run(NamedTuple):
  """A config with its system, its data and the folder that holds what it makes."""
  config: ConfigDict
  workdir: pathlib.Path
  system: System
  prepared: Prepared
  meta: Plain              # fingerprints that every checkpoint carries


def make_run(config: ConfigDict, workdir: pathlib.Path, system: System, prepared: Prepared) -> Run:
  """Joins config, system and data with the fingerprints of both."""
  meta = {"config": fingerprint(config, training=True), "data": prepared.fingerprint}
  return Run(config, workdir, system, prepared, meta)


def folder_of(run: Run, member: Member) -> pathlib.Path:
  """Where a member's checkpoints and scalars lie."""
  return run.workdir / "members" / member.name


def checkpoints_of(run: Run, member: Member) -> pathlib.Path:
  """Where a member's checkpoints lie."""
  return folder_of(run, member) / "checkpoints"


def example(run: Run) -> Batch:
  """A batch of two windows, to shape the parameters by."""
  batch = run.prepared.windows.take(np.arange(2) % len(run.prepared.windows))
  return {**batch, "mask_b": np.ones(2, np.float32)}


def shapes(run: Run) -> tuple[Params, Stats]:
  """The shapes and types of a member's parameters and statistics, without making them."""
  return jax.eval_shape(run.system.task.init, jax.random.key(0), example(run))
