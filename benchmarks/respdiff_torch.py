"""The published RespDiff network, 36,875,649 parameters, here against the same network in PyTorch:
training and sampling.

  python -m benchmarks.respdiff_torch              ten to twenty minutes on two cores
  python -m benchmarks.respdiff_torch --small      the same at a small width, under a minute
  taskset -c 0 python -m benchmarks.respdiff_torch --threads=1      one core for both

Weights are copied across; the outputs and the loss after a step of training must agree to 1e-4, or
nothing is timed. A training step is noising, the error of the noise, all gradients and Adam.
Sampling is DDIM in six steps, as coded, for eight minutes of PPG in 96 segments: PyTorch calls the
whole network at every step, as the published code does; we make the PPG's features once. Fifty
steps are extrapolated from six. PyTorch is pinned to the threads that its row says; JAX takes the
cores that it is given. Both start from the same weights and inputs, take turns in one process, and
the median over rounds counts. Runs on CPU only.
"""
import argparse
import os
from collections.abc import Callable, Mapping

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from benchmarks import torch_respdiff_network as torch_network
from benchmarks.timing import Taken, header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.nn import diffusion
from jaxsig.system import Params
from jaxsig.systems.respiration.network import PUBLISHED, RespDiff

SMALL = PUBLISHED | {"hidden": 128, "layers": 2, "head": (128, 32, 64)}
PROCESS = diffusion.linear_schedule()
RATE = 1e-4          # of learning
STEPS = 6            # of sampling
SEGMENTS = 96        # of 5 s: eight minutes
SAMPLES = 150        # of a segment
TOLERANCE = 1e-4


def batch(b: int) -> dict[str, np.ndarray]:
  """Random segments, steps and noise."""
  random = np.random.default_rng(0)

  def waves():
    return random.normal(size=(b, SAMPLES)).astype(np.float32)

  return {
      "ppg": waves(),
      "x0": waves(),
      "eps": waves(),
      "t": random.integers(0, 50, b),
  }


def our_training(
    network: RespDiff,
    params: Params,
    data: Mapping[str, np.ndarray],
) -> Callable[[], float]:
  """() -> the loss before a step; every call trains a step further."""
  optimiser = optax.adam(RATE)

  def loss_of(params, data):
    y = diffusion.noised(PROCESS, data["x0"], data["eps"], data["t"])
    prediction = network.apply(params, data["ppg"][..., None], y, data["t"])
    return jnp.mean((prediction - data["eps"]) ** 2)

  def step(state, data):
    params, optimiser_state = state
    loss, gradient = jax.value_and_grad(loss_of)(params, data)
    updates, optimiser_state = optimiser.update(gradient, optimiser_state, params)
    params = optax.apply_updates(params, updates)
    return (params, optimiser_state), loss

  compiled_step = jax.jit(step, donate_argnums=0)
  state = jax.tree.map(jnp.array, (params, optimiser.init(params)))

  def run() -> float:
    nonlocal state
    state, loss = compiled_step(state, data)
    return float(loss)

  return run


def our_sampling(network: RespDiff, params: Params, ppg: np.ndarray) -> Callable[[], jax.Array]:
  """() -> one sample a segment; the PPG's features are made once."""
  @jax.jit
  def program(params, ppg, keys):
    condition = network.apply(params, ppg[..., None], method="encode")

    def denoise(y, t_b):
      return network.apply(params, condition, y, PROCESS.step(t_b), method="denoise")

    return diffusion.sample(
        denoise,
        PROCESS,
        keys,
        ppg.shape[1:],
        sampler="ddim_as_coded",
        steps=STEPS,
    )

  keys = jax.random.split(jax.random.key(0), len(ppg))

  def run() -> jax.Array:
    return jax.block_until_ready(program(params, ppg, keys))

  return run


def must_agree(what: str, ours: np.ndarray, theirs: np.ndarray) -> None:
  """Prints the difference of two results, and ends the program where it is too large."""
  difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
  print(f"{what}: differ by {difference:.1e} of the largest", flush=True)
  if not difference < TOLERANCE:
    raise SystemExit(f"{what} are not equal to {TOLERANCE}: nothing is timed")


def parsed() -> argparse.Namespace:
  """The flags of the command line."""
  def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]

  parser = argparse.ArgumentParser()
  parser.add_argument("--small", action="store_true")
  parser.add_argument("--batch", type=int, default=128)
  parser.add_argument("--rounds", type=int, default=3)
  parser.add_argument("--threads", type=numbers, default=[])
  flags = parser.parse_args()
  if not flags.threads:
    flags.threads = [1] if flags.small else [1, 2]
  return flags


def training_candidates(
    network: RespDiff,
    params: Params,
    data: Mapping[str, np.ndarray],
    threads: list[int],
) -> dict[str, Callable[[], float]]:
  """Training steps here and in PyTorch; ends the program where their losses differ."""
  candidates = {"jaxsig": our_training(network, params, data)}
  alpha_b = np.asarray(PROCESS.alpha(data["t"]))
  sigma_b = np.asarray(PROCESS.sigma(data["t"]))
  for n in threads:
    twin = torch_network.twin(network, params)
    run = torch_network.training(twin, data, alpha_b, sigma_b, RATE, n)
    candidates[f"PyTorch, threads {n}"] = run

  for when in ("before", "after"):
    ours, *others = [np.array(run()) for run in candidates.values()]
    for loss in others:
      must_agree(f"losses {when} a step ({loss:.4f})", ours, loss)
  return candidates


def sampling_candidates(
    network: RespDiff,
    params: Params,
    threads: list[int],
) -> dict[str, Callable[[], object]]:
  """Samples of all segments here and in PyTorch."""
  ppg = batch(SEGMENTS)["ppg"]
  times = np.asarray(PROCESS.times(STEPS))
  alpha = np.asarray(PROCESS.alpha(times))
  sigma = np.asarray(PROCESS.sigma(times))

  candidates = {"jaxsig": our_sampling(network, params, ppg)}
  twin = torch_network.twin(network, params)
  for n in threads:
    run = torch_network.sampling(twin, ppg, times, alpha, sigma, n)
    candidates[f"PyTorch, threads {n}"] = run
  return candidates


def check_outputs(
    network: RespDiff,
    params: Params,
    inputs: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
  """Ends the program where the two networks give other outputs on (ppg, y, t)."""
  ppg, y, t = inputs
  ours = np.asarray(network.apply(params, ppg[..., None], y, t))
  twin = torch_network.twin(network, params)
  with torch.no_grad():
    theirs = twin(*map(torch.tensor, inputs)).numpy()
  must_agree("outputs", ours, theirs)


def main() -> None:
  """Prints seconds, processor seconds and ratios of both."""
  flags = parsed()
  mesh.start()
  if flags.small:
    network = RespDiff(**SMALL)
    data = batch(16)
  else:
    network = RespDiff(**PUBLISHED)
    data = batch(flags.batch)

  ppg, y, t = data["ppg"][:4], data["x0"][:4], data["t"][:4]
  params = jax.jit(network.init)(jax.random.key(0), ppg[..., None], y, t)
  check_outputs(network, params, (ppg, y, t))
  training = training_candidates(network, params, data, flags.threads)
  sampling = sampling_candidates(network, params, flags.threads)

  count = sum(leaf.size for leaf in jax.tree.leaves(params))
  cores = len(os.sched_getaffinity(0))
  print(f"\n{count:,} parameters, {cores} cores")
  taken = interleaved(training, flags.rounds, warm_up=False)
  show(f"training step, batch {len(data['t'])}", taken)

  minutes = SEGMENTS * 5 / 60
  taken = interleaved(sampling, flags.rounds)
  show(f"{minutes:g} minutes in {STEPS} steps", taken, 50 / STEPS)


def show(what: str, taken: Mapping[str, Taken], more_steps: float = 0) -> None:
  """Prints a table of what was timed; `more_steps` > 0 adds the extrapolated time of so many times
  more."""
  columns = ["median s", "least s", "processor s", "x jaxsig", "x jaxsig, processor"]
  if more_steps:
    columns.append("50 steps, extrapolated s")
  header(what, *columns)

  ours = taken["jaxsig"]
  for name, spent in taken.items():
    cells = [
        spent.wall_s,
        spent.least_s,
        spent.processor_s,
        spent.wall_s / ours.wall_s,
        spent.processor_s / ours.processor_s,
    ]
    if more_steps:
      cells.append(more_steps * spent.wall_s)
    row(name, *cells)


if __name__ == "__main__":
  main()
