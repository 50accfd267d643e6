"""The published RespDiff network, 36,875,649 parameters, here against the same network in PyTorch: training and sampling.

  python -m benchmarks.respdiff_torch              ten to twenty minutes on two cores
  python -m benchmarks.respdiff_torch --small      the same at a small width, under a minute
  taskset -c 0 python -m benchmarks.respdiff_torch --threads=1      one core for both

Weights are copied across; the outputs and the loss after a step of training must agree to 1e-4, or nothing is timed. A training step is
noising, the error of the noise, all gradients and Adam. Sampling is DDIM in six steps, as coded, for eight minutes of PPG in 96 segments:
PyTorch calls the whole network at every step, as the published code does; we make the PPG's features once. Fifty steps are
extrapolated from six. PyTorch is pinned to the threads that its row says; JAX takes the cores that it is given. Both start from the same
weights and inputs, take turns in one process, and the median over rounds counts. Runs on CPU only.
"""
import argparse
import os
from collections.abc import Callable

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from benchmarks import torch_respdiff_network as theirs
from benchmarks.timing import header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.nn import diffusion
from jaxsig.systems.respiration.network import PUBLISHED, RespDiff

SMALL = PUBLISHED | {"hidden": 128, "layers": 2, "head": (128, 32, 64)}
PROCESS = diffusion.linear_schedule()
RATE, STEPS, SEGMENTS, SAMPLES = 1e-4, 6, 96, 150
TOLERANCE = 1e-4


def batch(b: int) -> dict:
  """Random segments, steps and noise, as NumPy."""
  random = np.random.default_rng(0)
  wave = lambda: random.normal(size=(b, SAMPLES)).astype(np.float32)
  return {"ppg": wave(), "x0": wave(), "eps": wave(), "t": random.integers(0, 50, b)}


def our_training(network: RespDiff, params: dict, data: dict) -> Callable:
  """() -> the loss before a step; every call trains a step further."""
  tx = optax.adam(RATE)

  def loss_of(params, d):
    y = diffusion.noised(PROCESS, d["x0"], d["eps"], d["t"])
    return jnp.mean((network.apply(params, d["ppg"][..., None], y, d["t"]) - d["eps"]) ** 2)

  def step(state, d):
    params, opt = state
    loss, gradient = jax.value_and_grad(loss_of)(params, d)
    updates, opt = tx.update(gradient, opt)
    return (optax.apply_updates(params, updates), opt), loss

  step, held = jax.jit(step, donate_argnums=0), {"state": jax.tree.map(jnp.array, (params, tx.init(params)))}

  def run():
    held["state"], loss = step(held["state"], data)
    return float(loss)
  return run


def our_sampling(network: RespDiff, params: dict, ppg: np.ndarray) -> Callable:
  """() -> one sample a segment; the PPG's features are made once."""
  @jax.jit
  def program(params, ppg, keys):
    condition = network.apply(params, ppg[..., None], method="encode")
    denoise = lambda y, t_b: network.apply(params, condition, y, PROCESS.step(t_b), method="denoise")
    return diffusion.sample(denoise, PROCESS, keys, ppg.shape[1:], sampler="ddim_as_coded", steps=STEPS)

  keys = jax.random.split(jax.random.key(0), len(ppg))
  return lambda: jax.block_until_ready(program(params, ppg, keys))


def same(what: str, ours: np.ndarray, theirs: np.ndarray) -> None:
  """Prints the difference of two results, and stops where it is too large."""
  difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
  print(f"{what}: differ by {difference:.1e} of the largest", flush=True)
  if not difference < TOLERANCE:
    raise SystemExit(f"{what} are not equal to {TOLERANCE}: nothing is timed")


def main() -> None:
  """Prints seconds, processor seconds and ratios of both."""
  parser = argparse.ArgumentParser()
  parser.add_argument("--small", action="store_true")
  parser.add_argument("--batch", type=int, default=128)
  parser.add_argument("--rounds", type=int, default=3)
  parser.add_argument("--threads", type=lambda text: [int(t) for t in text.split(",")], default=[])
  flags = parser.parse_args()
  mesh.start()
  network = RespDiff(**(SMALL if flags.small else PUBLISHED))
  data = batch(16 if flags.small else flags.batch)
  few = data["ppg"][:4], data["x0"][:4], data["t"][:4]
  params = jax.jit(network.init)(jax.random.key(0), few[0][..., None], *few[1:])
  copy = theirs.twin(network, params)
  with torch.no_grad():
    same("outputs", np.asarray(network.apply(params, few[0][..., None], *few[1:])), copy(*map(torch.tensor, few)).numpy())
  threads = flags.threads or ([1] if flags.small else [1, 2])
  training = {"jaxsig": our_training(network, params, data)}
  signal = np.asarray(PROCESS.alpha(data["t"])), np.asarray(PROCESS.sigma(data["t"]))
  training |= {f"PyTorch, threads {n}": theirs.training(theirs.twin(network, params), data, *signal, RATE, n) for n in threads}
  for when in ("before", "after"):
    losses = [np.array(run()) for run in training.values()]
    for loss in losses[1:]:
      same(f"losses {when} a step ({loss:.4f})", losses[0], loss)
  ppg = batch(SEGMENTS)["ppg"]
  times = np.asarray(PROCESS.times(STEPS))
  sampling = {"jaxsig": our_sampling(network, params, ppg)}
  signal = np.asarray(PROCESS.alpha(times)), np.asarray(PROCESS.sigma(times))
  sampling |= {f"PyTorch, threads {n}": theirs.sampling(copy, ppg, times, *signal, n) for n in threads}
  print(f"\n{sum(x.size for x in jax.tree.leaves(params)):,} parameters, {len(os.sched_getaffinity(0))} cores")
  show(f"training step, batch {len(data['t'])}", interleaved(training, flags.rounds, warm_up=False))
  show(f"{SEGMENTS * 5 / 60:g} minutes in {STEPS} steps", interleaved(sampling, flags.rounds), 50 / STEPS)


def show(what: str, taken: dict, more_steps: float = 0) -> None:
  """A table of what was timed; `more_steps` > 0 adds the extrapolated time of so many times more."""
  more = ["50 steps, extrapolated s"] if more_steps else []
  header(what, "median s", "least s", "processor s", "x jaxsig", "x jaxsig, processor", *more)
  ours = taken["jaxsig"]
  for name, t in taken.items():
    more = [more_steps * t.wall_s] if more_steps else []
    row(name, t.wall_s, t.least_s, t.processor_s, t.wall_s / ours.wall_s, t.processor_s / ours.processor_s, *more)


if __name__ == "__main__":
  main()
