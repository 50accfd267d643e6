"""Tiny songs that the tests write: WAV, FLAC, AAC and .stem.mp4."""
import pathlib

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.audio.audio_writing import write_audio

RATE_HZ = 8000
SETTINGS = {
    "stems": ("vocals", "drums", "bass", "other"),
    "rate_hz": RATE_HZ,
    "window_s": 1.0,
    "sample_type": "int16",
    "group_by": "song",
    "missing_stem": "silence",
    "skip_broken": False,
    "simulate_duration_s": 20.0,
}
FREQUENCIES_HZ = {"vocals": 880.0, "drums": 200.0, "bass": 110.0, "other": 523.0}


def settings(**changes: object) -> ConfigDict:
  """What `config.data` says, with changes."""
  return ConfigDict({**SETTINGS, **changes})


def tone(
    frequency_hz: float,
    duration_s: float = 2.5,
    rate_hz: int = RATE_HZ,
    channels: int = 2,
    level: float = 0.2,
) -> np.ndarray:
  """[t, c] a sine of whole 16-bit numbers, softer on the second channel."""
  time_s_t = np.arange(round(duration_s * rate_hz)) / rate_hz
  gain_c = level / (1 + np.arange(channels))
  samples_t_c = np.sin(2 * np.pi * frequency_hz * time_s_t)[:, None] * gain_c
  return (np.rint(samples_t_c * 2**15) / 2**15).astype(np.float32)


def tones(**changes: float) -> dict[str, np.ndarray]:
  """{stem: its tone}; `changes` are those of `tone`."""
  return {stem: tone(hz, **changes) for stem, hz in FREQUENCIES_HZ.items()}


def write_song(folder: pathlib.Path, stems: dict[str, np.ndarray], ending: str = ".wav") -> None:
  """Writes a file a stem."""
  folder.mkdir(parents=True)
  for name, samples_t_c in stems.items():
    write_audio(folder / f"{name}{ending}", samples_t_c, RATE_HZ)


def write_dsd100(folder: pathlib.Path, part: str, name: str, **changes: float) -> None:
  """Writes a song in the layout of DSD100."""
  stems = tones(**changes)
  write_song(folder / "Sources" / part / name, stems)
  write_song(folder / "Mixtures" / part / name, {"mixture": sum(stems.values())})


def encode(
    path: pathlib.Path,
    streams: list[np.ndarray],
    rate_hz: int = RATE_HZ,
    codec: str = "aac",
) -> pathlib.Path:
  """Writes signals [t, c] as streams of a file by a lossy codec."""
  import av

  with av.open(str(path), "w") as container:
    opened = []
    for samples_t_c in streams:
      layout = ("mono", "stereo")[samples_t_c.shape[1] - 1]
      opened.append(container.add_stream(codec, rate=rate_hz, layout=layout))
      opened[-1].bit_rate = 64000
      opened[-1].codec_context.options = {"strict": "experimental"}   # FFmpeg's own Vorbis
    longest = max(len(samples_t_c) for samples_t_c in streams)
    for first in range(0, longest, 1024):
      for stream, samples_t_c in zip(opened, streams, strict=True):
        if first >= len(samples_t_c):
          continue
        planes = np.ascontiguousarray(samples_t_c[first:first + 1024].T)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=stream.layout.name)
        frame.sample_rate = rate_hz
        frame.pts = first
        container.mux(stream.encode(frame))
    for stream in opened:
      container.mux(stream.encode(None))
  return path
