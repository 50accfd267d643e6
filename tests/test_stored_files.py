"""Stored JSON objects and arrays: whatever has happened to a file, a sentence with its remedy."""
import json

import numpy as np
import pytest
from fake_bidmc import says

from jaxsig.stored_files import (
  is_archive,
  is_json,
  lines_of,
  read_arrays,
  read_json,
  write_arrays,
  write_json,
)

BROKEN = [
  b"", b"{", b"[]", b"null", b"3", b"true", b'"text"', b"\xff\xfe", b"\x00", b'{"a": 1', b"NaN",
  b"{} {}", b"[" * 100_000, b"{'a': 1}", b'{"a": 1}'.decode().encode("utf-16"),
]


@pytest.mark.parametrize("content", BROKEN, ids=lambda content: repr(content[:12]))
def test_what_is_no_json_object(tmp_path, content):
  path = tmp_path / "x.json"
  path.write_bytes(content)
  sentence = says(read_json, path, "do this")
  assert sentence.startswith(f"{path} is broken (")
  assert sentence.endswith("): do this")
  assert not is_json(path)


def test_a_file_that_is_missing_or_a_folder(tmp_path):
  for read in (read_json, read_arrays, lines_of):
    assert "x is missing: make the file again by --mode=eval" in says(read, tmp_path / "x")
    assert "is a folder and should be a file, so remove it" in says(read, tmp_path)
  for write in (write_json, write_arrays):
    assert "is a folder where a file is to be written: remove it" in says(write, tmp_path, {})


def test_an_object_that_lacks_a_name(tmp_path):
  write_json(tmp_path / "x.json", {"a": None})
  assert read_json(tmp_path / "x.json", needs=("a",)) == {"a": None}
  assert "it has no 'b'" in says(read_json, tmp_path / "x.json", needs=("a", "b"))


def whole_archive(path):
  write_arrays(path, {"x": np.arange(1000.0), "y": np.zeros((3, 4))})
  return path.read_bytes()


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.5, 0.9, 0.99])
def test_arrays_that_were_cut(tmp_path, share):
  path = tmp_path / "x.npz"
  content = whole_archive(path)
  assert is_archive(path)
  path.write_bytes(content[:int(share * len(content))])
  assert f"{path} is broken (" in says(read_arrays, path)
  assert not is_archive(path)


def changed(content):
  return content[:500] + bytes(byte ^ 1 for byte in content[500:510]) + content[510:]


@pytest.mark.parametrize("change", [
  lambda _: b"{}", lambda _: b"text", lambda _: b"\x93NUMPY", changed,
])
def test_arrays_that_were_changed(tmp_path, change):
  path = tmp_path / "x.npz"
  path.write_bytes(change(whole_archive(path)))
  assert f"{path} is broken (" in says(read_arrays, path)


def test_one_array_without_a_name_is_no_archive(tmp_path):
  np.save(tmp_path / "x.npy", np.arange(3))
  assert "x.npy is broken (" in says(read_arrays, tmp_path / "x.npy")


def test_what_is_written_is_read(tmp_path):
  write_json(tmp_path / "x.json", {"a": [1, None]})
  assert json.loads((tmp_path / "x.json").read_text()) == read_json(tmp_path / "x.json")
  whole_archive(tmp_path / "x.npz")
  assert read_arrays(tmp_path / "x.npz")["y"].shape == (3, 4)
  assert sorted(path.name for path in tmp_path.iterdir()) == ["x.json", "x.npz"]
