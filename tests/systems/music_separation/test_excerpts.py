"""Excerpts and augmentation, all by key."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.systems.music_separation.excerpts import Augmentation, augmented, excerpt

pytestmark = pytest.mark.quick
NONE = Augmentation(mixed=0.0, gains=(1.0, 1.0), swap=False)
B, T, J, C = 8, 40, 3, 2


@pytest.fixture(scope="module")
def stems():
  """[b, t, j, c]: 1000 b + 100 j + 10 c + t / 100."""
  b, t, j, c = np.ogrid[:B, :T, :J, :C]
  return jnp.asarray(1000 * (b + 1) + 100 * j + 10 * c + t / 100, jnp.float32)


def example_of(x: jax.Array) -> np.ndarray:
  """The example that a value comes from."""
  return np.asarray(x) // 1000 - 1


def test_excerpts_are_pieces_of_their_windows_at_places_of_their_own(stems):
  cut = np.asarray(excerpt(jax.random.key(0), stems, 10))
  assert cut.shape == (B, 10, J, C)
  firsts = []
  for b in range(B):
    first = round(float(cut[b, 0, 0, 0] - 1000 * (b + 1)) * 100)
    np.testing.assert_array_equal(cut[b], stems[b, first:first + 10])
    firsts.append(first)
  assert len(set(firsts)) > 3
  again = excerpt(jax.random.key(0), stems, 10)
  np.testing.assert_array_equal(cut, again)
  np.testing.assert_array_equal(excerpt(jax.random.key(0), stems, T), stems)


def test_without_augmentation_nothing_changes(stems):
  np.testing.assert_array_equal(augmented(jax.random.key(0), stems, NONE), stems)


def test_mixed_stems_come_from_several_songs_and_stay_stems(stems):
  mixed = np.asarray(augmented(jax.random.key(0), stems, NONE._replace(mixed=1.0)))
  from_b_j = example_of(mixed[:, 0, :, 0])
  for j in range(J):
    assert sorted(from_b_j[:, j]) == list(range(B))   # each stem is used once
    for b in range(B):
      np.testing.assert_array_equal(mixed[b, :, j], stems[int(from_b_j[b, j]), :, j])
  assert np.any(from_b_j != from_b_j[:, :1])


def test_a_share_of_excerpts_is_mixed(stems):
  many = jnp.tile(stems, (16, 1, 1, 1)) + 1000 * B * (jnp.arange(128) // B)[:, None, None, None]
  mixed = augmented(jax.random.key(1), many, NONE._replace(mixed=0.5))
  from_b_j = example_of(mixed[:, 0, :, 0])
  whole_b = np.all(from_b_j == np.arange(128)[:, None], 1)
  assert 40 <= whole_b.sum() <= 88


def test_gains_lie_within_their_limits_and_differ_by_stem(stems):
  changed = augmented(jax.random.key(0), stems, NONE._replace(gains=(0.25, 4.0)))
  ratio = np.asarray(changed / stems)
  np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :, :1], ratio.shape), rtol=1e-5)
  gain_b_j = ratio[:, 0, :, 0]
  assert gain_b_j.min() >= 0.25 - 1e-5 and gain_b_j.max() <= 4.0 + 1e-5
  assert len(np.unique(gain_b_j)) == B * J
  assert (gain_b_j < 1).any() and (gain_b_j > 1).any()


def test_channels_are_swapped_stem_by_stem(stems):
  changed = np.asarray(augmented(jax.random.key(0), stems, NONE._replace(swap=True)))
  swapped = 0
  for b in range(B):
    for j in range(J):
      is_swapped = changed[b, 0, j, 0] != stems[b, 0, j, 0]
      swapped += is_swapped
      wanted = stems[b, :, j, ::-1] if is_swapped else stems[b, :, j]
      np.testing.assert_array_equal(changed[b, :, j], wanted)
  assert 5 < swapped < 19
