"""Recordings as examples of a TensorFlow data set: their fields, and a record under them."""
import numbers
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from jaxsig.data.records import Record

Example = dict[str, str | float | np.ndarray]


class Fields(NamedTuple):
  """The names in an example, by kind; besides, each has "id" and "rate_hz".

  Attributes:
    group: what the data set calls a record's group: "patient", "subject", ...
    texts, numbers: of `record.info`.
    series: signals and annotations that every record has; [t], [k] or times in seconds.
    may_lack: those that some records lack.
  """
  group: str
  texts: tuple[str, ...]
  numbers: tuple[str, ...]
  series: tuple[str, ...]
  may_lack: tuple[str, ...] = ()


def features_of(fields: Fields) -> tfds.features.FeaturesDict:
  """The types of an example: texts, float32 numbers, and float32 series of any length."""
  features = {}
  for name in ("id", fields.group, *fields.texts):
    features[name] = tfds.features.Text()
  for name in ("rate_hz", *fields.numbers):
    features[name] = np.float32
  for name in (*fields.series, *fields.may_lack):
    features[name] = tfds.features.Tensor(shape=(None,), dtype=np.float32)
  return tfds.features.FeaturesDict(features)


def example_of(record: Record, fields: Fields) -> Example:
  """Returns a record under a data set's names.

  An unknown number is NaN, an unknown text "", and a series that is missing is empty.
  """
  example = {
    "id": record.id,
    fields.group: record.group,
    "rate_hz": record.rate_hz,
  }
  for name in fields.texts:
    example[name] = record.info[name] or ""
  for name in fields.numbers:
    example[name] = _number(record.info, name)

  series = dict.fromkeys(fields.may_lack, ())
  series.update(record.signals)
  series.update(record.annotations)
  for name, x in series.items():
    example[name] = np.asarray(x, np.float32)
  return example


def _number(info: Mapping[str, object], name: str) -> float:
  value = info[name]
  if isinstance(value, numbers.Real):
    return float(value)
  return np.nan
