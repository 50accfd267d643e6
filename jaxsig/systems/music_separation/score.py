"""Scores of separated songs, from energies per second and errors of amplitudes."""
from collections.abc import Iterator

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record
from jaxsig.rows import Row, finite_or_none
from jaxsig.signal import bss_eval
from jaxsig.system import Predictions

GATED = "sdr_db_30s_15s_gated"
FRAMEWISE = "sdr_db_30s_15s"
SECONDS = "sdr_db_1s"
SONG = "sdr_db_song"
AMPLITUDE = "amplitude_nmse_song"
POLICIES = {   # {metric: (policy, gate)}
    GATED: (bss_eval.SISEC2016, bss_eval.GATE),
    FRAMEWISE: (bss_eval.SISEC2016, None),
    SECONDS: (bss_eval.V4, None),
    SONG: (bss_eval.USDR, None),
}


def energies_of(predictions: Predictions, record: Record) -> bss_eval.Energies:
  """Energies of each second of a song, without the silence that pads it to whole windows."""
  rate_hz = int(record.rate_hz)
  samples = record.info["length_t"]
  seconds = -(-samples // rate_hz)
  sums = {}
  for name in ("truth", "estimate", "error"):
    sum_b_s_j = np.asarray(predictions[f"{name}_b_s_j"], np.float64)
    sum_s_j = sum_b_s_j.reshape(-1, sum_b_s_j.shape[-1])
    sums[name] = sum_s_j[:seconds].T

  starts_s = np.arange(seconds) * rate_hz
  ends_s = np.minimum(starts_s + rate_hz, samples)
  return bss_eval.Energies(
      signal_j_s=sums["truth"],
      error_j_s=sums["error"],
      silent_j_s=sums["truth"] == 0,
      mute_j_s=sums["estimate"] == 0,
      values_s=2 * (ends_s - starts_s),
      whole=samples // rate_hz,
  )


def score(config: ConfigDict, record: Record) -> Iterator[Row]:
  """Rows of a predicted song: SDR by each policy of frames, and the error of amplitudes.

  A song without known stems, a user's own, has none.
  """
  if "truth_b_s_j" not in record.predictions:
    return
  seconds = energies_of(record.predictions, record)
  for metric, (policy, gate) in POLICIES.items():
    yield from _sdr_rows(metric, policy, gate, seconds, record, config.data.stems)
  if "amplitude_error_b_j" in record.predictions:
    yield from _amplitude_rows(record, config.data.stems)


def _sdr_rows(
    metric: str,
    policy: bss_eval.Policy,
    gate: float | None,
    seconds: bss_eval.Energies,
    record: Record,
    stems: tuple[str, ...],
) -> Iterator[Row]:
  """A row a frame and stem; a frame in which any stem is silent is not counted."""
  sdr_db_j_w = bss_eval.frame_sdr_db(seconds, policy, gate)
  for w, (start_s, end_s) in enumerate(bss_eval.frame_bounds(seconds, policy)):
    for j, stem in enumerate(stems):
      value = finite_or_none(sdr_db_j_w[j, w])
      why = ""
      if value is None:
        why = "a stem is silent"
      yield Row(
          metric=metric,
          group=record.group,
          record=record.id,
          unit=f"{start_s}-{end_s} s",
          target=stem,
          value=value,
          start_s=float(start_s),
          end_s=float(end_s),
          included=value is not None,
          why=why,
      )


def _amplitude_rows(record: Record, stems: tuple[str, ...]) -> Iterator[Row]:
  """A row a stem: the squared error of its amplitudes over that of the training's mean spectrum."""
  error_j = np.sum(record.predictions["amplitude_error_b_j"], 0, dtype=np.float64)
  constant_j = np.sum(record.predictions["amplitude_constant_b_j"], 0, dtype=np.float64)
  for j, stem in enumerate(stems):
    if constant_j[j] == 0:
      continue
    yield Row(
        metric=AMPLITUDE,
        group=record.group,
        record=record.id,
        unit="song",
        target=stem,
        value=float(error_j[j] / constant_j[j]),
        start_s=0.0,
        end_s=record.duration_s,
    )
