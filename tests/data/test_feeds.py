"""The order of batches: epochs are permutations, and a batch depends on its step alone."""
import numpy as np
import pytest
from builders import toy

from jaxsig.data import feeds
from jaxsig.data.feeds import batch_positions
from jaxsig.data.windows import Windows
from jaxsig.errors import UserError
from jaxsig.system import make

pytestmark = pytest.mark.quick


def test_an_epoch_is_a_permutation_and_batches_depend_on_the_step_alone():
  n, size = 10, 4
  flat = np.concatenate([batch_positions(3, "m", step, n, size) for step in range(5)])
  assert sorted(flat[:10]) == sorted(flat[10:]) == list(range(10))
  assert list(flat[:10]) != list(flat[10:])
  np.testing.assert_array_equal(batch_positions(3, "m", 4, n, size), flat[16:])


def test_members_and_seeds_have_orders_of_their_own():
  orders = {tuple(batch_positions(*key, 0, 50, 50)) for key in ((0, "a"), (0, "b"), (1, "a"))}
  assert len(orders) == 3


@pytest.fixture(scope="module")
def windows():
  config = toy()
  system = make(config)
  return Windows(system.data, config.data, list(system.data.simulate(0, 2, config.data)))


def test_groups_with_fewer_windows_are_trained_on_as_often(windows):
  group_b = np.array([windows.records[i].group for i in windows.record_b])
  names = np.unique(group_b)
  many, few = np.flatnonzero(group_b == names[0])[:9], np.flatnonzero(group_b == names[1])[:4]
  alike = feeds.groups_alike(windows, np.concatenate([many, few]))
  assert sorted(alike[:9]) == sorted(many)
  np.testing.assert_array_equal(alike[9:], np.resize(few, 9))
  np.testing.assert_array_equal(feeds.groups_alike(windows, many), many)


def test_the_resident_feed_gives_the_windows_that_are_trained_on_and_no_other(windows):
  ids = (np.array([3, 5, 8, 20]), np.array([5, 21, 22, 30]))
  order = feeds.Order((0, 0), ("a", "b"), ids, batch_size=3, padded_size=4)
  feed = feeds.resident(windows, order)
  fed = [set(inputs["ids"][0].tolist()) for inputs in feed.steps(0, 9)]
  assert set.union(*fed) == set(ids[0].tolist())

  for step, inputs in enumerate(feed.steps(2, 5), 2):
    batch = feed.take(feed.constants, inputs)
    ids_m_b, mask_m_b = order.at(step)
    np.testing.assert_array_equal(batch["mask_b"], mask_m_b)
    np.testing.assert_array_equal(mask_m_b, [[1, 1, 1, 0]] * 2)
    flat = windows.take(ids_m_b.ravel())
    for name, x in flat.items():
      np.testing.assert_array_equal(batch[name].reshape(x.shape), x)


def test_all_members_share_the_same_resident_arrays(windows):
  """So that one after another they use one compiled program."""
  first = feeds.resident(windows, feeds.Order((0,), ("a",), (np.array([3, 5]),), 2, 2))
  second = feeds.resident(windows, feeds.Order((0,), ("b",), (np.array([5, 8, 9]),), 2, 2))
  assert first.take is second.take
  for name, x in first.constants.items():
    assert second.constants[name] is x


def test_auto_is_resident_where_all_windows_fit(windows, monkeypatch):
  assert feeds.choose("auto", windows) == "resident"
  assert feeds.choose("tfdata", windows) == "tfdata"
  monkeypatch.setattr(feeds, "RESIDENT_LIMIT_BYTES", windows.nbytes() - 1)
  assert feeds.choose("auto", windows) == "tfdata"
  with pytest.raises(UserError, match="unknown run.feed 'disk'"):
    feeds.choose("disk", windows)
