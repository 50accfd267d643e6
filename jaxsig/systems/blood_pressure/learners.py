"""Learners on tables of windows, by scikit-learn: ridge regression, boosting, and random trees."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxsig.systems.blood_pressure.features import WindowTable

PENALTIES = tuple(10.0 ** np.arange(0, 6))
MOST_ROWS = 40_000     # that a learner is fitted on; more are thinned evenly
FEWEST_ROWS = 10
CLIP_SD = 5.0          # features beyond so many deviations are set there


class Rows(NamedTuple):
  """Labelled windows of many records; [n] each."""
  x_n_f: np.ndarray
  bp_mmhg_n_p: np.ndarray
  subject_n: np.ndarray


def fit_tables(
    tables: Sequence[WindowTable],
    fit: Callable[..., Any],
    columns: Sequence[str],
) -> Mapping[str, Any] | None:
  """What `fit` learns from the labelled windows of all tables; None where there are too few.

  Subjects count alike, however many windows they have.
  """
  rows = joined(tables, columns)
  if rows is None:
    return None
  x_n_f, y_n_p, subject_n = rows
  _, index_n, count = np.unique(subject_n, return_inverse=True, return_counts=True)
  weight_n = len(x_n_f) / len(count) / count[index_n]
  scaling = scaling_of(x_n_f)
  models = []
  for p in range(y_n_p.shape[1]):
    models.append(fit(scaled(x_n_f, scaling), y_n_p[:, p], weight_n, index_n))
  return {"scaling": scaling, "models": models}


def joined(tables: Sequence[WindowTable], columns: Sequence[str]) -> Rows | None:
  """The labelled windows of all tables, thinned to MOST_ROWS; None where there are too few."""
  parts = [table for table in tables if len(table.start_s_b)]
  if not parts:
    return None
  x_n_f = np.concatenate([table.columns(tuple(columns)) for table in parts])
  bp_mmhg_n_p = np.concatenate([table.bp_mmhg_b_p for table in parts])
  subject_n = np.concatenate([np.full(len(table.start_s_b), table.group) for table in parts])
  fine_n = np.isfinite(bp_mmhg_n_p).all(-1) & np.isfinite(x_n_f).any(-1)
  if fine_n.sum() < FEWEST_ROWS:
    return None
  step = -(-int(fine_n.sum()) // MOST_ROWS)
  chosen = np.flatnonzero(fine_n)[::step]
  return Rows(x_n_f[chosen], bp_mmhg_n_p[chosen], subject_n[chosen])


def predict_table(
    fitted: Mapping[str, Any] | None,
    table: WindowTable,
    columns: Sequence[str],
) -> np.ndarray:
  """[b, p] pressures in mmHg; NaN where nothing was fitted."""
  if fitted is None or not len(table.start_s_b):
    return np.full((len(table.start_s_b), 2), np.nan)
  x_b_f = scaled(table.columns(tuple(columns)), fitted["scaling"])
  return np.stack([model.predict(x_b_f) for model in fitted["models"]], -1)


def scaling_of(x_n_f: np.ndarray) -> dict[str, np.ndarray]:
  """Mean and deviation of each column; a column without values counts as 0."""
  known_f = np.isfinite(x_n_f).any(0)
  filled_n_f = np.where(known_f, x_n_f, 0.0)
  mean_f = np.nanmean(filled_n_f, 0)
  sd_f = np.nanstd(filled_n_f, 0)
  return {"mean_f": mean_f, "sd_f": np.where(sd_f > 0, sd_f, 1.0)}


def scaled(x_n_f: np.ndarray, scaling: Mapping[str, np.ndarray]) -> np.ndarray:
  """Columns with mean 0 and deviation 1; what is unknown is set to the mean."""
  z_n_f = (x_n_f - scaling["mean_f"]) / scaling["sd_f"]
  return np.nan_to_num(np.clip(z_n_f, -CLIP_SD, CLIP_SD))


def fit_ridge(
    x_n_f: np.ndarray,
    y_n: np.ndarray,
    weight_n: np.ndarray,
    subject_n: np.ndarray,
) -> object:
  """Ridge regression whose penalty is chosen by leaving out subjects of the training data."""
  from sklearn.linear_model import Ridge
  from sklearn.model_selection import GridSearchCV, GroupKFold

  folds = min(5, len(np.unique(subject_n)))
  if folds < 2:
    return Ridge(alpha=100.0).fit(x_n_f, y_n, weight_n)
  search = GridSearchCV(
      Ridge(),
      {"alpha": [penalty * len(x_n_f) / 1000 for penalty in PENALTIES]},
      scoring="neg_mean_absolute_error",
      cv=GroupKFold(folds),
  )
  return search.fit(x_n_f, y_n, groups=subject_n, sample_weight=weight_n)


def fit_boosting(
    x_n_f: np.ndarray,
    y_n: np.ndarray,
    weight_n: np.ndarray,
    subject_n: np.ndarray,
) -> object:
  """Gradient boosting of shallow trees."""
  from sklearn.ensemble import HistGradientBoostingRegressor

  del subject_n
  return HistGradientBoostingRegressor(
      max_iter=150,
      learning_rate=0.05,
      max_leaf_nodes=8,
      min_samples_leaf=40,
      l2_regularization=1.0,
      random_state=0,
  ).fit(x_n_f, y_n, weight_n)


def fit_trees(
    x_n_f: np.ndarray,
    y_n: np.ndarray,
    weight_n: np.ndarray,
    subject_n: np.ndarray,
) -> object:
  """Extremely randomised trees (Geurts et al. 2006), grown to single windows."""
  from sklearn.ensemble import ExtraTreesRegressor

  del subject_n
  return ExtraTreesRegressor(60, n_jobs=-1, random_state=0).fit(x_n_f, y_n, weight_n)
