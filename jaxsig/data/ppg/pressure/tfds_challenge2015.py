"""The Challenge 2015's PPG and arterial pressure as a TensorFlow data set of whole records.

With `file_format="array_record"` it needs no TensorFlow:

  builder = Challenge2015(data_dir=cache, file_format="array_record")
  download = tfds.download.DownloadConfig(manual_dir=folder)
  builder.download_and_prepare(download_config=download)
  records = builder.as_data_source("train")
"""
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import tensorflow_datasets as tfds

from jaxsig.data.ppg import tfds_records
from jaxsig.data.ppg.pressure import challenge2015
from jaxsig.data.ppg.tfds_records import Example
from jaxsig.data.recordings import usable
from jaxsig.data.records import Record

_DESCRIPTION = """PPG and arterial pressure in mmHg (250 Hz) of intensive-care patients, in records
of 300 or 330 s that end at, or half a minute after, an alarm. `sbp_t` and `dbp_t` are NaN but at
the systolic peaks and at the feet of the beats. There are no patient ids: `group` tells which
records may be one patient, and must stay together when the data are split. Records that lack one
of the two signals are left out."""
_FIELDS = tfds_records.Fields(
  group="group",
  texts=(),
  numbers=(),
  series=("ppg_t", "abp_t", "sbp_t", "dbp_t"),
)


class Challenge2015(tfds.core.GeneratorBasedBuilder):
  """One example a record: what `challenge2015.load` returns, under flat names and in float32."""

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES: ClassVar = {"1.0.0": "All records in one split; split by group."}
  MANUAL_DOWNLOAD_INSTRUCTIONS = """Copy
  https://physionet.org/content/challenge-2015/1.0.0/training/ (.hea and .mat files) into the
  folder, and groups.csv (record,group) beside them where there is one."""

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
      builder=self,
      description=_DESCRIPTION,
      features=tfds_records.features_of(_FIELDS),
      supervised_keys=("ppg_t", "abp_t"),
      license=challenge2015.LICENCE,
      citation="\n\n".join(challenge2015.CITATION),
      homepage="https://physionet.org/content/challenge-2015/1.0.0/",
    )

  def _split_generators(
      self,
      dl_manager: tfds.download.DownloadManager,
  ) -> dict[str, Iterator[tuple[str, Example]]]:
    folder = pathlib.Path(dl_manager.manual_dir)
    return {"train": self._generate_examples(folder)}

  def _generate_examples(self, folder: pathlib.Path) -> Iterator[tuple[str, Example]]:
    headers = challenge2015.required(folder)
    groups = challenge2015.groups_of(headers)

    def read(header: pathlib.Path) -> Record:
      return challenge2015.read_record(header, groups)

    for record in usable(headers, read, skip_broken=True):
      yield record.id, example_of(record)


def example_of(record: Record) -> Example:
  """Returns a record under the builder's names."""
  return tfds_records.example_of(record, _FIELDS)
