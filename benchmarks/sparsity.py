"""Compares what makes a learnt combination of maps sparse: penalties, projections, temperature.

  python -m benchmarks.sparsity [--figure=PATH]          ten seconds on one core

The target is a combination of eight random signals plus noise of variance 0.01. Half the mean
square error is minimised from equal weights by the same Adam in every row, in float64. "L1 of the
notes" is eq. (11) of Bouvrie (Notes on Convolutional Neural Networks, 2006): on the simplex it has
no gradient, so its rows repeat the first. The second table has a target of two signals only. The
figure shows the weights over the iterations.
"""
import argparse
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import matplotlib.axes
import matplotlib.figure
import numpy as np
import optax

from benchmarks.timing import header, row
from jaxsig.engine import mesh
from jaxsig.systems.cnn_notes import simplex

SAMPLES = 1000
NOISE = 0.1
ITERATIONS = 3000
RATE = 0.01
SMALL = 0.01   # below it a connection would be dropped

Weights = tuple[float, ...]
DENSE = (0.34, 0.22, 0.14, 0.10, 0.08, 0.06, 0.04, 0.02)
TWO = (0.65, 0.35, 0, 0, 0, 0, 0, 0)


class Method(NamedTuple):
  """How the weights come about."""
  kind: str = "softmax"
  penalty: str = "none"
  weight: float = 0.0      # of the penalty
  coldest: float = 1.0     # temperature at the end; it falls geometrically from 1


METHODS = {
    "no penalty": Method(),
    "L1 of the notes, 0.05": Method(penalty="l1_notes", weight=0.05),
    "L1 of the notes, 5": Method(penalty="l1_notes", weight=5.0),
    "entropy, 0.05": Method(penalty="entropy", weight=0.05),
    "entropy, 0.15": Method(penalty="entropy", weight=0.15),
    "L_0.5, 0.02": Method(penalty="lp", weight=0.02),
    "L_0.5, 0.05": Method(penalty="lp", weight=0.05),
    "negative square, 0.1": Method(penalty="negative_square", weight=0.1),
    "negative square, 0.3": Method(penalty="negative_square", weight=0.3),
    "sparsemax": Method("sparsemax"),
    "sparsemax, negative square, 0.05": Method("sparsemax", "negative_square", 0.05),
    "entmax-1.5": Method("entmax15"),
    "no simplex, L1, 0.05": Method("non_negative", "l1", 0.05),
    "softmax, temperature 1 to 0.05": Method(coldest=0.05),
}
METHODS_OF_TWO = (
    "no penalty",
    "sparsemax",
    "sparsemax, negative square, 0.05",
    "entmax-1.5",
)

Look = Mapping[str, Any]   # options of matplotlib
PALE = {"linewidth": 7, "alpha": 0.35}
DASHED = {"linestyle": "--", "linewidth": 1.5}
DOTTED = {"linestyle": (0, (1, 6)), "linewidth": 3, "color": "black"}
LEFT = {"no penalty": PALE, "L1 of the notes, 0.05": DASHED, "L1 of the notes, 5": DOTTED}
RIGHT = {"entropy, 0.05": {}}


class Problem(NamedTuple):
  """Signals of variance one, and their noisy combination."""
  x_i_t: np.ndarray
  target_t: np.ndarray


class Course(NamedTuple):
  """What a training has gone through, both before each step of the optimiser."""
  alpha_s_i: np.ndarray   # [iteration, input]
  mse_s: np.ndarray


def make_problem(true_i: Weights) -> Problem:
  """Random signals and their combination with these weights."""
  rng = np.random.default_rng(0)
  x_i_t = rng.standard_normal((len(true_i), SAMPLES))
  noise_t = NOISE * rng.standard_normal(SAMPLES)
  return Problem(x_i_t, np.array(true_i) @ x_i_t + noise_t)


def learn(method: Method, problem: Problem) -> Course:
  """Learns the weights of a problem."""
  optimiser = optax.adam(RATE)
  inputs = len(problem.x_i_t)

  def loss(score_i_1: jax.Array, temperature: jax.Array) -> tuple[jax.Array, Course]:
    alpha_i_1 = simplex.combination(method.kind, score_i_1, temperature)
    error_t = alpha_i_1[:, 0] @ problem.x_i_t - problem.target_t
    mse = (error_t ** 2).mean()
    penalty = method.weight * simplex.penalty(method.penalty, alpha_i_1)
    return mse / 2 + penalty, Course(alpha_i_1[:, 0], mse)

  def step(
      carry: tuple[jax.Array, optax.OptState],
      temperature: jax.Array,
  ) -> tuple[tuple[jax.Array, optax.OptState], Course]:
    score_i_1, state = carry
    gradient_i_1, before = jax.grad(loss, has_aux=True)(score_i_1, temperature)
    change_i_1, state = optimiser.update(gradient_i_1, state)
    return (score_i_1 + change_i_1, state), before

  # Equal weights of sum one, with and without the simplex.
  start_i_1 = jnp.full((inputs, 1), 1 / inputs)
  temperatures = jnp.geomspace(1, method.coldest, ITERATIONS)

  @jax.jit
  def train() -> Course:
    start = (start_i_1, optimiser.init(start_i_1))
    _, course = jax.lax.scan(step, start, temperatures)
    return course

  return jax.tree.map(np.asarray, train())


def table(methods: Mapping[str, Method], true_i: Weights) -> dict[str, Course]:
  """Learns and prints a row for each method; {name: course}."""
  true_weights = " ".join(map(str, true_i))
  header(
      f"penalty, weight; true {true_weights}",
      "alpha at the end",
      f"above {SMALL}",
      "exact zeros",
      "mse",
  )
  problem = make_problem(true_i)
  courses = {}
  for name, method in methods.items():
    course = learn(method, problem)
    courses[name] = course
    alpha_i = course.alpha_s_i[-1]
    weights = " ".join(f"{alpha:.3f}" for alpha in alpha_i)
    large = (alpha_i > SMALL).sum()
    zeros = (alpha_i == 0).sum()
    row(name, weights, large, zeros, f"{course.mse_s[-1]:.4f}")

  return courses


def draw(courses: Mapping[str, Course]) -> matplotlib.figure.Figure:
  """The weights over the iterations; a colour is an input.

  Left without a penalty and with the notes' L1 of two scales, right with entropy.
  """
  figure = matplotlib.figure.Figure(figsize=(10, 4), layout="constrained")
  left, right = figure.subplots(1, 2, sharey=True)
  _draw_courses(left, courses, LEFT)
  _draw_courses(right, courses, RIGHT)
  left.set_ylabel("weight of each input map")
  return figure


def _draw_courses(
    axes: matplotlib.axes.Axes,
    courses: Mapping[str, Course],
    looks: Mapping[str, Look],
) -> None:
  iterations = 1 + np.arange(ITERATIONS)
  for name, look in looks.items():
    for i, alpha_s in enumerate(courses[name].alpha_s_i.T):
      label = name
      if i > 0:
        label = ""   # one entry in the legend for all inputs
      options = {"color": f"C{i}", "label": label, **look}
      axes.plot(iterations, alpha_s, **options)

  axes.set(xlabel="iteration", xscale="log", ylim=(0, 0.5))
  axes.legend(frameon=False, loc="upper left", handlelength=4)


def main(figure: pathlib.Path | None = None) -> None:
  """Prints both tables and how far the notes' L1 moves any weight, and saves the figure."""
  mesh.start()
  methods_of_two = {name: METHODS[name] for name in METHODS_OF_TWO}
  with jax.enable_x64(True):
    courses = table(METHODS, DENSE)
    table(methods_of_two, TWO)

  with_l1 = courses["L1 of the notes, 5"].alpha_s_i
  without = courses["no penalty"].alpha_s_i
  moved = np.abs(with_l1 - without).max()
  print(f"\nL1 of the notes at weight 5 moves no weight by more than {moved:.1g} "
        "in any iteration.")
  if figure:
    draw(courses).savefig(figure, dpi=120)


if __name__ == "__main__":
  parser = argparse.ArgumentParser()
  parser.add_argument("--figure", type=pathlib.Path)
  main(parser.parse_args().figure)
