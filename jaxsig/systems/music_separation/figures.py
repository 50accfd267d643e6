"""The figures and sounds of a report: true stems and estimates of an excerpt of each song."""
import functools
from collections.abc import Mapping, Sequence

import matplotlib.figure
import numpy as np

from jaxsig.data.audio.mp3 import mp3_of
from jaxsig.data.audio.stem_records import stems_of
from jaxsig.data.records import Record
from jaxsig.system import Figure, Listening, Material, Sound

EXCERPT_S = 20.0
MOST_SONGS = 3      # that are drawn and played
FRAME = 1024        # samples of a frame of the drawn spectrograms
RANGE_DB = 60.0     # below the loudest place of the true stem
TOP_HZ = 8000.0

Stored = Mapping[str, np.ndarray]


def keep(stems: Sequence[str], record: Record) -> Stored:
  """What is stored of a separated song: an excerpt from its middle, true and estimated.

  Returns:
    "truth_j_t_c" and "estimate_j_t_c" of 16 bits, "rate_hz", "from_s" in the song, and "record";
    nothing of a method without an estimate to listen to.
  """
  if "heard_b_j_t_c" not in record.predictions:
    return {}
  rate_hz = int(record.rate_hz)
  heard_b_j_t_c = record.predictions["heard_b_j_t_c"]
  window = heard_b_j_t_c.shape[2]
  windows = max(1, int(EXCERPT_S * rate_hz // window))
  first = max(0, (len(heard_b_j_t_c) - windows) // 2)
  chosen_b_j_t_c = heard_b_j_t_c[first:first + windows]
  estimate_j_t_c = np.concatenate(list(chosen_b_j_t_c), 1)

  start = first * window
  truth_t_j_c = stems_of(record, stems, start, start + estimate_j_t_c.shape[1])
  truth_j_t_c = np.swapaxes(np.rint(truth_t_j_c * 2**15), 0, 1)
  return {
      "truth_j_t_c": np.clip(truth_j_t_c, -(2**15), 2**15 - 1).astype(np.int16),
      "estimate_j_t_c": estimate_j_t_c,
      "rate_hz": np.array(rate_hz),
      "from_s": np.array(start / rate_hz),
      "record": np.array(record.id),
  }


def _songs(material: Material) -> list[Stored]:
  """What is stored of the first songs of the reference method."""
  found = []
  for stored in material.records(material.reference):
    if "estimate_j_t_c" in stored:
      found.append(stored)
    if len(found) == MOST_SONGS:
      break
  return found


def _place(stored: Stored) -> str:
  """The song and the seconds of its excerpt."""
  length_s = stored["estimate_j_t_c"].shape[1] / float(stored["rate_hz"])
  from_s = float(stored["from_s"])
  return f"{stored['record']}, {from_s:.0f} to {from_s + length_s:.0f} s"


# --- pictures


def figures(stems: Sequence[str], material: Material) -> list[Figure]:
  """Spectrograms of true stems and estimates, side by side."""
  made = []
  for number, stored in enumerate(_songs(material), 1):
    made.append(Figure(
        name=f"spectrograms_{number}",
        title=f"True stems and those of {material.reference}: {_place(stored)}",
        note=f"Left channel and right together; {RANGE_DB:g} dB from the loudest place of each "
             "true stem down.",
        draw=functools.partial(spectrograms, stems, stored),
    ))
  return made


def spectrograms(stems: Sequence[str], stored: Stored) -> matplotlib.figure.Figure:
  """A row a stem: the truth, and the estimate on the same scale."""
  figure = matplotlib.figure.Figure(figsize=(9.4, 2.1 * len(stems)))
  axes = figure.subplots(len(stems), 2, squeeze=False, sharex=True, sharey=True)
  rate_hz = float(stored["rate_hz"])
  for j, stem in enumerate(stems):
    truth_f_n = _power_db(stored["truth_j_t_c"][j])
    estimate_f_n = _power_db(stored["estimate_j_t_c"][j])
    top_db = truth_f_n.max()
    seconds = stored["truth_j_t_c"].shape[1] / rate_hz
    for axis, power_f_n in zip(axes[j], (truth_f_n, estimate_f_n)):
      axis.imshow(
          power_f_n,
          origin="lower",
          aspect="auto",
          extent=(0, seconds, 0, rate_hz / 2e3),
          vmin=top_db - RANGE_DB,
          vmax=top_db,
          cmap="magma",
          interpolation="nearest",
      )
      axis.set_ylim(0, min(TOP_HZ, rate_hz / 2) / 1e3)
      axis.grid(False)
    axes[j, 0].set_ylabel(f"{stem}\nkHz")
  axes[0, 0].set_title("true")
  axes[0, 1].set_title("estimate")
  for axis in axes[-1]:
    axis.set_xlabel("s")
  return figure


def _power_db(samples_t_c: np.ndarray) -> np.ndarray:
  """The spectrogram [f, n] of both channels together in dB."""
  x_t_c = samples_t_c / 2**15
  frames = len(x_t_c) // FRAME
  x_n_t_c = x_t_c[:frames * FRAME].reshape(frames, FRAME, -1)
  window_t_1 = np.hanning(FRAME)[:, None]
  spectrum_n_f_c = np.fft.rfft(x_n_t_c * window_t_1, axis=1)
  power_n_f = np.sum(np.abs(spectrum_n_f_c) ** 2, -1)
  return 10 * np.log10(power_n_f.T + 1e-9)


# --- sounds


def listening(stems: Sequence[str], material: Material) -> list[Listening]:
  """The mixture, the true stems and the estimates of an excerpt of each song."""
  made = []
  for number, stored in enumerate(_songs(material), 1):
    truth_j_t_c = stored["truth_j_t_c"] / 2**15
    estimate_j_t_c = stored["estimate_j_t_c"] / 2**15
    sounds = [_sound("mixture", truth_j_t_c.sum(0), stored)]
    for j, stem in enumerate(stems):
      sounds.append(_sound(f"{stem}, true", truth_j_t_c[j], stored))
      sounds.append(_sound(f"{stem}, {material.reference}", estimate_j_t_c[j], stored))
    made.append(Listening(
        name=f"excerpt_{number}",
        title=f"Listen: {_place(stored)}",
        note="As it is, beyond full scale clipped; MP3 for the page, figures are of the samples.",
        sounds=sounds,
    ))
  return made


def _sound(label: str, samples_t_c: np.ndarray, stored: Stored) -> Sound:
  return Sound(label, functools.partial(mp3_of, samples_t_c, int(stored["rate_hz"])))
