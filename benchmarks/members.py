"""Throughput of several members (folds) in one program against one after another, for the default network and loop.

  python -m benchmarks.members                                    1, 4, 8 and 24 members of configs/respdiff.py
  python -m benchmarks.members configs/respdiff_60s.py 1 4        another config, other numbers

One after another is the one-member program called as often; both are the train step of jaxsig.engine.train.make_steps on resident batches, on the
backend and devices at hand. Above 1 the members gain by sharing a program: what `train.members_per_program` should then be.
"""
import pathlib
import sys
import tempfile
from collections.abc import Callable

import jax
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig import config as configs
from jaxsig.data.records import pad_rows
from jaxsig.data.splits import Member
from jaxsig.engine import mesh, train
from jaxsig.experiment import sweep

LITTLE = {"data.source": "simulated", "data.simulate_patients": 24, "data.simulate_duration_s": 120.0, "split.n_folds": 4,
          "split.folds": (0,), "split.val_groups": 1, "run_controls": False}
ROUNDS = 5


def stepper(run: train.Run, member: Member, m: int) -> Callable:
  """() -> trains m members, each with its own key and batch, one step further in one program."""
  where = mesh.make(m)
  members = [member._replace(name=f"member{i}") for i in range(m)]
  size = mesh.padded(run.config.train.batch_size, where)
  ids = train.window_ids(run.prepared, member.train)
  rows = [pad_rows(np.random.default_rng(i).choice(ids, run.config.train.batch_size), size) for i in range(m)]
  ids, mask = (np.stack(x) for x in zip(*rows, strict=True))
  batch = {**{k: np.asarray(a[ids]) for k, a in run.prepared.windows.arrays.items()}, "mask_b": mask}
  batch, keys = mesh.put(batch, mesh.by_batch(where)), mesh.put(train.member_keys(members), mesh.by_member(where))
  init, step, _ = train.make_steps(run, m)
  held = {"state": jax.jit(init, out_shardings=mesh.by_member(where))(keys, batch, None)}
  step = jax.jit(step, donate_argnums=0)

  def go():
    held["state"], out = step(held["state"], batch, keys)
    jax.block_until_ready(out)
  return go


def main(path: str, counts: list[int]) -> None:
  """Prints a row for each number of members."""
  mesh.start()
  file, _, arg = path.partition(":")
  with tempfile.TemporaryDirectory() as folder:
    run, [member, *_] = sweep.open_run(configs.load(file, arg, LITTLE), pathlib.Path(folder))
  print(f"{path}, {jax.device_count()} x {jax.devices()[0].device_kind} ({jax.default_backend()}), "
        f"batch {run.config.train.batch_size} a member; auto is {train.members_per_program(run, 1000)} a program here")
  header("members", "one program, ms a step", "one after another, ms", "x throughput", "members a second")
  alone = stepper(run, member, 1)
  for m in counts:
    together = stepper(run, member, m) if m > 1 else alone
    taken = interleaved({"together": together, "alone": alone}, ROUNDS)
    one, all_of_them = taken["alone"].wall_s, taken["together"].wall_s
    row(m, 1e3 * all_of_them, 1e3 * m * one, m * one / all_of_them, m / all_of_them)


if __name__ == "__main__":
  main(sys.argv[1] if len(sys.argv) > 1 else "configs/respdiff.py", [int(x) for x in sys.argv[2:]] or [1, 4, 8, 24])
