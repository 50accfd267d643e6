"""Readers of recordings with the pressure, on files of their layouts."""
import numpy as np
import pytest
from fake_pressure import config_of, people, write_challenge, write_ppg_bp

from jaxsig.data.ppg.pressure import challenge2015, ppg_bp
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


@pytest.mark.parametrize("module", [challenge2015, ppg_bp])
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
