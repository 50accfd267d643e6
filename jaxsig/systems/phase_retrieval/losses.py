"""Training losses: errors of phases, of images, or of the best equivalent of an image."""
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.systems.phase_retrieval import registration
from jaxsig.systems.phase_retrieval.canonical import image_about
from jaxsig.systems.phase_retrieval.network import heads, image_map, unit_phases
from jaxsig.systems.phase_retrieval.scene import Scene, at_corner
from jaxsig.systems.phase_retrieval.targets import Target

LOSSES = ("circle", "weighted", "image", "group")
OF_PHASES = ("circle", "weighted")


class Truth(NamedTuple):
  """Objects, what is measured of them, and what the network should find."""
  x_b_y_x: jax.Array            # [b, n, n]
  intensity_b_v_u: jax.Array    # [b, m, m]
  target: Target


def error(scene: Scene, head: str, name: str, out_b_v_u_c: jax.Array, truth: Truth) -> jax.Array:
  """The loss [b] that `name` says, of a network's output; of two heads the errors are added.

  Args:
    scene: of the objects.
    head: of the network: "phase", "image" or "both".
    name: "circle" is the mean squared difference of unit phases; "weighted" weighs it with the
      intensity, which is the relative error of the image (Parseval), but for the measurement's
      noise; "image" is the relative squared error of the image; "group" is that of its best
      equivalent. Where `name` is of phases, an image head has the error of the image.
    out_b_v_u_c: the network's output.
    truth: of the batch.
  """
  total_b = 0
  for kind, maps in heads(head, out_b_v_u_c).items():
    if kind == "phase":
      total_b = total_b + _phase_error(scene, name, maps, truth)
    else:
      total_b = total_b + _image_error(scene, name, maps, truth)
  return total_b


def _phase_error(scene: Scene, name: str, maps: jax.Array, truth: Truth) -> jax.Array:
  intensity = truth.intensity_b_v_u
  omega = unit_phases(maps)
  difference = jnp.abs(omega - truth.target.omega_b_v_u) ** 2
  if name == "circle":
    return jnp.mean(difference, (1, 2))
  if name == "weighted":
    return jnp.sum(intensity * difference, (1, 2)) / jnp.sum(intensity, (1, 2))

  image = image_about(omega, jnp.sqrt(intensity), truth.target.centre_b_2, scene.real)
  return _relative_error(scene, name, image, truth)


def _image_error(scene: Scene, name: str, maps: jax.Array, truth: Truth) -> jax.Array:
  frame = image_map(maps, truth.intensity_b_v_u, scene.n)
  return _relative_error(scene, name, at_corner(frame, scene.m), truth)


def _relative_error(scene: Scene, name: str, image_b_y_x: jax.Array, truth: Truth) -> jax.Array:
  """Relative squared error [b] of images [b, m, m] with the frame at the corner."""
  x = truth.x_b_y_x
  if name == "group":
    return registration.strict_error(image_b_y_x, x)
  target = at_corner(truth.target.image_b_y_x, scene.m)
  squared_error = jnp.sum(jnp.abs(image_b_y_x - target) ** 2, (1, 2))
  energy = jnp.sum(jnp.abs(x) ** 2, (1, 2))
  return squared_error / jnp.maximum(energy, 1e-12)
