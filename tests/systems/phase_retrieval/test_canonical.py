"""Canonical representatives: one for a whole orbit, in it, and by the rule that was asked for."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import canonical, far_field
from jaxsig.systems.phase_retrieval.canonical import canonicalise, canonicalise_image, in_frame

N = 16
M = 32
COUNT = 1000   # nearly all batches have this size, so that they share compiled programs
KINDS = ("non-negative", "signed", "complex")
BIN_RULES = ("0,1", "1,0", "both")

phases_about = jax.jit(canonical.phases_about, static_argnums=2)
image_about = jax.jit(canonical.image_about, static_argnums=3)


@pytest.fixture(scope="module", autouse=True)
def quick_compiling():
  """Compiling takes most of the time, and a few runs of each program are all that a test needs."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


# --- objects and their orbits

@functools.cache
def objects(kind, count=COUNT, n=N):
  """Random texture on random rectangles, [count, n, n]: 3 to n pixels a side, odd and even."""
  rng = np.random.default_rng(KINDS.index(kind))
  texture = rng.standard_normal((count, n, n))
  if kind == "complex":
    texture = texture + 1j * rng.standard_normal((count, n, n))
  if kind == "non-negative":
    texture = np.abs(texture)

  height, width = rng.integers(3, n + 1, (2, count, 1))
  top = rng.integers(0, n - height + 1)
  left = rng.integers(0, n - width + 1)
  pixel = np.arange(n)
  in_rows = (pixel >= top) & (pixel < top + height)
  in_columns = (pixel >= left) & (pixel < left + width)
  return texture * in_rows[:, :, None] * in_columns[:, None, :]


@functools.cache
def garments(count=COUNT, n=N):
  """Silhouettes symmetric left to right except for a little texture, of odd and even sizes.

  So are clothes that are laid out.
  """
  rng = np.random.default_rng(9)
  images = np.zeros((count, n, n))
  for image in images:
    h, w = rng.integers(n // 2, n - 1, 2)
    down = np.linspace(0, 1, h)[:, None]
    aside = np.abs(np.linspace(-1, 1, w))[None]

    waist = 0.55 + 0.4 * np.abs(down - rng.uniform(0.2, 0.8))
    waist = waist + 0.25 * (down < rng.uniform(0.1, 0.4))
    outline = aside <= waist / waist.max()
    shading = 0.4 + 0.5 * rng.uniform() * down
    texture = 1 + 0.05 * rng.standard_normal((h, w))
    body = outline * shading * texture

    gap = rng.choice([0, 0.2])   # trousers have a gap
    body[h // 2:] *= aside >= gap
    image[:h, :w] = np.clip(body, 0, 1)
  return images


def twin(x):
  return np.conj(x[..., ::-1, ::-1])


def anywhere(x, seed=0, flips=None):
  """A random member of every orbit, in NumPy; `flips` [count] marks those that are flipped."""
  rng = np.random.default_rng(seed)
  count = len(x)
  if flips is None:
    flips = rng.uniform(size=count) < 0.5
  x = np.where(flips[:, None, None], twin(x), x)

  sign = rng.choice([-1.0, 1.0], (count, 1, 1)).astype(x.real.dtype)
  phase = sign
  if np.iscomplexobj(x):
    phase = np.exp(2j * np.pi * rng.uniform(size=(count, 1, 1))).astype(x.dtype)

  moved = np.empty_like(x)
  for i, image in enumerate(x):
    moved[i] = np.roll(image, _shift_in_frame(rng, image), (0, 1))
  return moved * phase


def _shift_in_frame(rng, image):
  """A random shift that keeps all of an image's content inside its frame."""
  n = len(image)
  rows, columns = np.nonzero(image)
  if not len(rows):
    return 0, 0
  shift_y = rng.integers(-rows.min(), n - rows.max())
  shift_x = rng.integers(-columns.min(), n - columns.max())
  return shift_y, shift_x


# --- the functions under test, in NumPy: operations on results one by one would each be compiled

def canonical_of(x, m=M, rule="both", weights=None):
  return jax.device_get(canonicalise(x, m, rule, weights))


def canonical_of_few(x, m=M, rule="both", weights=None):
  """The same of a few objects, by the program of a full batch."""
  count = len(x)
  batch = np.resize(x, (COUNT, *np.shape(x)[1:]))
  whole = canonical_of(batch, m, rule, weights)
  return jax.tree.map(lambda leaf: leaf[:count], whole)


def image_like(x, m=M, rule="both", weights=None):
  return jax.device_get(canonicalise_image(x, m, rule, weights))


def image_of(*args):
  return jax.device_get(canonical.image_of(*args))


def literal(x, m, centre=0.0):
  return jax.device_get(canonical.literal(x, m, centre))


def learn_odd_pca(x, m):
  return jax.device_get(canonical.learn_odd_pca(x, m))


def box(x):
  return jax.device_get(jax.jit(far_field.box)(x))


def differ(a, b, relative_to=1.0):
  """The largest difference in an image [count]."""
  return np.abs(a - b).max((-2, -1)) / relative_to


def largest_magnitude(spectrum):
  return np.abs(spectrum).max((-2, -1))


def weights_for(rule, x):
  if rule == "odd_pca":
    return learn_odd_pca(x, M)
  return None


# --- one representative an orbit

@pytest.mark.parametrize("rule", canonical.RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_none_of_a_thousand_orbits_has_two_representatives(kind, rule):
  x = objects(kind)
  moved = anywhere(x)
  weights = weights_for(rule, x)
  assert (differ(x, moved) > 0.01).mean() > 0.9

  one = canonical_of(x, M, rule, weights)
  two = canonical_of(moved, M, rule, weights)
  image_one = image_like(x, M, rule, weights)
  image_two = image_like(moved, M, rule, weights)
  top = largest_magnitude(one.spectrum_v_u)

  assert (differ(one.omega_v_u, two.omega_v_u) <= 1e-6).all()
  assert (differ(one.spectrum_v_u, two.spectrum_v_u, top) <= 1e-6).all()
  assert (differ(image_one, image_two) <= 1e-6).all()
  assert (abs(one.margin - two.margin) <= 1e-6).all()

  assert (one.flipped != two.flipped).mean() > 0.4
  assert (one.odd == two.odd).all()
  np.testing.assert_allclose(np.abs(one.omega_v_u), 1, atol=1e-12)


@pytest.mark.parametrize("kind, n, m", [
    ("non-negative", N, M),
    ("signed", N, M),
    ("complex", N, M),
    ("signed", 15, 29),
])
def test_canonical_phases_and_the_magnitude_are_the_canonical_image(kind, n, m):
  x = objects(kind, COUNT, n)
  representative = canonical_of(x, m)
  omega = representative.omega_v_u
  magnitude = np.abs(np.fft.fft2(x, (m, m)))
  expected = np.pad(image_like(x, m), ((0, 0), (0, m - n), (0, m - n)))
  is_real = kind != "complex"

  for odd in (representative.odd, None):   # the parity of the box is given, or has to be found
    for real in {is_real, False}:   # real objects come out real by themselves, Nyquist bins too
      image = image_of(omega, magnitude, real, n, odd)
      assert np.iscomplexobj(image) != real
      assert differ(image, expected).max() < 1e-6
      np.testing.assert_array_equal(in_frame(image, n), image[:, :n, :n])

  with_wrong_parity = image_of(omega, magnitude, is_real, n, ~representative.odd)
  assert differ(with_wrong_parity, expected).min() > 1e-3


def test_phases_about_a_point_and_the_magnitude_are_the_image():
  x = objects("complex").copy()
  centre = np.random.default_rng(0).integers(0, 2 * N, (COUNT, 2)) / 2
  x[0] = 0
  x[0, 3, 7] = 2
  centre[0] = (3, 7)

  omega = np.asarray(phases_about(x, centre, M))
  np.testing.assert_allclose(omega[0], 1, atol=1e-12)   # a pixel has no phase about itself

  magnitude = np.abs(np.fft.fft2(x, (M, M)))
  image = np.asarray(image_about(omega, magnitude, centre, False))
  expected = np.pad(x, ((0, 0), (0, M - N), (0, M - N)))
  assert differ(image, expected).max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_canonical_images_are_in_the_orbit_at_the_middle(kind):
  x = objects(kind)
  image = image_like(x, M)
  magnitude = np.abs(np.fft.fft2(image, (M, M)))
  expected = np.abs(np.fft.fft2(x, (M, M)))
  np.testing.assert_allclose(magnitude, expected, rtol=1e-9, atol=1e-9)
  np.testing.assert_allclose(image_like(image, M), image, atol=1e-12)

  top, bottom, left, right = box(image)
  np.testing.assert_array_equal(top, (N - (bottom - top)) // 2)
  np.testing.assert_array_equal(left, (N - (right - left)) // 2)

  if kind != "complex":   # values are copied, not computed
    values = np.sort(abs(image).reshape(COUNT, -1))
    expected_values = np.sort(abs(x).reshape(COUNT, -1))
    np.testing.assert_array_equal(values, expected_values)


@pytest.mark.parametrize("rule, weighted_bins", [
    ("0,1", [(0, 1, 1)]),
    ("1,0", [(1, 0, 1)]),
    ("both", [(0, 1, 1), (1, 0, 2)]),
])
def test_a_rule_decides_by_the_first_moments_of_its_name(rule, weighted_bins):
  x = objects("non-negative")
  representative = canonical_of(x, M, rule)
  g = representative.spectrum_v_u
  value = 0
  squared_norm = 0
  for v, u, weight in weighted_bins:
    value = value + weight * g[:, v, u].imag
    squared_norm += weight * weight

  assert (value > 0).all()
  expected_margin = value / squared_norm ** 0.5 / g[:, 0, 0].real
  np.testing.assert_allclose(representative.margin, expected_margin, rtol=1e-9)

  if rule == "0,1":   # Im G[0, 1] = -sum x sin(2 pi (j - centre) / m): left against right
    _, _, left, right = box(x)
    offset = np.arange(N) - (left + right - 1)[:, None] / 2
    moment = -(x.sum(-2) * np.sin(2 * np.pi * offset / M)).sum(-1)
    np.testing.assert_allclose(value, abs(moment), rtol=1e-9)
    np.testing.assert_array_equal(representative.flipped, moment < 0)


# --- the paper's steps as they are written

@pytest.mark.parametrize("centre", [0.0, float(N // 2), (N - 1) / 2])
def test_the_literal_pipeline_fails(centre):
  x = garments()
  moved = anywhere(x)
  fails = differ(literal(x, M, centre), literal(moved, M, centre)) > 1e-6
  if centre == 0:
    assert fails.mean() >= 0.4
  assert fails.mean() >= 0.2

  shifted = anywhere(x, flips=np.zeros(COUNT, bool))
  shifted = shifted * np.sign(shifted.sum((1, 2), keepdims=True))
  of_shifted = literal(shifted, M, centre)
  assert differ(literal(x, M, centre), of_shifted).max() < 1e-6   # shifts alone it can do

  one = canonical_of(x, M, "0,1")
  two = canonical_of(moved, M, "0,1")
  assert differ(one.omega_v_u, two.omega_v_u).max() < 1e-6


def test_at_the_corner_the_literal_rule_does_not_see_flips():
  x = garments()
  first = literal(x, M)
  second = literal(x[:, ::-1, ::-1], M)
  assert (first[:, 0, 1].imag > 0).all()
  assert (second[:, 0, 1].imag > 0).all()
  assert (differ(first, second) > 1e-3).all()


def test_odd_pca_is_the_principal_component_and_flips_do_not_change_it():
  x = garments()
  weights = learn_odd_pca(x, M)

  g = canonical_of(x, M).spectrum_v_u
  columns = []
  for v in range(9):
    for u in range(-8, 9):
      if v > 0 or u > 0:
        columns.append(g[:, v, u].imag)
  odd = np.stack(columns, -1) / largest_magnitude(g)[:, None]
  _, components = np.linalg.eigh(odd.T @ odd)
  first = components[:, -1]
  expected = first * np.sign(first[np.abs(first).argmax()])
  np.testing.assert_allclose(weights, expected, atol=1e-9)
  np.testing.assert_allclose(learn_odd_pca(anywhere(x), M), weights, atol=1e-9)

  margin = {}
  for rule in canonical.RULES:
    representative = canonical_of(x, M, rule, weights_for(rule, x))
    margin[rule] = np.median(representative.margin)
  for rule in BIN_RULES:
    assert margin["odd_pca"] > margin[rule]
  assert margin["1,0"] > 4 * margin["0,1"]


# --- objects that leave the phase or the flip open

def degenerate():
  """Objects whose phase or flip the ordinary rules leave open, by name."""
  rng = np.random.default_rng(5)
  patch = rng.uniform(0.2, 1, (6, 7))
  wave = np.exp(2j * np.pi * rng.uniform(size=(6, 7)))
  patches = {
      "zero sum": patch - patch.mean(),
      "zero sum, complex": patch * wave - (patch * wave).mean(),
      "symmetric": patch + twin(patch),
      "symmetric, complex": wave + twin(wave),
      "odd": patch - twin(patch),
      "odd, complex": wave - twin(wave),
      "left-right symmetric": patch + patch[:, ::-1],
      "bins tie with opposite signs": patch[:, :6] - patch[:, :6].T,
      "pixel": -np.ones((1, 1)),
      "empty": np.zeros((1, 1)),
      "empty, complex": np.zeros((1, 1), complex),
  }
  framed = {}
  for name, content in patches.items():
    h, w = content.shape
    framed[name] = np.pad(content, ((3, N - 3 - h), (2, N - 2 - w)))
  return framed


@pytest.mark.parametrize("rule", BIN_RULES)
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_degenerate_objects_have_one_representative_too(kind, rule):
  names = []
  images = []
  for name, image in degenerate().items():
    if np.iscomplexobj(image) == (kind == "complex"):
      names.append(name)
      images.append(image)

  # Image i of the batch is in the orbit of object i % len(names); every second time it is flipped.
  batch = np.resize(np.stack(images), (COUNT, N, N))
  times = np.arange(COUNT) // len(names)
  orbits = anywhere(batch, 0, times % 2 == 1)
  representative = canonical_of(orbits, M, rule)
  canonical_images = image_like(orbits, M, rule)
  assert canonical_images.dtype == orbits.dtype   # real objects get a sign, not a phase

  for i, name in enumerate(names):
    of_one_object = slice(i, None, len(names))
    omega = representative.omega_v_u[of_one_object]
    margin = representative.margin[of_one_object]
    flipped = representative.flipped[of_one_object]
    image = canonical_images[of_one_object]
    assert np.isfinite(omega).all()
    assert np.isfinite(margin).all()
    assert np.isfinite(image).all()
    assert differ(omega, omega[0]).max() < 1e-6, name
    assert differ(image, image[0]).max() < 1e-9, name

    if name.split(",")[0] in ("symmetric", "pixel", "empty"):   # a flip is no change
      assert (margin < 1e-9).all(), name
      assert not flipped.any(), name
    if name.startswith("empty"):
      assert (omega == 1).all()
      assert (image == 0).all()


def test_an_undecided_rule_leaves_it_to_the_next_bin_and_reports_no_margin():
  symmetric = degenerate()["left-right symmetric"]
  dot = np.zeros((N, N))
  dot[4, 3] = 1e-5
  images = np.stack([symmetric, symmetric + dot, symmetric - dot])
  representative = canonical_of_few(images, M, "0,1")
  g = representative.spectrum_v_u

  assert representative.margin[0] < 1e-12
  assert g[0, 1, 0].imag > 0   # (1, 0) comes next in order of |k|
  assert 0 < representative.margin[1] < 1e-6   # and above what counts as rounding

  # Noise then decides: the two sides of a margin of zero are far apart.
  assert g[1, 0, 1].imag > 0
  assert g[2, 0, 1].imag > 0


# --- precision, batches, gradients, mistakes

def test_float32_agrees_where_the_margin_is_more_than_rounding():
  x = objects("signed").astype(np.float32)
  one = canonical_of(x, M)
  two = canonical_of(anywhere(x), M)
  assert one.omega_v_u.dtype == np.complex64

  is_sure = one.margin > 1e-3
  top = largest_magnitude(one.spectrum_v_u)
  assert is_sure.mean() > 0.9
  assert differ(one.spectrum_v_u, two.spectrum_v_u, top)[is_sure].max() < 1e-5

  image = image_of(one.omega_v_u, np.abs(one.spectrum_v_u), True, N)
  assert image.dtype == np.float32
  assert differ(in_frame(image, N), image_like(x)).max() < 1e-4


def test_both_precisions_in_one_process():
  x = objects("non-negative").astype(np.float32)
  in_float64 = canonical_of(x.astype(np.float64))
  with jax.enable_x64(False):   # tables kept between calls must not tie them to one precision
    in_float32 = canonical_of(x)

  is_sure = in_float64.margin > 1e-4
  np.testing.assert_allclose(in_float32.margin, in_float64.margin, atol=1e-5)
  np.testing.assert_array_equal(in_float32.flipped[is_sure], in_float64.flipped[is_sure])


def test_any_leading_axes_jit_and_whole_numbers():
  x = np.round(20 * objects("signed")).astype(np.int32)
  flat = canonical_of(x, M)

  @jax.jit
  @jax.vmap
  def in_rows(a):
    return canonicalise(a, M)

  nested = in_rows(x[:6].reshape(2, 3, N, N))
  assert nested.margin.shape == (2, 3)
  spectra = np.asarray(nested.spectrum_v_u).reshape(6, M, M)
  np.testing.assert_allclose(spectra, flat.spectrum_v_u[:6], atol=1e-10)
  np.testing.assert_allclose(image_like(x[4], M), image_like(x, M)[4])


@jax.jit
@jax.value_and_grad
def _loss(x):
  """A smooth function of all that is computed of an object."""
  target = np.random.default_rng(0).standard_normal((M, M))
  omega = canonicalise(x, M).omega_v_u
  magnitude = jnp.sqrt(far_field.intensity(x, M) + 1e-9)
  rebuilt = canonical.image_of(omega, magnitude, True, N)
  image = canonicalise_image(x, M)
  return (target * omega.real).sum() + (image.real ** 3).sum() + (rebuilt ** 3).sum()


@pytest.mark.parametrize("name", ["plain", "empty", "symmetric, complex"])
def test_gradients_are_finite(name):
  x = objects("non-negative")[0]
  if name != "plain":
    x = degenerate()[name]
  gradient = np.asarray(_loss(x)[1])
  assert np.isfinite(gradient).all()
  if name != "empty":
    assert np.abs(gradient).max() > 0

  if name == "plain":   # the answer is smooth within a box and an orientation
    along = np.random.default_rng(1).standard_normal((N, N)) * (x != 0)
    above = float(_loss(x + 1e-6 * along)[0])
    below = float(_loss(x - 1e-6 * along)[0])
    slope = (above - below) / 2e-6
    np.testing.assert_allclose((gradient * along).sum(), slope, rtol=1e-5)


def test_mistakes_are_named():
  x = np.ones((N, N))
  with pytest.raises(UserError, match="unknown rule '2,2'"):
    canonical_of(x, M, "2,2")
  with pytest.raises(UserError, match="learn_odd_pca"):
    canonical_of(x, M, "odd_pca")
  with pytest.raises(UserError, match="144 weights"):
    image_like(x, M, "odd_pca", np.ones(3))
  with pytest.raises(UserError, match="cuts"):
    canonical_of(x, N - 1)
