"""The leak audit: planted leaks are caught, and clean recordings are not accused."""
import numpy as np
import pytest
from fake_pressure import people, write_challenge
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import challenge2015, data_sets, leak_audit
from jaxsig.data.ppg.pressure.prepared_ppg import resampled


@pytest.fixture(scope="module")
def clean():
  return people(12, stretches=2, stretch_s=30.0)


def planted(record, ppg_t, rate_hz=None, **info):
  """The record's samples under another name."""
  signals = {"ppg_t": np.asarray(ppg_t, np.float32)}
  return record._replace(
      id="copy", group="stranger", signals=signals, annotations={},
      rate_hz=rate_hz or record.rate_hz, info=info)


def whole(record):
  """The first stretch, which has no gap."""
  return record.signals["ppg_t"][:round(30 * record.rate_hz)]


PLANTED = {
    "as it is": lambda record: planted(record, record.signals["ppg_t"]),
    "scaled": lambda record: planted(record, 4096 * record.signals["ppg_t"] - 300),
    "shifted": lambda record: planted(record, whole(record)[700:]),
    "resampled": lambda record: planted(
        record, resampled(whole(record).astype(float), record.rate_hz, 100.0), 100.0),
    "a part": lambda record: planted(record, whole(record)[1000:2500]),
}


@pytest.mark.parametrize("how", PLANTED)
def test_a_planted_copy_is_caught(clean, how):
  records = [*clean, PLANTED[how](clean[3])]
  [copy] = leak_audit.audit(records).copies
  assert (copy.first, copy.second, copy.crosses) == (clean[3].id, "copy", True)
  assert "1 pair of recordings of different groups" in leak_audit.findings(
      leak_audit.audit(records))[0]
  tied = leak_audit.tied(records)
  assert tied[3].info["copies"] == ["copy"] and tied[-1].info["copies"] == [clean[3].id]


def test_a_clean_cohort_is_not_accused(clean):
  found = leak_audit.audit(clean)
  assert not found.copies and not found.dominating and not found.groups_with_several
  assert "no copies" in leak_audit.findings(found)[0]


def test_several_records_dominance_and_overlap_are_told(clean):
  own = clean[0]._replace(info={"begin_s": 0.0})
  second = clean[1]._replace(group=own.group, info={"begin_s": 30.0})
  third = clean[2]._replace(group=own.group, info={"begin_s": 500.0})
  found = leak_audit.audit([own, second, third, *clean[3:7]])
  assert found.groups_with_several == {own.group: 3}
  assert found.overlapping == ((own.id, second.id),)
  assert found.dominating == {own.group: pytest.approx(3 / 7)}
  text = " ".join(leak_audit.findings(found))
  assert "overlap in time" in text and "43 % of all signal" in text


def test_loading_ties_copies_and_inspecting_tells_them(tmp_path, clean):
  stranger = clean[0]._replace(id="x", group="x")
  write_challenge(tmp_path, [clean[0], clean[1], stranger])
  data = data_sets.DATA["challenge2015"]
  first, second, third = data.load(tmp_path, ConfigDict({"skip_broken": False}))
  assert first.info["copies"] == [third.id] and "copies" not in second.info
  findings = data.inspect(tmp_path)["findings"]
  assert any(first.id in line and third.id in line for line in findings)


def test_inspecting_reads_a_recording_once(tmp_path, clean, monkeypatch):
  write_challenge(tmp_path, clean[:2])
  (tmp_path / "v101s.hea").write_text("nothing")
  asked = []
  read = challenge2015.read_record

  def noted(header, groups):
    asked.append(header.stem)
    return read(header, groups)

  monkeypatch.setattr(challenge2015, "read_record", noted)
  about = data_sets.DATA["challenge2015"].inspect(tmp_path)
  assert asked == ["v100s", "v101s"]
  assert [line["record"] for line in about["skipped"]] == ["v101s"] and about["findings"]


def test_a_folder_of_broken_recordings_is_listed(tmp_path, clean):
  write_challenge(tmp_path, clean[:1])
  (tmp_path / "v100s.hea").write_text("nothing")
  about = data_sets.DATA["challenge2015"].inspect(tmp_path)
  assert not about["records"] and not about["findings"]
  assert [line["record"] for line in about["skipped"]] == ["v100s"]
