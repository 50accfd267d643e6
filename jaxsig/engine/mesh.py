"""The only place for distributed start, the (member, data) mesh, and shardings.

Host arrays become global ones here, and global arrays host ones.
"""
import ctypes
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxsig.errors import UserError

PyTree = Any   # nested dicts, tuples and lists of arrays

# glibc's numbers of what `mallopt` sets.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8


def start(cpu_devices: int = 0, compilation_cache: str | None = None) -> None:
  """Prepares this process for JAX; to be called before anything is computed.

  It joins the other processes where the environment names them, turns the compilation cache on,
  and lets the process keep memory that was freed.

  Args:
    cpu_devices: if above 0, splits the CPU into so many devices, to try a mesh without an
      accelerator.
    compilation_cache: its folder; by default JAX_COMPILATION_CACHE_DIR, or ~/.cache/jaxsig/xla.
  """
  if cpu_devices:
    jax.config.update("jax_num_cpu_devices", cpu_devices)

  coordinator = os.environ.get("JAX_COORDINATOR_ADDRESS")
  if coordinator or os.environ.get("JAXSIG_DISTRIBUTED"):
    jax.distributed.initialize(
      coordinator_address=coordinator,
      num_processes=_environment_integer("JAX_NUM_PROCESSES"),
      process_id=_environment_integer("JAX_PROCESS_ID"),
      heartbeat_timeout_seconds=30,
    )

  cache_programs(compilation_cache)
  _keep_memory()


def cache_programs(folder: str | None = None) -> None:
  """Keeps compiled programs on disk for other processes.

  Args:
    folder: where; by default JAX_COMPILATION_CACHE_DIR, or ~/.cache/jaxsig/xla.
  """
  if not folder:
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")
  if not folder:
    folder = os.path.expanduser("~/.cache/jaxsig/xla")
  jax.config.update("jax_compilation_cache_dir", folder)
  jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def _environment_integer(name: str) -> int | None:
  text = os.environ.get(name)
  if not text:
    return None
  return int(text)


def _keep_memory() -> None:
  """Lets the C library keep what is freed.

  Else the kernel hands out, and clears, a CPU step's large buffers anew at every step.
  """
  if sys.platform != "linux":
    return
  mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
  if mallopt is None:
    return

  mallopt(_M_MMAP_MAX, 0)           # large blocks come from the heap as well,
  mallopt(_M_TRIM_THRESHOLD, -1)    # of which nothing is given back,
  mallopt(_M_ARENA_MAX, 1)          # and which all threads share: a heap of a thread's own
                                    # cannot hold them


def open_devices() -> None:
  """Opens the devices, once.

  Raises:
    UserError: those that JAX_PLATFORMS names cannot be opened.
  """
  try:
    jax.process_index()
  except (AssertionError, RuntimeError) as error:
    platforms = os.environ.get("JAX_PLATFORMS")
    if not platforms:
      raise
    raise UserError(
      f"jax cannot open the devices that the environment variable JAX_PLATFORMS={platforms} "
      "names: unset it, or set JAX_PLATFORMS=cpu"
    ) from error


def is_main() -> bool:
  """Returns True in the one process that writes logs and rows."""
  return jax.process_index() == 0


def make(m: int, devices: Sequence[jax.Device] | None = None) -> Mesh:
  """Makes the (member, data) mesh for m members.

  As many devices as m and their number both divide by hold members; the rest share each batch.
  """
  if devices is None:
    devices = jax.devices()
  member = math.gcd(m, len(devices))
  data = len(devices) // member
  return jax.make_mesh(
    (member, data),
    ("member", "data"),
    # Scans with a replicated carry fail under explicit axes, the newer default.
    axis_types=(AxisType.Auto, AxisType.Auto),
    devices=devices,
  )


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
  """Returns the next batch size that the data axis divides."""
  devices = mesh.shape["data"]
  rows_each = -(-size // devices)   # rounded up
  return rows_each * devices


def put(tree: PyTree, sharding: NamedSharding) -> PyTree:
  """Makes global arrays of host arrays that every process holds whole."""
  return jax.tree.map(lambda x: _put_array(x, sharding), tree)


def _put_array(x: jax.Array | np.ndarray, sharding: NamedSharding) -> jax.Array:
  is_key = isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)
  if is_key:
    words = _put_array(jax.random.key_data(x), sharding)
    return jax.random.wrap_key_data(words)

  host = np.asarray(x)
  return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])


def local_block(sharding: NamedSharding, shape: tuple[int, ...]) -> tuple[slice, ...]:
  """Returns the bounding slices of what this process's devices hold of a global array."""
  index_of_device = sharding.addressable_devices_indices_map(shape)
  block = []
  for axis, length in enumerate(shape):
    starts = []
    stops = []
    for index in index_of_device.values():
      begin, end, _ = index[axis].indices(length)
      starts.append(begin)
      stops.append(end)
    block.append(slice(min(starts), max(stops)))
  return tuple(block)


def put_local(tree: PyTree, sharding: NamedSharding, lead: tuple[int, ...]) -> PyTree:
  """Makes global arrays [*lead, ...] of this process's blocks [m', b', ...]."""

  def put_block(block: np.ndarray) -> jax.Array:
    rest = block.shape[len(lead):]
    return jax.make_array_from_process_local_data(sharding, block, lead + rest)

  return jax.tree.map(put_block, tree)


def fetch(tree: PyTree, mesh: Mesh) -> PyTree:
  """Makes host arrays of global ones, whole on every process."""
  if jax.process_count() > 1:
    gather = jax.jit(lambda x: x, out_shardings=replicated(mesh))
    tree = gather(tree)
  return jax.device_get(tree)


def over_members(f: Callable[..., PyTree], m: int) -> Callable[..., PyTree]:
  """Returns `f` vmapped over a leading member axis of all its arguments.

  For one member it is the plain `f`, as vmapped convolutions are slow on CPU.
  """
  if m > 1:
    return jax.vmap(f)

  def over_one_member(*args: PyTree) -> PyTree:
    of_member = jax.tree.map(lambda x: x[0], args)
    out = f(*of_member)
    return jax.tree.map(lambda x: x[None], out)

  return over_one_member


def stopping(requested: bool, step: int) -> bool:
  """Returns whether to save and stop after `step`.

  One process follows its own signal; several stop at the step on which all of them agree.
  """
  if jax.process_count() == 1:
    return requested
  from jax.experimental import multihost_utils
  return multihost_utils.reached_preemption_sync_point(step)
