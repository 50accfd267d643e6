"""Convolution, sub-sampling and activations as signal processing writes them; Bouvrie, Notes on Convolutional Neural Networks (2006), 2-3.

Maps are x_b_y_x_i (example, row, column, map), kernels kernel_v_u_i_j (row, column, input map, output map).
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
# Inputs of each of the 16 maps of LeNet-5's third layer (LeCun et al. 1998, table I): runs of three and of four, broken fours, all.
_LECUN = (*[[i % 6 for i in range(j, j + 3)] for j in range(6)], *[[i % 6 for i in range(j, j + 4)] for j in range(6)],
          *[[j, j + 1, (j + 3) % 6, (j + 4) % 6] for j in range(3)], list(range(6)))


def convolve(x_b_y_x_i: jax.Array, kernel_v_u_i_j: jax.Array) -> jax.Array:
  """[b, y - v + 1, x - u + 1, j]: the sum over input maps of their valid convolutions with k_ij (Bouvrie, section 2).

  In the sense of signal processing: the kernel is turned by 180 degrees, which `lax` and Flax leave out.
  """
  return jax.lax.conv_general_dilated(x_b_y_x_i, kernel_v_u_i_j[::-1, ::-1], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def block_sum(x_b_y_x_i: jax.Array, n: int, remainder: str = "cut", way: str = "reshape") -> jax.Array:
  """Sums over n x n blocks, the notes' down(): [b, y // n, x // n, i], or one more where a remainder is padded.

  Args:
    x_b_y_x_i: maps.
    n: side of a block.
    remainder: of rows and columns that fill no block: "cut" leaves them out, "pad" completes them with zeros.
    way: three programs for the same sums: "reshape", "window" (reduction) or "convolution" (with ones and a stride, as the notes
      advise for MATLAB); see `benchmarks/sub_sampling.py`.

  Raises:
    UserError: an unknown rule or way, or blocks larger than the maps of which nothing would be left.
  """
  if remainder not in REMAINDERS or way not in SUB_SAMPLERS:
    raise UserError(f"unknown remainder={remainder} or way={way} of sub-sampling: known are {', '.join(REMAINDERS + SUB_SAMPLERS)}")
  sides = x_b_y_x_i.shape[1:3]
  if n < 1 or (remainder == "cut" and min(sides) < n):
    raise UserError(f"blocks of {n} x {n} leave nothing of maps of {sides[0]} x {sides[1]}: use smaller ones, or larger images")
  return _WAYS[way](_whole_blocks(x_b_y_x_i, n, remainder), n)


def _whole_blocks(x_b_y_x_i: jax.Array, n: int, remainder: str) -> jax.Array:
  """Rows and columns that n divides."""
  if remainder == "pad":
    return jnp.pad(x_b_y_x_i, [(0, 0), *[(0, -side % n) for side in x_b_y_x_i.shape[1:3]], (0, 0)])
  y, x = (side // n * n for side in x_b_y_x_i.shape[1:3])
  return x_b_y_x_i[:, :y, :x]


def _by_reshape(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  b, y, x, i = x_b_y_x_i.shape
  return x_b_y_x_i.reshape(b, y // n, n, x // n, n, i).sum((2, 4))


def _by_window(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  return jax.lax.reduce_window(x_b_y_x_i, 0.0, jax.lax.add, (1, n, n, 1), (1, n, n, 1), "VALID")


def _by_convolution(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  maps = x_b_y_x_i.shape[-1]
  ones_v_u_1_i = jnp.ones((n, n, 1, maps), x_b_y_x_i.dtype)
  return jax.lax.conv_general_dilated(x_b_y_x_i, ones_v_u_1_i, (n, n), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                      feature_group_count=maps)


_WAYS = {"reshape": _by_reshape, "window": _by_window, "convolution": _by_convolution}


def block_max(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  """The largest of each n x n block, [b, y // n, x // n, i]; a remainder is cut."""
  whole = _whole_blocks(x_b_y_x_i, n, "cut")
  b, y, x, i = whole.shape
  return whole.reshape(b, y // n, n, x // n, n, i).max((2, 4))


def up(x_b_y_x_i: jax.Array, n: int) -> jax.Array:
  """Each value repeated over an n x n block: the Kronecker product with ones by which the notes send sensitivities back."""
  return jnp.repeat(jnp.repeat(x_b_y_x_i, n, 1), n, 2)


def scaled_tanh(u: jax.Array) -> jax.Array:
  """1.7159 tanh(2u/3) of LeCun et al. (1998), appendix A.

  f(1) = 0.9999973 and f(-1) = -f(1), so targets of +-1 lie inside its range; f'(0) = 1.1439, f'(1) = 0.7552. Its second
  derivative is largest at u = 0.98772, which is said to be 1.
  """
  return 1.7159 * jnp.tanh(2 * u / 3)


def activation(name: str, u: jax.Array) -> jax.Array:
  """f(u) by name: one of ACTIVATIONS."""
  if name not in ACTIVATIONS:
    raise UserError(f"unknown activation {name!r}: known are {', '.join(ACTIVATIONS)}")
  return {"scaled_tanh": scaled_tanh, "logistic": jax.nn.sigmoid, "relu": jax.nn.relu}[name](u)


def connections(table: str | Sequence[Sequence[int]], inputs: int, outputs: int) -> np.ndarray:
  """Which input maps each output map sees, the notes' M_j: bool [inputs, outputs].

  Args:
    table: "all"; "pairs" or "triplets", every one of which is an output map; "lecun", the table of LeNet-5 (6 to 16 maps); or for
      each output map the numbers of its inputs.
    inputs, outputs: numbers of maps.

  Raises:
    UserError: an unknown table, one for other numbers of maps, or an output map that sees nothing.
  """
  lists = _inputs_of(table, inputs, outputs)
  if len(lists) != outputs or any(not members or not set(members) <= set(range(inputs)) for members in lists):
    raise UserError(f"the connection table {table if isinstance(table, str) else ''} is for {len(lists)} output maps, each with inputs "
                    f"among 0 to {inputs - 1}, and there are {outputs} (model.maps): change one")
  out = np.zeros((inputs, outputs), bool)
  for j, members in enumerate(lists):
    out[list(members), j] = True
  return out


def _inputs_of(table: str | Sequence[Sequence[int]], inputs: int, outputs: int) -> list:
  if not isinstance(table, str):
    return list(table)
  tables = {"all": lambda: [range(inputs)] * outputs, "pairs": lambda: list(itertools.combinations(range(inputs), 2)),
            "triplets": lambda: list(itertools.combinations(range(inputs), 3)), "lecun": lambda: list(_LECUN)}
  if table not in tables:
    raise UserError(f"unknown connection table {table!r}: known are {', '.join(tables)}, or give the inputs of each output map")
  return tables[table]()
