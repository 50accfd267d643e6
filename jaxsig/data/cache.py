"""From a config to prepared records: real where the folder has them, else simulated; cached as plain arrays."""
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
from typing import Any, NamedTuple

import numpy as np

from jaxsig.data.records import Record, Windows, stack_windows, stitch, warped
from jaxsig.errors import UserError


class Prepared(NamedTuple):
  """What training and evaluation read: records with their stitched windows, all windows in one place, and what they are."""
  records: list[Record]
  windows: Windows
  fingerprint: str        # of the content: twelve hex digits
  source: str             # the data set's name, or "simulated"

  @property
  def groups(self) -> list[str]:
    """The patient of each record."""
    return [r.group for r in self.records]


def source_of(data: Any, config: Any) -> str:
  """"real" or "simulated", by `config.data.source` (auto, real, simulated) and what the folder holds.

  Raises:
    UserError: an unknown source, or a folder that is named but missing, or without such recordings.
  """
  source, folder = config.data.source, config.data_dir
  if source not in ("auto", "real", "simulated"):
    raise UserError(f"unknown data.source {source!r}: use auto, real or simulated")
  if source == "simulated" or (source == "auto" and not folder):
    return "simulated"
  if not folder:
    raise UserError("data.source=real needs the recordings: name their folder with --config.data_dir")
  path = pathlib.Path(folder)
  if not path.is_dir() or not any(path.iterdir()) or not (source == "real" or data.sources(path)):
    what = "is missing" if not path.is_dir() else "is empty" if not any(path.iterdir()) else f"holds nothing of {config.data.name}"
    raise UserError(f"the data folder {folder} {what}: name the folder that holds the recordings with --config.data_dir, "
                    "or leave it out to use the simulator")
  return "real"


def load(data: Any, config: Any) -> Prepared:
  """Loads or simulates the records of `config.data`, with the windows of each, from the cache where it has them."""
  source = source_of(data, config)
  if not config.cache_dir:
    records, windows = _build(data, config, source)
    return _prepared(records, stack_windows(records, windows), config)
  folder = pathlib.Path(config.cache_dir) / _key(data, config, source)
  if not (folder / "records.json").exists():
    records, windows = _build(data, config, source)
    _write(folder, records, windows)
  return _prepared(*_read(folder), config)


def _build(data: Any, config: Any, source: str) -> tuple[list[Record], list[dict]]:
  if source == "real":
    records = data.load(pathlib.Path(config.data_dir), config.data)
  else:
    records = data.simulate(config.data.simulate_seed, config.data.simulate_patients, config.data)
  windows = [data.prepare(r, config.data) for r in records]
  stitched = [r._replace(prepared=stitch({k: x for k, x in w.items() if k.endswith("_t")}, w["start_s_b"], config.data.window_s))
              for r, w in zip(records, windows, strict=True)]
  return stitched, [_with_warps(data, r, w, config.data) for r, w in zip(records, windows, strict=True)]


def _with_warps(data: Any, record: Record, windows: dict, config: Any) -> dict:
  """A record's windows, then as many at most of the record warped in time by each of `config.warps`; `warp_b` is 1 for its own."""
  parts = [(1.0, windows)]
  n = len(windows["start_s_b"])
  for factor in getattr(config, "warps", ()):
    copy = warped(record, factor)
    if copy.duration_s >= config.window_s:
      more = data.prepare(copy, config)
      few = np.unique(np.linspace(0, len(more["start_s_b"]) - 1, n).astype(int))
      parts.append((factor, {k: x[few] for k, x in more.items()}))
  joined = {k: np.concatenate([w[k] for _, w in parts]) for k in windows}
  return {**joined, "warp_b": np.concatenate([np.full(len(w["start_s_b"]), f, np.float32) for f, w in parts])}


def _prepared(records: list[Record], windows: Windows, config: Any) -> Prepared:
  digest = hashlib.sha256()
  for record in records:
    digest.update(f"{record.id} {record.group} {record.rate_hz}".encode())
    for part in (record.signals, record.annotations):
      for name in sorted(part):
        digest.update(name.encode() + np.ascontiguousarray(part[name]).tobytes())
  for name in sorted(windows.arrays):
    digest.update(name.encode() + np.ascontiguousarray(windows.arrays[name]).tobytes())
  simulated = all(r.info["source"] == "simulated" for r in records)
  return Prepared(records, windows, digest.hexdigest()[:12], "simulated" if simulated else config.data.name)


def _key(data: Any, config: Any, source: str) -> str:
  """Cache key: the source files' names, sizes and times, the data settings, and the code that reads and prepares."""
  digest = hashlib.sha256(json.dumps(config.data.to_dict(), sort_keys=True).encode() + source.encode())
  if source == "real":
    for path in sorted(data.sources(pathlib.Path(config.data_dir))):
      stat = path.stat()
      digest.update(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode())
  for path in sorted(pathlib.Path(__file__).parent.rglob("*.py")):
    digest.update(path.read_bytes())
  return digest.hexdigest()[:16]


def _write(folder: pathlib.Path, records: list[Record], windows: list[dict]) -> None:
  """Writes aside and renames, so that a killed run leaves no half cache."""
  try:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making_"))
  except OSError as error:
    raise UserError(f"the cache folder {folder.parent} cannot be written ({error.strerror}): "
                    "name another with --config.cache_dir") from error
  stacked = stack_windows(records, windows)
  for name, array in {**stacked.arrays, "record": stacked.record_b, "id": stacked.id_b_2}.items():
    np.save(aside / f"windows.{name}.npy", array)
  for r in records:
    parts = {"signals": r.signals, "annotations": r.annotations, "prepared": r.prepared}
    np.savez(aside / f"record.{r.id}.npz", **{f"{p}/{k}": v for p, d in parts.items() for k, v in d.items()})
  heads = [{"id": r.id, "group": r.group, "rate_hz": r.rate_hz, "info": r.info} for r in records]
  (aside / "records.json").write_text(json.dumps(heads))
  try:
    os.replace(aside, folder)
  except OSError:  # another process was first, with the same content
    shutil.rmtree(aside, ignore_errors=True)


def _read(folder: pathlib.Path) -> tuple[list[Record], Windows]:
  records = []
  for head in json.loads((folder / "records.json").read_text()):
    parts = {"signals": {}, "annotations": {}, "prepared": {}}
    with np.load(folder / f"record.{head['id']}.npz", allow_pickle=False) as stored:
      for name in stored.files:
        part, key = name.split("/", 1)
        parts[part][key] = stored[name] if stored[name].ndim else stored[name].item()
    records.append(Record(**head, **parts))
  names = sorted(p.name.split(".")[1] for p in folder.glob("windows.*.npy"))
  arrays = {n: np.load(folder / f"windows.{n}.npy", mmap_mode="r", allow_pickle=False) for n in names}
  record, ids = np.asarray(arrays.pop("record")), np.asarray(arrays.pop("id"))
  return records, Windows(arrays, record, ids)
