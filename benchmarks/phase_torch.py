"""Training of the phase-retrieval U-Net, here against the same network in PyTorch: images a second on CPU.

  python -m benchmarks.phase_torch                   about two minutes on two cores
  python -m benchmarks.phase_torch --threads=1,2 --m=96

Weights are copied across, outputs must agree to 1e-4 or nothing is timed. A step is the squared error to a random target, all gradients
and Adam. Both take turns in one process; the median over rounds counts.
"""
import argparse
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import torch

from benchmarks import torch_phase_network as theirs
from benchmarks.against_torch import compare, must_agree, our_training, their_training
from jaxsig.engine import mesh
from jaxsig.systems.phase_retrieval.network import MagnitudeUNet

CHANNELS, GLOBAL_WIDTH, RATE = (16, 32, 64, 64), 512, 1e-3


def main() -> None:
  """Prints images a second and ratios of both."""
  parser = argparse.ArgumentParser()
  parser.add_argument("--m", type=int, default=48)
  parser.add_argument("--batch", type=int, default=32)
  parser.add_argument("--rounds", type=int, default=5)
  parser.add_argument("--threads", type=lambda text: [int(t) for t in text.split(",")], default=[1, 2])
  flags = parser.parse_args()
  mesh.start()
  random = np.random.default_rng(0)
  x, y = (random.normal(size=(flags.batch, flags.m, flags.m, 2)).astype(np.float32) for _ in range(2))
  network = MagnitudeUNet(CHANNELS, GLOBAL_WIDTH, "phase")
  params = jax.jit(network.init)(jax.random.key(0), x[:1])
  params = jax.tree.map(lambda p: p + 0.02 * random.normal(size=p.shape).astype(np.float32), params)   # a layer of zeros would hide errors
  with torch.no_grad():
    ours, other = np.asarray(network.apply(params, x[:2])), theirs.UNet(params, len(CHANNELS))(torch.tensor(x[:2])).numpy()
  must_agree(ours, other, params)
  training = {"jaxsig": our_training(lambda p, x, y: jnp.mean((network.apply(p, x) - y) ** 2), params, x, y, RATE, 1)}
  for n in flags.threads:
    loss = lambda network, x, y: torch.mean((network(x) - y) ** 2)
    training[f"PyTorch, threads {n}"] = their_training(loss, theirs.UNet(params, len(CHANNELS)), x, y, RATE, 1, n)
  compare(f"training step, batch {flags.batch}, m = {flags.m}", training, flags.batch, flags.rounds)


if __name__ == "__main__":
  main()
