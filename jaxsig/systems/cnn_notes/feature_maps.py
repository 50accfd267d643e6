"""Convolution, sub-sampling and activations in signal processing's sense.

After Bouvrie, Notes on Convolutional Neural Networks (2006), sections 2 and 3. Maps are x_b_y_x_i
(example, row, column, map), kernels kernel_v_u_i_j (row, column, input map, output map).
"""
import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError

REMAINDERS = ("cut", "pad")
SUB_SAMPLERS = ("reshape", "window", "convolution")
ACTIVATIONS = ("scaled_tanh", "logistic", "relu")
TABLES = ("all", "pairs", "triplets", "lecun")

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")   # of maps, kernels and results, in lax's letters


def convolve(x_b_y_x_i: jax.Array, kernel_v_u_i_j: jax.Array) -> jax.Array:
  """Sums over input maps their valid convolutions with k_ij (Bouvrie, section 2).

  This is convolution in the sense of signal processing: the kernel is turned by 180 degrees, which
  `lax` and Flax leave out.

  Returns:
    [b, y - v + 1, x - u + 1, j].
  """
  turned_v_u_i_j = kernel_v_u_i_j[::-1, ::-1]
  return jax.lax.conv_general_dilated(
      x_b_y_x_i,
      turned_v_u_i_j,
      window_strides=(1, 1),
      padding="VALID",
      dimension_numbers=_DIMENSIONS,
  )


def block_sum(
    x_b_y_x_i: jax.Array,
    n: int,
    remainder: str = "cut",
    way: str = "reshape",
) -> jax.Array:
  """Sums over n x n blocks, the notes' down().

  Args:
    x_b_y_x_i: maps.
    n: side of a block.
    remainder: of rows and columns that fill no block: "cut" leaves them out, "pad" completes them
      with zeros.
    way: three programs for the same sums: "reshape", "window" (reduction) or "convolution" (with
      ones and a stride, as the notes advise for MATLAB); see `benchmarks/sub_sampling.py`.

  Returns:
    [b, y // n, x // n, i], or one row and column more where a remainder is padded.

  Raises:
    UserError: an unknown remainder or way, or blocks so large that nothing would be left.
  """
  _check_blocks(x_b_y_x_i.shape[1:3], n, remainder, way)
  whole_b_y_x_i = _whole_blocks(x_b_y_x_i, n, remainder)

  if way == "reshape":
    return _sum_by_reshape(whole_b_y_x_i, n)
  if way == "window":
    return _sum_by_window(whole_b_y_x_i, n)
  return _sum_by_convolution(whole_b_y_x_i, n)


def _check_blocks(sides: tuple[int, int], n: int, remainder: str, way: str) -> None:
  if remainder not in REMAINDERS or way not in SUB_SAMPLERS:
    known = ", ".join(REMAINDERS + SUB_SAMPLERS)
    raise UserError(
        f"unknown remainder={remainder} or way={way} of sub-sampling: known are {known}")

  too_large = remainder == "cut" and min(sides) < n
  if n < 1 or too_large:
    y, x = sides
    raise UserError(f"blocks of {n} x {n} leave nothing of maps of {y} x {x}: "
                    "use smaller ones, or larger images")


def _whole_blocks(x_b_y_x_i: jax.Array, n: int, remainder: str) -> jax.Array:
  """The maps with sides that n divides: cut, or padded with zeros."""
  y, x = x_b_y_x_i.shape[1:3]

  if remainder == "pad":
    below = (0, -y % n)
    right = (0, -x % n)
    return jnp.pad(x_b_y_x_i, [(0, 0), below, right, (0, 0)])

  whole_y = y // n * n
  whole_x = x // n * n
  return x_b_y_x_i[:, :whole_y, :whole_x]


def _in_blocks(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  """[b, blocks down, n, blocks across, n, i]."""
  b, y, x, i = x_b_y_x_i.shape
  return x_b_y_x_i.reshape(b, y // n, n, x // n, n, i)


def _sum_by_reshape(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  return _in_blocks(x_b_y_x_i, n).sum((2, 4))


def _sum_by_window(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  block = (1, n, n, 1)
  return jax.lax.reduce_window(
      x_b_y_x_i,
      0.0,
      jax.lax.add,
      window_dimensions=block,
      window_strides=block,
      padding="VALID",
  )


def _sum_by_convolution(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  maps = x_b_y_x_i.shape[-1]
  ones_v_u_1_i = jnp.ones((n, n, 1, maps), x_b_y_x_i.dtype)
  return jax.lax.conv_general_dilated(
      x_b_y_x_i,
      ones_v_u_1_i,
      window_strides=(n, n),
      padding="VALID",
      dimension_numbers=_DIMENSIONS,
      feature_group_count=maps,
  )


def block_max(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  """The largest of each n x n block, [b, y // n, x // n, i]; a remainder is cut."""
  whole_b_y_x_i = _whole_blocks(x_b_y_x_i, n, "cut")
  return _in_blocks(whole_b_y_x_i, n).max((2, 4))


def up(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  """Repeats each value over an n x n block.

  This is the Kronecker product with ones by which the notes send sensitivities back.
  """
  rows = jnp.repeat(x_b_y_x_i, n, 1)
  return jnp.repeat(rows, n, 2)


def scaled_tanh(u: jax.Array) -> jax.Array:
  """1.7159 tanh(2u/3) of LeCun et al. (1998), appendix A.

  f(1) = 0.9999973 and f(-1) = -f(1), so targets of +-1 lie inside its range; f'(0) = 1.1439,
  f'(1) = 0.7552. The magnitude of its second derivative is largest at u = 0.98772, where the paper
  says 1.
  """
  return 1.7159 * jnp.tanh(2 * u / 3)


def activation(name: str, u: jax.Array) -> jax.Array:
  """f(u) of an activation by name, one of ACTIVATIONS.

  Raises:
    UserError: an unknown name.
  """
  if name == "scaled_tanh":
    return scaled_tanh(u)
  if name == "logistic":
    return jax.nn.sigmoid(u)
  if name == "relu":
    return jax.nn.relu(u)
  known = ", ".join(ACTIVATIONS)
  raise UserError(f"unknown activation {name!r}: known are {known}")


def connections(
    table: str | Sequence[Sequence[int]],
    inputs: int,
    outputs: int,
) -> np.ndarray:
  """Which input maps each output map sees, the notes' M_j.

  Args:
    table: "all"; "pairs" or "triplets", every one of which is an output map; "lecun", the table of
      LeNet-5 (6 to 16 maps); or for each output map the numbers of its inputs.
    inputs: number of input maps.
    outputs: number of output maps.

  Returns:
    bool [inputs, outputs].

  Raises:
    UserError: an unknown table, one for other numbers of maps, or an output map without inputs.
  """
  inputs_of_outputs = _inputs_of_outputs(table, inputs, outputs)

  fits = len(inputs_of_outputs) == outputs
  for members in inputs_of_outputs:
    fits = fits and _are_inputs(members, inputs)
  if not fits:
    name = table if isinstance(table, str) else ""
    raise UserError(
        f"the connection table {name} is for {len(inputs_of_outputs)} output maps, each with "
        f"inputs among 0 to {inputs - 1}, and there are {outputs} (model.maps): change one")

  table_i_j = np.zeros((inputs, outputs), bool)
  for j, members in enumerate(inputs_of_outputs):
    table_i_j[list(members), j] = True
  return table_i_j


def _are_inputs(members: Sequence[int], inputs: int) -> bool:
  """Whether these are numbers of input maps, at least one."""
  return bool(members) and set(members) <= set(range(inputs))


def _inputs_of_outputs(
    table: str | Sequence[Sequence[int]],
    inputs: int,
    outputs: int,
) -> Sequence[Sequence[int]]:
  """For each output map the numbers of its inputs."""
  every_input = range(inputs)
  if not isinstance(table, str):
    return list(table)
  if table == "all":
    return [every_input] * outputs
  if table == "pairs":
    return list(itertools.combinations(every_input, 2))
  if table == "triplets":
    return list(itertools.combinations(every_input, 3))
  if table == "lecun":
    return _lecun_inputs()

  known = ", ".join(TABLES)
  raise UserError(f"unknown connection table {table!r}: known are {known}, "
                  "or give the inputs of each output map")


def _lecun_inputs() -> list[list[int]]:
  """Inputs of each of the 16 maps of LeNet-5's third layer (LeCun et al. 1998, table I)."""
  three_in_a_row = [_in_a_row(first, 3) for first in range(6)]
  four_in_a_row = [_in_a_row(first, 4) for first in range(6)]

  two_and_two = []
  for first in range(3):
    third = (first + 3) % 6
    fourth = (first + 4) % 6
    two_and_two.append([first, first + 1, third, fourth])

  all_six = list(range(6))
  return [*three_in_a_row, *four_in_a_row, *two_and_two, all_six]


def _in_a_row(first: int, count: int) -> list[int]:
  """`count` successive maps of six from `first` on; the first follows the last."""
  return [i % 6 for i in range(first, first + count)]
