"""The tf.data feed: the same training bit for bit, and of long records no more than is needed.

All that imports TensorFlow stands in this file, as that takes ten seconds.
"""
import numpy as np
import pytest
from builders import assert_same, final_state, toy

from jaxsig.data import feeds, windows
from jaxsig.data.stored import StoredArray
from jaxsig.system import make

pytest.importorskip("tensorflow", reason="the streaming feed is tf.data")

BATCH = 6


def test_resident_and_streaming_feeds_give_the_same_training_bit_for_bit(toy_trained, tmp_path):
  toy_trained("resident", run__feed="resident")
  toy_trained("streaming", run__feed="tfdata")
  assert_same(final_state(tmp_path / "resident"), final_state(tmp_path / "streaming"))
  toy_trained("on_disk", run__feed="tfdata", cache_dir=str(tmp_path / "cache"))
  assert_same(final_state(tmp_path / "resident"), final_state(tmp_path / "on_disk"))
  assert list((tmp_path / "cache").glob("windows_*/*.bin"))


class Counted(StoredArray):
  """A stored array that notes which samples are read."""

  def __init__(self, path):
    super().__init__(path)
    self.read = []

  def __getitem__(self, index):
    self.read.append(index)
    return super().__getitem__(index)


@pytest.fixture
def stored(tmp_path, monkeypatch):
  """(windows of records on disk, whose windows are too many to be kept; their signals)."""
  monkeypatch.setattr(windows, "WHOLE_RECORD_BYTES", 0)
  config = toy()
  system = make(config)
  records = []
  signals = []
  for record in system.data.simulate(0, 2, config.data):
    path = tmp_path / f"{record.id}.npy"
    np.save(path, record.signals["mix_t_c"])
    signal = Counted(path)
    signals.append(signal)
    records.append(record._replace(signals={"mix_t_c": signal}))
  return windows.Windows(system.data, config.data, records), signals


def order_over(every):
  ids = np.arange(len(every))
  return feeds.Order((0,), ("m",), (ids,), batch_size=BATCH, padded_size=BATCH)


def test_a_batch_of_long_records_reads_its_own_windows_alone(stored):
  every, signals = stored
  order = order_over(every)
  feed = feeds.tfdata(every, order, (slice(0, 1), slice(0, BATCH)), prefetch=1)
  for signal in signals:
    signal.read.clear()
  batches = list(feed.steps(0, 2))

  wanted = []
  for step in (0, 1):
    wanted += order.at(step)[0].ravel().tolist()
  spans = every.spans.at(np.array(wanted))
  expected = set()
  for record, start_s, length_s in zip(
      every.record_b[wanted], spans.start_s_b, spans.length_s_b, strict=True):
    first = round(start_s * 20)
    expected.add((record, first, first + round(length_s * 20)))
  read = set()
  for record, signal in enumerate(signals):
    for piece in signal.read:
      read.add((record, piece.start, piece.stop))
  assert read == expected
  assert len(batches) == 2


def test_both_feeds_make_the_same_batches_of_stored_records(stored):
  every, _ = stored
  order = order_over(every)
  streamed = feeds.tfdata(every, order, (slice(0, 1), slice(0, BATCH)))
  resident = feeds.resident(every, order)
  pairs = zip(streamed.steps(0, 3), resident.steps(0, 3), strict=True)
  for streamed_inputs, resident_inputs in pairs:
    from_stream = streamed.take(streamed.constants, streamed_inputs)
    from_memory = resident.take(resident.constants, resident_inputs)
    assert from_stream.keys() == from_memory.keys()
    for name, x in from_memory.items():
      np.testing.assert_array_equal(from_stream[name], x, err_msg=name)


def test_a_host_cuts_only_its_own_rows(stored):
  every, _ = stored
  order = order_over(every)
  whole = feeds.tfdata(every, order, (slice(0, 1), slice(0, BATCH)))
  half = feeds.tfdata(every, order, (slice(0, 1), slice(3, BATCH)))
  [all_rows] = whole.steps(5, 6)
  [own_rows] = half.steps(5, 6)
  for name, x in own_rows.items():
    np.testing.assert_array_equal(x, all_rows[name][:, 3:])
