"""A block of reconstructed images as rows, one a metric and image: errors after the best alignment that the measurement leaves open."""
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.systems.phase_retrieval import image_errors as images
from jaxsig.systems.phase_retrieval import registration

SOLVED = 0.01    # symmetric relative error below which an image counts as solved
AT_ONCE = 50     # images that are aligned in one call


@jax.jit
def _measured(recon_b_v_u: jax.Array, truth_b_y_x: jax.Array) -> dict[str, jax.Array]:
  aligned = registration.align(recon_b_v_u, truth_b_y_x).image
  symmetric = registration.symmetric_error(recon_b_v_u, truth_b_y_x)
  return {
      "nmse_symmetric": symmetric,
      "nmse_strict": registration.strict_error(recon_b_v_u, truth_b_y_x),
      "solved_nmse_below_01": (symmetric < SOLVED).astype(jnp.float32),
      "psnr_db_aligned": images.psnr_db(aligned, truth_b_y_x),
      "ssim_aligned": images.ssim(jnp.abs(aligned), jnp.abs(truth_b_y_x)),
  }


def score_block(record: Any, truth_b_y_x: np.ndarray) -> Iterator[dict[str, Any]]:
  """Rows of a record whose predictions are of its images.

  Args:
    record: `predictions` hold `image_b_v_u` [b, m, m] (real or complex, wherever and however the object lies in it), `residual_b`, and
      `index_b`, which of the record's images they are (all of them where it is absent); `annotations["label_t"]` the classes.
    truth_b_y_x: [t, n, n], all images of the record.

  Returns:
    {"metric", "unit", "group": the image, "value", "stratum": its class, ...}; a prediction that is not finite has the value None.
  """
  index, pairs = _pairs(record, truth_b_y_x)
  found = [_measured(*pair) for pair in pairs]
  values = {name: np.concatenate([f[name] for f in found]) for name in found[0]} if found else {}
  values["fourier_residual"] = np.asarray(record.predictions["residual_b"])
  told_b = record.predictions.get("solved_probability_b")
  if told_b is not None and found:
    values["solved_brier"] = (told_b - values["solved_nmse_below_01"]) ** 2
  for name, value_b in values.items():
    told = [{}] * len(index) if told_b is None or name != "solved_nmse_below_01" else [{"probability": float(p)} for p in told_b]
    for i, value, more in zip(index, value_b, told, strict=True):
      yield {"metric": name, "unit": f"image {i}", "group": f"{record.id}_{i}", "kept": True, "why": "",
             "stratum": f"class {record.annotations['label_t'][i]}", "value": float(value) if np.isfinite(value) else None, **more}


def solved_b(record: Any, truth_b_y_x: np.ndarray) -> np.ndarray:
  """[b] 1 where a prediction of the record is solved, else 0; arguments as of `score_block`."""
  errors = [registration.symmetric_error(*pair) for pair in _pairs(record, truth_b_y_x)[1]]
  return np.concatenate([np.zeros(0), *errors]) < SOLVED


def _pairs(record: Any, truth_b_y_x: np.ndarray) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
  """Which images of the record were predicted, and [(reconstructions, truths)] of a few at once."""
  recon = np.asarray(record.predictions["image_b_v_u"])
  index = np.asarray(record.predictions.get("index_b", np.arange(len(recon))))
  parts = [slice(i, i + AT_ONCE) for i in range(0, len(recon), AT_ONCE)]
  return index, [(recon[part], truth_b_y_x[index[part]]) for part in parts]
