"""jaxsig from Python: `load_config`, and `predict` on a recording of one's own."""
import pathlib
from typing import Any


def load_config(path: str | pathlib.Path, arg: str = "", **overrides: Any) -> Any:
  """Loads an experiment's locked ConfigDict; dotted keys are written with two underscores (`train__steps=10`).

  Raises:
    jaxsig.errors.UserError: no such file, argument or key.
  """
  from jaxsig import config
  return config.load(path, arg, {key.replace("__", "."): value for key, value in overrides.items()})


def predict(config: Any, workdir: str | pathlib.Path, file: str | pathlib.Path, rate_hz: float | None = None) -> dict:
  """Predicts a recording with the model that a workdir holds.

  Args:
    config: the config that trained it, from `load_config`.
    workdir: where its checkpoints lie.
    file: CSV, NPY or WFDB.
    rate_hz: sampling rate, where the file does not say it.

  Returns:
    {name_axes: array} of stitched predictions with their "rate_hz", and "rows": estimates and spreads by scoring unit.

  Raises:
    jaxsig.errors.UserError: a file, workdir or config that cannot be used.
  """
  from jaxsig import infer
  record, rows = infer.predict_file(config, pathlib.Path(workdir), pathlib.Path(file), rate_hz)
  return {**record.predictions, "rows": rows}
