"""Paths as users write them: this machine's, or one sentence; names that everything can print."""
import os
import pathlib

import pytest
from fake_bidmc import says

from jaxsig import paths
from jaxsig.errors import UserError, printable

pytestmark = pytest.mark.quick
LATIN_1 = os.fsdecode(b"Gr\xf6\xdfe.npy")


@pytest.mark.parametrize(("name", "wanted"), [
    ("~/runs", "HOME/runs"),
    ("~", "HOME"),
    ("runs/first/", "runs/first"),
    (".", "."),
    ("a b", "a b"),
    ("new\nline", "new\nline"),
    (LATIN_1, LATIN_1),
    (pathlib.Path("~/runs"), "HOME/runs"),
    ("C:x", "C:x"),
    ("./~x", "~x"),
])
def test_a_path_of_this_machine(name, wanted, monkeypatch, tmp_path):
  monkeypatch.setenv("HOME", str(tmp_path))
  assert paths.place(name, "--workdir") == pathlib.Path(wanted.replace("HOME", str(tmp_path)))


def test_a_file_that_begins_with_a_tilde_is_that_file(monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "~mine.csv").touch()
  assert paths.place("~mine.csv", "--input") == pathlib.Path("~mine.csv")


@pytest.mark.parametrize(("name", "part"), [
    ("gs://bucket/runs", "mount the bucket"),
    ("gs:/bucket/runs", "mount the bucket"),
    (pathlib.Path("gs://bucket/runs"), "mount the bucket"),
    ("s3://bucket", "mount the bucket"),
    ("hdfs://node/x", "mount the bucket"),
    ("https://example.org/x.csv", "download the file"),
    ("file:///tmp/x", "not a path of this machine"),
    ("~nobody-here/runs", "write the path in full"),
    ("", "is empty"),
    ("  ", "is empty"),
    ("a\0b", "zero byte"),
    (5, "is no path"),
    (None, "is no path"),
    (b"runs", "is no path"),
])
def test_what_is_no_path_of_this_machine(name, part):
  sentence = says(paths.place, name, "--workdir")
  assert part in sentence
  assert sentence.startswith("--workdir ")


@pytest.fixture
def odd(tmp_path, monkeypatch):
  """A folder with what is no plain file or folder, where the process is."""
  monkeypatch.chdir(tmp_path)
  (tmp_path / "file").touch()
  (tmp_path / "folder").mkdir()
  os.mkfifo("pipe")
  os.symlink("nothing", "dangling")
  os.symlink("loop", "loop")
  os.symlink("file", "link")
  return tmp_path


@pytest.mark.parametrize(("name", "kind"), [
    ("file", "file"),
    ("link", "file"),
    ("folder", "folder"),
    ("none", ""),
    ("file/none", ""),
    ("none/none", ""),
])
def test_the_kind_of_a_path(odd, name, kind):
  assert paths.kind_of(pathlib.Path(name)) == kind


@pytest.mark.parametrize("use", [paths.source, paths.folder, paths.writable_folder])
@pytest.mark.parametrize(("name", "part"), [
    ("pipe", "is a pipe"),
    ("/dev/null", "is a pipe, a device"),
    ("dangling", "leads nowhere"),
    ("loop", "leads nowhere"),
    ("x" * 300, "File name too long"),
    ("x/" * 3000, "File name too long"),
])
def test_what_is_neither_a_file_nor_a_folder_is_refused(odd, use, name, part):
  assert part in says(use, name, "--it")


@pytest.mark.parametrize(("name", "part"), [
    ("file", "is a file: name a folder"),
    ("file/inside", "which is a file"),
    ("pipe/inside", "is a pipe"),
])
def test_a_folder_cannot_lie_in_a_file(odd, name, part):
  assert part in says(paths.writable_folder, name, "--output")


def test_a_folder_that_can_be_made_is_not_made_yet(odd):
  assert paths.writable_folder("new/inside", "--output") == pathlib.Path("new/inside")
  assert not (odd / "new").exists()


def test_permissions_are_looked_at_before_anything_is_done(odd, monkeypatch):
  monkeypatch.setattr(os, "access", lambda path, mode: False)
  assert "permission denied" in says(paths.source, "file", "--input")
  assert "permission denied" in says(paths.source, "folder", "--input")
  assert "permission denied" in says(paths.folder, "folder", "--workdir")
  assert "permission denied" in says(paths.writable_folder, "new", "--output")
  assert paths.source("none", "--input") == pathlib.Path("none")   # a header's name, perhaps


@pytest.mark.parametrize("name", [".", "..", "folder/.."])
def test_a_source_has_a_name(odd, name):
  assert paths.source(name, "--input").name


def test_the_root_of_all_folders_is_no_source():
  assert "root of all folders" in says(paths.source, "/", "--input")


@pytest.mark.parametrize(("text", "shown"), [
    ("plain.csv", "plain.csv"),
    ("Gr\u00f6\u00dfe \u3042", "Gr\u00f6\u00dfe \u3042"),
    (LATIN_1, "Gr%F6%DFe.npy"),
    ("new\nline\t", "new%0Aline%09"),
    ("\x1b[31mred", "%1B[31mred"),
    ("a\u2028b", "a%E2%80%A8b"),
    ("\ud800", "%ED%A0%80"),
])
def test_any_name_can_be_printed(text, shown):
  assert printable(text) == shown
  shown.encode("utf-8")


def test_a_sentence_is_one_line_that_any_console_takes():
  assert str(UserError(f"{LATIN_1} is\n  broken")) == "Gr%F6%DFe.npy is broken"


@pytest.mark.parametrize(("name", "short"), [
    ("mine", "mine"),
    ("a.b", "a.b"),
    ("-dash", "dash"),
    (".hidden", "hidden"),
    ("a/b", "a_b"),
    ("..", "input"),
    ("", "input"),
    ("a\nb", "a%0Ab"),
])
def test_files_can_begin_with_a_short_name(name, short):
  assert paths.short_name(name) == short


def test_long_names_are_cut_and_stay_different():
  long, other = paths.short_name("\u3042" * 300), paths.short_name("\u3042" * 299)
  assert long != other
  assert len(long.encode()) < 200
