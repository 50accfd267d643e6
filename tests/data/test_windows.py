"""Windows: those that are cut when they are asked for are those that are cut at once."""
import fake_bidmc
import numpy as np
import pytest
from builders import toy

from jaxsig.data import windows
from jaxsig.data.ppg import bidmc
from jaxsig.data.windows import Windows
from jaxsig.system import make

pytestmark = pytest.mark.quick

PPG = {
  "window_s": 20.0,
  "stride_s": 10.0,
  "rate_hz": 5.0,
  "ppg_rate_hz": 30.0,
  "normalise": "zscore",
  "time_warp_factors": (0.5, 2.0),
}


@pytest.fixture(scope="module", params=["unequal lengths", "filtered and warped"])
def material(request):
  """(data, its config, records)."""
  if request.param == "unequal lengths":
    config = toy()
    data = make(config).data
    return data, config.data, list(data.simulate(0, 3, config.data))
  return bidmc.DATA, fake_bidmc.options(**PPG), fake_bidmc.records(3, duration_s=70)


def at_once(data, config, records):
  """All windows of all records, each record's cut in one call."""
  parts = [data.cut(record, data.spans(record, config), config) for record in records]
  return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


KEPT = {"all are kept": {}, "none is kept": {"WHOLE_RECORD_BYTES": 0}, "one is": {"KEPT_BYTES": 0}}


@pytest.mark.parametrize("limits", KEPT.values(), ids=KEPT.keys())
def test_windows_cut_lazily_are_those_cut_at_once(material, limits, monkeypatch):
  for name, size in limits.items():
    monkeypatch.setattr(windows, name, size)
  every = Windows(*material)
  expected = at_once(*material)
  draw = np.random.default_rng(0)
  some = [draw.integers(0, len(every), 7) for _ in range(4)]   # across records, repeated, unordered
  for ids in (np.arange(len(every)), np.array([len(every) - 1]), *some):
    taken = every.take(ids)
    assert taken.keys() == expected.keys()
    for name, x in taken.items():
      np.testing.assert_array_equal(x, expected[name][ids], err_msg=name, strict=True)


def test_their_size_is_known_before_they_are_cut(material):
  expected = at_once(*material)
  assert Windows(*material).nbytes() == sum(x.nbytes for x in expected.values())


def test_what_is_kept_is_bounded(material, monkeypatch):
  """With room for two records the least recently used one is cut again, the others are not."""
  data, config, records = material
  cuts = []

  def counted(record, spans, config):
    cuts.append((record.id, len(spans)))
    return data.cut(record, spans, config)

  every = Windows(data._replace(cut=counted), config, records[:3])
  first = [int(np.flatnonzero(every.record_b == i)[0]) for i in range(3)]
  sizes = [int((every.record_b == i).sum()) for i in range(3)]
  per_window = every.nbytes() // len(every)
  monkeypatch.setattr(windows, "KEPT_BYTES", per_window * (max(sizes) + sorted(sizes)[1]))
  cuts.clear()
  for i in (0, 1, 0, 2, 0, 1):   # 2 takes the place of 1
    every.take(np.array([first[i]]))
  whole = [(records[i].id, sizes[i]) for i in (0, 1, 2, 1)]
  assert cuts == whole


def test_every_window_has_its_record_and_its_name(material):
  data, config, records = material
  every = Windows(data, config, records)
  counts = [len(data.spans(record, config)) for record in records]
  np.testing.assert_array_equal(every.record_b, np.repeat(np.arange(len(records)), counts))
  assert len(np.unique(every.name_b_2, axis=0)) == len(every) == sum(counts)
