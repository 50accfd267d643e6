"""What the tests of a user's own song share: a folder for scratch files of their own."""

import gc
import tempfile

import pytest


@pytest.fixture
def temporary(tmp_path, monkeypatch):
  """The folder in which scratch files lie; after a test it is empty."""
  folder = tmp_path / "scratch"
  folder.mkdir()
  monkeypatch.setattr(tempfile, "tempdir", str(folder))
  yield folder
  if list(folder.iterdir()):
    gc.collect()
  assert not list(folder.iterdir())
