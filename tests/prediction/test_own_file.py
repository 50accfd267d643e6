"""A recording of one's own: any rate and length, gaps that stay gaps, blocks that do not show."""
import dataclasses
import json
import pathlib
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT, small
from fake_bidmc import says
from fake_recording import LONG, fake, posteriors, pulse, smooth, without

from jaxsig.data.gaps import runs
from jaxsig.data.records import joined_spans
from jaxsig.data.stitching import stitch
from jaxsig.prediction import own_file
from jaxsig.systems.respiration.own_file import Rate, Respiration, rates_of
from jaxsig.systems.respiration.rates import RATE_BPM_R

quick = pytest.mark.quick
SHORT = "respdiff.py"   # windows of 15 s every 5 s; no posteriors
PULSE_HZ = 50.0


def qualities(told) -> list[str]:
  return [row.quality for row in told.primary]


@quick
@pytest.mark.parametrize("file", [SHORT, LONG])
def test_blocks_do_not_show_in_a_prediction(file):
  """With the same noise, as a window's key is its number in the record."""
  model = fake(small(file))
  x_t = without(pulse(1500), (610, 640))
  whole = own_file.predict(x_t, PULSE_HZ, model, block_s=1e9)
  blocked = own_file.predict(x_t, PULSE_HZ, model, block_s=120.0)

  a, b = whole.record.predictions, blocked.record.predictions
  for name in ("resp_t", "resp_s_t"):
    np.testing.assert_array_equal(np.isnan(a[name]), np.isnan(b[name]))
    np.testing.assert_allclose(b[name], a[name], atol=2e-3)
  np.testing.assert_array_equal(a["start_s_b"], b["start_s_b"])
  assert qualities(whole) == qualities(blocked)


@quick
def test_batches_of_another_size_do_not_move_a_prediction():
  samples = []
  for size in (128, 3):
    told = own_file.predict(pulse(300), PULSE_HZ, fake(small(run__predict_batch_size=size)))
    samples.append(told.record.predictions["resp_s_t"])
  np.testing.assert_allclose(*samples, atol=1e-5)


@quick
@pytest.mark.parametrize("rate_hz", [20.0, 100.0, 333.0])
def test_any_rate_gives_the_same_breathing(rate_hz):
  told = own_file.predict(pulse(181, rate_hz), rate_hz, fake(small()))
  assert qualities(told) == ["good"] * 3
  for rate in rates_of(told):
    assert rate.rate_bpm == pytest.approx(15, abs=0.3)
  resp_t = told.record.predictions["resp_t"]
  assert resp_t.shape == (1810,)
  assert np.isfinite(resp_t).all()


@pytest.fixture(scope="module", params=[(SHORT, smooth), (LONG, smooth), (LONG, posteriors)],
                ids=["short", "long", "posteriors"])
def with_gaps(request):
  """15 min with a long gap, a short stretch, a gap to bridge and one of a few seconds."""
  file, predict = request.param
  x_t = without(pulse(900), (130, 260), (269, 300), (450, 450.8), (700, 710))
  return own_file.predict(x_t, PULSE_HZ, fake(small(file), predict))


@quick
def test_gaps_are_told(with_gaps):
  np.testing.assert_allclose(with_gaps.lost_s, [(130, 260), (269, 300), (700, 710)])
  np.testing.assert_allclose(with_gaps.bridged_s, [(450, 450.8)])


@quick
def test_gaps_lower_the_quality_of_their_minutes_alone(with_gaps):
  quality_of = {row.start_s: row.quality for row in with_gaps.primary}
  assert list(quality_of) == [60.0 * k for k in range(15)]
  for start_s, quality in quality_of.items():
    if start_s in (180.0, 240.0):
      assert quality == "no estimate"
    elif start_s == 420.0:
      assert quality == "doubtful"
    elif start_s in (120.0, 660.0):
      assert quality != "good"
    elif start_s != 720.0:   # a window beside the gap may be shared
      assert quality == "good"


@quick
def test_there_is_a_rate_where_there_is_a_quality(with_gaps):
  for rate in rates_of(with_gaps):
    assert (rate.rate_bpm is None) == (rate.quality == "no estimate") == (rate.low_95_bpm is None)
    if rate.rate_bpm is not None:
      assert rate.rate_bpm == pytest.approx(15, abs=0.5)


@quick
def test_gaps_stay_gaps_in_the_waveform(with_gaps):
  predictions = with_gaps.record.predictions
  if "resp_t" not in predictions:   # of posteriors alone
    return
  resp_t, rate_hz = predictions["resp_t"], predictions["rate_hz"]
  missing_s = runs(np.isnan(resp_t)) / rate_hz
  np.testing.assert_allclose(missing_s, [(130, 300), (700, 710)], atol=0.5 / rate_hz + 1e-6)
  assert len(resp_t) == 900 * rate_hz
  assert predictions["resp_s_t"].shape == (2, len(resp_t))


def nearly_flat(params, stats, batch, keys_b):
  pmf_r = jnp.ones(len(RATE_BPM_R)) + (RATE_BPM_R < 16) * 0.1
  return {"rate_pmf_b_r": jnp.tile(pmf_r, (len(keys_b), 1))}


@quick
def test_what_was_not_learnt_has_no_number():
  """A posterior that is nearly flat has a median, which is no estimate."""
  told = own_file.predict(pulse(181), PULSE_HZ, fake(small(LONG), nearly_flat))
  assert qualities(told) == ["no estimate"] * 3
  for rate in rates_of(told):
    numbers = (rate.rate_bpm, rate.spread_bpm, rate.low_95_bpm, rate.high_95_bpm)
    assert numbers == (None,) * 4
  for row in told.rows:
    if row.metric.startswith("rr_bpm"):
      assert (row.estimate, row.spread, dict(row.interval)) == (None, None, {})


@quick
def test_a_waveform_is_where_it_happened():
  """After a gap that is no whole number of anything, breathing has the phase it has without."""
  model = fake(small())
  whole = own_file.predict(pulse(300), PULSE_HZ, model)
  cut = own_file.predict(without(pulse(300), (100, 117.38)), PULSE_HZ, model)
  after = slice(1300, 2900)
  whole_t = whole.record.predictions["resp_t"][after]
  cut_t = cut.record.predictions["resp_t"][after]
  assert np.corrcoef(whole_t, cut_t)[0, 1] > 0.99


@quick
@pytest.mark.parametrize(("file", "predict"), [(SHORT, smooth), (LONG, posteriors)])
def test_a_recording_without_one_usable_window_has_no_estimate(file, predict, tmp_path):
  gaps_s = [(start_s, start_s + 5.0) for start_s in range(7, 200, 12)]
  model = fake(small(file), predict)
  told = own_file.predict(without(pulse(200), *gaps_s), PULSE_HZ, model)
  assert qualities(told) == ["no estimate"] * 3
  model.system.own.write(told, tmp_path)
  assert (tmp_path / f"{told.record.id}_respiration.png").is_file()
  if predict is smooth:
    resp_t = told.record.predictions["resp_t"]
    assert np.isnan(resp_t).all()
    assert len(resp_t) == 2000


@quick
def test_a_recording_shorter_than_a_window_is_refused():
  assert "less than one window" in says(own_file.predict, pulse(14), PULSE_HZ, fake(small()))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
  """(model, input, folder of the results) of a recording with a gap of 70 s."""
  folder = tmp_path_factory.mktemp("written")
  np.save(folder / "mine.npy", without(pulse(400), (130, 200)))
  model = fake(small(LONG))
  own_file.run(model, folder / "mine.npy", PULSE_HZ, folder / "out")
  return model, folder / "mine.npy", folder / "out"


@quick
def test_the_answer_is_told_on_the_console(written, tmp_path, capsys):
  model, source, _ = written
  own_file.run(model, source, PULSE_HZ, tmp_path)
  said = capsys.readouterr().out
  assert "0-60 s  15.0 breaths/min (95 %: " in said
  assert "120-180 s  no estimate (only 10 of 60 s could be read" in said
  assert "mine_rates.csv" in said.splitlines()[-1]


@quick
def test_all_files_are_written(written):
  _, _, folder = written
  names = [
      "mine_rates.csv",
      "mine_respiration.json",
      "mine_respiration.png",
      "mine_rows.jsonl",
      "mine_waveform.csv",
  ]
  assert sorted(path.name for path in folder.iterdir()) == names


@quick
def test_the_files_agree(written):
  _, _, folder = written
  about = json.loads((folder / "mine_respiration.json").read_text())
  assert about["model"] == "fake"
  assert about["lost_s"] == [[130, 200]]
  assert sum(about["quality"].values()) == 6

  text = (folder / "mine_rates.csv").read_text()
  heading, *lines = [line.split(",") for line in text.splitlines()]
  assert heading == [
      "start_s",
      "end_s",
      "rate_bpm",
      "low_95_bpm",
      "high_95_bpm",
      "spread_bpm",
      "quality",
      "why",
  ]
  assert len(lines) == 6
  for line, rate in zip(lines, about["rates"], strict=True):
    for column, cell in zip(heading[:-2], line):
      if cell:
        assert float(cell) == pytest.approx(rate[column], abs=1e-3)
      else:
        assert rate[column] is None
    assert line[-2:] == [rate["quality"], rate["why"]]
  assert lines[2][2:7] == ["", "", "", "", "no estimate"]
  assert lines[2][7].startswith("only 10 of 60 s could be read")


@quick
def test_the_waveform_is_a_table(written):
  _, _, folder = written
  table = np.genfromtxt(folder / "mine_waveform.csv", delimiter=",", names=True)
  assert table.dtype.names == ("time_s", "resp", "resp_0", "resp_1")
  np.testing.assert_allclose(table["time_s"], np.arange(2000) / 5)
  assert np.isnan(table["resp"][660:990]).all()


@quick
def test_the_rows_are_kept_without_numbers_where_there_is_no_estimate(written):
  _, _, folder = written
  rows = [json.loads(line) for line in (folder / "mine_rows.jsonl").read_text().splitlines()]
  assert {row["quality"] for row in rows if "quality" in row} >= {"good", "no estimate"}
  for row in rows:
    if row.get("quality") == "no estimate":
      assert "estimate" not in row
    elif "quality" in row:
      assert row["estimate"] is not None


@quick
def test_a_folder_that_cannot_be_written_is_told(written, tmp_path):
  model, source, _ = written
  (tmp_path / "file").touch()
  assert "--output" in says(own_file.run, model, source, PULSE_HZ, tmp_path / "file")


@quick
def test_in_python_it_is_a_typed_value():
  x_t = without(pulse(400), (130, 200), (300, 300.6))
  respiration = fake(small(LONG)).predict(x_t, PULSE_HZ)
  assert isinstance(respiration, Respiration)
  assert all(isinstance(rate, Rate) for rate in respiration.rates)
  assert respiration.duration_s == 400
  assert respiration.waveform_rate_hz == 5.0
  assert respiration.waveform.shape == respiration.waveform_sd.shape == (2000,)
  assert respiration.lost_s.tolist() == [[130, 200]]
  np.testing.assert_allclose(respiration.bridged_s, [[300, 300.6]])
  assert respiration.rows
  assert respiration.predictions["rate_pmf_b_r"].shape[-1] == len(RATE_BPM_R)


@quick
def test_its_dict_is_plain_json_and_its_repr_a_line():
  respiration = fake(small(LONG)).predict(without(pulse(400), (130, 200)), PULSE_HZ)
  plain = json.loads(json.dumps(respiration.to_dict()))
  assert plain["lost_s"] == [[130, 200]]
  assert plain["rates"][0]["rate_bpm"] == respiration.rates[0].rate_bpm
  assert plain["notes"] == list(respiration.notes)
  assert len(repr(respiration)) < 100
  assert "5 of 6 windows with a rate, median 15.0 breaths/min" in repr(respiration)


@quick
def test_a_model_without_samples_has_no_spread_of_the_waveform():
  respiration = fake(small(LONG), posteriors).predict(pulse(200), PULSE_HZ)
  assert respiration.waveform_sd is None
  assert respiration.waveform.shape == (0,)
  assert np.isnan(respiration.waveform_rate_hz)


def collecting(model, got):
  """The same model whose outputs are collected; `got` takes (windows, most cut at once)."""

  def collect(record, config, batches):
    assert config is model.config
    parts, outputs = [], []
    for spans, output in batches:
      got.append(len(spans))
      parts.append(spans)
      outputs.append(output)
    if not parts:
      return {"start_s_b": np.zeros(0), "length_s_b": np.zeros(0)}
    joined = {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}
    return stitch(joined, joined_spans(parts))

  def finish(record, predictions):
    raise AssertionError("what is collected is final")

  system = model.system
  task = system.task._replace(finish=finish)
  own = system.own._replace(collect=collect)
  return dataclasses.replace(model, system=system._replace(task=task, own=own))


@quick
@pytest.mark.parametrize("block_s", [1e9, 120.0])
def test_what_is_collected_batch_by_batch_is_what_is_stitched(block_s):
  """Over gaps and pieces, with the same random keys, and never more than a batch at once."""
  model = fake(small(run__predict_batch_size=5))
  x_t = without(pulse(700), (310, 340))
  stitched = own_file.predict(x_t, PULSE_HZ, model, block_s=block_s).record.predictions
  got = []
  told = own_file.predict(x_t, PULSE_HZ, collecting(model, got), block_s=block_s)
  collected = told.record.predictions
  assert max(got) == 5 and sum(got) == len(stitched["start_s_b"])
  for name in ("start_s_b", "length_s_b"):
    np.testing.assert_array_equal(collected[name], stitched[name])
  n = collected["resp_s_t"].shape[-1]
  np.testing.assert_allclose(collected["resp_s_t"], stitched["resp_s_t"][..., :n], atol=1e-5)


@quick
def test_of_a_record_without_a_usable_window_nothing_is_collected():
  gaps_s = [(start_s, start_s + 5.0) for start_s in range(7, 200, 12)]
  got = []
  model = collecting(fake(small()), got)
  system = model.system._replace(protocol=model.system.protocol._replace(score=lambda record: ()))
  model = dataclasses.replace(model, system=system)
  told = own_file.predict(without(pulse(200), *gaps_s), PULSE_HZ, model)
  assert got == [] and told.rows == []


@quick
def test_a_record_without_rows_has_no_file_of_rows(tmp_path, capsys):
  """As of a system whose scores need a truth."""
  model = fake(small(LONG))
  system = model.system._replace(protocol=model.system.protocol._replace(score=lambda record: ()))
  model = dataclasses.replace(model, system=system)
  np.save(tmp_path / "mine.npy", pulse(200))
  own_file.run(model, tmp_path / "mine.npy", PULSE_HZ, tmp_path / "out")
  assert "written to" in capsys.readouterr().out
  assert not list((tmp_path / "out").glob("*_rows.jsonl"))


DAY = """
import pathlib, re, sys
sys.path[:0] = [{root!r}, {tests!r}]
import numpy as np
from builders import small
from fake_recording import LONG, fake, pulse
from jaxsig.prediction import own_file

x_t = np.tile(pulse(3600, 125.0).astype(np.float32), 24)
x_t[1000000:1100000] = np.nan
np.save("day.npy", x_t)
del x_t
own_file.run(fake(small(LONG)), "day.npy", 125.0, pathlib.Path("out"))
# getrusage would tell the parent's peak, too
status = pathlib.Path("/proc/self/status").read_text()
print("peak", re.search(r"VmHWM:\\s+(\\d+)", status)[1])
"""


@pytest.mark.skipif(
    not pathlib.Path("/proc/self/status").is_file(),
    reason="a process's own peak is read from /proc",
)
def test_a_day_stays_small(tmp_path):
  """24 h at 125 Hz in a process of its own, below 2 GiB with all that it draws and writes."""
  script = DAY.format(root=str(ROOT), tests=str(ROOT / "tests"))
  done = subprocess.run(
      [sys.executable, "-c", script],
      cwd=tmp_path,
      capture_output=True,
      text=True,
      timeout=300,
      check=False,
  )
  assert done.returncode == 0, done.stderr
  peak_kib = int(done.stdout.split("peak")[1])
  assert peak_kib < 2 * 2**20
  assert "1440 windows: " in done.stdout
  assert len((tmp_path / "out/day_rates.csv").read_text().splitlines()) == 1441
  assert (tmp_path / "out/day_respiration.png").stat().st_size < 2**20
