"""How likely a reconstruction is the object, by its Fourier residual: a logistic curve, fitted where the truth is known."""
import numpy as np
import scipy.optimize

LEAST = 1e-8   # a residual of zero has a logarithm too


def fit(residual_b: np.ndarray, solved_b: np.ndarray) -> dict[str, float]:
  """{"intercept", "slope"} of the log odds over log10 of the residual.

  With the softened targets of Platt (1999): where all or none are solved, the curve is flat and honest about their number.

  Args:
    residual_b: [b] relative residuals.
    solved_b: [b] 0 or 1.
  """
  solved_b = np.asarray(solved_b, float)
  x_b, yes = _feature(residual_b), solved_b.sum()
  target_b = np.where(solved_b > 0, (yes + 1) / (yes + 2), 1 / (len(solved_b) - yes + 2))
  if yes in (0, len(solved_b)):
    return {"intercept": float(np.log(target_b[0] / (1 - target_b[0]))), "slope": 0.0}

  def cost(w: np.ndarray) -> tuple[float, np.ndarray]:
    z_b = w[0] + w[1] * x_b
    slack_b = 1 / (1 + np.exp(-z_b)) - target_b
    return float(np.sum(np.logaddexp(0, z_b) - target_b * z_b)), np.array([slack_b.sum(), slack_b @ x_b])

  best = scipy.optimize.minimize(cost, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(None, None), (None, 0.0)])
  return {"intercept": float(best.x[0]), "slope": float(best.x[1])}


def probability(curve: dict[str, float], residual_b: np.ndarray) -> np.ndarray:
  """[b] of `fit`'s curve; never more for a larger residual."""
  return 1 / (1 + np.exp(-(curve["intercept"] + curve["slope"] * _feature(residual_b))))


def _feature(residual_b: np.ndarray) -> np.ndarray:
  return np.log10(np.maximum(np.asarray(residual_b, float), LEAST))
