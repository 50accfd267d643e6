"""The split of a workdir, `split.json`: its members, and which groups each has seen."""
import pathlib
from typing import NamedTuple

from jaxsig.data.splits import Member, from_plain
from jaxsig.errors import UserError
from jaxsig.stored_files import AGAIN, read_json

FILE = "split.json"


class Listed(NamedTuple):
  """A member of a split, and the groups that it and its bases were trained on or validated by."""
  member: Member
  seen: tuple[str, ...]


def read_split(workdir: pathlib.Path) -> list[Listed]:
  """The members that a workdir's split lists, one or more.

  Raises:
    UserError: it holds no split, or a broken one.
  """
  path = workdir / FILE
  if not path.exists():
    raise UserError(
        f"{workdir} holds no trained model (it has no {FILE}): name the --workdir of a training; "
        f"of one whose {FILE} is lost, {AGAIN}")
  members = read_json(path, needs=("members",))["members"]
  listed = []
  try:
    for plain in members:
      listed.append(Listed(from_plain(plain), tuple(plain["seen"])))
  except (ValueError, LookupError, TypeError):
    listed = []
  if not listed:
    raise UserError(f"{path} is broken (it lists no members): {AGAIN}")
  return listed
