"""Diffusion: published schedule values, oracles for every sampler, measured orders of convergence, separate rows."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig import rng
from jaxsig.errors import UserError
from jaxsig.nn import diffusion

KEY = jax.random.key(0)
SCHEDULES = {"linear": diffusion.make_schedule("linear"), "cosine": diffusion.make_schedule("cosine", shift=-3.0)}
DETERMINISTIC = ("ddim", "dpmpp2m")


@pytest.fixture(params=SCHEDULES)
def schedule(request):
  return SCHEDULES[request.param]


def some_times(schedule):
  return jnp.array([0, 9, 19, 29, 39, 49]) if schedule.steps else jnp.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])


def waves(b, t=24):
  return jax.random.uniform(jax.random.key(7), (b, t))


def draw(denoise, schedule, keys, t=24, **options):
  return jax.jit(lambda keys: diffusion.sample(denoise, schedule, keys, (t,), **options))(keys)


# The process

def test_the_linear_schedule_has_respdiffs_values():
  abar = SCHEDULES["linear"].alpha(jnp.array([0, 9, 19, 29, 39, 49])) ** 2
  np.testing.assert_allclose(abar, [0.9999, 0.621, 0.124, 6.95e-3, 8.97e-5, 2.08e-7], rtol=5e-3)
  log_snr = SCHEDULES["linear"].log_snr(jnp.array([0, 49]))
  np.testing.assert_allclose(log_snr, [9.2, -15.4], atol=0.05)


def test_the_linear_schedule_composes_single_steps_of_beta():
  mean, variance = 1.0, 0.0
  for t, beta in enumerate(np.linspace(1e-4, 0.5, 50)):
    mean, variance = mean * np.sqrt(1 - beta), variance * (1 - beta) + beta
    np.testing.assert_allclose(SCHEDULES["linear"].alpha(t), mean, rtol=1e-5)
    np.testing.assert_allclose(SCHEDULES["linear"].sigma(t) ** 2, variance, rtol=1e-5)


def test_alpha_and_sigma_preserve_variance_and_noise_grows(schedule):
  t = jnp.arange(50) if schedule.steps else jnp.linspace(0, 1, 50)
  np.testing.assert_allclose(schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2, 1, atol=1e-6)
  assert (jnp.diff(schedule.log_snr(t)) < 0).all()


def test_the_cosine_schedule_ends_at_its_limits_whatever_the_shift():
  for shift in (-4.0, 0.0, 2.0):
    plain = diffusion.make_schedule("cosine", shift=shift, log_snr_min=-12.0, log_snr_max=9.0)
    np.testing.assert_allclose(plain.log_snr(jnp.array([0.0, 1.0])), [9, -12], atol=1e-4)
    stepped = diffusion.make_schedule("cosine", steps=5, shift=shift, log_snr_min=-12.0, log_snr_max=9.0)
    np.testing.assert_allclose(stepped.log_snr(jnp.arange(5)), plain.log_snr(jnp.linspace(0, 1, 5)), atol=1e-4)


def test_an_uncut_cosine_is_the_cosine_and_its_shift_adds():
  t = jnp.array([0.1, 0.5, 0.9])
  wide = {"log_snr_min": -40.0, "log_snr_max": 40.0}
  np.testing.assert_allclose(diffusion.make_schedule("cosine", **wide).alpha(t), np.cos(np.pi * t / 2), atol=1e-6)
  shifted = diffusion.make_schedule("cosine", shift=-3.0, **wide)
  np.testing.assert_allclose(shifted.log_snr(t), -2 * np.log(np.tan(np.pi * t / 2)) - 3, atol=1e-5)


def test_noised_has_the_marginal_mean_and_variance(schedule):
  t = some_times(schedule)
  x0 = jnp.full((len(t), 20000), 2.0)
  y = diffusion.noised(schedule, x0, diffusion.row_noise(rng.rows(KEY, len(t)), (20000,)), t)
  np.testing.assert_allclose(y.mean(1), 2 * schedule.alpha(t), atol=0.03)
  np.testing.assert_allclose(y.var(1), schedule.sigma(t) ** 2, rtol=0.05)


@pytest.mark.parametrize("stratified", [False, True])
def test_times_are_uniform_and_do_not_see_padding_rows(schedule, stratified):
  times = functools.partial(diffusion.sample_times, schedule, KEY, stratified=stratified)
  t = (np.asarray(times(4096)) + 0.5) / schedule.steps if schedule.steps else times(4096)
  counts = np.histogram(t, 10, (0, 1))[0]
  assert abs(counts - 409.6).max() < (3 if stratified else 75)  # 75: four standard deviations
  np.testing.assert_array_equal(times(5), times(9)[:5])
  assert times(5).dtype == (jnp.int32 if schedule.steps else jnp.float32)


# Targets

@pytest.mark.parametrize("kind", diffusion.KINDS)
def test_every_target_gives_x0_and_eps_back(schedule, kind):
  t = some_times(schedule)
  x0, eps = waves(len(t)), jax.random.normal(KEY, (len(t), 24))
  y = diffusion.noised(schedule, x0, eps, t)
  target = diffusion.target_of(kind, schedule, x0, eps, t)
  x0_again, eps_again = diffusion.predicted_x0_eps(kind, target, y, t, schedule)
  np.testing.assert_allclose(x0_again, x0, atol=2e-3)  # eps at log-SNR -15: rounding times 2,193
  np.testing.assert_allclose(eps_again, eps, atol=2e-3)


def test_v_is_what_its_definition_says():
  schedule, t = SCHEDULES["cosine"], jnp.array([0.5])
  v = diffusion.target_of("v", schedule, jnp.ones((1, 3)), jnp.full((1, 3), 2.0), t)
  np.testing.assert_allclose(v, np.full((1, 3), 2 * schedule.alpha(t)[0] - schedule.sigma(t)[0]), rtol=1e-6)


# Samplers against oracles

def start_of(keys_b, t):
  return diffusion.row_noise(jax.vmap(rng.at_step, (0, None))(keys_b, 0), (t,))


def samples_of_oracles(oracle_of, schedule, sampler, steps):
  """{(kind, n): x0_b_t} for every kind of target, in one compilation."""
  every = [(kind, n) for kind in diffusion.KINDS for n in steps]
  draw_all = jax.jit(lambda keys: [diffusion.sample(oracle_of(kind), schedule, keys, (24,), sampler=sampler, steps=n,
                                                    kind=kind) for kind, n in every])
  return dict(zip(every, draw_all(rng.rows(KEY, 3)), strict=True))


@pytest.mark.parametrize("sampler", ("ddpm", *DETERMINISTIC))
def test_an_oracle_of_x0_makes_every_sampler_return_it(schedule, sampler):
  x0 = waves(3)

  def oracle_of(kind):
    def oracle(y, t):
      alpha, sigma = schedule.alpha(t)[:, None], schedule.sigma(t)[:, None]
      return diffusion.target_of(kind, schedule, x0, (y - alpha * x0) / sigma, t)
    return oracle

  for case, out in samples_of_oracles(oracle_of, schedule, sampler, (1, 6, 50)).items():
    np.testing.assert_allclose(out, x0, atol=1e-3, err_msg=str(case))


@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_an_oracle_of_the_noise_keeps_deterministic_samplers_on_the_line(schedule, sampler):
  """The oracle never looks at y: the steps themselves must lead from alpha x0 + sigma eps to alpha' x0 + sigma' eps."""
  x0, first = waves(3), jnp.full(3, schedule.times(1)[0])
  start = start_of(rng.rows(KEY, 3), 24)
  eps = (start - schedule.alpha(first)[:, None] * x0) / schedule.sigma(first)[:, None]
  oracle_of = lambda kind: lambda y, t: diffusion.target_of(kind, schedule, x0, eps, t)
  for case, out in samples_of_oracles(oracle_of, schedule, sampler, (2, 20)).items():
    np.testing.assert_allclose(out, x0, atol=3e-3, err_msg=str(case))


def gaussian(schedule, mean, deviation):
  """The optimal x0 predictor of normal data, and where the probability-flow ODE takes a start y at time t."""
  def denoise(y, t):
    alpha, sigma = schedule.alpha(t)[:, None], schedule.sigma(t)[:, None]
    return mean + alpha * deviation**2 / (alpha**2 * deviation**2 + sigma**2) * (y - alpha * mean)

  def flow(y, t):
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    return mean + deviation * (y - alpha * mean) / jnp.sqrt(alpha**2 * deviation**2 + sigma**2)

  return denoise, flow


@pytest.mark.parametrize("sampler,order", [("ddim", 1), ("dpmpp2m", 2)])
def test_the_order_of_convergence_is_what_the_solver_promises(sampler, order):
  schedule = SCHEDULES["cosine"]
  denoise, flow = gaussian(schedule, 0.3, 0.5)
  keys = rng.rows(KEY, 8)
  exact = flow(start_of(keys, 4), jnp.float32(1))
  errors = []
  for steps in (25, 50, 100):
    out = draw(denoise, schedule, keys, 4, sampler=sampler, steps=steps, kind="x0")
    errors.append(float(jnp.sqrt(jnp.mean((out - exact) ** 2))))
  assert errors[-1] < 0.03 / order**4
  np.testing.assert_allclose(np.diff(np.log2(errors)), -order, atol=0.2)


def test_the_published_discrete_schedule_approaches_the_flow_and_the_second_order_solver_sooner():
  """Without the bound on the slope dpmpp2m fails this: 12 integer steps would then be worse than 6."""
  schedule = SCHEDULES["linear"]
  denoise, flow = gaussian(schedule, 0.3, 0.5)
  keys = rng.rows(KEY, 8)
  exact = flow(start_of(keys, 4), 49)
  error = {}
  for sampler in DETERMINISTIC:
    for steps in (6, 12, 50):
      out = draw(denoise, schedule, keys, 4, sampler=sampler, steps=steps, kind="x0")
      error[sampler, steps] = float(jnp.abs(out - exact).max())
    assert error[sampler, 6] > 1.5 * error[sampler, 12] > 2 * error[sampler, 50]
  assert all(error["dpmpp2m", steps] < 0.7 * error["ddim", steps] for steps in (6, 12, 50))


def test_ancestral_samples_of_a_gaussian_have_its_mean_and_in_many_steps_its_spread():
  """In few steps the posterior variance is too small for the true reverse step, which is not sharp in x0."""
  denoise, _ = gaussian(SCHEDULES["cosine"], 0.3, 0.5)
  out = [draw(denoise, SCHEDULES["cosine"], rng.rows(KEY, 500), 40, steps=n, kind="x0") for n in (25, 100, 400)]
  np.testing.assert_allclose([samples.mean() for samples in out], 0.3, atol=0.02)
  missing = [0.5 - float(samples.std()) for samples in out]
  assert missing[0] > 2 * missing[1] > 4 * missing[2] > 0


def test_ancestral_steps_are_hos_posterior():
  beta = np.linspace(1e-4, 0.5, 50)[::-1]
  abar = np.cumprod(1 - beta[::-1])[::-1]
  before = np.append(abar[1:], 1.0)
  plan = diffusion._sampler_steps("ddpm", SCHEDULES["linear"].log_snr(jnp.arange(49, -1, -1)))
  of_y = np.asarray(plan.eps_scale) / np.sqrt(1 - abar)
  np.testing.assert_allclose(of_y, np.sqrt(1 - beta) * (1 - before) / (1 - abar), atol=1e-5)
  np.testing.assert_allclose(plan.alpha - of_y * np.sqrt(abar), np.sqrt(before) * beta / (1 - abar), atol=1e-5)
  np.testing.assert_allclose(plan.noise_scale ** 2, (1 - before) / (1 - abar) * beta, atol=1e-5)


def test_six_steps_fall_on_the_authors_times():
  seen = []

  def denoise(y, t):
    jax.debug.callback(lambda t: seen.append(int(t)), t[0], ordered=True)
    return y

  jax.block_until_ready(draw(denoise, SCHEDULES["linear"], rng.rows(KEY, 1), sampler="ddim", steps=6))
  jax.effects_barrier()
  assert seen == [49, 39, 29, 19, 9, 0]
  assert SCHEDULES["linear"].times(50).tolist() == list(range(49, -1, -1))


def test_continuous_times_fall_from_one_and_spare_the_clean_end():
  np.testing.assert_allclose(SCHEDULES["cosine"].times(4), [1, 0.75, 0.5, 0.25])
  even = SCHEDULES["cosine"].log_snr(SCHEDULES["cosine"].times(5, "log_snr"))
  np.testing.assert_allclose(even, [-15, -10, -5, 0, 5], atol=1e-2)


# One key a row

def pulled(y, t):
  """A denoiser without batch statistics."""
  return jnp.tanh(y + jnp.sin(t)[:, None])


@pytest.mark.parametrize("sampler", diffusion.SAMPLERS)
def test_rows_do_not_see_their_mates_except_as_coded(schedule, sampler):
  keys = rng.rows(KEY, 5)
  sample = jax.jit(lambda keys: diffusion.sample(pulled, schedule, keys, (24,), sampler=sampler, steps=4, kind="v"))
  together, alone = sample(keys), jnp.concatenate([sample(keys[i:i + 1]) for i in range(5)])
  difference = float(jnp.abs(together - alone).max())
  assert difference > 0.01 if sampler == "ddim_as_coded" else difference < 1e-5


def test_only_the_ancestral_sampler_draws_noise_on_the_way():
  still = lambda y, t: jnp.zeros_like(y)
  out = {s: draw(still, SCHEDULES["cosine"], rng.rows(KEY, 2), 500, sampler=s, steps=10, kind="v")
         for s in ("ddpm", *DETERMINISTIC)}
  follows = {s: np.corrcoef(np.ravel(x), np.ravel(start_of(rng.rows(KEY, 2), 500)))[0, 1] for s, x in out.items()}
  assert follows["ddim"] > 0.999 and follows["dpmpp2m"] > 0.999 and abs(follows["ddpm"]) < 0.5


@pytest.mark.parametrize("steps", [1, 2, 6])
def test_as_coded_rescales_by_the_batch_and_keeps_eps(steps):
  """With a constant eps every later estimate is the first one, rescaled: [0, 1] is left where it is."""
  keys, schedule = rng.rows(KEY, 3), diffusion.make_schedule("linear", beta_last=0.1)
  out = draw(lambda y, t: 0.1 * jnp.ones_like(y), schedule, keys, sampler="ddim_as_coded", steps=steps)
  first = start_of(keys, 24)
  np.testing.assert_allclose(out, (first - first.min()) / (first.max() - first.min()), atol=1e-4)


@pytest.mark.parametrize("sampler", ("ddpm", *DETERMINISTIC))
def test_clipping_bounds_the_result(sampler):
  out = draw(lambda y, t: 5 * y, SCHEDULES["cosine"], rng.rows(KEY, 2), sampler=sampler, steps=5, kind="x0",
             clip=(-1.0, 0.5))
  assert out.min() == -1 and out.max() == 0.5


def test_an_unclipped_result_is_not_bounded():
  out = draw(lambda y, t: 5 * y, SCHEDULES["cosine"], rng.rows(KEY, 2), steps=5, kind="x0")
  assert jnp.abs(out).max() > 5


# Spectral losses

def test_the_coded_spectral_loss_is_the_time_error_where_phases_agree():
  """Parseval: with X_hat = 1.5 X bin by bin, the mean of (|X_hat| - |X|)^2 is the mean squared error in time."""
  x = waves(3, 150)
  np.testing.assert_allclose(diffusion.spectral_loss_as_coded(1.5 * x, x), jnp.mean((0.5 * x) ** 2, -1), rtol=1e-4)
  np.testing.assert_allclose(diffusion.spectral_loss_as_coded(jnp.roll(x, 7, -1), x), 0, atol=1e-8)  # blind to phase
  assert jnp.mean((jnp.roll(x, 7, -1) - x) ** 2) > 0.01


def test_the_coded_weights_give_the_authors_total():
  residual, x0_hat, x0 = (jax.random.normal(jax.random.key(i), (128, 150)) for i in range(3))
  spectrum = lambda x: np.abs(np.fft.fft(x, norm="ortho"))
  theirs = np.sum(residual**2) / 150 + 0.01 * np.mean((spectrum(x0_hat) - spectrum(x0)) ** 2)
  spectral = jnp.mean(diffusion.spectral_loss_as_coded(x0_hat, x0))
  ours = jnp.mean(residual**2) + diffusion.SPECTRAL_WEIGHTS["as_coded"] * spectral
  np.testing.assert_allclose(128 * ours, theirs, rtol=1e-5)


def test_the_banded_loss_measures_the_log_ratio_in_its_band_only():
  t = np.arange(300) / 5
  slow, fast = np.sin(2 * np.pi * 0.25 * t)[None], np.cos(2 * np.pi * (2 + 1 / 120) * t)[None]  # fast: between bins
  loss = functools.partial(diffusion.spectral_loss_banded, rate_hz=5.0, low_hz=0.24, high_hz=0.26, floor=1e-3)
  np.testing.assert_allclose(loss(2 * slow, slow, jnp.ones(1)), np.log(2) ** 2, rtol=1e-3)
  np.testing.assert_allclose(loss(2 * slow, slow, jnp.full(1, 0.5)), np.log(2) ** 2 / 4, rtol=1e-3)  # alpha^2
  np.testing.assert_allclose(loss(slow + 3 * fast, slow, jnp.ones(1)), 0, atol=1e-7)


def test_the_banded_loss_is_smooth_at_silence():
  silent = jnp.zeros((1, 300))
  gradient = jax.grad(lambda x: diffusion.spectral_loss_banded(x, waves(1, 300), jnp.ones(1), 5.0).sum())(silent)
  assert jnp.isfinite(gradient).all()
  assert jnp.isfinite(jax.grad(lambda x: diffusion.spectral_loss_as_coded(x, waves(1, 300)).sum())(silent)).all()


@pytest.mark.parametrize("call,word", [
  (lambda: diffusion.make_schedule("quadratic"), "quadratic"),
  (lambda: SCHEDULES["linear"].times(51), "51 steps"),
  (lambda: diffusion.sample(pulled, SCHEDULES["linear"], rng.rows(KEY, 1), (4,), sampler="euler"), "euler"),
  (lambda: diffusion.target_of("score", SCHEDULES["linear"], waves(1), waves(1), jnp.zeros(1, int)), "score"),
  (lambda: diffusion.spectral_loss_banded(waves(1), waves(1), jnp.ones(1), 5.0, high_hz=0.1), "longer windows"),
])
def test_mistakes_are_named(call, word):
  with pytest.raises(UserError, match=word):
    call()
