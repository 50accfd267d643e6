"""The respiration that a network is trained on, over a whole record."""
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg import ppg_windows
from jaxsig.data.records import Record
from jaxsig.data.stitching import stitch


class Target(NamedTuple):
  """The reference respiration as the network sees it: its own windows, cross-faded."""
  resp_t: np.ndarray
  rate_hz: float


def target_of(record: Record, config: ConfigDict) -> Target:
  """The target of a record with a `resp_t`; `config` is the experiment's `config.data`."""
  spans = ppg_windows.spans(record, config)
  spans = spans.at(~spans.augmented_b)
  windows = ppg_windows.cut(record, spans, config)
  stitched = stitch({"resp_b_t": windows["resp_b_t"]}, spans)
  return Target(stitched["resp_t"], stitched["rate_hz"])
