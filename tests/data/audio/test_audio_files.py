"""Audio files that the tests write are read as they were meant, whole and in part."""
import re
import struct

import numpy as np
import pytest
from fake_songs import RATE_HZ, encode, tone

from jaxsig.data.audio.audio_files import AudioFile, read_audio
from jaxsig.data.audio.audio_writing import write_audio
from jaxsig.data.audio.sample_formats import floats_of
from jaxsig.errors import UserError

CODECS = {
    "a.m4a": "aac",
    "a.mp4": "aac",
    "a.mp3": "libmp3lame",
    "a.aac": "aac",
    "a.mka": "aac",
    "a.ogg": "vorbis",
}


def snr_db(truth_t_c, found_t_c):
  error_t_c = truth_t_c - found_t_c
  return 10 * np.log10((truth_t_c**2).sum() / (error_t_c**2).sum())


def chirp(duration_s=3.0, rate_hz=RATE_HZ):
  """A signal without two equal moments, so that a shift is seen."""
  time_s_t = np.arange(round(duration_s * rate_hz)) / rate_hz
  left_t = 0.3 * np.sin(2 * np.pi * (300 * time_s_t + 150 * time_s_t**2))
  return np.stack([left_t, 0.5 * left_t[::-1]], -1).astype(np.float32)


def wav_of(path, numbers_t_c, rate_hz=RATE_HZ):
  """A WAV file of the numbers as they are."""
  tag = {"f": 3}.get(numbers_t_c.dtype.kind, 1)
  channels, size = numbers_t_c.shape[1], numbers_t_c.dtype.itemsize
  head = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * channels * size,
                     channels * size, 8 * size)
  data = numbers_t_c.tobytes()
  body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data)) + data
  path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
  return path


@pytest.mark.parametrize("kind", ["u1", "<i2", "<i4", "<f4", "<f8"])
def test_every_type_of_number_in_wav(tmp_path, kind):
  draw = np.random.default_rng(0)
  if np.dtype(kind).kind == "f":
    numbers_t_c = draw.normal(0, 1, (500, 3)).astype(kind)   # beyond full scale: not clipped
    expected_t_c = numbers_t_c.astype(np.float32)
  else:
    limits = np.iinfo(kind)
    numbers_t_c = draw.integers(limits.min, limits.max, (500, 3), endpoint=True).astype(kind)
    middle = (limits.max + limits.min + 1) / 2
    expected_t_c = ((numbers_t_c - middle) / (limits.max + 1 - middle)).astype(np.float32)
  audio = read_audio(wav_of(tmp_path / "a.wav", numbers_t_c))
  assert (audio.rate_hz, audio.notes, audio.samples_t_c.dtype) == (RATE_HZ, [], np.float32)
  np.testing.assert_array_equal(audio.samples_t_c, expected_t_c)


def test_integers_of_24_bits_are_exact_in_float32():
  numbers = np.array([-2**23, -1, 0, 1, 2**23 - 1], np.int32) << 8
  np.testing.assert_array_equal(floats_of(numbers) * 2.0**31, numbers)


@pytest.mark.parametrize("name, channels", [
    *((name, 2) for name in CODECS), ("a.m4a", 1), ("a.mp3", 1)])
def test_lossy_files_have_the_length_and_place_of_what_was_encoded(tmp_path, name, channels):
  truth_t_c = chirp()[:, :channels]
  audio = read_audio(encode(tmp_path / name, [truth_t_c], codec=CODECS[name]))
  found_t_c = audio.samples_t_c
  if name == "a.aac":   # the encoder's delay of 1024 samples stands nowhere in such a file
    found_t_c = found_t_c[1024:]
  if name in ("a.aac", "a.mka", "a.ogg"):
    found_t_c = found_t_c[:len(truth_t_c)]
  assert found_t_c.shape == truth_t_c.shape
  least_db = {"a.ogg": 6}.get(name, 20)   # FFmpeg's own encoder for Vorbis is coarse
  assert snr_db(truth_t_c, found_t_c) > least_db
  for shift in (-1, 1):
    assert snr_db(truth_t_c, np.roll(found_t_c, shift, 0)) < snr_db(truth_t_c, found_t_c) - 0.5


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a", "a.mp3", "a.mka", "a.ogg"])
@pytest.mark.parametrize("start_s, duration_s", [(0, 0.5), (0.7, 0.3), (1.9, 0.31), (2.2, None)])
def test_a_part_is_that_of_the_whole(tmp_path, name, start_s, duration_s):
  path = tmp_path / name
  if name in CODECS:
    encode(path, [chirp()], codec=CODECS[name])
  else:
    write_audio(path, chirp(), RATE_HZ)
  whole_t_c = read_audio(path).samples_t_c
  first = round(start_s * RATE_HZ)
  last = len(whole_t_c)
  if duration_s is not None:
    last = first + round(duration_s * RATE_HZ)
  part = read_audio(path, start_s, duration_s)
  np.testing.assert_allclose(part.samples_t_c, whole_t_c[first:last], atol=1e-6)


def test_a_part_is_found_without_decoding_what_lies_before(tmp_path):
  path = tmp_path / "a.flac"
  write_audio(path, np.zeros((60 * RATE_HZ, 2)), RATE_HZ)
  with AudioFile(path) as file:
    first, _ = next(file._frames(50 * RATE_HZ))
  assert 48 * RATE_HZ < first <= 50 * RATE_HZ


def test_five_streams_of_a_file(tmp_path):
  signals = [tone(hz) for hz in (300, 400, 500, 600)]
  signals.append(tone(700, 3.1, channels=1))
  path = encode(tmp_path / "a.stem.mp4", signals)
  for stream, truth_t_c in enumerate(signals):
    with AudioFile(path, stream) as file:
      assert (file.streams, file.codec, file.length_t) == (5, "aac", len(truth_t_c))
      assert file.channels == truth_t_c.shape[1]
    assert snr_db(truth_t_c, read_audio(path, stream=stream).samples_t_c) > 20
  with pytest.raises(UserError, match="has 5 audio streams, and number 6 is asked for"):
    AudioFile(path, 5)


def test_blocks_are_small_and_join_to_the_whole(tmp_path):
  path = encode(tmp_path / "a.m4a", [chirp()])
  with AudioFile(path) as file:
    blocks = list(file.blocks())
  assert max(len(block_t_c) for block_t_c in blocks) <= 4096
  np.testing.assert_array_equal(np.concatenate(blocks), read_audio(path).samples_t_c)


def written(folder, name):
  """A file of three seconds, and its bytes."""
  path = folder / name
  if path.suffix == ".m4a":
    encode(path, [chirp()])
  else:
    write_audio(path, chirp(), RATE_HZ)
  return path, path.read_bytes()


@pytest.mark.parametrize("name, says", [
    ("a.wav", "is truncated"), ("a.flac", "is truncated"), ("a.m4a", "cannot be read as audio")])
def test_a_truncated_file_is_told(tmp_path, name, says):
  path, data = written(tmp_path, name)
  path.write_bytes(data[:len(data) // 2])
  with pytest.raises(UserError, match=f"{re.escape(name)} {says}.*copy it again"):
    read_audio(path)


def test_a_truncated_wav_file_of_the_simplest_form_is_told(tmp_path):
  path = wav_of(tmp_path / "a.wav", (2**15 * chirp()).astype("<i2"))
  data = path.read_bytes()
  path.write_bytes(data[:len(data) // 2])
  with pytest.raises(UserError, match="its header says that it is longer"):
    read_audio(path)
  streamed = data[:40] + b"\xff" * 4 + data[44:]   # by a program that could not know its length
  path.write_bytes(streamed)
  assert len(read_audio(path).samples_t_c) == len(chirp())


def test_a_damaged_file_is_told(tmp_path):
  path, data = written(tmp_path, "a.m4a")
  start = data.index(b"mdat") + 5000
  path.write_bytes(data[:start] + bytes(8000) + data[start + 8000:])
  with pytest.raises(UserError, match=r"a\.m4a cannot be decoded .* damaged or encrypted: copy"):
    read_audio(path)


def test_what_could_not_be_decoded_is_silent_and_told(tmp_path):
  path = tmp_path / "a.flac"
  write_audio(path, chirp(20.0), RATE_HZ)
  data = path.read_bytes()
  middle = len(data) // 2
  path.write_bytes(data[:middle] + bytes(3000) + data[middle + 3000:])
  audio = read_audio(path)
  assert len(audio.samples_t_c) == 20 * RATE_HZ
  assert len(audio.notes) == 1 and "s are silent" in audio.notes[0]


def test_packets_that_cannot_be_decoded_are_told(tmp_path):
  path = encode(tmp_path / "a.mp3", [chirp(20.0)], codec="libmp3lame")
  data = path.read_bytes()
  middle = len(data) // 2
  noise = np.random.default_rng(0).integers(0, 256, 1500, np.uint8).tobytes()
  path.write_bytes(data[:middle] + noise + data[middle + 1500:])
  audio = read_audio(path)
  assert 19 * RATE_HZ < len(audio.samples_t_c) <= 20 * RATE_HZ
  assert any("cannot be decoded: the sound breaks off" in note for note in audio.notes)


def test_an_encrypted_file_is_told(tmp_path):
  av = pytest.importorskip("av")
  path = tmp_path / "a.mp4"
  options = {
      "fflags": "+bitexact",   # no random numbers
      "encryption_scheme": "cenc-aes-ctr",
      "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
      "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
  }
  with av.open(str(path), "w", options=options) as container:
    stream = container.add_stream("aac", rate=RATE_HZ, layout="mono")
    for first in range(0, 3 * RATE_HZ, 1024):
      planes = np.ascontiguousarray(chirp()[first:first + 1024, :1].T)
      frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="mono")
      frame.sample_rate, frame.pts = RATE_HZ, first
      container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
  with pytest.raises(UserError, match=r"a\.mp4 cannot be decoded .* damaged or encrypted: copy"):
    read_audio(path)


def test_a_file_without_sound_is_told(tmp_path):
  av = pytest.importorskip("av")
  path = tmp_path / "a.mkv"
  with av.open(str(path), "w") as container:
    stream = container.add_stream("ffv1", rate=10)
    stream.width = stream.height = 16
    stream.pix_fmt = "bgr0"
    frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
    container.mux(stream.encode(frame.reformat(format="bgr0")))
    container.mux(stream.encode(None))
  with pytest.raises(UserError, match="holds no audio: name a file with sound"):
    read_audio(path)


def test_bad_input_is_one_sentence_each(tmp_path):
  with pytest.raises(UserError, match="is a folder: name an audio file"):
    read_audio(tmp_path)
  with pytest.raises(UserError, match="is missing: name an audio file"):
    read_audio(tmp_path / "nothing.wav")
  empty = tmp_path / "empty.wav"
  empty.write_bytes(b"")
  with pytest.raises(UserError, match="is empty: copy it again"):
    read_audio(empty)
  noise = tmp_path / "noise.mp3"
  noise.write_bytes(b"\x00\x01" * 100)
  with pytest.raises(UserError, match="cannot be read as audio"):
    read_audio(noise)
  short = tmp_path / "short.wav"
  write_audio(short, tone(440, 0.1), RATE_HZ)
  assert len(read_audio(short).samples_t_c) == 800
  with pytest.raises(UserError, match=r"has 0\.10 s of audio, and at least 1 s are needed"):
    read_audio(short, least_s=1.0)
  with pytest.raises(UserError, match="has nothing after 7 s"):
    read_audio(short, start_s=7)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_told(tmp_path, value):
  samples_t_c = tone(440)
  samples_t_c[9000] = value
  path = wav_of(tmp_path / "a.wav", samples_t_c)
  with pytest.raises(UserError, match="has values that are no numbers after"):
    read_audio(path)
  assert np.isfinite(read_audio(path, 0, 0.5).samples_t_c).all()


def test_vorbis_with_blocks_of_changing_length_has_no_silence_put_in(tmp_path):
  """Where blocks change their length, the times of its frames jump ahead and come back."""
  soundfile = pytest.importorskip("soundfile", reason="needs soundfile to write such blocks")
  rate_hz = 44_100
  rng = np.random.default_rng(3)
  truth_t_c = 0.01 * rng.standard_normal((4 * rate_hz, 2))
  truth_t_c[rate_hz // 2::rate_hz // 3] += 0.8   # clicks ask for short blocks
  path = tmp_path / "clicks.ogg"
  soundfile.write(path, truth_t_c, rate_hz)
  sound = read_audio(path)
  assert not sound.notes
  assert len(sound.samples_t_c) == len(truth_t_c)
  np.testing.assert_allclose(
      sound.samples_t_c, soundfile.read(path, dtype="float32")[0], atol=1e-5)
