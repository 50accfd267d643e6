"""Gradient check: central differences of a loss against its automatic derivative.

Of every leaf the entry of the largest derivative and a random choice of others are moved, one at a
time. Random directions of unit length move all leaves at once, each entry in proportion to
max(1, |w|). The step h is cbrt(eps) max(1, |w|), with the |w| of the entry or of all parameters:
there truncation h^2 and rounding eps / h leave least, about eps^(2/3).

The error is |difference - derivative| over the larger of the two, or over a floor if both are below
it. On the floor, what the rounding of the loss E leaves of a difference, ROUNDINGS eps |E| / h, is
just the tolerance, SLACK eps^(2/3). So where the derivative is zero, or too small to see, both are
required to be small.

Within a step of a kink (relu, max) a difference mixes two slopes. Where it does not fit, it is
tried again with a quarter of the step, and a quarter of that, at 4 and 16 times the floor: kinks
and strong curvature then pass, and a wrong gradient still fails. At a kink itself there is no
gradient, and an entry there fails unless its derivative is the mean of both slopes: move the
parameters.
"""
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsig import system as systems
from jaxsig.data.windows import Windows
from jaxsig.engine.central_differences import CentralDifferences, Move, precision_of
from jaxsig.errors import UserError
from jaxsig.system import Batch, Params, Task

PERTURBATION = 0.05    # standard deviation of what is added to a network's first parameters

HEADER = ("leaf", "shape", "worst relative error", "worst absolute error", "tolerance", "ok")


class Row(NamedTuple):
  """The worst error among the tried entries of one leaf, or among the directions."""
  path: str
  shape: tuple[int, ...]
  relative: float   # |difference - derivative| / max(|difference|, |derivative|, floor)
  absolute: float
  tolerance: float

  @property
  def ok(self) -> bool:
    """Whether the error is within the tolerance; NaN is not."""
    return bool(self.relative <= self.tolerance)

  def cells(self) -> tuple[str, ...]:
    """The row as text, one cell for each of HEADER."""
    shape = "x".join(map(str, self.shape))
    verdict = "NO"
    if self.ok:
      verdict = "yes"
    return (
        self.path,
        shape,
        f"{self.relative:.1e}",
        f"{self.absolute:.1e}",
        f"{self.tolerance:.1e}",
        verdict,
    )


class Report(NamedTuple):
  """Result of `check_gradients`; its text is a table."""
  rows: tuple[Row, ...]   # one a leaf, the worst first
  directions: Row
  precision: str          # "float64" or another type: the one whose rounding the loss shows

  @property
  def ok(self) -> bool:
    """Whether all leaves and directions are within the tolerance."""
    return all(row.ok for row in (*self.rows, self.directions))

  @property
  def worst(self) -> Row:
    """The leaf with the largest relative error."""
    return self.rows[0]

  def __str__(self) -> str:
    lines = [HEADER]
    for row in (*self.rows, self.directions):
      lines.append(row.cells())

    widths = []
    for column in zip(*lines, strict=True):
      widths.append(max(map(len, column)))
    rule = ["-" * width for width in widths]
    lines.insert(1, rule)

    title = f"Gradients against central differences in {self.precision}"
    text = [title]
    for line in lines:
      text.append(_aligned(line, widths))
    return "\n".join(text)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
  """One line of a table: the first cell to the left of its column, the others to the right."""
  padded = [cells[0].ljust(widths[0])]
  for cell, width in zip(cells[1:], widths[1:], strict=True):
    padded.append(cell.rjust(width))
  return "  ".join(padded)


def check_gradients(
    loss: Callable[[Params], jax.Array],
    params: Params,
    *,
    elements: int = 20,
    directions: int = 5,
    step: float | None = None,
    seed: int = 0,
    x64: bool = True,
    compiler_options: Mapping[str, int | bool] | None = None,
) -> Report:
  """Compares the automatic gradient of a loss with central differences.

  The module's docstring says what is tried, and what counts as an error.

  Args:
    loss: params -> scalar, the same for the same parameters: fix its keys.
    params: pytree of real floating-point arrays.
    elements: entries of each leaf.
    directions: random directions.
    step: instead of cbrt(eps), and not tried smaller; the floor remains that of the default.
    seed: of the choice.
    x64: casts the parameters to float64, in which errors of 1e-8 are seen; float32 sees 1e-2. A
      loss that computes in float32 all the same (its rounding tells) is held to float32's steps and
      tolerance.
    compiler_options: of XLA, for what runs but once: the gradient.

  Raises:
    UserError: a leaf that is not real floating point.
  """
  rng = np.random.default_rng(seed)

  with _precision_of_jax(x64):
    if x64:
      params = cast_floating(params, jnp.float64)
    leaves = _leaves(params)
    _require_real(leaves)

    gradient_of = jax.jit(jax.value_and_grad(loss), compiler_options=compiler_options)
    value, gradient = gradient_of(params)
    slopes = _flat(gradient).astype(np.float64)
    w = _flat(params)
    structure = jax.tree.structure(params)

    @jax.jit
    def flat_loss(w: jax.Array) -> jax.Array:
      return loss(structure.unflatten(_unflat(w, leaves)))

    def energy(w: np.ndarray) -> float:
      return float(flat_loss(w))

    precision = precision_of(energy, w, rng)
    eps = float(jnp.finfo(precision).eps)
    differences = CentralDifferences(energy, w, float(value), eps, step)

    rows = []
    for leaf in leaves:
      entries = _entries(slopes, leaf, elements, rng)
      moves = _moves_of_entries(entries, w, slopes)
      rows.append(_row(leaf.path, leaf.shape, moves, differences))

    moves = _moves_in_directions(directions, w, slopes, rng)
    along = _row("random directions", w.shape, moves, differences)

  rows.sort(key=_by_error)
  return Report(tuple(rows), along, str(jnp.dtype(precision)))


def _row(
    path: str,
    shape: tuple[int, ...],
    moves: Iterable[Move],
    differences: CentralDifferences,
) -> Row:
  error = differences.worst(moves)
  return Row(path, shape, error.relative, error.absolute, differences.tolerance)


def _by_error(row: Row) -> float:
  """Sorts the largest error first, and NaN before it."""
  return -np.nan_to_num(row.relative, nan=np.inf)


def check_task(
    task: Task,
    batch: Batch,
    *,
    seed: int = 0,
    x64: bool = True,
    compiler_options: Mapping[str, int | bool] | None = None,
    **options: Any,
) -> Report:
  """Checks the gradient of a task's loss on a batch: see `check_gradients`.

  The network's first parameters are perturbed, so that no layer of zeros hides another.
  """
  # As in training: the first parameters are float32.
  init = jax.jit(task.init, compiler_options=compiler_options)
  params, stats = jax.device_get(init(jax.random.key(seed), batch))
  rng = np.random.default_rng(seed)

  def perturbed(x: np.ndarray) -> np.ndarray:
    noise = PERTURBATION * rng.standard_normal(x.shape)
    return x + noise.astype(x.dtype)

  with _precision_of_jax(x64):
    if x64:
      params, stats, batch = cast_floating((params, stats, batch), jnp.float64)
    params = jax.tree.map(perturbed, params)
    key = jax.random.key(seed + 1)

    def loss(params: Params) -> jax.Array:
      value, _ = task.loss(params, stats, batch, key)
      return value

    return check_gradients(
        loss,
        params,
        seed=seed,
        x64=x64,
        compiler_options=compiler_options,
        **options,
    )


def check_config(config: ConfigDict, **options: Any) -> Report:
  """Checks a config's loss on two windows of two simulated records: see `check_task`."""
  system = systems.make(config)
  records = list(system.data.simulate(0, 2, config.data))
  windows = Windows(system.data, config.data, records)
  first_and_last = np.array([0, len(windows) - 1])
  batch = windows.take(first_and_last)
  batch["mask_b"] = np.ones(2, np.float32)
  return check_task(system.task, batch, **options)


def cast_floating(tree: Any, dtype: jnp.dtype) -> Any:
  """Casts a tree's floating-point arrays to another type; whole numbers, bools and keys stay."""
  def cast(x: jax.Array) -> jax.Array:
    if jnp.issubdtype(x.dtype, jnp.floating):
      return x.astype(dtype)
    return x

  return jax.tree.map(cast, tree)


def _precision_of_jax(x64: bool) -> contextlib.AbstractContextManager:
  """float64 where asked for, else what is set."""
  if x64:
    return jax.enable_x64(True)
  return contextlib.nullcontext()


class _Leaf(NamedTuple):
  """Where a leaf lies among the flattened parameters."""
  path: str
  shape: tuple[int, ...]
  dtype: jnp.dtype
  first: int
  size: int


def _leaves(params: Params) -> list[_Leaf]:
  leaves = []
  first = 0
  for keys, x in jax.tree_util.tree_leaves_with_path(params):
    path = jax.tree_util.keystr(keys, simple=True, separator="/")
    leaves.append(_Leaf(path, x.shape, x.dtype, first, x.size))
    first += x.size

  return leaves


def _flat(tree: Params) -> np.ndarray:
  """All leaves one after another, in their widest type."""
  leaves = [np.ravel(x) for x in jax.tree.leaves(tree)]
  return np.concatenate(leaves)


def _unflat(w: jax.Array, leaves: Iterable[_Leaf]) -> list[jax.Array]:
  """The leaves again, of their own shapes and types."""
  arrays = []
  for leaf in leaves:
    of_leaf = w[leaf.first:leaf.first + leaf.size]
    arrays.append(of_leaf.reshape(leaf.shape).astype(leaf.dtype))
  return arrays


def _require_real(leaves: Iterable[_Leaf]) -> None:
  for leaf in leaves:
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
      raise UserError(
          f"the parameter {leaf.path} is {leaf.dtype}, and gradients are checked of real "
          "floating-point ones: let the loss close over it, or give its real and imaginary parts")


def _entries(
    slopes: np.ndarray,
    leaf: _Leaf,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
  """Indices among all parameters of a leaf's largest slope and of a random choice."""
  of_leaf = slopes[leaf.first:leaf.first + leaf.size]
  largest = np.argsort(-np.abs(of_leaf))[:1]
  others = rng.permutation(leaf.size)[:count - 1]
  chosen = np.union1d(largest, others).astype(int)
  return leaf.first + chosen


def _moves_of_entries(
    entries: Iterable[int],
    w: np.ndarray,
    slopes: np.ndarray,
) -> list[Move]:
  """Moves of one entry each."""
  moves = []
  for entry in entries:
    direction = np.arange(w.size) == entry
    moves.append(Move(direction, slopes[entry], abs(w[entry])))
  return moves


def _moves_in_directions(
    count: int,
    w: np.ndarray,
    slopes: np.ndarray,
    rng: np.random.Generator,
) -> list[Move]:
  """Random moves of all parameters at once."""
  length = np.linalg.norm(w)
  random_d_w = rng.standard_normal((count, w.size))
  scaled_d_w = random_d_w * np.maximum(1, np.abs(w))

  moves = []
  for x in scaled_d_w:
    unit = x / np.linalg.norm(x)
    moves.append(Move(unit, slopes @ unit, length))
  return moves
