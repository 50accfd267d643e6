"""A classical network and its whole backward pass by hand: `hand_gradients` in the order in which back-propagation takes them.

c1 convolution over a connection table, s2 sub-sampling, c3 convolution with learnt combinations, s4 sub-sampling, f5 dense, output;
scaled tanh after each, and the squared error. Parameters are {"c1": {"kernel" [v, u, i, j], "bias" [j]}, "s2": {"beta", "bias"},
"c3": {"kernel" [v, u, i], "score" [i, j], "bias"}, "s4": as s2, "f5": {"weight" [k, c], "bias" [k]}, "output": as f5}.
"""
import jax
import jax.numpy as jnp

from jaxsig.systems.cnn_notes import hand_gradients as hand
from jaxsig.systems.cnn_notes.feature_maps import block_sum, convolve, scaled_tanh


def forward(params: dict, x_b_y_x_i: jax.Array, table_i_j: jax.Array, n: int) -> tuple[dict, dict]:
  """({layer: its total input u}, {layer: its output x}), of the images too ("image"); maps are [b, y, x, j], f5 and output [b, k].

  Args:
    params: see the module.
    x_b_y_x_i: images.
    table_i_j: bool; which input maps each map of c1 sees, as from `feature_maps.connections`.
    n: side of the blocks of s2 and s4; remainders are cut.
  """
  u, x = {}, {"image": x_b_y_x_i}

  def layer(name, sums):
    u[name] = sums + params[name]["bias"]
    x[name] = scaled_tanh(u[name])

  layer("c1", convolve(x["image"], params["c1"]["kernel"] * table_i_j))
  layer("s2", params["s2"]["beta"] * block_sum(x["c1"], n))
  layer("c3", convolve(x["s2"], combined_kernel(params["c3"])))
  layer("s4", params["s4"]["beta"] * block_sum(x["c3"], n))
  layer("f5", x["s4"].reshape(len(x_b_y_x_i), -1) @ params["f5"]["weight"].T)
  layer("output", x["f5"] @ params["output"]["weight"].T)
  return u, x


def combined_kernel(params: dict) -> jax.Array:
  """alpha_ij k_i [v, u, i, j], the kernels of the convolution that a learnt combination is."""
  return params["kernel"][..., None] * jax.nn.softmax(params["score"], axis=0)


def energy(params: dict, x_b_y_x_i: jax.Array, t_b_k: jax.Array, table_i_j: jax.Array, n: int) -> jax.Array:
  """Half the squared error, summed over outputs and examples (1)."""
  return 0.5 * jnp.sum((forward(params, x_b_y_x_i, table_i_j, n)[1]["output"] - t_b_k) ** 2)


def sensitivities(params: dict, u: dict, x: dict, t_b_k: jax.Array, n: int) -> dict:
  """{layer: dE/du}, of the shape of its u, from the output down to the first convolution."""
  slope = {name: hand.slope("scaled_tanh", total) for name, total in u.items()}
  flat_slope_b_c = slope["s4"].reshape(len(t_b_k), -1)
  delta = {"output": hand.output_delta(x["output"], t_b_k, slope["output"])}
  delta["f5"] = hand.dense_delta(delta["output"], params["output"]["weight"], slope["f5"])
  delta["s4"] = hand.dense_delta(delta["f5"], params["f5"]["weight"], flat_slope_b_c).reshape(u["s4"].shape)
  delta["c3"] = hand.sub_sampling_delta(delta["s4"], params["s4"]["beta"], slope["c3"], n)
  delta["s2"] = hand.convolution_delta(delta["c3"], combined_kernel(params["c3"]), slope["s2"])
  delta["c1"] = hand.sub_sampling_delta(delta["s2"], params["s2"]["beta"], slope["c1"], n)
  return delta


def network_gradients(params: dict, x_b_y_x_i: jax.Array, t_b_k: jax.Array, table_i_j: jax.Array, n: int) -> dict:
  """dE/dparams, like `params`: what `jax.grad(energy)` gives; arguments are those of `energy`."""
  u, x = forward(params, x_b_y_x_i, table_i_j, n)
  delta = sensitivities(params, u, x, t_b_k, n)
  alpha_i_j = jax.nn.softmax(params["c3"]["score"], axis=0)
  by_alpha_i_j = hand.combination_gradient(hand.filtered(x["s2"], params["c3"]["kernel"]), delta["c3"])
  gradients = {
      "c1": {"kernel": table_i_j * hand.kernel_gradient(x["image"], delta["c1"])},
      "s2": {"beta": hand.scale_gradient(x["c1"], delta["s2"], n)},
      "c3": {"kernel": hand.shared_kernel_gradient(x["s2"], delta["c3"], alpha_i_j),
             "score": hand.score_gradient(by_alpha_i_j, alpha_i_j)},
      "s4": {"beta": hand.scale_gradient(x["c3"], delta["s4"], n)},
      "f5": {"weight": hand.dense_gradient(x["s4"].reshape(len(t_b_k), -1), delta["f5"])},
      "output": {"weight": hand.dense_gradient(x["f5"], delta["output"])},
  }
  return {name: {**of, "bias": hand.bias_gradient(delta[name])} for name, of in gradients.items()}
