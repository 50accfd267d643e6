"""jaxsig from Python.

  model = jaxsig.open_model()                    # the shipped one, or a workdir's
  respiration = model.predict(ppg, rate_hz=125)  # or a file
  jaxsig.train(jaxsig.load_config("configs/respdiff.py"), "runs/respdiff")

Nothing heavy is imported before it is used.
"""
import importlib.metadata
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from ml_collections import ConfigDict

  from jaxsig.prediction.model import Model
  from jaxsig.rows import Row

DEFAULT_MODEL = "respdiff_60s"


try:
  __version__ = importlib.metadata.version("jaxsig")
except importlib.metadata.PackageNotFoundError:   # a checkout that is not installed
  __version__ = "0+checkout"


def quiet_xla() -> None:
  """Lets XLA print what is fatal only, where the environment asks for nothing else.

  Its "Very slow compile?" is an error of its log. To be called before jax is imported.
  """
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def load_config(path: str | pathlib.Path, arg: str = "", **overrides: Any) -> "ConfigDict":
  """Returns an experiment's locked config.

  Args:
    path: a file such as configs/respdiff.py.
    arg: its argument, such as "smoke".
    overrides: dotted keys, written with two underscores (`train__steps=10`).

  Raises:
    jaxsig.errors.UserError: no such file, argument or key.
  """
  from jaxsig import config
  return config.load(path, arg, _dotted(overrides))


def _dotted(overrides: dict[str, Any]) -> dict[str, Any]:
  return {key.replace("__", "."): value for key, value in overrides.items()}


def open_model(
    model: str | pathlib.Path = DEFAULT_MODEL,
    config: "ConfigDict | None" = None,
    **overrides: Any,
) -> "Model":
  """Opens a trained model, whose `predict` compiles once for many calls.

  Args:
    model: a shipped model's name, or the workdir of a training.
    config: of a workdir, the one that made it (checked), which may read a user's file otherwise;
      with it a shipped model takes another stride or sampler.
    overrides: dotted keys of the config that are changed, written with two underscores
      (`own__reading="..."`).

  Raises:
    jaxsig.errors.UserError: no such model, or one that does not fit the config.
  """
  quiet_xla()
  from jaxsig.prediction import model as models
  if overrides:
    config = models.overridden(model, config, _dotted(overrides))
  return models.open_model(model, config)


def predict(
    source: Any,
    rate_hz: float | None = None,
    model: "Model | str | pathlib.Path" = DEFAULT_MODEL,
) -> Any:
  """Predicts a user's own file or array by a model: `open_model(model).predict(source, rate_hz)`.

  Returns:
    The typed result of the model's system: `jaxsig.systems.respiration.own_file.Respiration` (rates
    with intervals and quality, the waveform, gaps), `...phase_retrieval.own_file.Reconstruction` or
    `...cnn_notes.own_file.Classes`.

  Raises:
    jaxsig.errors.UserError: a file or a model that cannot be used.
  """
  if not hasattr(model, "predict"):
    model = open_model(model)
  return model.predict(source, rate_hz)


def train(config: "ConfigDict", workdir: str | pathlib.Path) -> "list[Row]":
  """Trains all members of an experiment and evaluates them; what is finished is not done again.

  Returns:
    The rows of the evaluation; the workdir holds checkpoints, rows and a report.

  Raises:
    jaxsig.errors.UserError: a config, data or a workdir that cannot be used.
    jaxsig.errors.Interrupted: stopped after saving; the same call continues.
  """
  return _run(config, workdir, fit=True)


def evaluate(config: "ConfigDict", workdir: str | pathlib.Path) -> "list[Row]":
  """Evaluates the trained members of a workdir; arguments, result and errors as of `train`."""
  return _run(config, workdir, fit=False)


def _run(config: "ConfigDict", workdir: str | pathlib.Path, fit: bool) -> "list[Row]":
  quiet_xla()
  from jaxsig import paths
  from jaxsig.engine import mesh
  from jaxsig.experiment import checks, sweep
  from jaxsig.report.rows import read_rows
  checks.require_experiment(config)
  workdir = paths.folder(workdir, "the workdir")
  mesh.cache_programs()
  mesh.open_devices()
  sweep.report(sweep.experiment(config, workdir, fit), workdir / "report")
  return read_rows(workdir / "rows.jsonl")


def check_gradients(loss: "Callable | ConfigDict", params: Any = None, **options: Any) -> Any:
  """Compares automatic gradients with central differences.

  Print the report, or ask its `ok` and `worst`.

  Args:
    loss: a config, whose loss is checked on simulated windows, or a function: params -> scalar.
    params: of a function, pytree of floating-point arrays.
    options: elements, directions, step, seed, x64: see `jaxsig.engine.gradients.check_gradients`.

  Raises:
    jaxsig.errors.UserError: a config that cannot be used, or parameters that are not real floating
    point.
  """
  quiet_xla()
  from jaxsig.engine import gradients, mesh
  from jaxsig.experiment import checks
  mesh.open_devices()
  if callable(loss):
    return gradients.check_gradients(loss, params, **options)
  checks.require_settings(loss)
  return gradients.check_config(loss, **options)


__all__: Sequence[str] = (
  "__version__",
  "check_gradients",
  "evaluate",
  "load_config",
  "open_model",
  "predict",
  "train",
)
