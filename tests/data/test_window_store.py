"""Windows on disk are those that would be cut, whole or made again."""
import numpy as np
import pytest
from builders import toy

from jaxsig.data import window_store
from jaxsig.data.windows import Windows
from jaxsig.errors import UserError
from jaxsig.system import make

pytestmark = pytest.mark.quick


def windows_of(groups=3):
  config = toy()
  system = make(config)
  return Windows(system.data, config.data, list(system.data.simulate(0, groups, config.data)))


def nothing(count):
  del count


def require_same(first, second):
  assert first.keys() == second.keys()
  for name, x in first.items():
    assert x.dtype == second[name].dtype
    np.testing.assert_array_equal(x, second[name])


def test_windows_on_disk_are_those_that_are_cut(tmp_path, monkeypatch):
  windows = windows_of()
  ids = np.random.default_rng(0).permutation(len(windows))[:20]
  expected = windows.take(ids)
  monkeypatch.setattr("jaxsig.data.windows.WHOLE_RECORD_BYTES", 2000)   # in many small parts
  told = []
  windows.store(tmp_path / "store", told.append)
  assert told[-1] == len(windows) and told == sorted(told)
  require_same(windows.take(ids), expected)
  windows.take(ids)[next(iter(expected))][:] = 0   # what is given may be changed


def test_a_store_is_made_once_and_again_where_it_is_damaged(tmp_path):
  folder = tmp_path / "store"
  windows_of().store(folder, nothing)
  again = windows_of()
  told = []
  again.store(folder, told.append)
  assert told == []
  [path, *_] = sorted(folder.glob("*.bin"))
  path.write_bytes(path.read_bytes()[:-8])
  damaged = windows_of()
  damaged.store(folder, told.append)
  assert told[-1] == len(damaged)
  require_same(damaged.take(np.arange(5)), windows_of().take(np.arange(5)))


def test_a_store_that_cannot_be_written_is_told(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(UserError, match="cache folder .* cannot be written"):
    window_store.write(tmp_path / "file" / "store", [{"x_b": np.zeros(3)}])
