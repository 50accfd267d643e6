"""Times of a text file: which column has them, in which unit, form and order."""
import datetime

import numpy as np
import pytest
from fake_text import Folder, formatted, lines, signal

TIME_S, X_T = signal()
START = datetime.datetime(2024, 5, 1, 23, 59, 55)


@pytest.fixture
def folder(tmp_path) -> Folder:
  return Folder(tmp_path)


def texts(form: str) -> list[str]:
  """TIME_S, from just before midnight on, in a format of dates and times."""
  moments = [START + datetime.timedelta(seconds=float(time)) for time in TIME_S]
  cells = []
  for moment in moments:
    milliseconds = f"{moment.microsecond // 1000:03d}"
    cells.append(moment.strftime(form).replace("MS", milliseconds))
  return cells


def assert_as_recorded(folder: Folder, text: str, rate_hz: float | None = None) -> str:
  """The file is X_T at 64 Hz; returns the notes."""
  read = folder.read(text, rate_hz)
  assert [channel[:4] for channel in read.channels] == [("level", "", 64.0, 640)]
  np.testing.assert_array_equal(read.channels[0].load(), X_T)
  return " ".join(read.notes)


@pytest.mark.parametrize(
  "name",
  [
    "time", "Time", "t", "ts", "timestamp", "Timestamps", "time_s", "Time(s)", "Time [s]",
    "time_sec", "TIME", "Time Stamp (s)",
    "seconds", "elapsed", "Elapsed time", "Zeit", "Zeit [s]", "unix_timestamp", "LocalTimestamp",
    "time stamp", "t_s", "sensor_time", "frame_time", "",
  ],
)  # fmt: skip
def test_a_column_of_seconds_by_its_name(folder, name):
  note = assert_as_recorded(folder, lines(TIME_S, X_T, head=f"{name},level"))
  assert "in seconds" in note
  assert_as_recorded(folder, lines(X_T, TIME_S + 5, head=f"level,{name or 'time'}"), 64.0)


@pytest.mark.parametrize(
  ("name", "scale", "words"),
  [
    ("time_ms", 1e3, "milliseconds"),
    ("Time [ms]", 1e3, "milliseconds"),
    ("timeMs", 1e3, "milliseconds"),
    ("timestamp (us)", 1e6, "microseconds"),
    ("t [µs]", 1e6, "microseconds"),
    ("sensor timestamp [ns]", 1e9, "nanoseconds"),
    ("millis", 1e3, "milliseconds"),
    ("time_min", 1 / 60, "minutes"),
    ("time,", 1e3, "milliseconds by their steps"),
    ("timestamp", 1e6, "microseconds by their steps"),
    ("time", 1e9, "nanoseconds by their steps"),
  ],
)
def test_the_unit_by_name_or_steps(folder, name, scale, words):
  name = name.strip(",")
  times = formatted(TIME_S * scale, ".9f")
  assert words in assert_as_recorded(folder, lines(times, X_T, head=f"{name},level"))


@pytest.mark.parametrize("scale", [1, 1e3, 1e6, 1e9])
def test_times_since_1970(folder, scale):
  times = [round((1.7e9 + time) * scale, 3) for time in TIME_S.tolist()]
  assert "since 1970" in assert_as_recorded(folder, lines(times, X_T, head="timestamp,level"))


@pytest.mark.parametrize("first_day", [45413.4, 739000.4])
def test_days_of_a_spreadsheet(folder, first_day):
  times = formatted(first_day + TIME_S / 86400, ".9f")
  assert "in days" in assert_as_recorded(folder, lines(times, X_T, head="time,level"))


@pytest.mark.parametrize(
  "form",
  [
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.MSZ",
    "%Y-%m-%dT%H:%M:%S.%f+02:00",
    "%Y%m%dT%H%M%S.%f",
    "%d.%m.%Y %H:%M:%S.MS",
    "%m/%d/%Y %I:%M:%S.%f %p",
    "%Y-%m-%d %H:%M:%S:MS",
    "[%H:%M:%S.MS %m/%d/%Y]",
    "%H:%M:%S.MS",
    "%I:%M:%S.MS %p",
    "%H:%M:%S,MS",
    "%Y-%m-%d %H:%M:%S",
  ],
)
def test_texts_of_dates_and_clocks(folder, form):
  assert_as_recorded(folder, lines(texts(form), X_T, delimiter=";", head="datetime;level"))


def test_a_date_and_a_clock_in_two_columns(folder):
  text = lines(texts("%Y-%m-%d"), texts("%H:%M:%S.%f"), X_T, head="date,clock,level")
  assert_as_recorded(folder, text)


def test_a_clock_that_changes_its_zone(folder):
  times = [f"2024-10-27T02:59:{55 + time:06.3f}+02:00" for time in TIME_S[:320]]
  times += [f"2024-10-27T02:00:{time - 5:06.3f}+01:00" for time in TIME_S[320:]]
  text = lines(times, X_T, head="time,level")
  assert_as_recorded(folder, text)
  assert "goes back" in folder.refusal(text.replace("+02:00", "").replace("+01:00", ""))


def test_minutes_and_seconds(folder):
  times = [f"'{int(time) // 60}:{time % 60:06.3f}'" for time in TIME_S]
  head = "'Elapsed time','level'\n'hh:mm:ss.mmm','NU'"
  read = folder.read(lines(times, X_T, head=head))
  assert read.channels[0][:4] == ("level", "NU", 64.0, 640)


@pytest.mark.parametrize(
  ("times", "words", "rate_hz"),
  [
    (np.arange(640), "1 samples/s in seconds and 1000 in milliseconds", 64.0),
    (np.arange(640), "1 samples/s in seconds and 1000 in milliseconds", 1000.0),
    (np.arange(640) * 0.5, "2 samples/s in seconds and 2000 in milliseconds", 2.0),
    (np.arange(640) * 1000, "1 samples/s in milliseconds and 1000 in microseconds", 1000.0),
  ],
)
def test_an_uncertain_unit_is_refused_and_the_remedies_help(folder, times, words, rate_hz):
  text = lines(times, X_T, head="time,level")
  sentence = folder.refusal(text)
  assert words in sentence
  assert "_ms, or give --rate_hz" in sentence
  assert folder.read(text, rate_hz).channels[0].rate_hz == rate_hz
  assert folder.read(text.replace("time", "time_ms")).channels


@pytest.mark.parametrize(
  ("times", "words"),
  [
    (np.full(640, 7.0), "stands still at 7"),
    ([""] * 640, "fewer than two times"),
    ([time if i % 2 else "" for i, time in enumerate(TIME_S)], "lacks 320 of 640"),
    (["10:05"] * 640, "stands still"),
    (["up"] * 640, "no time"),
    (np.minimum(TIME_S, 5.0), "stands still at 5"),
  ],
)
def test_a_time_that_cannot_be_used_is_replaced_by_a_given_rate(folder, times, words):
  text = lines(times, X_T, head="time,level")
  sentence = folder.refusal(text)
  assert words in sentence
  assert "--rate_hz" in sentence
  read = folder.read(text, 64.0)
  assert read.channels[0].samples == 640
  assert words in " ".join(read.notes)


@pytest.mark.parametrize("rate_hz", [None, 64.0])
@pytest.mark.parametrize(
  ("times", "words"),
  [
    (TIME_S % 5, "after line 321"),
    (TIME_S % 1, "after line 65"),
    (TIME_S - 1.5 * (TIME_S > 5), "goes back"),
    (TIME_S - 3600 * (TIME_S > 5), "goes back"),
    (np.roll(TIME_S, 300), "goes back"),
    (np.concatenate([TIME_S[:320], TIME_S[:320] + 0.003]), "goes back"),
    (np.random.default_rng(0).uniform(0, 10, 640), "goes back"),
    (["x7" if i == 99 else time for i, time in enumerate(TIME_S)], "'x7' in line 101"),
  ],
)
def test_a_time_that_begins_again_is_refused(folder, times, words, rate_hz):
  assert words in folder.refusal(lines(times, X_T, head="time,level"), rate_hz)


@pytest.mark.parametrize(
  "order",
  [
    np.arange(640)[::-1],
    np.random.default_rng(0).permutation(640),
    np.r_[0:100, 110:200, 100:110, 200:640],
    np.concatenate([np.arange(100), np.arange(110, 120), np.arange(100, 110), np.arange(120, 640)]),
    np.arange(640).reshape(-1, 2)[:, ::-1].ravel(),
  ],
  ids=["backwards", "shuffled", "late packet", "two packets swapped", "pairs swapped"],
)
def test_lines_out_of_order_are_sorted(folder, order):
  notes = assert_as_recorded(folder, lines(TIME_S[order], X_T[order], head="time,level"))
  assert "sorted" in notes or "turned" in notes


@pytest.mark.parametrize(
  ("name", "scale", "period", "first"),
  [
    ("micros", 1e6, 2**32, 2**32 - 3_000_000),
    ("time_ms", 1e3, 2**16, 2**16 - 4000),
    ("time_s", 1, 86400, 86395),
    ("millis", 1e3, 2**32, 2**32 - 10),
  ],
)
def test_a_counter_that_begins_again_is_continued(folder, name, scale, period, first):
  times = [round((first + time * scale) % period, 6) for time in TIME_S.tolist()]
  notes = assert_as_recorded(folder, lines(times, X_T, head=f"{name},level"))
  assert "continued" in notes


def test_missing_stamps_are_filled_in(folder):
  times = ["" if i % 50 in (0, 7) else time for i, time in enumerate(TIME_S)]
  notes = assert_as_recorded(folder, lines(times, X_T, head="time,level"))
  assert "missing times filled in" in notes


def test_of_two_times_the_finer_is_taken(folder):
  phone = formatted(1.7e9 + TIME_S, ".0f")
  text = lines(phone, TIME_S, X_T, head="phone_timestamp,sensor_time,level")
  assert "'phone_timestamp' not used" in assert_as_recorded(folder, text)


def test_two_times_that_contradict_each_other(folder):
  text = lines(TIME_S, 2 * TIME_S, X_T, head="sensor_time,phone_time,level")
  assert "contradict" in folder.refusal(text)


@pytest.mark.parametrize("name", ["reaction_time", "transit time [ms]", "timeout"])
def test_a_signal_with_a_time_in_its_name(folder, name):
  read = folder.read(lines(TIME_S, X_T, -X_T, head=f"time,level,{name}"))
  assert len(read.channels) == 2


@pytest.mark.parametrize("head", ["device_reading_time,level", ""])
def test_a_time_by_its_rise_with_an_uncertain_unit(folder, head):
  text = lines(0.5 * np.arange(640), X_T, head=head)
  assert "no certain unit" in folder.refusal(text)
  assert folder.read(text, 2.0).channels[0].rate_hz == 2
  assert "fits 64 samples/s, as given, in no unit" in folder.refusal(text, 64.0)


def test_a_ramp_without_a_name_is_the_time(folder):
  read = folder.read(lines(TIME_S, X_T))
  assert [channel[:4] for channel in read.channels] == [("", "", 64.0, 640)]
  assert "the first column in seconds" in read.notes


def test_minute_stamps(folder):
  for start, form in (("2024-05-01 23:58", "%Y-%m-%d %H:%M"), ("2024-05-01 23:58", "%H:%M")):
    begin = datetime.datetime.fromisoformat(start)
    times = [
      (begin + datetime.timedelta(seconds=i / 64)).strftime(form) for i in range(64 * 300)
    ]
    text = lines(times, np.arange(64 * 300) % 77, head="time,level")
    assert folder.read(text, 64.0).channels[0].rate_hz == 64
    assert "samples/s" in folder.refusal(text, 20.0)
    if form == "%H:%M":
      assert "or give --rate_hz" in folder.refusal(text)
    else:
      assert folder.read(text).channels[0].rate_hz == 64


def test_minutes_and_seconds_without_a_fraction(folder):
  times = [f"{59 + i // 3840}:{i // 64 % 60:02d}" for i in range(64 * 120)]
  text = lines(times, np.arange(64 * 120) % 77, head="time,level")
  for rate_hz in (None, 64.0):
    assert folder.read(text, rate_hz).channels[0].rate_hz == 64


def test_a_pair_of_either_meaning_asks(folder):
  times = [f"{10 + i // 90000}:{i // 1500 % 60:02d}" for i in range(1500 * 16)]
  text = lines(times, np.arange(1500 * 16) % 77, head="time,level")
  sentence = folder.refusal(text)
  assert "as minutes and seconds" in sentence
  assert "as hours and minutes" in sentence
  assert folder.read(text, 25.0).channels[0].rate_hz == 25
  assert folder.read(text, 1500.0).channels[0].rate_hz == 1500


@pytest.mark.parametrize(
  ("name", "scale"), [("min", 60), ("mins", 60), ("minute", 60), ("h", 3600), ("hour", 3600)]
)
def test_a_time_column_named_by_its_unit(folder, name, scale):
  times = formatted(TIME_S / scale, ".9f")
  assert_as_recorded(folder, lines(times, X_T, head=f"{name},level"))
  read = folder.read(lines(TIME_S, X_T, X_T, head=f"time,level,{name}"))
  assert len(read.channels) == 2


@pytest.mark.parametrize(
  ("name", "scale", "bits"),
  [("micros", 1e6, 32), ("millis", 1e3, 32), ("time_ms", 1e3, 16), ("time_us", 1e6, 32)],
)
def test_a_counter_with_a_sign_that_wraps(folder, name, scale, bits):
  first = 2 ** (bits - 1) - 3000
  times = np.round(first + TIME_S * scale).astype(np.int64)
  wrapped = (times + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
  read = folder.read(lines(wrapped, X_T, head=f"{name},level"))
  assert read.channels[0].rate_hz == 64
  assert "continued" in " ".join(read.notes)


def test_clocks_that_differ_are_told(folder):
  text = lines(TIME_S, 1.03 * TIME_S, X_T, head="sensor_time,phone_time,level")
  assert "spans" in " ".join(folder.read(text).notes)


def test_seconds_since_another_year_are_not_called_since_1970(folder):
  times = formatted(7.4e8 + TIME_S, ".6f")
  assert "1970" not in assert_as_recorded(folder, lines(times, X_T, head="timestamp,level"))


def test_a_clock_set_back_is_told_in_its_own_words(folder):
  times = [f"2024-10-27 02:59:{55 + time:06.3f}" for time in TIME_S[:320]]
  times += [f"2024-10-27 02:00:{time - 5:06.3f}" for time in TIME_S[320:]]
  sentence = folder.refusal(lines(times, X_T, head="time,level"))
  assert "goes back from 2024-10-27 02:59:59.984 to 2024-10-27 02:00:00" in sentence


@pytest.mark.parametrize("comment", ["#1 start", "#* cough, loud", "#12 a\tb", "# x"])
def test_comments_at_the_end_of_lines(folder, comment):
  text = lines(TIME_S, X_T, delimiter="\t", head="time\tlevel")
  rows = text.splitlines()
  for at in (1, 40, 640):
    rows[at] += f"\t{comment}"
  assert "3 comments at the end of lines" in assert_as_recorded(folder, "\n".join(rows) + "\n")


@pytest.mark.parametrize("start", [0, 1_714_521_600])
@pytest.mark.parametrize(
  ("names", "parts"),
  [
    ("header.stamp.secs,header.stamp.nsecs", 10**9),
    ("stamp.sec,stamp.nanosec", 10**9),
    ("tv_sec,tv_usec", 10**6),
    ("sec,nsec", 10**9),
    ("time_s,time_ms", 1000),
  ],
)
def test_seconds_and_their_parts_in_two_columns(folder, names, parts, start):
  time_s = np.arange(640) / 50
  whole_s = np.floor(time_s)
  rest = np.rint((time_s - whole_s) * parts).astype(int)
  read = folder.read(lines((start + whole_s).astype(int), rest, X_T, head=f"{names},level"))
  assert [channel[0] for channel in read.channels] == ["level"]
  assert read.channels[0].rate_hz == pytest.approx(50, rel=1e-9)
  np.testing.assert_array_equal(read.channels[0].load(), X_T)


@pytest.mark.parametrize("channels", [1, 2])
def test_minutes_under_a_count_of_samples(folder, channels):
  times = formatted(TIME_S / 60, ".9f")
  counts = ",640" * channels
  names = ",level" * channels
  text = lines(times, *[X_T] * channels, head=f"a.acq\nmin{names}\n{counts}")
  read = folder.read(text)
  assert [channel[:4] for channel in read.channels] == [("level", "", 64.0, 640)] * channels
