"""What is known of a subject's pressure before the tested windows begin."""
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import labels, usable_windows
from jaxsig.data.records import Record, Spans, spans_of


class Known(NamedTuple):
  """Known readings of a record, in the order of time, and when its tested windows may begin."""
  start_s_k: np.ndarray
  length_s_k: np.ndarray
  bp_mmhg_k_p: np.ndarray   # [k, 2] systolic and diastolic
  from_s: float             # the first tested window begins here or later

  def first(self, count: int) -> "Known":
    """Without the readings after the first `count`; tested windows begin when they did."""
    chosen = slice(count)
    return Known(
        self.start_s_k[chosen], self.length_s_k[chosen], self.bp_mmhg_k_p[chosen], self.from_s)


NOTHING = Known(np.zeros(0), np.zeros(0), np.zeros((0, 2)), 0.0)


def known_windows(record: Record, config: ConfigDict) -> Known:
  """The readings of a user's record, or the windows at the beginning of a labelled one.

  Args:
    record: with info["readings"], [[time_s, sbp, dbp], ...] in mmHg; or labelled.
    config: `known_share`: windows that end before this share of the labelled time are known;
      `known_gap_s`: between the known time and the first tested window.
  """
  readings = record.info.get("readings")
  if readings:
    table_k_c = np.array(readings, float)
    return Known(table_k_c[:, 0], np.zeros(len(table_k_c)), table_k_c[:, 1:3], 0.0)
  beats = labels.beats_of(record)
  if not config.known_share or not beats or not len(beats["sbp"].time_s_k):
    return NOTHING
  return _of_labels(record, beats["sbp"].time_s_k, config)


def _of_labels(record: Record, time_s_k: np.ndarray, config: ConfigDict) -> Known:
  first_s, last_s = time_s_k[0], time_s_k[-1]
  until_s = first_s + config.known_share * (last_s - first_s)
  every = usable_windows.spans(record, config)
  chosen = _ended_by(every, until_s)
  return Known(
      start_s_k=chosen.start_s_b,
      length_s_k=chosen.length_s_b,
      bp_mmhg_k_p=labels.labels(record, chosen, config),
      from_s=until_s + config.known_gap_s,
  )


def _ended_by(every: Spans, until_s: float) -> Spans:
  ends_s_b = every.start_s_b + every.length_s_b
  chosen_b = ends_s_b <= until_s + 1e-6
  return spans_of(every.start_s_b[chosen_b], every.length_s_b[chosen_b])
