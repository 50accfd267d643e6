"""BIDMC as a TensorFlow data set of whole recordings; `file_format="array_record"` needs no TensorFlow.

  builder = Bidmc(data_dir=cache, file_format="array_record")
  builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=folder))
  records = builder.as_data_source("train")
"""
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from jaxsig.data.ppg import bidmc
from jaxsig.data.records import Record

_DESCRIPTION = """Finger PPG and chest impedance (125 Hz) of 46 intensive-care patients in 53 recordings of 8 min, from
MIMIC II, with the breaths that two annotators marked and the monitor's numerics (1 Hz). `patient` tells which
recordings must stay together when the data are split."""
_MONITOR = ("monitor_hr_bpm_k", "monitor_pulse_bpm_k", "monitor_rr_bpm_k", "monitor_spo2_percent_k")


class Bidmc(tfds.core.GeneratorBasedBuilder):
  """One example a recording: what `jaxsig.data.ppg.bidmc.load` returns, under flat names and in float32."""

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES: ClassVar = {"1.0.0": "All recordings in one split; split by patient."}
  MANUAL_DOWNLOAD_INSTRUCTIONS = """Copy https://physionet.org/content/bidmc/1.0.0/ (WFDB files and bidmc_csv/) into the
  folder, or leave it empty: the files are then fetched from PhysioNet."""

  def _info(self) -> tfds.core.DatasetInfo:
    series = tfds.features.Tensor(shape=(None,), dtype=np.float32)
    names = ("ppg_t", "resp_t", "breaths_1_s", "breaths_2_s", *_MONITOR)
    features = tfds.features.FeaturesDict({
      "id": tfds.features.Text(), "patient": tfds.features.Text(), "sex": tfds.features.Text(), "age": np.float32,
      "rate_hz": np.float32, **dict.fromkeys(names, series)})
    return tfds.core.DatasetInfo(
      builder=self, description=_DESCRIPTION, features=features, supervised_keys=("ppg_t", "resp_t"),
      license=bidmc.LICENCE, citation="\n\n".join(bidmc.CITATION),
      homepage="https://physionet.org/content/bidmc/1.0.0/")

  def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
    return {"train": self._generate_examples(_folder(dl_manager))}

  def _generate_examples(self, folder: pathlib.Path) -> Iterator[tuple[str, dict]]:
    for files in bidmc.recordings(folder):
      record = bidmc.read_record(files)
      yield record.id, example_of(record)


def _folder(dl_manager: tfds.download.DownloadManager) -> pathlib.Path:
  try:
    folder = pathlib.Path(dl_manager.manual_dir)  # asserts that it is there and not empty
  except AssertionError:
    folder = pathlib.Path(dl_manager.download_dir)
    if not bidmc.sources(folder):
      bidmc.download(folder)
  return folder


def example_of(record: Record) -> dict:
  """A record under the builder's names; an unknown age is NaN, an unknown sex "", missing numerics are empty."""
  series = {**dict.fromkeys(_MONITOR, ()), **record.signals, **record.annotations}
  age = record.info["age"]
  return {"id": record.id, "patient": record.group, "rate_hz": record.rate_hz, "sex": record.info["sex"] or "",
          "age": np.nan if age is None else age, **{name: np.asarray(x, np.float32) for name, x in series.items()}}
