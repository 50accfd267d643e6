"""One record with a method's predictions -> the rows of all protocols of breathing rate and waveform.

Windows of one length do not overlap (independent), but for the published rule, which steps by 20 s. Only windows that
lie wholly inside the record count. `kept` depends on the truth alone: where a method has nothing to say its estimate
is None, which lowers its coverage and never removes the window for the others.
"""
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jaxsig.signal import filters, resample
from jaxsig.systems.respiration import breaths
from jaxsig.systems.respiration import waveforms as respiration
from jaxsig.systems.respiration.method_rates import LEVELS, RULES, Rates, rates_of, waveform, waveform_rates, windows_of

WINDOWS_S = (32, 60, 64)
AUTHORS_STRIDE_S = 20
MOST_DISAGREEMENT_BPM = 2.0   # of the annotators, fixed in advance: beyond it the window has no truth


def score_record(record: Any, rate_of: str = "mean", divisor_slip: bool = False) -> list[dict[str, Any]]:
  """All rows of one record for the method whose output is in `record.predictions`.

  Args:
    record: a jaxsig.data.records.Record. Annotations `breaths_*_s` give the truth of the rows "annotators" (a user's file has
      none: its rows hold estimates and are not kept); `signals["resp_t"]` and `prepared["resp_t"]` give those against the
      RESP, where they are.
    rate_of: "mean" reads a sampled method's rate from its mean waveform (the published rule), "samples" takes the
      median of the samples' rates; the spread is that of the samples in both, and the intervals are normal ones.
      "posterior" takes median, SD and central intervals of the method's own `rate_pmf_b_r`, and is "mean" for a method
      without one. A posterior, like a constant, is the same in the rows of every estimator, and in windows of 32 or 64 s
      that of the nearest window of the model, whatever its length; it is no estimate where its mode is at the band's edge.
      "pooled" does so with the mean of the posteriors of all windows of the model that overlap.
    divisor_slip: adds the published mean error of a record, divided by one less than its windows.

  Returns:
    Rows of plain JSON values: metric, record, group, unit, start_s, kept, why, and either (truth, estimate, spread,
    stratum, low_50, high_50, ..., high_95) or value; None where there is none.
  """
  if rate_of not in RULES:
    raise ValueError(f"rate_of {rate_of!r} is none of {', '.join(RULES)}")
  rates = functools.partial(rates_of, record.predictions, rate_of)
  rows = [*_annotator_rows(record, rates), *_breath_rows(record)]
  if "resp_t" in record.prepared:
    rows += _authors_rows(record, functools.partial(rates_of, _smooth(record.predictions), rate_of), divisor_slip)
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


def _marks(record: Any) -> list[np.ndarray]:
  return [record.annotations[name] for name in sorted(record.annotations) if name.startswith("breaths")]


def _annotated(record: Any, window_s: float) -> tuple[np.ndarray, list, list]:
  """Starts of the windows, and of each the annotators' rates and why it has no truth (empty where it has)."""
  starts = starts_s(record, window_s, window_s)
  truths = [[respiration.breath_rate_bpm(m, s, window_s) for m in _marks(record)] for s in starts]
  return starts, truths, [_objection(t) for t in truths]


def _annotator_rows(record: Any, rates: Callable) -> Iterator[dict]:
  for window_s in WINDOWS_S:
    starts, truths, whys = _annotated(record, window_s)
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
  truth_k = waveform_rates(record.signals["resp_t"], record.rate_hz, respiration.spectral_rate_bpm, starts, 60)
  found = rates(respiration.spectral_rate_bpm, starts, 60)
  return list(_rate_rows(record, "rr_bpm_win60_resp_spectral", starts, 60, truth_k, found))


def _authors_rows(record: Any, rates: Callable, divisor_slip: bool) -> list[dict]:
  starts = starts_s(record, 60, AUTHORS_STRIDE_S)
  rule = respiration.authors_rate_bpm
  truth_k = waveform_rates(record.prepared["resp_t"], record.prepared["rate_hz"], rule, starts, 60)
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
    intervals = {f"{end}_{level}": _plain(x) for level, pair in zip(LEVELS, found.interval_k_i_2[k], strict=True)
                 for end, x in zip(("low", "high"), pair)}
    yield _row(record, metric, start, window_s, why) | {
        "truth": _plain(truth_k[k]), "estimate": _plain(found.estimate_k[k]), "spread": _plain(found.spread_k[k]),
        "stratum": stratum(truth_k[k]), **intervals}


def _breath_rows(record: Any) -> Iterator[dict]:
  """Breaths detected in the waveform, or evenly spaced at a constant rate, against each annotator's marks."""
  predictions, marks = record.predictions, _marks(record)
  constant_bpm, estimate_t = predictions.get("rate_bpm"), waveform(predictions)
  if not marks or (constant_bpm is None and estimate_t is None):
    return
  starts, _, whys = _annotated(record, 60)
  for start, why in zip(starts, whys):
    found = None
    if constant_bpm is not None:
      found = breaths.constant_breaths(constant_bpm, start, 60) if constant_bpm > 0 else None
    elif np.isfinite(windows_of(estimate_t, predictions["rate_hz"], [start], 60)[0]).all():
      found = breaths.breaths_around(estimate_t, predictions["rate_hz"], start, 60)
    value = np.nan if found is None else breaths.best_f1(found, marks, start, 60)
    yield _row(record, "breath_f1_tol500ms_win60_lag1s_signed", start, 60, why) | {"value": _plain(value)}


def _waveform_rows(record: Any) -> Iterator[dict]:
  estimate_t = waveform(record.predictions)
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
