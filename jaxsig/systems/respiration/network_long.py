"""A conditional diffusion network for a minute at a time: it reads the PPG once, with memory, and denoises cheaply.

RespDiff's multi-scale encoders (Miao et al. 2410.04366) read the PPG and a bidirectional GRU remembers the whole window; that
happens once a window. The denoiser, which runs once a step and sample, is a stack of dilated convolutions that the diffusion
step modulates (FiLM, Perez et al. 1709.07871). A rate head reads a posterior of the breathing rate from the spectra of learnt
waveforms on a logarithmic frequency axis: there a change of rate is a shift, and a convolution treats all rates alike.
"""
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.nn.blocks import ParallelConv, StepEmbedding, conv, linear
from jaxsig.nn.recurrent import BiRNN
from jaxsig.systems.respiration.network import CoarseEncoder
from jaxsig.systems.respiration.rates import RATE_BPM_R

BELOW, ABOVE = 16, 33   # bins beyond the grid that the head sees: drift below it, harmonics of fast breathing above


class SpectralRateHead(nn.Module):
  """Logits over RATE_BPM_R [b, r] from features [b, t, c]: log spectra of `waves` linear read-outs, then convolutions over rate.

  `rate_hz` is that of the features' samples. Each read-out's spectrum is taken under a Hann window and divided by its mean:
  loudness says nothing, shape does.
  """
  rate_hz: float
  waves: int = 12
  width: int = 32

  @nn.compact
  def __call__(self, features_b_t_c: jax.Array) -> jax.Array:
    wave_b_t_k = linear(self.waves, features_b_t_c.shape[-1], "waves")(features_b_t_c)
    x_b_r_c = log_spectra(wave_b_t_k, self.rate_hz)
    for i, dilation in enumerate((1, 4, 1)):
      out = nn.gelu(conv(self.width, 9, 9 * x_b_r_c.shape[-1], dilation, name=f"conv_{i}")(x_b_r_c))
      x_b_r_c = out + x_b_r_c if i else out
    return linear(1, self.width, "out")(x_b_r_c)[:, BELOW:-ABOVE, 0]


def log_spectra(x_b_t_k: jax.Array, rate_hz: float) -> jax.Array:
  """Log power of x [b, t, k] at RATE_BPM_R and beyond, over its mean: [b, BELOW + r + ABOVE, k]."""
  n = x_b_t_k.shape[1]
  step = np.log(RATE_BPM_R[1] / RATE_BPM_R[0])
  rates_hz = RATE_BPM_R[0] / 60 * np.exp(step * np.arange(-BELOW, len(RATE_BPM_R) + ABOVE))
  angle_t_r = 2 * np.pi * np.arange(n)[:, None] / rate_hz * rates_hz
  window_t = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
  x_b_t_k = x_b_t_k - x_b_t_k.mean(1, keepdims=True)
  parts = [jnp.einsum("btk,tr->brk", x_b_t_k, (wave(angle_t_r) * window_t[:, None]).astype(np.float32)) for wave in (np.cos, np.sin)]
  power = parts[0] ** 2 + parts[1] ** 2
  return jnp.log(power / (power.mean(1, keepdims=True) + 1e-6) + 1e-3)


class RespDiffLong(nn.Module):
  """Predicts v (or the noise, or x0) in a respiration waveform y [b, t] and the posterior of its rate, given the PPG [b, t, p].

  p samples of the PPG belong to each sample of y (30 Hz and 5 Hz: 6). For a one-pass regressor call it with y = 0 and step = 0.
  """
  rate_hz: float = 5.0
  channels: int = 8
  fine_kernels: tuple = (1, 3, 5, 7, 9, 11)
  coarse_kernels: tuple = (3, 5, 7, 9, 11, 13)
  dilations: tuple = (1, 2, 4)
  hidden: int = 64
  layers: int = 2
  cell: str = "gru"
  scan_form: str = "auto"
  width: int = 48
  denoiser_dilations: tuple = (1, 2, 4, 8, 16)
  waves: int = 12

  def setup(self) -> None:
    self.fine_ppg = ParallelConv(self.channels, self.fine_kernels)
    self.coarse_ppg = CoarseEncoder(self.channels, self.coarse_kernels, self.dilations, "group")
    self.rnn = BiRNN(self.hidden, self.layers, self.cell, self.scan_form)
    self.rate_head = SpectralRateHead(self.rate_hz, self.waves)
    self.embedding = StepEmbedding(self.width)
    encoded = len(self.fine_kernels) * self.channels + 2 * self.hidden
    self.from_ppg = linear(self.width, encoded)
    self.from_y = conv(self.width, 5, 5)
    self.film = [linear(2 * self.width, self.width) for _ in self.denoiser_dilations]
    self.convs = [conv(self.width, 3, 3 * self.width, d) for d in self.denoiser_dilations]
    self.mix = [linear(self.width, self.width) for _ in self.denoiser_dilations]
    self.out = linear(1, self.width)

  def encode(self, ppg_b_t_p: jax.Array) -> jax.Array:
    """Features [b, t, c] of the PPG [b, t, p]: the same for every step and sample, so make them once a run."""
    local = self.fine_ppg(ppg_b_t_p) + self.coarse_ppg(ppg_b_t_p)
    return jnp.concatenate([local, self.rnn(local)], -1)

  def rate_logits(self, features_b_t_c: jax.Array) -> jax.Array:
    """Logits [b, r] of the breathing rate over RATE_BPM_R."""
    return self.rate_head(features_b_t_c)

  def denoise(self, features_b_t_c: jax.Array, y_b_t: jax.Array, step_b: jax.Array) -> jax.Array:
    """The prediction [b, t] for y [b, t] at diffusion steps [b] on RespDiff's scale of 0..49."""
    embedded = self.embedding(step_b)
    x_b_t_c = self.from_ppg(features_b_t_c) + self.from_y(y_b_t[..., None])
    for film, dilated, mix in zip(self.film, self.convs, self.mix, strict=True):
      scale, shift = jnp.split(film(embedded)[:, None], 2, -1)
      x_b_t_c = x_b_t_c + mix(nn.gelu(dilated(x_b_t_c) * (1 + scale) + shift))
    return self.out(x_b_t_c)[..., 0]

  def __call__(self, ppg_b_t_p: jax.Array, y_b_t: jax.Array, step_b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(`denoise`, `rate_logits`) of `encode`."""
    features = self.encode(ppg_b_t_p)
    return self.denoise(features, y_b_t, step_b), self.rate_logits(features)
