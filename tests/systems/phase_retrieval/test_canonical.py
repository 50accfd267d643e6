"""Canonical representatives: the same for a whole orbit, in it, and by the rule that was asked for."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import canonical, far_field
from jaxsig.systems.phase_retrieval.canonical import canonicalise, canonicalise_image, image_of, in_frame, learn_odd_pca

N, M, COUNT = 16, 32, 1000
KINDS = ("non-negative", "signed", "complex")


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


@functools.cache
def objects(kind, count=COUNT, n=N):
  """Random texture on random rectangles, [count, n, n]: boxes of 3 to n pixels a side, odd and even."""
  rng = np.random.default_rng(KINDS.index(kind))
  x = rng.standard_normal((count, n, n)) + (1j * rng.standard_normal((count, n, n)) if kind == "complex" else 0)
  x = np.abs(x) if kind == "non-negative" else x
  height, width = rng.integers(3, n + 1, (2, count, 1))
  top, left = rng.integers(0, n - height + 1), rng.integers(0, n - width + 1)
  rows = (np.arange(n) >= top) & (np.arange(n) < top + height)
  columns = (np.arange(n) >= left) & (np.arange(n) < left + width)
  return x * rows[:, :, None] * columns[:, None, :]


@functools.cache
def garments(count=COUNT, n=N):
  """Silhouettes that are symmetric left to right but for a little texture, of odd and even sizes: as clothes are laid out."""
  rng = np.random.default_rng(9)
  out = np.zeros((count, n, n))
  for x in out:
    h, w = rng.integers(n // 2, n - 1, 2)
    y, s = np.linspace(0, 1, h)[:, None], np.abs(np.linspace(-1, 1, w))[None]
    waist = 0.55 + 0.4 * np.abs(y - rng.uniform(0.2, 0.8)) + 0.25 * (y < rng.uniform(0.1, 0.4))
    body = (s <= waist / waist.max()) * (0.4 + 0.5 * rng.uniform() * y) * (1 + 0.05 * rng.standard_normal((h, w)))
    body[h // 2:] *= s >= rng.choice([0, 0.2])   # trousers have a gap
    x[:h, :w] = np.clip(body, 0, 1)
  return out


def anywhere(x, seed=0, flips=None):
  """A random member of every orbit; `flips` [count] says whose is flipped."""
  flips = np.random.default_rng(seed).uniform(size=len(x)) < 0.5 if flips is None else flips
  x = np.where(flips[:, None, None], np.conj(x[..., ::-1, ::-1]), x)
  return jax.device_get(_moved(jax.random.key(seed), x))


@jax.jit
def _moved(key, x):
  return far_field.random_phase(key, far_field.random_shift(jax.random.fold_in(key, 1), x))


def canonical_of(x, m=M, rule="both", weights=None):
  """In numpy: operations on results one by one would each be compiled."""
  return jax.device_get(canonicalise(x, m, rule, weights))


def image_like(x, m=M, rule="both", weights=None):
  return jax.device_get(canonicalise_image(x, m, rule, weights))


def literal(x, m, centre=0.0):
  return jax.device_get(canonical.literal(x, m, centre))


def differ(a, b, relative_to=1.0):
  return np.abs(a - b).max((-2, -1)) / relative_to


def weights_for(rule, x):
  return learn_odd_pca(x, M) if rule == "odd_pca" else None


@pytest.mark.parametrize("rule", canonical.RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_none_of_a_thousand_orbits_has_two_representatives(kind, rule):
  x = objects(kind)
  weights, moved = weights_for(rule, x), anywhere(x)
  assert (differ(x, moved) > 0.01).mean() > 0.9
  one, two = (canonical_of(a, M, rule, weights) for a in (x, moved))
  top = np.abs(one.spectrum_v_u).max((-2, -1))
  off = {"omega": differ(one.omega_v_u, two.omega_v_u), "G": differ(one.spectrum_v_u, two.spectrum_v_u, top),
         "image": differ(*(image_like(a, M, rule, weights) for a in (x, moved))), "margin": abs(one.margin - two.margin)}
  print(kind, rule, {name: f"{o.max():.1e}" for name, o in off.items()})
  assert {name: int((o > 1e-6).sum()) for name, o in off.items()} == dict.fromkeys(off, 0)
  assert (one.flipped != two.flipped).mean() > 0.4 and (one.odd == two.odd).all()
  np.testing.assert_allclose(np.abs(one.omega_v_u), 1, atol=1e-12)


@pytest.mark.parametrize("kind, n, m", [*((kind, N, M) for kind in KINDS), ("signed", 15, 29)])
def test_canonical_phases_and_the_magnitude_are_the_canonical_image(kind, n, m):
  x = objects(kind, COUNT, n)
  found, want = canonical_of(x, m), image_like(x, m)
  magnitude = np.abs(np.fft.fft2(x, (m, m)))
  whole = np.pad(want, ((0, 0), (0, m - n), (0, m - n)))
  for odd in (found.odd, None):   # told, and found
    for real in {kind != "complex", False}:   # real objects come out real by themselves, Nyquist bins and all
      image = np.asarray(image_of(found.omega_v_u, magnitude, real, n, odd))
      assert np.iscomplexobj(image) != real and differ(image, whole).max() < 1e-6
      np.testing.assert_array_equal(in_frame(image, n), image[:, :n, :n])
  assert differ(np.asarray(image_of(found.omega_v_u, magnitude, kind != "complex", n, ~found.odd)), whole).min() > 1e-3


def test_phases_about_a_point_and_the_magnitude_are_the_image():
  x = objects("complex")
  centre = np.random.default_rng(0).integers(0, 2 * N, (COUNT, 2)) / 2
  magnitude = np.abs(np.fft.fft2(x, (M, M)))
  omega = np.asarray(canonical.phases_about(x, centre, M))
  image = np.asarray(canonical.image_about(omega, magnitude, centre, False))
  assert differ(image, np.pad(x, ((0, 0), (0, M - N), (0, M - N)))).max() < 1e-6
  pixel = np.zeros((N, N))
  pixel[3, 7] = 2   # seen from itself it has no phase
  np.testing.assert_allclose(canonical.phases_about(pixel, np.array([3, 7]), M), 1, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_canonical_images_are_in_the_orbit_at_the_middle(kind):
  x = objects(kind)
  image = image_like(x, M)
  np.testing.assert_allclose(*(np.abs(np.fft.fft2(a, (M, M))) for a in (image, x)), rtol=1e-9, atol=1e-9)
  np.testing.assert_allclose(image_like(image, M), image, atol=1e-12)
  top, bottom, left, right = jax.device_get(far_field.box(image))
  np.testing.assert_array_equal(top, (N - (bottom - top)) // 2)
  np.testing.assert_array_equal(left, (N - (right - left)) // 2)
  if kind != "complex":
    np.testing.assert_array_equal(np.sort(abs(image).reshape(COUNT, -1)), np.sort(abs(x).reshape(COUNT, -1)))   # copied, not computed


@pytest.mark.parametrize("rule, functional", [("0,1", [(0, 1, 1)]), ("1,0", [(1, 0, 1)]), ("both", [(0, 1, 1), (1, 0, 2)])])
def test_a_rule_decides_by_the_first_moments_of_its_name(rule, functional):
  x = objects("non-negative")
  found = canonical_of(x, M, rule)
  value = sum(w * found.spectrum_v_u[:, v, u].imag for v, u, w in functional)
  assert (value > 0).all()
  norm = sum(w * w for _, _, w in functional) ** 0.5
  np.testing.assert_allclose(found.margin, value / norm / found.spectrum_v_u[:, 0, 0].real, rtol=1e-9)
  if rule == "0,1":   # Im G[0, 1] = -sum x sin(2 pi (j - centre) / m): left against right
    _, _, left, right = jax.device_get(far_field.box(x))
    offset = np.arange(N) - (left + right - 1)[:, None] / 2
    moment = -(x.sum(-2) * np.sin(2 * np.pi * offset / M)).sum(-1)
    np.testing.assert_allclose(value, abs(moment), rtol=1e-9)
    np.testing.assert_array_equal(found.flipped, moment < 0)


@pytest.mark.parametrize("centre", [0.0, N // 2, (N - 1) / 2])
def test_the_literal_pipeline_fails(centre):
  x = garments()
  failed = differ(literal(x, M, centre), literal(anywhere(x), M, centre)) > 1e-6
  print(f"literal, centre {centre}: {int(failed.sum())} of {COUNT} fail")
  assert failed.mean() >= (0.4 if centre == 0 else 0.2)
  moved = anywhere(x, flips=np.zeros(COUNT, bool))
  moved = moved * np.sign(moved.sum((1, 2), keepdims=True))
  assert differ(literal(x, M, centre), literal(moved, M, centre)).max() < 1e-6   # shifts alone it can do
  exact = [canonical_of(a, M, "0,1").omega_v_u for a in (x, anywhere(x))]
  assert differ(*exact).max() < 1e-6


def test_at_the_corner_the_literal_rule_does_not_see_flips():
  x = garments()
  first, second = (literal(a, M) for a in (x, x[:, ::-1, ::-1]))
  assert ((first[:, 0, 1].imag > 0) & (second[:, 0, 1].imag > 0)).all() and (differ(first, second) > 1e-3).all()


def test_odd_pca_is_the_principal_component_and_flips_do_not_change_it():
  x = garments()
  weights = learn_odd_pca(x, M)
  g = canonical_of(x, M).spectrum_v_u
  bins = [(v, u) for v in range(9) for u in range(-8, 9) if v > 0 or u > 0]
  odd = np.stack([g[:, v, u].imag for v, u in bins], -1) / np.abs(g).max((1, 2))[:, None]
  first = np.linalg.svd(odd)[2][0]
  np.testing.assert_allclose(weights, first * np.sign(first[np.abs(first).argmax()]), atol=1e-9)
  np.testing.assert_allclose(learn_odd_pca(anywhere(x), M), weights, atol=1e-9)
  margins = {rule: np.median(canonical_of(x, M, rule, weights_for(rule, x)).margin) for rule in canonical.RULES}
  assert margins["odd_pca"] > max(margins[rule] for rule in ("0,1", "1,0", "both")) and margins["1,0"] > 4 * margins["0,1"]


def degenerate():
  """{name: object} whose phase or flip the ordinary rules leave open."""
  rng = np.random.default_rng(5)
  patch, out = rng.uniform(0.2, 1, (6, 7)), {}
  wave = np.exp(2j * np.pi * rng.uniform(size=(6, 7)))
  out["zero sum"] = patch - patch.mean()
  out["zero sum, complex"] = patch * wave - (patch * wave).mean()
  out["symmetric"] = patch + patch[::-1, ::-1]
  out["symmetric, complex"] = wave + np.conj(wave[::-1, ::-1])
  out["odd"] = patch - patch[::-1, ::-1]
  out["odd, complex"] = wave - np.conj(wave[::-1, ::-1])
  out["left-right symmetric"] = patch + patch[:, ::-1]
  out["bins tie with opposite signs"] = patch[:, :6] - patch[:, :6].T
  out["pixel"], out["empty"], out["empty, complex"] = -np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 1), complex)
  return {name: np.pad(x, ((3, N - 3 - x.shape[0]), (2, N - 2 - x.shape[1]))) for name, x in out.items()}


@pytest.mark.parametrize("rule", ["0,1", "1,0", "both"])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_degenerate_objects_have_one_representative_too(kind, rule):
  chosen = {name: x for name, x in degenerate().items() if np.iscomplexobj(x) == (kind == "complex")}
  orbits = anywhere(np.repeat(np.stack(list(chosen.values())), 50, 0), 0, np.arange(50 * len(chosen)) % 2 == 1)
  found, images = canonical_of(orbits, M, rule), image_like(orbits, M, rule)
  assert images.dtype == orbits.dtype   # real objects get a sign, not a phase
  for i, name in enumerate(chosen):
    one = slice(50 * i, 50 * i + 50)
    omega, margin, image = found.omega_v_u[one], found.margin[one], images[one]
    assert np.isfinite(omega).all() and np.isfinite(margin).all() and np.isfinite(image).all()
    assert differ(omega, omega[0]).max() < 1e-6 and differ(image, image[0]).max() < 1e-9, name
    if name.split(",")[0] in ("symmetric", "pixel", "empty"):   # a flip is no change
      assert (margin < 1e-9).all() and not found.flipped[one].any(), name
    if name.startswith("empty"):
      assert (omega == 1).all() and (image == 0).all()


def test_a_rule_without_a_say_leaves_it_to_the_next_bin_and_reports_no_margin():
  x, dot = degenerate()["left-right symmetric"], np.zeros((N, N))
  dot[4, 3] = 1e-5
  found = canonical_of(x, M, "0,1")
  assert found.margin < 1e-12 and found.spectrum_v_u[1, 0].imag > 0   # (1, 0) comes next in order of |k|
  assert 0 < canonical_of(x + dot, M, "0,1").margin < 1e-6   # and above what counts as rounding
  for sign in (1, -1):   # noise then decides: the two sides of a margin of zero are far apart
    assert canonical_of(x + sign * dot, M, "0,1").spectrum_v_u[0, 1].imag > 0


def test_float32_agrees_where_the_margin_is_more_than_rounding():
  x = objects("signed").astype(np.float32)
  found, moved = (canonical_of(a, M) for a in (x, anywhere(x)))
  assert found.omega_v_u.dtype == np.complex64
  sure = found.margin > 1e-3
  top = np.abs(found.spectrum_v_u).max((-2, -1))
  assert sure.mean() > 0.9 and differ(found.spectrum_v_u, moved.spectrum_v_u, top)[sure].max() < 1e-5
  image = np.asarray(image_of(found.omega_v_u, np.abs(found.spectrum_v_u), True, N))
  assert image.dtype == np.float32 and differ(in_frame(image, N), image_like(x)).max() < 1e-4


def test_both_precisions_in_one_process():
  x = objects("non-negative", 2).astype(np.float32)
  doubled = canonical_of(x.astype(np.float64))
  with jax.enable_x64(False):   # tables kept between calls must not tie them to one precision
    single = canonical_of(x)
  np.testing.assert_allclose(single.margin, doubled.margin, atol=1e-5)
  np.testing.assert_array_equal(single.flipped, doubled.flipped)


def test_any_leading_axes_jit_and_whole_numbers():
  x = np.round(20 * objects("signed")).astype(np.int32)
  flat = canonical_of(x, M)
  nested = jax.jit(jax.vmap(lambda a: canonicalise(a, M)))(x[:6].reshape(2, 3, N, N))
  assert nested.margin.shape == (2, 3)
  np.testing.assert_allclose(nested.spectrum_v_u.reshape(6, M, M), flat.spectrum_v_u[:6], atol=1e-10)
  np.testing.assert_allclose(image_like(x[4], M), image_like(x, M)[4])


@pytest.mark.parametrize("name", ["plain", "empty", "symmetric, complex"])
def test_gradients_are_finite(name):
  x = degenerate().get(name, objects("non-negative")[0])
  target = np.random.default_rng(0).standard_normal((M, M))

  def loss(x):
    omega = canonicalise(x, M).omega_v_u
    rebuilt = image_of(omega, jnp.sqrt(far_field.intensity(x, M) + 1e-9), True, N)
    return (target * omega.real).sum() + (canonicalise_image(x, M).real ** 3).sum() + (rebuilt ** 3).sum()

  loss = jax.jit(jax.value_and_grad(loss))
  gradient = np.asarray(loss(x)[1])
  assert np.isfinite(gradient).all() and (np.abs(gradient).max() > 0 or name == "empty")
  if name == "plain":   # the answer is smooth within a box and an orientation
    along = np.random.default_rng(1).standard_normal((N, N)) * (x != 0)
    np.testing.assert_allclose((gradient * along).sum(), (loss(x + 1e-6 * along)[0] - loss(x - 1e-6 * along)[0]) / 2e-6, rtol=1e-5)


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
