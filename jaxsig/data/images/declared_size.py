"""What a file declares beside what it can hold: nothing is allocated by its word alone."""
import math
from collections.abc import Sequence

from jaxsig.errors import UserError

LARGEST = 2**28   # values: 1 GiB as float32, of which a few copies are made


def check_affordable(shape: Sequence[int], name: str) -> None:
  """Raises a UserError where an array has more than `LARGEST` values."""
  if math.prod(shape) > LARGEST:
    sides = " x ".join(map(str, shape))
    raise UserError(
      f"{name} has {sides} values, more than {LARGEST}: cut it into parts with fewer frames"
    )
