"""BIDMC: PhysioNet's two forms give the same records, and broken files give one sentence each."""
import json
import os
import pathlib
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import fake_bidmc
import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import options, prepare, says

from jaxsig.data.ppg import bidmc
from jaxsig.data.records import Record

REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))


@pytest.fixture(scope="module")
def made() -> list[Record]:
  return fake_bidmc.records(3, 60)


@pytest.fixture(scope="module")
def intact(tmp_path_factory, made) -> pathlib.Path:
  """The recordings as WFDB; not to be changed."""
  folder = tmp_path_factory.mktemp("intact")
  fake_bidmc.write_bidmc(folder, made)
  assert len(bidmc.load(folder, options())) == 3
  return folder


@pytest.fixture
def folder(tmp_path, intact) -> pathlib.Path:
  """A copy of `intact` to break."""
  return shutil.copytree(intact, tmp_path / "bidmc")


def assert_same(a: Record, b: Record) -> None:
  assert (a.id, a.group, a.rate_hz, a.info) == (b.id, b.group, b.rate_hz, b.info)
  assert_same_arrays(a.signals, b.signals)
  assert_same_arrays(a.annotations, b.annotations)


def assert_same_arrays(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> None:
  assert sorted(a) == sorted(b)
  for name in a:
    np.testing.assert_array_equal(a[name], b[name])


def test_load_reads_ids_patients_and_info(intact, made):
  records = bidmc.load(intact, options())
  assert [record.id for record in records] == ["bidmc01", "bidmc02", "bidmc03"]
  assert [record.group for record in records] == ["s01000", "s01000", "s01007"]
  assert records[0].info == {
    "age": made[0].info["age"],
    "sex": made[0].info["sex"],
    "source": "bidmc",
  }
  assert records[2].info["age"] is None   # "NaN" in the file


@pytest.mark.parametrize("i", range(3))
def test_load_reads_the_signals_and_labels_that_were_written(intact, made, i):
  record = bidmc.load(intact, options())[i]
  for name in ("ppg_t", "resp_t"):
    assert record.signals[name].dtype == np.float32
    np.testing.assert_allclose(record.signals[name], made[i].signals[name], atol=1e-4)

  breaths = record.annotations
  expected = made[i].annotations
  np.testing.assert_allclose(breaths["breaths_1_s"], expected["breaths_1_s"][:-1], atol=0.005)
  np.testing.assert_allclose(breaths["breaths_2_s"], expected["breaths_2_s"], atol=0.005)

  rr_k = record.annotations["monitor_rr_bpm_k"]
  assert len(rr_k) == 61
  assert np.isnan(rr_k[2])
  assert np.all(np.delete(rr_k, 2) == 16)


def test_the_csv_form_equals_the_wfdb_form(intact, tmp_path, made):
  fake_bidmc.write_bidmc(tmp_path / "bidmc", made, form="csv")
  from_wfdb = bidmc.load(intact, options())
  from_csv = bidmc.load(tmp_path, options())
  for a, b in zip(from_wfdb, from_csv, strict=True):
    assert_same(a, b)


def test_parts_may_lie_beside_the_headers_and_any_subset_will_do(folder, intact):
  for part in (folder / "bidmc_csv").iterdir():
    part.rename(folder / part.name)
  (folder / "bidmc02.hea").unlink()
  numerics = folder / "bidmc02n.hea"   # PhysioNet's numerics: not a recording
  numerics.write_text("bidmc02n 4 1 481\n")

  records = bidmc.load(folder, options())
  assert [record.id for record in records] == ["bidmc01", "bidmc03"]
  assert_same(records[1], bidmc.load(intact, options())[2])

  names = set()
  for number in ("01", "03"):
    names |= {f"bidmc{number}.hea", f"bidmc{number}.dat"}
    names |= {f"bidmc_{number}_{part}" for part in ("Breaths.csv", "Fix.txt", "Numerics.csv")}
  assert {path.name for path in bidmc.sources(folder)} == names


def test_inspect_lists_records_and_what_is_broken(folder):
  (folder / "bidmc_csv/bidmc_02_Fix.txt").unlink()
  listed = bidmc.inspect(folder)
  first, third = listed["records"]
  assert (first["record"], third["record"]) == ("bidmc01", "bidmc03")
  assert first["breaths_2"] - first["breaths_1"] == 1
  assert first["rate_difference_bpm"] == -1.0

  skipped = listed["skipped"][0]
  assert skipped["record"] == "bidmc02"
  assert "bidmc_02_Fix.txt" in skipped["why"]
  assert "ODC-By" in listed["licence"]
  assert "10.1109/TBME.2016.2613124" in listed["citation"][0]
  assert json.loads(json.dumps(listed)) == listed


class Broken(NamedTuple):
  """What is done to bidmc02 (signals II, PLETH, RESP), and what the sentence says of it."""
  damage: Callable[[pathlib.Path], None]
  words: Sequence[str]


def truncated(name: str) -> Callable[[pathlib.Path], None]:
  def damage(folder: pathlib.Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-100])

  return damage


def removed(name: str) -> Callable[[pathlib.Path], None]:
  def damage(folder: pathlib.Path) -> None:
    (folder / name).unlink()

  return damage


def emptied(name: str) -> Callable[[pathlib.Path], None]:
  def damage(folder: pathlib.Path) -> None:
    (folder / name).write_text("")

  return damage


def replaced(name: str, old: str, new: str) -> Callable[[pathlib.Path], None]:
  def damage(folder: pathlib.Path) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))

  return damage


def extended(name: str, line: str) -> Callable[[pathlib.Path], None]:
  def damage(folder: pathlib.Path) -> None:
    text = (folder / name).read_text()
    (folder / name).write_text(text + line)

  return damage


def overwritten(channel: int, value: int) -> Callable[[pathlib.Path], None]:
  """Overwrites the second half of a channel and a little more; -32768 is WFDB's NaN.

  The header states no first numbers and checksums any more.
  """
  def damage(folder: pathlib.Path) -> None:
    path = folder / "bidmc02.dat"
    stored_t_c = np.fromfile(path, "<i2").reshape(-1, 3)
    first = len(stored_t_c) // 2 - 10
    stored_t_c[first:, channel] = value
    stored_t_c.tofile(path)
    header = folder / HEADER
    header.write_text(re.sub(r" -?\d+ -?\d+ 0 (?=\S+$)", " 0 0 0 ", header.read_text(), flags=re.M))

  return damage


HEADER = "bidmc02.hea"
DATA = "bidmc02.dat"
BREATHS = "bidmc_csv/bidmc_02_Breaths.csv"
FIX = "bidmc_csv/bidmc_02_Fix.txt"
BROKEN = {
  "truncated": Broken(truncated(DATA), [DATA, "truncated", "download"]),
  "no dat": Broken(removed(DATA), [DATA, "missing", "download"]),
  "no header text": Broken(emptied(HEADER), [HEADER, "cannot be read", "download"]),
  "nan": Broken(
    overwritten(1, -32768),
    ["PLETH of", HEADER, "29.92 s", "leave the file out"],
  ),
  "flat": Broken(
    overwritten(2, 5),
    ["RESP of", HEADER, "flat", "check the sensor"],
  ),
  "rate": Broken(
    replaced(HEADER, " 3 125 ", " 3 250 "),
    [HEADER, "250 Hz", "--input"],
  ),
  "no rate": Broken(
    replaced(HEADER, " 3 125 7500", " 3"),
    [HEADER, "no sampling rate", "download"],
  ),
  "two of one name": Broken(
    replaced(HEADER, "RESP,", "PLETH,"),
    [HEADER, "two signals PLETH", "download"],
  ),
  "no resp": Broken(
    replaced(HEADER, "RESP,", "CO2,"),
    [HEADER, "no signal RESP", "CO2"],
  ),
  "no pleth": Broken(
    replaced(HEADER, "PLETH,", "ABP,"),
    [HEADER, "no signal PLETH", "ABP"],
  ),
  "breath beyond": Broken(
    extended(BREATHS, "9999,\n"),
    ["bidmc_02_Breaths.csv", "80.0 s", "60.0 s", "download"],
  ),
  "no annotator": Broken(
    replaced(BREATHS, "ann2", "ann3"),
    ["bidmc_02_Breaths.csv", "annotator 2", "download"],
  ),
  "breaths text": Broken(
    extended(BREATHS, "soon,later\n"),
    ["bidmc_02_Breaths.csv", "no table of numbers", "CSV"],
  ),
  "breaths empty": Broken(
    emptied(BREATHS),
    ["bidmc_02_Breaths.csv", "no table of numbers", "empty"],
  ),
  "no breaths": Broken(removed(BREATHS), ["bidmc_02_Breaths.csv", "download"]),
  "no fix": Broken(removed(FIX), ["bidmc_02_Fix.txt", "patient", "download"]),
  "no patient": Broken(replaced(FIX, "wdb ID", "ID"), ["bidmc_02_Fix.txt", "patient"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_recording_is_named_with_its_remedy(folder, case):
  broken = BROKEN[case]
  broken.damage(folder)
  sentence = says(bidmc.load, folder, options())
  for word in broken.words:
    assert word in sentence

  others = bidmc.load(folder, options(skip_broken=True))
  assert [record.id for record in others] == ["bidmc01", "bidmc03"]
  assert bidmc.inspect(folder)["skipped"] == [{"record": "bidmc02", "why": sentence}]


@pytest.fixture(scope="module")
def csv_text(tmp_path_factory, made) -> str:
  """The Signals file of a short recording."""
  folder = tmp_path_factory.mktemp("csv")
  fake_bidmc.write_bidmc(folder, fake_bidmc.records(1, 20), form="csv")
  return (folder / "bidmc_csv/bidmc_01_Signals.csv").read_text()


def test_csv_without_resp(tmp_path, csv_text):
  path = tmp_path / "bidmc_01_Signals.csv"
  path.write_text(csv_text.replace("RESP", "CO2"))
  assert "no signal RESP" in says(bidmc.load, tmp_path, options())


def test_csv_of_another_rate(tmp_path, csv_text):
  header, *lines = csv_text.splitlines()
  slower = [header]
  for i, line in enumerate(lines):
    _, _, values = line.partition(",")
    slower.append(f"{i / 100:.2f},{values}")
  path = tmp_path / "bidmc_01_Signals.csv"
  path.write_text("\n".join(slower))
  assert "100 Hz" in says(bidmc.load, tmp_path, options())


def test_missing_and_empty_folders(tmp_path):
  nowhere = tmp_path / "nowhere"
  assert "download" in says(bidmc.load, nowhere, options())
  assert bidmc.sources(nowhere) == []

  empty = tmp_path / "empty"
  empty.mkdir()
  assert "empty" in says(bidmc.inspect, empty)


def test_recordings_shorter_than_a_window(intact):
  assert "less than one window of 64 s" in says(bidmc.load, intact, options(window_s=64.0))
  skipping = options(window_s=64.0, skip_broken=True)
  assert "inspect" in says(bidmc.load, intact, skipping)


def test_without_numerics_there_are_none(folder):
  (folder / "bidmc_csv/bidmc_01_Numerics.csv").unlink()
  record = bidmc.load(folder, options())[0]
  assert sorted(record.annotations) == ["breaths_1_s", "breaths_2_s"]


def test_download_without_a_network_is_one_sentence(tmp_path, monkeypatch):
  import wfdb

  def fail(*args: object, **kwargs: object) -> None:
    raise OSError("no route to host")

  monkeypatch.setattr(wfdb, "dl_files", fail)
  sentence = says(bidmc.download, tmp_path)
  assert "no route to host" in sentence
  assert "check the network" in sentence


def test_download_asks_for_the_files_that_load_reads(tmp_path, monkeypatch, intact):
  import wfdb

  asked = []

  def note(database: str, target: str, names: Sequence[str]) -> None:
    asked.extend(names)

  monkeypatch.setattr(wfdb, "dl_files", note)
  bidmc.download(tmp_path)
  assert len(asked) == 53 * 5
  needed = {str(path.relative_to(intact)) for path in bidmc.sources(intact)}
  assert needed <= set(asked)


def test_tfds_examples_equal_the_records(folder, tmp_path):
  tfds = pytest.importorskip("tensorflow_datasets", reason="TFDS is not installed")
  pytest.importorskip("array_record", reason="array_record is not installed")
  from jaxsig.data.ppg.tfds_bidmc import Bidmc, example_of

  (folder / "bidmc_csv/bidmc_01_Numerics.csv").unlink()
  builder = Bidmc(data_dir=tmp_path / "tfds", file_format="array_record")
  download = tfds.download.DownloadConfig(manual_dir=folder)
  builder.download_and_prepare(download_config=download)
  stored = {example["id"].decode(): example for example in builder.as_data_source("train")}

  records = bidmc.load(folder, options())
  assert sorted(stored) == [record.id for record in records]
  for record in records:
    example = stored[record.id]
    assert sorted(example) == sorted(example_of(record))
    assert example["patient"].decode() == record.group
    assert example["sex"].decode() == (record.info["sex"] or "")
    for name, x in {**record.signals, **record.annotations}.items():
      np.testing.assert_array_equal(example[name], x.astype(np.float32))

    age = record.info["age"]
    if age is None:
      age = np.nan
    np.testing.assert_equal(float(example["age"]), age)


no_recordings = "no BIDMC recordings: name their folder with JAXSIG_DATA_DIR"


@pytest.mark.skipif(not bidmc.sources(REAL), reason=no_recordings)
def test_the_real_recordings():
  listed = bidmc.inspect(REAL)
  assert not listed["skipped"]
  patients = {record["record"]: record["patient"] for record in listed["records"]}
  assert len(patients) >= 26
  assert patients["bidmc20"] == patients["bidmc21"]
  assert patients["bidmc38"] == patients["bidmc39"]
  assert len(set(patients.values())) <= len(patients) - 2

  first = bidmc.load(REAL, options())[0]
  windows = prepare(first, options())
  assert windows["resp_b_t"].shape == (96, 150)
