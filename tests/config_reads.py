"""Which keys of a config are read, for the test that no config holds a key without effect."""
import contextlib
import pathlib
import sys
import types
from collections.abc import Iterator

from ml_collections import ConfigDict

from jaxsig import config as configs

PACKAGE = str(pathlib.Path(configs.__file__).parent)
# Files that copy whole sections, to store, compare or change them: that is no use of a key.
COPYING = (
    "jaxsig/config.py",
    "jaxsig/data/cache.py",
    "jaxsig/experiment/workdir.py",
    "jaxsig/experiment/sweep.py",
    "jaxsig/prediction/model.py",
)
# Files that only check what keys hold: that is no use either.
CHECKING = ("jaxsig/config.py", "experiment/checks.py", "experiment/shared_settings.py")
ONE_KEY = {"__getattr__", "get"}             # of ConfigDict, which call __getitem__ for one key
ALL_KEYS = {"to_dict", "items", "values"}    # which call it for every key


class Reads:
  """The reads of all configs while `recorded` lasts; sections are known by their keys' names."""

  def __init__(self):
    self._keys = set()   # of (names of the section's keys, key)

  def note(self, section: ConfigDict, key: str) -> None:
    """Adds one read."""
    self._keys.add((frozenset(section._fields), key))

  def unread(self, config: ConfigDict) -> list[str]:
    """The dotted keys of a config that were never read, but for its readings and ablations."""
    unread = []
    for section in configs.flat(config):
      if configs.section_of(section) in configs.NAMED:
        continue
      *parents, key = section.split(".")
      node = config
      for parent in parents:
        node = node[parent]
      if (frozenset(node._fields), key) not in self._keys:
        unread.append(section)
    return unread


@contextlib.contextmanager
def recorded() -> Iterator[Reads]:
  """Records what the code of the package reads of any config."""
  reads = Reads()
  original = ConfigDict.__getitem__

  def recording(section: ConfigDict, key: str) -> object:
    if _is_a_use(sys._getframe(1)):
      reads.note(section, key)
    return original(section, key)

  ConfigDict.__getitem__ = recording
  try:
    yield reads
  finally:
    ConfigDict.__getitem__ = original


def _is_a_use(frame: types.FrameType) -> bool:
  """Whether a call of ConfigDict.__getitem__ comes from code of the package that wants the value.
  """
  through = set()   # the methods of ConfigDict on the way
  while "ml_collections" in frame.f_code.co_filename:
    through.add(frame.f_code.co_name)
    frame = frame.f_back
  caller = frame.f_code.co_filename
  is_rule = "/systems/" in caller and caller.endswith("/settings.py")
  if not caller.startswith(PACKAGE) or caller.endswith(CHECKING) or is_rule:
    return False
  if through - ONE_KEY - ALL_KEYS:
    return False
  return not (through & ALL_KEYS and caller.endswith(COPYING))
