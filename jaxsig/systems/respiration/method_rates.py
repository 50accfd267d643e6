"""A method's breathing rate in each scoring window, with its spread and its intervals.

A method may predict a constant rate, waveforms (one, several samples, or three modulations) or
posteriors of the rate.
"""
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from jaxsig.systems.respiration import rates

RULES = ("mean", "samples", "posterior", "pooled")
LEVELS = (50, 80, 95)   # per cent, of the intervals
REACH_S = 30.0          # at most, between the centres of a scoring window and of its model window
_START_ROUNDING_S = 0.01   # starts are float32, of a long recording too

Predictions = Mapping[str, np.ndarray | float]
# (x_t [..., t], rate_hz) -> [...] per minute
RateEstimator = Callable[[np.ndarray, float], np.ndarray]


class Rates(NamedTuple):
  """Rates per minute, their spreads and intervals in k scoring windows; NaN where there is none.

  The spread is the standard deviation of the posterior, of the samples' rates or of the
  modulations' rates.
  """
  estimate_k: np.ndarray
  spread_k: np.ndarray
  interval_k_i_2: np.ndarray   # low and high end of the interval of each of LEVELS


def rates_of(
    predictions: Predictions,
    rate_of: str,
    estimator: RateEstimator,
    starts: np.ndarray,
    window_s: float,
) -> Rates:
  """A method's rates in the scoring windows that begin at `starts` [k] seconds.

  Args:
    predictions: a method's stitched output. Rates come from the first of these that it holds:
      `rate_bpm`, a constant;
      `rate_pmf_b_r`, posteriors of the method's own windows (with `start_s_b` and `window_s`),
      where `rate_of` asks for them or where there is no waveform;
      `modulation_q_t`, the mean of the modulations' rates;
      `resp_s_t`, samples of the waveform;
      `resp_t`, one waveform.
    rate_of: "mean" (rate of the mean waveform), "samples" (median of the samples' rates),
      "posterior" (of the method's nearest window) or "pooled" (mean posterior of all windows of the
      method that overlap). The last two are as "mean" for a method without a posterior.
    estimator: (x_t [..., t], rate_hz) -> [...] per minute, for waveforms.
    starts: [k] seconds.
    window_s: length of the scoring windows.
  """
  if "rate_bpm" in predictions:
    return _constant_rates(float(predictions["rate_bpm"]), len(starts))

  has_posterior = "rate_pmf_b_r" in predictions
  has_waveform = "rate_hz" in predictions
  asks_for_posterior = rate_of in ("posterior", "pooled")
  if has_posterior and (asks_for_posterior or not has_waveform):
    centre_k = np.asarray(starts, np.float64) + window_s / 2
    return _posterior_rates(predictions, centre_k, pooled=rate_of == "pooled")

  def rates_in_windows(x_t: np.ndarray) -> np.ndarray:
    return waveform_rates(x_t, predictions["rate_hz"], estimator, starts, window_s)

  if "modulation_q_t" in predictions:
    return _fused_rates(rates_in_windows(predictions["modulation_q_t"]))

  if "resp_s_t" in predictions:
    rate_k_s = rates_in_windows(predictions["resp_s_t"])
    if rate_of == "samples":
      estimate_k = _consensus(np.median, rate_k_s)
    else:
      estimate_k = rates_in_windows(waveform(predictions))
    spread_k = _consensus(_deviation, rate_k_s)
    return Rates(estimate_k, spread_k, _normal_intervals(estimate_k, spread_k))

  estimate_k = rates_in_windows(predictions["resp_t"])
  return _no_rates(len(starts))._replace(estimate_k=estimate_k)


def finite_intervals(interval_i_2: np.ndarray) -> dict[str, tuple[float, float]]:
  """{"50": (low, high), ...} of one window's intervals that are finite."""
  intervals = {}
  for level, (low, high) in zip(LEVELS, interval_i_2, strict=True):
    if np.isfinite(low) and np.isfinite(high):
      intervals[str(level)] = (float(low), float(high))
  return intervals


def _no_rates(k: int) -> Rates:
  """NaN everywhere, for k windows."""
  return Rates(
      estimate_k=np.full(k, np.nan),
      spread_k=np.full(k, np.nan),
      interval_k_i_2=np.full((k, len(LEVELS), 2), np.nan),
  )


def _constant_rates(rate_bpm: float, k: int) -> Rates:
  """The same rate in all of k windows, without a spread."""
  return _no_rates(k)._replace(estimate_k=np.full(k, rate_bpm))


def _fused_rates(rate_k_q: np.ndarray) -> Rates:
  """Mean and standard deviation of the modulations' rates in each window."""
  return _no_rates(len(rate_k_q))._replace(
      estimate_k=_consensus(np.mean, rate_k_q),
      spread_k=_consensus(_deviation, rate_k_q),
  )


def _posterior_rates(
    predictions: Predictions,
    centre_k: np.ndarray,
    pooled: bool,
) -> Rates:
  """Median, standard deviation and central intervals of the posterior of the nearest model window.

  NaN where that window's centre is further away than REACH_S, or where the posterior's mode is at
  the edge of the grid.

  Args:
    predictions: with `rate_pmf_b_r`, `start_s_b` and `window_s`.
    centre_k: centres of the scoring windows in seconds.
    pooled: takes the mean of the posteriors of all model windows that overlap a model window at
      this centre, weighted by the overlap (a linear pool, Stone 1961). So posteriors are joined as
      waveforms are, cross-faded; neighbours that disagree widen the interval.
  """
  window_s = float(predictions["window_s"])
  pmf_b_r = np.asarray(predictions["rate_pmf_b_r"], np.float64)
  centre_b = np.asarray(predictions["start_s_b"], np.float64) + window_s / 2
  nearest_k = np.rint(np.interp(centre_k, centre_b, np.arange(len(centre_b)))).astype(int)

  if pooled:
    pmf_k_r = _pool(pmf_b_r, centre_b, centre_k, window_s)
  else:
    pmf_k_r = pmf_b_r[nearest_k]

  distance_k = np.abs(centre_b[nearest_k] - centre_k)
  too_far_k = distance_k > REACH_S + _START_ROUNDING_S
  without_rate_k = too_far_k | rates.at_edge(pmf_k_r)
  pmf_k_r = np.where(without_rate_k[:, None], np.nan, pmf_k_r)

  _, spread_k = rates.mean_sd(pmf_k_r)
  return Rates(rates.quantile(pmf_k_r, 0.5), spread_k, _central_intervals(pmf_k_r))


def _central_intervals(pmf_k_r: np.ndarray) -> np.ndarray:
  """Central intervals [k, i, 2] of posteriors, one for each of LEVELS."""
  intervals = []
  for level in LEVELS:
    low_k = rates.quantile(pmf_k_r, (100 - level) / 200)
    high_k = rates.quantile(pmf_k_r, (100 + level) / 200)
    intervals.append(np.stack([low_k, high_k], -1))
  return np.stack(intervals, 1)


def _pool(
    pmf_b_r: np.ndarray,
    centre_b: np.ndarray,
    centre_k: np.ndarray,
    window_s: float,
) -> np.ndarray:
  """Means [k, r] of the finite posteriors, each of weight 1 - distance / window_s.

  NaN where none overlaps.
  """
  finite_b = np.isfinite(pmf_b_r).all(-1)
  pooled_k_r = np.full((len(centre_k), pmf_b_r.shape[-1]), np.nan)

  # One window after the other: a day of windows squared would not fit into memory.
  for k, centre in enumerate(centre_k):
    first, last = np.searchsorted(centre_b, [centre - window_s, centre + window_s])
    near = slice(first, last)

    overlap_b = np.clip(1 - np.abs(centre_b[near] - centre) / window_s, 0, None)
    weight_b = overlap_b * finite_b[near]
    total = weight_b.sum()
    if total > 0:
      mass_b_r = np.where(finite_b[near, None], pmf_b_r[near], 0)
      share_b_r = mass_b_r / np.maximum(mass_b_r.sum(-1, keepdims=True), 1e-30)
      pooled_k_r[k] = weight_b @ share_b_r / total
  return pooled_k_r


def _normal_intervals(middle_k: np.ndarray, spread_k: np.ndarray) -> np.ndarray:
  """Intervals [k, i, 2] of normal distributions, one for each of LEVELS."""
  normal = NormalDist()
  z_i = np.array([normal.inv_cdf((100 + level) / 200) for level in LEVELS])
  sign_2 = np.array([-1, 1])
  half_width_k_i_1 = spread_k[:, None, None] * z_i[:, None]
  return middle_k[:, None, None] + half_width_k_i_1 * sign_2


def windows_of(
    x_t: np.ndarray,
    rate_hz: float,
    starts: np.ndarray,
    window_s: float,
) -> list[np.ndarray]:
  """Cuts a window from x_t [..., t] at each start.

  One that is not wholly inside, or has a gap, is NaN throughout.
  """
  n = round(window_s * rate_hz)
  first_k = np.rint(np.asarray(starts) * rate_hz).astype(int)

  windows = []
  for first in first_k:
    window_t = x_t[..., first:first + n]
    complete = window_t.shape[-1] == n and np.isfinite(window_t).all()
    if not complete:
      window_t = np.full((*x_t.shape[:-1], n), np.nan)
    windows.append(window_t)
  return windows


def waveform_rates(
    x_t: np.ndarray,
    rate_hz: float,
    estimator: RateEstimator,
    starts: np.ndarray,
    window_s: float,
) -> np.ndarray:
  """The estimator's rates [k, ...] per minute in windows of x_t [..., t]."""
  x_t = np.asarray(x_t)
  rate_of_window = []
  for window_t in windows_of(x_t, rate_hz, starts, window_s):
    rate_of_window.append(estimator(window_t, rate_hz))

  shape = (len(starts), *x_t.shape[:-1])
  return np.array(rate_of_window, np.float64).reshape(shape)


def waveform(predictions: Predictions) -> np.ndarray | None:
  """A method's waveform [t], or the mean of its samples; None where it has neither."""
  if "resp_t" in predictions:
    return np.asarray(predictions["resp_t"])
  if "resp_s_t" in predictions:
    return np.asarray(predictions["resp_s_t"]).mean(0)
  return None


def _consensus(reduce: Callable[[np.ndarray], float], rate_k_s: Sequence[np.ndarray]) -> np.ndarray:
  """Reduces each window's finite rates to one value [k]; NaN where fewer than half are finite."""
  reduced_k = np.full(len(rate_k_s), np.nan)
  for k, rate_s in enumerate(rate_k_s):
    finite_s = rate_s[np.isfinite(rate_s)]
    if len(finite_s) > 0 and 2 * len(finite_s) >= len(rate_s):
      reduced_k[k] = reduce(finite_s)
  return reduced_k


def _deviation(rate_s: np.ndarray) -> float:
  """Standard deviation of a sample; NaN of fewer than two values."""
  if len(rate_s) < 2:
    return float("nan")
  return float(np.std(rate_s, ddof=1))
