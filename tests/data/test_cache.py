"""From a config to records: the cache gives what was put in, and follows files and code."""

import pathlib
import shutil

import numpy as np
import pytest
from builders import small, toy

from jaxsig import config as configs
from jaxsig.data import cache
from jaxsig.data.stored import StoredArray
from jaxsig.errors import UserError
from jaxsig.system import make

pytestmark = pytest.mark.quick


@pytest.fixture
def config(tmp_path):
  """The toy system's, with a cache."""
  return toy(cache_dir=str(tmp_path / "cache"))


@pytest.fixture
def data(config):
  return make(config).data


def folders(config):
  """The folders of the cache."""
  return sorted(path.name for path in pathlib.Path(config.cache_dir).iterdir())


def assert_same_content(a, b):
  assert a.fingerprint == b.fingerprint
  for x, y in zip(a.records, b.records, strict=True):
    assert (x.id, x.group, x.rate_hz, x.info) == (y.id, y.group, y.rate_hz, y.info)
    for ours, theirs in ((x.signals, y.signals), (x.annotations, y.annotations)):
      assert ours.keys() == theirs.keys()
      for name, array in ours.items():
        np.testing.assert_array_equal(np.asarray(theirs[name]), array, err_msg=name, strict=True)
  ids = np.arange(len(a.windows))
  taken = b.windows.take(ids)
  for name, array in a.windows.take(ids).items():
    np.testing.assert_array_equal(taken[name], array, err_msg=name, strict=True)


def test_the_cache_gives_what_was_put_in(data, config):
  fresh = cache.load(data, configs.override(config, {"cache_dir": ""}))
  assert_same_content(fresh, cache.load(data, config))
  assert_same_content(fresh, cache.load(data, config))
  assert len(folders(config)) == 1


def test_what_is_cached_is_not_made_again(data, config, monkeypatch):
  cache.load(data, config)

  def refuse(*args):
    pytest.fail("made again")

  monkeypatch.setattr(cache, "_made", refuse)
  cache.load(data, config)


def test_the_cache_follows_the_code_of_the_data_set(data, config, tmp_path):
  cache.load(data, config)
  own = tmp_path / "own.py"
  own.write_text("def simulate(seed, n, config):\n  return ()\n")
  namespace = {}
  exec(compile(own.read_text(), str(own), "exec"), namespace)
  from_elsewhere = data._replace(simulate=namespace["simulate"])
  before = cache._key(from_elsewhere, config, "simulated")
  own.write_text(own.read_text() + "# changed\n")
  assert cache._key(from_elsewhere, config, "simulated") != before


def test_the_cache_follows_the_settings(data, config):
  first = cache.load(data, config)
  other = cache.load(data, configs.override(config, {"data.simulate_seed": 9}))
  assert other.fingerprint != first.fingerprint
  assert len(folders(config)) == 2


def test_recordings_of_a_body_come_through_the_cache(tmp_path):
  """Marks, ages and two signals: what the toy system does not have."""
  respiration = small(cache_dir=str(tmp_path / "cache"), data__simulate_groups=2)
  data = make(respiration).data
  fresh = cache.load(data, configs.override(respiration, {"cache_dir": ""}))
  assert_same_content(fresh, cache.load(data, respiration))
  assert_same_content(fresh, cache.load(data, respiration))


@pytest.mark.parametrize("name", ["ppg/ppg_windows.py", "images/idx_files.py", "gaps.py"])
def test_the_cache_follows_the_code_of_all_folders_of_data(
  data, config, tmp_path, monkeypatch, name
):
  source = tmp_path / "data"
  shutil.copytree(pathlib.Path(cache.__file__).parent, source)
  monkeypatch.setattr(cache, "__file__", str(source / "cache.py"))
  cache.load(data, config)
  cache.load(data, config)
  assert len(folders(config)) == 1
  changed = source / name
  changed.write_text(changed.read_text() + "\n# another reader\n")
  cache.load(data, config)
  assert len(folders(config)) == 2


def test_the_cache_follows_the_files(data, config, tmp_path):
  folder = tmp_path / "d"
  folder.mkdir()
  np.save(folder / "a.toy.npy", np.ones((100, 2), np.float32))
  real = configs.override(config, {"data_dir": str(folder)})
  first = cache.load(data, real)
  assert first.source == "toy"
  np.save(folder / "a.toy.npy", np.zeros((200, 2), np.float32))
  second = cache.load(data, real)
  assert len(folders(config)) == 2
  assert first.fingerprint != second.fingerprint
  assert second.records[0].duration_s == 10.0


def test_large_signals_stay_on_disk(data, config, monkeypatch):
  fresh = cache.load(data, configs.override(config, {"cache_dir": ""}))
  monkeypatch.setattr(cache, "IN_MEMORY_BYTES", 1000)
  monkeypatch.setattr(cache, "HASHED_ROWS", 77)  # the fingerprint reads them in parts
  stored = cache.load(data, config)
  for record in stored.records:
    assert isinstance(record.signals["mix_t_c"], StoredArray)
    assert isinstance(record.annotations["level_t"], np.ndarray)
  assert_same_content(fresh, stored)


def test_a_killed_run_leaves_no_half_cache(data, config):
  def broken(*args):
    yield next(iter(data.simulate(*args)))
    raise KeyboardInterrupt

  with pytest.raises(KeyboardInterrupt):
    cache.load(data._replace(simulate=broken), config)
  assert len(cache.load(data, config).records) == 12


def test_a_cache_folder_that_is_a_file_is_named(data, config, tmp_path):
  (tmp_path / "cache").write_text("mine")
  with pytest.raises(UserError, match="cache"):
    cache.load(data, config)


# Real or simulated


def test_auto_takes_the_simulator_where_no_folder_is_named(data, config):
  assert cache.source_of(data, config) == "simulated"


def test_a_named_folder_must_hold_recordings(data, config, tmp_path):
  folder = tmp_path / "d"
  named = configs.override(config, {"data_dir": str(folder)})
  with pytest.raises(UserError, match="is missing"):
    cache.source_of(data, named)
  folder.mkdir()
  with pytest.raises(UserError, match="is empty"):
    cache.source_of(data, named)
  (folder / "notes.txt").write_text("nothing here")
  with pytest.raises(UserError, match="holds nothing of toy"):
    cache.source_of(data, named)


def test_the_simulator_may_be_asked_for_beside_a_folder(data, config, tmp_path):
  (tmp_path / "notes.txt").write_text("nothing here")
  both = configs.override(config, {"data_dir": str(tmp_path), "data.source": "simulated"})
  assert cache.source_of(data, both) == "simulated"


def test_real_data_needs_a_folder_and_a_source_must_be_known(data, config):
  with pytest.raises(UserError, match="--config.data_dir"):
    cache.source_of(data, configs.override(config, {"data.source": "real"}))
  with pytest.raises(UserError, match="unknown data.source 'disk'"):
    cache.source_of(data, configs.override(config, {"data.source": "disk"}))
