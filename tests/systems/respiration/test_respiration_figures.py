"""Pictures of breathing: the examples of a report, and envelopes of long recordings."""
import matplotlib.figure
import numpy as np
import pytest

from jaxsig.rows import Row
from jaxsig.system import Material
from jaxsig.systems.respiration import figures, figures_recording, protocol

pytestmark = pytest.mark.quick

METRIC = "rr_bpm_win60_annotators_spectral"
TARGET_HZ, RESP_HZ = 4.0, 5.0
DELAY_S = 0.4
INTERVAL_S = 4.0   # of breaths


def window(group, error, k=0, **more) -> Row:
  """The k-th minute of the group's recording."""
  place = {"unit": f"{60 * k}-{60 * k + 60} s", "start_s": 60.0 * k, "end_s": 60.0 * k + 60}
  row = {
      "metric": METRIC,
      "group": group,
      "record": f"{group}1",
      "truth": 15.0,
      "estimate": 15.0 + error,
      "method": "ours",
  }
  return Row(**{**row, **place, **more})



def stored(method, row):
  """What was stored of three minutes; the reference is upside down and comes earlier."""
  target_s = np.arange(180 * TARGET_HZ) / TARGET_HZ
  resp_s = np.arange(180 * RESP_HZ) / RESP_HZ
  return {
      "target_t": -np.sin(2 * np.pi * target_s / INTERVAL_S),
      "target_rate_hz": TARGET_HZ,
      "resp_t": np.sin(2 * np.pi * (resp_s - DELAY_S) / INTERVAL_S),
      "resp_sd_t": np.full(len(resp_s), 0.1),
      "rate_hz": RESP_HZ,
  }


def material(rows, stored=stored, metric=METRIC) -> Material:
  return Material(rows, ["ours", "rival"], "ours", [metric], stored, None, None)


def drawn(rows, stored=stored, metric=METRIC) -> matplotlib.figure.Figure | None:
  [figure] = figures.figures(material(rows, stored, metric))
  return figure.draw()


def test_the_example_shows_the_window_of_its_row():
  [axis] = drawn([window("A", 1.0, k=1)]).axes
  reference, estimate = axis.get_lines()
  band = axis.collections[0].get_paths()[0].vertices[:, 0]
  for time_s, rate_hz in ((reference.get_xdata(), TARGET_HZ), (estimate.get_xdata(), RESP_HZ)):
    np.testing.assert_allclose(time_s, 60 + np.arange(60 * rate_hz) / rate_hz)
  assert (band.min(), band.max()) == (60.0, 60 + 60 - 1 / RESP_HZ)

  def at_unit_scale(x_t):
    return (x_t - x_t.mean()) / x_t.std()

  whole = stored("ours", None)
  target_t = whole["target_t"][int(60 * TARGET_HZ):int(120 * TARGET_HZ)]
  resp_t = whole["resp_t"][int(60 * RESP_HZ):int(120 * RESP_HZ)]
  np.testing.assert_allclose(reference.get_ydata(), at_unit_scale(target_t))
  np.testing.assert_allclose(estimate.get_ydata(), at_unit_scale(resp_t))


def test_a_part_of_a_waveform_knows_its_time():
  time_s = np.arange(180 * TARGET_HZ) / TARGET_HZ
  part = figures._part(time_s, TARGET_HZ, window("A", 1.0, k=1))
  np.testing.assert_allclose(part.x_t, part.time_s)   # the waveform is its own time
  assert (part.time_s[0], len(part.time_s)) == (60.0, 240)


def test_the_example_tells_lag_and_sign():
  [axis] = drawn([window("A", 1.0, k=1)]).axes
  title = axis.get_title()
  for said in (
      "best: A1, 60-120 s",
      "truth 15.0, estimate 16.0",
      "lag +0.4 s",
      "sign -1",
      "correlation 1.00",
  ):
    assert said in title


def test_best_median_and_worst_patient_are_shown_by_their_most_typical_window():
  rows = [
      window("A", 3.0),
      window("B", -1.0),
      window("C", 9.0),
      window("C", 1.0, k=1),
      window("C", -5.2, k=2),
  ]
  hidden = [
      window("D", 0.0, included=False),
      window("E", 0.0, method="rival"),
      window("F", 0.0, metric="rr_bpm_win60_annotators_count"),
      window("G", 0.0, estimate=None),
  ]
  titles = [axis.get_title() for axis in drawn(rows + hidden).axes]
  assert len(titles) == 3
  assert titles[0].startswith("best: B1, 0-60 s")
  assert titles[1].startswith("median: A1, 0-60 s")
  assert titles[2].startswith("worst: C1, 120-180 s")


@pytest.mark.parametrize("metric", protocol.metrics())
def test_any_metric_may_be_the_primary_one(metric):
  known = protocol.metrics()[metric]
  results = {"A": 0.1, "B": 0.2, "C": 0.4}
  best, worst = "A", "C"
  if known.better == "higher":
    best, worst = worst, best
  rows = []
  for group, result in results.items():
    row = window(group, result, metric=metric)
    if not known.is_error:
      row = window(group, 0.0, metric=metric, truth=None, estimate=None, value=result)
    rows.append(row)
  titles = [axis.get_title() for axis in drawn(rows, metric=metric).axes]
  assert titles[0].startswith(f"best: {best}1")
  assert titles[1].startswith("median: B1")
  assert titles[2].startswith(f"worst: {worst}1")


def test_without_material_there_is_no_example():
  assert drawn([]) is None
  assert drawn([window("A", 1.0)], stored=lambda method, row: None) is None
  assert drawn([window("A", 1.0)], stored=lambda method, row: {"rate_hz": 5.0}) is None


def test_an_envelope_has_the_extremes_of_each_column_and_shows_gaps():
  x_t = np.arange(1000.0)
  x_t[200:300] = np.nan
  x_t[305] = np.nan
  at_s, low, high = figures_recording.envelope(x_t, 10.0, columns=100)
  assert len(at_s) == 100
  assert at_s[0] == 0.5
  assert (low[0], high[0]) == (0, 9)
  assert (low[30], high[30]) == (300, 309)
  assert np.flatnonzero(np.isnan(low)).tolist() == list(range(20, 30))
