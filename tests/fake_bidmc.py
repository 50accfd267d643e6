"""For the tests of BIDMC: its options, and simulated recordings in PhysioNet's layout with the real files' oddities."""
import pathlib
import types
from collections.abc import Callable

import numpy as np
import pytest

from jaxsig.data.ppg import bidmc
from jaxsig.data.ppg.simulate_respiration import simulate
from jaxsig.data.records import Record
from jaxsig.errors import UserError

RATE_HZ = 125


def options(**changes) -> types.SimpleNamespace:
  """The defaults of `config.data`, with changes."""
  fields = {"window_s": 5.0, "stride_s": 5.0, "rate_hz": 30.0, "ppg_low_pass_hz": 0.0, "resp_low_pass_hz": 1.0,
            "ppg_rate_hz": 0.0, "resp_high_pass_hz": 0.0, "causal": False,
            "ppg_range": (-1, 1), "resp_range": (0, 1), "normalise": "window", "skip_broken": False}
  return types.SimpleNamespace(**{**fields, **changes})


def prepare(*args) -> dict:
  """`bidmc.prepare` with as many samples of the PPG as of the respiration, as plain rows `ppg_b_t`."""
  windows = bidmc.prepare(*args)
  return {k: x for k, x in windows.items() if k != "ppg_b_t_p"} | {"ppg_b_t": windows["ppg_b_t_p"][..., 0]}


def says(function: Callable, *args, **kwargs) -> str:
  """The sentence that a user gets; it is one line."""
  with pytest.raises(UserError) as caught:
    function(*args, **kwargs)
  assert "\n" not in str(caught.value)
  return str(caught.value)


def sines(hz: float, duration_s: float = 480, rate_hz: float = 125.0) -> Record:
  """A record of one sine in both signals, long enough that the edges do not matter."""
  x_t = np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate_hz)) / rate_hz).astype(np.float32)
  return Record("sine", "nobody", rate_hz, {"ppg_t": x_t, "resp_t": x_t}, {}, {})


def records(n: int = 3, duration_s: float = 60, seed: int = 0) -> list[Record]:
  """`n` simulated recordings; the first two are one patient's."""
  config = {"simulate_duration_s": duration_s, "simulate_rate_hz": RATE_HZ, "simulate_records_per_patient": 1}
  made = simulate(seed, n, types.SimpleNamespace(**config))
  return [r._replace(group=made[0].group) if i == 1 else r for i, r in enumerate(made)]


def write_bidmc(folder: pathlib.Path | str, made: list[Record], form: str = "wfdb") -> list[str]:
  """Writes `made` as bidmc01, bidmc02, ...; records of one group get one patient id. Returns the ids.

  Args:
    folder: made where it is missing; Breaths, Fix and Numerics go to its bidmc_csv/, as on PhysioNet.
    made: of 125 Hz, with ppg_t and resp_t within +-4.
    form: "wfdb" (headers and .dat) or "csv" (bidmc_NN_Signals.csv).
  """
  csv = pathlib.Path(folder) / "bidmc_csv"
  csv.mkdir(parents=True, exist_ok=True)
  patients = {group: f"s{1000 + 7 * i:05}" for i, group in enumerate(dict.fromkeys(r.group for r in made))}
  for i, record in enumerate(made):
    names = ["RESP", "PLETH", "II"][::-1 if i % 2 else 1]  # the order differs between recordings
    (_write_wfdb if form == "wfdb" else _write_csv)(pathlib.Path(folder), i + 1, names, _digital(record, names))
    _write_text(csv, i + 1, record, patients[record.group])
  return [f"bidmc{i + 1:02}" for i in range(len(made))]


def _digital(record: Record, names: list[str]) -> np.ndarray:
  ecg_t = np.sin(np.arange(len(record.signals["ppg_t"])) / 20)
  columns = {"RESP": record.signals["resp_t"], "PLETH": record.signals["ppg_t"], "II": ecg_t}
  return np.stack([np.rint(8000 * columns[name].astype(np.float64)) for name in names], -1).astype(np.int64)


def _write_wfdb(folder: pathlib.Path, number: int, names: list[str], digital_t_c: np.ndarray) -> None:
  import wfdb
  n = len(names)
  wfdb.wrsamp(f"bidmc{number:02}", fs=RATE_HZ, units=["NU"] * n, sig_name=[f"{name}," for name in names],
              fmt=["16"] * n, d_signal=digital_t_c, adc_gain=[8000.0] * n, baseline=[0] * n, write_dir=str(folder))


def _write_csv(folder: pathlib.Path, number: int, names: list[str], digital_t_c: np.ndarray) -> None:
  lines = [", ".join(["Time [s]", *names])]
  for i, row in enumerate(digital_t_c / 8000):
    lines.append(",".join([f"{i / RATE_HZ:.4g}", *map(repr, row.tolist())]))  # PhysioNet rounds the time
  (folder / f"bidmc_csv/bidmc_{number:02}_Signals.csv").write_text("\n".join(lines) + "\n")


def _write_text(csv: pathlib.Path, number: int, record: Record, patient: str) -> None:
  samples = [np.rint(record.annotations[f"breaths_{a}_s"] * RATE_HZ).astype(int).tolist() for a in (1, 2)]
  shorter = [f"{x}.0" for x in samples[0][:-1]] + [""]  # the columns differ in length: floats, and a blank at the end
  rows = [f"{a},{b}" for a, b in zip(shorter, samples[1], strict=True)]
  head = "breaths ann1 [signal sample no], breaths ann2 [signal sample no]"
  (csv / f"bidmc_{number:02}_Breaths.csv").write_text("\n".join([head, *rows]) + "\n")
  seconds = range(int(record.duration_s) + 1)
  numerics = [f"{s},{90 + s % 3},{90.0 + s % 3},{'' if s == 2 else 16},97.0" for s in seconds]
  (csv / f"bidmc_{number:02}_Numerics.csv").write_text("\n".join(["Time [s], HR, PULSE, RESP, SpO2", *numerics]) + "\n")
  age = "NaN" if number == 3 else f"{record.info['age']:.0f}"
  (csv / f"bidmc_{number:02}_Fix.txt").write_text(
    f"bidmc_{number:02}\nSignals: RESP; PLETH; II\nSignals sampling frequency: {RATE_HZ} Hz\nAge: {age}\n"
    f"Gender: {record.info['sex']}\nLocation: micu\nMIMIC II matched wdb ID: {patient}\n")
