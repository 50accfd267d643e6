"""The rule that says how far a rate may be trusted."""
import pytest

from jaxsig.rows import Row
from jaxsig.system import Seen
from jaxsig.systems.respiration import quality

pytestmark = pytest.mark.quick

NAN = float("nan")


def rate(estimate, spread=None, interval=None, **fields) -> Row:
  row = {
      "metric": "rr_bpm_win60_annotators_spectral",
      "group": "user",
      "record": "mine",
      "unit": "0-60 s",
      "estimate": estimate,
      "spread": spread,
      "interval": interval or {},
  }
  return Row(**{**row, **fields})


def seen(bridged_s=0.0, unseen_s=0.0) -> Seen:
  return Seen(60.0, bridged_s, unseen_s)


@pytest.mark.parametrize(("row", "of_it", "want"), [
    (rate(15.0, 0.5), seen(), "good"),
    (rate(15.0, 0.5, {"95": (14.0, 16.0)}), seen(), "good"),
    (rate(15.0, 2.1), seen(), "doubtful"),
    (rate(15.0, None), seen(), "doubtful"),   # a method that says nothing of its error
    (rate(15.0, 0.5), seen(bridged_s=0.3), "doubtful"),
    (rate(15.0, 0.5), seen(unseen_s=0.9), "good"),
    (rate(15.0, 0.5), seen(unseen_s=20.0), "doubtful"),
    (rate(15.0, 0.5), seen(unseen_s=31.0), "no estimate"),
    (rate(15.0, 6.1), seen(), "no estimate"),
    (rate(15.0, 1.0, {"95": (8.0, 20.1)}), seen(), "no estimate"),
    (rate(15.0, 6.1, {"95": (9.0, 20.0)}), seen(), "doubtful"),
    (rate(None, 0.5), seen(), "no estimate"),
    (rate(NAN, 0.5), seen(), "no estimate"),
    (rate(4.0, 0.1), seen(), "no estimate"),
    (rate(59.9, 0.1), seen(), "no estimate"),
    (rate(4.3, 0.1), seen(), "good"),
])
def test_the_rule_of_quality(row, of_it, want):
  assert quality.judge(row, of_it).quality == want


def test_a_row_without_an_estimate_has_no_number():
  row = rate(59.9, 1.0, {"50": (58.0, 60.0), "95": (57.0, 62.0)}, start_s=60.0, end_s=120.0)
  judged = quality.judge(row, seen())
  assert (judged.estimate, judged.spread, judged.interval) == (None, None, {})
  assert (judged.metric, judged.start_s, judged.end_s) == (row.metric, 60.0, 120.0)
  assert judged.truth is None


def test_a_row_with_an_estimate_keeps_its_numbers():
  row = rate(15.0, 1.0, {"95": (14.0, 17.0)})
  judged = quality.judge(row, seen())
  assert (judged.estimate, judged.spread, judged.interval) == (15.0, 1.0, {"95": (14.0, 17.0)})


@pytest.mark.parametrize("row", [
    rate(None, value=0.9, metric="resp_corr_lag1s_signed_win60"),
    rate(15.0, metric="level_units"),
])
def test_rows_that_are_no_rates_have_no_quality(row):
  assert quality.judge(row, seen()) is row


@pytest.mark.parametrize(("row", "of_it", "words"), [
    (rate(15.0, 0.5), seen(), ""),
    (rate(15.0, 0.5), seen(unseen_s=48.0), "only 12 of 60 s could be read"),
    (rate(None), seen(unseen_s=60.0), "only 0 of 60 s"),
    (rate(None), seen(unseen_s=20.0), "20.0 of 60 s are missing"),
    (rate(None), seen(), "no rate stands out between 4 and 60"),
    (rate(NAN, 0.5), seen(), "no rate stands out"),
    (rate(4.0, 0.1), seen(), "at the edge of 4 to 60"),
    (rate(59.9, 0.1), seen(), "at the edge of 4 to 60"),
    (rate(15.0, 1.0, {"95": (8.0, 22.0)}), seen(), "95 % interval is as wide as 14.0 breaths/min"),
    (rate(15.0, 7.0), seen(), "twice its spread is 14.0 breaths/min"),
    (rate(15.0, 2.5), seen(), "spread is 2.5"),
    (rate(15.0, None), seen(), "does not say how sure"),
    (rate(15.0, 0.5), seen(bridged_s=0.3), "0.3 s are bridged"),
    (rate(15.0, 0.5), seen(unseen_s=20.0), "20.0 of 60 s are missing"),
])
def test_what_is_not_good_says_why(row, of_it, words):
  judged = quality.judge(row, of_it)
  assert words in judged.why
  assert bool(judged.why) == (judged.quality != "good")
