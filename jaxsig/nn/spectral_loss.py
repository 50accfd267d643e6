"""Losses between the spectra of an estimated and a true waveform."""
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError

# The weight of `spectral_loss_as_coded` beside a *mean* squared error. RespDiff's paper: 0.01.
# RespDiff's code adds 0.01 of it to the squared error summed over a batch of 128 and divided by the
# length only, which is 128 times that mean.
SPECTRAL_WEIGHTS = {"paper": 0.01, "as_coded": 0.01 / 128}
LOW_HZ, HIGH_HZ = 0.07, 1.0   # of the banded loss


def spectral_loss_as_coded(x0_hat_b_t: jax.Array, x0_b_t: jax.Array) -> jax.Array:
  """RespDiff's spectral loss [b]: mean of (|X_hat| - |X|)^2 over all bins.

  X is the orthonormal complex FFT. The loss is blind to phase. Paper and code share this form and
  differ in its weight: add SPECTRAL_WEIGHTS[...] times its mean over b to the mean squared error
  over b and t.
  """
  magnitude_b_f = jnp.abs(jnp.fft.fft(x0_hat_b_t, norm="ortho"))
  true_magnitude_b_f = jnp.abs(jnp.fft.fft(x0_b_t, norm="ortho"))
  error_b_f = (magnitude_b_f - true_magnitude_b_f) ** 2
  return jnp.mean(error_b_f, -1)


def bins_in_band(
    n: int,
    rate_hz: float,
    low_hz: float = LOW_HZ,
    high_hz: float = HIGH_HZ,
) -> np.ndarray:
  """The bins of the spectrum of n samples that lie in a band, both ends included.

  Raises:
    UserError: there is none.
  """
  frequency_hz_f = np.fft.rfftfreq(n, 1 / rate_hz)
  band = np.flatnonzero((frequency_hz_f >= low_hz) & (frequency_hz_f <= high_hz))
  if len(band) == 0:
    raise UserError(
        f"no bin of {n / rate_hz:g} s lies in {low_hz:g}-{high_hz:g} Hz: "
        "use longer windows, a wider band"
    )
  return band


def spectral_loss_banded(
    x0_hat_b_t: jax.Array,
    x0_b_t: jax.Array,
    alpha_b: jax.Array,
    rate_hz: float,
    *,
    low_hz: float = LOW_HZ,
    high_hz: float = HIGH_HZ,
    floor: float = 0.1,
) -> jax.Array:
  """The squared error of the log spectrum in a band [b], times alpha^2. Ours.

  Mean over the bins in low_hz..high_hz of (log|X_hat| - log|X|)^2, X the orthonormal FFT under a
  Hann window. The factor alpha^2 keeps hopeless noise levels from ruling it.

  Args:
    x0_hat_b_t: estimates of the signals.
    x0_b_t: the signals.
    alpha_b: the factor of the signal in what the network saw.
    rate_hz: sampling rate.
    low_hz: lower end of the band, included.
    high_hz: upper end of the band, included.
    floor: in units of the signal, added in power: bins below it hardly count.

  Raises:
    UserError: no bin lies in the band.
  """
  n = x0_b_t.shape[-1]
  band = bins_in_band(n, rate_hz, low_hz, high_hz)
  window_t = np.hanning(n + 1)[:-1].astype(np.float32)

  def log_magnitude(x_b_t: jax.Array) -> jax.Array:
    spectrum_b_f = jnp.fft.rfft(x_b_t * window_t, norm="ortho")[..., band]
    power_b_f = jnp.abs(spectrum_b_f) ** 2 + floor**2
    return 0.5 * jnp.log(power_b_f)

  error_b_f = (log_magnitude(x0_hat_b_t) - log_magnitude(x0_b_t)) ** 2
  return alpha_b**2 * jnp.mean(error_b_f, -1)
