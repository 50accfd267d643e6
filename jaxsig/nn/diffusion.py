"""Diffusion processes, training targets, samplers and spectral losses, for any denoiser(y_b_t, t_b).

Everything is written in the log signal-to-noise ratio, log(alpha^2 / sigma^2), alpha^2 + sigma^2 = 1 (Kingma et al.
2107.00630). A time t is an integer step 0..T-1 where the schedule is discrete and a float in [0, 1] where it is
continuous: only `Schedule` knows which, and noise grows with t in both. Randomness is one key a row: no row depends on
its batch mates.
"""
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig import rng
from jaxsig.errors import UserError

KINDS = ("eps", "v", "x0")
SAMPLERS = ("ddpm", "ddim", "dpmpp2m", "ddim_as_coded")
# The weight of `spectral_loss_as_coded` beside a *mean* squared error. RespDiff's paper: 0.01; its code adds 0.01 of
# it to the squared error summed over a batch of 128 and divided by the length only, which is 128 times that mean.
SPECTRAL_WEIGHTS = {"paper": 0.01, "as_coded": 0.01 / 128}


def _check(what: str, name: str, known: Any) -> None:
  if name not in known:
    raise UserError(f"unknown {what} {name!r}: choose one of {', '.join(known)}")


class Schedule(NamedTuple):
  """A noise process by its log-SNR; `steps` is T of a discrete schedule and 0 of a continuous one."""
  log_snr: Callable  # times of any shape -> log(alpha^2 / sigma^2), falling with time
  steps: int

  def alpha(self, t: jax.Array) -> jax.Array:
    """The factor of the signal at times t, of any shape."""
    return jnp.sqrt(jax.nn.sigmoid(self.log_snr(t)))

  def sigma(self, t: jax.Array) -> jax.Array:
    """The standard deviation of the noise at times t, of any shape."""
    return jnp.sqrt(jax.nn.sigmoid(-self.log_snr(t)))

  def step(self, t: jax.Array) -> jax.Array:
    """What a step embedding reads: the step itself, or a continuous time stretched over RespDiff's 0..49."""
    return t if self.steps else 49.0 * t

  def times(self, n: int, even_in: str = "t") -> jax.Array:
    """The n times at which a sampler calls the network, noisiest first; from the last it goes to the clean signal.

    Discrete: linspace(T-1, 0, n) cut to integers, as RespDiff's code does (n = 6 of 50: 49, 39, 29, 19, 9, 0).
    Continuous: from 1, even in "t" or in "log_snr", without the other end, where nothing is left to denoise. UserError
    for n < 1 or n > T.
    """
    if n < 1 or (self.steps and n > self.steps):
      raise UserError(f"cannot sample in {n} steps: choose 1 to {self.steps or 'as many as you like'}")
    if self.steps:
      return jnp.asarray(np.linspace(self.steps - 1, 0, n).astype(np.int32))
    if even_in == "t":
      return jnp.linspace(1, 0, n + 1)[:-1]
    falling_t = jnp.linspace(1, 0, 4097)
    log_snr = self.log_snr(falling_t)
    return jnp.interp(jnp.linspace(log_snr[0], log_snr[-1], n + 1)[:-1], log_snr, falling_t)


def _discrete(log_snr_t: np.ndarray) -> Schedule:
  table = np.asarray(log_snr_t, np.float32)
  return Schedule(lambda t: jnp.asarray(table)[t], len(table))


def linear_schedule(steps: int = 50, beta_first: float = 1e-4, beta_last: float = 0.5) -> Schedule:
  """Discrete, with beta linear in the step (Ho et al. 2006.11239, section 4); the defaults are RespDiff's."""
  log_abar = np.cumsum(np.log1p(-np.linspace(beta_first, beta_last, steps)))
  return _discrete(log_abar - np.log(-np.expm1(log_abar)))


def cosine_schedule(steps: int = 0, shift: float = 0.0, log_snr_min: float = -15.0,
                    log_snr_max: float = 10.0) -> Schedule:
  """Cosine: log-SNR = -2 log tan(pi t / 2) + shift, with the angle cut so that it ends at log_snr_max and log_snr_min.

  Nichol and Dhariwal 2102.09672; the shift is that of Hoogeboom et al. 2301.11093, section 2.1: below 0 for smooth
  signals, which survive more noise. `steps` = 0 is continuous; T > 0 puts step i at t = i / (T - 1).
  """
  low, high = np.arctan(np.exp((shift - log_snr_max) / 2)), np.arctan(np.exp((log_snr_min - shift) / 2))
  span = np.pi / 2 - low - high

  def log_snr(t, xp=jnp):  # sines of the angle and of its complement: exact in float32 at both ends
    return 2 * (xp.log(xp.sin(high + (1 - t) * span)) - xp.log(xp.sin(low + t * span))) + shift

  return _discrete(log_snr(np.linspace(0, 1, steps), np)) if steps else Schedule(log_snr, 0)


def make_schedule(name: str, **options: Any) -> Schedule:
  """Makes "linear" or "cosine", with the options of `linear_schedule` or `cosine_schedule`; UserError if neither."""
  known = {"linear": linear_schedule, "cosine": cosine_schedule}
  _check("schedule", name, known)
  return known[name](**options)


def row_noise(keys_b: jax.Array, shape_t: tuple) -> jax.Array:
  """Standard normal noise [b, *shape_t], one key a row."""
  return jax.vmap(lambda key: jax.random.normal(key, shape_t))(keys_b)


def sample_times(schedule: Schedule, key: jax.Array, b: int, stratified: bool = False) -> jax.Array:
  """Uniform training times [b]: integers in 0..T-1, or floats in [0, 1).

  `stratified` spreads them over the batch in golden-ratio steps from one uniform start (the low-discrepancy times of
  2107.00630, appendix I.1, for any b). Either way a row's time depends on the key and the row alone.
  """
  if stratified:
    u_b = (jax.random.uniform(key) + jnp.arange(b) * 0.6180339887) % 1.0
  else:
    u_b = jax.vmap(jax.random.uniform)(rng.rows(key, b))
  return jnp.floor(u_b * schedule.steps).astype(jnp.int32) if schedule.steps else u_b


def _alpha_sigma(schedule: Schedule, t_b: jax.Array, like: jax.Array) -> tuple:
  over_time = (-1,) + (1,) * (like.ndim - 1)
  return schedule.alpha(t_b).reshape(over_time), schedule.sigma(t_b).reshape(over_time)


def noised(schedule: Schedule, x0_b_t: jax.Array, eps_b_t: jax.Array, t_b: jax.Array) -> jax.Array:
  """The forward process in one jump: y = alpha x0 + sigma eps (Ho et al. 2006.11239, eq. 4)."""
  alpha, sigma = _alpha_sigma(schedule, t_b, x0_b_t)
  return alpha * x0_b_t + sigma * eps_b_t


def target_of(kind: str, schedule: Schedule, x0_b_t: jax.Array, eps_b_t: jax.Array, t_b: jax.Array) -> jax.Array:
  """What the network learns: eps, x0 or v = alpha eps - sigma x0 (Salimans and Ho 2202.00512, appendix D)."""
  _check("target", kind, KINDS)
  alpha, sigma = _alpha_sigma(schedule, t_b, x0_b_t)
  return {"eps": eps_b_t, "x0": x0_b_t, "v": alpha * eps_b_t - sigma * x0_b_t}[kind]


def predicted_x0_eps(kind: str, prediction_b_t: jax.Array, y_b_t: jax.Array, t_b: jax.Array,
                     schedule: Schedule) -> tuple:
  """(x0_b_t, eps_b_t) that a prediction of `kind` at y_t stands for; the inverse of `target_of` given y_t."""
  _check("target", kind, KINDS)
  alpha, sigma = _alpha_sigma(schedule, t_b, y_b_t)
  if kind == "eps":
    return (y_b_t - sigma * prediction_b_t) / alpha, prediction_b_t
  if kind == "x0":
    return prediction_b_t, (y_b_t - alpha * prediction_b_t) / sigma
  return alpha * y_b_t - sigma * prediction_b_t, sigma * y_b_t + alpha * prediction_b_t


def check(schedule: Schedule, sampler: str, steps: int, kind: str) -> None:
  """UserError for a sampler, target or number of steps that `sample` would refuse, before anything is trained."""
  _check("sampler", sampler, SAMPLERS)
  _check("target", kind, KINDS)
  schedule.times(steps)


def _plan(sampler: str, log_snr_n: jax.Array) -> dict:
  """Coefficients [n] of the steps y_s = alpha x0 + eps_scale eps + noise_scale noise + slope (x0 - the last x0)."""
  next_n = jnp.append(log_snr_n[1:], jnp.inf)
  alpha_n, sigma_n = jnp.sqrt(jax.nn.sigmoid(next_n)), jnp.sqrt(jax.nn.sigmoid(-next_n))
  gain_n = next_n - log_snr_n
  plan = {"alpha": alpha_n, "eps_scale": sigma_n, "noise_scale": 0 * sigma_n, "slope": 0 * sigma_n}
  if sampler == "ddpm":
    plan["eps_scale"] = sigma_n * jnp.exp(-gain_n / 2)
    plan["noise_scale"] = sigma_n * jnp.sqrt(-jnp.expm1(-gain_n))
  if sampler == "dpmpp2m":  # first order where no step went before, and in the infinite step to the clean signal
    ratio_n = jnp.append(0.0, jnp.minimum(gain_n[1:] / gain_n[:-1], 1.0)).at[-1].set(0.0)
    plan["slope"] = -alpha_n * jnp.expm1(-gain_n / 2) * ratio_n / 2
  return plan


def sample(denoise: Callable, schedule: Schedule, keys_b: jax.Array, shape_t: tuple, *, sampler: str = "ddpm",
           steps: int = 50, kind: str = "eps", clip: tuple | None = None) -> jax.Array:
  """Draws x0 [b, *shape_t] with `steps` calls of `denoise(y_b_t, t_b) -> prediction_b_t`, from one key an example.

  - "ddpm": ancestral with the posterior variance, over skipped steps too (Ho et al. 2006.11239, eqs. 6-7; the eta = 1
    of Song et al. 2010.02502, eq. 16).
  - "ddim": deterministic, eta = 0 (2010.02502, eq. 12).
  - "dpmpp2m": deterministic, second order in half the log-SNR (DPM-Solver++(2M), Lu et al. 2211.01095, algorithm 2),
    at times even in it where they may be. No slope is carried further than it was measured: the last integer steps
    grow so fast in log-SNR that the textbook's factor overshoots there, by more than ddim's error. The order stays.
  - "ddim_as_coded": RespDiff's code: ddim in which every x0, the last too, is rescaled to [0, 1] by the extremes of the
    *whole batch*, the one sampler whose rows depend on each other.

  All start from the same noise for the same keys. `clip` = (low, high) bounds every x0, and eps follows it. UserError
  for an unknown sampler or target, or too many steps.
  """
  _check("sampler", sampler, SAMPLERS)
  times_n = schedule.times(steps, "log_snr" if sampler == "dpmpp2m" else "t")
  plan = _plan(sampler, schedule.log_snr(times_n)) | {"t": times_n, "draw": 1 + jnp.arange(steps)}

  def noise(draw):
    return row_noise(jax.vmap(rng.at_step, (0, None))(keys_b, draw), shape_t)

  def step(carry, now):
    y, last_x0 = carry
    t_b = jnp.full(len(keys_b), now["t"])
    x0, eps = predicted_x0_eps(kind, denoise(y, t_b), y, t_b, schedule)
    if clip is not None:
      x0, eps = predicted_x0_eps("x0", jnp.clip(x0, *clip), y, t_b, schedule)
    if sampler == "ddim_as_coded":  # eps stays as it was
      x0 = (x0 - x0.min()) / (x0.max() - x0.min())
    y = now["alpha"] * x0 + now["eps_scale"] * eps + now["slope"] * (x0 - last_x0)
    if sampler == "ddpm":
      y += now["noise_scale"] * noise(now["draw"])
    return (y, x0), None

  start = noise(0)
  return jax.lax.scan(step, (start, jnp.zeros_like(start)), plan)[0][0]


def spectral_loss_as_coded(x0_hat_b_t: jax.Array, x0_b_t: jax.Array) -> jax.Array:
  """RespDiff's spectral loss [b]: (|X_hat| - |X|)^2, mean over all bins of the orthonormal complex FFT; blind to phase.

  Paper and code share this form and differ in its weight: add SPECTRAL_WEIGHTS[...] times its mean over b to the mean
  squared error over b and t.
  """
  magnitude_b_f, true_b_f = (jnp.abs(jnp.fft.fft(x, norm="ortho")) for x in (x0_hat_b_t, x0_b_t))
  return jnp.mean((magnitude_b_f - true_b_f) ** 2, -1)


def spectral_loss_banded(x0_hat_b_t: jax.Array, x0_b_t: jax.Array, alpha_b: jax.Array, rate_hz: float, *,
                         low_hz: float = 0.07, high_hz: float = 1.0, floor: float = 0.1) -> jax.Array:
  """The squared error of the log spectrum in a band [b], times alpha^2: hopeless noise levels do not rule it. Ours.

  Mean over the bins in low_hz..high_hz of (log|X_hat| - log|X|)^2, X the orthonormal FFT under a Hann window. `floor`,
  in units of the signal, is added in power: bins below it hardly count. UserError for an empty band.
  """
  n = x0_b_t.shape[-1]
  bins_hz = np.fft.rfftfreq(n, 1 / rate_hz)
  band = np.flatnonzero((bins_hz >= low_hz) & (bins_hz <= high_hz))
  if not len(band):
    raise UserError(f"no bin of {n / rate_hz:g} s lies in {low_hz:g}-{high_hz:g} Hz: use longer windows, a wider band")
  window_t = np.hanning(n + 1)[:-1].astype(np.float32)
  spectra = (jnp.fft.rfft(x * window_t, norm="ortho")[..., band] for x in (x0_hat_b_t, x0_b_t))
  log_b_f, true_b_f = (0.5 * jnp.log(jnp.abs(spectrum) ** 2 + floor**2) for spectrum in spectra)
  return alpha_b**2 * jnp.mean((log_b_f - true_b_f) ** 2, -1)
