"""How much of what a model says is believed: its changes times a weight from 0 to 1.

A model that knows little does best to say little. The best weight on validation subjects is 0 where
the model's changes have nothing to do with the truth's; then what is left is the mean of the
training subjects, or of the subject's own readings.
"""
from collections.abc import Sequence

import numpy as np


def careful_weight(change_n: np.ndarray, truth_n: np.ndarray, subject_n: np.ndarray) -> float:
  """The weight in [0, 1] of changes that is best in least squares, less its standard error.

  Every subject counts alike, however many windows it has. The standard error is by leaving out
  subjects in turn (the jackknife), so that a weight that few subjects support is small.

  Args:
    change_n: how far the model's estimates lie from what is said without it, in mmHg.
    truth_n: how far the truth lies from there.
    subject_n: whose windows they are.
  """
  fine_n = np.isfinite(change_n) & np.isfinite(truth_n)
  products, energies = [], []
  for subject in np.unique(subject_n[fine_n]):
    own_n = fine_n & (subject_n == subject)
    products.append(np.mean(change_n[own_n] * truth_n[own_n]))
    energies.append(np.mean(change_n[own_n] ** 2))
  product_s, energy_s = np.array(products), np.array(energies)
  if len(product_s) < 2 or not energy_s.sum() > 0:
    return 0.0
  weight = product_s.sum() / energy_s.sum()
  left_out_s = (product_s.sum() - product_s) / np.maximum(energy_s.sum() - energy_s, 1e-12)
  n = len(product_s)
  error = np.sqrt((n - 1) / n * np.sum((left_out_s - left_out_s.mean()) ** 2))
  return float(np.clip(weight - error, 0, 1))


def shrunk(estimate_b_p: np.ndarray, base_b_p: np.ndarray, weight_p: Sequence[float]) -> np.ndarray:
  """[b, p] in mmHg: the base and the weighted part of the estimate beyond it."""
  weight_p = np.asarray(weight_p, np.float32)
  return (base_b_p + weight_p * (estimate_b_p - base_b_p)).astype(np.float32)
