"""Recordings of one's own in odd forms: tables, arrays and files that breathe at 15 a minute."""

import datetime
import gzip
import json
import pathlib
import zipfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

RATE_HZ = 50.0
DURATION_S = 130.0
START = datetime.datetime(2024, 5, 1, 23, 58, 30)

Make = Callable[[pathlib.Path], object]  # (empty folder) -> a path or an array


class Odd(NamedTuple):
  """An odd input: made in a folder of its own, read with a sampling rate or without."""

  name: str
  make: Make
  rate_hz: object = None
  answers: bool | None = None  # whether it must be answered; None: answered or refused


def recording(duration_s: float = DURATION_S, rate_hz: float = RATE_HZ) -> np.ndarray:
  """A pulse at 72 a minute, which rises faster than it falls, and breathes at 15 a minute."""
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  breath_t = np.sin(2 * np.pi * 0.25 * time_s)
  beat_t = (1.2 * time_s) % 1
  rise_t = np.exp(-0.5 * ((beat_t - 0.2) / 0.08) ** 2)
  fall_t = 0.4 * np.exp(-0.5 * ((beat_t - 0.5) / 0.12) ** 2)
  noise_t = 0.01 * np.random.default_rng(0).standard_normal(len(time_s))
  return (1 + 0.2 * breath_t) * (rise_t + fall_t) + 0.5 * breath_t + noise_t


X_T = recording()
TIME_S = np.arange(len(X_T)) / RATE_HZ


def array(x: object) -> Make:
  """An input that is an array."""

  def make(folder: pathlib.Path) -> object:
    del folder
    return x

  return make


def text(content: str | bytes, name: str = "mine.csv") -> Make:
  """An input that is a file with this content."""

  def make(folder: pathlib.Path) -> pathlib.Path:
    path = folder / name
    if isinstance(content, bytes):
      path.write_bytes(content)
    else:
      path.write_text(content)
    return path

  return make


def lines(*columns: object, head: str = "", sep: str = ",", form: str = "{:.5f}") -> str:
  """A table of columns, of numbers or texts, under a header line."""
  rows = []
  for cells in zip(*columns, strict=True):
    words = []
    for cell in cells:
      if isinstance(cell, str):
        words.append(cell)
      else:
        words.append(form.format(cell))
    rows.append(sep.join(words))
  table = "\n".join(rows) + "\n"
  if head:
    return head + "\n" + table
  return table


def put(value: float, places: object, x_t: np.ndarray = X_T) -> np.ndarray:
  """A copy with a value in some places."""
  changed_t = np.array(x_t, np.float64)
  changed_t[places] = value
  return changed_t


def arrays() -> Iterator[Odd]:
  """Types, shapes and values of arrays."""
  counts_t = np.rint(1000 * X_T + 5000)
  for kind in ("float16", "float32", "float64", ">f4", ">f8", "longdouble"):
    yield Odd(f"array of {kind}", array(X_T.astype(kind)), RATE_HZ, True)
  for kind in ("int16", "uint16", "int32", "uint32", "int64", "uint64", ">i2"):
    yield Odd(f"array of {kind}", array(counts_t.astype(kind)), RATE_HZ, True)
  for kind in ("complex64", "bool", "object", "str", "bytes", "datetime64[s]"):
    yield Odd(f"array of {kind}", array(counts_t.astype(np.int64).astype(kind)), RATE_HZ)

  yield Odd("list", array(X_T.tolist()), RATE_HZ, True)
  yield Odd("tuple", array(tuple(X_T.tolist())), RATE_HZ, True)
  yield Odd("column", array(X_T[:, None]), RATE_HZ)
  yield Odd("row", array(X_T[None]), RATE_HZ)
  yield Odd("two columns", array(np.stack([X_T, X_T], -1)), RATE_HZ, False)
  yield Odd("two rows", array(np.stack([X_T, X_T])), RATE_HZ, False)
  yield Odd("three axes", array(X_T[:, None, None]), RATE_HZ)
  yield Odd("every second sample", array(np.repeat(X_T, 2)[::2]), RATE_HZ, True)
  yield Odd("read only", array(np.broadcast_to(X_T, X_T.shape)), RATE_HZ, True)
  masked_t = np.ma.MaskedArray(put(-9999, slice(500, 530)))
  masked_t[500:530] = np.ma.masked
  yield Odd("masked", array(masked_t), RATE_HZ, True)
  yield Odd("all masked", array(np.ma.MaskedArray(X_T, True)), RATE_HZ, False)
  for name, x in (
    ("none", None),
    ("a number", 5),
    ("empty", []),
    ("a dict", {"x": [1, 2]}),
    ("ragged", [[1, 2], [3]]),
    ("bytes", b"abc"),
    ("one sample", [1.0]),
    ("zero axes", np.array(3.0)),
    ("a set", {1, 2}),
    ("a generator", iter([1.0])),
    ("texts", ["1", "2"]),
    ("nothing finite", np.full(5000, np.nan)),
    ("flat", np.ones(5000)),
    ("a type", float),
    ("a record array", np.zeros(5000, [("a", "f4"), ("b", "f4")])),
  ):
    yield Odd(name, array(x), RATE_HZ, False)
  for rate_hz in (0, -5, np.nan, np.inf, 1e-9, 1e12, "a", [50], True, None, 50j):
    yield Odd(f"rate_hz={rate_hz!r}", array(X_T), rate_hz, False)
  for rate_hz in (50, np.float32(50), np.int64(50), np.array(50.0)):
    yield Odd(f"rate_hz={rate_hz!r}", array(X_T), rate_hz)


def numbers() -> Iterator[Odd]:
  """What a number may mean."""
  random = np.random.default_rng(1)
  few = random.integers(0, len(X_T), 5)
  runs = np.concatenate([np.arange(i, i + 75) for i in (1000, 2500, 4500)])
  level_t = 2000 + 200 * X_T
  for value in (np.nan, np.inf, -np.inf, -9999, -999, -1e30, 1e20, 65535, -32768, 9.97e36):
    yield Odd(f"five of {value:g}", array(put(value, few)), RATE_HZ)
    yield Odd(f"runs of {value:g}", array(put(value, runs)), RATE_HZ)
  for value in (-1, 0, 65535, 4095, -1000):
    yield Odd(f"five of {value} at a level of 2000", array(put(value, few, level_t)), RATE_HZ)
    yield Odd(f"runs of {value} at a level of 2000", array(put(value, runs, level_t)), RATE_HZ)
  for offset in (1e5, 1e7, 1e9, -1e9, 1e12):
    yield Odd(f"offset {offset:g}", array(X_T + offset), RATE_HZ)
    yield Odd(f"whole numbers on {offset:g}", array(np.rint(100 * X_T + offset)), RATE_HZ)
  for scale in (1e-30, 1e-12, 1e-6, 1e6, 1e20, 1e37, 1e300):
    yield Odd(f"scale {scale:g}", array(scale * X_T), RATE_HZ)
  yield Odd("upside down", array(-X_T), RATE_HZ, True)
  yield Odd("upside down on an offset", array(4095 - 500 * X_T), RATE_HZ, True)
  yield Odd("clipped", array(np.clip(X_T, None, 0.9)), RATE_HZ)
  yield Odd("a second of zeros", array(put(0, slice(3000, 3050))), RATE_HZ)
  yield Odd("half of zeros", array(put(0, slice(0, 3200))), RATE_HZ)
  yield Odd("zeros at the end", array(np.concatenate([X_T, np.zeros(3000)])), RATE_HZ)
  yield Odd("noise", array(random.standard_normal(6000)), RATE_HZ)
  yield Odd("a ramp", array(np.arange(6000.0)), RATE_HZ, False)
  yield Odd("two values", array(np.sign(X_T)), RATE_HZ)


def tables() -> Iterator[Odd]:
  """Forms of delimited text."""
  german = lines(TIME_S, X_T, sep=";", head="Zeit;PPG").replace(".", ",")
  yield Odd("semicolons", text(lines(TIME_S, X_T, sep=";", head="time;PPG")), None, True)
  yield Odd("tabs", text(lines(TIME_S, X_T, sep="\t", head="time\tPPG"), "mine.tsv"), None, True)
  yield Odd("blanks", text(lines(TIME_S, X_T, sep="  ", head="time PPG"), "mine.txt"))
  yield Odd("bars", text(lines(TIME_S, X_T, sep="|", head="time|PPG")))
  yield Odd("decimal commas", text(german), None, True)
  yield Odd("decimal commas, tabs", text(german.replace(";", "\t")))
  yield Odd("decimal commas alone", text(lines(X_T).replace(".", ",")), RATE_HZ)
  yield Odd("quoted", text(lines([f'"{x:.5f}"' for x in X_T])), RATE_HZ, True)
  yield Odd(
    "quoted under a header", text(lines([f'"{x:.5f}"' for x in X_T], head='"PPG"')), RATE_HZ, True
  )
  for encoding in ("utf-8-sig", "utf-16", "latin-1"):
    content = lines(TIME_S, X_T, head="time,PPG (µV)").encode(encoding)
    yield Odd(encoding, text(content))
  yield Odd(
    "CRLF", text(lines(TIME_S, X_T, head="time,PPG").replace("\n", "\r\n").encode()), None, True
  )
  yield Odd("CR", text(lines(TIME_S, X_T, head="time,PPG").replace("\n", "\r").encode()))
  yield Odd(
    "delimiters at the ends", text(lines(TIME_S, X_T, head="time,PPG,").replace("\n", ",\n"))
  )
  yield Odd("blank lines", text(lines(TIME_S, X_T, head="time,PPG").replace("\n", "\n\n")))
  yield Odd("a comment", text("# of my watch\n" + lines(TIME_S, X_T, head="time,PPG")))
  yield Odd("a title and a blank line", text("My watch\n\n" + lines(TIME_S, X_T, head="time,PPG")))
  yield Odd("units below names", text(lines(TIME_S, X_T, head="time,PPG\ns,mV")))
  yield Odd("no header", text(lines(TIME_S, X_T)))
  yield Odd(
    "a label in each row", text(lines(TIME_S, X_T, ["rest"] * len(X_T), head="time,PPG,state"))
  )
  yield Odd("missing words", text(lines(TIME_S, X_T, head="time,PPG").replace("0.5", "NA", 3)))
  yield Odd("a last line cut", text(lines(TIME_S, X_T, head="time,PPG")[:-9]))
  yield Odd("a short row", text(lines(TIME_S, X_T, head="time,PPG") + "130.0\n"))
  yield Odd("a long row", text(lines(TIME_S, X_T, head="time,PPG") + "130.0,1,2,3\n"))
  yield Odd(
    "thousands", text(lines([f'"{x:,.0f}"' for x in 50000 + 9000 * X_T], head="PPG")), RATE_HZ
  )
  yield Odd(
    "gzip", text(gzip.compress(lines(TIME_S, X_T, head="time,PPG").encode()), "mine.csv.gz")
  )
  yield Odd("gzip by another name", text(gzip.compress(lines(X_T).encode())), RATE_HZ)
  yield Odd("wearable", text("1500000000.000000\n50.000000\n" + lines(X_T), "BVP.csv"), None, True)
  yield Odd(
    "wearable, its rate given", text("1500000000.0\n50.0\n" + lines(X_T), "BVP.csv"), RATE_HZ, True
  )
  yield Odd(
    "wearable, another rate given",
    text("1500000000.0\n50.0\n" + lines(X_T), "BVP.csv"),
    64.0,
    False,
  )
  for head in ("time,PPG,PPG", "time,PPG,PLETH", "time,PPG ,PPG", 'time,PPG,"PPG"'):
    yield Odd(f"columns {head}", text(lines(TIME_S, X_T, X_T[::-1], head=head)), None, False)
  for head in ("time,ECG", "time,RESP", "time,ABP", "time,SpO2", "time,acc_x"):
    yield Odd(f"columns {head}", text(lines(TIME_S, X_T, head=head)), None, False)
  for name, content in (
    ("empty", b""),
    ("blank", b"\n\n \n"),
    ("words", b"to be or not to be\n"),
    ("NUL", b"\0" * 5000),
    ("a header alone", b"time,PPG\n"),
    ("bytes", bytes(range(256)) * 40),
    ("one line", b"0.0,1.0\n"),
    ("JSON", json.dumps({"ppg": X_T.tolist()}).encode()),
    ("HTML", b"<html><body>1,2</body></html>"),
    ("one quote", b'"1,2\n3,4\n'),
    ("a long line", b"1," * 200_000),
    ("dates only", b"2024-05-01\n" * 9),
  ):
    yield Odd(f"text: {name}", text(content), RATE_HZ, False)


def stamps() -> Iterator[Odd]:
  """Columns of time."""

  def table(time: object, head: str = "time", x_t: np.ndarray = X_T, **options: str) -> Make:
    return text(lines(time, x_t, head=f"{head},PPG", **options))

  epoch_s = 1.7e9 + TIME_S
  iso = [(START + datetime.timedelta(seconds=s)).isoformat() for s in TIME_S.tolist()]
  for head in ("time", "t", "timestamp", "Time(s)", "time_sec", "Time [s]", "TIME", "seconds"):
    yield Odd(f"time named {head}", table(TIME_S, head), None, True)
  for head in ("time_ms", "Time (ms)", "timestamp[ms]", "t_ms", "milliseconds"):
    yield Odd(f"time named {head}", table(1000 * TIME_S, head), None, True)
  yield Odd("milliseconds, unnamed", table(1000 * TIME_S))
  yield Odd("microseconds, unnamed", table(1e6 * TIME_S))
  yield Odd("minutes, named", table(TIME_S / 60, "time_min"))
  yield Odd("epoch in s", table(epoch_s, "timestamp", form="{:.6f}"))
  yield Odd("epoch in ms", table(1000 * epoch_s, "timestamp", form="{:.5f}"))
  yield Odd(
    "epoch in ns", text(lines([str(round(1e9 * s)) for s in epoch_s], X_T, head="timestamp,PPG"))
  )
  yield Odd("ISO dates", table(iso, "timestamp"))
  yield Odd("ISO dates with a zone", table([s + "Z" for s in iso], "datetime"))
  yield Odd("times over midnight", table([s.partition("T")[2] for s in iso]))
  for digits in (1, 2, 3):
    rounded = [f"{s:.{digits}f}" for s in TIME_S]
    yield Odd(f"rounded to {digits} digits", table(rounded))
  yield Odd("whole seconds", table([f"{int(s)}" for s in TIME_S]))
  order = np.random.default_rng(2).permutation(len(X_T))
  yield Odd("shuffled", table(TIME_S[order], x_t=X_T[order]))
  yield Odd("backwards", table(TIME_S[::-1], x_t=X_T[::-1]))
  yield Odd("two twice", table(np.sort(np.append(TIME_S[:-2], [1.0, 2.0])), x_t=X_T))
  jumped_s = TIME_S + 20 * (TIME_S > 65)
  yield Odd("a gap of 20 s", table(jumped_s))
  yield Odd("a gap of six days", table(TIME_S + 6 * 86400.0 * (TIME_S > 65)), None, False)
  yield Odd("a gap of a year", table(TIME_S + 3e7 * (TIME_S > 65)), None, False)
  yield Odd("started twice", table(TIME_S % 65))
  yield Odd("constant", table(0 * TIME_S), None, False)
  yield Odd("no time", table(np.nan * TIME_S), None, False)
  yield Odd("a time missing", table(put(np.nan, [700], TIME_S)))
  yield Odd("infinite time", table(put(np.inf, [700], TIME_S)))
  for name, kept in (
    ("30 to 25 a second", _slowing()),
    ("dropped frames", _dropped()),
    ("in bursts", _bursts()),
  ):
    time_s, x_t = kept
    yield Odd(name, table(time_s, x_t=x_t))
  yield Odd("frame numbers", table(np.arange(len(X_T)), "frame"))
  yield Odd("another rate given", table(TIME_S), 64.0, False)


def _slowing() -> tuple[np.ndarray, np.ndarray]:
  time_s = np.concatenate([np.arange(0, 60, 1 / 30), np.arange(60, 129, 1 / 25)])
  return time_s, np.interp(time_s, TIME_S, X_T)


def _dropped() -> tuple[np.ndarray, np.ndarray]:
  kept = np.random.default_rng(3).random(len(X_T)) > 0.1
  return TIME_S[kept], X_T[kept]


def _bursts() -> tuple[np.ndarray, np.ndarray]:
  """Ten samples arrive with one stamp."""
  return TIME_S[9 + np.arange(len(X_T)) // 10 * 10], X_T


def files() -> Iterator[Odd]:
  """Files of other kinds, and broken ones."""

  def saved(x: object, **options: bool) -> Make:
    def make(folder: pathlib.Path) -> pathlib.Path:
      np.save(folder / "mine.npy", x, **options)
      return folder / "mine.npy"

    return make

  def declared(folder: pathlib.Path) -> pathlib.Path:
    np.save(folder / "mine.npy", X_T)
    content = (folder / "mine.npy").read_bytes().replace(b"(6500,), }      ", b"(10000000000,), }")
    (folder / "mine.npy").write_bytes(content)
    return folder / "mine.npy"

  def archive(folder: pathlib.Path) -> pathlib.Path:
    np.savez(folder / "mine.npz", X_T)
    return folder / "mine.npz"

  def zipped(folder: pathlib.Path) -> pathlib.Path:
    with zipfile.ZipFile(folder / "mine.zip", "w") as made:
      made.writestr("mine.csv", lines(X_T))
    return folder / "mine.zip"

  yield Odd("npy", saved(X_T), RATE_HZ, True)
  yield Odd("npy without a rate", saved(X_T), None, False)
  yield Odd("npy of a column", saved(X_T[:, None]), RATE_HZ)
  yield Odd("npy of objects", saved(X_T.astype(object), allow_pickle=True), RATE_HZ, False)
  yield Odd("npy of texts", saved(X_T.astype(str)), RATE_HZ, False)
  yield Odd("npy of 1e10 samples", declared, RATE_HZ, False)
  yield Odd("npz", archive, RATE_HZ)
  yield Odd("zip", zipped, RATE_HZ)
  yield Odd("the folder", lambda folder: folder, RATE_HZ, False)
  yield Odd("nothing there", lambda folder: folder / "missing.csv", RATE_HZ, False)
  yield Odd("nothing there, no suffix", lambda folder: folder / "missing", RATE_HZ, False)
  yield Odd("below a file", lambda folder: text("1")(folder) / "x.csv", RATE_HZ, False)
  yield Odd("a text for a path", array("mine.csv"), RATE_HZ, False)
  yield Odd("an empty text", array(""), RATE_HZ, False)
  yield Odd("a NUL in a path", array("a\0b.csv"), RATE_HZ, False)
  yield Odd("a long path", array("x" * 5000 + ".csv"), RATE_HZ, False)
  for suffix in (
    "npy",
    "npz",
    "hea",
    "dat",
    "edf",
    "bdf",
    "mat",
    "xlsx",
    "parquet",
    "json",
    "h5",
    "png",
    "gz",
    "CSV",
    "",
    "wav",
  ):
    name = f"mine.{suffix}".rstrip(".")
    yield Odd(f"{name} of bytes", text(bytes(range(256)) * 20, name), RATE_HZ, False)
    yield Odd(f"{name}, empty", text(b"", name), RATE_HZ, False)


def records() -> Iterator[Odd]:
  """WFDB records."""

  def made(names: list[str], edit: Callable[[str], str] = str) -> Make:
    def make(folder: pathlib.Path) -> pathlib.Path:
      import wfdb

      signals = np.stack([X_T] * len(names), -1)
      wfdb.wrsamp(
        "mine",
        RATE_HZ,
        ["NU"] * len(names),
        names,
        signals,
        fmt=["16"] * len(names),
        write_dir=str(folder),
      )
      header = folder / "mine.hea"
      header.write_text(edit(header.read_text()))
      return folder / "mine"

    return make

  yield Odd("record", made(["PLETH"]), None, True)
  yield Odd("record of PLETH and II", made(["PLETH", "II"]), None, True)
  for names in (["II"], ["RESP"], ["ABP"], ["II", "V"], ["RESP", "II"]):
    yield Odd(f"record of {' and '.join(names)}", made(names), None, False)
  yield Odd(
    "record without a rate",
    made(["PLETH"], lambda text: text.replace(" 1 50 6500", " 1")),
    None,
    False,
  )
  yield Odd(
    "record without a rate, given",
    made(["PLETH"], lambda text: text.replace(" 1 50 6500", " 1")),
    RATE_HZ,
    True,
  )
  yield Odd(
    "record without a description", made(["PLETH"], lambda text: text.replace(" PLETH", ""))
  )
  yield Odd(
    "record with more samples than it has",
    made(["PLETH"], lambda text: text.replace("6500", "65000")),
    None,
    False,
  )
  yield Odd(
    "record of 1e12 samples",
    made(["PLETH"], lambda text: text.replace("6500", "1000000000000")),
    None,
    False,
  )
  for name, edit in (
    ("empty", lambda text: ""),
    ("words", lambda text: "to be\nor not\n"),
    ("cut", lambda text: text[:20]),
    ("another file", lambda text: text.replace("mine.dat", "other.dat")),
    ("format 999", lambda text: text.replace(" 16 ", " 999 ")),
    ("negative rate", lambda text: text.replace(" 50 ", " -50 ")),
  ):
    yield Odd(f"record, header: {name}", made(["PLETH"], edit), None, False)


def every() -> list[Odd]:
  """All odd recordings."""
  return [*arrays(), *numbers(), *tables(), *stamps(), *files(), *records()]
