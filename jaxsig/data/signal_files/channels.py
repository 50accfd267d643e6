"""The channels of a file of signals, whatever its format: what readers of a user's files return."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Channel(NamedTuple):
  """One signal of a file, on a uniform grid of time.

  Attributes:
    name: as the file spells it; "" where it has none.
    unit: as the file spells it; "" where it has none.
    rate_hz: sampling rate; None where the file does not say.
    samples: how many `load` returns.
    load: () -> [samples] float64 in physical units, NaN where a sample is missing.
  """
  name: str
  unit: str
  rate_hz: float | None
  samples: int
  load: Callable[[], np.ndarray]


class Channels(NamedTuple):
  """What a file of signals holds, without its column of times.

  Attributes:
    channels: in the order of the file; names may repeat.
    notes: a sentence for each thing that was assumed or done in reading it.
  """
  channels: tuple[Channel, ...]
  notes: tuple[str, ...] = ()
