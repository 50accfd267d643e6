"""Samples at time stamps put on a uniform grid: rounding, gaps, rates that change, packets."""
import numpy as np
import pytest
from fake_text import Folder, formatted, lines, signal, smooth


@pytest.fixture
def folder(tmp_path) -> Folder:
  return Folder(tmp_path)


def timed(time_s: np.ndarray, x_t: np.ndarray, form: str = ".6f") -> str:
  return lines(formatted(time_s, form), formatted(x_t, ".5f"), head="time_s,level")


@pytest.mark.parametrize(
  ("rate_hz", "form"),
  [
    (64.0, ".3f"),
    (64.0, ".2f"),
    (64.0, ".1f"),
    (64.0, ".0f"),
    (60.0, ".6f"),
    (60.0, ".3f"),
    (100 / 3, ".3f"),
    (30 / 1.001, ".3f"),
    (125.0, ".3f"),
    (256.0, ".3f"),
    (97.0, ".2f"),
    (100.0, ".2f"),
    (75.5, ".4f"),
    (1000.0, ".3f"),
    (63.7, ".3f"),
    (25.0, ".10f"),
  ],
)
@pytest.mark.parametrize("start_s", [0.0, 1.7e9])
def test_rounded_times_read_as_the_plain_array(folder, rate_hz, form, start_s):
  time_s, x_t = signal(round(60 * rate_hz), rate_hz)
  channel = folder.read(timed(start_s + time_s, x_t, form)).channels[0]
  assert channel.rate_hz == pytest.approx(rate_hz, rel=1e-9)
  assert channel.samples / channel.rate_hz == pytest.approx(60, abs=0.02)
  np.testing.assert_array_equal(channel.load(), x_t)


@pytest.mark.parametrize("form", [".6f", ".4f", ".3f", ".2f"])
@pytest.mark.parametrize(
  ("parts", "expected_hz"),
  [
    ([(30, 120), (25, 120)], 30),
    ([(30, 121), (20, 119)], 30),
    ([(60, 120), (30, 120)], 60),
    ([(100, 60), (25, 180)], 100),
    ([(25, 200), (50, 40)], 50),
    ([(30, 60), (24, 60), (30, 60), (20, 60)], 30),
  ],
)
def test_a_rate_that_changes(folder, parts, expected_hz, form):
  begin_s = 0
  pieces = []
  for rate_hz, seconds in parts:
    pieces.append(begin_s + np.arange(rate_hz * seconds) / rate_hz)
    begin_s += seconds
  time_s = np.concatenate(pieces)

  read = folder.read(timed(time_s, smooth(time_s), form))
  channel = read.channels[0]
  assert channel.rate_hz == expected_hz
  assert channel.samples == 240 * expected_hz
  expected_t = smooth(np.arange(channel.samples) / expected_hz)
  np.testing.assert_allclose(channel.load()[:-2], expected_t[:-2], atol=0.12)
  assert f"resampled to {expected_hz}" in " ".join(read.notes)


@pytest.mark.parametrize("spread", [0.1, 0.25, 0.45])
def test_jitter_is_resampled(folder, spread):
  time_s, _ = signal(3840)
  random = np.random.default_rng(0)
  time_s = np.abs(time_s + random.uniform(-spread, spread, len(time_s)) / 64)
  read = folder.read(timed(time_s, smooth(time_s)))
  channel = read.channels[0]
  assert (channel.rate_hz, channel.samples) == (64, 3840)
  expected_t = smooth(time_s[0] + np.arange(3840) / 64)
  np.testing.assert_allclose(channel.load()[:-1], expected_t[:-1], atol=0.02)
  assert "uneven" in " ".join(read.notes)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3])
def test_lost_samples_do_not_bend_time(folder, share):
  time_s, x_t = signal(3840)
  present = np.random.default_rng(1).uniform(size=3840) >= share
  present[[0, -1]] = True
  channel = folder.read(timed(time_s[present], x_t[present])).channels[0]
  assert (channel.rate_hz, channel.samples) == (64, 3840)
  on_grid_t = channel.load()
  known = np.isfinite(on_grid_t)
  assert known.mean() > 0.95
  np.testing.assert_allclose(on_grid_t[known], x_t[known], atol=0.12)


@pytest.mark.parametrize("form", [".6f", ".3f", ".1f", ".0f"])
@pytest.mark.parametrize("start_s", [0.0, 1.7e9])
def test_gaps_are_nan(folder, form, start_s):
  time_s, x_t = signal(3200, 50.0)
  later_s = time_s + 9.0 * (time_s >= 20) + 30.0 * (time_s >= 40)
  read = folder.read(timed(start_s + later_s, x_t, form))
  on_grid_t = read.channels[0].load()
  known = np.isfinite(on_grid_t)
  np.testing.assert_array_equal(on_grid_t[known], x_t)

  slack = max(1, 100 * 10.0 ** -int(form[1]))
  edges = np.flatnonzero(np.diff(known))
  np.testing.assert_allclose(edges, [999, 1449, 2449, 3949], atol=slack)
  assert read.channels[0].rate_hz == pytest.approx(50, rel=0.03)
  assert "2 gaps" in " ".join(read.notes)


@pytest.mark.parametrize("packet", [4, 8, 25, 64])
@pytest.mark.parametrize("within_s", [0.0, 0.0002])
def test_packets_are_spread_evenly(folder, packet, within_s):
  time_s, x_t = signal(6400)
  random = np.random.default_rng(2)
  arrival_s = time_s[::packet] + random.exponential(0.02, len(time_s[::packet]))
  arrival_s = np.maximum.accumulate(arrival_s).repeat(packet)
  arrival_s += within_s * np.tile(np.arange(packet), len(arrival_s) // packet)
  channel = folder.read(timed(arrival_s, x_t)).channels[0]
  assert channel.rate_hz == pytest.approx(64, rel=1e-3)
  np.testing.assert_array_equal(channel.load(), x_t)


@pytest.mark.parametrize(
  ("rate_hz", "step_s", "seconds"),
  [
    (64, 1, 10),
    (64, 1, 20),
    (50, 1, 10),
    (63.5, 1, 30),
    (64, 60, 300),
    (128, 60, 180),
    (250, 5, 60),
  ],
)
def test_a_few_coarse_steps_do_not_tilt_the_rate(folder, rate_hz, step_s, seconds):
  time_s, x_t = signal(round(rate_hz * seconds), rate_hz)
  channel = folder.read(timed(np.floor(time_s / step_s) * step_s, x_t)).channels[0]
  assert channel.rate_hz == rate_hz
  np.testing.assert_array_equal(channel.load(), x_t)


def test_a_packet_that_waits_is_no_gap_and_a_lost_one_is(folder):
  time_s, x_t = signal(6400)
  arrival_s = time_s[::8].repeat(8)
  arrival_s[800:816] = arrival_s[816]   # two packets late
  present = np.ones(6400, bool)
  present[3200:3264] = False            # eight lost: a second
  channel = folder.read(timed(arrival_s[present], x_t[present])).channels[0]
  assert (channel.rate_hz, channel.samples) == (64, 6400)
  missing = np.flatnonzero(np.isnan(channel.load()))
  assert missing.tolist() == list(range(3200, 3264))


def test_samples_lost_from_times_as_coarse_as_their_steps(folder):
  time_s, x_t = signal(6000, 100.0)
  present = np.random.default_rng(3).uniform(size=6000) > 0.02
  present[[0, -1]] = True
  channel = folder.read(timed(time_s[present], x_t[present], ".2f")).channels[0]
  assert (channel.rate_hz, channel.samples) == (100, 6000)
  x_t[~present] = np.nan
  np.testing.assert_array_equal(channel.load(), x_t)


def test_missing_values_stay_missing_where_samples_are_resampled(folder):
  time_s = np.concatenate([np.arange(300) / 30, 10 + np.arange(250) / 25])
  cells = formatted(smooth(time_s), ".5f")
  cells[100:130] = [""] * 30
  channel = folder.read(lines(formatted(time_s, ".4f"), cells, head="time,level")).channels[0]
  missing = np.flatnonzero(np.isnan(channel.load()))
  assert missing.min() in (99, 100)
  assert missing.max() in (129, 130)


@pytest.mark.parametrize(
  ("jump_s", "words"),
  [(6 * 86400, "6.0 days"), (86400 * 365, "365.0 days"), (40000, "4e+04 s"), (1.7e9, "days")],
)
def test_a_gap_far_longer_than_the_file_is_refused(folder, jump_s, words):
  time_s, x_t = signal(800)
  sentence = folder.refusal(timed(time_s + jump_s * (time_s >= 5), x_t))
  assert words in sentence
  assert "line 321 to line 322: cut" in sentence


def test_a_recording_of_weeks_is_refused(folder):
  time_s = np.arange(800) * 1000.0
  assert "spans 9.2 days" in folder.refusal(timed(time_s, smooth(time_s)), 0.001)


@pytest.mark.parametrize(
  ("uneven", "rate_hz", "read_hz"),
  [
    (False, 64.0, 64.0),
    (False, 64.5, 64.0),
    (False, 60.0, None),
    (False, 128.0, None),
    (True, 30.0, 30.0),
    (True, 25.0, 30.0),
    (True, 29.0, 29.0),
    (True, 50.0, None),
  ],
)
def test_a_given_rate_is_checked_against_the_times(folder, uneven, rate_hz, read_hz):
  time_s, x_t = signal(640)
  if uneven:
    time_s = np.concatenate([np.arange(300) / 30, 10 + np.arange(250) / 25])
    x_t = smooth(time_s)
  text = timed(time_s, x_t)
  if read_hz:
    assert folder.read(text, rate_hz).channels[0].rate_hz == read_hz
  else:
    assert f"--rate_hz says {rate_hz:g}" in folder.refusal(text, rate_hz)


@pytest.mark.parametrize("samples", [2, 3, 4, 7, 17])
def test_a_few_samples(folder, samples):
  time_s, x_t = signal(samples)
  channel = folder.read(timed(time_s, x_t)).channels[0]
  assert (channel.rate_hz, channel.samples) == (64, samples)


def coarse_stamps(time_s: np.ndarray, kind: str) -> list[str]:
  """Stamps in which many samples share one, as some exports round them."""
  if kind == "float32":
    return formatted(np.float32(1714521600 + time_s).astype(float), ".1f")
  if kind in (".8g", ".9g"):
    return formatted(1714521600 + time_s, kind)
  step_s = float(kind)
  return formatted(np.floor((1714521600 + time_s) / step_s) * step_s, ".0f")


@pytest.mark.parametrize("rate_hz", [25.0, 100 / 3])
@pytest.mark.parametrize(
  ("kind", "start_s", "seconds"),
  [
    ("float32", 13.3, 62),
    ("float32", 47.1, 200),
    (".8g", 13.3, 62),
    (".8g", 47.1, 150),
    (".9g", 13.3, 20),
    ("60", 47.1, 62),
    ("60", 13.3, 100),
    ("60", 47.1, 120),
    ("10", 3.3, 20),
  ],
)
def test_stamps_too_coarse_for_a_rate_ask_for_it(folder, kind, start_s, seconds, rate_hz):
  time_s, x_t = signal(round(seconds * rate_hz), rate_hz)
  text = lines(coarse_stamps(start_s + time_s, kind), x_t, head="timestamp,level")
  sentence = folder.refusal(text)
  assert "at a time, so that its rate is not certain: give --rate_hz" in sentence
  read = folder.read(text, rate_hz)
  assert read.channels[0].rate_hz == rate_hz
  np.testing.assert_array_equal(read.channels[0].load(), x_t)
  assert "at a time" in " ".join(read.notes)
  assert "samples/s" in folder.refusal(text, rate_hz / 5)


@pytest.mark.parametrize("rate_hz", [25.0, 100 / 3])
@pytest.mark.parametrize(
  ("kind", "start_s", "seconds"),
  [("float32", 13.3, 600), (".8g", 13.3, 400), (".9g", 13.3, 62), ("60", 17.7, 300)],
)
def test_a_few_coarse_stamps_that_tell_the_rate(folder, kind, start_s, seconds, rate_hz):
  time_s, x_t = signal(round(seconds * rate_hz), rate_hz)
  text = lines(coarse_stamps(start_s + time_s, kind), x_t, head="timestamp,level")
  read = folder.read(text)
  assert read.channels[0].rate_hz == pytest.approx(rate_hz, rel=0.003)
  np.testing.assert_array_equal(read.channels[0].load(), x_t)
  assert "the time of the line before, spread evenly" in " ".join(read.notes)
