"""Hundreds of odd text files, made by chance: read, or refused in one line."""
import numpy as np
import pytest
from fake_text import Folder, formatted, lines, smooth

from jaxsig.errors import UserError

NAMES = ("time", "timestamp", "t [ms]", "time_s", "level", "", "index", "x (mV)", "date", "5")
HEADS = (
  "# fs=64", "Sampling rate: 0 Hz", "Device X", "1500000000", "64", "", "sep=;", "interval=0 ms",
  "a,b,c", "fs=1e-300 kHz", '"', "dt=0.0000000000000001 s",
)  # fmt: skip
PIECES = (*"\",;\n\t x-:.eN#'\r/", "NaN", "2024-05-01", "10:00:00", "1e999", "\u2212")


def odd_times(random: np.random.Generator) -> np.ndarray:
  """Ascending times or not, in some unit, of some start."""
  samples = int(random.choice([1, 2, 3, 5, 20, 100, 600]))
  times = np.arange(samples) / random.choice([1, 25, 30, 64, 100, 250, 2000])
  kind = random.integers(6)
  if kind == 0:
    times = times + random.normal(0, 0.01, samples)
  elif kind == 1:
    times = times + (times > times[samples // 2]) * random.choice([0.1, 3, 100, 1e6, -1])
  elif kind == 2:
    times = np.repeat(times[::7], 7)[:samples]
  elif kind == 3:
    times = times[random.permutation(samples)]
  elif kind == 4:
    times[random.integers(samples)] = random.choice([np.nan, np.inf, 1e30, -1e9, 0])
  return times * random.choice([1, 1e3, 1e9, 1 / 60]) + random.choice([0, 1.7e9, 1.7e12, 45000, -5])


def odd_file(random: np.random.Generator) -> bytes:
  """A table with faults."""
  times = odd_times(random)
  columns = [formatted(times, random.choice([".0f", ".3f", ".6f", ".10g"]))]
  for _ in range(int(random.integers(0, 4))):
    values = random.normal(0, 10.0 ** random.integers(-3, 6), len(times))
    columns.append(formatted(values, random.choice([".0f", ".2f", ".5e", "g"])))
  if random.uniform() < 0.2:
    columns.append(list(random.choice(["a", "b", "", "rest"], len(times))))

  delimiter = random.choice([",", ";", "\t", " ", "|", ", "])
  head = list(random.choice(HEADS, int(random.choice([0, 0, 0, 1, 3]))))
  if random.uniform() < 0.7:
    names = random.choice(NAMES, len(columns) + int(random.choice([0, 0, 1])))
    head.append(delimiter.join(names))
  text = lines(*columns, delimiter=delimiter, head="\n".join(head))

  if random.uniform() < 0.2:
    text = text.replace(".", ",")
  for _ in range(int(random.choice([0, 0, 1, 3]))):
    at = int(random.integers(len(text) + 1))
    text = text[:at] + random.choice(PIECES) + text[at:]
  content = bytearray(text.encode(random.choice(["utf-8", "utf-16", "utf-8-sig"])))
  if random.uniform() < 0.1:
    content[int(random.integers(len(content)))] = int(random.integers(256))
  return bytes(content)


@pytest.mark.parametrize("seed", range(10))
def test_odd_files_are_read_or_refused_in_one_line(tmp_path, seed):
  random = np.random.default_rng(seed)
  folder = Folder(tmp_path)
  counts = {"read": 0, "refused": 0}
  for _ in range(40):
    rate_hz = random.choice([None, None, 64.0, 1e-9, 1e12, float("nan")])
    try:
      channels = folder.read(odd_file(random), rate_hz).channels
      counts["read"] += 1
      for channel in channels:
        assert channel.rate_hz is None or 0 < channel.rate_hz < np.inf
    except UserError as error:
      assert "\n" not in str(error)
      counts["refused"] += 1
  assert min(counts.values()) >= 5


def recorded_s(random: np.random.Generator, kind: str, rate_hz: float) -> np.ndarray:
  """Times of the samples of 20 to 60 s: some are lost, late, or at another rate."""
  samples = int(rate_hz * random.choice([20, 60, 61.3]))
  time_s = np.arange(samples) / rate_hz
  if kind == "gap":
    time_s += (np.arange(samples) > random.integers(10, samples - 10)) * random.choice([1.37, 33.3])
  elif kind == "lost":
    present = random.uniform(size=samples) > random.choice([0.01, 0.1])
    present[0] = True
    time_s = time_s[present]
  elif kind == "jitter":
    time_s += random.uniform(-0.3, 0.3, samples) / rate_hz
    time_s -= time_s[0]
  elif kind == "slower":
    slower = samples // 3
    time_s[slower:] += np.arange(samples - slower) * random.choice([0.25, 1.0]) / rate_hz
  return time_s


@pytest.mark.parametrize("kind", ["plain", "gap", "lost", "jitter", "slower"])
def test_known_recordings_are_read_as_they_were(tmp_path, kind):
  random = np.random.default_rng(4)
  folder = Folder(tmp_path)
  for _ in range(12):
    rate_hz = float(random.choice([25, 29.97, 51.2, 64, 100 / 3, 128.37, 250]))
    time_s = recorded_s(random, kind, rate_hz)
    digits = int(random.choice([1, 2, 3, 3, 6]))
    start_s = random.choice([0, 12.3, 1.7e9])
    stamps = formatted(start_s + time_s, f".{digits}f")
    text = lines(stamps, formatted(smooth(time_s), ".5f"), head="time_s,level")

    channel = folder.read(text).channels[0]
    on_grid_t = channel.load()
    grid_s = np.arange(channel.samples) / channel.rate_hz
    known = np.isfinite(on_grid_t)
    late_s = 10.0**-digits + 0.6 / rate_hz   # at most, which moves a slope of 10 a second
    wrong = np.abs(on_grid_t - smooth(grid_s))[known] > 0.1 + 10 * late_s
    assert wrong.mean() < 0.01
    assert channel.samples / channel.rate_hz == pytest.approx(
      time_s[-1] + 1 / rate_hz, abs=2.5 / rate_hz + 1.5 * 10.0**-digits
    )
    assert known.sum() / channel.rate_hz > 0.75 * len(time_s) / rate_hz
