"""Readers of recordings with the pressure, on files of their layouts."""
import numpy as np
import pytest
from fake_pressure import (
  config_of,
  people,
  write_challenge,
  write_empty_hdf5,
  write_kachuee,
  write_mimic,
  write_ppg_bp,
  write_pulsedb,
  write_schrumpf,
)

from jaxsig.data.ppg.pressure import (
  challenge2015,
  kachuee,
  mimic_waveforms,
  ppg_bp,
  pulsedb,
  schrumpf,
)
from jaxsig.errors import UserError

DATA = config_of().data
SKIP = config_of(data__skip_broken=True).data
GROUPS = "record,group\nv100s,7.0\nv101s,\nv102s,7.0\n"


def test_challenge_records_are_read_with_their_groups(tmp_path):
  made = people(3)
  write_challenge(tmp_path / "challenge2015", made, GROUPS)
  records = challenge2015.load(tmp_path, DATA)
  assert [record.group for record in records] == ["group_7", "v101s", "group_7"]
  for record, simulated in zip(records, made, strict=True):
    assert record.rate_hz == 125
    for name in ("sbp_t", "dbp_t"):
      truth = np.nanmedian(simulated.annotations[name])
      assert np.nanmedian(record.annotations[name]) == pytest.approx(truth, abs=2)
  assert len(challenge2015.sources(tmp_path)) == 7
  about = challenge2015.inspect(tmp_path)
  assert [line["group"] for line in about["records"]] == ["group_7", "v101s", "group_7"]
  assert about["licence"] and about["citation"] and not about["skipped"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda text: text.replace("ABP", "CVP"), "has no ABP or ART"),
        (lambda text: text.replace("PLETH", "II"), "has no PLETH"),
        (lambda text: "nothing", "v100s"),
    ],
)
def test_a_broken_challenge_record_is_named(tmp_path, spoil, sentence):
  write_challenge(tmp_path, people(2))
  header = tmp_path / "v100s.hea"
  header.write_text(spoil(header.read_text()))
  with pytest.raises(UserError, match=sentence):
    challenge2015.load(tmp_path, DATA)
  assert [record.id for record in challenge2015.load(tmp_path, SKIP)] == ["v101s"]
  [skipped] = challenge2015.inspect(tmp_path)["skipped"]
  assert skipped["record"] == "v100s"


@pytest.mark.parametrize(
    "module", [challenge2015, ppg_bp, kachuee, mimic_waveforms, pulsedb, schrumpf])
def test_an_empty_folder_is_told(tmp_path, module):
  with pytest.raises(UserError, match="correct the folder"):
    module.load(tmp_path, DATA)
  assert module.sources(tmp_path) == []


def segment(seed):
  draw = np.random.default_rng(seed)
  return 2000 + 300 * np.sin(2 * np.pi * 1.2 * np.arange(2100) / 1000) + draw.normal(0, 3, 2100)


ROWS = [
    [1, 2, "Female", 45, 152, 63, 161, 89, 97, 27.3, "Stage 2"],
    [2, 3, "Male", 50, 157, 50, 120, 70, 76, 20.3, "Normal"],
]


def test_ppg_bp_subjects_have_their_cuffs_pressure_in_every_segment(tmp_path):
  segments = {f"{subject}_{k}": segment(10 * subject + k) for subject in (2, 3) for k in (1, 2, 3)}
  write_ppg_bp(tmp_path / "ppg_bp", segments, ROWS)
  first, second = ppg_bp.load(tmp_path, DATA)
  assert (first.id, second.id) == ("s2", "s3")
  assert first.rate_hz == 1000 and first.info["age"] == 45 and second.info["sex"] == "Male"
  assert np.unique(first.annotations["sbp_t"][np.isfinite(first.signals["ppg_t"])]) == [161]
  assert np.isnan(first.signals["ppg_t"]).sum() == 2 * 1000   # a second between segments
  assert len(ppg_bp.sources(tmp_path)) == 7


def test_a_segment_of_two_subjects_is_left_out_of_both(tmp_path):
  segments = {f"{subject}_{k}": segment(10 * subject + k) for subject in (2, 3) for k in (1, 2, 3)}
  segments["3_1"] = segments["2_2"]
  write_ppg_bp(tmp_path, segments, ROWS)
  records = ppg_bp.load(tmp_path, DATA)
  for record in records:
    assert np.isfinite(record.signals["ppg_t"]).sum() == 2 * 2100
    assert "another subject's" in record.info["notes"][0]
  assert [line["record"] for line in ppg_bp.inspect(tmp_path)["skipped"]] == ["2_2", "3_1"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda place: (place / "PPG-BP dataset.xlsx").unlink(), "is missing"),
        (lambda place: (place / "PPG-BP dataset.xlsx").write_text("no table"), "as a table"),
        (lambda place: (place / "0_subject" / "2_1.txt").write_text("1 2 x"), "no line of numbers"),
        (lambda place: (place / "0_subject" / "2_1.txt").write_text("1 2 3"), "less than 2 s"),
    ],
)
def test_broken_ppg_bp_files_are_named(tmp_path, spoil, sentence):
  write_ppg_bp(tmp_path, {"2_1": segment(1)}, ROWS)
  spoil(tmp_path)
  with pytest.raises(UserError, match=sentence):
    ppg_bp.load(tmp_path, DATA)


def test_kachuee_pieces_belong_to_their_part(tmp_path):
  made = [whole(record) for record in people(3, stretches=1, stretch_s=12.0)]
  (tmp_path / "kachuee").mkdir()
  write_kachuee(tmp_path / "kachuee" / "Part_1.mat", [*made[:2], made[2][:500]])
  with pytest.raises(UserError, match="Part_1_2 lasts 4.0 s"):
    kachuee.load(tmp_path, DATA)
  records = kachuee.load(tmp_path, SKIP)
  assert [(record.id, record.group) for record in records] == [
      ("Part_1_0", "Part_1"), ("Part_1_1", "Part_1")]
  np.testing.assert_array_equal(records[0].signals["abp_t"], made[0][:, 1])
  assert "Subjects are unknown" in records[0].info["notes"][0]
  about = kachuee.inspect(tmp_path)
  assert len(about["records"]) == 2 and len(about["skipped"]) == 1


@pytest.mark.parametrize("samples_first", [False, True])
def test_pulsedb_segments_of_a_subject_are_one_record(tmp_path, samples_first):
  signals = np.random.default_rng(0).standard_normal((4, 3, 1250)).astype(np.float32)
  if samples_first:
    signals = signals.transpose(2, 1, 0)
  write_pulsedb(tmp_path / "subset.mat", signals, ["p0000011", "p0000020", "p0000011", "p0000011"])
  first, second = pulsedb.load(tmp_path, DATA)
  assert (first.group, second.group) == ("p0000011", "p0000020")
  expected_t = signals[0, 1]
  if samples_first:
    expected_t = signals[:, 1, 0]
  np.testing.assert_array_equal(first.signals["ppg_t"][:1250], expected_t)
  assert np.isfinite(first.signals["ppg_t"]).sum() == 3 * 1250
  assert first.annotations["sbp_t"][0] == 120 and first.annotations["sbp_t"][-1] == 123
  assert first.info["age"] == 60 and second.info["age"] == 61


@pytest.mark.parametrize("camera", [False, True])
def test_prepared_windows_of_the_authors_are_read_either_way_round(tmp_path, camera):
  windows = np.random.default_rng(0).standard_normal((5, 875)).astype(np.float32)
  labels = np.array([[120, 70], [121, 71], [140, 80], [141, 81], [122, 72]])
  write_schrumpf(tmp_path / "pool.h5", windows, labels, np.array([1, 1, 2, 2, 1]), camera)
  first, second = schrumpf.load(tmp_path, DATA)
  assert (first.group, second.group) == ("pool_1", "pool_2")
  np.testing.assert_array_equal(second.signals["ppg_t"][:875], windows[2])
  assert first.annotations["sbp_t"][0] == 120 and second.annotations["dbp_t"][-1] == 81
  assert "order of the windows" in first.info["notes"][0]


def test_mimic_records_are_put_together_and_belong_to_their_patient(tmp_path):
  folder = tmp_path / "mimic3wdb" / "p00" / "p000020"
  [record] = people(1, stretches=1, stretch_s=30.0)
  write_mimic(folder, record)
  [found] = mimic_waveforms.load(tmp_path, DATA)
  assert (found.id, found.group) == ("p000020-2183-04-28-17-47", "p000020")
  assert found.duration_s == pytest.approx(40, abs=0.1)
  missing = np.isnan(found.signals["ppg_t"])
  assert missing.sum() == pytest.approx(10 * 125, abs=5)
  truth = np.nanmedian(record.annotations["sbp_t"])
  assert np.nanmedian(found.annotations["sbp_t"]) == pytest.approx(truth, abs=2)
  assert [path.stem for path in mimic_waveforms.headers(tmp_path)] == [found.id]


@pytest.mark.parametrize(
    ("module", "name"), [(kachuee, "Part_1.mat"), (pulsedb, "a.mat"), (schrumpf, "a.h5")])
def test_a_broken_or_foreign_hdf5_file_is_named(tmp_path, module, name):
  (tmp_path / name).write_text("no HDF5")
  with pytest.raises(UserError, match=f"{name} cannot be read as HDF5"):
    module.load(tmp_path, DATA)
  write_empty_hdf5(tmp_path / name)
  with pytest.raises(UserError, match="another data set's file"):
    module.load(tmp_path, DATA)


def whole(record):
  """[t, 3] PPG, pressure and a third signal."""
  ppg_t, abp_t = record.signals["ppg_t"], record.signals["abp_t"]
  return np.stack([ppg_t, abp_t, ppg_t], -1).astype(np.float32)
