"""How phase retrieval is judged: the metrics, the probability of being solved, and the words."""
import functools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record
from jaxsig.rows import Row
from jaxsig.system import Figure, Material, Metric, Plain, Predictions, Protocol, Words
from jaxsig.systems.phase_retrieval import baselines, solved
from jaxsig.systems.phase_retrieval.scene import Scene, scene_of
from jaxsig.systems.phase_retrieval.score import (
    SOLVED,
    SOLVED_METRIC,
    aligned,
    index_of,
    score_block,
    solved_b,
)

WORDS = Words(
    group="image",
    groups="images",
    record="block",
    records="blocks",
    unit="view",
    units="views",
)
METRICS = {
    "nmse_symmetric": Metric(
        "Relative squared error after the best shift, flip, phase and scale",
        within=(SOLVED,),
        decimals=3,
    ),
    "nmse_strict": Metric(
        "Relative squared error after the best shift, flip and phase, with scale and surroundings",
        decimals=3,
    ),
    SOLVED_METRIC: Metric(
        f"Images solved: a symmetric error below {SOLVED}",
        better="higher",
        decimals=3,
    ),
    "psnr_db_aligned": Metric(
        "Peak signal-to-noise ratio of the aligned image",
        "dB",
        better="higher",
        decimals=3,
    ),
    "ssim_aligned": Metric(
        "Structural similarity of the aligned image",
        better="higher",
        decimals=3,
    ),
    "fourier_residual": Metric(
        "Relative error of the Fourier magnitudes, which needs no truth",
        decimals=3,
    ),
    "solved_brier": Metric(
        "Brier score of the probability that an image is solved",
        decimals=3,
    ),
}


def make(config: ConfigDict) -> Protocol:
  """The protocol of `config.data` (the scene), `config.baselines` and `config.read.seed`.

  Raises:
    UserError: the scene or a baseline's options cannot be read.
  """
  scene = scene_of(config)
  return Protocol(
      score=functools.partial(_score, scene),
      metrics=METRICS,
      baselines=baselines.make(config, scene),
      words=WORDS,
      calibrate=functools.partial(_calibrate, scene),
      assess=_assess,
      keep=functools.partial(_keep, scene),
      figures=_figures,
  )


def _truth(scene: Scene, record: Record) -> np.ndarray:
  """[t, n, n] the objects of a record."""
  return np.asarray(scene.objects_of(record))


def _score(scene: Scene, record: Record) -> Iterator[Row]:
  """Rows of a record; a user's own intensity has no truth, so no rows."""
  if "image_t_y_x" in record.signals:
    yield from score_block(record, _truth(scene, record))


def _calibrate(scene: Scene, records: Iterable[Record]) -> Plain:
  """The curve from residual to probability of being solved, from images whose truth is known."""
  residuals, is_solved = [], []
  for record in records:
    residuals.append(record.predictions["residual_b"])
    is_solved.append(solved_b(record, _truth(scene, record)))
  return solved.fit(np.concatenate(residuals), np.concatenate(is_solved))


def _assess(predictions: Predictions, curve: Plain) -> Mapping[str, np.ndarray]:
  probability_b = solved.probability(curve, predictions["residual_b"])
  return {"solved_probability_b": probability_b}


def _keep(scene: Scene, record: Record) -> Mapping[str, np.ndarray]:
  """The aligned images, their truths, and which of the record's images they are."""
  truth_t_y_x = _truth(scene, record)
  index_b = index_of(record)
  return {
      "aligned_b_y_x": aligned(record, truth_t_y_x),
      "truth_b_y_x": truth_t_y_x[index_b],
      "index_b": index_b,
  }


def _figures(material: Material) -> list[Figure]:
  from jaxsig.systems.phase_retrieval import figures  # draws: not needed before
  return figures.figures(material)
