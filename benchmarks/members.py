"""Throughput of several members (folds) in one program against one after another.

  python -m benchmarks.members                                    1, 4, 8 and 24 members of
                                                                  configs/respdiff.py
  python -m benchmarks.members configs/respdiff_60s.py 1 4        another config, other numbers

One after another is the one-member program called as often. Both are the training step of
jaxsig.engine.train.make_steps on resident batches, on the backend and devices at hand. Above 1 the
members gain by sharing a program: what `run.members_per_program` should then be.
"""
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence

import jax
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig import config as configs
from jaxsig.data.records import pad_rows
from jaxsig.data.splits import Member
from jaxsig.engine import mesh, train
from jaxsig.engine.run import Run
from jaxsig.experiment import sweep
from jaxsig.system import Batch

CONFIG = "configs/respdiff.py"
COUNTS = (1, 4, 8, 24)
ROUNDS = 5
FEW_RECORDS = {
  "data.source": "simulated",
  "data.simulate_groups": 24,
  "data.simulate_duration_s": 120.0,
  "split.n_folds": 4,
  "split.folds": (0,),
  "split.val_groups": 1,
}


def open_first(path: str, folder: str) -> tuple[Run, Member]:
  """Returns the run of a config (`path.py:arg`) on few simulated records, and its first member."""
  file, _, arg = path.partition(":")
  config = configs.load(file, arg, FEW_RECORDS)
  opened = sweep.open_run(config, pathlib.Path(folder))
  return opened.run, opened.members[0]


def stepper(run: Run, member: Member, m: int) -> Callable[[], None]:
  """Returns a function that trains m members one step further in one program.

  Each has its own key and batch.
  """
  where = mesh.make(m)
  members = [member._replace(name=f"member{i}") for i in range(m)]
  batch = mesh.put(_batch(run, member, m), mesh.by_batch(where))
  keys = mesh.put(train.member_keys(members), mesh.by_member(where))

  steps = train.make_steps(run, m)
  init = jax.jit(steps.init, out_shardings=mesh.by_member(where))
  step = jax.jit(steps.step, donate_argnums=0)
  state = init(keys, batch, None)

  def go() -> None:
    nonlocal state
    state, scalars = step(state, batch, keys)
    jax.block_until_ready(scalars)

  return go


def _batch(run: Run, member: Member, m: int) -> Batch:
  """A batch [m, b, ...] with other windows for each member."""
  windows = run.prepared.windows
  ids = windows.ids_of(member.trained_on)
  batch_size = run.config.train.batch_size
  padded_size = mesh.padded(batch_size, mesh.make(m))

  batches = []
  for i in range(m):
    chosen = np.random.default_rng(i).choice(ids, batch_size)
    padded_ids, mask_b = pad_rows(chosen, padded_size)
    batch = windows.take(padded_ids)
    batches.append({**batch, "mask_b": mask_b})
  return jax.tree.map(lambda *arrays: np.stack(arrays), *batches)


def main(path: str, counts: Sequence[int]) -> None:
  """Prints a row for each number of members."""
  mesh.start()
  with tempfile.TemporaryDirectory() as folder:
    run, member = open_first(path, folder)
    alone = stepper(run, member, 1)
    _print_head(path, run)
    for m in counts:
      together = alone
      if m > 1:
        together = stepper(run, member, m)
      _print_row(m, together, alone)


def _print_head(path: str, run: Run) -> None:
  device = jax.devices()[0].device_kind
  auto = train.members_per_program(run, 1000)
  print(
    f"{path}, {jax.device_count()} x {device} ({jax.default_backend()}), "
    f"batch {run.config.train.batch_size} a member; auto is {auto} a program here"
  )
  header(
    "members",
    "one program, ms a step",
    "one after another, ms",
    "x throughput",
    "members a second",
  )


def _print_row(m: int, together: Callable[[], None], alone: Callable[[], None]) -> None:
  taken = interleaved({"together": together, "alone": alone}, ROUNDS)
  together_s = taken["together"].wall_s
  one_after_another_s = m * taken["alone"].wall_s
  row(
    m,
    1e3 * together_s,
    1e3 * one_after_another_s,
    one_after_another_s / together_s,
    m / together_s,
  )


if __name__ == "__main__":
  path, *counts = sys.argv[1:] or [CONFIG]
  main(path, [int(count) for count in counts] or COUNTS)
