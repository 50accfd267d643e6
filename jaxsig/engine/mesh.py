"""The only place for distributed start, the (member, data) mesh, shardings, and host arrays becoming global ones."""
import ctypes
import math
import os
import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P


def start(cpu_devices: int = 0, compilation_cache: str | None = None) -> None:
  """Joins the other processes where the environment names them, turns the compilation cache on and keeps memory that was freed.

  `cpu_devices` > 0 splits the CPU into so many devices, to try a mesh without an accelerator.
  """
  if cpu_devices:
    jax.config.update("jax_num_cpu_devices", cpu_devices)
  if os.environ.get("JAXSIG_DISTRIBUTED") or os.environ.get("JAX_COORDINATOR_ADDRESS"):
    count, index = os.environ.get("JAX_NUM_PROCESSES"), os.environ.get("JAX_PROCESS_ID")
    jax.distributed.initialize(os.environ.get("JAX_COORDINATOR_ADDRESS"), int(count) if count else None,
                               int(index) if index else None, heartbeat_timeout_seconds=30)
  cache = compilation_cache or os.environ.get("JAX_COMPILATION_CACHE_DIR") or os.path.expanduser("~/.cache/jaxsig/xla")
  jax.config.update("jax_compilation_cache_dir", cache)
  jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
  _keep_memory()


def _keep_memory() -> None:
  """Lets the C library keep what is freed: else the kernel hands out, and clears, a CPU step's large buffers anew at every step."""
  mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
  if mallopt:   # glibc's numbers
    mallopt(-4, 0)    # M_MMAP_MAX: large blocks come from the heap as well
    mallopt(-1, -1)   # M_TRIM_THRESHOLD: of which nothing is given back,
    mallopt(-8, 1)    # M_ARENA_MAX: and which all threads share; a heap of a thread's own cannot hold them


def is_main() -> bool:
  """True in the one process that writes logs and rows."""
  return jax.process_index() == 0


def make(m: int, devices: Any = None) -> Mesh:
  """The (member, data) mesh: as many devices as m and their number both divide by hold members, the rest share each batch."""
  devices = jax.devices() if devices is None else devices
  member = math.gcd(m, len(devices))
  # Auto axes: scans with a replicated carry fail under the newer default of explicit ones.
  return jax.make_mesh((member, len(devices) // member), ("member", "data"), axis_types=(AxisType.Auto,) * 2, devices=devices)


def by_member(mesh: Mesh) -> NamedSharding:
  """Leading axis `m` over the member axis: parameters, optimiser, keys."""
  return NamedSharding(mesh, P("member"))


def by_batch(mesh: Mesh) -> NamedSharding:
  """Leading axes `m, b` over (member, data): batches and their ids."""
  return NamedSharding(mesh, P("member", "data"))


def rows(mesh: Mesh) -> NamedSharding:
  """A leading axis `b` over all devices: prediction, where members come one after another."""
  return NamedSharding(mesh, P(("member", "data")))


def replicated(mesh: Mesh) -> NamedSharding:
  """The same on every device."""
  return NamedSharding(mesh, P())


def padded(size: int, mesh: Mesh) -> int:
  """The next batch size that the data axis divides."""
  per = mesh.shape["data"]
  return -(-size // per) * per


def put(tree: Any, sharding: NamedSharding) -> Any:
  """Host arrays that every process holds whole -> global arrays."""
  def one(x):
    if isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
      return jax.random.wrap_key_data(one(jax.random.key_data(x)))
    x = np.asarray(x)
    return jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])
  return jax.tree.map(one, tree)


def local_block(sharding: NamedSharding, shape: tuple[int, ...]) -> tuple[slice, ...]:
  """The bounding slices of what this process's devices hold of a global array."""
  indices = sharding.addressable_devices_indices_map(shape).values()
  bounds = [[sl.indices(n)[:2] for sl in axis] for axis, n in zip(zip(*indices, strict=True), shape, strict=True)]
  return tuple(slice(min(a for a, _ in b), max(z for _, z in b)) for b in bounds)


def put_local(tree: Any, sharding: NamedSharding, lead: tuple[int, ...]) -> Any:
  """This process's block [m', b', ...] of each array -> the global array [*lead, ...]."""
  one = lambda x: jax.make_array_from_process_local_data(sharding, x, lead + x.shape[len(lead):])
  return jax.tree.map(one, tree)


def fetch(tree: Any, mesh: Mesh) -> Any:
  """Global arrays -> host arrays, whole on every process."""
  if jax.process_count() > 1:
    tree = jax.jit(lambda x: x, out_shardings=replicated(mesh))(tree)
  return jax.device_get(tree)


def over_members(f: Callable, m: int) -> Callable:
  """`f` vmapped over a leading member axis; for one member the plain `f`, as vmapped convolutions are slow on CPU."""
  if m > 1:
    return jax.vmap(f)
  return lambda *args: jax.tree.map(lambda x: x[None], f(*jax.tree.map(lambda x: x[0], args)))


def stopping(requested: bool, step: int) -> bool:
  """Whether to save and stop after `step`: this process's signal, or with several the step on which all agree."""
  if jax.process_count() == 1:
    return requested
  from jax.experimental import multihost_utils
  return multihost_utils.reached_preemption_sync_point(step)
