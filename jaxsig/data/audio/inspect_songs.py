"""What lies in a folder of songs: files, lengths, rates, and whether stems sum to the mixture."""
import numpy as np

from jaxsig.data.audio.audio_files import AudioFile, read_audio
from jaxsig.data.audio.songs import Song, Source
from jaxsig.data.audio.stem_records import in_stereo, padded_sum
from jaxsig.data.recordings import inspect_all
from jaxsig.errors import UserError

EXCERPT_S = 30.0       # of the middle of a song, in which the sum of stems is compared
DIFFERENT_DB = -60.0   # of the difference over the mixture, from which it is told
MOST_NAMED = 5         # songs in a sentence
SILENT = 1e-10         # mean square of an excerpt that is not compared


def inspect_songs(songs: list[Song]) -> dict[str, object]:
  """Returns {"records", "skipped", "findings"}: what there is, what is broken, what is odd."""
  listed = inspect_all(songs, lambda song: song.name.text, _summary)
  return {**listed, "findings": _findings(listed["records"])}


def _summary(song: Song) -> dict[str, object]:
  rates_hz, channels, lengths_s = set(), set(), [0.0]
  for sources in song.stems.values():
    for source in sources:
      with AudioFile(source.path, source.stream) as file:
        rates_hz.add(file.rate_hz)
        channels.add(file.channels)
        lengths_s.append(file.duration_s or 0.0)
  duration_s = max(lengths_s)
  summary = {
      "record": song.name.text,
      "part": song.part,
      "duration_s": round(duration_s, 2),
      "rates_hz": sorted(rates_hz),
      "channels": sorted(channels),
      "stems": _grouping(song),
  }
  if song.left_out:
    summary["left_out"] = ", ".join(song.left_out)
  if song.mixture is not None:
    summary["sum_minus_mixture_db"] = difference_db(song, duration_s)
  return summary


def _grouping(song: Song) -> str:
  """The stems of a song and, where a name does not tell its stem, the files that they are."""
  texts = []
  for stem, sources in song.stems.items():
    names = [source.path.name for source in sources]
    is_plain = len(names) == 1 and (sources[0].stream or sources[0].path.stem == stem)
    if is_plain:
      texts.append(stem)
    else:
      texts.append(f"{stem}: {', '.join(names)}")
  return "; ".join(texts)


def difference_db(song: Song, duration_s: float) -> float | None:
  """Power of the sum of a song's stems minus its mixture, over that of the mixture, in dB.

  It is measured in the middle of the song; None where that is silent.

  Raises:
    UserError: a file cannot be read, or their rates differ.
  """
  start_s = max(0.0, (duration_s - EXCERPT_S) / 2)
  rates_hz = set()
  parts = []
  for sources in song.stems.values():
    for source in sources:
      parts.append(_excerpt(source, start_s, rates_hz))
  mixture_t_c = _excerpt(song.mixture, start_s, rates_hz)
  if len(rates_hz) > 1:
    raise UserError(
        f"the files of {song.name.text} have {', '.join(map(str, sorted(rates_hz)))} Hz: its stems "
        "are not compared with the mixture")
  total_t_c = padded_sum(parts)
  length = min(len(total_t_c), len(mixture_t_c))
  power = float(np.mean(mixture_t_c[:length].astype(np.float64) ** 2))
  if power < SILENT:
    return None
  error = float(np.mean((total_t_c[:length] - mixture_t_c[:length]).astype(np.float64) ** 2))
  return round(10 * np.log10(max(error / power, 1e-20)), 1)


def _excerpt(source: Source, start_s: float, rates_hz: set[int]) -> np.ndarray:
  audio = read_audio(source.path, start_s, EXCERPT_S, source.stream)
  rates_hz.add(audio.rate_hz)
  return in_stereo(audio.samples_t_c, str(source.path))


def _findings(records: list[dict[str, object]]) -> list[str]:
  """Sentences on songs whose stems do not sum to their mixture, or lack one."""
  findings = []
  different = []
  for record in records:
    difference = record.get("sum_minus_mixture_db")
    if difference is not None and difference > DIFFERENT_DB:
      different.append(f"{record['record']} ({difference:.0f} dB)")
  if different:
    findings.append(
        f"The stems of {named(different)} do not sum to the mixture of the data set: records use "
        "their sum.")
  mixed = [record["record"] for record in records if len(record["rates_hz"]) > 1]
  if mixed:
    findings.append(
        f"Stems of different sampling rates lie in {named(mixed)}: at a working rate above the "
        "lowest of them the missing band tells the stem.")
  return findings


def named(texts: list[str]) -> str:
  """The first of some names in a sentence, and how many more there are."""
  listed = ", ".join(texts[:MOST_NAMED])
  if len(texts) > MOST_NAMED:
    listed += f" and {len(texts) - MOST_NAMED} more"
  return listed
