"""How respiration is judged.

The metrics and their names, what is kept for figures, and what readers are told.
"""
import functools
from collections.abc import Mapping

import numpy as np
from ml_collections import ConfigDict

from jaxsig.config import require_known
from jaxsig.data.records import Record
from jaxsig.rows import Row
from jaxsig.system import Figure, Material, Metric, Protocol, Words
from jaxsig.systems.respiration import baselines
from jaxsig.systems.respiration.method_rates import RULES
from jaxsig.systems.respiration.score import WINDOWS_S, score_record
from jaxsig.systems.respiration.target import Target, target_of

UNIT = "breaths/min"
WITHIN_BPM = (2.0,)
WORDS = Words(
  group="patient",
  groups="patients",
  record="recording",
  records="recordings",
  unit="window",
  units="windows",
)
STORED = ("resp_t", "rate_hz", "rate_pmf_b_r", "start_s_b", "length_s_b")


def metrics() -> dict[str, Metric]:
  """{name: Metric} of all rows of `score.score_record`."""
  return _rate_metrics() | _waveform_metrics()


def _rate_metrics() -> dict[str, Metric]:
  known = {}
  for window_s in WINDOWS_S:
    prefix = f"rr_bpm_win{window_s}_annotators"
    title = f"Rate in {window_s} s against the annotators"
    known[f"{prefix}_spectral"] = _rate_metric(f"{title}, by the spectrum")
    known[f"{prefix}_count"] = _rate_metric(f"{title}, by counting breaths")

  known["rr_bpm_win60_resp_spectral"] = _rate_metric(
      "Rate in 60 s against the reference waveform's spectrum"
  )
  known["rr_bpm_win60_resp_authors"] = _rate_metric(
      "Rate in 60 s against the reference waveform, by RespDiff's published rule"
  )
  known["rr_mae_bpm_win60_resp_authors_div_n_minus_1"] = Metric(
      "The published rule's mean, divided by one window less",
      UNIT,
  )
  return known


def _rate_metric(title: str) -> Metric:
  return Metric(
      title,
      UNIT,
      is_error=True,
      within=WITHIN_BPM,
  )


def _waveform_metrics() -> dict[str, Metric]:
  known = {}
  known["resp_corr_lag1s_signed_win60"] = Metric(
      "Correlation with the reference waveform, best sign and lag within 1 s",
      better="higher",
      decimals=3,
  )
  known["breath_f1_tol500ms_win60_lag1s_signed"] = Metric(
      "Breaths found within 0.5 s (F1)",
      better="higher",
      decimals=3,
  )
  known["resp_mae_unit_win60"] = Metric(
      "Waveform error, both scaled to [0, 1]",
      decimals=3,
  )
  known["resp_mae_sym_win60"] = Metric(
      "Waveform error, both scaled to [-1, 1]",
      decimals=3,
  )
  return known


def make(config: ConfigDict) -> Protocol:
  """The protocol of `config.read` (rate_of, divisor_slip) on the windows of `config.data`.

  Raises:
    UserError: an unknown `read.rate_of`.
  """
  rule = config.read.rate_of
  require_known("read.rate_of", rule, RULES)
  return Protocol(
      score=functools.partial(_score, config),
      metrics=metrics(),
      baselines=baselines.METHODS,
      words=WORDS,
      keep=functools.partial(_keep, config),
      figures=_figures,
  )


def _target(config: ConfigDict, record: Record) -> Target | None:
  if "resp_t" not in record.signals:
    return None
  return target_of(record, config.data)


def _score(config: ConfigDict, record: Record) -> list[Row]:
  return score_record(
      record,
      target=_target(config, record),
      rate_of=config.read.rate_of,
      divisor_slip=config.read.divisor_slip,
  )


def _keep(config: ConfigDict, record: Record) -> Mapping[str, np.ndarray]:
  """The waveform, its samples' standard deviation, the rate's posteriors, and the target."""
  predictions = record.predictions
  kept = {name: predictions[name] for name in STORED if name in predictions}
  if "resp_s_t" in predictions:
    kept["resp_sd_t"] = np.asarray(predictions["resp_s_t"]).std(0)
  target = _target(config, record)
  if target is not None:
    kept["target_t"] = target.resp_t
    kept["target_rate_hz"] = target.rate_hz
  return kept


def _figures(material: Material) -> list[Figure]:
  from jaxsig.systems.respiration import figures  # draws: not needed before
  return figures.figures(material)
