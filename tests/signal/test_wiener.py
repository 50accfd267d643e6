"""The multichannel Wiener filter against its formulas in NumPy, and its laws."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.signal import wiener as filters

pytestmark = pytest.mark.usefixtures("quick_compilation")


def formulas(v, x, iterations, start, eps):
  """The filter written down in complex128: v [j, c, n, f], x [c, n, f] -> y [j, c, n, f]."""
  if start == "mixture_phase":
    y = v * np.exp(1j * np.angle(x))
  else:
    y = v / v.sum(0) * x
  if iterations == 0:
    return y

  unit = max(1, np.abs(x).max() / 10)
  x, y = x / unit, y / unit
  identity = np.eye(len(x))
  for _ in range(iterations):
    power = np.mean(np.abs(y) ** 2, 1)
    products = np.einsum("jcnf,jdnf->jfcd", y, y.conj())
    spatial = products / (eps + power.sum(1))[..., None, None]
    total = np.einsum("jnf,jfcd->nfcd", power, spatial) + np.sqrt(eps) * identity
    gain = np.einsum("jnf,jfcd,nfde->jnfce", power, spatial, np.linalg.inv(total))
    y = np.einsum("jnfce,enf->jcnf", gain, x)
  return y * unit


def scene(channels=2, frames=40, bins=9, size=30.0, seed=0):
  """Magnitudes of three sources that are half right, and their mixture."""
  rng = np.random.default_rng(seed)
  shape = (3, channels, frames, bins)
  envelope = np.exp(rng.standard_normal((3, 1, frames, bins)))
  noise = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
  pan = rng.uniform(0.2, 1, (3, channels, 1, 1))
  source_j_c_n_f = envelope * pan * noise
  mixture_c_n_f = source_j_c_n_f.sum(0)
  factor = size / np.abs(mixture_c_n_f).max()
  error = np.exp(0.5 * rng.standard_normal(shape))
  return factor * np.abs(source_j_c_n_f) * error, factor * mixture_c_n_f


def snr_db(reference, estimate):
  error = np.sum(np.abs(reference - estimate) ** 2)
  return 10 * np.log10(np.sum(np.abs(reference) ** 2) / error)


def single(v, x):
  return v.astype(np.float32), x.astype(np.complex64)


norberts = functools.partial(filters.wiener, scale="largest")


# Against the formulas


@pytest.mark.parametrize("channels, iterations, start", [
    (2, 0, "mixture_phase"),
    (2, 0, "ratio_mask"),
    (2, 1, "mixture_phase"),
    (2, 3, "ratio_mask"),
    (1, 2, "mixture_phase"),
    (4, 1, "mixture_phase"),
])
def test_it_is_its_formulas_in_double_precision(channels, iterations, start):
  eps = np.finfo(np.float64).eps
  with jax.enable_x64(True):
    for size in (30.0, 0.5):   # above and below the size that is scaled
      v, x = scene(channels, size=size)
      y = norberts(v, x, iterations=iterations, start=start, eps=eps)
      expected = formulas(v, x, iterations, start, eps)
      assert y.dtype == np.complex128
      np.testing.assert_allclose(y, expected, atol=1e-12 * size)


def test_single_precision_is_near_the_formulas():
  v, x = scene(frames=300, bins=65)
  y = norberts(*single(v, x), iterations=2, eps=1e-10)
  assert y.dtype == np.complex64
  assert snr_db(formulas(v, x, 2, "mixture_phase", 1e-10), y) > 90


def test_a_wrong_formula_would_be_seen():
  """Without the conjugate, or with another order of channels, the distance is large."""
  v, x = scene()
  right = formulas(v, x, 1, "mixture_phase", 1e-10)
  assert snr_db(right, formulas(v, x.conj(), 1, "mixture_phase", 1e-10)) < 5
  assert snr_db(right, formulas(v, x[::-1], 1, "mixture_phase", 1e-10)[:, ::-1]) < 40


# Laws


@pytest.mark.parametrize("scale", filters.SCALES)
def test_the_sources_add_up_to_the_mixture(scale):
  v, x = scene()
  y = filters.wiener(*single(v, x), scale=scale)
  np.testing.assert_allclose(y.sum(0), x, atol=5e-4 * np.abs(x).max())
  with jax.enable_x64(True):
    y = filters.wiener(v, x, scale=scale, eps=1e-16)
    np.testing.assert_allclose(y.sum(0), x, atol=1e-5 * np.abs(x).max())


def test_a_gain_changes_nothing_by_mean_power_but_by_largest():
  v, x = scene(size=5.0)
  with jax.enable_x64(True):
    once = np.asarray(filters.wiener(v, x))
    for gain in (1e-9, 1e-3, 1e6):
      gained = filters.wiener(gain * v, gain * x)
      np.testing.assert_allclose(gained / gain, once, atol=1e-10)
    faint = 1e-3
    assert snr_db(once, norberts(faint * v, faint * x, eps=1e-7) / faint) < 20
  in_single = filters.wiener(*single(1e-21 * v, 1e-21 * x))
  assert snr_db(once, np.asarray(in_single, np.complex128) / 1e-21) > 90


def test_windows_are_filtered_alone_and_the_last_may_be_short():
  v, x = single(*scene(frames=85))
  whole = filters.wiener(v, x, frames=40)
  for first, end in ((0, 40), (40, 80), (80, 85)):
    alone = filters.wiener(v[:, :, first:end], x[:, first:end])
    np.testing.assert_allclose(whole[:, :, first:end], alone, atol=1e-4)
  other = filters.wiener(v[:, :, 30:70], x[:, 30:70])
  assert snr_db(other, whole[:, :, 30:70]) < 40


def test_working_memory_does_not_grow_with_the_length():
  def temporary_bytes(windows):
    v = jax.ShapeDtypeStruct((3, 2, 50 * windows, 33), np.float32)
    x = jax.ShapeDtypeStruct((2, 50 * windows, 33), np.complex64)
    compiled = filters.wiener.lower(v, x, frames=50).compile()
    return compiled.memory_analysis().temp_size_in_bytes

  assert temporary_bytes(16) < 1.1 * temporary_bytes(4)


def test_a_mono_mixture_in_single_precision_keeps_its_digits():
  """Two equal channels: a determinant of nearly equal products has none left."""
  v, x = scene(channels=1)
  twice = single(np.repeat(v, 2, 1), np.repeat(x, 2, 0))
  y = filters.wiener(*twice, eps=1e-12)
  alone = filters.wiener(*single(v, x), eps=1e-12)
  assert snr_db(np.repeat(alone, 2, 1), y) > 90

  power = np.float32(1234.5)
  floor = np.float32(1e-5)
  determinant = (power + floor) ** 2 - power**2
  expected = 2 * 1234.5 * 1e-5 + 1e-10
  assert abs(determinant / expected - 1) > 0.1


def test_silence_and_absent_sources_are_0():
  v, x = single(*scene())
  assert not np.any(filters.wiener(v, 0 * x))
  assert not np.any(filters.wiener(0 * v, x))
  absent = v.copy()
  absent[1] = 0
  for start in filters.STARTS:
    y = filters.wiener(absent, x, start=start)
    assert np.isfinite(y).all()
    assert not np.any(y[1])


def test_sources_in_channels_of_their_own_are_separated_exactly():
  _, x = scene()
  source = np.zeros((3, *x.shape), complex)
  source[0, 0] = x[0]
  source[1, 1] = x[1]
  with jax.enable_x64(True):
    y = filters.wiener(np.abs(source), x, eps=1e-20)
    np.testing.assert_allclose(y, source, atol=1e-6)

    # Magnitudes that are the mean of the channels: their shares are blind to the channels.
    mean = np.abs(source).mean(1, keepdims=True) * np.ones((2, 1, 1))
    assert snr_db(source, filters.ratio_mask(mean, x)) < 10


# The control


def test_the_ratio_mask_is_the_share_of_powers():
  v, x = scene()
  power = v**2
  with jax.enable_x64(True):
    mask = filters.ratio_mask(v, x)
    np.testing.assert_allclose(mask, power / power.sum(0) * x, atol=1e-12)
    np.testing.assert_allclose(mask.sum(0), x, atol=1e-12)
  y = filters.ratio_mask(jnp.zeros((2, 1, 1, 2)), jnp.ones((1, 1, 2), jnp.complex64))
  assert not np.any(y)
  huge = filters.ratio_mask(*single(1e30 * v, x), 4.0)
  assert snr_db(filters.ratio_mask(*single(v, x), 4.0), huge) > 90


@pytest.mark.parametrize("setting, message", [
    ({"start": "zero"}, "unknown start"),
    ({"scale": "none"}, "unknown scale"),
    ({"frames": 0}, "windows of 0 frames"),
])
def test_unknown_settings_are_refused(setting, message):
  with pytest.raises(ValueError, match=message):
    filters.wiener(*scene(), **setting)


def test_shapes_that_differ_are_refused():
  v, x = scene()
  with pytest.raises(ValueError, match="differ"):
    filters.wiener(v, x[:, 1:])
