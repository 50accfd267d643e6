"""Diffusion processes and targets: published schedule values, marginals, training times."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig import rng
from jaxsig.errors import UserError
from jaxsig.nn import diffusion

pytestmark = pytest.mark.usefixtures("quick_compilation")

KEY = jax.random.key(0)
LINEAR = diffusion.make_schedule("linear")
COSINE = diffusion.make_schedule("cosine", shift=-3.0)
SCHEDULES = {"linear": LINEAR, "cosine": COSINE}


@pytest.fixture(params=SCHEDULES)
def schedule(request) -> diffusion.Schedule:
  return SCHEDULES[request.param]


def some_times(schedule: diffusion.Schedule) -> np.ndarray:
  if schedule.steps:
    return np.array([0, 9, 19, 29, 39, 49])
  return np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], np.float32)


# The process


def test_the_linear_schedule_has_respdiffs_values():
  steps = np.array([0, 9, 19, 29, 39, 49])
  abar = LINEAR.alpha(steps) ** 2
  np.testing.assert_allclose(abar, [0.9999, 0.621, 0.124, 6.95e-3, 8.97e-5, 2.08e-7], rtol=5e-3)
  log_snr = LINEAR.log_snr(steps)
  np.testing.assert_allclose([log_snr[0], log_snr[-1]], [9.2, -15.4], atol=0.05)


def test_the_linear_schedule_composes_single_steps_of_beta():
  steps = np.arange(50)
  alpha_t = np.asarray(LINEAR.alpha(steps))
  sigma_t = np.asarray(LINEAR.sigma(steps))
  mean = 1.0
  variance = 0.0
  for t, beta in enumerate(np.linspace(1e-4, 0.5, 50)):
    mean = mean * np.sqrt(1 - beta)
    variance = variance * (1 - beta) + beta
    np.testing.assert_allclose(alpha_t[t], mean, rtol=1e-5)
    np.testing.assert_allclose(sigma_t[t] ** 2, variance, rtol=1e-5)


def test_alpha_and_sigma_preserve_variance_and_noise_grows(schedule):
  t = np.linspace(0, 1, 50, dtype=np.float32)
  if schedule.steps:
    t = np.arange(50)

  @jax.jit
  def process(t):
    return schedule.alpha(t), schedule.sigma(t), schedule.log_snr(t)

  alpha_t, sigma_t, log_snr_t = map(np.asarray, process(t))
  np.testing.assert_allclose(alpha_t**2 + sigma_t**2, 1, atol=1e-6)
  assert (np.diff(log_snr_t) < 0).all()


def test_the_cosine_schedule_ends_at_its_limits_whatever_the_shift():
  times = np.linspace(0, 1, 5, dtype=np.float32)
  for shift in (-4.0, 0.0, 2.0):
    limits = {"shift": shift, "log_snr_min": -12.0, "log_snr_max": 9.0}
    continuous = diffusion.make_schedule("cosine", **limits)
    log_snr_t = np.asarray(continuous.log_snr(times))
    np.testing.assert_allclose(log_snr_t[[0, -1]], [9, -12], atol=1e-4)

    stepped = diffusion.make_schedule("cosine", steps=5, **limits)
    np.testing.assert_allclose(stepped.log_snr(np.arange(5)), log_snr_t, atol=1e-4)


def test_an_uncut_cosine_is_the_cosine_and_its_shift_adds():
  t = np.array([0.1, 0.5, 0.9], np.float32)
  wide = {"log_snr_min": -40.0, "log_snr_max": 40.0}
  plain = diffusion.make_schedule("cosine", **wide)
  np.testing.assert_allclose(plain.alpha(t), np.cos(np.pi * t / 2), atol=1e-6)

  shifted = diffusion.make_schedule("cosine", shift=-3.0, **wide)
  log_snr = -2 * np.log(np.tan(np.pi * t / 2)) - 3
  np.testing.assert_allclose(shifted.log_snr(t), log_snr, atol=1e-5)


def test_noised_has_the_marginal_mean_and_variance(schedule):
  t = some_times(schedule)

  @jax.jit
  def marginal(t):
    eps = diffusion.row_noise(rng.rows(KEY, len(t)), (20000,))
    y = diffusion.noised(schedule, jnp.full(eps.shape, 2.0), eps, t)
    return y.mean(1), y.var(1), schedule.alpha(t), schedule.sigma(t)

  mean, variance, alpha, sigma = map(np.asarray, marginal(t))
  np.testing.assert_allclose(mean, 2 * alpha, atol=0.03)
  np.testing.assert_allclose(variance, sigma**2, rtol=0.05)


@pytest.mark.parametrize("stratified", [False, True])
def test_times_are_uniform_and_do_not_see_padding_rows(schedule, stratified):
  @jax.jit
  def times(key):
    return [diffusion.sample_times(schedule, key, b, stratified) for b in (4096, 5, 9)]

  many, five, nine = map(np.asarray, times(KEY))
  unit = many
  if schedule.steps:
    unit = (many + 0.5) / schedule.steps
  counts, _ = np.histogram(unit, 10, (0, 1))
  most = 3 if stratified else 75   # 75: four standard deviations
  assert abs(counts - 409.6).max() < most

  np.testing.assert_array_equal(five, nine[:5])
  assert five.dtype == (np.int32 if schedule.steps else np.float32)


# Targets


@pytest.mark.parametrize("kind", diffusion.KINDS)
def test_every_target_gives_x0_and_eps_back(schedule, kind):
  t = some_times(schedule)
  random = np.random.default_rng(0)
  x0 = random.uniform(size=(len(t), 24)).astype(np.float32)
  eps = random.normal(size=(len(t), 24)).astype(np.float32)

  @jax.jit
  def there_and_back(x0, eps):
    y = diffusion.noised(schedule, x0, eps, t)
    target = diffusion.target_of(kind, schedule, x0, eps, t)
    return diffusion.predicted_x0_eps(kind, target, y, t, schedule)

  x0_again, eps_again = there_and_back(x0, eps)
  np.testing.assert_allclose(x0_again, x0, atol=2e-3)   # eps at log-SNR -15: rounding times 2,193
  np.testing.assert_allclose(eps_again, eps, atol=2e-3)


def test_v_is_what_its_definition_says():
  t = np.array([0.5], np.float32)
  eps = np.full((1, 3), 2.0, np.float32)
  x0 = np.ones((1, 3), np.float32)
  v = diffusion.target_of("v", COSINE, x0, eps, t)
  expected = 2 * COSINE.alpha(t)[0] - COSINE.sigma(t)[0]
  np.testing.assert_allclose(v, np.full((1, 3), expected), rtol=1e-6)


@pytest.mark.parametrize("call, word", [
    (lambda: diffusion.make_schedule("quadratic"), "quadratic"),
    (lambda: LINEAR.times(51), "51 steps"),
    (lambda: diffusion.target_of("score", LINEAR, None, None, None), "score"),
])
def test_mistakes_are_named(call, word):
  with pytest.raises(UserError, match=word):
    call()
