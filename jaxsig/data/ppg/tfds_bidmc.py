"""BIDMC as a TensorFlow data set of whole recordings.

With `file_format="array_record"` it needs no TensorFlow:

  builder = Bidmc(data_dir=cache, file_format="array_record")
  download = tfds.download.DownloadConfig(manual_dir=folder)
  builder.download_and_prepare(download_config=download)
  records = builder.as_data_source("train")
"""
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import tensorflow_datasets as tfds

from jaxsig.data.ppg import bidmc, tfds_records
from jaxsig.data.ppg.tfds_records import Example
from jaxsig.data.records import Record

_DESCRIPTION = """Finger PPG and chest impedance (125 Hz) of 46 intensive-care patients in 53
recordings of 8 min, from MIMIC II, with the breaths that two annotators marked and the monitor's
numerics (1 Hz). `patient` tells which recordings must stay together when the data are split."""
_SIGNALS = ("ppg_t", "resp_t")
_BREATHS = ("breaths_1_s", "breaths_2_s")
_MONITOR = (
  "monitor_hr_bpm_k",
  "monitor_pulse_bpm_k",
  "monitor_rr_bpm_k",
  "monitor_spo2_percent_k",
)
_FIELDS = tfds_records.Fields(
  group="patient",
  texts=("sex",),
  numbers=("age",),
  series=(*_SIGNALS, *_BREATHS),
  may_lack=_MONITOR,
)


class Bidmc(tfds.core.GeneratorBasedBuilder):
  """One example a recording: what `bidmc.load` returns, under flat names and in float32."""

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES: ClassVar = {"1.0.0": "All recordings in one split; split by patient."}
  MANUAL_DOWNLOAD_INSTRUCTIONS = """Copy https://physionet.org/content/bidmc/1.0.0/ (WFDB files
  and bidmc_csv/) into the folder, or leave it empty: the files are then fetched from PhysioNet."""

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
      builder=self,
      description=_DESCRIPTION,
      features=tfds_records.features_of(_FIELDS),
      supervised_keys=_SIGNALS,
      license=bidmc.LICENCE,
      citation="\n\n".join(bidmc.CITATION),
      homepage="https://physionet.org/content/bidmc/1.0.0/",
    )

  def _split_generators(
      self,
      dl_manager: tfds.download.DownloadManager,
  ) -> dict[str, Iterator[tuple[str, Example]]]:
    folder = _folder(dl_manager)
    return {"train": self._generate_examples(folder)}

  def _generate_examples(self, folder: pathlib.Path) -> Iterator[tuple[str, Example]]:
    for files in bidmc.recordings(folder):
      record = bidmc.read_record(files)
      yield record.id, example_of(record)


def _folder(dl_manager: tfds.download.DownloadManager) -> pathlib.Path:
  """The user's own copy of BIDMC, or else a download of it."""
  try:
    return pathlib.Path(dl_manager.manual_dir)   # asserts that it is there and not empty
  except AssertionError:
    folder = pathlib.Path(dl_manager.download_dir)

  if not bidmc.sources(folder):
    bidmc.download(folder)
  return folder


def example_of(record: Record) -> Example:
  """Returns a record under the builder's names.

  An unknown age is NaN, an unknown sex "", and numerics that are missing are empty.
  """
  return tfds_records.example_of(record, _FIELDS)
