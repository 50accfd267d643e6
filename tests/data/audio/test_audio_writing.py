"""What is written is read as it was; what is clipped is told."""
import numpy as np
import pytest
from fake_songs import tone

from jaxsig.data.audio import wav_files
from jaxsig.data.audio.audio_files import AudioFile, read_audio
from jaxsig.data.audio.audio_writing import AudioWriter, write_audio
from jaxsig.errors import UserError


def extremes(sample_type, channels, n=3001):
  """[t, c] random numbers of a type from its lowest to its highest."""
  draw = np.random.default_rng(channels)
  if sample_type == "float32":
    return draw.normal(0, 2, (n, channels)).astype(np.float32)
  half = 2 ** (int(sample_type[3:]) - 1)
  numbers_t_c = draw.integers(-half, half, (n, channels))
  numbers_t_c[0], numbers_t_c[1] = -half, half - 1
  return (numbers_t_c / half).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("name, sample_type", [
    ("a.wav", "int16"), ("a.wav", "int24"), ("a.wav", "float32"),
    ("a.flac", "int16"), ("a.flac", "int24")])
def test_round_trips_are_exact(tmp_path, name, sample_type, channels):
  samples_t_c = extremes(sample_type, channels)
  path = tmp_path / name
  assert write_audio(path, samples_t_c, 44100, sample_type) == []
  audio = read_audio(path)
  assert audio.rate_hz == 44100
  np.testing.assert_array_equal(audio.samples_t_c, samples_t_c)
  assert [file.name for file in tmp_path.iterdir()] == [name]
  with AudioFile(path) as file:
    assert file.length_t == len(samples_t_c)


def test_python_s_own_reader_agrees(tmp_path):
  import wave

  samples_t_c = extremes("int24", 2)
  write_audio(tmp_path / "a.wav", samples_t_c, 48000, "int24")
  with wave.open(str(tmp_path / "a.wav")) as file:
    assert file.getparams()[:4] == (2, 3, 48000, len(samples_t_c))
    numbers = np.frombuffer(file.readframes(len(samples_t_c)), np.uint8).reshape(-1, 3)
  padded = np.pad(numbers, ((0, 0), (1, 0))).view("<i4").reshape(-1, 2)
  np.testing.assert_array_equal(padded / 2.0**31, samples_t_c)


def test_chunks_of_wav_have_even_sizes(tmp_path):
  write_audio(tmp_path / "a.wav", extremes("int24", 1), 8000, "int24")   # 3001 times 3 bytes
  data = (tmp_path / "a.wav").read_bytes()
  assert len(data) % 2 == 0
  assert int.from_bytes(data[4:8], "little") == len(data) - 8


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_blocks_give_the_same_file(tmp_path, name):
  samples_t_c = tone(440, 1.0)
  write_audio(tmp_path / name, samples_t_c, 8000)
  with AudioWriter(tmp_path / f"blocks_{name}", 8000, 2) as writer:
    for first in range(0, len(samples_t_c), 700):
      writer.write(samples_t_c[first:first + 700])
  audio = read_audio(tmp_path / f"blocks_{name}")
  np.testing.assert_array_equal(audio.samples_t_c, samples_t_c)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_what_is_clipped_is_told(tmp_path, name):
  samples_t_c = np.array([[0.5, 1.0], [1.5, -2.25], [-1.0, 0.0]], np.float32)
  notes = write_audio(tmp_path / name, samples_t_c, 8000)
  assert notes == [
      f"In {name} 2 samples were clipped, the largest at 2.25 of full scale: write float32 to keep "
      "them."]
  top = 1 - 2.0**-15
  np.testing.assert_array_equal(
      read_audio(tmp_path / name).samples_t_c, [[0.5, top], [top, -1], [-1, 0]])


def test_full_scale_itself_is_not_told(tmp_path):
  assert write_audio(tmp_path / "a.wav", np.array([[1.0], [-1.0]]), 8000) == []
  assert write_audio(tmp_path / "a.wav", np.array([[9.0], [-9.0]]), 8000, "float32") == []
  assert read_audio(tmp_path / "a.wav").samples_t_c[0] == 9


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
  for name in ("a.wav", "a.flac"):
    path = tmp_path / name
    write_audio(path, tone(440, 0.5), 8000)
    before = path.read_bytes()
    with pytest.raises(UserError, match="no numbers"), AudioWriter(path, 8000, 1) as writer:
      writer.write(np.zeros((10, 1)))
      writer.write(np.full((10, 1), np.nan))
    assert path.read_bytes() == before
  assert sorted(file.name for file in tmp_path.iterdir()) == ["a.flac", "a.wav"]


def test_what_cannot_be_written_is_told(tmp_path, monkeypatch):
  sound = tone(440, 0.1)
  with pytest.raises(UserError, match=r"use \.wav or \.flac"):
    write_audio(tmp_path / "a.mp3", sound, 8000)
  with pytest.raises(UserError, match="use int16, int24 or float32"):
    write_audio(tmp_path / "a.wav", sound, 8000, "int32")
  with pytest.raises(UserError, match="FLAC has int16 and int24"):
    write_audio(tmp_path / "a.flac", sound, 8000, "float32")
  with pytest.raises(UserError, match="FLAC has at most 8"):
    write_audio(tmp_path / "a.flac", np.zeros((5, 12)), 8000)
  for name in ("a.wav", "a.flac"):
    with pytest.raises(UserError, match="cannot be written"):
      write_audio(tmp_path / "missing" / name, sound, 8000)
  monkeypatch.setattr(wav_files, "_LARGEST_BYTES", 1000)
  with pytest.raises(UserError, match="beyond 4 GiB"):
    write_audio(tmp_path / "a.wav", sound, 8000)
