"""Where the data records of an EDF+ or BDF+ recording lie in time.

Each may start with its own onset, which decides, also where the header calls the recording
continuous.
"""
import re
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.edf_header import AGAIN, Header
from jaxsig.errors import UserError

MOST_SAMPLES = 4 * 10**8   # of one signal: 9 days at 500 Hz
_ONSET = re.compile(rb"([-+]\d+(?:\.(\d*))?)\x14\x14")
_UNEVEN = 0.1              # data records by which an onset may be off in a continuous recording ...
_LEAST_UNEVEN_S = 0.005    # ... but not by less
_MOST_UNEVEN_S = 0.1       # ... and not by more


class Onsets(NamedTuple):
  """When data records start by what they say themselves.

  Attributes:
    onsets_s_r: NaN where one does not say.
    step_s: what the last digit of the onsets stands for.
  """
  onsets_s_r: np.ndarray
  step_s: float


def starts_s(header: Header) -> np.ndarray:
  """Returns when each data record starts, in seconds since the first.

  Raises:
    UserError: the recording is interrupted, by its header or by the times of its data records, and
      these are missing, overlap or are too far apart.
  """
  even_s_r = np.arange(header.records) * header.record_s
  if not header.record_s:
    return even_s_r
  onsets = _onsets(header)
  if not header.is_interrupted and not _contradict(header, onsets):
    return even_s_r
  _check_present(header, onsets.onsets_s_r)
  since_s_r = onsets.onsets_s_r - onsets.onsets_s_r[0]
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


def _onsets(header: Header) -> Onsets:
  """The first annotation in each data record."""
  onsets_s_r = np.full(header.records, np.nan)
  annotations = [i for i in range(len(header.samples)) if header.is_annotation(i)]
  if not annotations:
    return Onsets(onsets_s_r, 1.0)
  before = sum(header.samples[:annotations[0]]) * header.sample_bytes
  width = header.samples[annotations[0]] * header.sample_bytes

  decimals = 0
  with header.path.open("rb") as file:
    for i in range(header.records):
      file.seek(header.header_bytes + i * header.record_bytes + before)
      match = _ONSET.match(file.read(width))
      if match:
        onsets_s_r[i] = float(match[1])
        decimals = max(decimals, len(match[2] or b""))
  return Onsets(onsets_s_r, 10.0**-decimals)


def _contradict(header: Header, onsets: Onsets) -> bool:
  """Whether the onsets of a recording that is called continuous are not those of one.

  Rounded onsets are, and those of a clock that drifts.

  Raises:
    UserError: they are even, but not as long apart as data records are.
  """
  (known_r,) = np.isfinite(onsets.onsets_s_r).nonzero()
  if len(known_r) < 2:
    return False
  late_s_k = onsets.onsets_s_r[known_r] - known_r * header.record_s
  jump_s_k = np.diff(late_s_k)
  allowed_s = np.clip(_UNEVEN * header.record_s, _LEAST_UNEVEN_S, _MOST_UNEVEN_S)
  if np.abs(jump_s_k).max() <= allowed_s or np.ptp(late_s_k) <= 1.001 * _rounding_s(header, onsets):
    return False

  step_s = float(np.median(jump_s_k / np.diff(known_r))) + header.record_s
  is_even = np.ptp(jump_s_k) <= allowed_s and len(jump_s_k) > 1
  if is_even and step_s > 0:
    raise UserError(
      f"{header.path} says that its data records last {header.record_s:g} s, and they start every "
      f"{step_s:g} s: correct the length of a data record in its header, or {AGAIN}"
    )
  return True


def _rounding_s(header: Header, onsets: Onsets) -> float:
  """How far rounding may move onsets against each other; 0 where they need none."""
  steps = header.record_s / onsets.step_s
  if abs(steps - round(steps)) < 1e-6 * steps:
    return 0.0
  return onsets.step_s


def _check_present(header: Header, onsets_s_r: np.ndarray) -> None:
  """Checks that each data record says when it starts."""
  (missing_r,) = np.isnan(onsets_s_r).nonzero()
  if not any(header.is_annotation(i) for i in range(len(header.samples))):
    raise UserError(
      f"{header.path} is interrupted (EDF+D) and does not say when its parts start: "
      "export it as a continuous recording"
    )
  if len(missing_r):
    raise UserError(
      f"{header.path} is interrupted and does not say when its data record {missing_r[0] + 1} "
      f"starts: {AGAIN}"
    )


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
