"""Diffusion processes, training targets and samplers, for any denoiser(y_b_t, t_b).

Everything is written in the log signal-to-noise ratio, log(alpha^2 / sigma^2), with alpha^2 +
sigma^2 = 1 (Kingma et al. 2107.00630). A time t is an integer step 0..T-1 where the schedule is
discrete and a float in [0, 1] where it is continuous: only `Schedule` knows which, and noise grows
with t in both. Randomness is one key an example: no example depends on the other examples of its
batch.
"""
from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig import rng
from jaxsig.errors import UserError
from jaxsig.nn.spectral_loss import (  # noqa: F401  read from here by the tasks
    SPECTRAL_WEIGHTS,
    spectral_loss_as_coded,
    spectral_loss_banded,
)

KINDS = ("eps", "v", "x0")
SAMPLERS = ("ddpm", "ddim", "dpmpp2m", "ddim_as_coded")   # explained at `sample`
EMBEDDED_STEPS = 50        # of RespDiff, whose scale 0..49 a step embedding reads
GOLDEN_RATIO = 0.6180339887

Pair = tuple[jax.Array, jax.Array]
Denoiser = Callable[[jax.Array, jax.Array], jax.Array]   # (y_b_t, t_b) -> prediction_b_t


def _check(what: str, name: str, known: Iterable[str]) -> None:
  """Raises UserError for a name that is not known."""
  if name not in known:
    raise UserError(f"unknown {what} {name!r}: choose one of {', '.join(known)}")


class Schedule(NamedTuple):
  """A noise process by its log-SNR; `steps` is T of a discrete schedule, 0 of a continuous one."""
  # times of any shape -> log(alpha^2 / sigma^2), falling with time
  log_snr: Callable[[jax.Array], jax.Array]
  steps: int

  def alpha(self, t: jax.Array) -> jax.Array:
    """The factor of the signal at times t, of any shape."""
    return jnp.sqrt(jax.nn.sigmoid(self.log_snr(t)))

  def sigma(self, t: jax.Array) -> jax.Array:
    """The standard deviation of the noise at times t, of any shape."""
    return jnp.sqrt(jax.nn.sigmoid(-self.log_snr(t)))

  def step(self, t: jax.Array) -> jax.Array:
    """What a step embedding reads: a discrete step, or a continuous time stretched over 0..49."""
    if self.steps:
      return t
    return (EMBEDDED_STEPS - 1.0) * t

  def times(self, n: int, even_in: str = "t") -> jax.Array:
    """The n times at which a sampler calls the network, noisiest first.

    After the last one the signal is clean.
    Discrete: linspace(T-1, 0, n) cut to integers, as RespDiff's code does (n = 6 of 50: 49, 39, 29,
      19, 9, 0).
    Continuous: from 1, even in "t" or in "log_snr", without the other end, where nothing is left to
      denoise.

    Raises:
      UserError: n < 1 or n > T.
    """
    if n < 1 or (self.steps and n > self.steps):
      most = self.steps or "as many as you like"
      raise UserError(f"cannot sample in {n} steps: choose 1 to {most}")

    if self.steps:
      step_n = np.linspace(self.steps - 1, 0, n)
      return jnp.asarray(step_n.astype(np.int32))
    if even_in == "t":
      return jnp.linspace(1, 0, n + 1)[:-1]

    falling_t = jnp.linspace(1, 0, 4097)
    log_snr_t = self.log_snr(falling_t)
    log_snr_n = jnp.linspace(log_snr_t[0], log_snr_t[-1], n + 1)[:-1]
    return jnp.interp(log_snr_n, log_snr_t, falling_t)


def _discrete(log_snr_t: np.ndarray) -> Schedule:
  """The discrete schedule of these values."""
  table = np.asarray(log_snr_t, np.float32)

  def log_snr(t: jax.Array) -> jax.Array:
    return jnp.asarray(table)[t]

  return Schedule(log_snr, len(table))


def linear_schedule(
    steps: int = 50,
    beta_first: float = 1e-4,
    beta_last: float = 0.5,
) -> Schedule:
  """A discrete schedule with beta linear in the step (Ho et al. 2006.11239, section 4).

  The defaults are RespDiff's.
  """
  beta_t = np.linspace(beta_first, beta_last, steps)
  log_alpha_squared_t = np.cumsum(np.log1p(-beta_t))
  log_sigma_squared_t = np.log(-np.expm1(log_alpha_squared_t))
  return _discrete(log_alpha_squared_t - log_sigma_squared_t)


def cosine_schedule(
    steps: int = 0,
    shift: float = 0.0,
    log_snr_min: float = -15.0,
    log_snr_max: float = 10.0,
) -> Schedule:
  """The cosine schedule, log-SNR = -2 log tan(pi t / 2) + shift (Nichol and Dhariwal 2102.09672).

  The angle is cut so that the log-SNR starts at log_snr_max and ends at log_snr_min.

  Args:
    steps: 0 is continuous; T > 0 puts step i at t = i / (T - 1).
    shift: that of Hoogeboom et al. 2301.11093, section 2.1: below 0 for smooth signals, which
      survive more noise.
    log_snr_min: at the end.
    log_snr_max: at the start.
  """
  low = np.arctan(np.exp((shift - log_snr_max) / 2))
  high = np.arctan(np.exp((log_snr_min - shift) / 2))
  span = np.pi / 2 - low - high

  def log_snr(t: jax.Array) -> jax.Array:
    # Sines of the angle and of its complement: exact in float32 at both ends.
    log_cosine = jnp.log(jnp.sin(high + (1 - t) * span))
    log_sine = jnp.log(jnp.sin(low + t * span))
    return 2 * (log_cosine - log_sine) + shift

  if not steps:
    return Schedule(log_snr, 0)

  t = np.linspace(0, 1, steps)   # in float64
  log_cosine_t = np.log(np.sin(high + (1 - t) * span))
  log_sine_t = np.log(np.sin(low + t * span))
  return _discrete(2 * (log_cosine_t - log_sine_t) + shift)


def make_schedule(name: str, **options: float) -> Schedule:
  """Makes "linear" or "cosine", with the options of `linear_schedule` or `cosine_schedule`.

  Raises:
    UserError: another name.
  """
  known = {"linear": linear_schedule, "cosine": cosine_schedule}
  _check("schedule", name, known)
  return known[name](**options)


def row_noise(keys_b: jax.Array, shape_t: tuple[int, ...]) -> jax.Array:
  """Standard normal noise [b, *shape_t], one key an example."""
  def draw(key: jax.Array) -> jax.Array:
    return jax.random.normal(key, shape_t)

  return jax.vmap(draw)(keys_b)


def sample_times(
    schedule: Schedule,
    key: jax.Array,
    b: int,
    stratified: bool = False,
) -> jax.Array:
  """Uniform training times [b]: integers in 0..T-1, or floats in [0, 1).

  Either way an example's time depends on the key and its place in the batch alone.

  Args:
    schedule: discrete or continuous.
    key: of the step.
    b: examples in the batch.
    stratified: spreads the times over the batch in golden-ratio steps from one uniform start (the
      low-discrepancy times of 2107.00630, appendix I.1, for any b).
  """
  if stratified:
    start = jax.random.uniform(key)
    uniform_b = (start + jnp.arange(b) * GOLDEN_RATIO) % 1.0
  else:
    uniform_b = jax.vmap(jax.random.uniform)(rng.rows(key, b))

  if not schedule.steps:
    return uniform_b
  return jnp.floor(uniform_b * schedule.steps).astype(jnp.int32)


def _alpha_sigma(
    schedule: Schedule, t_b: jax.Array, like: jax.Array
) -> Pair:
  """alpha and sigma at times t [b], in a shape that multiplies `like` [b, ...]."""
  over_time = (-1,) + (1,) * (like.ndim - 1)
  alpha = schedule.alpha(t_b).reshape(over_time)
  sigma = schedule.sigma(t_b).reshape(over_time)
  return alpha, sigma


def noised(
    schedule: Schedule,
    x0_b_t: jax.Array,
    eps_b_t: jax.Array,
    t_b: jax.Array,
) -> jax.Array:
  """The forward process in one jump: y = alpha x0 + sigma eps (Ho et al. 2006.11239, eq. 4)."""
  alpha, sigma = _alpha_sigma(schedule, t_b, x0_b_t)
  return alpha * x0_b_t + sigma * eps_b_t


def target_of(
    kind: str,
    schedule: Schedule,
    x0_b_t: jax.Array,
    eps_b_t: jax.Array,
    t_b: jax.Array,
) -> jax.Array:
  """What the network learns: eps, x0 or v = alpha eps - sigma x0.

  v is of Salimans and Ho 2202.00512, appendix D.
  """
  _check("target", kind, KINDS)
  if kind == "eps":
    return eps_b_t
  if kind == "x0":
    return x0_b_t

  alpha, sigma = _alpha_sigma(schedule, t_b, x0_b_t)
  return alpha * eps_b_t - sigma * x0_b_t


def predicted_x0_eps(
    kind: str,
    prediction_b_t: jax.Array,
    y_b_t: jax.Array,
    t_b: jax.Array,
    schedule: Schedule,
) -> Pair:
  """(x0_b_t, eps_b_t) that a prediction of `kind` at y_b_t stands for.

  The inverse of `target_of`, given y.
  """
  _check("target", kind, KINDS)
  alpha, sigma = _alpha_sigma(schedule, t_b, y_b_t)

  if kind == "eps":
    eps_b_t = prediction_b_t
    x0_b_t = (y_b_t - sigma * eps_b_t) / alpha
  elif kind == "x0":
    x0_b_t = prediction_b_t
    eps_b_t = (y_b_t - alpha * x0_b_t) / sigma
  else:
    x0_b_t = alpha * y_b_t - sigma * prediction_b_t
    eps_b_t = sigma * y_b_t + alpha * prediction_b_t
  return x0_b_t, eps_b_t


def check(schedule: Schedule, sampler: str, steps: int, kind: str) -> None:
  """Checks the settings of `sample` before anything is trained.

  Raises:
    UserError: a sampler, target or number of steps that `sample` would refuse.
  """
  _check("sampler", sampler, SAMPLERS)
  _check("target", kind, KINDS)
  schedule.times(steps)


class SamplerSteps(NamedTuple):
  """Coefficients [n] of the steps of a sampler, from y at one time to y at the next.

  y_next = alpha x0 + eps_scale eps + noise_scale noise + slope (x0 - the last x0).
  """
  alpha: jax.Array
  eps_scale: jax.Array
  noise_scale: jax.Array
  slope: jax.Array


def _sampler_steps(sampler: str, log_snr_n: jax.Array) -> SamplerSteps:
  """The steps of a sampler that calls the network at times of this log-SNR [n].

  "dpmpp2m" carries no slope further than it was measured: the last integer steps grow so fast in
  log-SNR that the textbook's factor overshoots there, by more than ddim's error. The order stays.
  """
  next_log_snr_n = jnp.append(log_snr_n[1:], jnp.inf)
  alpha_n = jnp.sqrt(jax.nn.sigmoid(next_log_snr_n))
  sigma_n = jnp.sqrt(jax.nn.sigmoid(-next_log_snr_n))
  gain_n = next_log_snr_n - log_snr_n
  ddim = SamplerSteps(alpha_n, sigma_n, noise_scale=0 * sigma_n, slope=0 * sigma_n)

  if sampler == "ddpm":
    return ddim._replace(
        eps_scale=sigma_n * jnp.exp(-gain_n / 2),
        noise_scale=sigma_n * jnp.sqrt(-jnp.expm1(-gain_n)),
    )

  if sampler == "dpmpp2m":
    # First order where no step went before, and in the infinite step to the clean signal.
    ratio_n = jnp.minimum(gain_n[1:] / gain_n[:-1], 1.0)
    ratio_n = jnp.append(0.0, ratio_n).at[-1].set(0.0)
    return ddim._replace(slope=-alpha_n * jnp.expm1(-gain_n / 2) * ratio_n / 2)

  return ddim


def sample(
    denoise: Denoiser,
    schedule: Schedule,
    keys_b: jax.Array,
    shape_t: tuple[int, ...],
    *,
    sampler: str = "ddpm",
    steps: int = 50,
    kind: str = "eps",
    clip: tuple[float, float] | None = None,
) -> jax.Array:
  """Draws x0 [b, *shape_t] with `steps` calls of the network; all samplers start from equal noise.

  - "ddpm": ancestral with the posterior variance, over skipped steps too (Ho et al. 2006.11239,
    eqs. 6-7; the eta = 1 of Song et al. 2010.02502, eq. 16).
  - "ddim": deterministic, eta = 0 (2010.02502, eq. 12).
  - "dpmpp2m": deterministic, second order in half the log-SNR (DPM-Solver++(2M), Lu et al.
    2211.01095, algorithm 2), at times even in it where they may be. See `_sampler_steps`.
  - "ddim_as_coded": RespDiff's code: ddim in which every x0, the last too, is rescaled to [0, 1] by
    the extremes of the *whole batch*, the one sampler whose examples depend on each other.

  Args:
    denoise: (y_b_t, t_b) -> prediction_b_t of `kind`, which is one of KINDS.
    schedule: the noise process.
    keys_b: one key an example.
    shape_t: shape of an example.
    sampler: one of SAMPLERS.
    steps: calls of `denoise`.
    clip: (low, high) bounds every x0, and eps follows it.

  Raises:
    UserError: an unknown sampler or target, or too many steps.
  """
  _check("sampler", sampler, SAMPLERS)
  even_in = "log_snr" if sampler == "dpmpp2m" else "t"
  times_n = schedule.times(steps, even_in)
  coefficients_n = _sampler_steps(sampler, schedule.log_snr(times_n))
  draw_n = 1 + jnp.arange(steps)   # draw 0 is the start

  def noise(draw: jax.Array | int) -> jax.Array:
    keys_of_draw_b = jax.vmap(rng.at_step, (0, None))(keys_b, draw)
    return row_noise(keys_of_draw_b, shape_t)

  def step(carry: Pair, now: tuple[SamplerSteps, jax.Array, jax.Array]) -> tuple[Pair, None]:
    y, last_x0 = carry
    coefficients, t, draw = now
    t_b = jnp.full(len(keys_b), t)
    x0, eps = predicted_x0_eps(kind, denoise(y, t_b), y, t_b, schedule)
    x0, eps = _bounded(x0, eps, y, t_b, schedule, sampler, clip)

    y = coefficients.alpha * x0 + coefficients.eps_scale * eps
    y += coefficients.slope * (x0 - last_x0)
    if sampler == "ddpm":
      y += coefficients.noise_scale * noise(draw)
    return (y, x0), None

  start = noise(0)
  carry = (start, jnp.zeros_like(start))
  (y, _), _ = jax.lax.scan(step, carry, (coefficients_n, times_n, draw_n))
  return y


def _bounded(
    x0: jax.Array,
    eps: jax.Array,
    y: jax.Array,
    t_b: jax.Array,
    schedule: Schedule,
    sampler: str,
    clip: tuple[float, float] | None,
) -> Pair:
  """(x0, eps) with x0 clipped, and rescaled for "ddim_as_coded", which leaves eps as it was."""
  if clip is not None:
    low, high = clip
    x0, eps = predicted_x0_eps("x0", jnp.clip(x0, low, high), y, t_b, schedule)
  if sampler == "ddim_as_coded":
    x0 = (x0 - x0.min()) / (x0.max() - x0.min())
  return x0, eps
