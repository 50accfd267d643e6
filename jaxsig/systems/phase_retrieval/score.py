"""A block of reconstructed images as rows, one a metric and image.

Errors are those after the best alignment that the measurement leaves open.
"""
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.data.records import Record
from jaxsig.rows import Row, finite_or_none
from jaxsig.systems.phase_retrieval import image_errors, registration

SOLVED = 0.01    # symmetric relative error below which an image counts as solved
SOLVED_METRIC = "solved_nmse_below_01"
AT_ONCE = 50     # images that are aligned in one call


class Pair(NamedTuple):
  """Reconstructions and their truths."""
  recon_b_v_u: np.ndarray   # [b, m, m]
  truth_b_y_x: np.ndarray   # [b, n, n]


def score_block(record: Record, truth_t_y_x: np.ndarray) -> Iterator[Row]:
  """Rows of a record whose predictions are of its images.

  Args:
    record: `predictions` hold `image_b_v_u` [b, m, m] (real or complex, wherever and however the
      object lies in it), `residual_b`, maybe `solved_probability_b`, and `index_b`, which of the
      record's images they are (all of them where it is absent); `annotations["label_t"]` are the
      classes.
    truth_t_y_x: [t, n, n], all images of the record.

  Yields:
    Rows whose group is the image; a prediction that is not finite has the value None.
  """
  index_b = index_of(record)
  probability_b = record.predictions.get("solved_probability_b")
  for metric, value_b in _values(record, truth_t_y_x).items():
    for place, (i, value) in enumerate(zip(index_b, value_b, strict=True)):
      probability = None
      if metric == SOLVED_METRIC and probability_b is not None:
        probability = float(probability_b[place])
      yield Row(
          metric=metric,
          group=f"{record.id}_{i}",
          record=record.id,
          unit=f"image {i}",
          value=finite_or_none(value),
          probability=probability,
          strata={"class": f"class {record.annotations['label_t'][i]}"},
          start_s=float(i),
          end_s=float(i + 1),
      )


def index_of(record: Record) -> np.ndarray:
  """Which of a record's images were predicted [b]."""
  predictions = record.predictions
  everything = np.arange(len(predictions["image_b_v_u"]))
  return np.asarray(predictions.get("index_b", everything))


def _values(record: Record, truth_t_y_x: np.ndarray) -> dict[str, np.ndarray]:
  """{metric: [b]} of the record's predictions; without any, there are no errors."""
  parts = [_measured(*pair) for pair in _pairs(record, truth_t_y_x)]
  values = {}
  if parts:
    for metric in parts[0]:
      values[metric] = np.concatenate([part[metric] for part in parts])
  values["fourier_residual"] = np.asarray(record.predictions["residual_b"])

  probability_b = record.predictions.get("solved_probability_b")
  if probability_b is not None and parts:
    values["solved_brier"] = (probability_b - values[SOLVED_METRIC]) ** 2
  return values


@jax.jit
def _measured(recon_b_v_u: jax.Array, truth_b_y_x: jax.Array) -> dict[str, jax.Array]:
  aligned = registration.align(recon_b_v_u, truth_b_y_x).image
  symmetric = registration.symmetric_error(recon_b_v_u, truth_b_y_x)
  return {
      "nmse_symmetric": symmetric,
      "nmse_strict": registration.strict_error(recon_b_v_u, truth_b_y_x),
      SOLVED_METRIC: (symmetric < SOLVED).astype(jnp.float32),
      "psnr_db_aligned": image_errors.psnr_db(aligned, truth_b_y_x),
      "ssim_aligned": image_errors.ssim(jnp.abs(aligned), jnp.abs(truth_b_y_x)),
  }


def solved_b(record: Record, truth_t_y_x: np.ndarray) -> np.ndarray:
  """[b] whether a prediction of the record is solved; arguments as of `score_block`."""
  errors = [np.zeros(0)]
  for pair in _pairs(record, truth_t_y_x):
    errors.append(registration.symmetric_error(*pair))
  return np.concatenate(errors) < SOLVED


def aligned(record: Record, truth_t_y_x: np.ndarray) -> np.ndarray:
  """[b, n, n] the predictions, aligned to their truths; arguments as of `score_block`."""
  images = []
  for pair in _pairs(record, truth_t_y_x):
    images.append(np.asarray(registration.align(*pair).image))
  if not images:
    return np.zeros((0, *truth_t_y_x.shape[1:]), np.float32)
  return np.concatenate(images)


def _pairs(record: Record, truth_t_y_x: np.ndarray) -> Iterator[Pair]:
  """A few predictions of a record at a time, each with its truth."""
  recon_b_v_u = np.asarray(record.predictions["image_b_v_u"])
  index_b = index_of(record)
  for first in range(0, len(recon_b_v_u), AT_ONCE):
    part = slice(first, first + AT_ONCE)
    yield Pair(recon_b_v_u[part], truth_t_y_x[index_b[part]])
