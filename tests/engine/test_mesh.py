"""Meshes: how devices are dealt to members and batches, and that a batch is really shared."""
import subprocess
import sys

import pytest
from builders import ROOT

from jaxsig.engine import mesh
from jaxsig.errors import UserError

ON_EIGHT_DEVICES = """
import jax
import jax.numpy as jnp
from jaxsig.engine import mesh

mesh.start(cpu_devices=8)
where = mesh.make(1)
assert dict(where.shape) == {"member": 1, "data": 8}
assert dict(mesh.make(6).shape) == {"member": 2, "data": 4}

def loss(params, batch):
  return jnp.mean((batch["x"] @ params) ** 2)

step = mesh.over_members(jax.grad(loss), 1)
batch = mesh.put({"x": jnp.ones((1, 16, 4))}, mesh.by_batch(where))
params = mesh.put(jnp.ones((1, 4)), mesh.by_member(where))
compiled = jax.jit(step).lower(params, batch).compile().as_text()
assert "all-reduce" in compiled, compiled

# Closed over, the batch is replicated: the check sees the difference.
def closed_over(params):
  return step(params, {"x": jnp.ones((1, 16, 4))})

same = jax.jit(closed_over).lower(params).compile().as_text()
assert "all-reduce" not in same
"""


def test_eight_devices_really_share_a_batch():
  done = subprocess.run(
    [sys.executable, "-c", ON_EIGHT_DEVICES],
    capture_output=True,
    text=True,
    cwd=ROOT,
    check=False,
  )
  assert done.returncode == 0, done.stderr


@pytest.mark.quick
def test_local_blocks_cover_what_a_process_holds():
  where = mesh.make(1)
  size = mesh.padded(5, where)
  block = mesh.local_block(mesh.by_batch(where), (1, size))
  assert block == (slice(0, 1), slice(0, size))


@pytest.mark.quick
@pytest.mark.parametrize("platforms", ["cuda", "tpu", "nonsense", " cpu", "metal"])
def test_devices_that_are_not_there_name_the_variable(monkeypatch, platforms):
  def no_device():
    raise AssertionError

  monkeypatch.setattr(mesh.jax, "process_index", no_device)
  monkeypatch.setenv("JAX_PLATFORMS", platforms)
  with pytest.raises(UserError, match=f"JAX_PLATFORMS={platforms}"):
    mesh.open_devices()

  monkeypatch.delenv("JAX_PLATFORMS")
  with pytest.raises(AssertionError):
    mesh.open_devices()
