"""A classical network and its whole backward pass by hand.

It takes the functions of `hand_gradients` in the order of back-propagation. The layers are c1, a
convolution over a connection table; s2, sub-sampling; c3, a convolution with learnt combinations;
s4, sub-sampling; f5, dense; and output, dense. A scaled tanh follows each, and the error is the
squared error.

Parameters are {layer: {name: array}}:
  c1        kernel [v, u, i, j], bias [j]
  s2, s4    beta [j], bias [j]
  c3        kernel [v, u, i], score [i, j], bias [j]
  f5        weight [k, c], bias [k]
  output    weight [k, c], bias [k]
"""
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.systems.cnn_notes import hand_gradients as hand
from jaxsig.systems.cnn_notes.feature_maps import block_sum, convolve, scaled_tanh

Layers = dict[str, jax.Array]        # maps are [b, y, x, j], f5 and output [b, k]
Params = dict[str, dict[str, jax.Array]]


class Forward(NamedTuple):
  """What every layer computes."""
  u: Layers   # {layer: its total input}
  x: Layers   # {layer: its output}, and the images under "image"


def forward(params: Params, x_b_y_x_i: jax.Array, table_i_j: jax.Array, n: int) -> Forward:
  """Inputs and outputs of all layers.

  Args:
    params: see the module.
    x_b_y_x_i: images.
    table_i_j: bool; which input maps each map of c1 sees, as from `feature_maps.connections`.
    n: side of the blocks of s2 and s4; remainders are cut.
  """
  u = {}
  x = {"image": x_b_y_x_i}

  def add_layer(name: str, weighted: jax.Array) -> None:
    u[name] = weighted + params[name]["bias"]
    x[name] = scaled_tanh(u[name])

  c1_kernel_v_u_i_j = params["c1"]["kernel"] * table_i_j
  add_layer("c1", convolve(x["image"], c1_kernel_v_u_i_j))

  s2_sum_b_y_x_j = block_sum(x["c1"], n)
  add_layer("s2", params["s2"]["beta"] * s2_sum_b_y_x_j)

  c3_kernel_v_u_i_j = combined_kernel(params["c3"])
  add_layer("c3", convolve(x["s2"], c3_kernel_v_u_i_j))

  s4_sum_b_y_x_j = block_sum(x["c3"], n)
  add_layer("s4", params["s4"]["beta"] * s4_sum_b_y_x_j)

  flat_b_c = _flat(x["s4"])
  add_layer("f5", flat_b_c @ params["f5"]["weight"].T)
  add_layer("output", x["f5"] @ params["output"]["weight"].T)
  return Forward(u, x)


def _flat(x_b_y_x_j: jax.Array) -> jax.Array:
  return x_b_y_x_j.reshape(len(x_b_y_x_j), -1)


def combined_kernel(c3_params: dict[str, jax.Array]) -> jax.Array:
  """alpha_ij k_i [v, u, i, j], the kernels of the convolution that a learnt combination is."""
  alpha_i_j = jax.nn.softmax(c3_params["score"], axis=0)
  return c3_params["kernel"][..., None] * alpha_i_j


def energy(
    params: Params,
    x_b_y_x_i: jax.Array,
    t_b_k: jax.Array,
    table_i_j: jax.Array,
    n: int,
) -> jax.Array:
  """Half the squared error against targets t_b_k, summed over outputs and examples (1)."""
  layers = forward(params, x_b_y_x_i, table_i_j, n)
  error_b_k = layers.x["output"] - t_b_k
  return 0.5 * jnp.sum(error_b_k ** 2)


def sensitivities(params: Params, u: Layers, x: Layers, t_b_k: jax.Array, n: int) -> Layers:
  """{layer: dE/du}, of the shape of its u, from the output down to the first convolution."""
  slope = {}
  for name, total_input in u.items():
    slope[name] = hand.slope("scaled_tanh", total_input)

  delta = {}
  delta["output"] = hand.output_delta(
      x["output"],
      t_b_k,
      slope["output"],
  )
  delta["f5"] = hand.dense_delta(
      delta["output"],
      params["output"]["weight"],
      slope["f5"],
  )
  flat_delta_b_c = hand.dense_delta(
      delta["f5"],
      params["f5"]["weight"],
      _flat(slope["s4"]),
  )
  delta["s4"] = flat_delta_b_c.reshape(u["s4"].shape)
  delta["c3"] = hand.sub_sampling_delta(
      delta["s4"],
      params["s4"]["beta"],
      slope["c3"],
      n,
  )
  delta["s2"] = hand.convolution_delta(
      delta["c3"],
      combined_kernel(params["c3"]),
      slope["s2"],
  )
  delta["c1"] = hand.sub_sampling_delta(
      delta["s2"],
      params["s2"]["beta"],
      slope["c1"],
      n,
  )
  return delta


def network_gradients(
    params: Params,
    x_b_y_x_i: jax.Array,
    t_b_k: jax.Array,
    table_i_j: jax.Array,
    n: int,
) -> Params:
  """dE/dparams, like `params`: what `jax.grad(energy)` gives; arguments are those of `energy`."""
  u, x = forward(params, x_b_y_x_i, table_i_j, n)
  delta = sensitivities(params, u, x, t_b_k, n)

  by_c1_kernel_v_u_i_j = hand.kernel_gradient(x["image"], delta["c1"])
  by_c3 = _combination_gradients(params["c3"], x["s2"], delta["c3"])
  gradients = {
      "c1": {"kernel": table_i_j * by_c1_kernel_v_u_i_j},
      "s2": {"beta": hand.scale_gradient(x["c1"], delta["s2"], n)},
      "c3": by_c3,
      "s4": {"beta": hand.scale_gradient(x["c3"], delta["s4"], n)},
      "f5": {"weight": hand.dense_gradient(_flat(x["s4"]), delta["f5"])},
      "output": {"weight": hand.dense_gradient(x["f5"], delta["output"])},
  }
  for name, of_layer in gradients.items():
    of_layer["bias"] = hand.bias_gradient(delta[name])

  return gradients


def _combination_gradients(
    c3_params: dict[str, jax.Array],
    x_b_y_x_i: jax.Array,
    delta_b_y_x_j: jax.Array,
) -> dict[str, jax.Array]:
  """Gradients of the kernels and scores of a learnt combination of the maps x."""
  kernel_v_u_i = c3_params["kernel"]
  alpha_i_j = jax.nn.softmax(c3_params["score"], axis=0)
  filtered_b_y_x_i = hand.filtered(x_b_y_x_i, kernel_v_u_i)
  by_alpha_i_j = hand.combination_gradient(filtered_b_y_x_i, delta_b_y_x_j)
  return {
      "kernel": hand.shared_kernel_gradient(x_b_y_x_i, delta_b_y_x_j, alpha_i_j),
      "score": hand.score_gradient(by_alpha_i_j, alpha_i_j),
  }
