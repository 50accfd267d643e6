"""jaxsig from Python: `predict` on a recording or an intensity of one's own, `open_model` for many of them, `load_config`, and
`check_gradients` of a loss."""
import pathlib
from typing import Any


def load_config(path: str | pathlib.Path, arg: str = "", **overrides: Any) -> Any:
  """Loads an experiment's locked ConfigDict; dotted keys are written with two underscores (`train__steps=10`).

  Raises:
    jaxsig.errors.UserError: no such file, argument or key.
  """
  from jaxsig import config
  return config.load(path, arg, {key.replace("__", "."): value for key, value in overrides.items()})


def check_gradients(loss: Any, params: Any = None, **options: Any) -> Any:
  """Compares automatic gradients with central differences; print the report, or ask its `ok` and `worst`.

  Args:
    loss: a config, whose loss is checked on simulated windows, or a function: params -> scalar.
    params: of a function, pytree of floating-point arrays.
    options: elements, directions, step, seed, x64: see `jaxsig.engine.gradients.check_gradients`.

  Raises:
    jaxsig.errors.UserError: a config that cannot be used, or parameters that are not real floating point.
  """
  from jaxsig.engine import gradients
  return gradients.check_gradients(loss, params, **options) if callable(loss) else gradients.check_config(loss, **options)


def open_model(model: str | pathlib.Path = "respdiff_60s", config: Any = None) -> Any:
  """Opens a model for many calls of `predict`, which then compile once; arguments and errors are those of `predict`."""
  from jaxsig.predict import model as shipped
  return shipped.open_model(model, config)


def predict(recording: Any, rate_hz: float | None = None, model: Any = "respdiff_60s", config: Any = None) -> dict:
  """Predicts a recording of any rate and length, with or without gaps, the objects of far-field intensities, or the classes of images.

  Args:
    recording: a CSV, NPY or WFDB file, or an array of one axis (NaN where the signal is missing). For a model of phase retrieval an
      NPY, HDF5 (CXI) or TIFF file, or an array: an intensity |F|^2 [m, m] or a stack [t, m, m], see `data.intensity_file`. For a
      model of classes an image, a folder of images, an NPY file or an array, see `data.image_files`.
    rate_hz: sampling rate, where the file does not say it; an intensity has none.
    model: a shipped model, the workdir of a training, or what `open_model` has returned.
    config: of a workdir, the one that made it (checked), which may read a user's file otherwise (`data.intensity_mask`); with it a
      shipped model takes another stride or sampler.

  Returns:
    Of a recording {name_axes: array} of stitched predictions, NaN where nothing can be said, with their "rate_hz"; "rates": one a
    scoring window, {"start_s", "end_s", "rate_bpm" (None: no estimate), "spread", "low_95", ..., "quality"}; "rows": of all
    metrics; "lost_s", "bridged_s": [k, 2] gaps.

    Of t intensities (one is a stack of one) {"image_b_y_x": [t, m, m], objects in the middle, real ones float32 and not negative;
    "residual_b": [t], || |F x| - sqrt(intensity) || / || sqrt(intensity) || on the usable pixels; "solved_probability_b": [t], that the
    object is found, by a curve over the residual that was learnt on the training's validation images: for a measurement that is
    sampled otherwise or noisier than those it is no more than a hint; not there where the training has not been evaluated}. An odd or
    oblong frame is cut, so m is even.

    Of t images {"probability_b_k": [t, k], calibrated where the training has been evaluated, with "class_k", the names of the classes,
    "answer_b", "answer_probability_b"; "output_b_k"; "maps_<layer>_b_y_x_j": what each layer makes of them}.

    Of all "notes": a sentence for each thing that was done to the input or is wrong with it.

  Raises:
    jaxsig.errors.UserError: a recording, model or config that cannot be used.
  """
  from jaxsig.errors import UserError
  from jaxsig.predict import model as shipped
  from jaxsig.predict import own_file as infer
  opened = isinstance(model, shipped.Model)
  if opened and config is not None:
    raise UserError("predict was given an opened model and a config: give the config to open_model")
  return infer.results(infer.predict(recording, rate_hz, model if opened else shipped.open_model(model, config)))
