"""What is told of a user's recording: why a rate is not good, and a stream's rates."""
import json

import numpy as np
import pytest
from builders import small
from fake_pulses import pulses
from fake_recording import LONG, fake, posteriors, pulse, without

from jaxsig.data.ppg import polarity
from jaxsig.prediction import own_file
from jaxsig.systems.respiration.own_rates import rates_of
from jaxsig.systems.respiration.rates import RATE_BPM_R

pytestmark = pytest.mark.quick
HZ = 50.0


def causal(**changes: object):
  """The config of streams: a window of a minute every two seconds, from its own samples alone."""
  stream = {"data__causal": True, "data__stride_s": 2.0, "read__rate_of": "posterior"}
  return small(LONG, **{**stream, **changes})


def uneven(params, stats, batch, keys_b):
  """Instead of a network: a posterior whose rate is the mean of the window's last 10 s, + 20."""
  import jax
  import jax.numpy as jnp
  level_b = batch["ppg_b_t_p"][:, -50:].mean((1, 2))
  logits_b_r = -(jnp.log(RATE_BPM_R / (20 + 5 * level_b[:, None])) / 0.05) ** 2
  return {"rate_pmf_b_r": jax.nn.softmax(logits_b_r)}


def test_a_stream_has_a_rate_every_two_seconds():
  told = own_file.predict(pulse(100), HZ, fake(causal(), posteriors))
  rates = rates_of(told)
  assert [rate.end_s for rate in rates] == list(np.arange(60.0, 101.0, 2.0))
  for rate in rates:
    assert rate.end_s - rate.start_s == 60
    assert rate.rate_bpm == pytest.approx(15, abs=0.3)
    assert (rate.quality, rate.why) == ("good", "")


@pytest.mark.parametrize("rule", ["posterior", "pooled"])
def test_a_streams_rates_depend_on_nothing_later(rule):
  x_t = np.random.default_rng(0).standard_normal(round(110 * HZ)).cumsum()
  y_t = x_t.copy()
  y_t[round(90 * HZ):] = y_t[round(90 * HZ):][::-1]
  config = causal(own__polarity="upright", read__rate_of=rule)
  model = fake(config, uneven)
  a = rates_of(own_file.predict(x_t, HZ, model))
  b = rates_of(own_file.predict(y_t, HZ, model))
  same = [one.rate_bpm == other.rate_bpm for one, other in zip(a, b, strict=True)]
  ends_s = [rate.end_s for rate in a]
  assert len(set(rate.rate_bpm for rate in a)) > 10
  assert all(same[:ends_s.index(90) + 1])
  assert not any(same[ends_s.index(92):])


def test_a_stream_has_no_rate_within_a_minute_after_a_gap():
  x_t = without(pulse(200), (90, 95), (120.2, 120.4))
  rates = rates_of(own_file.predict(x_t, HZ, fake(causal(), posteriors)))
  ends_s = np.array([rate.end_s for rate in rates])
  assert not ((ends_s > 90) & (ends_s < 155)).any()
  bridged = [rate for rate in rates if rate.start_s < 120.2 and rate.end_s > 120.4]
  assert bridged and all("bridged" in rate.why for rate in bridged)


@pytest.mark.parametrize("duration_s", [60, 61, 119])
def test_a_short_stream(duration_s):
  told = own_file.predict(pulse(duration_s), HZ, fake(causal(), posteriors))
  assert rates_of(told)[0].end_s == 60
  assert rates_of(told)[0].quality == "good"


def test_a_stream_without_a_usable_minute_has_no_estimate_and_says_why():
  gaps_s = [(start_s, start_s + 5.0) for start_s in range(7, 200, 50)]
  told = own_file.predict(without(pulse(200), *gaps_s), HZ, fake(causal(), posteriors))
  for rate in rates_of(told):
    assert rate.quality == "no estimate"
    assert "could be read" in rate.why


def test_a_stream_is_written_and_summed_up(tmp_path, capsys):
  np.save(tmp_path / "mine.npy", pulse(130))
  own_file.run(fake(causal(), posteriors), tmp_path / "mine.npy", HZ, tmp_path / "out")
  lines = (tmp_path / "out/mine_rates.csv").read_text().splitlines()
  assert len(lines) == 1 + 36
  assert lines[-1].startswith("70,130,")
  assert "36 windows: 36 good" in capsys.readouterr().out


def flat(params, stats, batch, keys_b):
  """Instead of a network: one that has learnt nothing."""
  import jax.numpy as jnp
  return {"rate_pmf_b_r": jnp.ones((len(keys_b), len(RATE_BPM_R)))}


def test_a_model_that_learnt_nothing_says_why_there_is_no_estimate(tmp_path, capsys):
  np.save(tmp_path / "mine.npy", pulses(125, HZ))
  own_file.run(fake(small(LONG), flat), tmp_path / "mine.npy", HZ, tmp_path / "out")
  said = capsys.readouterr().out
  about = json.loads((tmp_path / "out/mine_respiration.json").read_text())
  rows = (tmp_path / "out/mine_rates.csv").read_text().splitlines()
  for rate, row in zip(about["rates"], rows[1:], strict=True):
    assert rate["quality"] == "no estimate"
    assert rate["why"]
    assert rate["why"] in said
    assert row.endswith(rate["why"])


def test_a_metric_against_a_reference_is_not_asked_for(tmp_path):
  """The published configuration is judged by one, and a user's recording has none."""
  config = small(LONG, report__primary="rr_bpm_win60_resp_authors")
  told = own_file.predict(pulse(125), HZ, fake(config, posteriors))
  assert [rate.quality for rate in rates_of(told)] == ["good", "good"]


def test_an_inverted_recording_gives_the_rates_of_the_upright_one():
  model = fake(small(LONG), uneven)
  upright = model.predict(pulses(130, HZ), HZ)
  inverted = model.predict(-pulses(130, HZ), HZ)
  assert inverted.rates == upright.rates
  assert list(inverted.notes) == [polarity.TURNED]
  assert upright.notes == ()


def test_what_was_done_is_told_on_the_console_and_in_the_json(tmp_path, capsys):
  x_t = pulses(70, HZ)
  x_t[[500, 900, 1500]] = -9999
  np.save(tmp_path / "mine.npy", -x_t[None])
  own_file.run(fake(small(LONG), posteriors), tmp_path / "mine.npy", HZ, tmp_path / "out")
  said = capsys.readouterr().out
  notes = json.loads((tmp_path / "out/mine_respiration.json").read_text())["notes"]
  assert len(notes) == 3
  for note, words in zip(notes, ("one signal", "9999", "upside down"), strict=True):
    assert words in note
    assert note in said


@pytest.mark.parametrize(
  ("changes", "words"),
  [
    ({"own__polarity": "down"}, "own.polarity"),
    ({"own__signal": "7"}, "no signal '7'"),
  ],
)
def test_options_are_checked(tmp_path, changes, words):
  from fake_bidmc import says
  (tmp_path / "a.csv").write_text("\n".join(f"{x:.5f}" for x in pulses(70, HZ)))
  assert words in says(own_file.predict, tmp_path / "a.csv", HZ, fake(small(LONG, **changes)))
