"""A song's stems on disk: collected window by window, and read at the song's own rate."""
import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.audio.resampling import resampled_blocks
from jaxsig.data.audio.sample_formats import integers_of
from jaxsig.data.audio.wav_files import BITS
from jaxsig.data.records import Record, Spans
from jaxsig.data.stored import StoredArray
from jaxsig.errors import UserError
from jaxsig.system import Predictions
from jaxsig.systems.music_separation.own_settings import Plan, plan_of
from jaxsig.systems.music_separation.scratch import Scratch, ScratchWriter

BLOCK_T = 1 << 17          # samples that are read at once
HEARD = 10 ** (-50 / 10)   # mean square of a second in which a stem is heard
EXACT = "float32"          # the type in which nothing is rounded
MIXTURE, SONG = "mixture", "song"


class Level(NamedTuple):
  """How loud a stem is.

  Attributes:
    name: of the stem.
    level_db: its power over that of the mixture; None where it is silent.
    heard_share: of the song's seconds, in which it is above -50 dB of full scale.
  """
  name: str
  level_db: float | None
  heard_share: float


class Loudness:
  """The power of a signal that is measured second by second."""

  def __init__(self, rate_hz: int):
    self.energy = 0.0
    self.seconds = 0
    self.heard = 0
    self._rate_hz = rate_hz

  def add(self, samples_t_c: np.ndarray) -> None:
    """Adds samples [t, c] that begin with a whole second."""
    for first in range(0, len(samples_t_c), self._rate_hz):
      second_t_c = samples_t_c[first:first + self._rate_hz].astype(np.float64)
      self.energy += float(np.sum(second_t_c**2))
      self.seconds += 1
      self.heard += bool(np.mean(second_t_c**2) > HEARD)

  def level(self, name: str, mixture: "Loudness") -> Level:
    """How loud it is beside a mixture of as many samples."""
    level_db = None
    if self.energy and mixture.energy:
      level_db = 10 * math.log10(self.energy / mixture.energy)
    return Level(name, level_db, self.heard / max(1, self.seconds))


class Separated:
  """The stems of a song; what is on disk is deleted when nobody holds them any more.

  Attributes:
    plan: what was asked for.
    rate_hz, channels, length_t: of the song itself, and so of what is read.
    levels: one a name, measured at the rate of the model.
    notes: on what was clipped in files, once they are written.
  """

  def __init__(
      self,
      plan: Plan,
      info: Mapping[str, int],
      model_hz: float,
      stored: Mapping[str, StoredArray],
      levels: Sequence[Level],
  ):
    self.plan = plan
    self.rate_hz = info["song_rate_hz"]
    self.channels = info["song_channels"]
    self.length_t = info["song_length_t"]
    self.levels = tuple(levels)
    self.notes = []
    self._model_hz = model_hz
    self._stored = stored

  def blocks(
      self,
      names: Sequence[str],
      sample_type: str = EXACT,
  ) -> Iterator[dict[str, np.ndarray]]:
    """{name: float32 [t, c]} of one block after another, as long together as the song.

    The rest is the song minus all stems as files of the sample type hold them, so that files add
    up to the song.

    Args:
      names: of stems, or of the rest.
      sample_type: of the files.
    """
    needed = list(names)
    if self.plan.rest in names:
      needed = list(self.plan.stems)
    signals = [self._at_own_rate(self._stored[name]) for name in needed]
    first = 0
    for parts in zip(*signals, strict=True):
      last = min(first + len(parts[0]), self.length_t)
      blocks = {}
      for name, part_t_c in zip(needed, parts, strict=True):
        blocks[name] = part_t_c[:last - first]
      if self.plan.rest in names:
        song_t_c = self._stored[SONG][first:last]
        blocks[self.plan.rest] = _rest(song_t_c, list(blocks.values()), sample_type)
      yield {name: blocks[name] for name in names}
      first = last
      if first == self.length_t:
        return

  def whole(self, name: str) -> np.ndarray:
    """float32 [t, c] of a stem or the rest, all of the song."""
    whole_t_c = np.empty((self.length_t, self.channels), np.float32)
    first = 0
    for blocks in self.blocks([name]):
      last = first + len(blocks[name])
      whole_t_c[first:last] = blocks[name]
      first = last
    return whole_t_c

  def _at_own_rate(self, stored: StoredArray) -> Iterator[np.ndarray]:
    return resampled_blocks(_slices(stored), self._model_hz, self.rate_hz)


def _slices(stored: StoredArray) -> Iterator[np.ndarray]:
  for first in range(0, len(stored), BLOCK_T):
    yield stored[first:first + BLOCK_T]


def _rest(song_t_c: np.ndarray, stems: Sequence[np.ndarray], sample_type: str) -> np.ndarray:
  """The song minus its stems as files of the sample type hold them."""
  rest_t_c = song_t_c.astype(np.float64)
  for stem_t_c in stems:
    rest_t_c -= _as_written(stem_t_c, sample_type)
  return rest_t_c.astype(np.float32)


def _as_written(samples_t_c: np.ndarray, sample_type: str) -> np.ndarray:
  if sample_type == EXACT:
    return samples_t_c
  bits = BITS[sample_type]
  return integers_of(samples_t_c, bits) / 2 ** (bits - 1)


def collect(
    record: Record,
    config: ConfigDict,
    batches: Iterable[tuple[Spans, Mapping[str, np.ndarray]]],
) -> Predictions:
  """Writes the stems of a song's windows to disk as they come; memory is that of a batch.

  Args:
    record: by `own_song.read`.
    config: of the experiment.
    batches: windows one after another, with their "stems_b_j_c_t" at the rate of the record.

  Returns:
    {"separated": Separated, "start_s_b", "length_s_b"}.

  Raises:
    UserError: the disk is full, or the stems are no numbers.
  """
  plan = plan_of(config.data.stems, config.own)
  scratch = Scratch()
  try:
    return _collected(record, config.data, plan, batches, scratch)
  except BaseException:
    scratch.remove()
    raise


def _collected(
    record: Record,
    data: ConfigDict,
    plan: Plan,
    batches: Iterable[tuple[Spans, Mapping[str, np.ndarray]]],
    scratch: Scratch,
) -> Predictions:
  rate_hz = round(record.rate_hz)
  channels = record.info["song_channels"]
  loudness = {name: Loudness(rate_hz) for name in (*plan.names, MIXTURE)}
  starts_s_b, lengths_s_b = [], []
  with contextlib.ExitStack() as stack:
    writers = {}
    for stem in plan.stems:
      writers[stem] = stack.enter_context(ScratchWriter(scratch, stem, channels))
    first = 0
    for spans, outputs in batches:
      starts_s_b.append(spans.start_s_b)
      lengths_s_b.append(spans.length_s_b)
      for start_s, stems_j_c_t in zip(spans.start_s_b, outputs["stems_b_j_c_t"], strict=True):
        if round(start_s * rate_hz) != first:
          raise ValueError(f"a window at {start_s} s does not follow the one before")
        window = _window(stems_j_c_t, data.stems, plan, first / rate_hz)
        last = first + stems_j_c_t.shape[-1]
        _measure(window, record, plan, loudness, first, last)
        for stem, samples_t_c in window.items():
          writers[stem].write(_in_channels(samples_t_c, channels))
        first = last
    stored = {stem: writer.stored() for stem, writer in writers.items()}
  if plan.rest:
    stored[SONG] = record.annotations["song_t_c"]
  levels = [loudness[name].level(name, loudness[MIXTURE]) for name in plan.names]
  return {
      "separated": Separated(plan, record.info, record.rate_hz, stored, levels),
      "start_s_b": np.concatenate(starts_s_b),
      "length_s_b": np.concatenate(lengths_s_b),
  }


def _window(
    stems_j_c_t: np.ndarray,
    known: Sequence[str],
    plan: Plan,
    start_s: float,
) -> dict[str, np.ndarray]:
  """{stem: [t, c]} of a window, for the stems that are asked for."""
  window = {}
  for stem in plan.stems:
    samples_t_c = np.asarray(stems_j_c_t[list(known).index(stem)], np.float32).T
    if not np.isfinite(samples_t_c).all():
      raise UserError(
          f"the model's {stem} after {start_s:g} s are no numbers: its training has diverged; use "
          "another model")
    window[stem] = samples_t_c
  return window


def _measure(
    window: Mapping[str, np.ndarray],
    record: Record,
    plan: Plan,
    loudness: Mapping[str, Loudness],
    first: int,
    last: int,
) -> None:
  """Adds a window, without what lies behind the song's end, to what is known of loudness."""
  kept = min(last, record.info["length_t"]) - first
  mixture_t_c = record.signals["mixture_t_c"][first:last]
  loudness[MIXTURE].add(mixture_t_c[:kept])
  for stem, samples_t_c in window.items():
    loudness[stem].add(samples_t_c[:kept])
  if plan.rest:
    rest_t_c = _rest(mixture_t_c, list(window.values()), EXACT)
    loudness[plan.rest].add(rest_t_c[:kept])


def _in_channels(samples_t_c: np.ndarray, channels: int) -> np.ndarray:
  """The two channels of a stem, or their mean, where the song has one."""
  if channels == 1:
    return samples_t_c.mean(1, keepdims=True)
  return samples_t_c
