"""Training of the phase-retrieval U-Net against the same network in PyTorch, on CPU.

  python -m benchmarks.phase_torch                   about two minutes on two cores
  python -m benchmarks.phase_torch --threads=1,2 --m=96

Weights are copied across; outputs must agree to 1e-4 or nothing is timed. A step is the squared
error to a random target, all gradients and Adam. Both take turns in one process. The table gives
images a second, medians over rounds.
"""
import argparse
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import torch

from benchmarks import torch_phase_network
from benchmarks.against_torch import compare, must_agree, our_training, their_training
from jaxsig.engine import mesh
from jaxsig.system import Params
from jaxsig.systems.phase_retrieval.network import MagnitudeUNet

CHANNELS = (16, 32, 64, 64)
GLOBAL_WIDTH = 512
RATE = 1e-3
NETWORK = MagnitudeUNet(CHANNELS, GLOBAL_WIDTH, "phase")


def main() -> None:
  """Prints images a second of both, and ratios."""
  flags = _flags()
  mesh.start()
  random = np.random.default_rng(0)
  shape = (flags.batch, flags.m, flags.m, 2)
  x = random.normal(size=shape).astype(np.float32)
  y = random.normal(size=shape).astype(np.float32)
  params = _random_params(random, x)

  with torch.no_grad():
    theirs = torch_phase_network.UNet(params, len(CHANNELS))
    our_output = np.asarray(NETWORK.apply(params, x[:2]))
    their_output = theirs(torch.tensor(x[:2])).numpy()
  must_agree(our_output, their_output, params)

  training = {"jaxsig": our_training(_our_loss, params, x, y, RATE, 1)}
  for threads in flags.threads:
    theirs = torch_phase_network.UNet(params, len(CHANNELS))
    run = their_training(_their_loss, theirs, x, y, RATE, 1, threads)
    training[f"PyTorch, threads {threads}"] = run

  title = f"training step, batch {flags.batch}, m = {flags.m}"
  compare(title, training, flags.batch, flags.rounds)


def _flags() -> argparse.Namespace:
  parser = argparse.ArgumentParser()
  parser.add_argument("--m", type=int, default=48)
  parser.add_argument("--batch", type=int, default=32)
  parser.add_argument("--rounds", type=int, default=5)
  parser.add_argument("--threads", type=_whole_numbers, default=[1, 2])
  return parser.parse_args()


def _whole_numbers(text: str) -> list[int]:
  return [int(number) for number in text.split(",")]


def _random_params(random: np.random.Generator, x: np.ndarray) -> Params:
  """Initial parameters plus noise: a layer of zeros would hide errors."""
  params = jax.jit(NETWORK.init)(jax.random.key(0), x[:1])

  def with_noise(p: jax.Array) -> jax.Array:
    noise = random.normal(size=p.shape).astype(np.float32)
    return p + 0.02 * noise

  return jax.tree.map(with_noise, params)


def _our_loss(params: Params, x: jax.Array, y: jax.Array) -> jax.Array:
  output = NETWORK.apply(params, x)
  return jnp.mean((output - y) ** 2)


def _their_loss(network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
  output = network(x)
  return torch.mean((output - y) ** 2)


if __name__ == "__main__":
  main()
