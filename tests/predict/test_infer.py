"""A recording of one's own: any rate and length, gaps that stay gaps, blocks that do not show."""
import json
import pathlib
import subprocess
import sys
import types

import fake_bidmc
import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from fake_recording import LONG, fake, posteriors, pulse, smooth, without

from jaxsig.data import records as core
from jaxsig.data.ppg import bidmc
from jaxsig.predict import own_file as infer
from jaxsig.systems.respiration import figures as plots_recording
from jaxsig.systems.respiration import quality
from jaxsig.systems.respiration.rates import RATE_BPM_R


def options(**changes) -> types.SimpleNamespace:
  return fake_bidmc.options(**{"window_s": 15.0, "stride_s": 5.0, "rate_hz": 10.0, **changes})


# -- gaps, stretches, pieces --------------------------------------------------------------------------------------------------

def record(x_t, rate_hz=50.0, **more) -> core.Record:
  return core.Record("mine", "user", rate_hz, {"ppg_t": np.asarray(x_t, np.float32), **more}, {"breaths_1_s": np.ones(3)}, {})


def test_gaps_and_stretches_of_a_ramp():
  x_t = np.arange(1000.0)
  x_t[:10] = x_t[100:150] = x_t[300:351] = x_t[900:1000] = np.nan
  mine = record(x_t)
  found = core.gaps(mine, 1.0)
  np.testing.assert_allclose(found.bridged_s, [(2, 3)])
  np.testing.assert_allclose(found.lost_s, [(0, 0.2), (6, 7.02), (18, 20)])   # at the ends nothing is bridged, however short
  first, second = core.stretches(mine, 1.0)
  assert (first.start_s, second.start_s) == (0.2, 7.02)
  np.testing.assert_allclose(first.record.signals["ppg_t"], np.arange(10, 300))   # a line through a ramp is the ramp
  np.testing.assert_allclose(second.record.signals["ppg_t"], np.arange(351, 900))
  assert [s.start_s for s in core.stretches(mine, 1.0, least_s=6.0)] == [7.02]
  assert len(core.stretches(mine, 0.0)) == 3 and np.isnan(mine.signals["ppg_t"][100])   # the record itself is as it was
  whole = record(np.arange(100.0))
  assert core.stretches(whole, 1.0)[0].record.signals["ppg_t"].tobytes() == whole.signals["ppg_t"].tobytes()
  assert core.stretches(record(np.full(100, np.nan)), 1.0) == []


def test_a_gap_in_one_signal_is_a_gap_in_all():
  other_t = np.arange(90.0, dtype=np.float32)
  other_t[40:50] = np.nan
  stretches = core.stretches(record(np.arange(100.0), resp_t=other_t), 0.0)
  assert [(s.start_s, {k: len(x) for k, x in s.record.signals.items()}) for s in stretches] == [
      (0.0, {"ppg_t": 40, "resp_t": 40}), (1.0, {"ppg_t": 40, "resp_t": 40})]


def test_uncovered():
  np.testing.assert_allclose(core.uncovered(np.array([10.0, 20, 60]), 15, 100), [(0, 10), (35, 60), (75, 100)])
  np.testing.assert_allclose(core.uncovered(np.zeros(0), 15, 100), [(0, 100)])
  assert core.uncovered(np.array([0.0, 10.0]), 15, 25).shape == (0, 2)


@pytest.mark.parametrize("duration_s, block_s", [(15, 60), (163.4, 60), (240, 60), (901, 100), (900, 37), (655, 20)])
def test_every_window_has_one_piece_and_the_end_has_a_window(duration_s, block_s):
  stretch = core.Stretch(100.0, record(np.arange(round(50 * duration_s))))
  starts = []
  for piece in core.pieces(stretch, 15.0, 5.0, block_s):
    own = np.arange(0, piece.record.duration_s - 15 + 1e-6, 5)
    starts += [*(piece.start_s + own[(own >= piece.from_s - 1e-3) & (own < piece.to_s - 1e-3)])]
    assert piece.record.signals["ppg_t"][0] == pytest.approx(50 * (piece.start_s - 100), abs=1)
    assert piece.record.duration_s <= round(block_s / 5) * 5 + 3 * 20 + 1e-6 or duration_s <= block_s + 40
  regular = 100 + np.arange(0, duration_s - 15 + 1e-6, 5)
  np.testing.assert_allclose(starts[:len(regular)], regular)
  last = 100 + duration_s - 15 - starts[-1]
  assert len(starts) <= len(regular) + 1 and last + 1e-6 >= 0 and last < 1 and (np.diff(starts) > 0).all()


@pytest.mark.parametrize("rate_hz, tolerance", [(125.0, 1e-3), (64.0, 1e-3), (124.97, 0.15)])
def test_blocks_prepare_the_windows_of_the_whole(rate_hz, tolerance):
  """Edges of resampling and filter ring: a block's margin keeps them out. At an odd rate a block begins between two samples."""
  [stretch] = core.stretches(record(pulse(1200, rate_hz) + 3, rate_hz), 1.0)
  whole = bidmc.prepare(stretch.record, options())
  windows, starts = [], []
  for piece in core.pieces(stretch, 15.0, 5.0, 200.0):
    part = bidmc.prepare(piece.record, options())
    mine = (part["start_s_b"] >= piece.from_s - 1e-3) & (part["start_s_b"] < piece.to_s - 1e-3)
    windows.append(part["ppg_b_t_p"][mine])
    starts.append(piece.start_s + part["start_s_b"][mine])
  n = len(whole["start_s_b"])
  np.testing.assert_allclose(np.concatenate(starts)[:n], whole["start_s_b"], atol=1e-3)
  got, want = np.concatenate(windows)[:n], whole["ppg_b_t_p"]
  np.testing.assert_allclose(got[1:-1], want[1:-1], atol=tolerance)
  np.testing.assert_allclose(got[[0, -1]], want[[0, -1]], atol=max(0.01, tolerance))   # its first sample rings with the record's last


# -- predictions --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("file", ["respdiff.py", LONG])
def test_blocks_do_not_show_in_a_prediction(small, file):
  model, x_t = fake(small(file)), without(pulse(1500), (610, 640))
  whole, blocked = (infer.predict(x_t, 50.0, model, block_s) for block_s in (1e9, 120.0))
  a, b = whole.record.predictions, blocked.record.predictions
  for name in ("resp_t", "resp_s_t"):   # with the same noise: a window's key is its number in the record
    np.testing.assert_array_equal(np.isnan(a[name]), np.isnan(b[name]))
    np.testing.assert_allclose(b[name], a[name], atol=2e-3)
  np.testing.assert_array_equal(a["start_s_b"], b["start_s_b"])
  assert [r["quality"] for r in whole.rates] == [r["quality"] for r in blocked.rates]


def test_batches_of_another_size_do_not_move_a_prediction(small):
  x_t = pulse(300)
  a, b = (infer.predict(x_t, 50.0, fake(small(eval__batch_size=size))).record.predictions for size in (128, 3))
  np.testing.assert_allclose(a["resp_s_t"], b["resp_s_t"], atol=1e-5)


@pytest.mark.parametrize("rate_hz", [20.0, 100.0, 333.0])
def test_any_rate_gives_the_same_breathing(small, rate_hz):
  found = infer.predict(pulse(181, rate_hz), rate_hz, fake(small()))
  assert len(found.rates) == 3
  for rate in found.rates:
    assert rate["rate_bpm"] == pytest.approx(15, abs=0.3) and rate["quality"] == "good"
  assert found.record.predictions["resp_t"].shape == (1810,) and np.isfinite(found.record.predictions["resp_t"]).all()


@pytest.mark.parametrize("file, predict", [("respdiff.py", smooth), (LONG, smooth), (LONG, posteriors)])
def test_gaps_stay_gaps(small, file, predict):
  """One gap of a minute and more, one short stretch, one gap to bridge, one of a few seconds."""
  x_t = without(pulse(900), (130, 260), (269, 300), (450, 450.8), (700, 710))
  found = infer.predict(x_t, 50.0, fake(small(file), predict))
  np.testing.assert_allclose(found.gaps.lost_s, [(130, 260), (269, 300), (700, 710)])
  np.testing.assert_allclose(found.gaps.bridged_s, [(450, 450.8)])
  quality_of = {rate["start_s"]: rate["quality"] for rate in found.rates}
  assert list(quality_of) == [60.0 * k for k in range(15)]
  assert {quality_of[s] for s in (180.0, 240.0)} == {"no estimate"}
  assert quality_of[420.0] == "doubtful" and quality_of[120.0] != "good" != quality_of[660.0]
  assert all(quality_of[s] == "good" for s in (0.0, 60.0, 300.0, 360.0, 480.0, 540.0, 600.0, 780.0, 840.0))
  for rate in found.rates:
    assert (rate["rate_bpm"] is None) == (rate["quality"] == "no estimate") == (rate["low_95"] is None)
    assert rate["rate_bpm"] is None or rate["rate_bpm"] == pytest.approx(15, abs=0.5)
  if predict is smooth:
    predictions = found.record.predictions
    x_t, rate_hz = predictions["resp_t"], predictions["rate_hz"]
    missing = core.runs(np.isnan(x_t)) / rate_hz
    np.testing.assert_allclose(missing, [(130, 300), (700, 710)], atol=0.5 / rate_hz + 1e-6)
    assert len(x_t) == 900 * rate_hz and predictions["resp_s_t"].shape == (2, len(x_t))


def test_what_was_not_learnt_has_no_number(small):
  """A posterior that is nearly flat has a median, which is no estimate."""
  flat = lambda params, stats, batch, keys_b: {"rate_pmf_b_r": jnp.ones((len(keys_b), len(RATE_BPM_R))) + (RATE_BPM_R < 16) * 0.1}
  found = infer.predict(pulse(181), 50.0, fake(small(LONG), flat))
  assert [r["quality"] for r in found.rates] == ["no estimate"] * 3
  for row in (*found.rates, *(r for r in found.rows if "estimate" in r)):
    assert not [k for k in row if k.startswith(("rate", "estimate", "spread", "low", "high")) and row[k] is not None]


def test_a_waveform_is_where_it_happened(small):
  """After a gap that is no whole number of anything, breathing has the phase that it has without the gap."""
  whole, cut = (infer.predict(x, 50.0, fake(small())).record.predictions["resp_t"]
                for x in (pulse(300), without(pulse(300), (100, 117.38))))
  both = slice(1300, 2900)
  assert np.corrcoef(whole[both], cut[both])[0, 1] > 0.99


def test_a_recording_without_one_usable_window(small, tmp_path):
  x_t = without(pulse(200), *((s, s + 5.0) for s in range(7, 200, 12)))
  for config, predict in ((small(), smooth), (small(LONG), posteriors)):
    found = infer.predict(x_t, 50.0, fake(config, predict))
    assert [r["quality"] for r in found.rates] == ["no estimate"] * 3
    infer.write(found, fake(config, predict), tmp_path)
  found = infer.predict(x_t, 50.0, fake(small()))
  assert np.isnan(found.record.predictions["resp_t"]).all() and len(found.record.predictions["resp_t"]) == 2000
  assert "less than one window" in says(infer.predict, pulse(14), 50.0, fake(small()))


def test_all_files_are_written_and_agree(small, tmp_path, capsys):
  np.save(tmp_path / "mine.npy", without(pulse(400), (130, 200)))
  model, out = fake(small(LONG)), tmp_path / "out"
  infer.run(model, tmp_path / "mine.npy", 50.0, out)
  assert sorted(p.name for p in out.iterdir()) == ["mine.csv", "mine.json", "mine.png", "mine.rows.jsonl", "mine_rates.csv"]
  said = capsys.readouterr().out
  assert "0-60 s  15.0 +- " in said and "120-180 s  no estimate" in said
  about = json.loads((out / "mine.json").read_text())
  assert about["model"] == "fake" and about["lost_s"] == [[130, 200]] and sum(about["quality"].values()) == 6
  lines = [line.split(",") for line in (out / "mine_rates.csv").read_text().splitlines()]
  assert lines[0] == ["start_s", "end_s", "rate_bpm", "low_95", "high_95", "spread", "quality"] and len(lines) == 7
  for line, rate in zip(lines[1:], about["rates"], strict=True):
    numbers = [None if cell == "" else float(cell) for cell in line[:-1]]
    assert numbers == pytest.approx([rate[k] for k in lines[0][:-1]], abs=1e-3) and line[-1] == rate["quality"]
  assert lines[3][2:] == ["", "", "", "", "no estimate"]
  table = np.genfromtxt(out / "mine.csv", delimiter=",", names=True)
  np.testing.assert_allclose(table["time_s"], np.arange(2000) / 5)
  assert table.dtype.names == ("time_s", "resp", "resp_0", "resp_1") and np.isnan(table["resp"][660:990]).all()
  rows = [json.loads(line) for line in (out / "mine.rows.jsonl").read_text().splitlines()]
  assert {r["quality"] for r in rows if "estimate" in r} >= {"good", "no estimate"}
  assert all(r["estimate"] is None for r in rows if r.get("quality") == "no estimate")
  (tmp_path / "file").touch()
  assert "--output" in says(infer.run, model, tmp_path / "mine.npy", 50.0, tmp_path / "file")


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").is_file(), reason="a process's own peak is read from /proc")
def test_a_day_stays_small(tmp_path):
  """24 h at 125 Hz in a process of its own, below 2 GiB with all that it draws and writes."""
  script = f"""
import pathlib, re, sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]
import numpy as np
import fake_recording
from jaxsig import config
from jaxsig.predict import own_file as infer
x_t = np.tile(fake_recording.pulse(3600, 125.0).astype(np.float32), 24)
x_t[1000000:1100000] = np.nan
np.save({str(tmp_path / 'day.npy')!r}, x_t)
del x_t
model = fake_recording.fake(config.load({str(ROOT / 'configs' / LONG)!r}, "smoke"))
infer.run(model, {str(tmp_path / 'day.npy')!r}, 125.0, pathlib.Path({str(tmp_path / 'out')!r}))
print("peak", re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])   # getrusage would tell our own peak, too
"""
  done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
  assert done.returncode == 0, done.stderr
  assert int(done.stdout.split("peak")[1]) < 2 * 2**20   # KiB
  assert "1440 windows: " in done.stdout
  assert len((tmp_path / "out/day_rates.csv").read_text().splitlines()) == 1441
  assert (tmp_path / "out/day.png").stat().st_size < 2**20


# -- quality ------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("row, missing, want", [
    (dict(estimate=15.0, spread=0.5), {}, "good"),
    (dict(estimate=15.0, spread=0.5, low_95=14.0, high_95=16.0), {}, "good"),
    (dict(estimate=15.0, spread=2.1), {}, "doubtful"),
    (dict(estimate=15.0, spread=None), {}, "doubtful"),          # a method that says nothing of its error
    (dict(estimate=15.0), {}, "doubtful"),
    (dict(estimate=15.0, spread=0.5), dict(bridged_s=0.3), "doubtful"),
    (dict(estimate=15.0, spread=0.5), dict(unseen_s=0.9), "good"),
    (dict(estimate=15.0, spread=0.5), dict(unseen_s=20.0), "doubtful"),
    (dict(estimate=15.0, spread=0.5), dict(unseen_s=31.0), "no estimate"),
    (dict(estimate=15.0, spread=6.1), {}, "no estimate"),
    (dict(estimate=15.0, spread=1.0, low_95=8.0, high_95=20.1), {}, "no estimate"),
    (dict(estimate=15.0, spread=6.1, low_95=9.0, high_95=20.0), {}, "doubtful"),
    (dict(estimate=None, spread=0.5), {}, "no estimate"),
    (dict(estimate=float("nan"), spread=0.5), {}, "no estimate"),
    (dict(estimate=4.0, spread=0.1), {}, "no estimate"),
    (dict(estimate=59.9, spread=0.1), {}, "no estimate"),
    (dict(estimate=4.3, spread=0.1), {}, "good"),
])
def test_the_rule_of_quality(row, missing, want):
  assert quality.judge(row, **{"bridged_s": 0.0, "unseen_s": 0.0, "length_s": 60.0, **missing}) == want


def test_emptied_rows_have_no_number():
  row = {"metric": "m", "start_s": 60.0, "truth": None, "estimate": 15.0, "spread": 1.0, "low_50": 14.0, "high_95": 17.0}
  assert quality.emptied(row) == {**row, "estimate": None, "spread": None, "low_50": None, "high_95": None}


# -- pictures -----------------------------------------------------------------------------------------------------------------

def test_envelope():
  x_t = np.arange(1000.0)
  x_t[200:300], x_t[305] = np.nan, np.nan
  at, low, high = plots_recording.envelope(x_t, 10.0, columns=100)
  assert len(at) == 100 and at[0] == 0.5 and (low[0], high[0]) == (0, 9) and (low[30], high[30]) == (300, 309)
  assert np.flatnonzero(np.isnan(low)).tolist() == list(range(20, 30))
