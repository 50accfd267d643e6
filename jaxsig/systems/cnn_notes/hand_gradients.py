"""Bouvrie's gradients of a convolutional network by hand, one function an equation.

From Notes on Convolutional Neural Networks (2006). A layer's total input is u, its output
x = f(u), and its sensitivity delta = dE/du. Numbers are those of the notes' equations; where the
notes err, the function's docstring says "corrected". Maps are [b, y, x, j], dense layers [b, k],
kernels [v, u, i, j], dense weights [k, c] as in the notes' u = W x + b. E is the sum over the
examples b, and so is every gradient. `hand_backpropagation` makes a network of these.
"""
import jax
import jax.numpy as jnp

from jaxsig.systems.cnn_notes.feature_maps import block_sum, convolve, up


def slope(name: str, u: jax.Array) -> jax.Array:
  """f'(u), of the shape of u, of an activation by its name in `feature_maps.ACTIVATIONS`.

  relu has no derivative at 0; it is said to be 0 there.
  """
  if name == "scaled_tanh":
    return 1.7159 * 2 / 3 / jnp.cosh(2 * u / 3) ** 2
  if name == "logistic":
    return jax.nn.sigmoid(u) * jax.nn.sigmoid(-u)
  if name == "relu":
    return (u > 0).astype(u.dtype)
  raise KeyError(name)


def rot180(x_b_y_x_i: jax.Array) -> jax.Array:
  """Each map turned by 180 degrees; kernels [v, u, i, j] need `rot180_kernel`."""
  return x_b_y_x_i[:, ::-1, ::-1]


def rot180_kernel(kernel_v_u_i_j: jax.Array) -> jax.Array:
  """Each kernel turned by 180 degrees."""
  return kernel_v_u_i_j[::-1, ::-1]


def output_delta(
    y_b_k: jax.Array,
    t_b_k: jax.Array,
    slope_b_k: jax.Array,
) -> jax.Array:
  """Sensitivity of the output layer, delta = f'(u) (y - t) [b, k].

  The error is the squared error (2), E = |t - y|^2 / 2.
  """
  return slope_b_k * (y_b_k - t_b_k)


def dense_delta(
    delta_b_k: jax.Array,
    weight_k_c: jax.Array,
    slope_b_c: jax.Array,
) -> jax.Array:
  """Sensitivity of the layer below a dense one, delta = W^T delta f'(u) [b, c]."""
  return slope_b_c * (delta_b_k @ weight_k_c)


def dense_gradient(x_b_c: jax.Array, delta_b_k: jax.Array) -> jax.Array:
  """Gradient of a dense layer's weights, (5) corrected: dE/dW = delta x^T [k, c].

  That is the shape of W in u = W x; x delta^T, as it is printed, is its transpose.
  """
  return delta_b_k.T @ x_b_c


def bias_gradient(delta: jax.Array) -> jax.Array:
  """Gradient of biases, dE/db [j]: the sum of all sensitivities that share the bias.

  These are those of a dense layer [b, j] or of maps [b, y, x, j].
  """
  all_but_last = tuple(range(delta.ndim - 1))
  return delta.sum(all_but_last)


def kernel_gradient(x_b_y_x_i: jax.Array, delta_b_y_x_j: jax.Array) -> jax.Array:
  """Gradient of kernels, (7): dE/dk_ij = rot180(conv2(x_i, rot180(delta_j), 'valid')) [v, u, i, j].

  It has all pairs of maps: of a connection table take those that are connected.
  """
  turned_b_y_x_j = rot180(delta_b_y_x_j)

  # Examples take the place of `convolve`'s input maps, for they are summed over.
  x_i_y_x_b = x_b_y_x_i.transpose(3, 1, 2, 0)
  turned_y_x_b_j = turned_b_y_x_j.transpose(1, 2, 0, 3)
  gradient_i_v_u_j = rot180(convolve(x_i_y_x_b, turned_y_x_b_j))
  return gradient_i_v_u_j.transpose(1, 2, 0, 3)


def convolution_delta(
    delta_b_y_x_j: jax.Array,
    kernel_v_u_i_j: jax.Array,
    slope_b_y_x_i: jax.Array,
) -> jax.Array:
  """Sensitivity of the layer below a convolution, corrected.

  delta_i = f'(u_i) sum over j of conv2(delta_j, rot180(k_ij), 'full') [b, y, x, i]. The notes write
  it for a single map above; every j that sees map i sends its sensitivity, and a kernel of zeros
  sends none.
  """
  v, u = kernel_v_u_i_j.shape[:2]
  rows = (v - 1, v - 1)
  columns = (u - 1, u - 1)
  padded_b_y_x_j = jnp.pad(delta_b_y_x_j, [(0, 0), rows, columns, (0, 0)])

  turned_v_u_i_j = rot180_kernel(kernel_v_u_i_j)
  turned_v_u_j_i = turned_v_u_i_j.swapaxes(2, 3)
  return slope_b_y_x_i * convolve(padded_b_y_x_j, turned_v_u_j_i)


def sub_sampling_delta(
    delta_b_y_x_j: jax.Array,
    beta_j: jax.Array,
    slope_b_y_x_j: jax.Array,
    n: int,
) -> jax.Array:
  """Sensitivity of the layer below a sub-sampling [b, y, x, j].

  delta_j = beta_j f'(u_j) up(delta_j); it is zero in a remainder that was cut.
  """
  y, x = slope_b_y_x_j.shape[1:3]
  repeated_b_y_x_j = up(delta_b_y_x_j, n)
  sent_b_y_x_j = repeated_b_y_x_j[:, :y, :x]   # without what was padded

  sent_y, sent_x = sent_b_y_x_j.shape[1:3]
  cut_rows = (0, y - sent_y)
  cut_columns = (0, x - sent_x)
  whole_b_y_x_j = jnp.pad(sent_b_y_x_j, [(0, 0), cut_rows, cut_columns, (0, 0)])
  return beta_j * slope_b_y_x_j * whole_b_y_x_j


def scale_gradient(
    x_b_y_x_j: jax.Array,
    delta_b_y_x_j: jax.Array,
    n: int,
    remainder: str = "cut",
) -> jax.Array:
  """Gradient of a sub-sampling's scale, dE/dbeta_j = sum over the map of delta_j down(x_j) [j].

  down is `feature_maps.block_sum`, which explains `n` and `remainder`.
  """
  down_b_y_x_j = block_sum(x_b_y_x_j, n, remainder)
  product_b_y_x_j = delta_b_y_x_j * down_b_y_x_j
  return product_b_y_x_j.sum((0, 1, 2))


def softmax_jacobian(alpha_i_j: jax.Array) -> jax.Array:
  """Jacobian of the softmax of each column, (8): d alpha_kj / d c_ij [k, i, j].

  It is alpha_kj (delta_ki - alpha_ij), with Kronecker's delta; no column sees another.
  """
  identity_k_i = jnp.eye(len(alpha_i_j), dtype=alpha_i_j.dtype)
  difference_k_i_j = identity_k_i[:, :, None] - alpha_i_j[None]
  return alpha_i_j[:, None] * difference_k_i_j


def filtered(x_b_y_x_i: jax.Array, kernel_v_u_i: jax.Array) -> jax.Array:
  """Each map convolved with its own kernel, x_i * k_i [b, y, x, i]."""
  maps = kernel_v_u_i.shape[-1]
  identity_i_i = jnp.eye(maps, dtype=kernel_v_u_i.dtype)
  return convolve(x_b_y_x_i, kernel_v_u_i[..., None] * identity_i_i)


def combination_gradient(filtered_b_y_x_i: jax.Array, delta_b_y_x_j: jax.Array) -> jax.Array:
  """Gradient of combinations, (9): dE/dalpha_ij = sum over the map of delta_j (x_i * k_i) [i, j].

  Here x_j = f(sum over i of alpha_ij (x_i * k_i) + b_j).
  """
  return jnp.einsum("byxi,byxj->ij", filtered_b_y_x_i, delta_b_y_x_j)


def score_gradient(gradient_i_j: jax.Array, alpha_i_j: jax.Array) -> jax.Array:
  """Gradient of the scores c, (10), from that of alpha through (8); its sum over i is zero.

  dE/dc_ij = alpha_ij (dE/dalpha_ij - sum over k of dE/dalpha_kj alpha_kj) [i, j].
  """
  product_i_j = gradient_i_j * alpha_i_j
  return alpha_i_j * (gradient_i_j - product_i_j.sum(0))


def shared_kernel_gradient(
    x_b_y_x_i: jax.Array,
    delta_b_y_x_j: jax.Array,
    alpha_i_j: jax.Array,
) -> jax.Array:
  """Gradient of the kernel of an input map: dE/dk_i = sum over j of alpha_ij times (7) [v, u, i].

  The kernel serves every combination of its input map.
  """
  gradient_v_u_i_j = alpha_i_j * kernel_gradient(x_b_y_x_i, delta_b_y_x_j)
  return gradient_v_u_i_j.sum(-1)


def sparsity_gradient(alpha_i_j: jax.Array, weight: float) -> jax.Array:
  """Gradient of the penalty (11) by alpha, (12): weight sign(alpha_ij) [i, j].

  The penalty is `weight` times the sum of |alpha_ij|.
  """
  return weight * jnp.sign(alpha_i_j)


def sparsity_score_gradient(alpha_i_j: jax.Array, weight: float) -> jax.Array:
  """Gradient of the penalty (11) by the scores c, (13)-(14).

  It is weight (|alpha_ij| - alpha_ij sum over k of |alpha_kj|) [i, j]. On the simplex |alpha| =
  alpha and the sum is one, so it is zero whatever the weight: the penalty (11) does nothing.
  """
  size_i_j = jnp.abs(alpha_i_j)
  return weight * (size_i_j - alpha_i_j * size_i_j.sum(0))
