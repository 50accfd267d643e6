"""Samplers of diffusion models: oracles, measured orders of convergence, clipping, and one key an
example."""
import functools
import itertools
from collections.abc import Callable

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
DETERMINISTIC = ("ddim", "dpmpp2m")
Denoiser = Callable[[jax.Array, jax.Array], jax.Array]


@pytest.fixture(params=SCHEDULES)
def schedule(request) -> diffusion.Schedule:
  return SCHEDULES[request.param]


@functools.cache
def keys(n: int) -> jax.Array:
  return rng.rows(KEY, n)


def start_of(keys_b: jax.Array, t: int) -> jax.Array:
  """The noise from which every sampler starts."""
  keys_of_start_b = jax.vmap(rng.at_step, (0, None))(keys_b, 0)
  return diffusion.row_noise(keys_of_start_b, (t,))


def over_time(values_b: jax.Array) -> jax.Array:
  return values_b[:, None]


# Oracles


def samples_of_oracles(
    oracle_of: Callable[[str], Denoiser],
    schedule: diffusion.Schedule,
    sampler: str,
    steps: tuple[int, ...],
) -> dict[tuple[str, int], jax.Array]:
  """{(kind, n): x0_b_t} for every kind of target and number of steps, in one compilation."""
  cases = list(itertools.product(diffusion.KINDS, steps))

  @jax.jit
  def draw_all(keys_b):
    samples = []
    for kind, n in cases:
      oracle = oracle_of(kind)
      x0 = diffusion.sample(oracle, schedule, keys_b, (24,), sampler=sampler, steps=n, kind=kind)
      samples.append(x0)
    return samples

  return dict(zip(cases, draw_all(keys(3)), strict=True))


X0 = np.random.default_rng(7).uniform(size=(3, 24)).astype(np.float32)


@pytest.mark.parametrize("sampler", ("ddpm", *DETERMINISTIC))
def test_an_oracle_of_x0_makes_every_sampler_return_it(schedule, sampler):
  def oracle_of(kind):
    def oracle(y, t):
      alpha = over_time(schedule.alpha(t))
      sigma = over_time(schedule.sigma(t))
      eps = (y - alpha * X0) / sigma
      return diffusion.target_of(kind, schedule, X0, eps, t)

    return oracle

  samples = samples_of_oracles(oracle_of, schedule, sampler, (1, 6, 50))
  for case, x0 in samples.items():
    np.testing.assert_allclose(x0, X0, atol=1e-3, err_msg=str(case))


@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_an_oracle_of_the_noise_keeps_deterministic_samplers_on_the_line(schedule, sampler):
  """The oracle never looks at y: the steps alone lead from alpha x0 + sigma eps to alpha' x0 +
  sigma' eps."""
  first = jnp.full(3, schedule.times(1)[0])

  def oracle_of(kind):
    def oracle(y, t):
      start = start_of(keys(3), 24)
      alpha = over_time(schedule.alpha(first))
      sigma = over_time(schedule.sigma(first))
      eps = (start - alpha * X0) / sigma
      return diffusion.target_of(kind, schedule, X0, eps, t)

    return oracle

  samples = samples_of_oracles(oracle_of, schedule, sampler, (2, 20))
  for case, x0 in samples.items():
    np.testing.assert_allclose(x0, X0, atol=3e-3, err_msg=str(case))


# Order of convergence, on data of which everything is known

MEAN = 0.3
SD = 0.5


def gaussian_denoiser(schedule: diffusion.Schedule) -> Denoiser:
  """The optimal predictor of x0 for normal data."""
  def denoise(y, t):
    alpha = over_time(schedule.alpha(t))
    sigma = over_time(schedule.sigma(t))
    gain = alpha * SD**2 / (alpha**2 * SD**2 + sigma**2)
    return MEAN + gain * (y - alpha * MEAN)

  return denoise


def gaussian_flow(schedule: diffusion.Schedule, y: jax.Array, t: jax.Array | int) -> jax.Array:
  """Where the probability-flow ODE takes a start y at time t, for the same data."""
  alpha = schedule.alpha(t)
  sigma = schedule.sigma(t)
  return MEAN + SD * (y - alpha * MEAN) / jnp.sqrt(alpha**2 * SD**2 + sigma**2)


def gaussian_samples(
    schedule: diffusion.Schedule,
    keys_b: jax.Array,
    t: int,
    cases: list[tuple[str, int]],
) -> list[np.ndarray]:
  """The samples of each (sampler, steps), and last where the exact flow goes, in one
  compilation."""
  denoise = gaussian_denoiser(schedule)
  last_time = schedule.times(1)[0]

  @jax.jit
  def draw_all(keys_b):
    samples = []
    for sampler, n in cases:
      x0 = diffusion.sample(denoise, schedule, keys_b, (t,), sampler=sampler, steps=n, kind="x0")
      samples.append(x0)
    exact = gaussian_flow(schedule, start_of(keys_b, t), last_time)
    return [*samples, exact]

  return [np.asarray(x) for x in draw_all(keys_b)]


@pytest.mark.parametrize("sampler, order", [("ddim", 1), ("dpmpp2m", 2)])
def test_the_order_of_convergence_is_what_the_solver_promises(sampler, order):
  cases = [(sampler, steps) for steps in (25, 50, 100)]
  *samples, exact = gaussian_samples(COSINE, keys(8), 4, cases)
  errors = [np.sqrt(np.mean((x0 - exact) ** 2)) for x0 in samples]
  assert errors[-1] < 0.03 / order**4
  np.testing.assert_allclose(np.diff(np.log2(errors)), -order, atol=0.2)


def test_on_the_published_schedule_the_second_order_solver_approaches_the_flow_sooner():
  """Without the bound on the slope dpmpp2m fails this: 12 integer steps would then be worse than
  6."""
  cases = list(itertools.product(DETERMINISTIC, (6, 12, 50)))
  *samples, exact = gaussian_samples(LINEAR, keys(8), 4, cases)
  error = {}
  for case, x0 in zip(cases, samples, strict=True):
    error[case] = np.abs(x0 - exact).max()

  for sampler in DETERMINISTIC:
    assert error[sampler, 6] > 1.5 * error[sampler, 12] > 2 * error[sampler, 50]
  for steps in (6, 12, 50):
    assert error["dpmpp2m", steps] < 0.7 * error["ddim", steps]


def test_ancestral_samples_of_a_gaussian_have_its_mean_and_in_many_steps_its_spread():
  """In few steps the posterior variance is too small for the true reverse step, which is not sharp
  in x0."""
  cases = [("ddpm", steps) for steps in (25, 100, 400)]
  *samples, _ = gaussian_samples(COSINE, keys(500), 40, cases)
  means = [x0.mean() for x0 in samples]
  np.testing.assert_allclose(means, MEAN, atol=0.02)
  missing_sd = [SD - x0.std() for x0 in samples]
  assert missing_sd[0] > 2 * missing_sd[1] > 4 * missing_sd[2] > 0


# Single steps and times


def test_ancestral_steps_are_hos_posterior():
  beta = np.linspace(1e-4, 0.5, 50)[::-1]   # noisiest first
  abar = np.cumprod(1 - beta[::-1])[::-1]
  abar_next = np.append(abar[1:], 1.0)
  log_snr = LINEAR.log_snr(np.arange(49, -1, -1))
  steps = jax.jit(functools.partial(diffusion._sampler_steps, "ddpm"))(log_snr)
  steps = jax.tree.map(np.asarray, steps)

  of_y = steps.eps_scale / np.sqrt(1 - abar)
  expected_of_y = np.sqrt(1 - beta) * (1 - abar_next) / (1 - abar)
  np.testing.assert_allclose(of_y, expected_of_y, atol=1e-5)

  of_x0 = steps.alpha - of_y * np.sqrt(abar)
  expected_of_x0 = np.sqrt(abar_next) * beta / (1 - abar)
  np.testing.assert_allclose(of_x0, expected_of_x0, atol=1e-5)

  expected_variance = (1 - abar_next) / (1 - abar) * beta
  np.testing.assert_allclose(steps.noise_scale**2, expected_variance, atol=1e-5)


def test_six_steps_fall_on_the_authors_times():
  seen = []

  def denoise(y, t):
    jax.debug.callback(lambda t: seen.append(int(t)), t[0], ordered=True)
    return y

  @jax.jit
  def draw(keys_b):
    return diffusion.sample(denoise, LINEAR, keys_b, (24,), sampler="ddim", steps=6)

  jax.block_until_ready(draw(keys(3)))
  jax.effects_barrier()
  assert seen == [49, 39, 29, 19, 9, 0]
  assert LINEAR.times(50).tolist() == list(range(49, -1, -1))


def test_continuous_times_fall_from_one_and_spare_the_clean_end():
  np.testing.assert_allclose(COSINE.times(4), [1, 0.75, 0.5, 0.25])
  even = COSINE.log_snr(COSINE.times(5, "log_snr"))
  np.testing.assert_allclose(even, [-15, -10, -5, 0, 5], atol=1e-2)


# One key an example


def pulled(y, t):
  """A denoiser without batch statistics."""
  return jnp.tanh(y + over_time(jnp.sin(t)))


def test_examples_do_not_see_their_mates_except_as_coded(schedule):
  @jax.jit
  def draw_all(keys_b):
    differences = {}
    for sampler in diffusion.SAMPLERS:
      def draw(keys_b, sampler=sampler):
        return diffusion.sample(pulled, schedule, keys_b, (24,), sampler=sampler, steps=4, kind="v")

      together = draw(keys_b)
      alone = jax.lax.map(draw, keys_b[:, None])[:, 0]
      differences[sampler] = jnp.abs(together - alone).max()
    return differences

  differences = draw_all(keys(3))
  assert differences.pop("ddim_as_coded") > 0.01
  assert len(differences) == 3
  assert max(differences.values()) < 1e-5


def test_only_the_ancestral_sampler_draws_noise_on_the_way():
  def still(y, t):
    return jnp.zeros_like(y)

  @jax.jit
  def draw_all(keys_b):
    samples = {}
    for sampler in ("ddpm", *DETERMINISTIC):
      samples[sampler] = diffusion.sample(
          still, COSINE, keys_b, (500,), sampler=sampler, steps=10, kind="v"
      )
    return samples, start_of(keys_b, 500)

  samples, start = draw_all(keys(3))
  follows = {}
  for sampler, x0 in samples.items():
    follows[sampler] = np.corrcoef(np.ravel(x0), np.ravel(start))[0, 1]
  assert follows["ddim"] > 0.999
  assert follows["dpmpp2m"] > 0.999
  assert abs(follows["ddpm"]) < 0.5


def test_as_coded_rescales_by_the_batch_and_keeps_eps():
  """With a constant eps every later estimate is the first one, rescaled: [0, 1] is left where it
  is."""
  schedule = diffusion.make_schedule("linear", beta_last=0.1)

  def constant(y, t):
    return 0.1 * jnp.ones_like(y)

  @jax.jit
  def draw_all(keys_b):
    samples = []
    for steps in (1, 2, 6):
      x0 = diffusion.sample(
          constant, schedule, keys_b, (24,), sampler="ddim_as_coded", steps=steps
      )
      samples.append(x0)
    return samples, start_of(keys_b, 24)

  samples, start = draw_all(keys(3))
  start = np.asarray(start)
  rescaled = (start - start.min()) / (start.max() - start.min())
  for x0 in samples:
    np.testing.assert_allclose(x0, rescaled, atol=1e-4)


def test_clipping_bounds_the_result_and_without_it_nothing_does():
  def growing(y, t):
    return 5 * y

  @jax.jit
  def draw_all(keys_b):
    clipped = []
    for sampler in ("ddpm", *DETERMINISTIC):
      x0 = diffusion.sample(
          growing, COSINE, keys_b, (24,), sampler=sampler, steps=5, kind="x0", clip=(-1.0, 0.5)
      )
      clipped.append(x0)
    free = diffusion.sample(growing, COSINE, keys_b, (24,), steps=5, kind="x0")
    return clipped, free

  clipped, free = draw_all(keys(3))
  for x0 in clipped:
    assert x0.min() == -1
    assert x0.max() == 0.5
  assert np.abs(free).max() > 5


def test_an_unknown_sampler_is_named():
  with pytest.raises(UserError, match="euler"):
    diffusion.sample(pulled, LINEAR, keys(3), (4,), sampler="euler")
