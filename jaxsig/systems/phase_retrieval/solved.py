"""Probability that a reconstruction is the object, from its Fourier residual.

A logistic curve, fitted to images whose truth is known.
"""
import numpy as np
import scipy.optimize

LEAST = 1e-8   # residuals below count as this, so that zero has a logarithm too


def fit(residual_b: np.ndarray, solved_b: np.ndarray) -> dict[str, float]:
  """{"intercept", "slope"} of the log odds of being solved over log10 of the residual.

  The targets are softened as by Platt (1999): where all or none are solved, the curve is flat and
  as far from 0 and 1 as their number demands.

  Args:
    residual_b: [b] relative residuals.
    solved_b: [b] 0 or 1.
  """
  solved_b = np.asarray(solved_b, float)
  log_residual_b = _log_residual(residual_b)
  count = len(solved_b)
  count_solved = solved_b.sum()

  target_if_solved = (count_solved + 1) / (count_solved + 2)
  target_if_not = 1 / (count - count_solved + 2)
  target_b = np.where(solved_b > 0, target_if_solved, target_if_not)
  if count_solved in (0, count):
    log_odds = np.log(target_b[0] / (1 - target_b[0]))
    return {"intercept": float(log_odds), "slope": 0.0}

  def cross_entropy(w: np.ndarray) -> tuple[float, np.ndarray]:
    """The cost of (intercept, slope), and its gradient."""
    log_odds_b = w[0] + w[1] * log_residual_b
    probability_b = 1 / (1 + np.exp(-log_odds_b))
    cost_b = np.logaddexp(0, log_odds_b) - target_b * log_odds_b

    excess_b = probability_b - target_b
    gradient = np.array([excess_b.sum(), excess_b @ log_residual_b])
    return float(np.sum(cost_b)), gradient

  best = scipy.optimize.minimize(
      cross_entropy,
      np.zeros(2),
      jac=True,
      method="L-BFGS-B",
      bounds=[(None, None), (None, 0.0)],
  )
  return {
      "intercept": float(best.x[0]),
      "slope": float(best.x[1]),
  }


def probability(curve: dict[str, float], residual_b: np.ndarray) -> np.ndarray:
  """Probability [b] of being solved by the curve of `fit`; it never rises with the residual."""
  log_odds_b = curve["intercept"] + curve["slope"] * _log_residual(residual_b)
  return 1 / (1 + np.exp(-log_odds_b))


def _log_residual(residual_b: np.ndarray) -> np.ndarray:
  """log10 of the residuals [b], which may be zero."""
  residual_b = np.asarray(residual_b, float)
  return np.log10(np.maximum(residual_b, LEAST))
