"""Central differences of a function, the step that they take, and the rounding that they meet."""
from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

SLACK = 256      # tolerance over eps^(2/3), the least error of a difference: for third derivatives
ROUNDINGS = 4    # error of two values of the function over eps |E|
SMALLER = (1, 4, 16)   # steps tried: the default, and it over these


class Move(NamedTuple):
  """A direction in which the parameters are moved."""
  direction: np.ndarray   # of unit length, [all parameters]
  derivative: float       # along it
  scale: float            # size of the parameters that it moves


def precision_of(
    energy: Callable[[np.ndarray], float],
    w: np.ndarray,
    rng: np.random.Generator,
) -> jnp.dtype:
  """The type whose rounding a function shows: that of its parameters w, or float32.

  The noise of a function shows in high differences over a few tiny steps, in which all smooth parts
  vanish (Moré and Wild, Estimating computational noise, 2011); the median passes over a kink.
  """
  if w.dtype != np.float64:
    return w.dtype

  eps32 = jnp.finfo(jnp.float32).eps
  eps64 = jnp.finfo(jnp.float64).eps
  signs = rng.choice([-1, 1], w.size)
  tiny = eps32 * np.maximum(1, np.abs(w)) * signs
  losses = np.array([energy(w + k * tiny) for k in range(20)])

  # The fourth difference of independent errors has 70 times their variance.
  fourth_difference = np.abs(np.diff(losses, 4))
  noise = np.median(fourth_difference) / 70**0.5

  between = (eps32 * eps64) ** 0.5
  if noise > between * np.abs(losses[0]):
    return jnp.float32
  return jnp.float64


class Error(NamedTuple):
  """How far a difference is from a derivative."""
  relative: float
  absolute: float


class CentralDifferences(NamedTuple):
  """Central differences of a function E about parameters w.

  The step h is cbrt(eps) times max(1, size of the parameters that move): there truncation h^2 and
  rounding eps / h leave least, about eps^(2/3).
  """
  energy: Callable[[np.ndarray], float]
  w: np.ndarray
  value: float            # E at w
  eps: float              # of E's rounding
  step: float | None      # over the scale; None for cbrt(eps)

  @property
  def tolerance(self) -> float:
    """Largest relative error of a right gradient."""
    return SLACK * self.eps ** (2 / 3)

  def worst(self, moves: Iterable[Move]) -> Error:
    """The largest relative and the largest absolute error of some moves; NaN is the largest."""
    errors = [self.error(move) for move in moves]
    errors_k_2 = np.array(errors).reshape(-1, 2)
    relative, absolute = errors_k_2.max(0, initial=0)
    return Error(float(relative), float(absolute))

  def error(self, move: Move) -> Error:
    """The error with the first step that fits, or else with the one that fits best."""
    divisors = SMALLER
    if self.step is not None:
      divisors = (1,)

    errors = []
    for divisor in divisors:
      error = self._error(move, divisor)
      if error.relative <= self.tolerance:
        return error
      errors.append(error)
    return min(errors)

  def _error(self, move: Move, divisor: float) -> Error:
    """The error with the step over `divisor`."""
    scale = max(1, move.scale)
    step = self.step or self.eps ** (1 / 3)
    difference = self._difference(move.direction, step * scale / divisor)
    absolute = abs(difference - move.derivative)

    # ROUNDINGS eps |E| / h over the tolerance
    floor = divisor * ROUNDINGS / SLACK * abs(self.value) / scale
    larger = max(
        abs(difference),
        abs(move.derivative),
        floor,
        np.finfo(float).tiny,
    )
    return Error(absolute / larger, absolute)

  def _difference(self, direction: np.ndarray, step: float) -> float:
    plus = self._moved(direction, step)
    minus = self._moved(direction, -step)
    # The distance moved is that in w's own type.
    distance = (plus.astype(float) - minus) @ direction
    if not distance:
      return 0.0
    return (self.energy(plus) - self.energy(minus)) / distance

  def _moved(self, direction: np.ndarray, step: float) -> np.ndarray:
    moved = self.w + step * direction
    return moved.astype(self.w.dtype)
