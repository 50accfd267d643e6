"""Where the data records of an interrupted EDF+ or BDF+ recording lie in time."""
import re

import numpy as np

from jaxsig.data.signal_files.edf_header import AGAIN, Header
from jaxsig.errors import UserError

MOST_SAMPLES = 4 * 10**8   # of one signal: 9 days at 500 Hz
_ONSET = re.compile(rb"([-+]\d+(?:\.\d*)?)\x14\x14")


def starts_s(header: Header) -> np.ndarray:
  """Returns when each data record starts, in seconds since the first.

  Raises:
    UserError: the recording is interrupted, and the times of its data records are missing,
      overlap or are too far apart.
  """
  if not header.is_interrupted or not header.record_s:
    return np.arange(header.records) * header.record_s
  onsets_s_r = _onsets_s(header)
  since_s_r = onsets_s_r - onsets_s_r[0]
  _check_order(header, since_s_r)
  return since_s_r


def first_samples(header: Header, signal: int, starts_s_r: np.ndarray) -> np.ndarray:
  """Returns where each data record starts, in samples of a signal since the first."""
  length = header.samples[signal]
  firsts_r = np.arange(header.records) * length
  if not header.record_s:
    return firsts_r
  places_r = np.rint(starts_s_r * length / header.record_s).astype(np.int64)
  gaps_r = np.maximum.accumulate(places_r - firsts_r)   # samples missing before each
  return firsts_r + gaps_r


def _onsets_s(header: Header) -> np.ndarray:
  """When each data record starts: the first annotation in it."""
  annotations = [i for i in range(len(header.samples)) if header.is_annotation(i)]
  if not annotations:
    raise UserError(
      f"{header.path} is interrupted (EDF+D) and does not say when its parts start: "
      "export it as a continuous recording"
    )
  before = sum(header.samples[:annotations[0]]) * header.sample_bytes
  width = header.samples[annotations[0]] * header.sample_bytes

  onsets_s_r = np.empty(header.records)
  with header.path.open("rb") as file:
    for i in range(header.records):
      file.seek(header.header_bytes + i * header.record_bytes + before)
      match = _ONSET.match(file.read(width))
      if match is None:
        raise UserError(
          f"{header.path} is interrupted and does not say when its data record {i + 1} starts: "
          f"{AGAIN}"
        )
      onsets_s_r[i] = float(match[1])
  return onsets_s_r


def _check_order(header: Header, since_s_r: np.ndarray) -> None:
  overlap_s_r = header.record_s - np.diff(since_s_r)
  overlapping = np.flatnonzero(overlap_s_r > 0.01 * header.record_s)
  if len(overlapping):
    raise UserError(
      f"{header.path} has data records that overlap in time, "
      f"the first at {since_s_r[overlapping[0] + 1]:g} s: {AGAIN}"
    )
  fastest_hz = max(header.samples) / header.record_s
  if since_s_r[-1] * fastest_hz > MOST_SAMPLES:
    raise UserError(
      f"{header.path} lasts {since_s_r[-1] / 86400:.1f} days with its gaps, "
      f"more than {MOST_SAMPLES} samples: cut it"
    )
