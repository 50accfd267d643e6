"""Records of a config: real where the folder has them, else simulated; kept on disk if asked."""
import functools
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record
from jaxsig.data.stored import StoredArray
from jaxsig.data.windows import Windows
from jaxsig.errors import UserError
from jaxsig.system import Data
from jaxsig.unfinished import make_aside

SIMULATED = "simulated"
IN_MEMORY_BYTES = 32 << 20   # a stored signal up to this size is read whole, a larger one in slices
HASHED_ROWS = 1 << 20        # of a signal at once


class Prepared(NamedTuple):
  """What training and evaluation read: records, the list of their windows, and what they are."""
  records: list[Record]
  windows: Windows
  fingerprint: str        # of the records' content and the settings of windows: twelve hex digits
  source: str             # the data set's name, or "simulated"


def source_of(data: Data, config: ConfigDict) -> str:
  """"real" or "simulated", by `config.data.source` and what the folder holds.

  Raises:
    UserError: an unknown source, or a folder that is named but missing, or without such recordings.
  """
  source = config.data.source
  folder = config.data_dir
  if source not in ("auto", "real", SIMULATED):
    raise UserError(f"unknown data.source {source!r}: use auto, real or simulated")
  if source == SIMULATED or (source == "auto" and not folder):
    return SIMULATED
  _require_reader(data, config)
  if not folder:
    raise UserError(
        "data.source=real needs the recordings: name their folder with --config.data_dir")

  path = pathlib.Path(folder)
  remedy = ("name the folder that holds the recordings with --config.data_dir, "
            "or leave it out to use the simulator")
  if not path.is_dir():
    raise UserError(f"the data folder {folder} is missing: {remedy}")
  if not any(path.iterdir()):
    raise UserError(f"the data folder {folder} is empty: {remedy}")
  if source == "auto" and not data.sources(path):
    raise UserError(f"the data folder {folder} holds nothing of {config.data.name}: {remedy}")
  return "real"


def _require_reader(data: Data, config: ConfigDict) -> None:
  for part in ("load", "inspect", "sources"):
    if getattr(data, part) is None:
      raise UserError(
          f"the system {config.system} reads no recordings (its Data has no {part}): leave "
          "data_dir out and set data.source=simulated, or give it one")


def load(data: Data, config: ConfigDict) -> Prepared:
  """Loads or simulates the records of `config.data`, and lists their windows."""
  source = source_of(data, config)
  if config.cache_dir:
    records = _through_cache(data, config, source)
  else:
    records = list(_made(data, config, source))
  if not records:
    raise UserError("there is no record to train or test on: check data_dir and config.data")
  prepared = prepare(data, config, records)
  if not len(prepared.windows):
    longest_s = max(record.duration_s for record in records)
    raise UserError(
        f"no record has a window: the longest of {len(records)} lasts {longest_s:g} s; use longer "
        "recordings, or windows that fit them, by the settings of config.data")
  return prepared


def prepare(data: Data, config: ConfigDict, records: list[Record]) -> Prepared:
  """Records with the list of their windows and a fingerprint."""
  simulated = all(record.info.get("source") == SIMULATED for record in records)
  name = SIMULATED if simulated else config.data.name
  return Prepared(records, Windows(data, config.data, records), _fingerprint(records, config), name)


def _made(data: Data, config: ConfigDict, source: str) -> Iterable[Record]:
  if source == "real":
    return data.load(pathlib.Path(config.data_dir), config.data)
  if config.data.simulate_groups < 1:
    raise UserError(
        f"data.simulate_groups={config.data.simulate_groups} simulates nothing: set it to 1 or "
        "more, or name a folder of recordings with --config.data_dir")
  return data.simulate(config.data.simulate_seed, config.data.simulate_groups, config.data)


def _fingerprint(records: Iterable[Record], config: ConfigDict) -> str:
  settings = {key: value for key, value in config.data.to_dict().items() if key != "source"}
  digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
  for record in records:
    digest.update(f"{record.id} {record.group} {record.rate_hz}".encode())
    for arrays in (record.signals, record.annotations):
      for name in sorted(arrays):
        digest.update(name.encode())
        _hash_array(digest, arrays[name])
  return digest.hexdigest()[:12]


def _hash_array(digest: "hashlib._Hash", x: np.ndarray | StoredArray) -> None:
  if np.ndim(x) == 0:
    digest.update(np.asarray(x).tobytes())
    return
  for first in range(0, len(x), HASHED_ROWS):
    digest.update(np.ascontiguousarray(x[first:first + HASHED_ROWS]).tobytes())


def windows_folder(data: Data, config: ConfigDict, prepared: Prepared) -> pathlib.Path:
  """The folder in the cache for the windows of these records, cut by this code."""
  digest = hashlib.sha256(prepared.fingerprint.encode())
  for path in _code_of(data):
    digest.update(path.read_bytes())
  return pathlib.Path(config.cache_dir) / f"windows_{digest.hexdigest()[:16]}"


def _through_cache(data: Data, config: ConfigDict, source: str) -> list[Record]:
  folder = pathlib.Path(config.cache_dir) / _key(data, config, source)
  if folder.exists():
    try:
      return _read(folder)
    except (OSError, ValueError, EOFError, LookupError, TypeError, AttributeError):
      shutil.rmtree(folder, ignore_errors=True)   # damaged: it is made again
  _write(folder, _made(data, config, source))
  return _read(folder)


def _key(data: Data, config: ConfigDict, source: str) -> str:
  """Cache key: the files' names, sizes and times, the data settings, and the code that reads."""
  settings = json.dumps(config.data.to_dict(), sort_keys=True)
  digest = hashlib.sha256(settings.encode() + source.encode())
  if source == "real":
    for path in sorted(data.sources(pathlib.Path(config.data_dir))):
      stat = path.stat()
      digest.update(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode())
  for path in _code_of(data):
    digest.update(path.read_bytes())
  return digest.hexdigest()[:16]


def _code_of(data: Data) -> list[pathlib.Path]:
  """The files of the code that makes records: those of jaxsig/data and of the data set itself."""
  files = set(pathlib.Path(__file__).parent.rglob("*.py"))
  for function in (data.load, data.simulate):
    while isinstance(function, functools.partial):
      function = function.func
    if hasattr(function, "__code__"):
      files.add(pathlib.Path(function.__code__.co_filename))
  return sorted(path for path in files if path.is_file())


def _write(folder: pathlib.Path, records: Iterable[Record]) -> None:
  """Writes records one by one into a folder aside, and renames it: a cache is whole or missing."""
  try:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = make_aside(folder.parent)
  except OSError as error:
    raise UserError(f"the cache folder {folder.parent} cannot be written ({error.strerror}): "
                    "name another with --config.cache_dir") from error

  heads = []
  for number, record in enumerate(records):
    own = aside / f"{number:05}"
    own.mkdir()
    for name, x in record.signals.items():
      np.save(own / f"signal.{name}.npy", np.asarray(x), allow_pickle=False)
    for name, x in record.annotations.items():
      np.save(own / f"annotation.{name}.npy", np.asarray(x), allow_pickle=False)
    heads.append({
        "id": record.id,
        "group": record.group,
        "rate_hz": record.rate_hz,
        "info": dict(record.info),
        "signals": list(record.signals),
        "annotations": list(record.annotations),
    })
  (aside / "records.json").write_text(json.dumps(heads))

  try:
    os.replace(aside, folder)
  except OSError:  # another process was first, with the same content
    shutil.rmtree(aside, ignore_errors=True)


def _read(folder: pathlib.Path) -> list[Record]:
  records = []
  heads = json.loads((folder / "records.json").read_text())
  for number, head in enumerate(heads):
    own = folder / f"{number:05}"
    signals = {name: _signal(own / f"signal.{name}.npy") for name in head.pop("signals")}
    annotations = {}
    for name in head.pop("annotations"):
      annotations[name] = np.load(own / f"annotation.{name}.npy", allow_pickle=False)
    records.append(Record(signals=signals, annotations=annotations, **head))
  return records


def _signal(path: pathlib.Path) -> np.ndarray | StoredArray:
  if path.stat().st_size <= IN_MEMORY_BYTES:
    return np.load(path, allow_pickle=False)
  return StoredArray(path)
