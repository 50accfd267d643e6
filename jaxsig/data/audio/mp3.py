"""Short sounds as MP3 in memory, for pages that play them."""
import io

import numpy as np

BITS_PER_S = 96_000
BLOCK_T = 1152   # samples that are encoded at once


def mp3_of(samples_t_c: np.ndarray, rate_hz: int) -> bytes:
  """The bytes of an MP3 file of samples [t, c], one channel or two; beyond full scale is clipped.

  Args:
    samples_t_c: as fractions of full scale.
    rate_hz: one that MP3 knows: 8000 to 48000.
  """
  import av  # takes long to import: only where sound is made

  channels = samples_t_c.shape[1]
  layout = ("mono", "stereo")[channels - 1]
  clipped_t_c = np.clip(samples_t_c, -1, 1).astype(np.float32)
  file = io.BytesIO()
  with av.open(file, "w", format="mp3") as container:
    stream = container.add_stream("libmp3lame", rate=rate_hz, layout=layout)
    stream.bit_rate = BITS_PER_S
    for first in range(0, len(clipped_t_c), BLOCK_T):
      block_c_t = np.ascontiguousarray(clipped_t_c[first:first + BLOCK_T].T)
      frame = av.AudioFrame.from_ndarray(block_c_t, format="fltp", layout=layout)
      frame.sample_rate = rate_hz
      frame.pts = first
      container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
  return file.getvalue()
