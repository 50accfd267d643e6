"""Signals of EDF, EDF+, BDF and BDF+ files."""
import pathlib
from functools import partial

import numpy as np

from jaxsig.data.signal_files.channels import Channel, Channels
from jaxsig.data.signal_files.edf_blocks import is_calibrated, read_blocks
from jaxsig.data.signal_files.edf_gaps import first_samples, starts_s
from jaxsig.data.signal_files.edf_header import Header, read_header
from jaxsig.errors import UserError


def read_edf_channels(path: pathlib.Path) -> Channels:
  """Reads the signals of an EDF or BDF file; samples only once they are asked for.

  Args:
    path: of the file, whatever its suffix.

  Returns:
    Channels in the order of the file, without annotations, each at its own rate. Gaps between
    the data records of an interrupted recording are NaN.

  Raises:
    UserError: the file is missing, damaged or of another format, or holds only annotations.
  """
  header = read_header(path)
  starts_s_r = starts_s(header)
  channels = []
  uncalibrated = []
  for i, label in enumerate(header.fields["label"]):
    if header.is_annotation(i) or not header.samples[i]:
      continue
    unit = header.fields["unit"][i]
    if not is_calibrated(header, i):
      unit = ""
      uncalibrated.append(label or f"signal {i + 1}")
    channels.append(_channel(header, i, label, unit, starts_s_r))

  if not channels:
    raise UserError(f"{path} holds annotations only: name a file with signals")
  notes = list(header.notes)
  missing_s = starts_s_r[-1] - (header.records - 1) * header.record_s
  missing_s = max(round(missing_s, 3), 0.0)
  if header.is_interrupted:
    notes.append(f"interrupted: {missing_s:g} s between its data records are missing")
  elif missing_s:
    notes.append(
      f"interrupted, though its header calls it continuous: {missing_s:g} s between its data "
      "records are missing by their own times"
    )
  if uncalibrated:
    notes.append(f"physical units unknown, stored numbers are taken: {', '.join(uncalibrated)}")
  return Channels(tuple(channels), tuple(notes))


def _channel(
  header: Header,
  signal: int,
  label: str,
  unit: str,
  starts_s_r: np.ndarray,
) -> Channel:
  rate_hz = None
  if header.record_s:
    rate_hz = header.samples[signal] / header.record_s
  firsts_r = first_samples(header, signal, starts_s_r)
  samples = int(firsts_r[-1]) + header.samples[signal]
  return Channel(label, unit, rate_hz, samples, partial(_load, header, signal, starts_s_r))


def _load(header: Header, signal: int, starts_s_r: np.ndarray) -> np.ndarray:
  """[t] float64, NaN in gaps."""
  firsts_r = first_samples(header, signal, starts_s_r)
  length = header.samples[signal]
  x_t = np.full(int(firsts_r[-1]) + length, np.nan)
  for first_record, block_r_s in read_blocks(header, signal):
    firsts_b = firsts_r[first_record:first_record + len(block_r_s)]
    places_r_s = firsts_b[:, None] + np.arange(length)
    x_t[places_r_s] = block_r_s
  return x_t
