"""Windows of songs: whole seconds each, with as much on both sides as their frames reach.

The frames of all windows lie on one grid of the song, so that a song in windows is the song whole:
a window is cut with all frames that reach it, and `config.context_frames` more on both sides, which
a network may look at.
"""
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record, Spans, spans_of

INT16_FULL_SCALE = 2**15   # which is info["full_scale"] of a song's stems


def spans(record: Record, config: ConfigDict) -> Spans:
  """Windows of `config.window_s`, one after another."""
  count = int((record.duration_s + 1e-6) // config.window_s)
  return spans_of(config.window_s * np.arange(count), config.window_s)


def samples_of(config: ConfigDict) -> int:
  """How many samples a window is cut with."""
  window = round(config.window_s * config.rate_hz)
  blocks = -(-(window + config.hop - 1) // config.hop)
  return blocks * config.hop + 2 * margin_of(config)


def margin_of(config: ConfigDict) -> int:
  """How many samples are cut before the first whole hop of a window."""
  return config.frame - config.hop + config.context_frames * config.hop


def cut(record: Record, where: Spans, config: ConfigDict) -> dict[str, np.ndarray]:
  """The windows of a record.

  Args:
    record: by `stem_records`, with "<stem>_t_c" of all `config.stems`, or of a user's own song with
      "mixture_t_c".
    where: of its windows.
    config: `rate_hz`, `window_s`, `frame` and `hop` in samples, `context_frames`.

  Returns:
    "stems_b_t_j_c", as they are stored, which times "scale_b" are fractions of full scale, or
    "mixture_b_t_c"; "level_b", the root mean square of the song's mixture over full scale; and
    "offset_b": the window itself begins at `margin_of(config)` + offset_b.
  """
  rate_hz = int(config.rate_hz)
  first_b = np.rint(where.start_s_b * rate_hz).astype(int)
  offset_b = first_b % config.hop
  from_b = first_b - offset_b - margin_of(config)
  samples = samples_of(config)
  arrays = {
      "offset_b": offset_b.astype(np.int32),
      "level_b": np.full(len(where), record.info["level"], np.float32),
  }
  if "mixture_t_c" in record.signals:
    arrays["mixture_b_t_c"] = _windows(record.signals["mixture_t_c"], from_b, samples)
    return arrays

  stems = []
  for stem in config.stems:
    stems.append(_windows(record.signals[f"{stem}_t_c"], from_b, samples))
  arrays["stems_b_t_j_c"] = np.stack(stems, 2)
  scale = 1.0
  if arrays["stems_b_t_j_c"].dtype == np.int16:
    scale = record.info["full_scale"] / INT16_FULL_SCALE
  arrays["scale_b"] = np.full(len(where), scale, np.float32)
  return arrays


def _windows(signal: np.ndarray, from_b: np.ndarray, samples: int) -> np.ndarray:
  """[b, t, c] so many samples from each place, with zeros where the signal has none."""
  whole_b_t_c = np.zeros((len(from_b), samples, *signal.shape[1:]), signal.dtype)
  for b, first in enumerate(from_b):
    whole_b_t_c[b] = _padded(signal, first, samples)
  return whole_b_t_c


def _padded(signal: np.ndarray, first: int, samples: int) -> np.ndarray:
  """The samples from `first` on, with zeros where the signal has none."""
  part = np.asarray(signal[max(0, first):max(0, first + samples)])
  padded = np.zeros((samples, *part.shape[1:]), part.dtype)
  begin = max(0, -first)
  padded[begin:begin + len(part)] = part
  return padded
