"""A method's rate in each scoring window, with spread and intervals, whatever it predicts: a constant, waveforms or posteriors."""
import functools
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from jaxsig.systems.respiration import rates

RULES = ("mean", "samples", "posterior", "pooled")
LEVELS = (50, 80, 95)   # per cent, of the intervals
REACH_S = 30.0          # between the centres of a scoring window and of the model's window that speaks for it


class Rates(NamedTuple):
  """A method's rate in each window, how far its posterior, samples or modulations spread, and intervals; NaN where none."""
  estimate_k: np.ndarray
  spread_k: np.ndarray
  interval_k_i_2: np.ndarray   # low and high of each of LEVELS


def rates_of(predictions: dict, rate_of: str, estimator: Callable, starts: np.ndarray, window_s: float) -> Rates:
  """Rates in the scoring windows that begin at `starts` [k] seconds.

  Args:
    predictions: a method's stitched output. Rates come from the first of these that is there: `rate_bpm`, a constant;
      `rate_pmf_b_r`, posteriors of the method's own windows (with `start_s_b` and `window_s`), where `rate_of` asks for it or
      there is no waveform; `modulation_q_t`, the mean of their rates; `resp_s_t`, samples; `resp_t`.
    rate_of: "mean" (of the mean waveform), "samples" (median of the samples' rates), "posterior" (of the nearest window of the
      method's own) or "pooled" (of all that overlap it); where there is no posterior, the last two are as "mean".
    estimator: (x_t [..., t], rate_hz) -> [...] per minute, of waveforms.
    window_s: length of the scoring windows.
  """
  none = Rates(np.full(len(starts), np.nan), np.full(len(starts), np.nan), np.full((len(starts), len(LEVELS), 2), np.nan))
  if "rate_bpm" in predictions:
    return none._replace(estimate_k=np.full(len(starts), float(predictions["rate_bpm"])))
  if "rate_pmf_b_r" in predictions and (rate_of in ("posterior", "pooled") or "rate_hz" not in predictions):
    return _of_posteriors(predictions, np.asarray(starts, np.float64) + window_s / 2, rate_of == "pooled")
  each = functools.partial(waveform_rates, rate_hz=predictions["rate_hz"], estimator=estimator, starts=starts, window_s=window_s)
  if "modulation_q_t" in predictions:
    each_k_q = each(predictions["modulation_q_t"])
    return none._replace(estimate_k=_over_half(np.mean, each_k_q), spread_k=_over_half(_deviation, each_k_q))
  if "resp_s_t" not in predictions:
    return none._replace(estimate_k=each(predictions["resp_t"]))
  each_k_s = each(predictions["resp_s_t"])
  middle_k = _over_half(np.median, each_k_s) if rate_of == "samples" else each(waveform(predictions))
  spread_k = _over_half(_deviation, each_k_s)
  return Rates(middle_k, spread_k, _normal_intervals(middle_k, spread_k))


def _of_posteriors(predictions: dict, centre_k: np.ndarray, pooled: bool) -> Rates:
  """Median, SD and central intervals of the posterior of the nearest model window; NaN beyond REACH_S or with a mode at the edge.

  `pooled`: of the mean of the posteriors of all model windows that overlap one at this centre, weighted by the overlap (a linear
  pool, Stone 1961). So posteriors are joined as waveforms are, cross-faded; neighbours that disagree widen the interval.
  """
  centre_b = np.asarray(predictions["start_s_b"], np.float64) + float(predictions["window_s"]) / 2
  nearest_k = np.rint(np.interp(centre_k, centre_b, np.arange(len(centre_b)))).astype(int)
  pmf_b_r = np.asarray(predictions["rate_pmf_b_r"], np.float64)
  pmf_k_r = _pool(pmf_b_r, centre_b, centre_k, float(predictions["window_s"])) if pooled else pmf_b_r[nearest_k]
  far_k = np.abs(centre_b[nearest_k] - centre_k) > REACH_S + 0.01   # starts are float32, of a long recording too
  pmf_k_r = np.where((far_k | rates.at_edge(pmf_k_r))[:, None], np.nan, pmf_k_r)
  tails = [((100 - level) / 200, (100 + level) / 200) for level in LEVELS]
  interval_k_i_2 = np.stack([np.stack([rates.quantile(pmf_k_r, q) for q in pair], -1) for pair in tails], 1)
  return Rates(rates.quantile(pmf_k_r, 0.5), rates.mean_sd(pmf_k_r)[1], interval_k_i_2)


def _pool(pmf_b_r: np.ndarray, centre_b: np.ndarray, centre_k: np.ndarray, window_s: float) -> np.ndarray:
  """[k, r] means of the finite posteriors, each of weight 1 - distance / window_s; NaN where none overlaps."""
  good_b = np.isfinite(pmf_b_r).all(-1)
  out = np.full((len(centre_k), pmf_b_r.shape[-1]), np.nan)
  for k, centre in enumerate(centre_k):   # one by one: a day of windows squared would not fit
    first, last = np.searchsorted(centre_b, [centre - window_s, centre + window_s])
    weight_b = np.clip(1 - np.abs(centre_b[first:last] - centre) / window_s, 0, None) * good_b[first:last]
    if weight_b.sum() > 0:
      near_b_r = np.where(good_b[first:last, None], pmf_b_r[first:last], 0)
      out[k] = weight_b @ (near_b_r / np.maximum(near_b_r.sum(-1, keepdims=True), 1e-30)) / weight_b.sum()
  return out


def _normal_intervals(middle_k: np.ndarray, spread_k: np.ndarray) -> np.ndarray:
  z_i = np.array([NormalDist().inv_cdf((100 + level) / 200) for level in LEVELS])
  return middle_k[:, None, None] + spread_k[:, None, None] * z_i[:, None] * np.array([-1, 1])


def windows_of(x_t: np.ndarray, rate_hz: float, starts: np.ndarray, window_s: float) -> list[np.ndarray]:
  """Cuts x_t [..., t] at each start; a window that is not wholly inside, or has a gap, is NaN throughout."""
  n = round(window_s * rate_hz)
  pieces = [x_t[..., i:i + n] for i in np.rint(np.asarray(starts) * rate_hz).astype(int)]
  whole = [p.shape[-1] == n and np.isfinite(p).all() for p in pieces]
  return [p if ok else np.full(x_t.shape[:-1] + (n,), np.nan) for p, ok in zip(pieces, whole)]


def waveform_rates(x_t: np.ndarray, rate_hz: float, estimator: Callable, starts: np.ndarray, window_s: float) -> np.ndarray:
  """The estimator's rates [k, ...] in windows of x_t [..., t]."""
  found = [estimator(piece_t, rate_hz) for piece_t in windows_of(np.asarray(x_t), rate_hz, starts, window_s)]
  return np.array(found, np.float64).reshape(len(starts), *np.shape(x_t)[:-1])


def waveform(predictions: dict) -> np.ndarray | None:
  """The waveform [t] of a method, or the mean of its samples; None where it has neither."""
  if "resp_t" in predictions:
    return np.asarray(predictions["resp_t"])
  return np.asarray(predictions["resp_s_t"]).mean(0) if "resp_s_t" in predictions else None


def _over_half(reduce: Callable, rate_k_s: np.ndarray) -> np.ndarray:
  """Reduces the last axis over the finite rates; NaN where fewer than half of them are: a consensus, or no estimate."""
  finite = [row[np.isfinite(row)] for row in rate_k_s]
  return np.array([reduce(r) if len(r) and 2 * len(r) >= rate_k_s.shape[-1] else np.nan for r in finite])


def _deviation(rate_s: np.ndarray) -> float:
  return float(np.std(rate_s, ddof=1)) if len(rate_s) > 1 else float("nan")
