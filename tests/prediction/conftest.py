"""What the tests of models share: an untrained one of the smallest network, saved once."""
import shutil

import pytest
from builders import small
from fake_recording import LONG
from predict_builders import untrained

from jaxsig.engine import weights
from jaxsig.prediction import model as models


@pytest.fixture(scope="session")
def tiny():
  """An untrained model of the smallest network that reads a minute at a time."""
  return untrained(small(LONG))


@pytest.fixture(scope="session")
def saved(tiny, tmp_path_factory):
  """The folder of that model; not to be changed."""
  return models.save(tmp_path_factory.mktemp("models"), "tiny", tiny, "# a card\n", ("b", "a"))


@pytest.fixture
def broken(saved, tmp_path):
  """A copy of that folder to break."""
  return shutil.copytree(saved, tmp_path / "broken")


@pytest.fixture
def shipped(saved, monkeypatch):
  """That model is the only one that is shipped."""
  monkeypatch.setattr(weights, "HOME", saved.parent)
