"""Windows of songs hold all frames that reach them, and make the whole song again."""
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from jaxsig.data.audio import song_windows
from jaxsig.data.audio.stem_records import mixture_of, record_of
from jaxsig.data.records import Record
from jaxsig.signal.stft import frame_count, istft, stft

pytestmark = pytest.mark.quick
CONFIG = ConfigDict({
    "rate_hz": 1000,
    "stems": ("vocals", "drums", "other"),
    "sample_type": "int16",
    "window_s": 2.0,
    "frame": 64,
    "hop": 16,
    "context_frames": 0,
})


@pytest.fixture(scope="module")
def record():
  draw = np.random.default_rng(0)
  stems = {}
  for stem in CONFIG.stems:
    stems[stem] = draw.uniform(-0.6, 0.6, (5300, 2)).astype(np.float32)
  return record_of("song", "song", stems, {}, CONFIG)


def mixture_in(arrays, b):
  """[t] the left channel of a window's mixture."""
  return (arrays["stems_b_t_j_c"][b].sum(1) * arrays["scale_b"][b])[:, 0].astype(np.float32)


def test_windows_hold_all_frames_that_reach_them(record):
  where = song_windows.spans(record, CONFIG)
  assert list(where.start_s_b) == [0, 2, 4]
  arrays = song_windows.cut(record, where, CONFIG)
  whole_t = mixture_of(record)[:, 0]
  for b, start_s in enumerate(where.start_s_b):
    window_m_f = stft(jnp.asarray(mixture_in(arrays, b)), 64, 16, pad=False)
    samples = 16 * (window_m_f.shape[0] - 3)
    back_t = istft(window_m_f, 64, 16, samples)
    first = arrays["offset_b"][b]
    wanted_t = whole_t[round(start_s * 1000):round(start_s * 1000) + 2000]
    np.testing.assert_allclose(back_t[first:first + 2000], wanted_t, atol=2e-5)


def test_the_frames_of_windows_are_those_of_the_song(record):
  arrays = song_windows.cut(record, song_windows.spans(record, CONFIG), CONFIG)
  song_m_f = stft(jnp.asarray(mixture_of(record)[:, 0]), 64, 16)
  assert len(song_m_f) == frame_count(6000, 64, 16)
  window_m_f = stft(jnp.asarray(mixture_in(arrays, 1)), 64, 16, pad=False)
  first = 2000 // 16
  np.testing.assert_allclose(window_m_f[:40], song_m_f[first:first + 40], atol=1e-4)


def test_stems_of_either_type_have_one_scale(record):
  draw = np.random.default_rng(0)
  stems = {}
  for stem in CONFIG.stems:
    stems[stem] = draw.uniform(-0.6, 0.6, (5300, 2)).astype(np.float32)
  exact = record_of("song", "song", stems, {}, ConfigDict({**CONFIG, "sample_type": "float32"}))
  where = song_windows.spans(record, CONFIG)
  in_floats = song_windows.cut(exact, where, CONFIG)
  in_integers = song_windows.cut(record, where, CONFIG)
  assert in_floats["stems_b_t_j_c"].dtype == np.float32
  np.testing.assert_allclose(mixture_in(in_floats, 1), mixture_in(in_integers, 1), atol=1e-4)


def test_a_network_may_look_at_more_frames(record):
  where = song_windows.spans(record, CONFIG)
  plain = song_windows.cut(record, where, CONFIG)
  more = song_windows.cut(record, where, ConfigDict({**CONFIG, "context_frames": 3}))
  np.testing.assert_array_equal(more["stems_b_t_j_c"][:, 48:-48], plain["stems_b_t_j_c"])
  assert more["stems_b_t_j_c"][1, :48].any() and not more["stems_b_t_j_c"][0, :48].any()


def test_a_users_song_has_its_mixture_alone():
  mixture_t_c = np.random.default_rng(0).standard_normal((4000, 2)).astype(np.float32)
  record = Record("mine", "user", 1000.0, {"mixture_t_c": mixture_t_c}, {}, {"level": 0.1})
  arrays = song_windows.cut(record, song_windows.spans(record, CONFIG), CONFIG)
  assert set(arrays) == {"level_b", "mixture_b_t_c", "offset_b"}
  np.testing.assert_array_equal(arrays["mixture_b_t_c"][0, 48:148], mixture_t_c[:100])
