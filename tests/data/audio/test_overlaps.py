"""Songs that stand in two data sets are found by artist and title, and kept apart."""
import pathlib

import pytest
from fake_songs import tones, write_dsd100, write_song

from jaxsig.data.audio import dsd100, musdb18_hq
from jaxsig.data.audio.overlaps import READERS, inspecting, require_apart, shared_songs
from jaxsig.data.audio.song_names import name_of_folder, song_name
from jaxsig.errors import UserError


@pytest.mark.parametrize("one, other", [
    ("Actions - One Minute Smile", "ACTIONS - One minute smile"),
    ("AC/DC - Café", "ACDC - Cafe"),
    ("Johnny Lokke - Promises & Lies", "Johnny Lokke - Promises and Lies"),
    ("Al-James  - It's Over!", "Al James - Its Over"),
])
def test_spellings_of_one_song_have_one_key(one, other):
  assert song_name(one).key == song_name(other).key


@pytest.mark.parametrize("one, other", [
    ("A - B", "A - C"), ("A - B", "B - A"), ("A - B", "AB"), ("A B", "A - B")])
def test_other_songs_have_other_keys(one, other):
  assert song_name(one).key != song_name(other).key


@pytest.mark.parametrize("folder, artist, title", [
    ("051 - AM Contra - Heart Peripheral", "AM Contra", "Heart Peripheral"),
    ("1.Hydrogen", "", "Hydrogen"),
    ("1999 - Party", "1999", "Party"),
    ("Song - A - B", "Song", "A - B"),
    ("99 Songs", "", "99 Songs"),
])
def test_names_of_folders(folder, artist, title):
  assert name_of_folder(pathlib.Path("x") / folder) == (artist, title)


@pytest.fixture
def both_sets(tmp_path):
  """A tree of DSD100 and MUSDB18-HQ with two songs in both."""
  short = {"duration_s": 1.0}
  for part, name in (("Test", "001 - A - Tést Song"), ("Dev", "051 - B - Dev Song"),
                     ("Dev", "052 - C - Only Here")):
    write_dsd100(tmp_path / "DSD100", part, name, **short)
  for part, name in (("test", "a - Test Song"), ("test", "B - Dev Song"), ("train", "D - Else")):
    stems = tones(**short)
    write_song(tmp_path / "musdb18hq" / part / name, {**stems, "mixture": sum(stems.values())})
  return tmp_path


def test_songs_of_both_are_found(both_sets):
  pairs = shared_songs(dsd100.songs(both_sets), musdb18_hq.songs(both_sets))
  found = sorted((one.part, other.part, other.name.title) for one, other in pairs)
  assert found == [("dev", "test", "Dev Song"), ("test", "test", "Test Song")]


@pytest.mark.parametrize("name", ["dsd100", "musdb18_hq"])
def test_inspect_tells_of_them(both_sets, name):
  listed = inspecting(READERS[name])(both_sets)
  (finding,) = listed["findings"]
  assert finding.startswith("2 songs of dsd100 also stand in musdb18_hq (1 of its dev in the test")
  assert "1 of its test in the test of musdb18_hq" in finding and "B - Dev Song" in finding
  (both_sets / "DSD100" / "Sources" / "Test").rename(both_sets / "aside")
  (both_sets / "DSD100" / "Sources" / "Dev" / "051 - B - Dev Song").rename(both_sets / "aside2")
  assert inspecting(READERS["musdb18_hq"])(both_sets)["findings"] == []


def test_an_evaluation_across_them_is_refused_by_name(both_sets):
  trained = [song.name.key for song in dsd100.songs(both_sets)]
  tested = [song.name.key for song in musdb18_hq.songs(both_sets)]
  with pytest.raises(UserError, match=r"knows 2 songs of the test: a - test song, b - dev song"):
    require_apart(trained, tested)
  require_apart(trained, set(tested) - set(trained))
