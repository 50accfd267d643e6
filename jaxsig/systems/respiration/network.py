"""RespDiff's network: multi-scale encoders and a bidirectional RNN.

After Miao et al. 2410.04366, section II, and its code. The encoders' defaults are the published
ones; `PUBLISHED` completes them to the network of the paper, of 36,875,649 parameters. For a
one-pass regressor call the same network with y = 0 and step = 0.
"""
import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig.errors import UserError
from jaxsig.nn.blocks import Norm, ParallelConv, StepEmbedding, conv, linear
from jaxsig.nn.recurrent import BiRNN

# As coded: the arm with the spectral loss embeds the step in the PPG branch only, the arm without
# it in both.
PUBLISHED = {
    "hidden": 1024,
    "layers": 6,
    "cell": "tanh",
    "head": (1024, 128, 512),
    "norm": "batch_as_coded",
    "embed_both": False,
}


class CoarseEncoder(nn.Module):
  """Parallel stacks of dilated residual convolutions, concatenated.

  [b, t, c] -> [b, t, len(kernels) * channels]. Each branch: a convolution of width 1, then
  norm(ReLU(convolution) + x) at every dilation.
  """
  channels: int
  kernels: tuple[int, ...]
  dilations: tuple[int, ...]
  norm: str

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    branches = []
    for i, kernel in enumerate(self.kernels):
      branches.append(self._branch(x_b_t_c, i, kernel))
    return jnp.concatenate(branches, -1)

  def _branch(
      self,
      x_b_t_c: jax.Array,
      i: int,
      kernel: int,
  ) -> jax.Array:
    """Branch i, of convolutions of this width: [b, t, channels]."""
    entry = conv(self.channels, 1, x_b_t_c.shape[-1], name=f"branch_{i}_in")
    x_b_t_c = entry(x_b_t_c)

    fan_in = kernel * self.channels
    for j, dilation in enumerate(self.dilations):
      convolution = conv(
          self.channels,
          kernel,
          fan_in,
          dilation,
          name=f"branch_{i}_conv_{j}",
      )
      residual = nn.relu(convolution(x_b_t_c))
      norm = Norm(self.norm, name=f"branch_{i}_norm_{j}")
      x_b_t_c = norm(residual + x_b_t_c)
    return x_b_t_c


class Head(nn.Module):
  """ReLU layers of the given widths and a linear one to a single channel: [b, t, c] -> [b, t]."""
  widths: tuple[int, ...]

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    for i, width in enumerate(self.widths):
      layer = linear(width, x_b_t_c.shape[-1], f"layer_{i}")
      x_b_t_c = nn.relu(layer(x_b_t_c))

    out = linear(1, x_b_t_c.shape[-1], "out")
    return out(x_b_t_c)[..., 0]


class RespDiff(nn.Module):
  """Predicts the noise (or v, or x0) in a respiration waveform y, given the PPG recorded with it.

  Features of the PPG, fine + fusion * coarse, and of y, each of `len(kernels) * channels`, go side
  by side through the RNN and the head. p samples of the PPG [b, t, p] belong to each sample of y
  [b, t] (a fine PPG, a slow respiration; published: 1): as channels they make the first
  convolutions strided ones.

  Attributes:
    channels: of each convolution.
    fine_kernels: widths of the fine encoders' convolutions.
    coarse_kernels: widths of the coarse encoder's convolutions.
    dilations: of the coarse encoder.
    hidden: width of each direction of the RNN.
    layers: of the RNN.
    cell: of the RNN, a name of `nn.cells.CELLS`.
    head: widths of the layers after the RNN.
    norm: of the coarse encoder, a name of `nn.blocks.NORMS`.
    embed_both: adds the embedded step to the features of y too, not to those of the PPG alone.
    layer_norm: norms the input of each layer of the RNN.
    residual: adds a layer's input to its output in the RNN.
    scan_form: how the RNN runs, see `nn.recurrent.resolve`.

  Raises:
    UserError: the encoders differ in width.
  """
  channels: int = 32
  fine_kernels: tuple[int, ...] = (1, 3, 5, 7, 9, 11)
  coarse_kernels: tuple[int, ...] = (3, 5, 7, 9, 11, 13)
  dilations: tuple[int, ...] = (1, 2, 4)
  hidden: int = 192
  layers: int = 2
  cell: str = "gru"
  head: tuple[int, ...] = (128,)
  norm: str = "group"
  embed_both: bool = True
  layer_norm: bool = False
  residual: bool = False
  scan_form: str = "auto"

  def setup(self) -> None:
    if len(self.fine_kernels) != len(self.coarse_kernels):
      raise UserError(
          "fine and coarse features are added: "
          "give fine_kernels and coarse_kernels the same length"
      )
    width = self.channels * len(self.fine_kernels)
    self.fine_ppg = ParallelConv(self.channels, self.fine_kernels)
    self.fine_y = ParallelConv(self.channels, self.fine_kernels)
    self.coarse_ppg = CoarseEncoder(
        self.channels,
        self.coarse_kernels,
        self.dilations,
        self.norm,
    )
    self.fusion = self.param("fusion", nn.initializers.ones, (width,))
    self.embedding = StepEmbedding(width)
    self.rnn = BiRNN(
        self.hidden,
        self.layers,
        self.cell,
        self.scan_form,
        self.layer_norm,
        self.residual,
    )
    self.decoder = Head(self.head)

  def encode(self, ppg_b_t_p: jax.Array) -> jax.Array:
    """Features [b, t, c] of the PPG [b, t, p]: the same for every step, so made once a run."""
    fine = self.fine_ppg(ppg_b_t_p)
    coarse = self.coarse_ppg(ppg_b_t_p)
    return fine + self.fusion * coarse

  def denoise(
      self,
      condition_b_t_c: jax.Array,
      y_b_t: jax.Array,
      step_b: jax.Array,
  ) -> jax.Array:
    """The prediction [b, t] for y [b, t].

    Args:
      condition_b_t_c: of `encode`.
      y_b_t: a noisy waveform.
      step_b: diffusion steps on RespDiff's scale of 0..49, integer or fractional.
    """
    embedded_b_1_c = self.embedding(step_b)[:, None]
    from_y = self.fine_y(y_b_t[..., None])
    from_ppg = condition_b_t_c + embedded_b_1_c
    if self.embed_both:
      from_y = from_y + embedded_b_1_c

    both = jnp.concatenate([from_ppg, from_y], -1)
    return self.decoder(self.rnn(both))

  def __call__(
      self,
      ppg_b_t_p: jax.Array,
      y_b_t: jax.Array,
      step_b: jax.Array,
  ) -> jax.Array:
    """`denoise` of `encode`: [b, t, p], [b, t] and [b] -> [b, t]."""
    condition_b_t_c = self.encode(ppg_b_t_p)
    return self.denoise(condition_b_t_c, y_b_t, step_b)
