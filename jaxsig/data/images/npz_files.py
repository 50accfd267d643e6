"""Arrays of NPZ files: the only one that can be images or frames, or the one that is named."""
import pathlib
import zipfile
from typing import NamedTuple

import numpy as np

from jaxsig.data.images.intensities.mask_names import is_map_of_detector
from jaxsig.data.images.npy_files import (
  NPY_START,
  declared_form,
  read_npy_stream,
  reason_of,
  refusal,
)
from jaxsig.errors import UserError

_LABELS = ("label", "labels", "y", "target", "targets", "onehot", "one_hot", "class", "classes")
_LISTED = 20


class Chosen(NamedTuple):
  """An array of a file of several."""
  values: np.ndarray
  note: str   # which was taken; "" where there is one


class _Member(NamedTuple):
  info: zipfile.ZipInfo
  name: str
  shape: tuple[int, ...]
  kind: str   # of its numbers; "?" of an array that cannot be opened


def read_npz(path: pathlib.Path, wanted: str | None = None) -> Chosen:
  """Returns an array of an NPZ file.

  Args:
    path: of the file.
    wanted: the array's name; "" or None for the only one, or the only one that can be images or
      frames beside scalars, labels and masks; None where a user cannot name one.

  Raises:
    UserError: it is none, it is not plain which array is meant, or that one cannot be used.
  """
  try:
    with path.open("rb") as file:
      if file.read(len(NPY_START)) == NPY_START:
        raise UserError(f"{path} holds one array and no archive: name it .npy")
    with zipfile.ZipFile(path) as archive:
      members = _members(archive)
      member = _chosen(members, path, wanted)
      note = ""
      if len(members) > 1:
        others = ", ".join(other.name for other in members if other != member)
        note = f"Of the arrays of {path.name} {member.name} is taken, not {others}"
      with archive.open(member.info) as file:
        return Chosen(read_npy_stream(file, member.info.file_size, str(path)), note)
  except UserError:
    raise
  except OSError as error:
    raise UserError(refusal(path, f"it cannot be read: {error.strerror or error}")) from error
  except Exception as error:   # as of an NPY file, and of the archive
    raise UserError(refusal(path, reason_of(error))) from error


def _members(archive: zipfile.ZipFile) -> list[_Member]:
  members = []
  for info in archive.infolist():
    if not info.filename.endswith(".npy"):
      continue
    shape, kind = (), "?"
    try:
      with archive.open(info) as file:
        shape, dtype = declared_form(file)
        kind = dtype.kind
    except Exception:   # told where it is the one that is meant
      pass
    members.append(_Member(info, info.filename.removesuffix(".npy"), shape, kind))
  return members


def _chosen(members: list[_Member], path: pathlib.Path, wanted: str | None) -> _Member:
  if wanted:
    named = [member for member in members if member.name == wanted]
    if not named:
      raise UserError(f"{path} has no array {wanted}: it has {_listing(members)}")
    return named[0]
  if len(members) == 1:
    return members[0]

  possible = [member for member in members if _may_be_frames(member)]
  if len(possible) == 1:
    return possible[0]
  remedy = "save the one that is meant by numpy.save as .npy"
  if wanted is not None:
    remedy = "name the one that is meant with own.dataset"
  raise UserError(f"{path} holds {len(members)} arrays ({_listing(members)}): {remedy}")


def _may_be_frames(member: _Member) -> bool:
  longer = [side for side in member.shape if side != 1]
  last = member.name.lower()
  labels = last in _LABELS or any(last.endswith(f"_{word}") for word in _LABELS)
  return (
    member.kind in "biufc" and len(longer) > 1 and not labels and not is_map_of_detector(last)
  )


def _listing(members: list[_Member]) -> str:
  described = []
  for member in members[:_LISTED]:
    sides = " x ".join(map(str, member.shape))
    described.append(f"{member.name} ({sides or 'no axes'})")
  if len(members) > _LISTED:
    described.append("...")
  return ", ".join(described) or "none"
