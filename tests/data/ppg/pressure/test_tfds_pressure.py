"""Recordings with the pressure as TensorFlow data sets, on tiny folders of their layouts."""
import numpy as np
import pytest
from fake_pressure import config_of, people, write_challenge, write_ppg_bp

from jaxsig.data.ppg.pressure import challenge2015, ppg_bp
from jaxsig.errors import UserError

SKIP = config_of(data__skip_broken=True).data


@pytest.fixture
def tfds():
  """Without array_record TFDS would import TensorFlow, which takes 10 s."""
  pytest.importorskip("array_record", reason="array_record is not installed")
  return pytest.importorskip("tensorflow_datasets", reason="TFDS is not installed")


def prepared(tfds, make, folder, cache):
  """{id: example} of the data set that a builder makes of a folder."""
  builder = make(data_dir=cache, file_format="array_record")
  download = tfds.download.DownloadConfig(manual_dir=folder)
  builder.download_and_prepare(download_config=download)
  return {example["id"].decode(): example for example in builder.as_data_source("train")}


def assert_equals_the_record(example, record, expected):
  assert sorted(example) == sorted(expected)
  assert float(example["rate_hz"]) == record.rate_hz
  for name, x in {**record.signals, **record.annotations}.items():
    assert example[name].dtype == np.float32
    np.testing.assert_array_equal(example[name], x)


def test_examples_of_the_challenge_equal_its_records(tfds, tmp_path):
  from jaxsig.data.ppg.pressure.tfds_challenge2015 import Challenge2015, example_of

  folder = tmp_path / "challenge2015"
  write_challenge(folder, people(3), "record,group\nv100s,7.0\nv101s,\nv102s,7.0\n")
  header = folder / "v102s.hea"
  header.write_text(header.read_text().replace("ABP", "CVP"))
  stored = prepared(tfds, Challenge2015, folder, tmp_path / "tfds")

  records = challenge2015.load(folder, SKIP)
  assert sorted(stored) == [record.id for record in records] == ["v100s", "v101s"]
  for record in records:
    example = stored[record.id]
    assert example["group"].decode() == record.group
    assert_equals_the_record(example, record, example_of(record))


ROWS = [
    [1, 2, "Female", 45, 152, 63, 161, 89, 97, 27.3, "Stage 2"],
    [2, 3, None, None, 157, 50, 120, 70, 76, "not known", "Normal"],
]


def test_examples_of_ppg_bp_equal_its_subjects(tfds, tmp_path):
  from jaxsig.data.ppg.pressure.tfds_ppg_bp import PpgBp, example_of

  folder = tmp_path / "ppg_bp"
  draw = np.random.default_rng(0)
  names = [f"{subject}_{k}" for subject in (2, 3) for k in (1, 2, 3)]
  write_ppg_bp(folder, {name: 2000 + draw.normal(0, 300, 2100) for name in names}, ROWS)
  stored = prepared(tfds, PpgBp, folder, tmp_path / "tfds")

  records = ppg_bp.load(folder, SKIP)
  assert sorted(stored) == [record.id for record in records] == ["s2", "s3"]
  for record in records:
    example = stored[record.id]
    assert example["subject"].decode() == record.group
    assert_equals_the_record(example, record, example_of(record))
  first, second = stored["s2"], stored["s3"]
  assert (first["sex"].decode(), second["sex"].decode()) == ("Female", "")
  assert first["bmi"] == np.float32(27.3) and first["heart_rate"] == 97 and first["age"] == 45
  assert np.isnan(second["age"]) and np.isnan(second["bmi"])


def test_a_folder_without_records_is_told(tfds, tmp_path):
  from jaxsig.data.ppg.pressure.tfds_challenge2015 import Challenge2015

  folder = tmp_path / "challenge2015"
  folder.mkdir()
  with pytest.raises(AssertionError, match=r"groups\.csv"):   # what to copy there
    prepared(tfds, Challenge2015, folder, tmp_path / "tfds")
  (folder / "other.txt").write_text("nothing")
  with pytest.raises(UserError, match="correct the folder"):
    prepared(tfds, Challenge2015, folder, tmp_path / "tfds")
