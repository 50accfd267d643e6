"""A plain folder of songs and the table that says which file is which stem."""
import numpy as np
import pytest
from fake_songs import RATE_HZ, SETTINGS, encode, settings, tone, tones, write_song

from jaxsig.data.audio import stem_folder
from jaxsig.data.audio.audio_writing import write_audio
from jaxsig.data.audio.stem_records import mixture_of, stems_of
from jaxsig.errors import UserError

TABLE = """file,stem
*VOX*,vocals
*kick*,drums
*hat*, drums
*premaster*,mixture
*master*,
*,other
"""


def load(folder, **changes):
  return list(stem_folder.SONGS.load(folder, settings(**changes)))


def written(folder, table=TABLE):
  """A song whose files a table tells apart: {name: samples}."""
  signals = {
      "01 lead vox": tone(700), "02 Kick": tone(60), "03 hats": tone(3000, 1.0),
      "04 pad": tone(400, channels=1), "premaster": tone(123), "Master final": tone(321)}
  write_song(folder / "Band - Tune", signals, ".flac")
  if table:
    (folder / "stems.csv").write_text(table)
  return signals


def test_files_are_named_as_the_stem_they_are(tmp_path):
  stems = tones()
  write_song(tmp_path / "Song A", stems)
  (tmp_path / "Song A" / "notes.txt").write_text("no audio")
  (tmp_path / "empty").mkdir()
  (record,) = load(tmp_path)
  assert (record.id, record.group, record.info["artist"]) == ("Song A", "song a", "")
  found_t_j_c = stems_of(record, SETTINGS["stems"], 0, record.info["length_t"])
  np.testing.assert_array_equal(found_t_j_c, np.stack(list(stems.values()), 1))
  assert len(stem_folder.SONGS.sources(tmp_path)) == 4


@pytest.mark.parametrize("ending", [".flac", ".m4a", ".MP3"])
def test_any_format_will_do(tmp_path, ending):
  folder = tmp_path / "Song"
  folder.mkdir()
  for name, samples_t_c in tones().items():
    if ending == ".flac":
      write_audio(folder / f"{name}{ending}", samples_t_c, RATE_HZ)
    else:
      codec = {".m4a": "aac", ".MP3": "libmp3lame"}[ending]
      encode(folder / f"{name}{ending}", [samples_t_c], codec=codec)
  (record,) = load(tmp_path)
  expected_t_c = sum(tones().values())
  error_t_c = mixture_of(record, 0, len(expected_t_c)) - expected_t_c
  assert (error_t_c**2).sum() < 0.02 * (expected_t_c**2).sum()


def test_the_table_tells_files_apart(tmp_path):
  signals = written(tmp_path)
  (record,) = load(tmp_path)
  length = record.info["length_t"]
  drums_t_c = signals["02 Kick"].copy()
  drums_t_c[:RATE_HZ] += signals["03 hats"]
  np.testing.assert_array_equal(stems_of(record, ["drums"], 0, length)[:, 0], drums_t_c)
  on_both_sides_t_c = np.repeat(signals["04 pad"], 2, 1)
  np.testing.assert_array_equal(stems_of(record, ["other"], 0, length)[:, 0], on_both_sides_t_c)
  assert record.info["notes"] == ["It has no bass: that stem is silent."]
  assert not np.asarray(record.signals["bass_t_c"]).any()
  (listed,) = stem_folder.SONGS.inspect(tmp_path)["records"]
  assert listed["left_out"] == "Master final.flac" and listed["channels"] == [1, 2]
  assert "drums: 02 Kick.flac, 03 hats.flac" in listed["stems"].split("; ")
  assert listed["sum_minus_mixture_db"] > 0   # the premaster here is another tone
  assert tmp_path / "stems.csv" in stem_folder.SONGS.sources(tmp_path)


def test_a_missing_stem_may_be_an_error(tmp_path):
  written(tmp_path)
  with pytest.raises(UserError, match=r"Band - Tune has no bass.*missing_stem=silence"):
    load(tmp_path, missing_stem="error")
  assert load(tmp_path, missing_stem="error", skip_broken=True) == []


def test_what_is_not_among_the_stems_joins_the_others(tmp_path):
  write_song(tmp_path / "Song", tones())
  (four,) = load(tmp_path)
  (three,) = load(tmp_path, stems=("vocals", "drums", "other"))
  np.testing.assert_allclose(mixture_of(three), mixture_of(four), atol=1e-4)
  joined_t_c = stems_of(four, ["bass", "other"]).sum(1)
  np.testing.assert_allclose(stems_of(three, ["other"])[:, 0], joined_t_c, atol=1e-4)
  with pytest.raises(UserError, match="has bass, which is not among data.stems"):
    load(tmp_path, stems=("vocals", "drums"))


def test_group_by_artist(tmp_path):
  for name in ("Band - One", "BAND - Two", "Untold"):
    write_song(tmp_path / name, tones(duration_s=1.0))
  groups = [record.group for record in load(tmp_path)]
  assert sorted(groups) == ["band - one", "band - two", "untold"]
  groups = [record.group for record in load(tmp_path, group_by="artist")]
  assert sorted(groups) == ["band", "band", "untold"]


def test_files_that_the_table_does_not_name_are_told(tmp_path):
  write_song(tmp_path / "Song", {**tones(), "guitar": tone(330)})
  with pytest.raises(UserError, match=r"guitar\.wav is no known stem: name it in a row of .*stems"):
    load(tmp_path)


@pytest.mark.parametrize("table, says", [
    ("name,stem\n*,other\n", "needs the columns file and stem"),
    ("", "needs the columns file and stem"),
    ("file,stem\n*,guitar\n", "line 2 of .* has the stem 'guitar'"),
    ("file,stem\n*VOX*,vocals\n,other\n", "line 3 of .* names no file"),
])
def test_a_wrong_table_is_told(tmp_path, table, says):
  written(tmp_path, "")
  (tmp_path / "stems.csv").write_text(table)
  with pytest.raises(UserError, match=says):
    load(tmp_path)


def test_odd_songs_are_told(tmp_path):
  with pytest.raises(UserError, match=r"no song in .*vocals\.wav"):
    stem_folder.songs(tmp_path)
  assert stem_folder.SONGS.sources(tmp_path) == []
  write_song(tmp_path / "Short", tones(duration_s=0.1))
  with pytest.raises(UserError, match=r"Short lasts 0\.10 s, and at least 1 s are needed"):
    load(tmp_path)
  write_song(tmp_path / "SHORT", tones())
  with pytest.raises(UserError, match="give one another name"):
    load(tmp_path)


def test_more_than_two_channels_are_told(tmp_path):
  write_song(tmp_path / "Song", tones(channels=6))
  with pytest.raises(UserError, match="has 6 channels: mix it to stereo"):
    load(tmp_path)


def test_a_damaged_file_is_named(tmp_path):
  write_song(tmp_path / "Song", tones())
  write_song(tmp_path / "Whole", tones())
  path = tmp_path / "Song" / "drums.wav"
  path.write_bytes(path.read_bytes()[:9000])
  with pytest.raises(UserError, match=r"drums\.wav is truncated"):
    load(tmp_path)
  assert [record.id for record in load(tmp_path, skip_broken=True)] == ["Whole"]


def test_tfds_examples_equal_the_records(tmp_path):
  pytest.importorskip("array_record", reason="array_record is not installed")
  tfds = pytest.importorskip("tensorflow_datasets", reason="TFDS is not installed")
  from jaxsig.data.audio.tfds_stem_folder import SETTINGS as STORED
  from jaxsig.data.audio.tfds_stem_folder import StemFolder

  folder = tmp_path / "songs"
  write_song(folder / "Band - One", tones(duration_s=1.3))
  write_song(folder / "Two", {"vocals": tone(500, 1.0)})
  builder = StemFolder(data_dir=tmp_path / "tfds", file_format="array_record")
  download = tfds.download.DownloadConfig(manual_dir=folder)
  builder.download_and_prepare(download_config=download)
  stored = {one["id"].decode(): one for one in builder.as_data_source("train")}
  records = list(stem_folder.SONGS.load(folder, settings(**STORED)))
  assert sorted(stored) == [record.id for record in records] == ["Band - One", "Two"]
  for record in records:
    example = stored[record.id]
    assert example["group"].decode() == record.group
    assert example["rate_hz"] == record.rate_hz == 22050
    assert example["length_t"] == record.info["length_t"]
    assert example["full_scale"] == record.info["full_scale"]
    for name, x in record.signals.items():
      np.testing.assert_array_equal(example[name], x)
