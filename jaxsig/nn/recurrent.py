"""Stacked bidirectional recurrent networks by `lax.scan`, with PyTorch's names and layouts."""
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxsig.errors import UserError
from jaxsig.nn.cells import CELLS, Arrays, Cell

SCAN_FORMS = ("auto", "plain", "hoisted", "fused", "associative")


def resolve(scan_form: str, cell: str) -> str:
  """The scan form that runs: what "auto" stands for on this backend, or the form itself.

  "hoisted" makes all steps' inputs by one matmul, "fused" also the weights' gradients (reverse mode
  only), "plain" neither; "associative" has no loop. "auto" was chosen by measurement on CPU
  (benchmarks/recurrent.py): fused, and hoisted for a linear cell. On accelerators it was chosen by
  reasoning and not measured: hoisted, as XLA may fuse its loop better, and associative for a linear
  cell.

  Raises:
    UserError: an unknown cell or form, or a form that the cell does not have.
  """
  if cell not in CELLS or scan_form not in SCAN_FORMS:
    cells = ", ".join(CELLS)
    forms = ", ".join(SCAN_FORMS)
    raise UserError(f"no cell {cell!r} by scan form {scan_form!r}: use {cells} by {forms}")

  linear = CELLS[cell].linear
  if scan_form == "associative" and not linear:
    raise UserError(
        f"the cell {cell!r} is not linear in its state: use scan_form fused, hoisted or plain"
    )
  if scan_form == "fused" and linear:
    raise UserError(
        f"the cell {cell!r} has no matrix for its state: "
        "use scan_form hoisted, plain or associative"
    )

  if scan_form != "auto":
    return scan_form
  on_cpu = jax.default_backend() == "cpu"
  if linear and on_cpu:
    return "hoisted"
  if linear:
    return "associative"
  if on_cpu:
    return "fused"
  return "hoisted"


def recurrence(
    cell: Cell,
    x_t_b_c: jax.Array,
    weights: dict[str, jax.Array],
    scan_form: str,
    reverse: bool = False,
) -> jax.Array:
  """Outputs [t, b, hidden] of one layer in one direction, in the order of time either way.

  The state is zero at the start.

  Args:
    cell: one of CELLS.
    x_t_b_c: the layer's input.
    weights: "weight_ih" [gates * hidden, c], "bias_ih" and, if the cell is not linear, "weight_hh"
      and "bias_hh".
    scan_form: as `resolve` returns it.
    reverse: reads from the end.
  """
  batch = x_t_b_c.shape[1]
  hidden = weights["weight_ih"].shape[0] // cell.gates
  zeros = jnp.zeros((batch, hidden), x_t_b_c.dtype)
  start = (zeros,) * cell.states

  recurrent_weights = ()
  if not cell.linear:
    recurrent_weights = (weights["weight_hh"], weights["bias_hh"])

  def project(x: jax.Array) -> Arrays:
    product = x @ weights["weight_ih"].T + weights["bias_ih"]
    return tuple(jnp.split(product, cell.gates, -1))

  def project_and_step(
      state: Arrays,
      x: jax.Array,
      from_state: Arrays | None,
  ) -> tuple[Arrays, Arrays]:
    return cell.step(state, project(x), from_state)

  if scan_form == "plain":
    unprojected = cell._replace(step=project_and_step)
    return _output(unprojected, reverse, start, x_t_b_c, recurrent_weights)
  if scan_form == "associative":
    update_t_b_h, candidate_t_b_h = project(x_t_b_c)
    return _associative(update_t_b_h, candidate_t_b_h, reverse)
  if scan_form == "fused":
    return _fused(cell, reverse, start, project(x_t_b_c), recurrent_weights)
  return _output(cell, reverse, start, project(x_t_b_c), recurrent_weights)


def _scan(
    cell: Cell,
    reverse: bool,
    start: Arrays,
    inputs: Arrays | jax.Array,
    recurrent_weights: Arrays,
    save: bool = False,
) -> tuple[Arrays, Arrays]:
  """(states, saved) of all steps, tuples of [t, b, hidden].

  Without `save` the states are the output alone, and nothing is saved.
  """
  def step(state: Arrays, from_input: Arrays) -> tuple[Arrays, tuple[Arrays, Arrays]]:
    from_state = None
    if not cell.linear:
      weight_hh, bias_hh = recurrent_weights
      product = state[0] @ weight_hh.T + bias_hh
      from_state = jnp.split(product, cell.gates, -1)

    state, saved = cell.step(state, from_input, from_state)
    if save:
      return state, (state, saved)
    return state, (state[:1], ())

  _, collected = lax.scan(step, start, inputs, reverse=reverse)
  return collected


def _output(
    cell: Cell,
    reverse: bool,
    start: Arrays,
    inputs: Arrays | jax.Array,
    recurrent_weights: Arrays,
) -> jax.Array:
  """The outputs [t, b, hidden] of a scan."""
  (output_t_b_h,), _ = _scan(cell, reverse, start, inputs, recurrent_weights)
  return output_t_b_h


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _fused(
    cell: Cell,
    reverse: bool,
    start: Arrays,
    inputs: Arrays,
    recurrent_weights: Arrays,
) -> jax.Array:
  """The hoisted scan with a backward loop for the states' cotangents alone.

  The weights' gradient is one matmul after that loop.
  """
  return _output(cell, reverse, start, inputs, recurrent_weights)


def _fused_forward(
    cell: Cell,
    reverse: bool,
    start: Arrays,
    inputs: Arrays,
    recurrent_weights: Arrays,
) -> tuple[jax.Array, tuple[Arrays, Arrays, Arrays, jax.Array]]:
  """(outputs, what the backward pass needs)."""
  states, saved = _scan(cell, reverse, start, inputs, recurrent_weights, save=True)
  weight_hh, _ = recurrent_weights
  return states[0], (start, states, saved, weight_hh)


def _fused_backward(
    cell: Cell,
    reverse: bool,
    residuals: tuple[Arrays, Arrays, Arrays, jax.Array],
    d_out_t_b_h: jax.Array,
) -> tuple[Arrays, Arrays, Arrays]:
  """Cotangents of (start, inputs, recurrent_weights)."""
  start, states, saved, weight_hh = residuals
  old_states = _one_step_earlier(start, states, reverse)

  def d_from_state(d_gates: Arrays, saved: Arrays) -> jax.Array:
    if cell.inner is not None:
      d_gates = cell.inner(d_gates, saved)
    return jnp.concatenate(d_gates, -1)

  def step(d_state: Arrays, now: tuple[jax.Array, Arrays, Arrays, Arrays]) -> tuple[Arrays, Arrays]:
    d_out, saved_now, old, new = now
    d_state = (d_state[0] + d_out, *d_state[1:])
    d_old, d_gates = cell.back(d_state, saved_now, old, new)
    d_old_output = d_old[0] + d_from_state(d_gates, saved_now) @ weight_hh
    return (d_old_output, *d_old[1:]), d_gates

  d_end = jax.tree.map(jnp.zeros_like, start)
  steps = (d_out_t_b_h, saved, old_states, states)
  d_start, d_inputs = lax.scan(step, d_end, steps, reverse=not reverse)

  d_product_t_b_g = d_from_state(d_inputs, saved)
  d_weight_hh = jnp.einsum("tbg,tbh->gh", d_product_t_b_g, old_states[0])
  d_bias_hh = d_product_t_b_g.sum((0, 1))
  return d_start, d_inputs, (d_weight_hh, d_bias_hh)


def _one_step_earlier(
    start: Arrays,
    states: Arrays,
    reverse: bool,
) -> Arrays:
  """The states before each step [t, b, hidden], from those after it and the start [b, hidden]."""
  earlier = []
  for first, after in zip(start, states, strict=True):
    if reverse:
      before = jnp.concatenate([after[1:], first[None]])
    else:
      before = jnp.concatenate([first[None], after[:-1]])
    earlier.append(before)
  return tuple(earlier)


_fused.defvjp(_fused_forward, _fused_backward)


def _associative(
    update_t_b_h: jax.Array,
    candidate_t_b_h: jax.Array,
    reverse: bool,
) -> jax.Array:
  """h = keep h + add for all t at once.

  Pairs of steps compose into a step (Blelloch 1990, section 1.4).
  """
  def compose(first: Arrays, second: Arrays) -> Arrays:
    keep = first[0] * second[0]
    add = first[1] * second[0] + second[1]
    return keep, add

  keep = nn.sigmoid(-update_t_b_h)
  add = nn.sigmoid(update_t_b_h) * candidate_t_b_h
  _, output_t_b_h = lax.associative_scan(compose, (keep, add), reverse=reverse)
  return output_t_b_h


class BiRNN(nn.Module):
  """Layers that read a sequence in both directions: [b, t, c] -> [b, t, 2 hidden].

  Parameters have torch's names and layouts (`weight_ih_l0_reverse` [gates * hidden, c], ...), so
  that copying a state dict is the identity, and torch's initialisation, uniform in
  +-1/sqrt(hidden); a linear cell has no `_hh`. torch has neither `layer_norm` nor `residual`.

  Attributes:
    hidden: width of each direction.
    layers: how many, one on the other.
    cell: a name of CELLS.
    scan_form: a name of SCAN_FORMS.
    layer_norm: norms each layer's input.
    residual: adds each layer's input to its output, from the second layer on.
  """
  hidden: int
  layers: int = 1
  cell: str = "tanh"
  scan_form: str = "auto"
  layer_norm: bool = False
  residual: bool = False

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    cell = CELLS[self.cell]
    scan_form = resolve(self.scan_form, self.cell)

    x_t_b_c = x_b_t_c.swapaxes(0, 1)
    for layer in range(self.layers):
      channels = x_t_b_c.shape[-1]
      normed = x_t_b_c
      if self.layer_norm:
        normed = nn.LayerNorm(name=f"norm_l{layer}")(x_t_b_c)

      weights = self._weights(f"l{layer}", channels)
      forward = recurrence(cell, normed, weights, scan_form)
      weights = self._weights(f"l{layer}_reverse", channels)
      backward = recurrence(cell, normed, weights, scan_form, reverse=True)
      output = jnp.concatenate([forward, backward], -1)

      if self.residual and layer > 0:
        output = x_t_b_c + output
      x_t_b_c = output
    return x_t_b_c.swapaxes(0, 1)

  def _weights(self, which: str, channels: int) -> dict[str, jax.Array]:
    """The weights of one direction of one layer, by torch's names without the layer."""
    cell = CELLS[self.cell]
    rows = cell.gates * self.hidden
    shapes = {
        "weight_ih": (rows, channels),
        "bias_ih": (rows,),
    }
    if not cell.linear:
      shapes["weight_hh"] = (rows, self.hidden)
      shapes["bias_hh"] = (rows,)

    def uniform(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
      return jax.random.uniform(key, shape, jnp.float32, -1, 1) / self.hidden**0.5

    weights = {}
    for name, shape in shapes.items():
      weights[name] = self.param(f"{name}_{which}", uniform, shape)
    return weights
