"""Data sets of stems in the layouts that they have, written by the tests."""
import numpy as np
import pytest
from fake_songs import (
  RATE_HZ,
  encode,
  settings,
  tone,
  tones,
  write_dsd100,
  write_song,
)

from jaxsig.data.audio import dsd100, everything_is_free, musdb18, musdb18_hq, stem_records
from jaxsig.data.audio.audio_writing import write_audio
from jaxsig.data.audio.musdb18 import VALIDATION
from jaxsig.data.audio.stem_records import mixture_of, stems_of
from jaxsig.data.stored import StoredArray
from jaxsig.errors import UserError

STEMS = settings().stems


def write_stem_mp4(path, stems, mixture_t_c):
  path.parent.mkdir(parents=True, exist_ok=True)
  order = ("drums", "bass", "other", "vocals")
  return encode(path, [mixture_t_c, *(stems[name] for name in order)])


def test_dsd100(tmp_path):
  write_dsd100(tmp_path / "DSD100", "Test", "001 - An Artist - A Song")
  write_dsd100(tmp_path / "DSD100", "Dev", "051 - Artist B - Song - Live", duration_s=1.2)
  first, second = dsd100.SONGS.load(tmp_path, settings())
  assert (first.id, first.info["part"]) == ("Artist B - Song - Live", "dev")
  assert (second.id, second.group) == ("An Artist - A Song", "an artist - a song")
  assert second.info["part"] == "test" and second.info["artist"] == "An Artist"
  assert first.info["title"] == "Song - Live"
  assert len(dsd100.SONGS.sources(tmp_path)) == 10
  assert dsd100.SONGS.sources(tmp_path / "DSD100") == dsd100.SONGS.sources(tmp_path)


def test_stems_are_exact_and_the_mixture_is_their_sum(tmp_path):
  write_dsd100(tmp_path, "Test", "001 - A - B")
  (record,) = dsd100.SONGS.load(tmp_path, settings())
  assert record.rate_hz == RATE_HZ and record.duration_s == 3.0   # whole windows
  length = record.info["length_t"]
  assert length == 2.5 * RATE_HZ and record.info["full_scale"] == 1.0
  stems_t_j_c = stems_of(record, STEMS)
  for j, truth_t_c in enumerate(tones().values()):
    np.testing.assert_array_equal(stems_t_j_c[:length, j], truth_t_c)
  assert not stems_t_j_c[length:].any()
  np.testing.assert_array_equal(mixture_of(record), stems_t_j_c.sum(1))
  np.testing.assert_array_equal(mixture_of(record, 100, 300), mixture_of(record)[100:300])
  assert all(x.dtype == np.int16 for x in record.signals.values())


def test_records_whose_arrays_lie_on_disk_are_read_in_slices(tmp_path):
  write_dsd100(tmp_path, "Test", "001 - A - B")
  (record,) = dsd100.SONGS.load(tmp_path, settings())
  stored = {}
  for name, x in record.signals.items():
    np.save(tmp_path / f"{name}.npy", x, allow_pickle=False)
    stored[name] = StoredArray(tmp_path / f"{name}.npy")
  on_disk = record._replace(signals=stored)
  for first, last in ((0, None), (500, 1500)):
    found_t_j_c = stems_of(on_disk, STEMS, first, last)
    np.testing.assert_array_equal(found_t_j_c, stems_of(record, STEMS, first, last))


@pytest.mark.parametrize("sign", [-1, 1])
def test_nothing_is_clipped(tmp_path, sign):
  stems = {name: 4 * x for name, x in tones().items()}   # 0.8 each: the mixture goes beyond 1
  write_song(tmp_path / "train" / "A - B", {**stems, "mixture": tones()["bass"]})
  loud_t_c = 1.5 * sign * np.abs(tone(300))
  write_audio(tmp_path / "train" / "A - B" / "vocals.wav", 5 * loud_t_c, RATE_HZ, "float32")
  for sample_type, tolerance in (("int16", 1.5 / 2 / 2**15), ("float32", 1e-7)):
    (record,) = musdb18_hq.SONGS.load(tmp_path, settings(sample_type=sample_type))
    found_t_c = stems_of(record, ["vocals"])[:len(loud_t_c), 0]
    np.testing.assert_allclose(found_t_c, 5 * loud_t_c, atol=tolerance)
    assert record.info["full_scale"] == pytest.approx(1.5, abs=0.01)
    assert np.abs(mixture_of(record)).max() > 2   # and is not clipped
  with pytest.raises(UserError, match="use int16 or float32"):
    list(musdb18_hq.SONGS.load(tmp_path, settings(sample_type="int8")))


def test_musdb18_hq(tmp_path):
  mixture_t_c = sum(tones().values())
  songs = [("train", VALIDATION[0]), ("train", "A - B"), ("test", "C - D")]
  for part, name in songs:
    folder = tmp_path / "musdb18hq" / part / name
    write_song(folder, {**tones(), "mixture": mixture_t_c})
  records = list(musdb18_hq.SONGS.load(tmp_path, settings()))
  parts = {record.id: record.info["part"] for record in records}
  assert parts == {VALIDATION[0]: "valid", "A - B": "train", "C - D": "test"}
  (folder / "bass.wav").unlink()
  with pytest.raises(UserError, match=r"C - D/bass\.wav is missing"):
    list(musdb18_hq.SONGS.load(tmp_path, settings()))
  kept = list(musdb18_hq.SONGS.load(tmp_path, settings(skip_broken=True)))
  assert len(kept) == 2
  listed = musdb18_hq.SONGS.inspect(tmp_path)
  assert [one["record"] for one in listed["skipped"]] == ["C - D"]


def test_musdb18_takes_the_streams_in_their_order(tmp_path):
  stems = tones()
  mixture_t_c = sum(stems.values())
  write_stem_mp4(tmp_path / "test" / "A - B.stem.mp4", stems, mixture_t_c)
  (record,) = musdb18.SONGS.load(tmp_path, settings())
  assert record.id == "A - B" and record.info["length_t"] == 2.5 * RATE_HZ
  found_t_j_c = stems_of(record, STEMS, 0, record.info["length_t"])
  for j, truth_t_c in enumerate(stems.values()):
    error_t_c = found_t_j_c[:, j] - truth_t_c
    assert (error_t_c**2).sum() < 0.01 * (truth_t_c**2).sum()


def test_sums_that_differ_from_the_mixture_are_told(tmp_path):
  stems = tones()
  mixture_t_c = sum(stems.values())
  write_song(tmp_path / "train" / "Same - Song", {**stems, "mixture": mixture_t_c})
  write_song(tmp_path / "train" / "Other - Song", {**stems, "mixture": 1.1 * mixture_t_c})
  listed = musdb18_hq.SONGS.inspect(tmp_path)
  difference_db = {one["record"]: one["sum_minus_mixture_db"] for one in listed["records"]}
  assert difference_db["Same - Song"] < -80
  assert difference_db["Other - Song"] == pytest.approx(20 * np.log10(0.1 / 1.1), abs=0.1)
  (finding,) = listed["findings"]
  assert "Other - Song (-21 dB)" in finding and "Same - Song" not in finding
  assert listed["licence"] and "MUSDB18-HQ" in listed["citation"][0]
  one = listed["records"][0]
  assert (one["duration_s"], one["rates_hz"], one["channels"]) == (2.5, [RATE_HZ], [2])
  assert one["stems"] == "vocals; drums; bass; other"


def write_album(folder):
  """A song in the layout of the CC0 album, with stems of 8 and 16 kHz."""
  names = {"VOX LEAD": 880, "BGVOX BUILD": 600, "HOUSE BEAT": 200, "MELODY BREAK": 300,
           "BUILD": 210, "CRUSH BREAK": 220, "SY BASS": 100, "RISE": 500, "BEEPS": 400}
  place = folder / "everything_is_free" / "2.Lithium"
  place.mkdir(parents=True)
  for name, hz in names.items():
    rate_hz = 8000
    if name == "SY BASS":
      rate_hz = 16000
    encode(place / f"2.Lithium_Stem_{name}_mobile.m4a", [tone(hz, 1.5, rate_hz)], rate_hz)
  encode(place / "2.Lithium_Master_mobile.m4a", [tone(50, 1.5)])
  return names


def test_the_album_is_grouped_by_the_names_of_files(tmp_path):
  write_album(tmp_path)
  (song,) = everything_is_free.songs(tmp_path)
  grouped = {}
  for stem, sources in song.stems.items():
    grouped[stem] = {source.path.name.split("_")[2] for source in sources}
  assert grouped == {
      "vocals": {"VOX LEAD", "BGVOX BUILD"},
      "drums": {"HOUSE BEAT", "BUILD", "CRUSH BREAK"},
      "bass": {"SY BASS"},
      "other": {"MELODY BREAK", "RISE", "BEEPS"},
  }
  assert song.left_out == ["2.Lithium_Master_mobile.m4a"]
  listed = everything_is_free.SONGS.inspect(tmp_path)
  assert listed["records"][0]["rates_hz"] == [8000, 16000]
  assert "bass: 2.Lithium_Stem_SY BASS_mobile.m4a" in listed["records"][0]["stems"].split("; ")
  assert "different sampling rates" in listed["findings"][0].lower()


def test_stems_of_two_rates_are_summed_at_the_working_rate(tmp_path):
  names = write_album(tmp_path)
  config = settings(stems=("vocals", "drums", "other"))
  (record,) = everything_is_free.SONGS.load(tmp_path, config)
  assert list(record.signals) == ["vocals_t_c", "drums_t_c", "other_t_c"]
  assert record.group == "software entwicklungskit - lithium"
  expected_t_c = sum(tone(hz, 1.5) for hz in names.values())
  found_t_c = mixture_of(record)[:len(expected_t_c)]
  error_t_c = (found_t_c - expected_t_c)[500:-500]
  assert (error_t_c**2).mean() < 0.01 * (expected_t_c**2).mean()
  with_bass_t_c = stems_of(record, ["other"])[:, 0]
  power = np.abs(np.fft.rfft(with_bass_t_c[:RATE_HZ, 0]))
  assert power[100] > 0.5 * power.max()   # the bass has joined the other stems


@pytest.mark.parametrize("module, says", [
    (dsd100, "no song of DSD100"), (musdb18, "no song of MUSDB18 "),
    (musdb18_hq, "no song of MUSDB18-HQ"), (everything_is_free, "no song of Everything Is Free")])
def test_a_folder_without_songs_is_told(tmp_path, module, says):
  for call in (module.songs, module.SONGS.inspect):
    with pytest.raises(UserError, match=f"{says}.*correct the folder"):
      call(tmp_path)
  assert module.SONGS.sources(tmp_path) == []


def test_songs_are_read_one_by_one(tmp_path, monkeypatch):
  for number in range(3):
    write_dsd100(tmp_path, "Dev", f"05{number} - A - Song {number}", duration_s=1.0)
  read = []
  whole = stem_records.read_song

  def counted(song, config):
    read.append(song.name.title)
    return whole(song, config)

  monkeypatch.setattr(stem_records, "read_song", counted)
  records = dsd100.SONGS.load(tmp_path, settings())
  assert read == []
  next(iter(records))
  assert read == ["Song 0"]
