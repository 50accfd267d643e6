"""Bouvrie's gradients of a convolutional network by hand, one function an equation; Notes on Convolutional Neural Networks (2006).

A layer's total input is u, its output x = f(u), and its sensitivity delta = dE/du. Numbers are those of the notes' equations; what is
corrected is said where it is. Maps are [b, y, x, j], dense layers [b, k], kernels [v, u, i, j], dense weights [k, c] as in the
notes' u = W x + b. E is the sum over the examples b, and so is every gradient. `hand_backpropagation` makes a network of these.
"""
import jax
import jax.numpy as jnp

from jaxsig.systems.cnn_notes.feature_maps import block_sum, convolve, up

SLOPES = {
    "scaled_tanh": lambda u: 1.7159 * 2 / 3 / jnp.cosh(2 * u / 3) ** 2,
    "logistic": lambda u: jax.nn.sigmoid(u) * jax.nn.sigmoid(-u),
    "relu": lambda u: (u > 0).astype(u.dtype),
}


def slope(name: str, u: jax.Array) -> jax.Array:
  """f'(u), of the shape of u, of an activation by its name in `feature_maps.ACTIVATIONS`; of relu 0 at 0, where it has none."""
  return SLOPES[name](u)


def rot180(x_b_y_x_i: jax.Array) -> jax.Array:
  """Each map turned by 180 degrees; kernels [v, u, i, j] need `rot180_kernel`."""
  return x_b_y_x_i[:, ::-1, ::-1]


def rot180_kernel(kernel_v_u_i_j: jax.Array) -> jax.Array:
  """Each kernel turned by 180 degrees."""
  return kernel_v_u_i_j[::-1, ::-1]


def output_delta(y_b_k: jax.Array, t_b_k: jax.Array, slope_b_k: jax.Array) -> jax.Array:
  """delta = f'(u) (y - t) [b, k] of the output layer, for the squared error (2), E = |t - y|^2 / 2."""
  return slope_b_k * (y_b_k - t_b_k)


def dense_delta(delta_b_k: jax.Array, weight_k_c: jax.Array, slope_b_c: jax.Array) -> jax.Array:
  """delta = W^T delta f'(u) [b, c] of the layer below a dense one."""
  return slope_b_c * (delta_b_k @ weight_k_c)


def dense_gradient(x_b_c: jax.Array, delta_b_k: jax.Array) -> jax.Array:
  """(5) corrected: dE/dW = delta x^T [k, c], of the shape of W in u = W x; x delta^T, as it is printed, is its transpose."""
  return delta_b_k.T @ x_b_c


def bias_gradient(delta: jax.Array) -> jax.Array:
  """dE/db [j]: the sum of all sensitivities that share the bias, those of a dense layer [b, j] or of maps [b, y, x, j]."""
  return delta.sum(tuple(range(delta.ndim - 1)))


def kernel_gradient(x_b_y_x_i: jax.Array, delta_b_y_x_j: jax.Array) -> jax.Array:
  """(7): dE/dk_ij = rot180(conv2(x_i, rot180(delta_j), 'valid')) [v, u, i, j].

  Examples take the place of `convolve`'s input maps, for they are summed over. Of a connection table take those that it has.
  """
  x_i_y_x_b, turned_y_x_b_j = x_b_y_x_i.transpose(3, 1, 2, 0), rot180(delta_b_y_x_j).transpose(1, 2, 0, 3)
  return rot180(convolve(x_i_y_x_b, turned_y_x_b_j)).transpose(1, 2, 0, 3)


def convolution_delta(delta_b_y_x_j: jax.Array, kernel_v_u_i_j: jax.Array, slope_b_y_x_i: jax.Array) -> jax.Array:
  """Corrected: delta_i = f'(u_i) sum over j of conv2(delta_j, rot180(k_ij), 'full') [b, y, x, i] of the layer below a convolution.

  The notes write it for a single map above; every j that sees map i sends its sensitivity, and a kernel of zeros sends none.
  """
  v, u = kernel_v_u_i_j.shape[:2]
  padded_b_y_x_j = jnp.pad(delta_b_y_x_j, [(0, 0), (v - 1, v - 1), (u - 1, u - 1), (0, 0)])
  return slope_b_y_x_i * convolve(padded_b_y_x_j, rot180_kernel(kernel_v_u_i_j).swapaxes(2, 3))


def sub_sampling_delta(delta_b_y_x_j: jax.Array, beta_j: jax.Array, slope_b_y_x_j: jax.Array, n: int) -> jax.Array:
  """delta_j = beta_j f'(u_j) up(delta_j) [b, y, x, j] of the layer below a sub-sampling; zero in a remainder that was cut."""
  y, x = slope_b_y_x_j.shape[1:3]
  sent_b_y_x_j = up(delta_b_y_x_j, n)[:, :y, :x]   # what was padded is left behind
  room = [(0, side - sent) for side, sent in zip((y, x), sent_b_y_x_j.shape[1:3])]
  return beta_j * slope_b_y_x_j * jnp.pad(sent_b_y_x_j, [(0, 0), *room, (0, 0)])


def scale_gradient(x_b_y_x_j: jax.Array, delta_b_y_x_j: jax.Array, n: int, remainder: str = "cut") -> jax.Array:
  """dE/dbeta_j = sum over the map of delta_j down(x_j) [j]; down as in `feature_maps.block_sum`."""
  return (delta_b_y_x_j * block_sum(x_b_y_x_j, n, remainder)).sum((0, 1, 2))


def softmax_jacobian(alpha_i_j: jax.Array) -> jax.Array:
  """(8): d alpha_kj / d c_ij = alpha_kj (delta_ki - alpha_ij) [k, i, j], delta that of Kronecker; the column j has its own softmax."""
  return alpha_i_j[:, None] * (jnp.eye(len(alpha_i_j), dtype=alpha_i_j.dtype)[:, :, None] - alpha_i_j[None])


def filtered(x_b_y_x_i: jax.Array, kernel_v_u_i: jax.Array) -> jax.Array:
  """Each map convolved with its own kernel, x_i * k_i [b, y, x, i]."""
  return convolve(x_b_y_x_i, kernel_v_u_i[..., None] * jnp.eye(kernel_v_u_i.shape[-1], dtype=kernel_v_u_i.dtype))


def combination_gradient(filtered_b_y_x_i: jax.Array, delta_b_y_x_j: jax.Array) -> jax.Array:
  """(9): dE/dalpha_ij = sum over the map of delta_j (x_i * k_i) [i, j], where x_j = f(sum of alpha_ij (x_i * k_i) + b_j)."""
  return jnp.einsum("byxi,byxj->ij", filtered_b_y_x_i, delta_b_y_x_j)


def score_gradient(gradient_i_j: jax.Array, alpha_i_j: jax.Array) -> jax.Array:
  """(10): dE/dc_ij = alpha_ij (dE/dalpha_ij - sum over k of dE/dalpha_kj alpha_kj) [i, j], through (8); the sum over i is zero."""
  return alpha_i_j * (gradient_i_j - (gradient_i_j * alpha_i_j).sum(0))


def shared_kernel_gradient(x_b_y_x_i: jax.Array, delta_b_y_x_j: jax.Array, alpha_i_j: jax.Array) -> jax.Array:
  """dE/dk_i = sum over j of alpha_ij times (7) [v, u, i]: the kernel of an input map serves every combination of it."""
  return (alpha_i_j * kernel_gradient(x_b_y_x_i, delta_b_y_x_j)).sum(-1)


def sparsity_gradient(alpha_i_j: jax.Array, weight: float) -> jax.Array:
  """(12): weight sign(alpha_ij) [i, j], of the penalty (11), weight times the sum of |alpha_ij|."""
  return weight * jnp.sign(alpha_i_j)


def sparsity_score_gradient(alpha_i_j: jax.Array, weight: float) -> jax.Array:
  """(13)-(14): weight (|alpha_ij| - alpha_ij sum over k of |alpha_kj|) [i, j], by the scores c.

  On the simplex |alpha| = alpha and the sum is one, so it is zero whatever the weight: the penalty (11) does nothing.
  """
  return weight * (jnp.abs(alpha_i_j) - alpha_i_j * jnp.abs(alpha_i_j).sum(0))
