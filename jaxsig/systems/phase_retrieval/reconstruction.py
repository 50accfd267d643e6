"""From intensities to images: a trained network's proposal."""
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.system import Params, Stats
from jaxsig.systems.phase_retrieval import canonical, far_field
from jaxsig.systems.phase_retrieval.network import (
    MagnitudeUNet,
    heads,
    image_map,
    magnitude_features,
    unit_phases,
)
from jaxsig.systems.phase_retrieval.running_statistics import standardised
from jaxsig.systems.phase_retrieval.scene import Scene, at_corner, in_grid, to_middle


class Trained(NamedTuple):
  """A network with its parameters, and which equivalent of an object it was told to find."""
  network: MagnitudeUNet
  params: Params
  stats: Stats
  target: str   # of `targets.TARGETS`


def reconstruct(trained: Trained, scene: Scene, intensity_b_v_u: jax.Array) -> jax.Array:
  """Images [b, m, m] with the object in the middle, of intensities [b, m, m].

  Real ones are not negative. A real object's spectrum is Hermitian: the real part of the image is
  that of the mean of each predicted phase and its mirror's conjugate, so bins of which the network
  is unsure count less. Of two heads it is the mean of both. The sign is a real object's global
  phase: a network that is trained by the group loss may find the negative, which is turned here.
  """
  features = standardised(trained.stats, magnitude_features(intensity_b_v_u))
  out = trained.network.apply(trained.params, features)

  images = []
  for head, maps in heads(trained.network.head, out).items():
    images.append(image_of(head, scene, trained.target, maps, intensity_b_v_u))
  image = sum(images) / len(images)

  if scene.real:
    sign = jnp.sign(image.sum((1, 2), keepdims=True))
    image = jnp.maximum(image * sign, 0)
  return to_middle(image)


def image_of(
    head: str,
    scene: Scene,
    target: str,
    maps_b_v_u_c: jax.Array,
    intensity_b_v_u: jax.Array,
) -> jax.Array:
  """Images [b, m, m] of one head's maps, with the frame at the corner."""
  if head == "image":
    frame = image_map(maps_b_v_u_c, intensity_b_v_u, scene.n)
    return at_corner(frame, scene.m)

  omega = unit_phases(maps_b_v_u_c)
  magnitude = jnp.sqrt(intensity_b_v_u)
  if target in ("centred", "canonical"):
    return canonical.image_of(omega, magnitude, scene.real, scene.n)
  middle = 0.0   # of literal phases
  if target == "as_is":
    middle = (scene.n - 1) / 2
  centre_b_2 = jnp.full((len(maps_b_v_u_c), 2), middle)
  return canonical.image_about(omega, magnitude, centre_b_2, scene.real)


def propose_for_own(
    trained: Trained,
    scene: Scene,
    intensity_b_v_u: jax.Array,
    seen_v_u: jax.Array,
) -> jax.Array:
  """Images [b, k, k] of intensities [b, k, k] of any grid, which the network sees on its own.

  Args:
    trained: the network.
    scene: that it was trained on.
    intensity_b_v_u: even sides, zero frequency at [0, 0].
    seen_v_u: [k, k], 0 where nothing is measured.
  """
  k = intensity_b_v_u.shape[-1]
  whole = far_field.filled(intensity_b_v_u, seen_v_u)
  image = reconstruct(trained, scene, far_field.regrid(whole, scene.m))

  size = min(k, scene.m)
  first = (scene.m - size) // 2
  end = first + size
  return in_grid(image[:, first:end, first:end], k)
