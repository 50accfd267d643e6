"""Whether numbers are those of an intensity: masks are refused, what is doubtful is told."""
import numpy as np

from jaxsig.errors import UserError

_FEW = 16          # distinct values: as many as a mask has at most
_FEW_PHOTONS = 4   # distinct values: as few are worth a note
_FLAT = 0.9        # smallest over largest: nothing of an object is left
_RAISED = 0.5      # smallest over median: a background is left
_NARROW = 4        # times the median: the beam of an intensity is far brighter
_SHOWN = 6


def check_no_mask(frames: np.ndarray, usable_v_u: np.ndarray, name: str) -> None:
  """Raises a UserError where the values are those of a mask or of nothing.

  A mask has two values, or bits: powers of two, with others missing between them that counts of
  photons would have.
  """
  distinct = distinct_values(frames, usable_v_u)
  if len(distinct) > _FEW:
    return
  listed = ", ".join(f"{value:g}" for value in distinct[:_SHOWN])
  if len(distinct) > _SHOWN:
    listed += ", ..."
  if len(distinct) == 1 and distinct.any():
    raise UserError(
      f"{name} has the value {listed} everywhere, which is no intensity: give the frames themselves"
    )
  if len(distinct) == 2:
    raise UserError(
      f"{name} has only the values {listed}, as a mask has: give the frames themselves, "
      "those of single photons added up, and the mask as own.mask"
    )

  marks = distinct[distinct != 0]
  whole = (marks == np.rint(marks)).all() and (marks > 0).all()
  if not whole or not marks.size:
    return
  bits = np.log2(marks)
  missing = len(marks) < marks.max() - 1
  if (bits == np.rint(bits)).all() and missing:
    raise UserError(
      f"{name} has only the values {listed}, bits as of a mask: give the frames themselves, "
      "and the mask as own.mask"
    )


def distinct_values(frames: np.ndarray, usable_v_u: np.ndarray) -> np.ndarray:
  """Returns the distinct usable values as float64, sorted; of very many only some."""
  distinct = np.unique(frames[0][usable_v_u])
  for frame in frames[1:]:   # one by one, which needs no copy of all
    if len(distinct) > _FEW:
      break
    distinct = np.union1d(distinct, frame[usable_v_u])
  return distinct.astype(np.float64)


def note_doubts(
    frames: np.ndarray,
    usable_v_u: np.ndarray,
    name: str,
    notes: list[str],
) -> None:
  """Adds notes where the values may be counts of few photons, logarithms, or on a background.

  Raises:
    UserError: all values are nearly the same.
  """
  distinct = distinct_values(frames, usable_v_u)
  if len(distinct) <= _FEW_PHOTONS:
    listed = ", ".join(f"{value:g}" for value in distinct)
    notes.append(f"The values are {listed} only: they are taken as counts of photons.")

  largest = float(frames.max(where=usable_v_u, initial=0))
  smallest = float(frames.min(where=usable_v_u, initial=largest))
  median = float(np.median(frames[0][usable_v_u]))
  if smallest > _FLAT * largest:
    raise UserError(
      f"{name} has values from {smallest:g} to {largest:g}, nearly all of it a background: "
      "subtract it"
    )
  if smallest > _RAISED * median:
    notes.append(
      f"The values are from {smallest:g} to {largest:g}: a background seems to be left, "
      "which should be subtracted."
    )
  elif largest < _NARROW * median:
    notes.append(
      f"The largest value is only {largest / median:.2g} times the median: if "
      "these are logarithms or amplitudes, give the intensities themselves."
    )
