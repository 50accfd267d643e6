"""CapnoBase: its forms give the same records, and one annotator is enough for the rows."""
import json
import shutil

import fake_capnobase
import h5py
import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from fake_capnobase import CASES, FORMS, RATE_HZ, options
from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig.data import cache
from jaxsig.data.ppg import bidmc, capnobase
from jaxsig.data.records import Record
from jaxsig.systems.respiration.score import score_record
from jaxsig.systems.respiration.target import target_of

SAMPLES = 21001   # 70 s and the endpoint


@pytest.fixture(scope="module")
def loaded(case_folders) -> dict[str, list[Record]]:
  """{form: its records}."""
  records = {}
  for form, folder in case_folders.items():
    records[form] = capnobase.load(folder, options())
    assert len(records[form]) == 3
  return records


@pytest.mark.parametrize("form", FORMS)
def test_load_reads_ids_and_info(loaded, cases, form):
  records = loaded[form]
  assert [record.id for record in records] == [f"capnobase{case}" for case in CASES]
  assert [record.group for record in records] == list(CASES)
  assert [record.rate_hz for record in records] == [300.0] * 3
  assert records[1].info == {
    "age": pytest.approx(cases[1].info["age"], rel=1e-5),
    "sex": cases[1].info["sex"],
    "ventilation": "controlled",
    "source": "capnobase",
  }
  assert records[2].info == {
    "age": None,
    "sex": None,
    "ventilation": "controlled",
    "source": "capnobase",
  }


@pytest.mark.parametrize("i", range(3))
@pytest.mark.parametrize("form", FORMS)
def test_load_reads_the_signals_and_breaths_that_were_written(loaded, cases, form, i):
  record = loaded[form][i]
  for name in ("ppg_t", "resp_t"):
    x_t = record.signals[name]
    assert x_t.dtype == np.float32
    assert len(x_t) == SAMPLES
    np.testing.assert_allclose(x_t[:-1], cases[i].signals[name], rtol=6e-6, atol=1e-30)

  names = [name for name in record.annotations if name.startswith("breaths")]
  assert names == ["breaths_1_s"]
  half_a_sample_s = 0.5 / RATE_HZ + 1e-9
  np.testing.assert_allclose(
    record.annotations["breaths_1_s"],
    cases[i].annotations["breaths_1_s"],
    atol=half_a_sample_s,
  )


@pytest.mark.parametrize("form", FORMS)
def test_samples_count_from_one_and_both_ends_of_an_artefact_are_in_it(loaded, cases, form):
  first, second, third = loaded[form]
  labels = first.annotations["breaths_1_s"] * 300 + 1
  np.testing.assert_allclose(labels, fake_capnobase.samples(cases[0]), atol=1e-6)

  assert first.annotations["artif_s"].shape == (0, 2)
  np.testing.assert_allclose(second.annotations["artif_s"], [[3.0, 4.0], [4999 / 300, 18.0]])
  from_the_first_on = [[0.0, 656 / 300]]   # labelled with 0
  np.testing.assert_allclose(third.annotations["artif_s"], from_the_first_on)
  np.testing.assert_allclose(first.annotations["resp_artif_s"], [[1.0, 2.0]])


def test_an_artefact_as_a_matrix_is_read_by_rows(mat_folder):
  transposed = np.array([[901.0, 5000.0], [1200.0, 5400.0]])   # MATLAB's [901 1200; 5000 5400]
  with h5py.File(mat_folder / "0009_8min.mat", "r+") as file:
    del file["labels/pleth/artif/x"]
    file["labels/pleth/artif/x"] = transposed
  record = capnobase.load(mat_folder, options())[0]
  np.testing.assert_allclose(record.annotations["artif_s"], [[3, 4], [4999 / 300, 18]])


@pytest.mark.parametrize("place", ["TBME2013-PPGRR-Benchmark_R3/data", "capnobase/data/mat"])
def test_cases_may_lie_where_the_archives_have_them_and_any_subset_will_do(
    tmp_path, case_folders, place,
):
  shutil.copytree(case_folders["hdf5"], tmp_path / place)
  (tmp_path / place / "0015_8min.mat").unlink()
  records = capnobase.load(tmp_path, options())
  assert [record.group for record in records] == ["0009", "0370"]
  assert len(capnobase.sources(tmp_path)) == 2


def test_a_mat_goes_before_tables(tmp_path, case_folders):
  shutil.copytree(case_folders["hdf5"], tmp_path / "capnobase/data/mat")
  (tmp_path / "capnobase/data/mat/0015_8min.mat").unlink()
  shutil.copytree(case_folders["csv"], tmp_path / "capnobase/data/csv")
  (tmp_path / "mat").mkdir()
  (tmp_path / "mat/0009_8min_old.mat").write_text("no case")

  suffixes = [path.suffix for path in capnobase.sources(tmp_path)]
  assert suffixes == [".mat", ".csv", ".csv", ".csv", ".csv", ".mat"]
  records = capnobase.load(tmp_path, options())
  assert [record.group for record in records] == list(CASES)


def test_the_original_tables_may_be_called_tab(table_folder, loaded):
  for path in list(table_folder.glob("*.csv")):
    path.rename(path.with_suffix(".tab"))
  record = capnobase.load(table_folder, options())[0]
  expected = loaded["csv"][0]
  np.testing.assert_array_equal(record.signals["resp_t"], expected.signals["resp_t"])
  np.testing.assert_array_equal(
    record.annotations["breaths_1_s"],
    expected.annotations["breaths_1_s"],
  )


def test_inspect_lists_records_and_what_is_broken(mat_folder, cases):
  (mat_folder / "0370_8min.mat").write_bytes(b"")
  listed = capnobase.inspect(mat_folder)
  first, second = listed["records"]
  assert (first["record"], second["record"]) == ("capnobase0009", "capnobase0015")
  assert second["artefacts_s"] == pytest.approx(701 / 300, abs=0.01)
  assert first["breaths_1"] == len(cases[0].annotations["breaths_1_s"])

  skipped = listed["skipped"][0]
  assert skipped["record"] == "capnobase0370"
  assert "0370_8min.mat" in skipped["why"]
  assert "NLB8IT" in listed["licence"]
  assert "10.1109/TBME.2013.2246160" in listed["citation"][0]
  assert json.loads(json.dumps(listed)) == listed


def test_what_is_not_needed_may_be_missing(table_folder):
  (table_folder / "0009_8min_meta.csv").unlink()
  labels = table_folder / "0009_8min_labels.csv"
  labels.write_text(labels.read_text().replace("pleth_artif_x", "pleth_other_x"))
  path = table_folder / "0009_8min_signal.csv"
  header, first, rest = path.read_text().split("\n", 2)
  without_ecg, _, _ = first.rpartition(",")
  path.write_text("\n".join([header, without_ecg + ',""', rest]))

  record = capnobase.load(table_folder, options())[0]
  assert record.info == {"age": None, "sex": None, "ventilation": None, "source": "capnobase"}
  assert sorted(record.annotations) == ["breaths_1_s", "resp_artif_s"]


def test_missing_and_empty_folders(tmp_path):
  nowhere = tmp_path / "nowhere"
  assert "download" in says(capnobase.load, nowhere, options())
  assert capnobase.sources(nowhere) == []

  empty = tmp_path / "empty"
  empty.mkdir()
  assert "empty" in says(capnobase.inspect, empty)


def test_recordings_shorter_than_a_window(case_folders):
  folder = case_folders["hdf5"]
  assert "less than one window of 80 s" in says(capnobase.load, folder, options(window_s=80.0))
  skipping = options(window_s=80.0, skip_broken=True)
  assert "inspect" in says(capnobase.load, folder, skipping)


@pytest.mark.parametrize("name", ["spans", "cut", "simulate"])
def test_windows_and_simulator_are_those_of_bidmc(name):
  assert getattr(capnobase.DATA, name) is getattr(bidmc.DATA, name)


@pytest.fixture(scope="module")
def prepared(case_folders, tmp_path_factory) -> tuple[cache.Prepared, ConfigDict]:
  """The cases from the cache, which has read them once before, and their config."""
  places = {
    "data.name": "capnobase",
    "data.source": "real",
    "data_dir": str(case_folders["hdf5"]),
    "cache_dir": str(tmp_path_factory.mktemp("cache")),
  }
  config = configs.load(ROOT / "configs" / "respdiff.py", "smoke", places)
  first = cache.load(capnobase.DATA, config)
  again = cache.load(capnobase.DATA, config)
  for result in (first, again):
    assert result.source == "capnobase"
    assert [record.group for record in result.records] == list(CASES)
    for record in result.records:
      assert record.annotations["artif_s"].shape[1:] == (2,)
  assert first.fingerprint == again.fingerprint
  return again, config


@pytest.mark.parametrize("i", range(3))
def test_one_annotator_is_scored_from_the_folder_to_the_rows(prepared, cases, i):
  records_and_windows, config = prepared
  record = records_and_windows.records[i]
  time_s = np.arange(round(record.duration_s * 10)) / 10
  twenty_bpm_t = np.sin(2 * np.pi * (20 / 60) * time_s).astype(np.float32)
  predictions = {"resp_t": twenty_bpm_t, "rate_hz": 10.0}

  target = target_of(record, config.data)
  rows = score_record(record._replace(predictions=predictions), target)
  [row] = [row for row in rows if row.metric == "rr_bpm_win60_annotators_spectral"]
  breaths_s = cases[i].annotations["breaths_1_s"]
  in_window_s = breaths_s[breaths_s < 60]
  expected_bpm = 60 * (len(in_window_s) - 1) / np.ptp(in_window_s)
  assert row.included
  assert (row.record, row.group) == (record.id, record.group)
  assert row.truth == pytest.approx(expected_bpm, rel=1e-3)
  assert row.estimate == pytest.approx(20, abs=0.2)
  assert {row.metric for row in rows} >= {
    "rr_bpm_win32_annotators_count",
    "rr_bpm_win60_resp_spectral",
    "rr_bpm_win60_resp_authors",
  }

  unlabelled = record._replace(annotations={}, predictions=predictions)
  for row in score_record(unlabelled):
    if "annotators" in row.metric:
      assert not row.included
