"""Stacked bidirectional recurrent networks by `lax.scan`, with PyTorch's cells, parameter names and layouts."""
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxsig.errors import UserError

SCAN_FORMS = ("auto", "plain", "hoisted", "associative")


class Cell(NamedTuple):
  """One step of a recurrence, with the products by both weight matrices already made."""
  step: Callable  # (state, from_input_b_g, from_state_b_g) -> state, a tuple of [b, hidden] with the output first
  gates: int      # rows of each weight matrix over hidden
  states: int = 1
  linear: bool = False  # in its state, and without a matrix for it


def _tanh(state, from_input, from_state):
  return (jnp.tanh(from_input + from_state),)


def _gru(state, from_input, from_state):
  (reset_in, update_in, new_in), (reset, update, new) = jnp.split(from_input, 3, -1), jnp.split(from_state, 3, -1)
  new = jnp.tanh(new_in + nn.sigmoid(reset_in + reset) * new)
  return (new + nn.sigmoid(update_in + update) * (state[0] - new),)


def _lstm(state, from_input, from_state):
  write, keep, new, show = jnp.split(from_input + from_state, 4, -1)
  memory = nn.sigmoid(keep) * state[1] + nn.sigmoid(write) * jnp.tanh(new)
  return nn.sigmoid(show) * jnp.tanh(memory), memory


def _linear(state, from_input, from_state):
  update, new = jnp.split(from_input, 2, -1)
  return (state[0] + nn.sigmoid(update) * (new - state[0]),)


CELLS = {
  "tanh": Cell(_tanh, 1),      # Elman 1990: h = tanh(W x + b + U h + c); torch.nn.RNN
  "gru": Cell(_gru, 3),        # Cho et al. 1406.1078, gates r, z, n, the reset after the product; torch.nn.GRU
  "lstm": Cell(_lstm, 4, 2),   # Hochreiter and Schmidhuber 1997, gates i, f, g, o; torch.nn.LSTM
  "linear": Cell(_linear, 2, linear=True),  # minGRU, Feng et al. 2410.01201, eq. 9: h = (1 - z(x)) h + z(x) n(x)
}


def resolve(scan_form: str, cell: str) -> str:
  """What "auto" stands for: one matmul for all steps' inputs, and no loop for a linear cell on an accelerator.

  On CPU hoisting won or tied for every cell, and a loop beat `associative_scan` (benchmarks/recurrent.py). UserError
  for an unknown cell or form, or a form that the cell does not have.
  """
  if cell not in CELLS or scan_form not in SCAN_FORMS:
    raise UserError(f"no cell {cell!r} by scan form {scan_form!r}: use {', '.join(CELLS)} by {', '.join(SCAN_FORMS)}")
  if scan_form == "associative" and not CELLS[cell].linear:
    raise UserError(f"the cell {cell!r} is not linear in its state: use scan_form hoisted or plain")
  if scan_form != "auto":
    return scan_form
  return "associative" if CELLS[cell].linear and jax.default_backend() != "cpu" else "hoisted"


def recurrence(cell: Cell, x_t_b_c: jax.Array, weights: dict, scan_form: str, reverse: bool = False) -> jax.Array:
  """Runs one layer in one direction from a zero state: [t, b, c] -> [t, b, hidden], in the order of time either way."""
  project = lambda x: x @ weights["weight_ih"].T + weights["bias_ih"]
  if scan_form == "associative":
    return _associative(project(x_t_b_c), reverse)

  def step(state, x):
    from_state = None if cell.linear else state[0] @ weights["weight_hh"].T + weights["bias_hh"]
    state = cell.step(state, project(x) if scan_form == "plain" else x, from_state)
    return state, state[0]

  hidden = weights["weight_ih"].shape[0] // cell.gates
  start = (jnp.zeros((x_t_b_c.shape[1], hidden), x_t_b_c.dtype),) * cell.states
  return lax.scan(step, start, x_t_b_c if scan_form == "plain" else project(x_t_b_c), reverse=reverse)[1]


def _associative(from_input_t_b_g: jax.Array, reverse: bool) -> jax.Array:
  """h = keep h + add for all t at once: pairs of steps compose into a step (Blelloch 1990, section 1.4)."""
  update, new = jnp.split(from_input_t_b_g, 2, -1)
  compose = lambda a, b: (a[0] * b[0], a[1] * b[0] + b[1])
  return lax.associative_scan(compose, (nn.sigmoid(-update), nn.sigmoid(update) * new), reverse=reverse)[1]


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
