"""A song of one's own: whatever its rate, channels and length are, its stems have them too."""

import dataclasses
import gc
import io
import json
import tempfile
import weakref

import fake_separator
import numpy as np
import pytest
from builders import small
from fake_separator import SHARES, config_of, separator
from predict_builders import untrained

from jaxsig.data.audio import resampling
from jaxsig.data.audio.resampling import resampled
from jaxsig.data.audio.song_windows import samples_of
from jaxsig.data.audio.stem_records import level_of
from jaxsig.data.records import spans_of
from jaxsig.data.stored import StoredArray
from jaxsig.errors import UserError
from jaxsig.prediction import own_file
from jaxsig.system import OwnOptions
from jaxsig.systems.music_separation import own_song, scratch, separated
from jaxsig.systems.music_separation.own_file import OWN_FILE
from jaxsig.systems.music_separation.stems import Stems

LENGTH_S = 2.6  # no whole number of windows

pytestmark = pytest.mark.usefixtures("temporary")


def music(rate_hz=44100, channels=2, duration_s=LENGTH_S, seed=0):
  """[t, c] tones below 3 kHz and noise of whole 16-bit numbers, at a level that clips nowhere."""
  draw = np.random.default_rng(seed)
  time_s_t = np.arange(round(duration_s * rate_hz)) / rate_hz
  samples_t_c = np.zeros((len(time_s_t), channels))
  for hz in (110, 440, 1270, 2900):
    phase_c = draw.uniform(0, 6, channels)
    samples_t_c += 0.1 * np.sin(2 * np.pi * hz * time_s_t[:, None] + phase_c)
  samples_t_c += 0.01 * draw.uniform(-1, 1, samples_t_c.shape)
  return (np.rint(samples_t_c * 2**15) / 2**15).astype(np.float32)


def band_limited(samples_t_c, rate_hz):
  """What a model at its own rate can give back of a song."""
  at_model = resampled(samples_t_c, rate_hz, fake_separator.RATE_HZ)
  return resampled(at_model, fake_separator.RATE_HZ, rate_hz)[: len(samples_t_c)]


@pytest.mark.parametrize(
  "rate_hz, channels",
  [(8000, 1), (8000, 2), (22050, 2), (44100, 1), (48000, 2), (96000, 1), (192000, 2)],
)
def test_stems_have_the_songs_rate_channels_and_length(rate_hz, channels):
  song_t_c = music(rate_hz, channels)
  stems = separator().predict(song_t_c, rate_hz)
  assert (stems.rate_hz, stems.channels, stems.names) == (rate_hz, channels, tuple(SHARES))
  assert stems.duration_s == len(song_t_c) / rate_hz
  expected_t_c = band_limited(song_t_c, rate_hz)
  away = slice(300, -300)  # from the song's ends, where filters ring
  for name, share in SHARES.items():
    assert stems[name].shape == song_t_c.shape
    assert stems[name].dtype == np.float32
    np.testing.assert_allclose(stems[name][away], share * expected_t_c[away], atol=1e-4)


def test_a_song_at_the_rate_of_the_model_comes_back_as_it_is():
  song_t_c = music(fake_separator.RATE_HZ)
  stems = separator().predict(song_t_c, fake_separator.RATE_HZ)
  for name, share in SHARES.items():
    np.testing.assert_array_equal(stems[name], np.float32(share) * song_t_c)


def test_one_axis_is_one_channel():
  song_t_c = music(channels=1)
  stems = separator(stems="drums").predict(song_t_c[:, 0], 44100)
  again = separator(stems="drums").predict(song_t_c, 44100)
  np.testing.assert_array_equal(stems["drums"], again["drums"])


def small_blocks(monkeypatch):
  """All that is done at once is little."""
  for module in (own_song, separated):
    monkeypatch.setattr(module, "BLOCK_T", 1000)
  monkeypatch.setattr(resampling, "BLOCK_T", 500)
  batches = config_of().run.predict_batch_size
  assert batches > 1
  of_one = fake_separator.config_of

  def config_of_one(**own):
    config = of_one(**own).unlock()
    config.run.predict_batch_size = 1
    return config.lock()

  monkeypatch.setattr(fake_separator, "config_of", config_of_one)


@pytest.mark.parametrize("own", [{"residual": True}, {"two_stems": "drums"}], ids=str)
def test_blocks_do_not_show(own, monkeypatch):
  song_t_c = music()
  whole = separator(**own).predict(song_t_c, 44100)
  small_blocks(monkeypatch)
  blocked = separator(**own).predict(song_t_c, 44100)
  for name in whole.names:
    np.testing.assert_allclose(blocked[name], whole[name], atol=1e-5)
  assert [level.name for level in blocked.levels] == list(whole.names)
  np.testing.assert_allclose(
    [level.level_db for level in blocked.levels], [level.level_db for level in whole.levels]
  )


def test_no_more_than_a_block_is_read_at_once(monkeypatch):
  """Of twelve times the length as much as of the song itself."""
  small_blocks(monkeypatch)
  largest = []
  read = StoredArray.__getitem__

  def spy(stored, index):
    samples = read(stored, index)
    largest[-1] = max(largest[-1], len(samples))
    return samples

  monkeypatch.setattr(StoredArray, "__getitem__", spy)
  monkeypatch.setattr("jaxsig.data.gaps.BLOCK_T", 1000)
  for duration_s in (2, 24):
    largest.append(0)
    song_t_c = music(8000, duration_s=duration_s)
    stems = separator(residual=True).predict(song_t_c, 8000)
    for block_t_c in stems.blocks("residual"):
      assert len(block_t_c) <= 1000
  assert max(largest) <= samples_of(config_of().data)


def test_levels_are_those_of_the_song_without_its_padding():
  song_t_c = music(8000, duration_s=3.5)
  song_t_c[8000:24000] *= 1e-3
  levels = {level.name: level for level in separator(residual=True).predict(song_t_c, 8000).levels}
  assert levels["vocals"].level_db == pytest.approx(20 * np.log10(0.5), abs=1e-3)
  assert levels["residual"].level_db == pytest.approx(20 * np.log10(0.125), abs=1e-3)
  assert levels["vocals"].heard_share == 0.5


@pytest.mark.parametrize("channels", [1, 2])
def test_the_level_is_that_of_a_song_of_a_data_set(channels, monkeypatch):
  """A network is trained on songs of one level."""
  small_blocks(monkeypatch)
  config = config_of()
  song_t_c = music(44100, channels)
  record = own_song.read(song_t_c, OwnOptions(44100, config.data, config.own))
  at_model_t_c = resampled(song_t_c, 44100, fake_separator.RATE_HZ)
  assert record.info["level"] == pytest.approx(level_of(at_model_t_c), rel=1e-5)
  assert record.info["length_t"] == len(at_model_t_c)


def collected(channels, starts_s=(0.0, 2.0)):
  """(mixture, what is collected) of 2.5 s in windows of 2 s whose right channel is silent."""
  config = config_of().unlock()
  config.data.window_s = 2
  song_t_c = music(8000, channels, 2.5)
  record = own_song.read(song_t_c, OwnOptions(8000, config.data, config.own))
  padded_t_c = record.signals["mixture_t_c"][:]
  windows_b_j_c_t = np.zeros((2, 3, 2, 16000), np.float32)
  windows_b_j_c_t[:, 0, 0] = padded_t_c[:, 0].reshape(2, 16000)
  windows_b_j_c_t[1, 0, 0, 4000:] = 0.5  # after the song's end
  outputs = {"stems_b_j_c_t": windows_b_j_c_t}
  return song_t_c, separated.collect(record, config, [(spans_of(starts_s, 2.0), outputs)])


def test_a_song_of_one_channel_gets_the_mean_of_both():
  song_t_c, predictions = collected(channels=1)
  vocals_t_c = predictions["separated"].whole("vocals")
  np.testing.assert_allclose(vocals_t_c, song_t_c / 2, atol=1e-7)


def test_what_lies_behind_the_end_is_not_measured():
  _, predictions = collected(channels=1)
  [vocals, *_] = predictions["separated"].levels
  assert vocals.level_db == pytest.approx(-3.01, abs=0.01)  # one of two channels
  assert vocals.heard_share == 1.0  # of three seconds
  np.testing.assert_array_equal(predictions["start_s_b"], [0, 2])
  np.testing.assert_array_equal(predictions["length_s_b"], [2, 2])


def test_windows_with_holes_between_them_are_no_song():
  with pytest.raises(ValueError, match="does not follow"):
    collected(channels=2, starts_s=(0.0, 4.0))


def test_a_silent_stem_has_no_level(monkeypatch):
  monkeypatch.setitem(SHARES, "drums", 0.0)
  model = separator()
  told = own_file.predict(music(8000), 8000, model)
  assert "drums   silent" in list(model.system.own.tell(told))
  assert model.system.own.result(told).to_dict()["stems"][1]["level_db"] is None


def test_it_is_a_typed_value():
  stems = separator(two_stems="vocals").predict(music(), 44100)
  assert isinstance(stems, Stems)
  assert repr(stems) == "<Stems of array: vocals, no_vocals, 2.6 s at 44100 Hz>"
  assert list(stems) == ["vocals", "no_vocals"] and "vocals" in stems and len(stems) == 2
  plain = json.loads(json.dumps(stems.to_dict()))
  assert plain["rate_hz"] == 44100
  assert [stem["name"] for stem in plain["stems"]] == ["vocals", "no_vocals"]
  with pytest.raises(UserError, match="'vocal' is none of the stems of array; did you mean"):
    stems["vocal"]


@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_in_python_two_stems_add_up_to_the_song(rate_hz):
  song_t_c = music(rate_hz)
  stems = separator(two_stems="vocals").predict(song_t_c, rate_hz)
  np.testing.assert_allclose(stems["vocals"] + stems["no_vocals"], song_t_c, atol=1e-7)


def test_whole_numbers_are_scaled_to_full_scale_and_it_is_told():
  song_t_c = music(8000)
  expected = separator().predict(song_t_c, 8000)
  for kind, full_scale in ((np.int16, 2**15), (np.int32, 2**31)):
    numbers_t_c = np.rint(song_t_c.astype(np.float64) * full_scale).astype(kind)
    stems = separator().predict(numbers_t_c, 8000)
    np.testing.assert_array_equal(stems["vocals"], expected["vocals"])
    assert "whole numbers" in stems.notes[0]
  assert expected.notes == ()


def test_files_live_as_long_as_somebody_needs_them(temporary):
  stems = separator(residual=True).predict(music(8000), 8000)
  assert list(temporary.iterdir())
  files = weakref.ref(stems.separated)
  blocks = stems.blocks("residual")
  next(blocks)
  del stems
  gc.collect()
  assert files() is not None
  list(blocks)
  del blocks
  gc.collect()
  assert not list(temporary.iterdir())


def test_nothing_stays_after_an_error(temporary, monkeypatch):
  def interrupted(*arguments):
    raise KeyboardInterrupt

  monkeypatch.setattr(separated, "_measure", interrupted)
  with pytest.raises(KeyboardInterrupt) as caught:
    separator().predict(music(8000), 8000)
  [song] = temporary.iterdir()  # the traceback holds the record
  assert sorted(path.name for path in song.iterdir()) == ["mixture.npy"]
  del caught
  gc.collect()
  assert not list(temporary.iterdir())


def test_the_files_of_a_killed_process_are_removed(temporary):
  left = scratch.Scratch().folder.name
  gc.collect()
  machine_and_process, _, rest = left.rpartition("-")
  machine = machine_and_process.rpartition("_")[0]
  killed = temporary / f"{machine}_999999999-{rest}"
  killed.mkdir()
  separator().predict(music(8000), 8000)
  assert not killed.exists()


def test_stems_that_are_no_numbers_are_told(monkeypatch):
  monkeypatch.setitem(SHARES, "other", float("nan"))
  with pytest.raises(UserError, match="the model's other after 0 s are no numbers"):
    separator().predict(music(8000), 8000)


@pytest.mark.parametrize("failing", ["mixture", "drums"])
def test_a_full_disk_is_a_sentence(failing, monkeypatch):
  write = scratch.ScratchWriter.write

  def full(writer, samples_t_c):
    if writer._path.stem == failing and writer.length_t:
      writer._file.close()
      writer._file = io.FileIO("/dev/full", "wb")
    write(writer, samples_t_c)

  monkeypatch.setattr(scratch.ScratchWriter, "write", full)
  with pytest.raises(UserError, match="No space left on device.*set TMPDIR"):
    separator().predict(music(8000), 8000)


def test_a_temporary_folder_that_is_none_is_a_sentence(monkeypatch, tmp_path):
  with monkeypatch.context() as patch:
    patch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="set TMPDIR"):
      separator().predict(music(8000), 8000)


def test_an_untrained_network_separates_a_song_whatever_its_batches_are(quick_compilation):
  """The smallest of the shipped config, which knows windows by `song_windows.cut` alone."""
  song_t_c = music(11025, duration_s=5.5)
  separations = []
  for size in (1, 3):
    model = untrained(small("music_separation.py", run__predict_batch_size=size))
    model = dataclasses.replace(model, system=model.system._replace(own=OWN_FILE))
    separations.append(model.predict(song_t_c, 11025))
  few, many = separations
  assert few.names == ("vocals", "drums", "other")
  for name in few.names:
    assert few[name].shape == song_t_c.shape
    assert np.abs(few[name]).max() > 1e-3
    np.testing.assert_allclose(many[name], few[name], atol=1e-5)
