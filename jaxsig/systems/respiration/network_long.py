"""A conditional diffusion network for a minute at a time.

It reads the PPG once, with memory, and denoises cheaply. RespDiff's multi-scale encoders (Miao et
al. 2410.04366) read the PPG and a bidirectional GRU remembers the whole window; that happens once a
window. The denoiser, which runs once a step and sample, is a stack of dilated convolutions that the
diffusion step modulates (FiLM, Perez et al. 1709.07871). A rate head reads a posterior of the
breathing rate from the spectra of learnt waveforms on a logarithmic frequency axis: there a change
of rate is a shift, and a convolution treats all rates alike.
"""
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.nn.blocks import ParallelConv, StepEmbedding, conv, linear
from jaxsig.nn.recurrent import BiRNN
from jaxsig.systems.respiration.network import CoarseEncoder
from jaxsig.systems.respiration.rates import RATE_BPM_R

# Bins beyond the grid that the rate head sees.
BELOW = 16   # drift
ABOVE = 33   # harmonics of fast breathing


class SpectralRateHead(nn.Module):
  """Logits [b, r] over RATE_BPM_R from features [b, t, c].

  Log spectra of linear read-outs of the features, then convolutions over rate. Each read-out's
  spectrum is taken under a Hann window and divided by its mean, so that its shape counts and its
  loudness does not.

  Attributes:
    rate_hz: sampling rate of the features.
    waves: read-outs.
    width: channels of the convolutions over rate.
  """
  rate_hz: float
  waves: int = 12
  width: int = 32

  @nn.compact
  def __call__(self, features_b_t_c: jax.Array) -> jax.Array:
    read_out = linear(self.waves, features_b_t_c.shape[-1], "waves")
    x_b_r_c = log_spectra(read_out(features_b_t_c), self.rate_hz)

    kernel = 9
    for i, dilation in enumerate((1, 4, 1)):
      fan_in = kernel * x_b_r_c.shape[-1]
      convolution = conv(self.width, kernel, fan_in, dilation, name=f"conv_{i}")
      out = nn.gelu(convolution(x_b_r_c))
      if i > 0:
        out = out + x_b_r_c
      x_b_r_c = out

    logits_b_r_1 = linear(1, self.width, "out")(x_b_r_c)
    return logits_b_r_1[:, BELOW:-ABOVE, 0]


def log_spectra(x_b_t_k: jax.Array, rate_hz: float) -> jax.Array:
  """Log power of x [b, t, k] at RATE_BPM_R and beyond, over its mean: [b, BELOW + r + ABOVE, k]."""
  n = x_b_t_k.shape[1]
  log_step = np.log(RATE_BPM_R[1] / RATE_BPM_R[0])
  bins = np.arange(-BELOW, len(RATE_BPM_R) + ABOVE)
  frequency_hz_r = RATE_BPM_R[0] / 60 * np.exp(log_step * bins)

  index_t = np.arange(n)
  angle_t_r = 2 * np.pi * index_t[:, None] / rate_hz * frequency_hz_r
  window_t = 0.5 - 0.5 * np.cos(2 * np.pi * index_t / n)
  cosine_t_r = (np.cos(angle_t_r) * window_t[:, None]).astype(np.float32)
  sine_t_r = (np.sin(angle_t_r) * window_t[:, None]).astype(np.float32)

  centred_b_t_k = x_b_t_k - x_b_t_k.mean(1, keepdims=True)
  real_b_r_k = jnp.einsum("btk,tr->brk", centred_b_t_k, cosine_t_r)
  imaginary_b_r_k = jnp.einsum("btk,tr->brk", centred_b_t_k, sine_t_r)
  power = real_b_r_k ** 2 + imaginary_b_r_k ** 2
  mean_power = power.mean(1, keepdims=True)
  return jnp.log(power / (mean_power + 1e-6) + 1e-3)


class RespDiffLong(nn.Module):
  """Predicts v (or the noise, or x0) in a respiration waveform y, and the posterior of its rate.

  Given the PPG [b, t, p]: p samples of it belong to each sample of y [b, t] (30 Hz and 5 Hz: 6).
  For a one-pass regressor call it with y = 0 and step = 0.

  Attributes:
    rate_hz: sampling rate of y.
    channels: of each convolution of the encoders.
    fine_kernels: widths of the fine encoder's convolutions.
    coarse_kernels: widths of the coarse encoder's convolutions.
    dilations: of the coarse encoder.
    hidden: width of each direction of the RNN.
    layers: of the RNN.
    cell: of the RNN, a name of `nn.cells.CELLS`.
    scan_form: how the RNN runs, see `nn.recurrent.resolve`.
    width: channels of the denoiser.
    denoiser_dilations: one layer of the denoiser each.
    waves: read-outs of the rate head.
  """
  rate_hz: float = 5.0
  channels: int = 8
  fine_kernels: tuple[int, ...] = (1, 3, 5, 7, 9, 11)
  coarse_kernels: tuple[int, ...] = (3, 5, 7, 9, 11, 13)
  dilations: tuple[int, ...] = (1, 2, 4)
  hidden: int = 64
  layers: int = 2
  cell: str = "gru"
  scan_form: str = "auto"
  width: int = 48
  denoiser_dilations: tuple[int, ...] = (1, 2, 4, 8, 16)
  waves: int = 12

  def setup(self) -> None:
    self.fine_ppg = ParallelConv(self.channels, self.fine_kernels)
    self.coarse_ppg = CoarseEncoder(
        self.channels,
        self.coarse_kernels,
        self.dilations,
        norm="group",
    )
    self.rnn = BiRNN(self.hidden, self.layers, self.cell, self.scan_form)
    self.rate_head = SpectralRateHead(self.rate_hz, self.waves)
    self.embedding = StepEmbedding(self.width)
    encoded = len(self.fine_kernels) * self.channels + 2 * self.hidden
    self.from_ppg = linear(self.width, encoded)
    self.from_y = conv(self.width, kernel=5, fan_in=5)
    self.film = [linear(2 * self.width, self.width) for _ in self.denoiser_dilations]
    self.convs = [
        conv(self.width, kernel=3, fan_in=3 * self.width, dilation=dilation)
        for dilation in self.denoiser_dilations
    ]
    self.mix = [linear(self.width, self.width) for _ in self.denoiser_dilations]
    self.out = linear(1, self.width)

  def encode(self, ppg_b_t_p: jax.Array) -> jax.Array:
    """Features [b, t, c] of the PPG [b, t, p]: the same for every step, so made once a run."""
    local_b_t_c = self.fine_ppg(ppg_b_t_p) + self.coarse_ppg(ppg_b_t_p)
    return jnp.concatenate([local_b_t_c, self.rnn(local_b_t_c)], -1)

  def rate_logits(self, features_b_t_c: jax.Array) -> jax.Array:
    """Logits [b, r] of the breathing rate over RATE_BPM_R."""
    return self.rate_head(features_b_t_c)

  def denoise(
      self,
      features_b_t_c: jax.Array,
      y_b_t: jax.Array,
      step_b: jax.Array,
  ) -> jax.Array:
    """The prediction [b, t] for y [b, t].

    Args:
      features_b_t_c: of `encode`.
      y_b_t: a noisy waveform.
      step_b: diffusion steps on RespDiff's scale of 0..49.
    """
    embedded_b_c = self.embedding(step_b)
    x_b_t_c = self.from_ppg(features_b_t_c) + self.from_y(y_b_t[..., None])

    for film, dilated_conv, mix in zip(self.film, self.convs, self.mix, strict=True):
      modulation_b_1_c = film(embedded_b_c)[:, None]
      scale, shift = jnp.split(modulation_b_1_c, 2, -1)
      modulated = dilated_conv(x_b_t_c) * (1 + scale) + shift
      x_b_t_c = x_b_t_c + mix(nn.gelu(modulated))
    return self.out(x_b_t_c)[..., 0]

  def __call__(
      self,
      ppg_b_t_p: jax.Array,
      y_b_t: jax.Array,
      step_b: jax.Array,
  ) -> tuple[jax.Array, jax.Array]:
    """(`denoise`, `rate_logits`) of `encode`."""
    features_b_t_c = self.encode(ppg_b_t_p)
    y_hat_b_t = self.denoise(features_b_t_c, y_b_t, step_b)
    return y_hat_b_t, self.rate_logits(features_b_t_c)
