"""For the tests of BIDMC: options, and simulated recordings in PhysioNet's layout.

The files have the real ones' oddities.
"""
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from ml_collections import ConfigDict

from jaxsig.data.ppg import ppg_windows
from jaxsig.data.ppg.simulate_respiration import simulate
from jaxsig.data.records import Record
from jaxsig.errors import UserError

RATE_HZ = 125
_UNITS = 8000   # stored units to one physical unit
_NUMERICS_HEADER = "Time [s], HR, PULSE, RESP, SpO2"
_BREATHS_HEADER = "breaths ann1 [signal sample no], breaths ann2 [signal sample no]"


def options(**changes: object) -> ConfigDict:
  """Returns the defaults of `config.data`, with changes."""
  fields = {
    "window_s": 5.0,
    "stride_s": 5.0,
    "rate_hz": 30.0,
    "ppg_rate_hz": 0.0,
    "ppg_low_pass_hz": 0.0,
    "resp_low_pass_hz": 1.0,
    "resp_high_pass_hz": 0.0,
    "causal": False,
    "normalise": "window",
    "ppg_range": (-1, 1),
    "resp_range": (0, 1),
    "time_warp_factors": (),
    "skip_broken": False,
  }
  return ConfigDict({**fields, **changes})


def prepare(record: Record, config: ConfigDict) -> dict[str, np.ndarray]:
  """Returns all windows of a record, and where they start.

  The PPG must have as many samples as the respiration; it is given as plain rows `ppg_b_t`.
  """
  spans = ppg_windows.spans(record, config)
  windows = ppg_windows.cut(record, spans, config)
  ppg_b_t_p = windows.pop("ppg_b_t_p")
  windows["ppg_b_t"] = ppg_b_t_p[..., 0]
  windows["start_s_b"] = spans.start_s_b.astype(np.float32)
  return windows


def says(function: Callable[..., object], *args: object, **kwargs: object) -> str:
  """Returns the sentence that a user gets; it is one line."""
  with pytest.raises(UserError) as caught:
    function(*args, **kwargs)
  sentence = str(caught.value)
  assert "\n" not in sentence
  return sentence


def sines(hz: float, duration_s: float = 480, rate_hz: float = 125.0) -> Record:
  """Returns a record of one sine in both signals, long enough that the edges do not matter."""
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  x_t = np.sin(2 * np.pi * hz * time_s).astype(np.float32)
  return Record(
    id="sine",
    group="nobody",
    rate_hz=rate_hz,
    signals={"ppg_t": x_t, "resp_t": x_t},
    annotations={},
    info={},
  )


def records(n: int = 3, duration_s: float = 60, seed: int = 0) -> list[Record]:
  """Returns `n` simulated recordings; the first two are one patient's."""
  config = ConfigDict({
    "simulate_duration_s": duration_s,
    "simulate_rate_hz": RATE_HZ,
    "simulate_records_per_patient": 1,
  })
  made = simulate(seed, n, config)
  if n > 1:
    made[1] = made[1]._replace(group=made[0].group)
  return made


def write_bidmc(
    folder: pathlib.Path | str,
    made: Sequence[Record],
    form: str = "wfdb",
) -> list[str]:
  """Writes `made` as bidmc01, bidmc02, ...; records of one group get one patient id.

  Args:
    folder: made where it is missing; Breaths, Fix and Numerics go to its bidmc_csv/, as on
      PhysioNet.
    made: of 125 Hz, with ppg_t and resp_t within +-4.
    form: "wfdb" (headers and .dat) or "csv" (bidmc_NN_Signals.csv).

  Returns:
    The ids.
  """
  folder = pathlib.Path(folder)
  csv = folder / "bidmc_csv"
  csv.mkdir(parents=True, exist_ok=True)
  groups = dict.fromkeys(record.group for record in made)
  patients = {group: f"s{1000 + 7 * i:05}" for i, group in enumerate(groups)}

  ids = []
  for number, record in enumerate(made, 1):
    names = ["RESP", "PLETH", "II"]
    if number % 2 == 0:   # the order differs between recordings
      names.reverse()
    stored_t_c = _stored(record, names)
    if form == "wfdb":
      _write_wfdb(folder, number, names, stored_t_c)
    else:
      _write_signals_csv(csv, number, names, stored_t_c)
    _write_breaths(csv, number, record)
    _write_numerics(csv, number, record)
    _write_fix(csv, number, record, patients[record.group])
    ids.append(f"bidmc{number:02}")
  return ids


def _stored(record: Record, names: Sequence[str]) -> np.ndarray:
  """[t, signals] integers as they are stored."""
  samples = len(record.signals["ppg_t"])
  signals = {
    "RESP": record.signals["resp_t"],
    "PLETH": record.signals["ppg_t"],
    "II": np.sin(np.arange(samples) / 20),
  }
  columns = []
  for name in names:
    x_t = signals[name].astype(np.float64)
    columns.append(np.rint(_UNITS * x_t))
  return np.stack(columns, -1).astype(np.int64)


def _write_wfdb(
    folder: pathlib.Path,
    number: int,
    names: Sequence[str],
    stored_t_c: np.ndarray,
) -> None:
  import wfdb

  n = len(names)
  wfdb.wrsamp(
    f"bidmc{number:02}",
    fs=RATE_HZ,
    units=["NU"] * n,
    sig_name=[f"{name}," for name in names],
    fmt=["16"] * n,
    d_signal=stored_t_c,
    adc_gain=[float(_UNITS)] * n,
    baseline=[0] * n,
    write_dir=str(folder),
  )


def _write_signals_csv(
    csv: pathlib.Path,
    number: int,
    names: Sequence[str],
    stored_t_c: np.ndarray,
) -> None:
  lines = [", ".join(["Time [s]", *names])]
  for i, row in enumerate(stored_t_c / _UNITS):
    time = f"{i / RATE_HZ:.4g}"   # PhysioNet rounds it
    cells = [time, *map(repr, row.tolist())]
    lines.append(",".join(cells))
  _write_lines(csv / f"bidmc_{number:02}_Signals.csv", lines)


def _write_breaths(csv: pathlib.Path, number: int, record: Record) -> None:
  """The columns differ in length: so the shorter one has floats, and a blank at the end."""
  first = _breath_samples(record, 1)
  second = _breath_samples(record, 2)
  first_cells = [f"{sample}.0" for sample in first[:-1]]
  first_cells.append("")

  lines = [_BREATHS_HEADER]
  for a, b in zip(first_cells, second, strict=True):
    lines.append(f"{a},{b}")
  _write_lines(csv / f"bidmc_{number:02}_Breaths.csv", lines)


def _breath_samples(record: Record, annotator: int) -> list[int]:
  times_s = record.annotations[f"breaths_{annotator}_s"]
  return np.rint(times_s * RATE_HZ).astype(int).tolist()


def _write_numerics(csv: pathlib.Path, number: int, record: Record) -> None:
  """A line a second; the respiratory rate of second 2 is missing."""
  lines = [_NUMERICS_HEADER]
  for second in range(int(record.duration_s) + 1):
    respiration = "16"
    if second == 2:
      respiration = ""
    pulse = 90 + second % 3
    lines.append(f"{second},{pulse},{float(pulse)},{respiration},97.0")
  _write_lines(csv / f"bidmc_{number:02}_Numerics.csv", lines)


def _write_fix(csv: pathlib.Path, number: int, record: Record, patient: str) -> None:
  """The age of the third patient is not known."""
  age = f"{record.info['age']:.0f}"
  if number == 3:
    age = "NaN"
  lines = [
    f"bidmc_{number:02}",
    "Signals: RESP; PLETH; II",
    f"Signals sampling frequency: {RATE_HZ} Hz",
    f"Age: {age}",
    f"Gender: {record.info['sex']}",
    "Location: micu",
    f"MIMIC II matched wdb ID: {patient}",
  ]
  _write_lines(csv / f"bidmc_{number:02}_Fix.txt", lines)


def _write_lines(path: pathlib.Path, lines: Sequence[str]) -> None:
  path.write_text("\n".join(lines) + "\n")
