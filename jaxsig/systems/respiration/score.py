"""Rows of a record with a method's predictions, in all protocols of breathing rate and waveform.

Windows of one length do not overlap (independent), but for the published rule, which steps by 20 s.
Only windows that lie wholly inside the record count. What is included depends on the truth alone:
where a method has no estimate its estimate is None, which lowers its coverage and never removes the
window for the others.
"""
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.records import Record
from jaxsig.rows import Row, finite_or_none
from jaxsig.signal import filters, resample
from jaxsig.system import Predictions
from jaxsig.systems.respiration import breaths, waveforms
from jaxsig.systems.respiration.method_rates import (
  RateEstimator,
  Rates,
  finite_intervals,
  rates_of,
  waveform,
  waveform_rates,
  windows_of,
)
from jaxsig.systems.respiration.target import Target

WINDOWS_S = (32, 60, 64)
AUTHORS_STRIDE_S = 20
# of the annotators, fixed in advance: beyond it the window has no truth
MOST_DISAGREEMENT_BPM = 2.0
STRATA = ("<12", "12-20", ">20")

# (estimator, starts [k], window_s) -> a method's rates
RatesIn = Callable[[RateEstimator, np.ndarray, float], Rates]


class Truths(NamedTuple):
  """The true rate of each scoring window."""
  start_s_k: np.ndarray
  rate_bpm_k: Sequence[float]
  why_k: Sequence[str]     # a window has no truth; empty where it has


def score_record(
    record: Record,
    target: Target | None = None,
    rate_of: str = "mean",
    divisor_slip: bool = False,
) -> list[Row]:
  """All rows of one record for the method whose output is in `record.predictions`.

  Args:
    record: annotations `breaths_*_s` give the truth of the rows "annotators" (a user's file has
      none: its rows hold estimates and are not included); `signals["resp_t"]` gives that of the
      rows against the RESP, where it is there.
    target: the reference waveform as the network sees it; None: no rows against it.
    rate_of: "mean" reads a sampled method's rate from its mean waveform (the published rule),
      "samples" takes the median of the samples' rates; the spread is that of the samples in both,
      and the intervals are normal ones. "posterior" takes median, SD and central intervals of the
      method's own `rate_pmf_b_r`, and is "mean" for a method without one. A posterior, like a
      constant, is the same in the rows of every estimator, and in windows of 32 or 64 s that of the
      nearest window of the model, whatever its length; it is no estimate where its mode is at the
      band's edge. "pooled" does so with the mean of the posteriors of all windows of the model that
      overlap.
    divisor_slip: adds the published mean error of a record, divided by one less than its windows.
  """
  predictions = dict(record.predictions)
  if "length_s_b" in predictions:
    predictions["window_s"] = float(predictions["length_s_b"][0])

  rates = functools.partial(rates_of, predictions, rate_of)
  rows = [*_annotator_rows(record, rates), *_breath_rows(record)]
  if target is not None:
    smooth_rates = functools.partial(rates_of, _smooth(predictions), rate_of)
    rows += _authors_rows(record, target, smooth_rates, divisor_slip)
    rows += _waveform_rows(record, target)
  if "resp_t" in record.signals:
    rows += _resp_rows(record, rates)
  return rows


def stratum(truth_bpm: float) -> str | None:
  """The stratum of a true rate: "<12", "12-20" or ">20" per minute; None without a truth."""
  if not np.isfinite(truth_bpm):
    return None
  if truth_bpm < 12:
    return STRATA[0]
  if truth_bpm <= 20:
    return STRATA[1]
  return STRATA[2]


def starts_s(record: Record, window_s: float, stride_s: float) -> np.ndarray:
  """Starts of the whole windows inside the record."""
  n = int((record.duration_s + 1e-6 - window_s) // stride_s) + 1
  return np.arange(max(0, n)) * float(stride_s)


def _marks(record: Record) -> list[np.ndarray]:
  """Each annotator's breaths in seconds."""
  names = sorted(name for name in record.annotations if name.startswith("breaths"))
  return [record.annotations[name] for name in names]


def _annotated(record: Record, window_s: float) -> Truths:
  """The annotators' mean rate in each window."""
  start_s_k = starts_s(record, window_s, window_s)
  marks = _marks(record)
  rate_bpm_k = []
  why_k = []
  for start_s in start_s_k:
    rates_bpm = []
    for breaths_s in marks:
      rates_bpm.append(waveforms.breath_rate_bpm(breaths_s, start_s, window_s))
    mean_bpm = np.nan
    if rates_bpm:
      mean_bpm = np.mean(rates_bpm)
    rate_bpm_k.append(mean_bpm)
    why_k.append(_objection(rates_bpm))
  return Truths(start_s_k, rate_bpm_k, why_k)


def _objection(rates_bpm: Sequence[float]) -> str:
  """Why annotators' rates are no truth; empty where they are."""
  if not rates_bpm:
    return "no annotations"
  if not np.isfinite(rates_bpm).all():
    return "fewer than 2 breaths marked"
  if np.ptp(rates_bpm) > MOST_DISAGREEMENT_BPM:
    return "annotators differ by more than 2/min"
  return ""


def _annotator_rows(record: Record, rates: RatesIn) -> Iterator[Row]:
  """Rows against the annotators."""
  estimators = {
      "spectral": waveforms.spectral_rate_bpm,
      "count": waveforms.count_rate_bpm,
  }
  for window_s in WINDOWS_S:
    truths = _annotated(record, window_s)
    for name, estimator in estimators.items():
      metric = f"rr_bpm_win{window_s}_annotators_{name}"
      estimated = rates(estimator, truths.start_s_k, window_s)
      yield from _rate_rows(record, metric, truths, window_s, estimated)


def _resp_rows(record: Record, rates: RatesIn) -> Iterator[Row]:
  """Rows against the spectrum of the recorded respiration."""
  start_s_k = starts_s(record, 60, 60)
  estimator = waveforms.spectral_rate_bpm
  resp_t = record.signals["resp_t"]
  truth_k = waveform_rates(resp_t, record.rate_hz, estimator, start_s_k, 60)
  truths = _without_objections(start_s_k, truth_k)
  estimated = rates(estimator, start_s_k, 60)
  yield from _rate_rows(record, "rr_bpm_win60_resp_spectral", truths, 60, estimated)


def _authors_rows(
    record: Record,
    target: Target,
    rates: RatesIn,
    divisor_slip: bool,
) -> Iterator[Row]:
  """Rows of the published evaluation of RespDiff."""
  start_s_k = starts_s(record, 60, AUTHORS_STRIDE_S)
  rule = waveforms.authors_rate_bpm
  truth_k = waveform_rates(target.resp_t, target.rate_hz, rule, start_s_k, 60)
  estimated = rates(rule, start_s_k, 60)
  truths = _without_objections(start_s_k, truth_k)
  yield from _rate_rows(record, "rr_bpm_win60_resp_authors", truths, 60, estimated)

  # 22 windows in 480 s, and the sum of their errors divided by 21
  if divisor_slip and len(start_s_k) > 1:
    error_k = np.abs(estimated.estimate_k - truth_k)
    slipped = error_k.sum() / (len(start_s_k) - 1)
    end_s = start_s_k[-1] + 60
    why = ""
    if not np.isfinite(truth_k).all():
      why = "a window without a true rate"
    metric = "rr_mae_bpm_win60_resp_authors_div_n_minus_1"
    yield _value_row(record, metric, 0, end_s, slipped, why)


def _without_objections(start_s_k: np.ndarray, truth_k: np.ndarray) -> Truths:
  """Truths that no annotator can doubt."""
  why_k = [""] * len(start_s_k)
  return Truths(start_s_k, truth_k, why_k)


def _rate_rows(
    record: Record,
    metric: str,
    truths: Truths,
    window_s: float,
    estimated: Rates,
) -> Iterator[Row]:
  """A row a scoring window, of its true and its estimated rate."""
  for k, start_s in enumerate(truths.start_s_k):
    truth_bpm = truths.rate_bpm_k[k]
    why = truths.why_k[k]
    if not why and not np.isfinite(truth_bpm):
      why = "no true rate"

    strata = {}
    if stratum(truth_bpm) is not None:
      strata["rate"] = stratum(truth_bpm)
    end_s = start_s + window_s
    yield Row(
        metric=metric,
        group=record.group,
        record=record.id,
        unit=f"{start_s:g}-{end_s:g} s",
        truth=finite_or_none(truth_bpm),
        estimate=finite_or_none(estimated.estimate_k[k]),
        spread=finite_or_none(estimated.spread_k[k]),
        interval=finite_intervals(estimated.interval_k_i_2[k]),
        strata=strata,
        start_s=float(start_s),
        end_s=float(end_s),
        included=not why,
        why=why,
    )


def _breath_rows(record: Record) -> Iterator[Row]:
  """Rows of breaths that are detected, against each annotator's marks."""
  predictions = record.predictions
  marks = _marks(record)
  constant_bpm = predictions.get("rate_bpm")
  estimate_t = waveform(predictions)
  if not marks or (constant_bpm is None and estimate_t is None):
    return

  truths = _annotated(record, 60)
  for start_s, why in zip(truths.start_s_k, truths.why_k, strict=True):
    if constant_bpm is not None:
      detected = _constant_breaths(constant_bpm, start_s, 60)
    else:
      detected = _breaths_of_waveform(estimate_t, predictions["rate_hz"], start_s, 60)
    value = np.nan
    if detected is not None:
      value = breaths.best_f1(detected, marks, start_s, 60)
    yield _value_row(record, "breath_f1_tol500ms_win60_lag1s_signed", start_s, 60, value, why)


def _constant_breaths(
    rate_bpm: float,
    start_s: float,
    window_s: float,
) -> Sequence[np.ndarray] | None:
  """Breaths that are evenly spaced in a window; None where the rate is none."""
  if not rate_bpm > 0:
    return None
  return breaths.constant_breaths(rate_bpm, start_s, window_s)


def _breaths_of_waveform(
    x_t: np.ndarray,
    rate_hz: float,
    start_s: float,
    window_s: float,
) -> Sequence[np.ndarray] | None:
  """Breaths that a waveform shows in a window; None where it has a gap there."""
  [window_t] = windows_of(x_t, rate_hz, [start_s], window_s)
  if not np.isfinite(window_t).all():
    return None
  return breaths.breaths_around(x_t, rate_hz, start_s, window_s)


def _waveform_rows(record: Record, target: Target) -> Iterator[Row]:
  """The waveform against the target."""
  estimate_t = waveform(record.predictions)
  if estimate_t is None:
    return

  rate_hz = target.rate_hz
  to_target = functools.partial(
      resample.resample,
      rate_hz=record.predictions["rate_hz"],
      to_hz=rate_hz,
  )
  estimate_t = _keep_gaps(to_target, estimate_t)
  start_s_k = starts_s(record, 60, 60)
  truths = windows_of(np.asarray(target.resp_t), rate_hz, start_s_k, 60)
  estimates = windows_of(estimate_t, rate_hz, start_s_k, 60)

  for start_s, truth_t, estimate_t in zip(start_s_k, truths, estimates, strict=True):
    why = ""
    if not np.isfinite(truth_t).all():
      why = "no true waveform"
    unit_truth_t = waveforms.unit_scale(truth_t)
    unit_estimate_t = waveforms.unit_scale(estimate_t)
    unit = float(waveforms.waveform_mae(unit_truth_t, unit_estimate_t))
    correlation = np.nan
    if np.isfinite(unit):
      best = waveforms.signed_lag_correlation(truth_t, estimate_t, rate_hz)
      correlation = best.value
    yield _value_row(record, "resp_corr_lag1s_signed_win60", start_s, 60, correlation, why)
    yield _value_row(record, "resp_mae_unit_win60", start_s, 60, unit, why)
    # the same on [-1, 1]: the published text and code name different scales
    yield _value_row(record, "resp_mae_sym_win60", start_s, 60, 2 * unit, why)


def _smooth(predictions: Predictions) -> Predictions:
  """Predictions with the published post-filter on every waveform.

  Butterworth of order 8 at 1 Hz, forwards and backwards.
  """
  rate_hz = predictions.get("rate_hz", 0)
  if rate_hz <= 2:
    return predictions

  low_pass = functools.partial(
      filters.low_pass,
      rate_hz=rate_hz,
      cutoff_hz=1.0,
      order=8,
  )
  smooth = dict(predictions)
  for name, x in predictions.items():
    if name.endswith("_t"):
      smooth[name] = _keep_gaps(low_pass, x)
  return smooth


def _keep_gaps(run: Callable[[np.ndarray], np.ndarray], x_t: np.ndarray) -> np.ndarray:
  """A filter or resampler run on x_t [..., t] with its gaps bridged, and opened again after it."""
  x_t = np.asarray(x_t)
  bridged_t = np.apply_along_axis(resample.fill_gaps, -1, x_t)
  y_t = run(bridged_t)

  n_in = x_t.shape[-1]
  n_out = y_t.shape[-1]
  source = np.arange(n_out) * n_in // n_out
  is_there = np.isfinite(x_t)[..., source]
  return np.where(is_there, y_t, np.nan)


def _value_row(
    record: Record,
    metric: str,
    start_s: float,
    window_s: float,
    value: float,
    why: str,
) -> Row:
  """A row of one value in one window."""
  end_s = start_s + window_s
  return Row(
      metric=metric,
      group=record.group,
      record=record.id,
      unit=f"{start_s:g}-{end_s:g} s",
      value=finite_or_none(value),
      start_s=float(start_s),
      end_s=float(end_s),
      included=not why,
      why=why,
  )
