"""Text files of signals for tests, and what is read from them."""
import pathlib
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from jaxsig.data.signal_files.channels import Channels
from jaxsig.data.signal_files.text_channels import read_text_channels
from jaxsig.errors import UserError


def signal(samples: int = 640, rate_hz: float = 64.0) -> tuple[np.ndarray, np.ndarray]:
  """Times in seconds and a smooth signal at them, [t] each."""
  time_s = np.arange(samples) / rate_hz
  return time_s, smooth(time_s)


def smooth(time_s: np.ndarray) -> np.ndarray:
  """A signal of 1.2 Hz on a slower one, rounded as `lines` writes it."""
  x_t = np.sin(2 * np.pi * 1.2 * time_s) + 0.5 * np.cos(2 * np.pi * 0.25 * time_s)
  return np.round(x_t, 5)


def lines(*columns: Iterable[object], delimiter: str = ",", head: str = "") -> str:
  """The text of a table, under the lines of its head."""
  rows = [delimiter.join(map(str, row)) for row in zip(*columns, strict=True)]
  text = "\n".join(rows) + "\n"
  if head:
    text = f"{head}\n{text}"
  return text


def formatted(values: Iterable[float], form: str) -> list[str]:
  """Numbers in a format."""
  return [format(value, form) for value in values]


class Folder:
  """Writes files into a folder and reads them."""

  def __init__(self, path: pathlib.Path):
    self.path = path

  def write(self, content: str | bytes, name: str = "a.csv") -> pathlib.Path:
    """A file of this content."""
    path = self.path / name
    if isinstance(content, str):
      content = content.encode()
    path.write_bytes(content)
    return path

  def read(self, content: str | bytes, rate_hz: float | None = None) -> Channels:
    """The channels of a file of this content; each has as many samples as it says."""
    channels = read_text_channels(self.write(content), rate_hz)
    for channel in channels.channels:
      assert len(channel.load()) == channel.samples
    return channels

  def refusal(self, content: str | bytes, rate_hz: float | None = None) -> str:
    """The sentence that answers a file of this content."""
    return refusal(self.read, content, rate_hz)


def refusal(function: Callable[..., object], *args: object) -> str:
  """The sentence of a call that is refused: one line that names the file."""
  with pytest.raises(UserError) as caught:
    function(*args)
  sentence = str(caught.value)
  assert "\n" not in sentence
  assert "a.csv" in sentence
  return sentence
