"""A folder of songs and their stems as a TensorFlow data set of songs.

With `file_format="array_record"` it needs no TensorFlow:

  builder = StemFolder(data_dir=cache, file_format="array_record")
  download = tfds.download.DownloadConfig(manual_dir=folder)
  builder.download_and_prepare(download_config=download)
  songs = builder.as_data_source("train")
"""
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds
from ml_collections import ConfigDict

from jaxsig.data.audio import stem_folder
from jaxsig.data.audio.songs import STEMS
from jaxsig.data.audio.stem_records import read_song
from jaxsig.data.records import Record

Example = dict[str, str | float | int | np.ndarray]

_DESCRIPTION = """Songs as stems in stereo at 22.05 kHz: int16 [t, 2] each, in which 2**15 is
`full_scale`. All stems of a song start together, are as long, and sum to its mixture; `length_t` is
the song's length before it was padded to whole windows. Which file is which stem tells the name of
the file, or the table stems.csv beside the songs."""
SETTINGS = ConfigDict({
    "stems": STEMS,
    "rate_hz": 22050,
    "window_s": 1.0,
    "sample_type": "int16",
    "group_by": "song",
    "missing_stem": "silence",
})
_TEXTS = ("artist", "title")


class StemFolder(tfds.core.GeneratorBasedBuilder):
  """One example a song: what `stem_folder.load` returns, under flat names."""

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES: ClassVar = {"1.0.0": "All songs in one split; split by group."}
  MANUAL_DOWNLOAD_INSTRUCTIONS = """Lay a folder a song into the folder, with vocals.wav, drums.wav,
  bass.wav and other.wav, or files of other names and a table stems.csv."""

  def _info(self) -> tfds.core.DatasetInfo:
    features = {"id": tfds.features.Text(), "group": tfds.features.Text()}
    for name in _TEXTS:
      features[name] = tfds.features.Text()
    features["rate_hz"] = np.float32
    features["full_scale"] = np.float32
    features["length_t"] = np.int64
    for stem in STEMS:
      features[f"{stem}_t_c"] = tfds.features.Tensor(shape=(None, 2), dtype=np.int16)
    return tfds.core.DatasetInfo(
        builder=self,
        description=_DESCRIPTION,
        features=tfds.features.FeaturesDict(features),
        license=stem_folder.LICENCE,
    )

  def _split_generators(
      self,
      dl_manager: tfds.download.DownloadManager,
  ) -> dict[str, Iterator[tuple[str, Example]]]:
    folder = pathlib.Path(dl_manager.manual_dir)
    return {"train": self._generate_examples(folder)}

  def _generate_examples(self, folder: pathlib.Path) -> Iterator[tuple[str, Example]]:
    for song in stem_folder.songs(folder):
      record = read_song(song, SETTINGS)
      yield record.id, example_of(record)


def example_of(record: Record) -> Example:
  """Returns a record under the builder's names."""
  example = {
      "id": record.id,
      "group": record.group,
      "rate_hz": record.rate_hz,
      "full_scale": record.info["full_scale"],
      "length_t": record.info["length_t"],
  }
  for name in _TEXTS:
    example[name] = record.info[name]
  return {**example, **record.signals}
