"""What is made of a record is made once, and never taken for another record of its name."""
import gc

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import kept
from jaxsig.data.ppg.pressure.kept import Kept
from jaxsig.data.records import Record


def record_of(value, name="r"):
  return Record(name, "g", 1.0, {"ppg_t": np.full(3, value)}, {}, {})


def test_it_is_made_once_for_a_record_and_its_settings():
  calls = []

  def make(record, config):
    calls.append((record.signals["ppg_t"][0], config.hop_s))
    return calls[-1]

  table = Kept(make)
  first, other = record_of(1.0), record_of(2.0)   # of one name
  near, far = ConfigDict({"hop_s": 1.0}), ConfigDict({"hop_s": 2.0})
  assert table.of(first, near) == table.of(first, near) == (1, 1)
  assert table.of(first._replace(predictions={"x": 1}), near) == (1, 1)   # the same samples
  assert table.of(first, far) == (1, 2)
  assert table.of(other, near) == (2, 1)
  labelled = first._replace(annotations={"sbp_t": np.zeros(3)})
  assert table.of(labelled, near) == (1, 1)   # made again: labels are others
  assert calls == [(1, 1), (1, 2), (2, 1), (1, 1)]


def test_parts_of_a_record_are_kept_beside_each_other():
  calls = []
  table = Kept(lambda record, config: calls.append(record.info["from_s"]))
  parts = [record_of(k)._replace(info={"from_s": float(k)}) for k in range(3)]
  whole = Record("r", "g", 1.0, {"ppg_t": np.zeros(9)}, {}, {"from_s": 0.0})
  for record in (*parts, whole, *parts, whole):
    table.of(record, ConfigDict())
  assert calls == [0.0, 1.0, 2.0, 0.0]


def test_it_keeps_so_many_and_no_signal_alive(monkeypatch):
  monkeypatch.setattr(kept, "MOST", 2)
  calls = []
  table = Kept(lambda record, config: calls.append(record.id))
  config = ConfigDict()
  records = [record_of(k, f"r{k}") for k in range(3)]
  for record in records:
    table.of(record, config)
  table.of(records[2], config)
  table.of(records[0], config)   # the oldest was let go
  assert calls == ["r0", "r1", "r2", "r0"]
  entry = next(iter(table._entries.values()))
  del records, record
  gc.collect()
  assert entry.arrays[0]() is None
