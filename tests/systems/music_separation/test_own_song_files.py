"""A song of one's own from a file to files: formats in and out, what adds up, what is told."""

import json

import numpy as np
import pytest
from fake_separator import SHARES, separator
from fake_songs import encode, tone

from jaxsig.data.audio.audio_files import AudioFile, read_audio
from jaxsig.data.audio.audio_writing import write_audio
from jaxsig.errors import UserError
from jaxsig.prediction import own_file

RATE_HZ = 8000

pytestmark = pytest.mark.usefixtures("temporary")


def song(rate_hz=RATE_HZ, channels=2, duration_s=1.7, level=0.2):
  """[t, c] of whole 16-bit numbers."""
  return sum(tone(hz, duration_s, rate_hz, channels, level) for hz in (220.0, 997.0, 1810.0))


def written(folder, stems):
  """{stem: samples} of the results of mine.*."""
  found = {}
  for name in stems:
    [path] = [path for path in folder.glob(f"mine_{name}.*") if path.suffix != ".json"]
    found[name] = read_audio(path).samples_t_c
  return found


def separated(tmp_path, samples_t_c, rate_hz=RATE_HZ, ending=".wav", **own):
  """The folder of a song's results."""
  path = tmp_path / f"mine{ending}"
  write_audio(path, samples_t_c, rate_hz)
  own_file.run(separator(**own), path, None, tmp_path / "out")
  return tmp_path / "out"


@pytest.mark.parametrize("sample_type", ["int16", "int24"])
@pytest.mark.parametrize("form", ["wav", "flac"])
@pytest.mark.parametrize("own", [{"residual": True}, {"two_stems": "vocals"}], ids=str)
def test_files_add_up_to_the_song_to_the_last_bit(tmp_path, sample_type, form, own):
  song_t_c = song(11025)
  folder = separated(tmp_path, song_t_c, 11025, **own, sample_type=sample_type, format=form)
  names = json.loads((folder / "mine_stems.json").read_text())["files"]
  assert {name.partition(".")[2] for name in names.values()} == {form}
  total_t_c = sum(written(folder, names).values())
  np.testing.assert_array_equal(total_t_c, song_t_c)


def test_floats_add_up_and_are_never_clipped(tmp_path, capsys):
  loud_t_c = 4 * song(11025)
  write_audio(tmp_path / "mine.wav", loud_t_c, 11025, "float32")
  model = separator(residual=True, sample_type="float32")
  own_file.run(model, tmp_path / "mine.wav", None, tmp_path / "out")
  assert "clipped" not in capsys.readouterr().out
  total_t_c = sum(written(tmp_path / "out", (*SHARES, "residual")).values())
  np.testing.assert_allclose(total_t_c, loud_t_c, atol=1e-6)


def test_what_is_clipped_is_told_and_written_down(tmp_path, capsys):
  write_audio(tmp_path / "mine.wav", 6 * song(), RATE_HZ, "float32")
  own_file.run(separator(), tmp_path / "mine.wav", None, tmp_path / "out")
  assert "In mine_vocals.wav" in capsys.readouterr().out
  [note] = json.loads((tmp_path / "out/mine_stems.json").read_text())["notes"]
  assert "clipped" in note


def test_what_is_written_again_is_told_once(tmp_path):
  """As where the first name is another song's."""
  model = separator(stems="vocals")
  told = own_file.predict(6 * song(), RATE_HZ, model)
  for name in ("mine", "other_mine"):
    again = told._replace(record=told.record._replace(id=name))
    model.system.own.write(again, tmp_path)
    [note] = model.system.own.result(again).notes
    assert f"In {name}_vocals.wav" in note


@pytest.mark.parametrize("rate_hz, channels", [(8000, 1), (44100, 2), (192000, 1)])
def test_files_have_the_songs_rate_channels_and_length(tmp_path, rate_hz, channels):
  song_t_c = song(rate_hz, channels)
  folder = separated(tmp_path, song_t_c, rate_hz, stems="drums,other")
  assert sorted(path.name for path in folder.iterdir()) == [
    "mine_drums.wav",
    "mine_other.wav",
    "mine_stems.json",
  ]
  for name in ("drums", "other"):
    with AudioFile(folder / f"mine_{name}.wav") as file:
      assert (file.rate_hz, file.channels, file.length_t) == (rate_hz, channels, len(song_t_c))


@pytest.mark.parametrize(
  "ending, codec",
  [
    (".mp3", "mp3"),
    (".m4a", "aac"),
    (".ogg", "vorbis"),
    (".stem.mp4", "aac"),
    (".mp4", "aac"),
    (".flac", "flac"),
  ],
)
def test_all_formats_are_read(tmp_path, ending, codec):
  song_t_c = song(44100)
  path = tmp_path / f"mine{ending}"
  if ending == ".flac":
    write_audio(path, song_t_c, 44100)
  elif ending == ".stem.mp4":
    encode(path, [song_t_c, 0.1 * song_t_c], 44100, codec)
  else:
    encode(path, [song_t_c], 44100, codec)
  decoded_t_c = read_audio(path).samples_t_c
  stems = separator(two_stems="vocals").predict(path)
  assert stems.name == "mine"
  together_t_c = stems["vocals"] + stems["no_vocals"]
  np.testing.assert_allclose(together_t_c, decoded_t_c, atol=1e-6)
  if ending == ".stem.mp4":
    assert stems.notes == ("It has 2 audio streams, the first of which is separated.",)


def test_the_answer_comes_first_and_the_state_of_the_art_is_told(tmp_path, capsys):
  write_audio(tmp_path / "mine.wav", song(), RATE_HZ)
  figure = {"value": 3.14, "low": 2.0, "high": 4.0, "groups": 7}
  figures = {
    "sdr_db_song/vocals": {"shares": figure},
    "sdr_db_song/drums": {"another method": figure},
    "sdr_db_1s/other": {"shares": figure},
  }
  own_file.run(separator(figures), tmp_path / "mine.wav", None, tmp_path / "out")
  said = [line for line in capsys.readouterr().out.splitlines() if line]
  assert said[0].startswith("vocals  -6.0 dB of the mixture, above -50 dB of full scale in 100 %")
  assert "On 7 songs that were held out its SDR is 3.1 dB (vocals); the best" in said[3]
  assert said[-1].startswith("written to ")


def test_the_json_names_the_input_and_a_second_song_keeps_its_own_name(tmp_path):
  for place in ("a", "b"):
    (tmp_path / place).mkdir()
    write_audio(tmp_path / place / "mine.wav", song(), RATE_HZ)
    own_file.run(separator(), tmp_path / place / "mine.wav", None, tmp_path / "out")
  names = sorted(path.name for path in (tmp_path / "out").iterdir())
  assert {"mine_stems.json", "b_mine_stems.json", "b_mine_vocals.wav"} <= set(names)
  about = json.loads((tmp_path / "out" / "b_mine_stems.json").read_text())
  assert about["input"] == str((tmp_path / "b" / "mine.wav").resolve())
  assert about["files"]["vocals"] == "b_mine_vocals.wav"
  assert about["model"] == "fake"


def wav(change, **more):
  """(folder) -> a WAV file of a changed song."""

  def make(folder):
    path = folder / "mine.wav"
    write_audio(path, change(song(**more)), RATE_HZ, "float32")
    return path

  return make


def file_of(data, name="mine.wav"):
  def make(folder):
    (folder / name).write_bytes(data)
    return folder / name

  return make


def truncated_flac(folder):
  path = folder / "mine.flac"
  write_audio(path, song(duration_s=4), RATE_HZ)
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
  return path


def truncated_m4a(folder):
  path = encode(folder / "mine.m4a", [song(44100)], 44100)
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
  return path


def truncated(folder):
  path = wav(lambda x: x)(folder)
  path.write_bytes(path.read_bytes()[:-20000])
  return path


def video_without_sound(folder):
  import av

  path = folder / "film.mp4"
  with av.open(str(path), "w") as container:
    stream = container.add_stream("mpeg4", rate=10)
    stream.width = stream.height = 32
    for _ in range(3):
      frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
      container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
  return path


def broken_at_its_end(folder):
  path = wav(lambda x: x)(folder)
  path.write_bytes(path.read_bytes()[:-4] + np.float32(np.nan).tobytes())
  return path


def with_nan(x):
  x[5000] = np.nan
  return x


@pytest.mark.parametrize(
  "make, sentence",
  [
    (lambda folder: folder, "is a folder: name an audio file"),
    (lambda folder: folder / "no.wav", "is missing: name an audio file"),
    (file_of(b""), "is empty: copy it again"),
    (file_of(b"some text, no sound" * 100), "cannot be read as audio"),
    (video_without_sound, "film.mp4 holds no audio: name a file with sound"),
    (truncated, "is truncated"),
    (truncated_flac, "is truncated"),
    (truncated_m4a, "cannot be read as audio"),
    (wav(lambda x: 0 * x), "is silent, all of it is below -90 dB"),
    (wav(lambda x: 2e-5 * x), "is silent, all of it is below -90 dB"),
    (wav(lambda x: 2.0**15 * x), "divide it by its full scale"),
    (broken_at_its_end, "values that are no numbers after"),
    (wav(lambda x: x, duration_s=0.1), "lasts 0.10 s, and at least 1 s are needed"),
    (wav(lambda x: x, channels=12), "has 12 channels: mix it to stereo"),
  ],
)
def test_a_file_that_is_no_song_is_refused_in_a_sentence(make, sentence, tmp_path, temporary):
  with pytest.raises(UserError) as caught:
    separator(residual=True).predict(make(tmp_path))
  assert sentence in str(caught.value)
  assert not list(temporary.iterdir())  # at once


@pytest.mark.parametrize(
  "source, rate_hz, sentence",
  [
    (song(), None, "does not say its sampling rate: give rate_hz"),
    (song(), 8000.5, "is no whole number"),
    (song(), 100, "rates from 1000 to 768000 Hz are read"),
    (song().T, 8000, "channels first: transpose it"),
    (song()[None], 8000, "has 3 axes"),
    (np.float32(1), 8000, "has 0 axes"),
    (np.zeros((0, 2)), 8000, "is empty"),
    (song(channels=3), 8000, "has 3 channels: mix it to stereo"),
    (song().astype(bool), 8000, "holds bool"),
    (song().astype(np.uint8), 8000, "holds uint8"),
    (song() + 1j, 8000, "holds complex"),
    (None, 8000, "holds object"),
    ([[1.0], [1.0, 2.0]], 8000, "is ragged"),
    (np.ma.masked_less(song(), 0), 8000, "has masked samples"),
    (with_nan(song()), 8000, "values that are no numbers"),
    (song() * np.float64(1e40), 8000, "values that are no numbers"),
    (0 * song(), 8000, "is silent"),
    (song() * 2**15, 8000, "divide it by its full scale, which is 32768"),
    (song(duration_s=0.1), 8000, "lasts 0.10 s"),
  ],
)
def test_an_array_that_is_no_song_is_refused_in_a_sentence(source, rate_hz, sentence, temporary):
  with pytest.raises(UserError) as caught:
    separator().predict(source, rate_hz)
  assert sentence in str(caught.value)
  assert not list(temporary.iterdir())


@pytest.mark.parametrize("ending, codec", [(".mp3", "mp3"), (".mka", "aac")])
def test_what_may_be_truncated_is_told(tmp_path, ending, codec):
  path = encode(tmp_path / f"mine{ending}", [song(44100, duration_s=8)], 44100, codec)
  assert separator(stems="drums").predict(path).notes == ()
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
  [note] = separator(stems="drums").predict(path).notes
  assert note.startswith("It says that it lasts 8.0 s, and ends after ")


def test_a_rate_that_contradicts_the_file_is_refused(tmp_path):
  write_audio(tmp_path / "mine.wav", song(), RATE_HZ)
  assert separator().predict(tmp_path / "mine.wav", 8000.0).rate_hz == RATE_HZ
  with pytest.raises(UserError, match="has 8000 Hz, and rate_hz=44100 is given: leave it out"):
    separator().predict(tmp_path / "mine.wav", 44100)


def test_stems_larger_than_a_wav_file_are_refused_before_they_are_made(tmp_path, monkeypatch):
  monkeypatch.setattr("jaxsig.systems.music_separation.own_song.LARGEST_WAV_BYTES", 20_000)
  write_audio(tmp_path / "mine.wav", song(), RATE_HZ)
  with pytest.raises(UserError, match="own.format=flac"):
    separator().predict(tmp_path / "mine.wav")
  assert separator(format="flac").predict(tmp_path / "mine.wav").names
  assert separator().predict(song(), RATE_HZ).names
