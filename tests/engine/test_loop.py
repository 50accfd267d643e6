"""The loop and its promises: members, meshes, feeds, resume, and what a kill may cost."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from jaxsig.data import feeds
from jaxsig.data.records import batch_positions
from jaxsig.engine import checkpoint, mesh, optim, train
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate, sweep

HERE = pathlib.Path(__file__).parent.parent
FOLDS = {"split__folds": (0, 1, 2)}


def final_state(workdir, member="fold0_seed0"):
  """Every array of a member's last checkpoint, by its path."""
  import orbax.checkpoint as ocp
  folder = pathlib.Path(workdir) / "members" / member / "checkpoints"
  step = checkpoint.steps(folder)[-1]
  with ocp.PyTreeCheckpointer() as reader:
    path = (folder / str(step) / "state").resolve()
    host = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), reader.metadata(path).item_metadata.tree)
    state = reader.restore(path, restore_args=host)
  return step, {jax.tree_util.keystr(p): np.asarray(x) for p, x in jax.tree_util.tree_leaves_with_path(state)}


def assert_same(a, b, exact=True, tolerance=2e-5):
  assert a[0] == b[0] and a[1].keys() == b[1].keys()
  for name, x in a[1].items():
    if exact:
      np.testing.assert_array_equal(x, b[1][name], err_msg=name)
    else:
      np.testing.assert_allclose(x, b[1][name], atol=tolerance, rtol=1e-3, err_msg=name)


def start(workdir, devices=0, *pairs):
  return subprocess.Popen([sys.executable, str(HERE / "train_only.py"), str(workdir), str(devices), *pairs],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(workdir, devices=0, *pairs):
  process = start(workdir, devices, *pairs)
  out = process.communicate(timeout=600)[0]
  assert process.returncode == 0, out


def wait_for_step(workdir, step, process):
  path = pathlib.Path(workdir) / "members" / "fold0_seed0" / "scalars.jsonl"
  while process.poll() is None:
    if path.exists() and any(json.loads(x)["step"] >= step for x in path.read_text().splitlines(keepends=True) if x.endswith("\n")):
      return
    time.sleep(0.01)


def test_members_in_one_program_equal_one_after_another(trained):
  together, members = trained("together", **FOLDS, train__members_per_program="3")
  apart, _ = trained("apart", **FOLDS, train__members_per_program="1")
  assert len(members) == 3
  states = []
  for m in members:
    a, b = final_state(together.workdir, m.name), final_state(apart.workdir, m.name)
    assert_same(a, b, exact=False)
    states.append(a[1])
  name = next(n for n in states[0] if "params" in n and "kernel" in n)
  assert not np.allclose(states[0][name], states[1][name])   # members are different trainings


def test_members_of_other_group_sizes_continue_where_they_were(trained):
  done, _ = trained("two", **FOLDS, train__members_per_program="2")
  before = [final_state(done.workdir, f"fold{f}_seed0") for f in range(3)]
  again, _ = trained("two", **FOLDS, train__members_per_program="3")   # finished members are not touched
  for f in range(3):
    assert_same(before[f], final_state(again.workdir, f"fold{f}_seed0"))


def test_every_batch_holds_only_the_members_own_training_patients(small, tmp_path):
  run, members = sweep.open_run(small(**FOLDS), tmp_path / "w")
  for member in members:
    ids = train.window_ids(run.prepared, member.train)
    order = feeds.Order((0,), (member.name,), (ids,), 8, 8)
    seen = {run.prepared.groups[r] for s in range(30) for r in run.prepared.windows.record_b[order.at(s)[0].ravel()]}
    assert seen == set(member.train)
    assert not seen & set(member.test) and not seen & set(member.val)


def test_an_epoch_is_a_permutation_and_batches_depend_on_the_step_alone():
  n, size = 10, 4
  flat = np.concatenate([batch_positions(3, "m", s, n, size) for s in range(5)])
  assert sorted(flat[:10]) == sorted(flat[10:]) == list(range(10))
  assert list(flat[:10]) != list(flat[10:])
  np.testing.assert_array_equal(batch_positions(3, "m", 4, n, size), flat[16:])


def test_resident_and_streaming_feeds_give_the_same_training_bit_for_bit(trained):
  pytest.importorskip("tensorflow", reason="the streaming feed is tf.data")
  a, _ = trained("resident", train__feed="resident")
  b, _ = trained("streaming", train__feed="tfdata")
  assert_same(final_state(a.workdir), final_state(b.workdir))


def test_the_guard_against_leaks_is_itself_guarded(small, tmp_path):
  run, [member] = sweep.open_run(small(), tmp_path / "w")
  leaky = member._replace(train=member.train + member.test[:1])
  with pytest.raises(UserError, match=member.test[0]):
    train.train(run, [leaky])
  with pytest.raises(UserError, match=member.test[0]):
    evaluate.evaluate(run, [leaky])


@pytest.mark.parametrize("devices", [0, 8])
def test_killed_at_any_step_it_ends_bit_identical(tmp_path, devices):
  pairs = ["train.steps=60", "train.ckpt_steps=10", "train.log_steps=1", "train.batch_size=12"]
  finish(tmp_path / "whole", devices, *pairs)
  workdir = tmp_path / "killed"
  process = start(workdir, devices, *pairs)
  wait_for_step(workdir, 13, process)
  process.send_signal(signal.SIGTERM)
  process.communicate(timeout=300)
  assert process.returncode == 75
  saved = checkpoint.steps(workdir / "members" / "fold0_seed0" / "checkpoints")[-1]
  assert 13 <= saved < 60   # SIGTERM saves first
  process = start(workdir, devices, *pairs)
  wait_for_step(workdir, saved + 14, process)
  os.kill(process.pid, signal.SIGKILL)
  process.communicate()
  kept = checkpoint.steps(workdir / "members" / "fold0_seed0" / "checkpoints")[-1]
  assert kept >= saved + 14 - 10   # SIGKILL loses one interval at most
  finish(workdir, devices, *pairs)
  assert_same(final_state(tmp_path / "whole"), final_state(workdir))
  curves = [(w / "members" / "fold0_seed0" / "scalars.jsonl").read_text() for w in (tmp_path / "whole", workdir)]
  losses = [{(r := json.loads(line))["step"]: r["loss"] for line in c.splitlines()} for c in curves]
  assert losses[0] == losses[1]


def test_one_and_eight_devices_take_the_same_first_step(tmp_path):
  # the gradient's norm as well as the parameters: Adam hides a gradient that is 8 times too large
  pairs = ["train.steps=1", "train.log_steps=1", "train.batch_size=12"]   # 12 rows on 8 devices: padded to 16 and masked
  for devices in (0, 8):
    finish(tmp_path / str(devices), devices, *pairs)
  one, eight = (json.loads((tmp_path / d / "members/fold0_seed0/scalars.jsonl").read_text().splitlines()[-1]) for d in "08")
  for name in ("loss", "grad_norm"):
    np.testing.assert_allclose(one[name], eight[name], rtol=1e-4)
  assert_same(final_state(tmp_path / "0"), final_state(tmp_path / "8"), exact=False, tolerance=1e-4)


def test_eight_devices_really_share_a_batch():
  code = ("import sys; sys.path.insert(0, '.')\n"
          "import jax, jax.numpy as jnp; from jaxsig.engine import mesh\n"
          "mesh.start(cpu_devices=8); w = mesh.make(1); assert dict(w.shape) == {'member': 1, 'data': 8}\n"
          "assert dict(mesh.make(6).shape) == {'member': 2, 'data': 4}\n"
          "x = mesh.put({'x': jnp.ones((1, 16, 4))}, mesh.by_batch(w)); p = mesh.put(jnp.ones((1, 4)), mesh.by_member(w))\n"
          "step = mesh.over_members(lambda p, b: jax.grad(lambda p: jnp.mean((b['x'] @ p) ** 2))(p), 1)\n"
          "compiled = jax.jit(step).lower(p, x).compile().as_text()\n"
          "assert 'all-reduce' in compiled, compiled\n"
          "same = jax.jit(lambda p: step(p, {'x': jnp.ones((1, 16, 4))})).lower(p).compile().as_text()\n"
          "assert 'all-reduce' not in same")   # closed over, the batch is replicated: the check sees the difference
  done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HERE.parent, check=False)
  assert done.returncode == 0, done.stderr


def test_a_half_written_checkpoint_is_never_restored(trained):
  run, [member] = trained("w")
  folder = train.folder_of(run, member) / "checkpoints"
  whole = checkpoint.steps(folder)
  (folder / f"{whole[-1] + 4}.orbax-checkpoint-tmp" / "state").mkdir(parents=True)
  (folder / str(whole[-1] + 8)).mkdir()   # a name without content
  assert checkpoint.steps(folder) == whole


def test_a_failing_write_keeps_the_last_good_checkpoint(tmp_path):
  folder = tmp_path / "c"
  checkpoint.save(folder, 1, {"x": np.arange(4.0)}, {"config": "a"})
  code = ("import sys, resource, pathlib, numpy as np; sys.path.insert(0, '.')\n"
          "from jaxsig import checkpoint, errors\n"
          "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
          "try:\n"
          f"  checkpoint.save(pathlib.Path({str(folder)!r}), 2, {{'x': np.random.rand(1 << 18)}}, {{}})\n"
          "except errors.UserError as error: print(error)")
  done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HERE.parent, check=False)
  assert "could not save step 2" in done.stdout and "checkpoint of step 1 is intact" in done.stdout, done.stdout + done.stderr
  assert checkpoint.steps(folder) == [1]
  np.testing.assert_array_equal(checkpoint.restore(folder, 1, {"x": np.zeros(4)})["x"], np.arange(4.0))


def test_restoring_refuses_other_types_shapes_and_fingerprints(tmp_path):
  folder = tmp_path / "c"
  checkpoint.save(folder, 1, {"x": np.zeros(4, np.float32)}, {"config": "a"})
  with pytest.raises(UserError, match=r"x is float32\[4\] there"):
    checkpoint.restore(folder, 1, {"x": np.zeros(4, np.float16)})
  with pytest.raises(UserError, match="x is"):
    checkpoint.restore_some(folder, 1, {"x": np.zeros(5, np.float32)})
  with pytest.raises(UserError, match="another config"):
    checkpoint.restore(folder, 1, {"x": np.zeros(4, np.float32)}, {"config": "b"})
  with pytest.raises(UserError, match="train first"):
    checkpoint.restore(folder, 7, {"x": np.zeros(4, np.float32)})
  for path in (folder / "1" / "state").rglob("d/*"):
    path.write_bytes(b"")
  with pytest.raises(UserError, match="damaged"):
    checkpoint.restore(folder, 1, {"x": np.zeros(4, np.float32)})


def test_what_is_not_finite_is_told_and_not_saved(trained, tmp_path):
  with pytest.raises(UserError, match="fold0_seed0 is not finite"):
    trained("w", optim__learning_rate=1e30, optim__warmup_steps=0, optim__clip_norm=0.0)
  assert not checkpoint.steps(tmp_path / "w" / "members" / "fold0_seed0" / "checkpoints")


def test_fine_tuning_starts_from_a_member_that_never_saw_the_test_patients(trained, small, tmp_path):
  base, members = trained("base", **FOLDS)
  tuned, _ = trained("tuned", **FOLDS, init_from=str(base.workdir), trainable="decoder", train__steps=4)
  for m in members:
    _, before = final_state(base.workdir, m.name)
    _, after = final_state(tuned.workdir, m.name)
    names = [n for n in after if n.startswith("['params']")]
    moved = {n for n in names if not np.array_equal(after[n], before[n.replace("['params']", "['ema']", 1)])}
    assert moved and all("decoder" in n for n in moved)
  with pytest.raises(UserError, match="has trained on a test patient"):
    trained("other", split__salt=5, split__folds=(), init_from=str(base.workdir))


def test_a_model_trained_on_everybody_is_not_scored(trained, capsys):
  run, members = trained("all", split__kind="all")
  assert evaluate.evaluate(run, members) == []
  sweep.tell([run.workdir], run.workdir / "report")
  assert "nothing to report" in capsys.readouterr().out


def test_the_moving_average_moves_as_its_formula():
  average, expected = {"x": np.float32(1.0)}, 1.0
  for step in range(5):
    average = optim.ema(average, {"x": np.float32(step)}, 0.9, np.int32(step))
    d = min(0.9, (1 + step) / (10 + step))
    expected = expected * d + step * (1 - d)
  np.testing.assert_allclose(average["x"], expected, rtol=1e-6)


def test_batch_size_and_batch_mates_do_not_move_a_prediction(trained):
  run, [member] = trained("w")
  ids = train.window_ids(run.prepared, member.test)[:11]
  arrays = {k: a[ids] for k, a in run.prepared.windows.arrays.items()}
  names = run.prepared.windows.id_b_2[ids]
  params, stats = evaluate.restore_ema(run, member, 8)
  predict = lambda task, params, rows, size: evaluate.predict_windows(
      task, params, stats, {k: a[rows] for k, a in arrays.items()}, names[rows], size, 0)["resp_b_t"]
  every = np.arange(11)
  whole = predict(run.task, params, every, 11)
  np.testing.assert_allclose(predict(run.task, params, every, 4), whole, atol=1e-5)
  np.testing.assert_allclose(predict(run.task, params, every[7:], 3), whole[7:], atol=1e-5)


def test_the_published_norm_fails_the_batch_mate_check(small, tmp_path):
  run, [_member] = sweep.open_run(small(model__norm="batch_as_coded"), tmp_path / "w")
  windows = run.prepared.windows
  batch = {**{k: np.asarray(a[:8]) for k, a in windows.arrays.items()}, "mask_b": np.ones(8, np.float32)}
  params, stats = run.task.init(jax.random.key(0), batch)
  whole, half = (evaluate.predict_windows(run.task, params, stats, {k: a[:n] for k, a in windows.arrays.items()},
                                          windows.id_b_2[:n], n, 0)["resp_b_t"] for n in (8, 4))
  assert np.abs(whole[:4] - half).max() > 1e-3


def test_local_blocks_cover_what_a_process_holds():
  where = mesh.make(1)
  size = mesh.padded(5, where)
  assert mesh.local_block(mesh.by_batch(where), (1, size)) == (slice(0, 1), slice(0, size))


def test_two_processes_train_as_one(tmp_path):
  import socket
  with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
  pairs = ["train.steps=4", "train.ckpt_steps=2", "train.log_steps=1", "train.batch_size=12"]
  finish(tmp_path / "one", 0, *pairs)
  both = [subprocess.Popen([sys.executable, str(HERE / "train_only.py"), str(tmp_path / "two"), "0", *pairs],
                           env={**os.environ, "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}", "JAX_NUM_PROCESSES": "2",
                                "JAX_PROCESS_ID": str(i)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for i in range(2)]
  outs = [p.communicate(timeout=600)[0] for p in both]
  assert [p.returncode for p in both] == [0, 0], outs
  one, two = (json.loads((tmp_path / w / "members/fold0_seed0/scalars.jsonl").read_text().splitlines()[0]) for w in ("one", "two"))
  for name in ("loss", "grad_norm"):
    np.testing.assert_allclose(one[name], two[name], rtol=1e-4)
  assert_same(final_state(tmp_path / "one"), final_state(tmp_path / "two"), exact=False, tolerance=1e-3)
