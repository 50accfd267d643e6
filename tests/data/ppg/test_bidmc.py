"""BIDMC: PhysioNet's two forms give the same records, broken files give one sentence each, windows keep their laws."""
import json
import os
import pathlib

import fake_bidmc
import numpy as np
import pytest
from fake_bidmc import options, prepare, says, sines

from jaxsig.data.ppg import bidmc
from jaxsig.data.records import Record


@pytest.fixture(scope="module")
def made() -> list[Record]:
  return fake_bidmc.records(3, 60)


@pytest.fixture
def folder(tmp_path, made) -> pathlib.Path:
  fake_bidmc.write_bidmc(tmp_path, made)
  return tmp_path


def assert_same(a: Record, b: Record) -> None:
  assert (a.id, a.group, a.rate_hz, a.info) == (b.id, b.group, b.rate_hz, b.info)
  for part_a, part_b in ((a.signals, b.signals), (a.annotations, b.annotations)):
    assert sorted(part_a) == sorted(part_b)
    for name in part_a:
      np.testing.assert_array_equal(part_a[name], part_b[name])


def test_load_reads_what_was_written(folder, made):
  records = bidmc.load(folder, options())
  assert [r.id for r in records] == ["bidmc01", "bidmc02", "bidmc03"]
  assert records[0].group == records[1].group == "s01000" and records[2].group == "s01007"
  assert records[0].info == {"age": made[0].info["age"], "sex": made[0].info["sex"], "source": "bidmc"}
  assert records[2].info["age"] is None  # "NaN" in the file
  for record, truth in zip(records, made, strict=True):
    for name in ("ppg_t", "resp_t"):
      assert record.signals[name].dtype == np.float32
      np.testing.assert_allclose(record.signals[name], truth.signals[name], atol=1e-4)
    np.testing.assert_allclose(record.annotations["breaths_2_s"], truth.annotations["breaths_2_s"], atol=0.005)
    np.testing.assert_allclose(record.annotations["breaths_1_s"], truth.annotations["breaths_1_s"][:-1], atol=0.005)
    rr_k = record.annotations["monitor_rr_bpm_k"]
    assert len(rr_k) == 61 and np.isnan(rr_k[2]) and np.all(np.delete(rr_k, 2) == 16)


def test_the_csv_form_equals_the_wfdb_form(folder, tmp_path_factory, made):
  other = tmp_path_factory.mktemp("csv")
  fake_bidmc.write_bidmc(other / "bidmc", made, form="csv")
  for a, b in zip(bidmc.load(folder, options()), bidmc.load(other, options()), strict=True):
    assert_same(a, b)


def test_parts_may_lie_beside_the_headers_and_any_subset_will_do(folder, made):
  expected = bidmc.load(folder, options())[2]
  for part in (folder / "bidmc_csv").iterdir():
    part.rename(folder / part.name)
  (folder / "bidmc02.hea").unlink()
  (folder / "bidmc02n.hea").write_text("bidmc02n 4 1 481\n")  # PhysioNet's numerics: not a recording
  records = bidmc.load(folder, options())
  assert [r.id for r in records] == ["bidmc01", "bidmc03"]
  assert_same(records[1], expected)
  assert {p.name for p in bidmc.sources(folder)} == {
    f"bidmc{sep}{n}{end}" for n in ("01", "03")
    for sep, end in (("", ".hea"), ("", ".dat"), ("_", "_Breaths.csv"), ("_", "_Fix.txt"), ("_", "_Numerics.csv"))}


def test_inspect_lists_records_and_what_is_broken(folder):
  (folder / "bidmc_csv/bidmc_02_Fix.txt").unlink()
  found = bidmc.inspect(folder)
  assert [r["record"] for r in found["records"]] == ["bidmc01", "bidmc03"]
  assert found["records"][0]["breaths_2"] - found["records"][0]["breaths_1"] == 1
  assert found["records"][0]["rate_difference_bpm"] == -1.0
  assert found["skipped"][0]["record"] == "bidmc02" and "bidmc_02_Fix.txt" in found["skipped"][0]["why"]
  assert "ODC-By" in found["licence"] and "10.1109/TBME.2016.2613124" in found["citation"][0]
  assert json.loads(json.dumps(found)) == found


def truncate(folder):
  (folder / "bidmc02.dat").write_bytes((folder / "bidmc02.dat").read_bytes()[:-100])


def edit(path, old, new):
  text = path.read_text()
  assert old in text
  path.write_text(text.replace(old, new))


def set_samples(folder, channel, value):
  """Overwrites the second half of a channel of bidmc02 and a little more; -32768 is WFDB's NaN."""
  data = np.fromfile(folder / "bidmc02.dat", "<i2").reshape(-1, 3)
  data[len(data) // 2 - 10:, channel] = value
  data.tofile(folder / "bidmc02.dat")


def append(path, text):
  path.write_text(path.read_text() + text)


BROKEN = {  # what is done to bidmc02 (signals II, PLETH, RESP) -> what the sentence says
  "truncated": (truncate, ["bidmc02.dat", "truncated", "download"]),
  "no dat": (lambda f: (f / "bidmc02.dat").unlink(), ["bidmc02.dat", "missing", "download"]),
  "no header text": (lambda f: (f / "bidmc02.hea").write_text(""), ["bidmc02.hea", "cannot be read", "download"]),
  "nan": (lambda f: set_samples(f, 1, -32768), ["PLETH of", "bidmc02.hea", "29.92 s", "leave the file out"]),
  "flat": (lambda f: set_samples(f, 2, 5), ["RESP of", "bidmc02.hea", "flat", "check the sensor"]),
  "rate": (lambda f: edit(f / "bidmc02.hea", " 3 125 ", " 3 250 "), ["bidmc02.hea", "250 Hz", "--input"]),
  "no resp": (lambda f: edit(f / "bidmc02.hea", "RESP,", "CO2,"), ["bidmc02.hea", "no signal RESP", "CO2"]),
  "no pleth": (lambda f: edit(f / "bidmc02.hea", "PLETH,", "ABP,"), ["bidmc02.hea", "no signal PLETH", "ABP"]),
  "breath beyond": (lambda f: append(f / "bidmc_csv/bidmc_02_Breaths.csv", "9999,\n"),
                    ["bidmc_02_Breaths.csv", "80.0 s", "60.0 s", "download"]),
  "no annotator": (lambda f: edit(f / "bidmc_csv/bidmc_02_Breaths.csv", "ann2", "ann3"),
                   ["bidmc_02_Breaths.csv", "annotator 2", "download"]),
  "breaths text": (lambda f: append(f / "bidmc_csv/bidmc_02_Breaths.csv", "soon,later\n"),
                   ["bidmc_02_Breaths.csv", "no table of numbers", "CSV"]),
  "no breaths": (lambda f: (f / "bidmc_csv/bidmc_02_Breaths.csv").unlink(), ["bidmc_02_Breaths.csv", "download"]),
  "no fix": (lambda f: (f / "bidmc_csv/bidmc_02_Fix.txt").unlink(), ["bidmc_02_Fix.txt", "patient", "download"]),
  "no patient": (lambda f: edit(f / "bidmc_csv/bidmc_02_Fix.txt", "wdb ID", "ID"), ["bidmc_02_Fix.txt", "patient"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_recording_is_named_with_its_remedy(folder, case):
  damage, words = BROKEN[case]
  assert len(bidmc.load(folder, options())) == 3
  damage(folder)
  sentence = says(bidmc.load, folder, options())
  assert all(word in sentence for word in words), sentence
  assert [r.id for r in bidmc.load(folder, options(skip_broken=True))] == ["bidmc01", "bidmc03"]
  assert bidmc.inspect(folder)["skipped"] == [{"record": "bidmc02", "why": sentence}]


def test_csv_without_resp_or_of_another_rate(tmp_path, made):
  fake_bidmc.write_bidmc(tmp_path, made[:1], form="csv")
  path = tmp_path / "bidmc_csv/bidmc_01_Signals.csv"
  text = path.read_text()
  path.write_text(text.replace("RESP", "CO2"))
  assert "no signal RESP" in says(bidmc.load, tmp_path, options())
  lines = text.splitlines()
  slower = [f"{i / 100:.2f}," + line.split(",", 1)[1] for i, line in enumerate(lines[1:])]
  path.write_text("\n".join([lines[0], *slower]))
  assert "100 Hz" in says(bidmc.load, tmp_path, options())


def test_missing_empty_short_and_all_broken(tmp_path, folder):
  assert "download" in says(bidmc.load, tmp_path / "nowhere", options()) and bidmc.sources(tmp_path / "nowhere") == []
  (tmp_path / "empty").mkdir()
  assert "empty" in says(bidmc.inspect, tmp_path / "empty")
  assert "less than one window of 64 s" in says(bidmc.load, folder, options(window_s=64.0))
  assert "inspect" in says(bidmc.load, folder, options(window_s=64.0, skip_broken=True))


def test_without_numerics_there_are_none(folder):
  (folder / "bidmc_csv/bidmc_01_Numerics.csv").unlink()
  assert sorted(bidmc.load(folder, options())[0].annotations) == ["breaths_1_s", "breaths_2_s"]


@pytest.mark.parametrize(("ppg_range", "resp_range"), [((-1, 1), (0, 1)), ((0, 1), (-1, 1))])
def test_windows_fill_their_range_and_stay_inside_the_record(made, ppg_range, resp_range):
  windows = prepare(made[0], options(ppg_range=ppg_range, resp_range=resp_range))
  assert all(x.dtype == np.float32 for x in windows.values())
  assert windows["ppg_b_t"].shape == windows["resp_b_t"].shape == (12, 150)
  for name, (low, high) in (("ppg_b_t", ppg_range), ("resp_b_t", resp_range)):
    np.testing.assert_allclose(windows[name].min(-1), low, atol=1e-6)
    np.testing.assert_allclose(windows[name].max(-1), high, atol=1e-6)
  assert windows["start_s_b"][-1] + 5 <= made[0].duration_s


def test_window_counts():
  assert len(prepare(sines(0.3), options())["ppg_b_t"]) == 96  # as published: 480 s
  assert len(prepare(sines(0.3, 480.008), options())["ppg_b_t"]) == 96  # BIDMC's 60,001 samples
  halves = prepare(sines(0.3, 10.1), options(stride_s=2.5))
  np.testing.assert_array_equal(halves["start_s_b"], [0, 2.5, 5])
  for name in ("ppg_b_t", "resp_b_t"):
    raw = prepare(sines(0.3, 20), options(window_s=20.0, normalise="record", resp_low_pass_hz=0.0))[name]
    assert raw.shape == (1, 600)


def test_windows_are_pieces_of_the_resampled_record():
  x_t = sines(0.3).signals["ppg_t"]
  windows = prepare(sines(0.3), options(normalise="record", ppg_range=(-1, 1)))
  expected_t = np.sin(2 * np.pi * 0.3 * np.arange(14400) / 30)
  np.testing.assert_allclose(windows["ppg_b_t"].reshape(-1), expected_t / np.abs(x_t).max(), atol=1e-3)


def test_the_low_pass_halves_1_hz_and_only_where_it_is_asked_for():
  """Butterworth forward and backward: |H|^2 = 1/(1 + (tan(pi f/30)/tan(pi/30))^16), 0.5 at its edge of 1 Hz."""
  for hz in (0.8, 1.0, 1.2):
    gain = 1 / (1 + (np.tan(np.pi * hz / 30) / np.tan(np.pi / 30))**16)
    mixed = sines(hz)._replace(signals={k: x + sines(0.1).signals[k] for k, x in sines(hz).signals.items()})
    windows = prepare(mixed, options(window_s=480.0, stride_s=480.0, resp_range=(0, 1), ppg_range=(0, 1)))
    def line(x_t, at_hz):
      return np.abs(np.mean(x_t * np.hanning(len(x_t)) * np.exp(-2j * np.pi * at_hz * np.arange(len(x_t)) / 30)))
    resp_t, ppg_t = windows["resp_b_t"][0], windows["ppg_b_t"][0]
    assert line(resp_t, hz) / line(resp_t, 0.1) == pytest.approx(gain, abs=0.003)
    assert line(ppg_t, hz) / line(ppg_t, 0.1) == pytest.approx(1, abs=0.003)
  both = prepare(sines(1.2), options(ppg_low_pass_hz=1.0, ppg_range=(0, 1)))
  np.testing.assert_array_equal(both["ppg_b_t"], both["resp_b_t"])


def test_scale_and_offset_do_not_matter_but_record_scaling_keeps_depth(made):
  moved = made[0]._replace(signals={k: 8 * x + 3 for k, x in made[0].signals.items()})
  for normalise in ("window", "record"):
    a, b = (prepare(r, options(normalise=normalise)) for r in (made[0], moved))
    for name in a:
      np.testing.assert_allclose(a[name], b[name], atol=1e-4)
  deep = prepare(made[0], options(normalise="record"))["resp_b_t"]
  assert deep.min() == 0 and deep.max() == 1 and np.ptp(deep, axis=-1).min() < 0.999


@pytest.mark.parametrize("normalise", ["window", "record"])
def test_a_window_where_the_sensor_stood_still_is_the_middle(made, normalise):
  ppg_t = made[0].signals["ppg_t"].copy()
  ppg_t[1250:1950] = ppg_t[1250]
  windows = prepare(made[0]._replace(signals={"ppg_t": ppg_t}), options(normalise=normalise, ppg_range=(0, 1)))
  np.testing.assert_array_equal(windows["ppg_b_t"][2], 0.5)
  assert np.ptp(windows["ppg_b_t"][1]) > 0.1 and np.isfinite(windows["ppg_b_t"]).all()
  assert "resp_b_t" not in windows  # a user's file has none


def test_prepare_knows_no_other_record(folder, made):
  alone = prepare(bidmc.load(folder, options())[0], options())
  (folder / "bidmc02.hea").unlink()
  again = prepare(bidmc.load(folder, options())[0], options())
  for name in alone:
    np.testing.assert_array_equal(alone[name], again[name])


def test_options_that_contradict_each_other(made):
  assert "data.window_s=5.01" in says(prepare, made[0], options(window_s=5.01))
  assert "data.stride_s=0" in says(prepare, made[0], options(stride_s=0.0))
  assert "data.resp_low_pass_hz=1" in says(prepare, made[0], options(rate_hz=2.0))
  assert "less than one window" in says(prepare, made[0], options(window_s=61.0))
  assert "data.normalise='patient'" in says(prepare, made[0], options(normalise="patient"))


def test_write(tmp_path, made):
  predictions = {"resp_t": np.arange(4.0), "resp_s_t": np.ones((2, 4)), "rate_hz": 2.0, "rate_bpm": np.float32(15),
                 "spread_bpm_b": np.array([1.0, np.nan])}
  bidmc.write(made[0]._replace(predictions=predictions), tmp_path / "out")
  lines = (tmp_path / "out/sim0000.csv").read_text().splitlines()
  assert lines[0] == "time_s,resp,resp_0,resp_1" and lines[2] == "0.5,1,1,1" and len(lines) == 5
  rest = json.loads((tmp_path / "out/sim0000.json").read_text())
  assert rest == {"rate_hz": 2.0, "rate_bpm": 15.0, "spread_bpm_b": [1.0, None]}


def test_download_without_a_network_is_one_sentence(tmp_path, monkeypatch):
  import wfdb
  def fail(*args, **kwargs):
    raise OSError("no route to host")
  monkeypatch.setattr(wfdb, "dl_files", fail)
  sentence = says(bidmc.download, tmp_path)
  assert "no route to host" in sentence and "check the network" in sentence


def test_download_asks_for_the_files_that_load_reads(tmp_path, monkeypatch, folder):
  import wfdb
  asked = []
  monkeypatch.setattr(wfdb, "dl_files", lambda database, target, names: asked.extend(names))
  bidmc.download(tmp_path)
  assert len(asked) == 53 * 5
  assert {str(p.relative_to(folder)) for p in bidmc.sources(folder)} <= set(asked)


def test_tfds_examples_equal_the_records(folder, tmp_path_factory):
  tfds = pytest.importorskip("tensorflow_datasets", reason="TFDS is not installed")
  pytest.importorskip("array_record", reason="array_record is not installed")
  from jaxsig.data.ppg.tfds_bidmc import Bidmc, example_of
  (folder / "bidmc_csv/bidmc_01_Numerics.csv").unlink()
  builder = Bidmc(data_dir=tmp_path_factory.mktemp("tfds"), file_format="array_record")
  builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=folder))
  stored = {example["id"].decode(): example for example in builder.as_data_source("train")}
  records = bidmc.load(folder, options())
  assert sorted(stored) == [r.id for r in records]
  for record in records:
    expected, got = example_of(record), stored[record.id]
    assert sorted(got) == sorted(expected)
    assert got["patient"].decode() == record.group and got["sex"].decode() == (record.info["sex"] or "")
    for name, part in {**record.signals, **record.annotations}.items():
      np.testing.assert_array_equal(got[name], part.astype(np.float32))
    np.testing.assert_equal(float(got["age"]), np.nan if record.info["age"] is None else record.info["age"])


from builders import ROOT  # noqa: E402
REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))


@pytest.mark.skipif(not bidmc.sources(REAL), reason="no BIDMC recordings: name their folder with JAXSIG_DATA_DIR")
def test_the_real_recordings():
  found = bidmc.inspect(REAL)
  patients = {r["record"]: r["patient"] for r in found["records"]}
  assert not found["skipped"] and len(patients) >= 26
  assert patients["bidmc20"] == patients["bidmc21"] and patients["bidmc38"] == patients["bidmc39"]
  assert len(set(patients.values())) <= len(patients) - 2
  windows = prepare(bidmc.load(REAL, options())[0], options())
  assert windows["resp_b_t"].shape == (96, 150)
