"""Windows of a signal on a common scale."""
import numpy as np
from ml_collections import ConfigDict

MOST_SDS = 5.0   # of a z-score: an artefact must not own the window


def normalised(
    x_b_t: np.ndarray,
    record_t: np.ndarray,
    still_b: np.ndarray,
    config: ConfigDict,
    name: str,
) -> np.ndarray:
  """Windows [b, t] normalised as `config.normalise` says, float32.

  Resampling and filtering ring into a window where the sensor stood still: scaled up, that looks
  like a signal. So such a window is set to the middle of the range.

  Args:
    x_b_t: the windows.
    record_t: where minimum and maximum of a "record" are taken.
    still_b: [b] whether the sensor stood still.
    config: the experiment's `config.data`, see `ppg_windows`.
    name: of the signal: "ppg" or "resp".
  """
  if config.normalise == "zscore":
    return _zscores(x_b_t, still_b).astype(np.float32)

  if config.normalise == "record":
    unit_b_t = _to_unit(x_b_t, record_t)
  else:
    unit_b_t = _to_unit(x_b_t, x_b_t)
  unit_b_t[still_b] = 0.5
  low, high = getattr(config, f"{name}_range")
  scaled_b_t = low + unit_b_t * (high - low)
  return scaled_b_t.astype(np.float32)


def _zscores(x_b_t: np.ndarray, still_b: np.ndarray) -> np.ndarray:
  """Windows of mean 0 and SD 1, clipped to MOST_SDS; 0 where the sensor stood still."""
  mean_b = x_b_t.mean(-1, keepdims=True)
  sd_b = x_b_t.std(-1, keepdims=True)
  divisor_b = np.where(sd_b > 0, sd_b, 1)
  z_b_t = (x_b_t - mean_b) / divisor_b
  clipped_b_t = np.clip(z_b_t, -MOST_SDS, MOST_SDS)
  return np.where(still_b[:, None], 0, clipped_b_t)


def _to_unit(x_b_t: np.ndarray, reference: np.ndarray) -> np.ndarray:
  """Windows on the scale on which the reference [..., t] goes from 0 to 1; 0.5 where it is flat."""
  low = reference.min(-1, keepdims=True)
  high = reference.max(-1, keepdims=True)
  varies = high > low
  reach = np.where(varies, high - low, 1)
  unit_b_t = (x_b_t - low) / reach
  return np.where(varies, unit_b_t, 0.5)


def stood_still(
    raw_t: np.ndarray,
    starts_s_b: np.ndarray,
    window_s: float,
    rate_hz: float,
) -> np.ndarray:
  """[b] whether the sensor showed one value throughout a window."""
  size = int(window_s * rate_hz)
  still = []
  for first in np.ceil(starts_s_b * rate_hz).astype(int):
    window_t = raw_t[first:first + size]
    still.append(np.ptp(window_t) == 0)
  return np.array(still, bool)
