"""Signal-to-distortion ratios of separated sources, in numpy.

BSS Eval of images: Vincent, Sawada, Bofill, Makino & Rosca, "First stereo audio source separation
evaluation campaign", ICA 2007. An estimate is the true image plus spatial distortion, interference
and artifacts; the ratio of the image to all three is the SDR, which needs no projection: it is the
signal-to-noise ratio over samples and channels.

Sums of squares per second hold all that any policy of frames and averages needs, for they add up.
"""
from typing import NamedTuple

import numpy as np

# Mean square below which a stem counts as silent, where a gate is asked for: -70 dB of full scale.
GATE = 1e-7


class Policy(NamedTuple):
  """How one figure comes of the frames of all recordings.

  frame_s: length of a frame in whole seconds; None for the whole recording.
  hop_s: seconds from frame to frame.
  over_frames: "mean" or "median" over the frames of a recording that have a value.
  over_recordings: the same over recordings.
  added: added to both energies of a frame, so that silence has a value.
  """
  name: str
  frame_s: int | None
  hop_s: int | None
  over_frames: str
  over_recordings: str
  added: float


# Liutkus et al., "The 2016 signal separation evaluation campaign", LVA/ICA 2017.
SISEC2016 = Policy("sisec2016", 30, 15, "mean", "median", 0.0)
# BSS Eval v4: Stöter, Liutkus & Ito, "The 2018 signal separation evaluation campaign", 2018.
V4 = Policy("v4", 1, 1, "median", "median", 0.0)
# Mitsufuji et al., "Music demixing challenge 2021", Frontiers in Signal Processing 1, 2022.
USDR = Policy("usdr", None, None, "mean", "mean", 1e-7)
POLICIES = (SISEC2016, V4, USDR)


# --- energies


class Energies(NamedTuple):
  """Sums over the samples and channels of each second; a last partial second is one of its own.

  signal_j_s: [j, s] squares of the references.
  error_j_s: [j, s] squares of references less estimates.
  silent_j_s: [j, s] whether a reference is 0 all through; as `mute_j_s` for its estimate. As in
    museval, channels that cancel each other in every sample count as 0.
  values_s: [s] how many values, samples times channels, a second has.
  whole: seconds that are whole: all, or all but the last.
  """
  signal_j_s: np.ndarray
  error_j_s: np.ndarray
  silent_j_s: np.ndarray
  mute_j_s: np.ndarray
  values_s: np.ndarray
  whole: int


def energies(
    reference_j_t_c: np.ndarray,
    estimate_j_t_c: np.ndarray,
    rate_hz: int,
) -> Energies:
  """Energies per second of references and errors.

  Args:
    reference_j_t_c: [j, t, c] true images of the sources.
    estimate_j_t_c: [j, t, c]; both are cut to the shorter of the two.
    rate_hz: sampling rate, whole.

  Raises:
    ValueError: sources or channels differ, there is no sample, the rate is not whole, or a value
      is not finite (the frame would be left out of an average as if it were silent).
  """
  reference_j_t_c, estimate_j_t_c = _paired(reference_j_t_c, estimate_j_t_c)
  if rate_hz != int(rate_hz) or rate_hz < 1:
    raise ValueError(f"seconds need a whole sampling rate, not {rate_hz:g} Hz")

  samples, channels = reference_j_t_c.shape[1:]
  starts = np.arange(0, samples, int(rate_hz))
  ends = np.append(starts[1:], samples)
  columns = []
  for start, end in zip(starts, ends):
    reference_j_t_c_s = reference_j_t_c[:, start:end].astype(np.float64)
    estimate_j_t_c_s = estimate_j_t_c[:, start:end].astype(np.float64)
    error_j_t_c_s = reference_j_t_c_s - estimate_j_t_c_s
    columns.append((
        np.sum(reference_j_t_c_s**2, (1, 2)),
        np.sum(error_j_t_c_s**2, (1, 2)),
        _is_silent(reference_j_t_c_s),
        _is_silent(estimate_j_t_c_s),
    ))

  signal_s_j, error_s_j, silent_s_j, mute_s_j = zip(*columns)
  if not np.isfinite(error_s_j).all():
    raise ValueError("a reference or an estimate holds values that are not finite")
  return Energies(
      signal_j_s=np.stack(signal_s_j, 1),
      error_j_s=np.stack(error_s_j, 1),
      silent_j_s=np.stack(silent_s_j, 1),
      mute_j_s=np.stack(mute_s_j, 1),
      values_s=(ends - starts) * channels,
      whole=samples // int(rate_hz),
  )


def _paired(
    reference_j_t_c: np.ndarray,
    estimate_j_t_c: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
  """References and estimates, cut to the shorter of the two."""
  reference_j_t_c = np.asarray(reference_j_t_c)
  estimate_j_t_c = np.asarray(estimate_j_t_c)
  shapes = (reference_j_t_c.shape, estimate_j_t_c.shape)
  same_axes = reference_j_t_c.ndim == estimate_j_t_c.ndim == 3
  if not same_axes or shapes[0][::2] != shapes[1][::2]:
    raise ValueError(f"references {shapes[0]} and estimates {shapes[1]} are not alike [j, t, c]")

  samples = min(shapes[0][1], shapes[1][1])
  if samples == 0:
    raise ValueError("no sample to compare")
  return reference_j_t_c[:, :samples], estimate_j_t_c[:, :samples]


def _is_silent(x_j_t_c: np.ndarray) -> np.ndarray:
  """Whether the sum of channels is exactly 0 at all samples: [j]."""
  sum_j_t = x_j_t_c.sum(2)
  return np.all(sum_j_t == 0, 1)


# --- figures of a policy


def frame_bounds(seconds: Energies, policy: Policy) -> list[tuple[int, int]]:
  """First second and end of each frame of a policy.

  Frames are whole: floor((length - frame + hop) / hop) of them. A recording shorter than a frame
  is one frame.
  """
  last = len(seconds.values_s)
  if policy.frame_s is None or seconds.whole < policy.frame_s:
    return [(0, last)]

  bounds = []
  for start in range(0, seconds.whole - policy.frame_s + 1, policy.hop_s):
    bounds.append((start, start + policy.frame_s))
  return bounds


def frame_sdr_db(
    seconds: Energies,
    policy: Policy,
    gate: float | None = None,
) -> np.ndarray:
  """The SDR of each source in each frame [j, w] in dB.

  A frame in which any reference, or any estimate, is silent is NaN for all sources, as in BSS Eval
  for MATLAB, mir_eval and museval; not so where the policy adds energies. A perfect estimate is
  +inf.

  Args:
    seconds: of `energies`.
    policy: how frames lie.
    gate: mean square of a frame below which a reference counts as silent too; GATE, say. Coded
      silence is not exactly 0, and one such frame rules a mean.
  """
  columns = []
  for start, end in frame_bounds(seconds, policy):
    frame = slice(start, end)
    signal_j = seconds.signal_j_s[:, frame].sum(1)
    error_j = seconds.error_j_s[:, frame].sum(1)
    sdr_db_j = _decibels(signal_j + policy.added, error_j + policy.added)

    silent_j = seconds.silent_j_s[:, frame].all(1) | seconds.mute_j_s[:, frame].all(1)
    if gate is not None:
      mean_square_j = signal_j / seconds.values_s[frame].sum()
      silent_j = silent_j | (mean_square_j < gate)
    if policy.added == 0 and silent_j.any():
      sdr_db_j = np.full(len(signal_j), np.nan)
    columns.append(sdr_db_j)
  return np.stack(columns, 1)


def recording_sdr_db(
    seconds: Energies,
    policy: Policy,
    gate: float | None = None,
) -> np.ndarray:
  """The SDR of each source of a recording [j] in dB: NaN where no frame has a value.

  Arguments are as in `frame_sdr_db`.
  """
  sdr_db_j_w = frame_sdr_db(seconds, policy, gate)
  figures = []
  for sdr_db_w in sdr_db_j_w:
    figures.append(_average(sdr_db_w, policy.over_frames))
  return np.array(figures)


def table_sdr_db(sdr_db_i_j: np.ndarray, policy: Policy) -> np.ndarray:
  """The figure of a table [j] of the recordings' figures [i, j], those that have a value."""
  figures = []
  for sdr_db_i in np.asarray(sdr_db_i_j).T:
    figures.append(_average(sdr_db_i, policy.over_recordings))
  return np.array(figures)


def _average(values: np.ndarray, kind: str) -> float:
  """Mean or median of the values that are no NaN; NaN where there is none."""
  present = values[~np.isnan(values)]
  if len(present) == 0:
    return float("nan")
  with np.errstate(invalid="ignore"):   # +inf and -inf
    if kind == "mean":
      return float(np.mean(present))
    return float(np.median(present))


def _decibels(signal: np.ndarray, error: np.ndarray) -> np.ndarray:
  """10 log10(signal / error): +inf without an error, NaN where both are 0."""
  with np.errstate(divide="ignore", invalid="ignore"):
    return 10 * np.log10(np.divide(signal, error))


# --- blind to gain


def si_sdr_db(reference_j_t_c: np.ndarray, estimate_j_t_c: np.ndarray) -> np.ndarray:
  """Scale-invariant SDR [j] in dB over all samples and channels.

  Le Roux, Wisdom, Erdogan & Hershey, "SDR - half-baked or well done?", ICASSP 2019: the
  reference is scaled to be nearest to the estimate. NaN for a silent reference.

  Args:
    reference_j_t_c: [j, t, c].
    estimate_j_t_c: [j, t, c]; both are cut to the shorter of the two.

  Raises:
    ValueError: as in `energies`.
  """
  reference_j_t_c, estimate_j_t_c = _paired(reference_j_t_c, estimate_j_t_c)
  reference_j_t_c = reference_j_t_c.astype(np.float64)
  estimate_j_t_c = estimate_j_t_c.astype(np.float64)

  product_j = np.sum(reference_j_t_c * estimate_j_t_c, (1, 2))
  square_j = np.sum(reference_j_t_c**2, (1, 2))
  heard_j = square_j > 0
  gain_j = np.where(heard_j, product_j, np.nan) / np.where(heard_j, square_j, 1)
  if not np.isfinite(product_j).all():
    raise ValueError("a reference or an estimate holds values that are not finite")
  target_j_t_c = gain_j[:, None, None] * reference_j_t_c
  error_j_t_c = target_j_t_c - estimate_j_t_c
  return _decibels(np.sum(target_j_t_c**2, (1, 2)), np.sum(error_j_t_c**2, (1, 2)))
