"""CapnoBase: its forms give the same records, broken files give one sentence each, one annotator is enough for the rows."""
import json

import fake_capnobase
import h5py
import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from fake_capnobase import CASES, FORMS, RATE_HZ, options, write_capnobase

from jaxsig import config as configs
from jaxsig.data import cache
from jaxsig.data.ppg import bidmc, capnobase
from jaxsig.data.records import Record
from jaxsig.system import make_data
from jaxsig.systems.respiration.score import score_record


@pytest.fixture(scope="module")
def made() -> list[Record]:
  return fake_capnobase.records(3)


@pytest.fixture
def folder(tmp_path, made):
  write_capnobase(tmp_path / "h", made)
  return tmp_path / "h"


@pytest.mark.parametrize("form", FORMS)
def test_load_reads_what_was_written(tmp_path, made, form):
  assert write_capnobase(tmp_path, made, form) == ["capnobase0009", "capnobase0015", "capnobase0370"]
  found = capnobase.load(tmp_path, options())
  assert [(r.id, r.group, r.rate_hz) for r in found] == [(f"capnobase{c}", c, 300.0) for c in CASES]
  for record, truth in zip(found, made, strict=True):
    for name in ("ppg_t", "resp_t"):
      assert record.signals[name].dtype == np.float32 and len(record.signals[name]) == 21001   # 70 s and the endpoint
      np.testing.assert_allclose(record.signals[name][:-1], truth.signals[name], rtol=6e-6, atol=1e-30)
    np.testing.assert_allclose(record.annotations["breaths_1_s"], truth.annotations["breaths_1_s"], atol=0.5 / RATE_HZ + 1e-9)
    assert [k for k in record.annotations if k.startswith("breaths")] == ["breaths_1_s"]
  assert found[1].info == {"age": pytest.approx(made[1].info["age"], rel=1e-5), "sex": made[1].info["sex"],
                           "ventilation": "controlled", "source": "capnobase"}
  assert found[2].info == {"age": None, "sex": None, "ventilation": "controlled", "source": "capnobase"}


@pytest.mark.parametrize("form", FORMS)
def test_samples_count_from_one_and_both_ends_of_an_artefact_are_in_it(tmp_path, made, form):
  write_capnobase(tmp_path, made, form)
  found = capnobase.load(tmp_path, options())
  np.testing.assert_allclose(found[0].annotations["breaths_1_s"] * 300 + 1, fake_capnobase.samples(made[0]), atol=1e-6)
  spans = [r.annotations["artif_s"] for r in found]
  assert spans[0].shape == (0, 2)
  np.testing.assert_allclose(spans[1], [[3.0, 4.0], [4999 / 300, 18.0]])
  np.testing.assert_allclose(spans[2], [[0.0, 656 / 300]])   # 0: from the first sample on
  np.testing.assert_allclose(found[0].annotations["resp_artif_s"], [[1.0, 2.0]])


def test_an_artefact_as_a_matrix_is_read_by_rows(folder):
  with h5py.File(folder / "0009_8min.mat", "r+") as file:
    del file["labels/pleth/artif/x"]
    file["labels/pleth/artif/x"] = np.array([[901.0, 5000.0], [1200.0, 5400.0]])   # MATLAB's [901 1200; 5000 5400]
  np.testing.assert_allclose(capnobase.load(folder, options())[0].annotations["artif_s"], [[3, 4], [4999 / 300, 18]])


def test_the_archives_places_any_subset_and_mat_before_tables(tmp_path, made):
  for top in ("TBME2013-PPGRR-Benchmark_R3/data", "capnobase/data/mat"):
    write_capnobase(tmp_path / "a" / top, made)
    (tmp_path / "a" / top / "0015_8min.mat").unlink()
    assert [r.group for r in capnobase.load(tmp_path / "a", options())] == ["0009", "0370"]
    assert len(capnobase.sources(tmp_path / "a")) == 2
  write_capnobase(tmp_path / "a/capnobase/data/csv", made, "csv")
  (tmp_path / "a/mat").mkdir()
  (tmp_path / "a/mat/0009_8min_old.mat").write_text("no case")
  assert [p.suffix for p in capnobase.sources(tmp_path / "a")] == [".mat", *4 * [".csv"], ".mat"]
  assert [r.group for r in capnobase.load(tmp_path / "a", options())] == list(CASES)


def test_the_original_tables_may_be_called_tab(tmp_path, made):
  write_capnobase(tmp_path, made[:1], "csv")
  expected = capnobase.load(tmp_path, options())[0]
  for path in tmp_path.glob("*.csv"):
    path.rename(path.with_suffix(".tab"))
  record = capnobase.load(tmp_path, options())[0]
  np.testing.assert_array_equal(record.signals["resp_t"], expected.signals["resp_t"])
  np.testing.assert_array_equal(record.annotations["breaths_1_s"], expected.annotations["breaths_1_s"])


def test_inspect_lists_records_and_what_is_broken(folder, made):
  (folder / "0370_8min.mat").write_bytes(b"")
  found = capnobase.inspect(folder)
  assert [r["record"] for r in found["records"]] == ["capnobase0009", "capnobase0015"]
  assert found["records"][1]["artefacts_s"] == pytest.approx(701 / 300, abs=0.01)
  assert found["records"][0]["breaths_1"] == len(made[0].annotations["breaths_1_s"])
  assert found["skipped"][0]["record"] == "capnobase0370" and "0370_8min.mat" in found["skipped"][0]["why"]
  assert "NLB8IT" in found["licence"] and "10.1109/TBME.2013.2246160" in found["citation"][0]
  assert json.loads(json.dumps(found)) == found


def test_what_is_not_needed_may_be_missing(tmp_path, made):
  write_capnobase(tmp_path, made, "csv")
  (tmp_path / "0009_8min_meta.csv").unlink()
  edit(tmp_path / "0009_8min_labels.csv", "pleth_artif_x", "pleth_other_x")
  path = tmp_path / "0009_8min_signal.csv"
  head, first, rest = path.read_text().split("\n", 2)
  path.write_text("\n".join([head, first.rpartition(",")[0] + ',""', rest]))   # no ECG there
  record = capnobase.load(tmp_path, options())[0]
  assert record.info == {"age": None, "sex": None, "ventilation": None, "source": "capnobase"}
  assert sorted(record.annotations) == ["breaths_1_s", "resp_artif_s"]


def edit(path, old, new):
  text = path.read_text()
  assert old in text
  path.write_text(text.replace(old, new, 1))


def change(key, how):
  """Replaces a field of case 0015's HDF5 by how(field), or deletes it where that is None."""
  def go(folder):
    with h5py.File(folder / "0015_8min.mat", "r+") as file:
      x = how(file[key][()])
      del file[key]
      if x is not None:
        file[key] = x
  return go




def cut(folder):
  path = folder / "0015_8min.mat"
  path.write_bytes(path.read_bytes()[:-20000])


BROKEN = {  # what is done to 0015_8min.mat -> what the sentence says
  "truncated": (cut, ["cannot be read"]),
  "no MATLAB": (lambda f: (f / "0015_8min.mat").write_text("<html>please log in</html>" * 20), ["cannot be read"]),
  "empty": (lambda f: (f / "0015_8min.mat").write_bytes(b""), ["cannot be read"]),
  "no pleth": (change("signal/pleth/y", lambda x: None), ["no signal.pleth.y"]),
  "no co2": (change("signal/co2/y", lambda x: None), ["no signal.co2.y"]),
  "no rate": (change("param/samplingrate/co2", lambda x: None), ["no param.samplingrate.co2"]),
  "wrong rate": (change("param/samplingrate/pleth", lambda x: 0 * x), ["no sampling rate"]),
  "two rates": (change("param/samplingrate/co2", lambda x: x / 3), ["300 Hz", "100 Hz"]),
  "two lengths": (change("signal/co2/y", lambda x: x[:, :-300]), ["21001 samples", "20701"]),
  "nan": (change("signal/pleth/y", lambda x: np.where(np.arange(21001) == 9000, np.nan, x)), ["pleth of", "30.00 s"]),
  "flat": (change("signal/co2/y", lambda x: np.where(np.arange(21001) > 9000, 3.0, x)), ["co2 of", "flat"]),
  "no breaths": (change("labels/co2/startinsp/x", lambda x: None), ["no labels.co2.startinsp.x"]),
  "breath beyond": (change("labels/co2/startinsp/x", lambda x: x + 21001), ["startinsp", "outside of the 21001"]),
  "breath before": (change("labels/co2/startinsp/x", lambda x: -x), ["startinsp", "outside of the 21001"]),
  "seconds": (change("labels/units/x", lambda x: np.array([ord(c) for c in "seconds"], np.uint16)), ["'seconds'", "not in samples"]),
  "odd artefact": (change("labels/pleth/artif/x", lambda x: np.array([[3.0], [9.0], [12.0]])), ["3 numbers", "pairs"]),
  "artefact reversed": (change("labels/co2/artif/x", lambda x: np.array([[900.0], [3.0]])), ["ends before it starts", "co2.artif"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_recording_is_named_with_its_remedy(folder, name):
  damage, words = BROKEN[name]
  assert len(capnobase.load(folder, options())) == 3
  damage(folder)
  sentence = says(capnobase.load, folder, options())
  assert all(word in sentence for word in ["0015_8min.mat", *words]), sentence
  assert "download" in sentence or "leave the file out" in sentence
  assert [r.group for r in capnobase.load(folder, options(skip_broken=True))] == ["0009", "0370"]
  assert capnobase.inspect(folder)["skipped"] == [{"record": "capnobase0015", "why": sentence}]


TABLES = {  # file of case 0015, what is replaced by what -> what the sentence says; None: the file is gone
  "no labels": ("labels", None, None, "has no 0015_8min_labels.csv beside it"),
  "no param": ("param", None, None, "has no 0015_8min_param.csv beside it"),
  "no column": ("signal", "pleth_y", "ppg_y", "no signal.pleth.y"),
  "no table": ("signal", "\n", "\n<html>", "cannot be read"),
  "text": ("labels", " 201", " soon", "text in labels.co2"),
  "seconds": ("labels", '"samples"', '"s"', "not in samples"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_broken_table_is_named_with_its_remedy(tmp_path, made, name):
  write_capnobase(tmp_path, made, "csv")
  kind, old, new, words = TABLES[name]
  path = tmp_path / f"0015_8min_{kind}.csv"
  if name == "text":
    inspirations = fake_capnobase.samples(made[1])[::-1]
    old, new = f" {inspirations[3]:g} ", " soon "
  edit(path, old, new) if old else path.unlink()
  sentence = says(capnobase.load, tmp_path, options())
  assert words in sentence and f"0015_8min_{'signal' if not old else kind}.csv" in sentence and "download" in sentence, sentence
  assert [r.group for r in capnobase.load(tmp_path, options(skip_broken=True))] == ["0009", "0370"]


def test_a_table_cut_in_a_line_or_after_its_head(tmp_path, made):
  write_capnobase(tmp_path, made[:1], "csv")
  path = tmp_path / "0009_8min_signal.csv"
  lines = path.read_text().splitlines()
  path.write_text("\n".join([*lines[:5000], "1.5"]))
  assert "0009_8min_signal.csv cannot be read" in says(capnobase.load, tmp_path, options())
  path.write_text("\n".join(lines[:5000]))
  assert "outside of the 4999" in says(capnobase.load, tmp_path, options())
  for text in (lines[0], ""):
    path.write_text(text)
    assert "0009_8min_signal.csv" in says(capnobase.load, tmp_path, options())


def test_missing_empty_short_and_all_broken(tmp_path, folder):
  assert "download" in says(capnobase.load, tmp_path / "nowhere", options()) and capnobase.sources(tmp_path / "nowhere") == []
  (tmp_path / "empty").mkdir()
  assert "empty" in says(capnobase.inspect, tmp_path / "empty")
  assert "less than one window of 80 s" in says(capnobase.load, folder, options(window_s=80.0))
  assert "inspect" in says(capnobase.load, folder, options(window_s=80.0, skip_broken=True))


def test_windows_simulator_and_files_of_a_user_are_those_of_bidmc():
  for name in ("prepare", "simulate", "read", "write"):
    assert getattr(capnobase.DATA, name) is getattr(bidmc.DATA, name)


def test_one_annotator_is_scored_from_the_folder_to_the_rows(folder, tmp_path, made):
  config = configs.load(ROOT / "configs" / "respdiff.py", "smoke", {
    "data.name": "capnobase", "data.source": "real", "data_dir": str(folder), "cache_dir": str(tmp_path / "cache")})
  for _ in range(2):   # what is read, and what the cache gives back
    prepared = cache.load(make_data(config), config)
  assert prepared.source == "capnobase" and prepared.groups == list(CASES)
  for record, truth in zip(prepared.records, made, strict=True):
    assert record.annotations["artif_s"].shape[1:] == (2,)
    hz = 20 / 60
    t = np.arange(round(record.duration_s * 10)) / 10
    predictions = {"resp_t": np.sin(2 * np.pi * hz * t).astype(np.float32), "rate_hz": 10.0}
    rows = score_record(record._replace(predictions=predictions))
    [row] = [r for r in rows if r["metric"] == "rr_bpm_win60_annotators_spectral"]
    breaths_s = truth.annotations["breaths_1_s"]
    inside_s = breaths_s[breaths_s < 60]
    assert row["kept"] and row["record"] == record.id and row["group"] == record.group
    assert row["truth"] == pytest.approx(60 * (len(inside_s) - 1) / np.ptp(inside_s), rel=1e-3)
    assert row["estimate"] == pytest.approx(20, abs=0.2)
    assert {r["metric"] for r in rows} >= {"rr_bpm_win32_annotators_count", "rr_bpm_win60_resp_spectral", "rr_bpm_win60_resp_authors"}
    alone = record._replace(annotations={}, predictions=predictions)
    assert not any(r["kept"] for r in score_record(alone) if "annotators" in r["metric"])
