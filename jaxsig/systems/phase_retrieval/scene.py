"""Objects as they lie in their frames, and what is measured of them."""
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.config import require_known
from jaxsig.data.records import Record, window_names
from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import far_field


class Moves(NamedTuple):
  """What is done to an object before it is measured, at random."""
  shift: bool
  flip: bool


SYMMETRIES = {
    "none": Moves(shift=False, flip=False),
    "flip": Moves(shift=False, flip=True),
    "shift": Moves(shift=True, flip=False),
    "shift_flip": Moves(shift=True, flip=True),
}


class Measurement(NamedTuple):
  """Intensities and the random keys that their noise was drawn by."""
  intensity_b_v_u: jax.Array
  keys_b: jax.Array


class Scene(NamedTuple):
  """Objects in frames of n x n pixels, whose intensities are measured on a grid of m x m.

  Fields:
    photons: expected in an image, inf for no noise; of two numbers, each image has its own between
      them, uniform in the logarithm.
  """
  n: int
  m: int
  moves: Moves
  photons: float | tuple[float, float]
  complex_objects: bool

  @property
  def real(self) -> bool:
    """Whether objects are real, and then not negative."""
    return not self.complex_objects

  def objects(self, image_b_y_x: jax.Array, phase_b_y_x: jax.Array | None = None) -> jax.Array:
    """Objects [b, n, n] in the middle of the frame, real in [0, 1] or complex.

    Args:
      image_b_y_x: uint8, 255 for 1.
      phase_b_y_x: in radians, of complex objects.

    Raises:
      UserError: images are larger than the frame.
    """
    x = jnp.asarray(image_b_y_x, jnp.float32) / 255
    if self.complex_objects:
      x = x * jnp.exp(1j * jnp.asarray(phase_b_y_x, jnp.float32))

    height, width = x.shape[1:]
    if max(height, width) > self.n:
      raise UserError(
          f"objects of {max(height, width)} pixels do not fit a frame of data.n={self.n}: "
          "enlarge it, or data.shrink")
    return _in_middle(x, self.n - height, self.n - width)

  def moved(self, x_b_y_x: jax.Array, id_b: jax.Array) -> jax.Array:
    """Each object shifted and flipped, where `moves` has it, by a key of its own number."""
    keys_b = jax.vmap(jax.random.fold_in, (None, 0))(rng.root(0, "scene"), id_b)
    if self.moves.flip:
      flipped_b = jax.vmap(_coin)(keys_b)
      x_b_y_x = jnp.where(flipped_b[:, None, None], far_field.flip(x_b_y_x), x_b_y_x)
    if self.moves.shift:
      x_b_y_x = jax.vmap(far_field.random_shift)(keys_b, x_b_y_x)
    return x_b_y_x

  def measured(self, x_b_y_x: jax.Array, keys_b: jax.Array) -> jax.Array:
    """Intensities [b, m, m], with the Poisson noise of so many photons."""
    intensity = far_field.intensity(x_b_y_x, self.m)
    fewest, most = np.broadcast_to(self.photons, 2)
    if np.isinf(fewest):
      return intensity

    def photons_of(key: jax.Array) -> jax.Array:
      own_key = rng.stream(key, "photons")
      return jax.random.uniform(own_key, minval=np.log(fewest), maxval=np.log(most))

    photons_b = jnp.full(len(keys_b), fewest)
    if fewest < most:
      photons_b = jnp.exp(jax.vmap(photons_of)(keys_b))
    return jax.vmap(far_field.with_poisson)(keys_b, intensity, photons_b)

  def objects_of(self, record: Record) -> jax.Array:
    """The objects [t, n, n] of a record, as they lie in the data set."""
    signals = record.signals
    return self.objects(signals["image_t_y_x"], signals.get("phase_t_y_x"))

  def measured_of(self, record: Record, index_b: np.ndarray, seed: int) -> Measurement:
    """The measurement of some objects of a record, with the noise that the network is shown.

    Args:
      record: of the data set.
      index_b: which of its objects.
      seed: `config.read.seed`.
    """
    key = rng.root(seed, "predict")
    keys_b = rng.of_windows(key, jnp.asarray(window_names(record.id, index_b)))
    x_b_y_x = self.objects_of(record)[index_b]
    return Measurement(self.measured(x_b_y_x, keys_b), keys_b)


def scene_of(config: ConfigDict) -> Scene:
  """The scene of `config.data` (n, m, symmetries, photons, complex_objects).

  Raises:
    UserError: unknown symmetries, or no number of photons.
  """
  symmetries = config.data.symmetries
  require_known("data.symmetries", symmetries, SYMMETRIES)
  return Scene(
      n=config.data.n,
      m=config.data.m,
      moves=SYMMETRIES[symmetries],
      photons=_photons(config.data),
      complex_objects=config.data.complex_objects,
  )


def _photons(config: ConfigDict) -> float | tuple[float, float]:
  photons = config.photons
  if not isinstance(photons, float):
    photons = tuple(photons)
  is_one_or_two = np.shape(photons) in ((), (2,))
  if not is_one_or_two or not 0 < np.min(photons) <= np.max(photons):
    raise UserError(
        f"data.photons={photons} is no number of photons: give one above 0, inf for no noise, or "
        "the least and the most")
  return photons


def _coin(key: jax.Array) -> jax.Array:
  return jax.random.bernoulli(rng.stream(key, "flip"))


def at_corner(x_b_y_x: jax.Array, m: int) -> jax.Array:
  """Frames [b, n, n] at the corner [0, 0] of a grid of m x m."""
  room = m - x_b_y_x.shape[-1]
  return jnp.pad(x_b_y_x, [(0, 0), (0, room), (0, room)])


def in_grid(x_b_y_x: jax.Array, m: int) -> jax.Array:
  """Frames [b, n, n] in the middle of a grid of m x m, where alignment may move them anywhere."""
  room = m - x_b_y_x.shape[-1]
  return _in_middle(x_b_y_x, room, room)


def _in_middle(x_b_y_x: jax.Array, room_y: int, room_x: int) -> jax.Array:
  """Images with so many zeros around them; of an odd number there is one more at the end."""
  rows = (room_y // 2, room_y - room_y // 2)
  columns = (room_x // 2, room_x - room_x // 2)
  return jnp.pad(x_b_y_x, [(0, 0), rows, columns])


def to_middle(image_b_y_x: jax.Array) -> jax.Array:
  """Images rolled so that their energy lies around the middle of the grid.

  Nothing of a compact object wraps around then.
  """
  m = image_b_y_x.shape[-1]
  energy = jnp.abs(image_b_y_x) ** 2
  middle_x = _circular_mean(energy.sum(-2))
  middle_y = _circular_mean(energy.sum(-1))
  return far_field.roll(image_b_y_x, m // 2 - middle_y, m // 2 - middle_x)


def _circular_mean(energy_b_m: jax.Array) -> jax.Array:
  """The pixel [b] around which the energy lies on a circle of m pixels."""
  m = energy_b_m.shape[-1]
  turn_m = jnp.exp(2j * jnp.pi * np.arange(m) / m)
  angle_b = jnp.angle((energy_b_m * turn_m).sum(-1))
  return jnp.round(angle_b / (2 * jnp.pi) * m).astype(int)
