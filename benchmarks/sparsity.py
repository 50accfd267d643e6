"""Compares what makes a learnt combination of maps sparse: penalties, projections and temperature, on a regression.

  python -m benchmarks.sparsity [--figure=PATH]          ten seconds on one core

The target is a combination of eight random signals plus noise of variance 0.01, and half the mean square error is minimised from equal
weights by the same Adam in every row, in float64. "L1 of the notes" is eq. (11) of Bouvrie (Notes on Convolutional Neural Networks,
2006): on the simplex it has no gradient, so its rows repeat the first. The second table has a target of two signals only. The figure
shows the weights over the iterations.
"""
import pathlib
import sys
from typing import NamedTuple

import jax
import jax.numpy as jnp
import matplotlib.figure
import numpy as np
import optax

from benchmarks.timing import header, row
from jaxsig.engine import mesh
from jaxsig.systems.cnn_notes import simplex

SAMPLES, NOISE, ITERATIONS, RATE = 1000, 0.1, 3000, 0.01
SMALL = 0.01   # below it a connection would be dropped
DENSE = (0.34, 0.22, 0.14, 0.10, 0.08, 0.06, 0.04, 0.02)
TWO = (0.65, 0.35, 0, 0, 0, 0, 0, 0)


class Method(NamedTuple):
  """How the weights come about; the temperature falls geometrically from 1 to `coldest` over the iterations."""
  kind: str = "softmax"
  penalty: str = "none"
  weight: float = 0.0
  coldest: float = 1.0


ROWS = {
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
PALE, DASHED = {"linewidth": 7, "alpha": 0.35}, {"linestyle": "--", "linewidth": 1.5}
DOTTED = {"linestyle": (0, (1, 6)), "linewidth": 3, "color": "black"}
DRAWN = {"no penalty": PALE, "L1 of the notes, 0.05": DASHED, "L1 of the notes, 5": DOTTED}, {"entropy, 0.05": {}}


def problem(true_i: tuple) -> tuple[np.ndarray, np.ndarray]:
  """(signals [i, t] of variance one, target [t])."""
  rng = np.random.default_rng(0)
  x_i_t = rng.standard_normal((len(true_i), SAMPLES))
  return x_i_t, np.array(true_i) @ x_i_t + NOISE * rng.standard_normal(SAMPLES)


def learn(method: Method, x_i_t: np.ndarray, target_t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """(alpha [iteration, i], mean square error [iteration]), both before each step of the optimiser."""
  optimiser = optax.adam(RATE)

  def loss(score_i_1, temperature):
    alpha_i_1 = simplex.combination(method.kind, score_i_1, temperature)
    mse = ((alpha_i_1[:, 0] @ x_i_t - target_t) ** 2).mean()
    return mse / 2 + method.weight * simplex.penalty(method.penalty, alpha_i_1), (alpha_i_1[:, 0], mse)

  def step(carry, temperature):
    score_i_1, state = carry
    slope_i_1, found = jax.grad(loss, has_aux=True)(score_i_1, temperature)
    change_i_1, state = optimiser.update(slope_i_1, state)
    return (score_i_1 + change_i_1, state), found

  start_i_1 = jnp.full((len(x_i_t), 1), 1 / len(x_i_t))   # equal weights of sum one, with and without the simplex
  temperatures = jnp.geomspace(1, method.coldest, ITERATIONS)
  return jax.tree.map(np.asarray, jax.jit(lambda: jax.lax.scan(step, (start_i_1, optimiser.init(start_i_1)), temperatures)[1])())


def table(rows: dict[str, Method], true_i: tuple) -> dict[str, np.ndarray]:
  """Prints a row for each method; {name: alpha [iteration, i]}."""
  header(f"penalty, weight; true {' '.join(map(str, true_i))}", "alpha at the end", f"above {SMALL}", "exact zeros", "mse")
  signals, courses = problem(true_i), {}
  for name, method in rows.items():
    courses[name], mse = learn(method, *signals)
    alpha_i = courses[name][-1]
    row(name, " ".join(f"{alpha:.3f}" for alpha in alpha_i), (alpha_i > SMALL).sum(), (alpha_i == 0).sum(), f"{mse[-1]:.4f}")
  return courses


def draw(courses: dict[str, np.ndarray]) -> matplotlib.figure.Figure:
  """The weights over the iterations: without a penalty and with the notes' L1, of two scales, and with entropy; a colour is a map."""
  figure = matplotlib.figure.Figure(figsize=(10, 4), layout="constrained")
  for axes, lines in zip(figure.subplots(1, 2, sharey=True), DRAWN):
    for name, look in lines.items():
      for i, alpha in enumerate(courses[name].T):
        axes.plot(1 + np.arange(ITERATIONS), alpha, **{"color": f"C{i}", "label": "" if i else name, **look})
    axes.set(xlabel="iteration", xscale="log", ylim=(0, 0.5))
    axes.legend(frameon=False, loc="upper left", handlelength=4)
  figure.axes[0].set_ylabel("weight of each input map")
  return figure


def main(figure: pathlib.Path | None = None) -> None:
  """Prints both tables and how far the notes' L1 moves any weight, and saves the figure."""
  mesh.start()
  with jax.enable_x64(True):
    courses = table(ROWS, DENSE)
    table({name: ROWS[name] for name in ("no penalty", "sparsemax", "sparsemax, negative square, 0.05", "entmax-1.5")}, TWO)
  moved = np.abs(courses["L1 of the notes, 5"] - courses["no penalty"]).max()
  print(f"\nL1 of the notes at weight 5 moves no weight by more than {moved:.1g} in any iteration.")
  if figure:
    draw(courses).savefig(figure, dpi=120)


if __name__ == "__main__":
  main(*(pathlib.Path(word.removeprefix("--figure=")) for word in sys.argv[1:]))
