"""The cells of recurrent networks: one step of each, and that step's derivative by hand."""
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

Arrays = tuple[jax.Array, ...]


class Cell(NamedTuple):
  """One step of a recurrence, and that step's derivative.

  The products with both weight matrices are made before the step. A state is a tuple of [b, hidden]
  with the output first. `from_input` and `from_state` hold one [b, hidden] for each gate. Gates are
  kept apart: as slices of one array they double the time of a step on CPU.
  """
  # (state, from_input, from_state) -> (new state, what `back` needs: `saved`)
  step: Callable[[Arrays, Arrays, Arrays | None], tuple[Arrays, Arrays]]
  gates: int   # rows of each weight matrix / hidden
  states: int = 1
  # (d new state, saved, old state, new state) -> (d old state, d from_input), both without the part
  # by `from_state`
  back: Callable[[Arrays, Arrays, Arrays, Arrays], tuple[Arrays, Arrays]] | None = None
  # (d from_input, saved) -> d from_state; None where the two are equal
  inner: Callable[[Arrays, Arrays], Arrays] | None = None
  linear: bool = False   # in its state, and without a matrix for it


def _tanh(
    state: Arrays,
    from_input: Arrays,
    from_state: Arrays,
) -> tuple[Arrays, Arrays]:
  output = jnp.tanh(from_input[0] + from_state[0])
  return (output,), ()


def _tanh_back(
    d_state: Arrays,
    saved: Arrays,
    old: Arrays,
    new: Arrays,
) -> tuple[Arrays, Arrays]:
  d_old = jnp.zeros_like(d_state[0])
  d_gate = d_state[0] * (1 - new[0] ** 2)
  return (d_old,), (d_gate,)


def _gru(
    state: Arrays,
    from_input: Arrays,
    from_state: Arrays,
) -> tuple[Arrays, Arrays]:
  reset = nn.sigmoid(from_input[0] + from_state[0])
  update = nn.sigmoid(from_input[1] + from_state[1])
  candidate = jnp.tanh(from_input[2] + reset * from_state[2])
  output = candidate + update * (state[0] - candidate)
  return (output,), (reset, update, candidate, from_state[2])


def _gru_back(
    d_state: Arrays,
    saved: Arrays,
    old: Arrays,
    new: Arrays,
) -> tuple[Arrays, Arrays]:
  reset, update, candidate, candidate_from_state = saved
  d_candidate = d_state[0] * (1 - update) * (1 - candidate**2)
  d_old = d_state[0] * update
  d_reset = d_candidate * candidate_from_state * reset * (1 - reset)
  d_update = d_state[0] * (old[0] - candidate) * update * (1 - update)
  return (d_old,), (d_reset, d_update, d_candidate)


def _gru_inner(d_gates: Arrays, saved: Arrays) -> Arrays:
  d_reset, d_update, d_candidate = d_gates
  reset = saved[0]
  return d_reset, d_update, d_candidate * reset


def _lstm(
    state: Arrays,
    from_input: Arrays,
    from_state: Arrays,
) -> tuple[Arrays, Arrays]:
  gates = [a + b for a, b in zip(from_input, from_state, strict=True)]
  input_gate = nn.sigmoid(gates[0])
  forget_gate = nn.sigmoid(gates[1])
  candidate = jnp.tanh(gates[2])
  output_gate = nn.sigmoid(gates[3])

  memory = forget_gate * state[1] + input_gate * candidate
  squashed = jnp.tanh(memory)
  output = output_gate * squashed
  return (output, memory), (input_gate, forget_gate, candidate, output_gate, squashed)


def _lstm_back(
    d_state: Arrays,
    saved: Arrays,
    old: Arrays,
    new: Arrays,
) -> tuple[Arrays, Arrays]:
  input_gate, forget_gate, candidate, output_gate, squashed = saved
  d_output, d_memory = d_state
  old_memory = old[1]

  d_memory = d_memory + d_output * output_gate * (1 - squashed**2)
  d_old_output = jnp.zeros_like(d_output)
  d_old_memory = d_memory * forget_gate

  d_input_gate = d_memory * candidate * input_gate * (1 - input_gate)
  d_forget_gate = d_memory * old_memory * forget_gate * (1 - forget_gate)
  d_candidate = d_memory * input_gate * (1 - candidate**2)
  d_output_gate = d_output * squashed * output_gate * (1 - output_gate)
  return (d_old_output, d_old_memory), (d_input_gate, d_forget_gate, d_candidate, d_output_gate)


def _linear(
    state: Arrays,
    from_input: Arrays,
    from_state: None,
) -> tuple[Arrays, Arrays]:
  update = nn.sigmoid(from_input[0])
  output = state[0] + update * (from_input[1] - state[0])
  return (output,), ()


CELLS = {
    # Elman 1990: h = tanh(W x + b + U h + c); torch.nn.RNN
    "tanh": Cell(_tanh, gates=1, back=_tanh_back),
    # Cho et al. 1406.1078, gates r, z, n, reset after the product; torch.nn.GRU
    "gru": Cell(_gru, gates=3, back=_gru_back, inner=_gru_inner),
    # Hochreiter and Schmidhuber 1997, gates i, f, g, o; torch.nn.LSTM
    "lstm": Cell(_lstm, gates=4, states=2, back=_lstm_back),
    # minGRU, Feng et al. 2410.01201, eq. 9: h = (1 - z(x)) h + z(x) n(x)
    "linear": Cell(_linear, gates=2, linear=True),
}
