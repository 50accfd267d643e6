"""Windows of a PPG with the pressure of their beats.

Fields of `config.data` that are read here and in the modules that this one uses:
  window: "time", windows of `window_s` every `hop_s`; or "beats", of `beats` whole beats each, from
    foot to foot, every `hop_beats`.
  samples: of a window after it is resampled.
  rate_hz: at which the PPG is filtered.
  filter: "record": the whole record is filtered from `low_hz` to `high_hz`, then cut; "window":
    each window by itself, as the published code does, with transients at its ends.
  derivatives, derivative_form: channels beside the PPG, see `window_channels`.
  rate_limits_bpm: of the pulse, by the PPG.
  snr_form, snr_min_db: see `snr`; an empty form leaves no window out.
  sbp_limits, dbp_limits, limit_rule, stable, label_rounding: see `labels`.
  known_share, known_gap_s, known_input: see `known_windows`.
  max_windows: of a record, spread evenly; 0 for all.
"""
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import known_windows, labels
from jaxsig.data.ppg.pressure.prepared_ppg import stretches
from jaxsig.data.ppg.pressure.window_channels import channels
from jaxsig.data.records import Record, Spans, spans_of


def cut(record: Record, spans: Spans, config: ConfigDict) -> dict[str, np.ndarray]:
  """The arrays of some windows of a record.

  Returns:
    "ppg_b_t_c": float32 [b, samples, channels], mean 0 and deviation 1 each; "rate_bpm_b": pulse
    rate; of a labelled record "bp_mmhg_b_p": [b, 2] systolic and diastolic pressure; with
    `config.known_input` also "known_ppg_b_t_c" and "known_bp_mmhg_b_p", the last known reading.
  """
  parts = stretches(record, config)
  arrays = channels(parts, spans, config)
  if labels.beats_of(record):
    arrays["bp_mmhg_b_p"] = labels.labels(record, spans, config).astype(np.float32)
  if config.known_input:
    known = known_windows.known_windows(record, config)
    arrays |= _known_arrays(record, known, len(spans), config)
  return arrays


def _known_arrays(
    record: Record,
    known: known_windows.Known,
    count: int,
    config: ConfigDict,
) -> dict[str, np.ndarray]:
  """The last known window and its pressure, once for each of `count` windows; NaN without one."""
  ppg_t_c = np.zeros((config.samples, 1 + config.derivatives), np.float32)
  bp_mmhg_p = np.full(2, np.nan, np.float32)
  if len(known.start_s_k):
    last = spans_of(known.start_s_k[-1:], known.length_s_k[-1:])
    ppg_t_c = channels(stretches(record, config), last, config)["ppg_b_t_c"][0]
    bp_mmhg_p = known.bp_mmhg_k_p[-1].astype(np.float32)
  return {
      "known_ppg_b_t_c": np.broadcast_to(ppg_t_c, (count, *ppg_t_c.shape)),
      "known_bp_mmhg_b_p": np.broadcast_to(bp_mmhg_p, (count, 2)),
  }
