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
import optax
import torch

from benchmarks import torch_phase_network as theirs
from benchmarks.timing import header, interleaved, row
from jaxsig import mesh
from jaxsig.models.phase_retrieval import MagnitudeUNet

CHANNELS, GLOBAL_WIDTH, RATE, TOLERANCE = (16, 32, 64, 64), 512, 1e-3, 1e-4


def our_training(network: MagnitudeUNet, params: dict, x: np.ndarray, y: np.ndarray):
  """() -> the loss before a step; every call trains a step further."""
  tx = optax.adam(RATE)

  def step(state, x, y):
    params, opt = state
    loss, gradient = jax.value_and_grad(lambda p: jnp.mean((network.apply(p, x) - y) ** 2))(params)
    updates, opt = tx.update(gradient, opt)
    return (optax.apply_updates(params, updates), opt), loss

  step, held = jax.jit(step, donate_argnums=0), {"state": jax.tree.map(jnp.array, (params, tx.init(params)))}

  def run():
    held["state"], loss = step(held["state"], x, y)
    return float(loss)
  return run


def their_training(network: torch.nn.Module, x: np.ndarray, y: np.ndarray, threads: int):
  """The same in PyTorch, pinned to so many threads."""
  optimiser, x, y = torch.optim.Adam(network.parameters(), RATE), torch.tensor(x), torch.tensor(y)

  def run():
    torch.set_num_threads(threads)
    optimiser.zero_grad()
    loss = torch.mean((network(x) - y) ** 2)
    loss.backward()
    optimiser.step()
    return loss.item()
  return run


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
  difference = float(np.abs(ours - other).max() / np.abs(other).max())
  print(f"outputs differ by {difference:.1e} of the largest; {sum(p.size for p in jax.tree.leaves(params)):,} parameters", flush=True)
  if not difference < TOLERANCE:
    raise SystemExit("the networks are not the same: nothing is timed")
  training = {"jaxsig": our_training(network, params, x, y)}
  for n in flags.threads:
    training[f"PyTorch, threads {n}"] = their_training(theirs.UNet(params, len(CHANNELS)), x, y, n)
  taken = interleaved(training, flags.rounds)
  header(f"training step, batch {flags.batch}, m = {flags.m}", "median s", "images/s", "processor s", "x jaxsig", "x jaxsig, processor")
  for name, t in taken.items():
    row(name, t.wall_s, flags.batch / t.wall_s, t.processor_s, t.wall_s / taken["jaxsig"].wall_s,
        t.processor_s / taken["jaxsig"].processor_s)


if __name__ == "__main__":
  main()
