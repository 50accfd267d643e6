"""For the tests of WFDB: records written by hand in every format, and damage to them."""
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from jaxsig.data.signal_files.channels import Channels

STORED = np.random.default_rng(0).integers(-60, 60, (100, 2))   # two signals of 100 samples
GAIN, BASELINE = 50.0, 3
PHYSICAL = (STORED - BASELINE) / GAIN
LINE = "{file} {form} 50(3)/NU 16 0 0 0 0 {name}"


def packed(stored: np.ndarray, form: str) -> bytes:
  """The bytes of samples in a format."""
  x = np.asarray(stored).ravel()
  if form == "8":
    frames = x.reshape(-1, 2)
    return np.diff(frames, axis=0, prepend=0).astype("<i1").tobytes()
  if form in ("508", "516", "524"):
    return b""
  if form in ("16", "32", "61"):
    return x.astype({"16": "<i2", "32": "<i4", "61": ">i2"}[form]).tobytes()
  if form == "24":
    return b"".join(int(v).to_bytes(3, "little", signed=True) for v in x)
  if form == "80":
    return (x + 128).astype("<u1").tobytes()
  if form == "160":
    return (x + 32768).astype("<u2").tobytes()
  return bits(x, form)


def bits(x: np.ndarray, form: str) -> bytes:
  """Two samples in 3 bytes, or three in 4; what is left open is 0."""
  together = 2 if form == "212" else 3
  padded = np.append(x, np.zeros(-len(x) % together, int))
  content = b""
  for group in padded.reshape(-1, together):
    a, b, *c = (int(value) & (0xFFF if form == "212" else 0x3FF) for value in group)
    if form == "212":
      content += bytes([a & 0xFF, a >> 8 | b >> 8 << 4, b & 0xFF])
    elif form == "311":
      content += (a | b << 10 | c[0] << 20).to_bytes(4, "little")
    else:
      low = a << 1 | (c[0] & 31) << 11
      high = b << 1 | (c[0] >> 5) << 11
      content += low.to_bytes(2, "little") + high.to_bytes(2, "little")
  return content


def write(
  folder: pathlib.Path,
  name: str = "r",
  first_line: str = "{name} 2 125 100",
  lines: Sequence[str] = (LINE, LINE),
  stored: np.ndarray = STORED,
  form: str = "16",
  names: Sequence[str] = ("PLETH", "II"),
) -> pathlib.Path:
  """Writes a record by hand; returns its header."""
  (folder / f"{name}.dat").write_bytes(packed(stored, form))
  text = [first_line.format(name=name)]
  for line, signal in zip(lines, [*names, *names], strict=False):
    text.append(line.format(file=f"{name}.dat", form=form, name=signal))
  header = folder / f"{name}.hea"
  header.write_text("\n".join(text) + "\n")
  return header


def loaded(found: Channels) -> np.ndarray:
  """All channels, checked against what they promise, as columns."""
  columns = []
  for channel in found.channels:
    x_t = channel.load()
    assert x_t.dtype == np.float64 and x_t.shape == (channel.samples,)
    columns.append(x_t)
  return np.stack(columns, axis=-1)


def names(found: Channels) -> list[str]:
  return [channel.name for channel in found.channels]


def replaced(old: str, new: str, name: str = "r.hea") -> Callable[[pathlib.Path], None]:
  def damage(folder: pathlib.Path) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))

  return damage


def cut(name: str, left: int) -> Callable[[pathlib.Path], None]:
  def damage(folder: pathlib.Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:left])

  return damage


def moved(name: str) -> Callable[[pathlib.Path], None]:
  return lambda folder: (folder / name).rename(folder / "elsewhere")


def content(value: bytes, name: str = "r.hea") -> Callable[[pathlib.Path], None]:
  return lambda folder: (folder / name).write_bytes(value)
