"""RespDiff's network (Miao et al. 2410.04366, section II, and its code): multi-scale encoders, a bidirectional RNN.

The encoders' defaults are the published ones; `PUBLISHED` completes them to the network of the paper, of 36,875,649
parameters. For a one-pass regressor call the same network with y = 0 and step = 0.
"""
import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig.errors import UserError
from jaxsig.nn.blocks import Norm, ParallelConv, StepEmbedding, conv, linear
from jaxsig.nn.recurrent import BiRNN

# As coded: the arm with the spectral loss embeds the step in the PPG branch only, the arm without it in both.
PUBLISHED = {"hidden": 1024, "layers": 6, "cell": "tanh", "head": (1024, 128, 512), "norm": "batch_as_coded",
             "embed_both": False}


class CoarseEncoder(nn.Module):
  """Parallel stacks of dilated residual convolutions, concatenated: [b, t, c] -> [b, t, len(kernels) * channels].

  Each: a convolution of width 1, then norm(ReLU(convolution) + x) at every dilation.
  """
  channels: int
  kernels: tuple
  dilations: tuple
  norm: str

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    return jnp.concatenate([self._branch(x_b_t_c, i, k) for i, k in enumerate(self.kernels)], -1)

  def _branch(self, x, i, kernel):
    x = conv(self.channels, 1, x.shape[-1], name=f"branch_{i}_in")(x)
    for j, dilation in enumerate(self.dilations):
      out = conv(self.channels, kernel, kernel * self.channels, dilation, name=f"branch_{i}_conv_{j}")(x)
      x = Norm(self.norm, name=f"branch_{i}_norm_{j}")(nn.relu(out) + x)
    return x


class Head(nn.Module):
  """ReLU layers of the given widths and a linear one to a single channel: [b, t, c] -> [b, t]."""
  widths: tuple

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    for i, width in enumerate(self.widths):
      x_b_t_c = nn.relu(linear(width, x_b_t_c.shape[-1], f"layer_{i}")(x_b_t_c))
    return linear(1, x_b_t_c.shape[-1], "out")(x_b_t_c)[..., 0]


class RespDiff(nn.Module):
  """Predicts the noise (or v, or x0) in a respiration waveform y, given the PPG that was recorded with it.

  Features of the PPG, fine + fusion * coarse, and of y, each of `len(kernels) * channels`, go side by side through the
  RNN and the head. p samples of the PPG [b, t, p] belong to each sample of y [b, t] (a fine PPG, a slow respiration; published:
  1): as channels they make the first convolutions strided ones. UserError if the encoders differ in width.
  """
  channels: int = 32
  fine_kernels: tuple = (1, 3, 5, 7, 9, 11)
  coarse_kernels: tuple = (3, 5, 7, 9, 11, 13)
  dilations: tuple = (1, 2, 4)
  hidden: int = 192
  layers: int = 2
  cell: str = "gru"
  head: tuple = (128,)
  norm: str = "group"
  embed_both: bool = True
  layer_norm: bool = False
  residual: bool = False
  scan_form: str = "auto"

  def setup(self) -> None:
    if len(self.fine_kernels) != len(self.coarse_kernels):
      raise UserError("fine and coarse features are added: give fine_kernels and coarse_kernels the same length")
    width = self.channels * len(self.fine_kernels)
    self.fine_ppg = ParallelConv(self.channels, self.fine_kernels)
    self.fine_y = ParallelConv(self.channels, self.fine_kernels)
    self.coarse_ppg = CoarseEncoder(self.channels, self.coarse_kernels, self.dilations, self.norm)
    self.fusion = self.param("fusion", nn.initializers.ones, (width,))
    self.embedding = StepEmbedding(width)
    self.rnn = BiRNN(self.hidden, self.layers, self.cell, self.scan_form, self.layer_norm, self.residual)
    self.decoder = Head(self.head)

  def encode(self, ppg_b_t_p: jax.Array) -> jax.Array:
    """What the PPG [b, t, p] gives, [b, t, c]: the same for every diffusion step, so make it once a run."""
    return self.fine_ppg(ppg_b_t_p) + self.fusion * self.coarse_ppg(ppg_b_t_p)

  def denoise(self, condition_b_t_c: jax.Array, y_b_t: jax.Array, step_b: jax.Array) -> jax.Array:
    """The prediction [b, t] for y [b, t] at diffusion steps [b] on RespDiff's scale of 0..49, integer or fractional."""
    embedded = self.embedding(step_b)[:, None]
    y_b_t_c = self.fine_y(y_b_t[..., None])
    both = [condition_b_t_c + embedded, y_b_t_c + embedded if self.embed_both else y_b_t_c]
    return self.decoder(self.rnn(jnp.concatenate(both, -1)))

  def __call__(self, ppg_b_t_p: jax.Array, y_b_t: jax.Array, step_b: jax.Array) -> jax.Array:
    """`denoise` of `encode`: [b, t, p], [b, t] and [b] -> [b, t]."""
    return self.denoise(self.encode(ppg_b_t_p), y_b_t, step_b)
