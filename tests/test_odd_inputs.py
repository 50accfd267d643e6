"""Five hundred odd inputs of one's own: an answer that is right, or one sentence; no traceback."""

import functools
import pathlib
import warnings
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import odd_pictures
import odd_recordings
import pytest
from builders import small
from fake_recording import fake
from odd_recordings import Odd

from jaxsig.errors import UserError
from jaxsig.prediction import own_file
from jaxsig.prediction.model import Model
from jaxsig.system import Batch, Params, Stats, Told

pytestmark = pytest.mark.quick
TRUE_BPM = 15.0
WITHOUT_BREATHING = ("noise", "two values")


def by_name(inputs: list[Odd]) -> Callable:
  """Parametrises a test by odd inputs, whose names must differ."""
  names = [odd.name for odd in inputs]
  assert len(set(names)) == len(names)
  return pytest.mark.parametrize("odd", inputs, ids=names)


def answer(odd: Odd, model: Model, folder: pathlib.Path) -> Told | None:
  """What is told of an odd input; None where one sentence refuses it."""
  source = odd.make(folder)
  with warnings.catch_warnings():
    warnings.simplefilter("error")  # a warning would reach the user's console
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
      told = own_file.predict(source, odd.rate_hz, model)
    except UserError as error:
      sentence = str(error)
      assert odd.answers is not True, sentence
      assert "\n" not in sentence
      assert ": " in sentence, "a sentence names the thing and the remedy"
      return None
  assert odd.answers is not False
  return told


@functools.cache
def breathing_model() -> Model:
  """A model of recordings that takes the slow part of the signal for the waveform."""
  return fake(small("respdiff.py"))


@by_name(odd_recordings.every())
def test_a_recording_is_read_right_or_refused(odd, tmp_path):
  told = answer(odd, breathing_model(), tmp_path)
  if told is None:
    return
  good = [row.estimate for row in told.primary if row.quality == "good"]
  if odd.answers:
    assert good
  if odd.name not in WITHOUT_BREATHING:
    np.testing.assert_allclose(good, TRUE_BPM, atol=0.5)


def evenly(params: Params, stats: Stats, batch: Batch, keys_b: jax.Array) -> dict[str, jax.Array]:
  """Instead of a network: ten classes of equal probability."""
  del params, stats, batch
  return {"probability_b_k": jnp.full((len(keys_b), 10), 0.1)}


def flat(params: Params, stats: Stats, batch: Batch, keys_b: jax.Array) -> dict[str, jax.Array]:
  """Instead of a network: an image of the intensity's size."""
  del params, stats
  return {
    "image_b_y_x": jnp.zeros_like(batch["intensity_b_v_u"]),
    "residual_b": jnp.zeros(len(keys_b)),
  }


@functools.cache
def picture_model(file: str) -> Model:
  """A model without a network, of images or of intensities."""
  if file == "cnn_notes.py":
    return fake(small(file), evenly)
  return fake(small(file, own__reading=""), flat)


OTHER_IMAGES = ("images as bool", "TIFF of 1")  # of two values, as made
LOSSY = 30  # of 255, by which JPEG may change a pixel
COARSE = 0.05  # of the largest, what counts of few values lose


@by_name([*odd_pictures.image_arrays(), *odd_pictures.image_files()])
def test_an_image_is_read_right_or_refused(odd, tmp_path):
  told = answer(odd, picture_model("cnn_notes.py"), tmp_path)
  if told is None:
    return
  read_t_y_x = told.record.signals["image_t_y_x"].astype(float)
  plain_t_y_x = odd_pictures.IMAGES.astype(float)
  if len(read_t_y_x) == 1:
    plain_t_y_x = plain_t_y_x[:1]
  if read_t_y_x.shape == plain_t_y_x.shape and not told.record.info["notes"]:
    if odd.name not in OTHER_IMAGES:
      np.testing.assert_allclose(read_t_y_x, plain_t_y_x, atol=LOSSY)
  else:
    assert told.record.info["notes"]


@by_name([*odd_pictures.intensities(), *odd_pictures.detector_files()])
def test_an_intensity_is_read_right_or_refused(odd, tmp_path):
  told = answer(odd, picture_model("phase_retrieval.py"), tmp_path)
  if told is None:
    return
  if told.record.info["notes"]:
    return
  frame_v_u = told.record.signals["intensity_t_v_u"][0]
  plain_v_u = np.fft.ifftshift(odd_pictures.COUNTS)
  np.testing.assert_allclose(frame_v_u / frame_v_u.max(), plain_v_u / plain_v_u.max(), atol=COARSE)
