"""PPG-BP as a TensorFlow data set of subjects.

With `file_format="array_record"` it needs no TensorFlow:

  builder = PpgBp(data_dir=cache, file_format="array_record")
  download = tfds.download.DownloadConfig(manual_dir=folder)
  builder.download_and_prepare(download_config=download)
  subjects = builder.as_data_source("train")
"""
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import tensorflow_datasets as tfds

from jaxsig.data.ppg import tfds_records
from jaxsig.data.ppg.pressure import ppg_bp
from jaxsig.data.ppg.tfds_records import Example
from jaxsig.data.records import Record

_DESCRIPTION = """PPG of a finger (1 kHz) and one reading of a cuff in mmHg from 219 subjects. The
three segments of 2.1 s of a subject lie one after another in `ppg_t`, with a second of NaN between
them; `sbp_t` and `dbp_t` are the reading at every sample of every segment. `age` is in years, `bmi`
in kg/m^2 and `heart_rate` in beats a minute. Segments that two subjects share are left out."""
_FIELDS = tfds_records.Fields(
  group="subject",
  texts=("sex",),
  numbers=("age", "bmi", "heart_rate"),
  series=("ppg_t", "sbp_t", "dbp_t"),
)


class PpgBp(tfds.core.GeneratorBasedBuilder):
  """One example a subject: what `ppg_bp.load` returns, under flat names and in float32."""

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES: ClassVar = {"1.0.0": "All subjects in one split; split by subject."}
  MANUAL_DOWNLOAD_INSTRUCTIONS = """Unpack https://doi.org/10.6084/m9.figshare.5459299 (0_subject/
  and the table beside it) into the folder."""

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
      builder=self,
      description=_DESCRIPTION,
      features=tfds_records.features_of(_FIELDS),
      supervised_keys=("ppg_t", ("sbp_t", "dbp_t")),
      license=ppg_bp.LICENCE,
      citation="\n\n".join(ppg_bp.CITATION),
      homepage="https://doi.org/10.6084/m9.figshare.5459299",
    )

  def _split_generators(
      self,
      dl_manager: tfds.download.DownloadManager,
  ) -> dict[str, Iterator[tuple[str, Example]]]:
    folder = pathlib.Path(dl_manager.manual_dir)
    return {"train": self._generate_examples(folder)}

  def _generate_examples(self, folder: pathlib.Path) -> Iterator[tuple[str, Example]]:
    found = ppg_bp.subjects(folder)
    doubled = ppg_bp.doubled_segments(found)
    for subject in found:
      record = ppg_bp.read_subject(subject, doubled)
      yield record.id, example_of(record)


def example_of(record: Record) -> Example:
  """Returns a record under the builder's names; an unknown number is NaN, an unknown sex ""."""
  return tfds_records.example_of(record, _FIELDS)
