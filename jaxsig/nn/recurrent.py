"""Stacked bidirectional recurrent networks by `lax.scan`, with PyTorch's cells, parameter names and layouts."""
import functools
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxsig.errors import UserError

SCAN_FORMS = ("auto", "plain", "hoisted", "fused", "associative")


class Cell(NamedTuple):
  """One step of a recurrence, with the products by both weight matrices already made, and the step's derivative.

  A state is a tuple of [b, hidden] with the output first; from_input and from_state hold one [b, hidden] a gate. Gates are kept
  apart: as slices of one array they double the time of a step on CPU.
  """
  step: Callable  # (state, from_input, from_state) -> (state, what `back` needs)
  gates: int      # rows of each weight matrix over hidden
  states: int = 1
  back: Callable | None = None  # (d state, what step kept, old state, new state) -> (d old state, d from_input), both without from_state
  inner: Callable = lambda d_gates, kept: d_gates  # d from_input -> d from_state
  linear: bool = False  # in its state, and without a matrix for it


def _tanh(state, from_input, from_state):
  return (jnp.tanh(from_input[0] + from_state[0]),), ()


def _tanh_back(d, kept, old, new):
  return (jnp.zeros_like(d[0]),), (d[0] * (1 - new[0] ** 2),)


def _gru(state, from_input, from_state):
  reset, update = nn.sigmoid(from_input[0] + from_state[0]), nn.sigmoid(from_input[1] + from_state[1])
  new = jnp.tanh(from_input[2] + reset * from_state[2])
  return (new + update * (state[0] - new),), (reset, update, new, from_state[2])


def _gru_back(d, kept, old, _):
  reset, update, new, inner = kept
  d_new = d[0] * (1 - update) * (1 - new**2)
  return (d[0] * update,), (d_new * inner * reset * (1 - reset), d[0] * (old[0] - new) * update * (1 - update), d_new)


def _gru_inner(d_gates, kept):
  return *d_gates[:2], d_gates[2] * kept[0]


def _lstm(state, from_input, from_state):
  write, keep, new, show = (a + b for a, b in zip(from_input, from_state, strict=True))
  write, keep, new, show = nn.sigmoid(write), nn.sigmoid(keep), jnp.tanh(new), nn.sigmoid(show)
  memory = keep * state[1] + write * new
  shown = jnp.tanh(memory)
  return (show * shown, memory), (write, keep, new, show, shown)


def _lstm_back(d, kept, old, _):
  write, keep, new, show, shown = kept
  memory = d[1] + d[0] * show * (1 - shown**2)
  return (jnp.zeros_like(d[0]), memory * keep), (
    memory * new * write * (1 - write), memory * old[1] * keep * (1 - keep), memory * write * (1 - new**2),
    d[0] * shown * show * (1 - show))


def _linear(state, from_input, from_state):
  return (state[0] + nn.sigmoid(from_input[0]) * (from_input[1] - state[0]),), ()


CELLS = {
  "tanh": Cell(_tanh, 1, 1, _tanh_back),  # Elman 1990: h = tanh(W x + b + U h + c); torch.nn.RNN
  "gru": Cell(_gru, 3, 1, _gru_back, _gru_inner),  # Cho et al. 1406.1078, gates r, z, n, reset after the product; torch.nn.GRU
  "lstm": Cell(_lstm, 4, 2, _lstm_back),  # Hochreiter and Schmidhuber 1997, gates i, f, g, o; torch.nn.LSTM
  "linear": Cell(_linear, 2, linear=True),  # minGRU, Feng et al. 2410.01201, eq. 9: h = (1 - z(x)) h + z(x) n(x)
}


def resolve(scan_form: str, cell: str) -> str:
  """What "auto" stands for, by measurement on CPU (benchmarks/recurrent.py) and by reasoning on an accelerator.

  "hoisted" makes all steps' inputs by one matmul, "fused" also the weights' gradients (reverse mode only), "plain" neither. CPU:
  fused, and a loop for a linear cell. Accelerators: hoisted, as XLA may fuse its loop better, and no loop for a linear cell; neither
  was measured. UserError for an unknown cell or form, or a form that the cell does not have.
  """
  if cell not in CELLS or scan_form not in SCAN_FORMS:
    raise UserError(f"no cell {cell!r} by scan form {scan_form!r}: use {', '.join(CELLS)} by {', '.join(SCAN_FORMS)}")
  linear, cpu = CELLS[cell].linear, jax.default_backend() == "cpu"
  if scan_form == "associative" and not linear:
    raise UserError(f"the cell {cell!r} is not linear in its state: use scan_form fused, hoisted or plain")
  if scan_form == "fused" and linear:
    raise UserError(f"the cell {cell!r} has no matrix for its state: use scan_form hoisted, plain or associative")
  if scan_form != "auto":
    return scan_form
  if linear:
    return "hoisted" if cpu else "associative"
  return "fused" if cpu else "hoisted"


def recurrence(cell: Cell, x_t_b_c: jax.Array, weights: dict, scan_form: str, reverse: bool = False) -> jax.Array:
  """Runs one layer in one direction from a zero state: [t, b, c] -> [t, b, hidden], in the order of time either way."""
  start = (jnp.zeros((x_t_b_c.shape[1], weights["weight_ih"].shape[0] // cell.gates), x_t_b_c.dtype),) * cell.states
  recurrent = () if cell.linear else (weights["weight_hh"], weights["bias_hh"])
  project = lambda x: tuple(jnp.split(x @ weights["weight_ih"].T + weights["bias_ih"], cell.gates, -1))
  if scan_form == "plain":
    whole = cell._replace(step=lambda state, x, from_state: cell.step(state, project(x), from_state))
    return _scan(whole, reverse, start, x_t_b_c, recurrent)[0][0]
  if scan_form == "associative":
    return _associative(*project(x_t_b_c), reverse)
  if scan_form == "fused":
    return _fused(cell, reverse, start, project(x_t_b_c), recurrent)
  return _scan(cell, reverse, start, project(x_t_b_c), recurrent)[0][0]


def _scan(cell, reverse, start, inputs, recurrent, keep=False):
  """(states, what the steps kept), tuples of [t, b, hidden]; without `keep` the output alone, in the same place."""
  def step(state, from_input):
    product = None if cell.linear else jnp.split(state[0] @ recurrent[0].T + recurrent[1], cell.gates, -1)
    state, kept = cell.step(state, from_input, product)
    return state, (state, kept) if keep else (state[:1], ())
  return lax.scan(step, start, inputs, reverse=reverse)[1]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _fused(cell, reverse, start, inputs, recurrent):
  """The hoisted scan with a backward loop for the states' cotangents alone: the weights' gradient is one matmul after it."""
  return _scan(cell, reverse, start, inputs, recurrent)[0][0]


def _fused_forward(cell, reverse, start, inputs, recurrent):
  new, kept = _scan(cell, reverse, start, inputs, recurrent, keep=True)
  return new[0], (start, new, kept, recurrent[0])


def _fused_backward(cell, reverse, saved, d_out_t_b_h):
  start, new, kept, weight_hh = saved
  old = tuple(jnp.concatenate([x[1:], x0[None]] if reverse else [x0[None], x[:-1]]) for x0, x in zip(start, new, strict=True))

  def step(d, now):
    d_out, kept, old, new = now
    d, d_gates = cell.back((d[0] + d_out, *d[1:]), kept, old, new)
    return (d[0] + jnp.concatenate(cell.inner(d_gates, kept), -1) @ weight_hh, *d[1:]), d_gates

  nothing = jax.tree.map(jnp.zeros_like, start)
  d_start, d_inputs = lax.scan(step, nothing, (d_out_t_b_h, kept, old, new), reverse=not reverse)
  d_product = jnp.concatenate(cell.inner(d_inputs, kept), -1)
  return d_start, d_inputs, (jnp.einsum("tbg,tbh->gh", d_product, old[0]), d_product.sum((0, 1)))


_fused.defvjp(_fused_forward, _fused_backward)


def _associative(update_t_b_h: jax.Array, new_t_b_h: jax.Array, reverse: bool) -> jax.Array:
  """h = keep h + add for all t at once: pairs of steps compose into a step (Blelloch 1990, section 1.4)."""
  compose = lambda a, b: (a[0] * b[0], a[1] * b[0] + b[1])
  keep_add = nn.sigmoid(-update_t_b_h), nn.sigmoid(update_t_b_h) * new_t_b_h
  return lax.associative_scan(compose, keep_add, reverse=reverse)[1]


class BiRNN(nn.Module):
  """Layers that read a sequence in both directions and hand on both outputs: [b, t, c] -> [b, t, 2 hidden].

  Parameters have torch's names and layouts (`weight_ih_l0_reverse` [gates * hidden, c], ...), so that copying a state
  dict is the identity, and torch's initialisation, uniform in +-1/sqrt(hidden); a linear cell has no `_hh`.
  `layer_norm` norms each layer's input, `residual` adds it to the output from the second layer on; torch has neither.
  """
  hidden: int
  layers: int = 1
  cell: str = "tanh"
  scan_form: str = "auto"
  layer_norm: bool = False
  residual: bool = False

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    scan_form = resolve(self.scan_form, self.cell)
    x = x_b_t_c.swapaxes(0, 1)
    for layer in range(self.layers):
      read = nn.LayerNorm(name=f"norm_l{layer}")(x) if self.layer_norm else x
      out = jnp.concatenate([
        recurrence(CELLS[self.cell], read, self._weights(f"l{layer}{suffix}", x.shape[-1]), scan_form, bool(suffix))
        for suffix in ("", "_reverse")], -1)
      x = x + out if self.residual and layer else out
    return x.swapaxes(0, 1)

  def _weights(self, which: str, channels: int) -> dict:
    rows = CELLS[self.cell].gates * self.hidden
    shapes = {"weight_ih": (rows, channels), "bias_ih": (rows,)}
    if not CELLS[self.cell].linear:
      shapes |= {"weight_hh": (rows, self.hidden), "bias_hh": (rows,)}
    uniform = lambda key, shape: jax.random.uniform(key, shape, jnp.float32, -1, 1) / self.hidden**0.5
    return {name: self.param(f"{name}_{which}", uniform, shape) for name, shape in shapes.items()}
