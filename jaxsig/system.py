"""The contracts of a system: data, task, protocol and own-file parts.

Other code knows a system by these four parts only. `config.system` names it: a folder of
`jaxsig/systems/`, or any module with `make(config) -> System`, such as "mylab.mysystem".
"""
import functools
import importlib
import pkgutil
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.config import nearest, require_known
from jaxsig.errors import UserError
from jaxsig.rows import Row
from jaxsig.setting_rules import Rule
from jaxsig.table_text import Table

if TYPE_CHECKING:
  from jaxsig.data.records import Record

Params = Any                      # a pytree of arrays: what is trained
Stats = Any                       # a pytree of arrays: running statistics of a network
Batch = Mapping[str, Any]         # {name_b_...: array}; `mask_b` is 0 for padding rows
Predictions = Mapping[str, Any]   # {name_axes: array} of a record; "rate_hz" with any `_t`
Plain = Mapping[str, Any]         # plain JSON values


class Data(NamedTuple):
  """Where records come from and how windows are cut from them; numpy only.

  `config` is the experiment's `config.data`.

  Attributes:
    load: (folder, config) -> iterable of Record; UserError names the first file that cannot be
      used and the remedy.
    simulate: (seed, n, config) -> iterable of Record of the same form: the embedded default, of
      n groups.
    spans: (record, config) -> Spans: where the record's windows lie.
    cut: (record, spans, config) -> {name_b_...: array}: those windows; the same function for
      training, evaluation and a user's own files.
    inspect: (folder) -> {"records": [{...}], "skipped": [{"record", "why"}], "licence": str,
      "citation": [str]}, and where there are any "findings": [sentence].
    sources: (folder) -> [path]: the files that `load` reads; empty where there is no such data.
    about: {"licence", "citation"} as of `inspect`, where they are known without reading the folder.
  """
  load: Callable
  simulate: Callable
  spans: Callable
  cut: Callable
  inspect: Callable
  sources: Callable
  about: Plain = {}


class Task(NamedTuple):
  """A learnt model as pure JAX functions; nothing here knows of members, devices or files.

  Attributes:
    init: (key, batch) -> (params, stats).
    loss: (params, stats, batch, key) -> (scalar, (stats, {name: scalar})); all randomness of a
      training is here, by key.
    predict: (params, stats, batch, keys_b) -> {name_axes: array}, one key an example.
    finish: (record, predictions) -> predictions, once a record after stitching; None: as they are.
    extras: what an optimiser or a figure asks for by name: "curvature", "show".
  """
  init: Callable
  loss: Callable
  predict: Callable
  finish: Callable | None = None
  extras: Mapping[str, Callable] = {}


class Aggregate(NamedTuple):
  """How scores are averaged at each stage: "mean" or "median".

  Units within a record, then members that score the same record (seeds; always their mean), then
  records within a group, then groups.
  """
  units: str = "mean"
  records: str = "mean"
  groups: str = "mean"


class Metric(NamedTuple):
  """What a table needs to know of a metric.

  Attributes:
    title: in words, for readers; the metric's own name is its protocol.
    unit: of its values.
    is_error: rows hold truth and estimate; else a value.
    better: "lower", "higher", or "" where neither is better.
    within: tolerances of an error: the share of units within each is told.
    aggregate: how its rows are averaged.
    decimals: of its figures.
    targets: the quantities or sources that its rows have; empty where they have none.
    is_count: it counts parts of the method itself, which is no sample: its figures have no
      interval.
  """
  title: str
  unit: str = ""
  is_error: bool = False
  better: str = "lower"
  within: tuple[float, ...] = ()
  aggregate: Aggregate = Aggregate()
  decimals: int = 2
  targets: tuple[str, ...] = ()
  is_count: bool = False


class Baseline(NamedTuple):
  """A method without training, or a simple one, in the same rows as the learnt system.

  It sees records rather than windows: beats need the native sampling rate, a rate needs a minute.

  Attributes:
    fit: (training records) -> params, possibly None; a constant predictor learns its constant.
    predict: (params, record) -> predictions, as a Task's after stitching.
    title: in words, for readers; empty: its name in `Protocol.baselines`.
  """
  fit: Callable
  predict: Callable
  title: str = ""


def fitted_once(fit: Callable) -> Callable:
  """A `Baseline.fit` for several baselines, done once while they get the very same records."""
  last = []   # the records and what was fitted on them

  def fit_or_last(records: "Sequence[Record]") -> Any:
    if not last or last[0] is not records:
      last[:] = [records, fit(records)]
    return last[1]

  return fit_or_last


class Words(NamedTuple):
  """What a field calls groups, records and units in tables and pages."""
  group: str = "group"
  groups: str = "groups"
  record: str = "record"
  records: str = "records"
  unit: str = "window"
  units: str = "windows"


class Material(NamedTuple):
  """What a system's own figures and tables are made from.

  Attributes:
    rows: all rows of the report.
    methods: best first.
    reference: the method that the report is about.
    primary: keys of the primary metrics, see `Row.key`.
    stored: (method, row) -> what `Protocol.keep` stored of the row's record, or None.
    records: (method) -> all that `Protocol.keep` stored of it.
    shown: () -> (member, what `Task.extras["show"]` gave) of each member.
  """
  rows: "Sequence[Row]"
  methods: Sequence[str]
  reference: str
  primary: Sequence[str]
  stored: "Callable[[str, Row], Predictions | None]"
  records: Callable[[str], Iterable[Predictions]]
  shown: Callable[[], Iterable[tuple[str, Predictions]]]


class Figure(NamedTuple):
  """A figure of a report; `draw` gives a matplotlib figure, or None where material is missing."""
  name: str   # of its file
  title: str
  note: str
  draw: Callable


class Sound(NamedTuple):
  """Something to listen to."""
  label: str
  encode: Callable[[], bytes]   # an MP3 file


class Listening(NamedTuple):
  """Sounds of a report that belong together, such as a truth and its estimates."""
  name: str   # of their files
  title: str
  note: str
  sounds: Sequence[Sound]


class Protocol(NamedTuple):
  """How a system is judged and told of; numpy.

  Attributes:
    score: (record with predictions) -> iterable of Row.
    metrics: {name: Metric} by the name in `Row.metric`.
    baselines: {method: Baseline}.
    words: of the field.
    calibrate: (iterable of validation records with predictions) -> plain JSON values: what a
      method's output says of its own error.
    assess: (predictions, what `calibrate` gave) -> {name_b: array}, which join the predictions.
    keep: (record with predictions) -> {name: array} stored for figures; None: nothing is stored.
    figures: (Material) -> [Figure].
    tables: (Material) -> [Table], beside those that every report has.
    listening: (Material) -> [Listening]: what the report plays.
  """
  score: Callable
  metrics: Mapping[str, Metric]
  baselines: Mapping[str, Baseline]
  words: Words = Words()
  calibrate: Callable | None = None
  assess: Callable | None = None
  keep: Callable | None = None
  figures: Callable[[Material], Sequence[Figure]] | None = None
  tables: Callable[[Material], Sequence[Table]] | None = None
  listening: Callable[[Material], Sequence[Listening]] | None = None


class OwnOptions(NamedTuple):
  """What reading a user's own file may depend on."""
  rate_hz: float | None   # --rate_hz, where the file does not say it
  data: ConfigDict        # config.data
  own: ConfigDict         # config.own


class Seen(NamedTuple):
  """How much of a row's unit the model saw, in seconds."""
  length_s: float
  bridged_s: float        # of it that a straight line fills
  unseen_s: float         # of it that no window covers
  silent_s: float = 0.0   # of it in which the signal tells nothing, by info["silent_s"]


class OwnFile(NamedTuple):
  """A user's own file: read, judged, told, written, and as a typed Python value.

  Attributes:
    read: (path or array, OwnOptions) -> Record, NaN in gaps; UserError says what is wrong.
    judge: (row, Seen) -> Row with its quality, without numbers where nothing honest can be said.
    tell: (Told) -> iterable of lines for the console.
    write: (Told, folder): writes files named after the record.
    result: (Told) -> a typed value with attributes in plain names, to_dict() and a short repr.
    free: keys of config.data in which a trained model may be used otherwise than it was trained.
    options: {key of config.own: default}, for configs that were stored before the key existed.
    limits: (figures of held-out groups, as `Told.figures`) -> sentences on what a model cannot do,
      for its card; none of a system that has no such sentences.
    stride_s: (config.data) -> seconds from each window to the next, where windows of
      `config.data.window_s` lie at such places and depend on nothing beyond a window's length: a
      long recording is then predicted in pieces. None, or a value of None: it is predicted whole.
    collect: (record, config, iterable of (Spans, {name_b_...: array}) of a few windows each, in
      order) -> predictions, where all outputs of a long recording would not fit into memory. It
      takes the place of stitching and of `Task.finish`; windows are cut and predicted as it asks
      for them, so that memory is that of a batch. None: outputs are stitched.
  """
  read: Callable
  judge: Callable
  tell: Callable
  write: Callable
  result: Callable
  free: Sequence[str] = ()
  options: Mapping[str, object] = {}
  limits: Callable | None = None
  stride_s: Callable | None = None
  collect: Callable | None = None


class Told(NamedTuple):
  """All that is said of a user's record.

  Attributes:
    record: with predictions over its whole length, NaN where no window lies.
    rows: judged, of all metrics.
    primary: of the primary metrics, with a quality.
    lost_s: [k, 2] spans in seconds in which the signal is missing.
    bridged_s: [k, 2] short ones that a straight line fills.
    about: which model, config and commit said it.
    config: of the model.
    figures: {metric key: {method: {"value", "low", "high", "groups"}}} of groups that were held
      out, for a shipped model; empty where none are known.
  """
  record: "Record"
  rows: "Sequence[Row]"
  primary: "Sequence[Row]"
  lost_s: np.ndarray
  bridged_s: np.ndarray
  about: Plain
  config: ConfigDict
  figures: Plain = {}


class System(NamedTuple):
  """The four parts by which all other code knows a system."""
  data: Data
  task: Task
  protocol: Protocol
  own: OwnFile | None = None   # None: it reads no files of a user's own


def data_of(config: ConfigDict, known: Mapping[str, Data]) -> Data:
  """The data set that `config.data.name` names among those that a system knows.

  Raises:
    UserError: it is none of them.
  """
  require_known("data.name", config.data.name, known)
  return known[config.data.name]


class Rules(NamedTuple):
  """What a system's own settings may be; relations raise UserError where some do not fit."""
  settings: Mapping[str, Rule]
  relations: Sequence[Callable[[ConfigDict], None]]


def rules_of(config: ConfigDict) -> Rules:
  """The rules in `SETTINGS` and `RELATIONS` of the system's module; none where it has neither.

  Raises:
    UserError: no such system.
  """
  module = _module_of(config)
  return Rules(getattr(module, "SETTINGS", {}), getattr(module, "RELATIONS", ()))


def make(config: ConfigDict) -> System:
  """Makes the system that `config.system` names.

  Raises:
    UserError: no such system, or a module without a `make` that gives one.
  """
  module = _module_of(config)
  system = module.make(config)
  if not isinstance(system, System):
    raise UserError(
        f"make(config) of the module {config.system} gives {type(system).__name__}: "
        "return a jaxsig.system.System")
  return system


@functools.cache
def _built_in() -> list[str]:
  systems = importlib.import_module("jaxsig.systems")
  return [module.name for module in pkgutil.iter_modules(systems.__path__)]


def _module_of(config: ConfigDict) -> types.ModuleType:
  name = config.system
  built_in = _built_in()
  if name in built_in:
    return importlib.import_module(f"jaxsig.systems.{name}")

  try:
    module = importlib.import_module(name)
  except (ImportError, ValueError, TypeError) as error:
    suggestion = nearest(name, built_in)
    raise UserError(
        f"unknown system {name!r} ({error}){suggestion}, or name an importable module") from None
  if not hasattr(module, "make"):
    raise UserError(
        f"the module {name} has no function make(config) that gives a jaxsig.system.System")
  return module
