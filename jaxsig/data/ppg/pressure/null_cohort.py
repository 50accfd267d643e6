"""A cohort whose PPG tells who somebody is, and nothing of the pressure."""
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record

RATE_HZ = 125.0
MEAN_MMHG = {"sbp": 120.0, "dbp": 70.0}
BETWEEN_MMHG = 16.0    # deviation of people's mean pressures
WITHIN_MMHG = 6.0      # and of a person's windows around it, each by itself
HARMONICS = 8
NOISE = 0.02           # of the PPG
GAP_S = 1.0


def null_person(name: str, draw: np.random.Generator, config: ConfigDict) -> Record:
  """The recording of a person with a pulse of an own shape and rate, that never changes.

  Each stretch has one pressure; systolic and diastolic ones are drawn alike and apart.
  """
  sizes_n = draw.standard_normal(HARMONICS) / np.arange(1, HARMONICS + 1)
  phases_n = draw.uniform(0, 2 * np.pi, HARMONICS)
  rate_hz = draw.uniform(1.0, 1.6)
  between = {target: BETWEEN_MMHG * draw.standard_normal() for target in MEAN_MMHG}
  length = round(config.simulate_stretch_s * RATE_HZ)
  gap_t = np.full(round(GAP_S * RATE_HZ), np.nan)
  columns = {"ppg": [], "sbp": [], "dbp": []}
  for _ in range(config.simulate_stretches):
    columns["ppg"] += [_pulse(sizes_n, phases_n, rate_hz, length, draw), gap_t]
    for target, mean_mmhg in MEAN_MMHG.items():
      within = WITHIN_MMHG * draw.standard_normal()
      columns[target] += [np.full(length, mean_mmhg + between[target] + within), gap_t]
  arrays = {key: np.concatenate(x[:-1]).astype(np.float32) for key, x in columns.items()}
  return Record(
      id=name,
      group=name,
      rate_hz=RATE_HZ,
      signals={"ppg_t": arrays["ppg"]},
      annotations={"sbp_t": arrays["sbp"], "dbp_t": arrays["dbp"]},
      info={"source": "simulated", "age": None, "sex": None, "bmi": None},
  )


def _pulse(
    sizes_n: np.ndarray,
    phases_n: np.ndarray,
    rate_hz: float,
    length: int,
    draw: np.random.Generator,
) -> np.ndarray:
  """[t] beats of one shape from a random moment on, with a peak that stands out."""
  place_t = rate_hz * np.arange(length) / RATE_HZ + draw.uniform()
  number_n = np.arange(1, len(sizes_n) + 1)
  angle_t_n = 2 * np.pi * place_t[:, None] * number_n + phases_n
  shape_t = np.sum(0.25 * sizes_n * np.sin(angle_t_n), -1)
  peak_t = np.exp(-((place_t % 1 - 0.3) / 0.1) ** 2 / 2)
  return 3 * peak_t + shape_t + NOISE * draw.standard_normal(length)
