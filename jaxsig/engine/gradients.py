"""Is a gradient right? Central differences of any loss against its automatic derivative, entry by entry and along random directions."""
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from jaxsig import system as tasks
from jaxsig.data.records import stack_windows
from jaxsig.errors import UserError
from jaxsig.report.page import Table, plain

SLACK = 256      # tolerance over eps^(2/3), the order of the least error of a central difference: room for third derivatives
ROUNDINGS = 4    # error of two losses over eps |E|
SMALLER = (1, 4, 16)   # steps tried: the default, and it over these
PERTURBATION = 0.05    # standard deviation of what is added to a network's first parameters


class Row(NamedTuple):
  """The worst of what was tried of one leaf, or of the directions."""
  path: str
  shape: tuple[int, ...]
  relative: float   # |difference - derivative| / max(|difference|, |derivative|, floor)
  absolute: float
  tolerance: float

  @property
  def ok(self) -> bool:
    """Within the tolerance; NaN is not."""
    return bool(self.relative <= self.tolerance)


class Report(NamedTuple):
  """What `check_gradients` has found."""
  rows: tuple[Row, ...]   # one a leaf, the worst first
  directions: Row
  precision: str          # "float64" or another type: the one whose rounding the loss shows

  @property
  def ok(self) -> bool:
    """Whether all leaves and directions are."""
    return all(row.ok for row in (*self.rows, self.directions))

  @property
  def worst(self) -> Row:
    """The leaf that fits worst."""
    return self.rows[0]

  def __str__(self) -> str:
    lines = [[r.path, "x".join(map(str, r.shape)), f"{r.relative:.1e}", f"{r.absolute:.1e}", f"{r.tolerance:.1e}", "yes" if r.ok else "NO"]
             for r in (*self.rows, self.directions)]
    header = ["leaf", "shape", "worst relative error", "worst absolute error", "tolerance", "ok"]
    return plain(Table(f"Gradients against central differences in {self.precision}", header, lines))


def check_gradients(loss: Callable, params: Any, *, elements: int = 20, directions: int = 5, step: float | None = None, seed: int = 0,
                    x64: bool = True) -> Report:
  """Compares the automatic gradient of a loss with central differences.

  Of every leaf the entry of the largest derivative and a random choice of others are moved, one at a time, and random directions of
  unit length move all leaves at once, each entry in proportion to max(1, |w|). The step h is cbrt(eps) max(1, |w|), with the |w| of the
  entry or of all parameters: there truncation h^2 and rounding eps / h leave least, about eps^(2/3).

  The error is |difference - derivative| over the larger of the two, or over a floor if both are below it: one on which what the rounding
  of the loss E leaves of a difference, ROUNDINGS eps |E| / h, is just the tolerance, SLACK eps^(2/3). So where the derivative is zero, or
  too small to see, both are asked to be small.

  Within a step of a kink (relu, max) a difference mixes two slopes. Where it does not fit, it is tried again with a quarter of the step,
  and a quarter of that, at 4 and 16 times the floor: this leaves kinks and strong curvature behind, and a wrong gradient wrong. At a
  kink itself there is no gradient, and an entry there fails unless its derivative is the mean of both slopes: move the parameters.

  Args:
    loss: params -> scalar, the same for the same parameters: fix its keys.
    params: pytree of real floating-point arrays.
    elements: entries of each leaf.
    directions: random directions.
    step: instead of cbrt(eps), and not tried smaller; the floor remains that of the default.
    seed: of the choice.
    x64: casts the parameters to float64, in which errors of 1e-8 are seen; float32 sees 1e-2. A loss that computes in float32 all the
      same (its rounding tells) is held to float32's steps and tolerance.

  Raises:
    UserError: a leaf that is not real floating point.
  """
  with jax.enable_x64(True) if x64 else contextlib.nullcontext():
    params = cast_floating(params, jnp.float64) if x64 else params
    leaves = jax.tree_util.tree_leaves_with_path(params)
    paths = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves]
    _require_real(paths, [leaf for _, leaf in leaves])
    value, gradient = jax.jit(jax.value_and_grad(loss))(params)
    flat, unravel = ravel_pytree(params)
    energy = jax.jit(lambda flat: loss(unravel(flat)))
    w, slopes, rng = np.asarray(flat), np.asarray(ravel_pytree(gradient)[0], np.float64), np.random.default_rng(seed)
    precision = _precision(energy, w, rng)
    misfit = _Misfit(lambda w: float(energy(w)), w, float(value), float(jnp.finfo(precision).eps), step)
    rows, first = [], 0
    for path, (_, leaf) in zip(paths, leaves):
      chosen = first + _entries(slopes[first:first + leaf.size], elements, rng)
      rows.append(misfit.row(path, leaf.shape, [(np.arange(w.size) == i, slopes[i], abs(w[i])) for i in chosen]))
      first += leaf.size
    units = [x / np.linalg.norm(x) for x in rng.standard_normal((directions, w.size)) * np.maximum(1, np.abs(w))]
    along = misfit.row("random directions", (w.size,), [(unit, slopes @ unit, np.linalg.norm(w)) for unit in units])
  rows.sort(key=lambda row: -np.nan_to_num(row.relative, nan=np.inf))
  return Report(tuple(rows), along, str(jnp.dtype(precision)))


def check_task(task: tasks.Task, batch: dict, *, seed: int = 0, x64: bool = True, **options: Any) -> Report:
  """`check_gradients` of a task's loss on a batch, at first parameters that are perturbed, so that no layer of zeros hides another."""
  params, stats = jax.jit(task.init)(jax.random.key(seed), batch)   # as in training; parameters are float32
  with jax.enable_x64(True) if x64 else contextlib.nullcontext():
    if x64:
      params, stats, batch = cast_floating((params, stats, batch), jnp.float64)
    rng, key = np.random.default_rng(seed), jax.random.key(seed + 1)
    params = jax.tree.map(lambda x: x + jnp.asarray(PERTURBATION * rng.standard_normal(x.shape), x.dtype), params)
    return check_gradients(lambda params: task.loss(params, stats, batch, key)[0], params, seed=seed, x64=x64, **options)


def check_config(config: Any, **options: Any) -> Report:
  """`check_task` of a config, on two windows of two simulated records."""
  data = tasks.make_data(config)
  records = data.simulate(0, 2, config.data)
  windows = stack_windows(records, [data.prepare(record, config.data) for record in records]).arrays
  batch = {name: np.asarray(x)[[0, -1]] for name, x in windows.items()}
  return check_task(tasks.make(config), {**batch, "mask_b": np.ones(2, np.float32)}, **options)


def cast_floating(tree: Any, dtype: jnp.dtype) -> Any:
  """The tree with its floating-point arrays in another type; whole numbers, bools and keys stay."""
  return jax.tree.map(lambda x: jnp.asarray(x, dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)


def _require_real(paths: list[str], leaves: list) -> None:
  for path, leaf in zip(paths, leaves):
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
      raise UserError(f"the parameter {path} is {leaf.dtype}, and gradients are checked of real floating-point ones: let the loss close "
                      "over it, or give its real and imaginary parts")


def _entries(slopes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
  """Indices of the largest slope and of a random choice."""
  largest = np.argsort(-np.abs(slopes))[:1]
  return np.union1d(largest, rng.permutation(slopes.size)[:count - 1]).astype(int)


def _precision(energy: Callable, w: np.ndarray, rng: np.random.Generator) -> jnp.dtype:
  """The parameters' type, or float32 if they are float64 and the loss is as rough as if it computed in float32.

  The noise of a function shows in high differences over a few tiny steps, in which all smooth parts vanish (Moré and Wild, Estimating
  computational noise, 2011); the median passes over a kink.
  """
  if w.dtype != np.float64:
    return w.dtype
  tiny = jnp.finfo(jnp.float32).eps * np.maximum(1, np.abs(w)) * rng.choice([-1, 1], w.size)
  losses = np.array([float(energy(w + k * tiny)) for k in range(20)])
  noise = np.median(np.abs(np.diff(losses, 4))) / 70**0.5   # of independent errors the fourth difference has 70 times the variance
  between = (jnp.finfo(jnp.float32).eps * jnp.finfo(jnp.float64).eps) ** 0.5
  return jnp.float32 if noise > between * np.abs(losses[0]) else jnp.float64


class _Misfit(NamedTuple):
  """Differences of a loss about w, and how far they are from its derivatives."""
  energy: Callable
  w: np.ndarray
  value: float
  eps: float
  step: float | None

  def row(self, path: str, shape: tuple, moves: list) -> Row:
    """The worst of some moves (direction, derivative along it, scale)."""
    errors = np.array([self._errors(*move) for move in moves]).reshape(-1, 2)
    return Row(path, shape, *(float(x) for x in errors.max(0, initial=0)), self._tolerance)

  @property
  def _tolerance(self) -> float:
    return SLACK * self.eps ** (2 / 3)

  def _errors(self, direction: np.ndarray, derivative: float, scale: float) -> tuple[float, float]:
    """(relative, absolute), of the first step that fits or else of the one that fits best."""
    found, scale = [], max(1, scale)
    for smaller in SMALLER if self.step is None else (1,):
      floor = smaller * ROUNDINGS / SLACK * abs(self.value) / scale   # ROUNDINGS eps |E| / h over the tolerance
      difference = self._difference(direction, (self.step or self.eps ** (1 / 3)) * scale / smaller)
      absolute = abs(difference - derivative)
      found.append((absolute / max(abs(difference), abs(derivative), floor, np.finfo(float).tiny), absolute))
      if found[-1][0] <= self._tolerance:
        return found[-1]
    return min(found)

  def _difference(self, direction: np.ndarray, step: float) -> float:
    plus, minus = ((self.w + sign * step * direction).astype(self.w.dtype) for sign in (1, -1))
    moved = (plus.astype(float) - minus) @ direction   # as far as it was in w's own type
    return (self.energy(plus) - self.energy(minus)) / moved if moved else 0.0
