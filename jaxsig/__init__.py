"""jaxsig from Python: `predict` on a recording of one's own, and `load_config`."""
import pathlib
from typing import Any


def load_config(path: str | pathlib.Path, arg: str = "", **overrides: Any) -> Any:
  """Loads an experiment's locked ConfigDict; dotted keys are written with two underscores (`train__steps=10`).

  Raises:
    jaxsig.errors.UserError: no such file, argument or key.
  """
  from jaxsig import config
  return config.load(path, arg, {key.replace("__", "."): value for key, value in overrides.items()})


def predict(recording: Any, rate_hz: float | None = None, model: str | pathlib.Path = "respdiff_60s", config: Any = None) -> dict:
  """Predicts a recording of any rate and length, with or without gaps.

  Args:
    recording: a CSV, NPY or WFDB file, or an array of one axis (NaN where the signal is missing).
    rate_hz: sampling rate, where the file does not say it.
    model: a shipped model, or the workdir of a training.
    config: of a workdir, the one that made it (checked); with it a shipped model takes another stride or sampler.

  Returns:
    {name_axes: array} of stitched predictions, NaN where nothing can be said, with their "rate_hz"; "rates": one a scoring
    window, {"start_s", "end_s", "rate_bpm" (None: no estimate), "spread", "low_95", ..., "quality"}; "rows": of all
    metrics; "lost_s", "bridged_s": [k, 2] gaps.

  Raises:
    jaxsig.errors.UserError: a recording, model or config that cannot be used.
  """
  from jaxsig import infer, shipped
  found = infer.predict(recording, rate_hz, shipped.open_model(model, config))
  return {**found.record.predictions, "rates": found.rates, "rows": found.rows, **found.gaps._asdict()}
