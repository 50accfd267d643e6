"""One record with a method's predictions -> the rows of all protocols of breathing rate and waveform.

Windows of one length do not overlap (independent), but for the published rule, which steps by 20 s. Only windows that
lie wholly inside the record count. `kept` depends on the truth alone: where a method has nothing to say its estimate
is None, which lowers its coverage and never removes the window for the others.
"""
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxsig.metrics import respiration
from jaxsig.signal import filters, resample

WINDOWS_S = (32, 60, 64)
AUTHORS_STRIDE_S = 20
MOST_DISAGREEMENT_BPM = 2.0   # of the annotators, fixed in advance: beyond it the window has no truth


class Rates(NamedTuple):
  """A method's rate in each window and how far its samples (or modulations) spread; NaN where there is none."""
  estimate_k: np.ndarray
  spread_k: np.ndarray


def score_record(record: Any, rate_of: str = "mean", divisor_slip: bool = False) -> list[dict[str, Any]]:
  """All rows of one record for the method whose output is in `record.predictions`.

  Args:
    record: a jaxsig.data.core.Record. Annotations `breaths_*_s` give the truth of the rows "annotators" (a user's file has
      none: its rows hold estimates and are not kept); `signals["resp_t"]` and `prepared["resp_t"]` give those against the
      RESP, where they are.
    rate_of: "mean" reads a sampled method's rate from its mean waveform (the published rule), "samples" takes the
      median of the samples' rates. The spread is that of the samples in both.
    divisor_slip: adds the published mean error of a record, divided by one less than its windows.

  Returns:
    Rows of plain JSON values: metric, record, group, unit, start_s, kept, why, and either (truth, estimate, spread,
    stratum) or value; None where there is none.
  """
  if rate_of not in ("mean", "samples"):
    raise ValueError(f"rate_of {rate_of!r} is neither 'mean' nor 'samples'")
  rates = functools.partial(_method_rates, record.predictions, rate_of)
  rows = list(_annotator_rows(record, rates))
  if "resp_t" in record.prepared:
    rows += _authors_rows(record, functools.partial(_method_rates, _smooth(record.predictions), rate_of), divisor_slip)
    rows += _waveform_rows(record)
  if "resp_t" in record.signals:
    rows += _resp_rows(record, rates)
  return rows


def stratum(truth_bpm: float) -> str | None:
  """The stratum of a true rate: "<12", "12-20" or ">20" per minute; None without a truth."""
  if not np.isfinite(truth_bpm):
    return None
  return "<12" if truth_bpm < 12 else "12-20" if truth_bpm <= 20 else ">20"


def starts_s(record: Any, window_s: float, stride_s: float) -> np.ndarray:
  """Starts of the whole windows inside the record."""
  n = int((record.duration_s + 1e-6 - window_s) // stride_s) + 1
  return np.arange(max(0, n)) * float(stride_s)


def windows_of(x_t: np.ndarray, rate_hz: float, starts: np.ndarray, window_s: float) -> list[np.ndarray]:
  """Cuts x_t [..., t] at each start; a window that is not wholly inside, or has a gap, is NaN throughout."""
  n = round(window_s * rate_hz)
  pieces = [x_t[..., i:i + n] for i in np.rint(np.asarray(starts) * rate_hz).astype(int)]
  whole = [p.shape[-1] == n and np.isfinite(p).all() for p in pieces]
  return [p if ok else np.full(x_t.shape[:-1] + (n,), np.nan) for p, ok in zip(pieces, whole)]


def _method_rates(predictions: dict, rate_of: str, estimator: Callable, starts: np.ndarray,
                  window_s: float) -> Rates:
  none_k = np.full(len(starts), np.nan)
  if "rate_bpm" in predictions:
    return Rates(np.full(len(starts), float(predictions["rate_bpm"])), none_k)
  rates = functools.partial(_rates, rate_hz=predictions["rate_hz"], estimator=estimator, starts=starts,
                            window_s=window_s)
  if "modulation_q_t" in predictions:
    each_k_q = rates(predictions["modulation_q_t"])
    return Rates(_over_half(np.mean, each_k_q), _over_half(_deviation, each_k_q))
  if "resp_s_t" not in predictions:
    return Rates(rates(predictions["resp_t"]), none_k)
  each_k_s = rates(predictions["resp_s_t"])
  middle_k = _over_half(np.median, each_k_s) if rate_of == "samples" else rates(_waveform(predictions))
  return Rates(middle_k, _over_half(_deviation, each_k_s))


def _rates(x_t: np.ndarray, rate_hz: float, estimator: Callable, starts: np.ndarray, window_s: float) -> np.ndarray:
  rates = [estimator(piece_t, rate_hz) for piece_t in windows_of(np.asarray(x_t), rate_hz, starts, window_s)]
  return np.array(rates, np.float64).reshape(len(starts), *np.shape(x_t)[:-1])


def _over_half(reduce: Callable, rate_k_s: np.ndarray) -> np.ndarray:
  """Reduces the last axis over the finite rates; NaN where fewer than half of them are: a consensus, or no estimate."""
  finite = [row[np.isfinite(row)] for row in rate_k_s]
  return np.array([reduce(r) if len(r) and 2 * len(r) >= rate_k_s.shape[-1] else np.nan for r in finite])


def _deviation(rate_s: np.ndarray) -> float:
  return float(np.std(rate_s, ddof=1)) if len(rate_s) > 1 else float("nan")


def _waveform(predictions: dict) -> np.ndarray | None:
  if "resp_t" in predictions:
    return np.asarray(predictions["resp_t"])
  return np.asarray(predictions["resp_s_t"]).mean(0) if "resp_s_t" in predictions else None


def _annotator_rows(record: Any, rates: Callable) -> Iterator[dict]:
  marks = [record.annotations[name] for name in sorted(record.annotations) if name.startswith("breaths")]
  for window_s in WINDOWS_S:
    starts = starts_s(record, window_s, window_s)
    truths = [[respiration.breath_rate_bpm(m, s, window_s) for m in marks] for s in starts]
    whys = [_objection(t) for t in truths]
    for name, estimator in (("spectral", respiration.spectral_rate_bpm), ("count", respiration.count_rate_bpm)):
      metric = f"rr_bpm_win{window_s}_annotators_{name}"
      found = rates(estimator, starts, window_s)
      yield from _rate_rows(record, metric, starts, window_s, [np.mean(t) if t else np.nan for t in truths], found, whys)


def _objection(rates_bpm: list) -> str:
  if not rates_bpm:
    return "no annotations"
  if not np.isfinite(rates_bpm).all():
    return "fewer than 2 breaths marked"
  return "annotators differ by more than 2/min" if np.ptp(rates_bpm) > MOST_DISAGREEMENT_BPM else ""


def _resp_rows(record: Any, rates: Callable) -> list[dict]:
  starts = starts_s(record, 60, 60)
  truth_k = _rates(record.signals["resp_t"], record.rate_hz, respiration.spectral_rate_bpm, starts, 60)
  found = rates(respiration.spectral_rate_bpm, starts, 60)
  return list(_rate_rows(record, "rr_bpm_win60_resp_spectral", starts, 60, truth_k, found))


def _authors_rows(record: Any, rates: Callable, divisor_slip: bool) -> list[dict]:
  starts = starts_s(record, 60, AUTHORS_STRIDE_S)
  rule = respiration.authors_rate_bpm
  truth_k = _rates(record.prepared["resp_t"], record.prepared["rate_hz"], rule, starts, 60)
  found = rates(rule, starts, 60)
  rows = list(_rate_rows(record, "rr_bpm_win60_resp_authors", starts, 60, truth_k, found))
  if divisor_slip and len(starts) > 1:   # 22 windows in 480 s, and the sum of their errors divided by 21
    slipped = np.abs(found.estimate_k - truth_k).sum() / (len(starts) - 1)
    why = "" if np.isfinite(truth_k).all() else "a window without a true rate"
    metric = f"rr_mae_bpm_win60_resp_authors_div{len(starts) - 1}"
    rows.append(_row(record, metric, 0, starts[-1] + 60, why) | {"value": _plain(slipped)})
  return rows


def _rate_rows(record: Any, metric: str, starts: np.ndarray, window_s: float, truth_k: Sequence, found: Rates,
               whys: list | None = None) -> Iterator[dict]:
  for k, start in enumerate(starts):
    why = (whys[k] if whys else "") or ("" if np.isfinite(truth_k[k]) else "no true rate")
    yield _row(record, metric, start, window_s, why) | {
        "truth": _plain(truth_k[k]), "estimate": _plain(found.estimate_k[k]), "spread": _plain(found.spread_k[k]),
        "stratum": stratum(truth_k[k])}


def _waveform_rows(record: Any) -> Iterator[dict]:
  estimate_t = _waveform(record.predictions)
  if estimate_t is None:
    return
  rate_hz = record.prepared["rate_hz"]
  estimate_t = _keep_gaps(lambda x: resample.resample(x, record.predictions["rate_hz"], rate_hz), estimate_t)
  starts = starts_s(record, 60, 60)
  truths, estimates = (windows_of(x, rate_hz, starts, 60) for x in (np.asarray(record.prepared["resp_t"]), estimate_t))
  for start, truth_t, found_t in zip(starts, truths, estimates):
    why = "" if np.isfinite(truth_t).all() else "no true waveform"
    correlation = respiration.signed_lag_correlation(truth_t, found_t, rate_hz).value
    unit = float(respiration.waveform_mae(respiration.unit_scale(truth_t), respiration.unit_scale(found_t)))
    values = {
        "resp_corr_lag1s_signed_win60": correlation if np.isfinite(unit) else np.nan,
        "resp_mae_unit_win60": unit,
        "resp_mae_sym_win60": 2 * unit,   # the same on [-1, 1]: the published text and code name different scales
    }
    for metric, value in values.items():
      yield _row(record, metric, start, 60, why) | {"value": _plain(value)}


def _smooth(predictions: dict) -> dict:
  """The published post-filter on every waveform: Butterworth of order 8 at 1 Hz, forwards and backwards."""
  rate_hz = predictions.get("rate_hz", 0)
  if rate_hz <= 2:
    return predictions
  low_pass = functools.partial(filters.low_pass, rate_hz=rate_hz, cutoff_hz=1.0, order=8)
  return predictions | {k: _keep_gaps(low_pass, x) for k, x in predictions.items() if k.endswith("_t")}


def _keep_gaps(run: Callable, x_t: np.ndarray) -> np.ndarray:
  """Runs a filter or resampler on x_t [..., t] with its gaps bridged, and opens them again in the result."""
  x_t = np.asarray(x_t)
  y_t = run(np.apply_along_axis(resample.fill_gaps, -1, x_t))
  source = np.arange(y_t.shape[-1]) * x_t.shape[-1] // y_t.shape[-1]
  return np.where(np.isfinite(x_t)[..., source], y_t, np.nan)


def _row(record: Any, metric: str, start: float, window_s: float, why: str) -> dict[str, Any]:
  return {"metric": metric, "record": record.id, "group": record.group, "unit": f"{start:g}-{start + window_s:g} s",
          "start_s": float(start), "kept": not why, "why": why}


def _plain(x: float) -> float | None:
  return float(x) if np.isfinite(x) else None
