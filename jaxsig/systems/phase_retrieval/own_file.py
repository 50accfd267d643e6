"""A user's own diffraction intensity: read, told on the console, written as files, and a value."""
import dataclasses
import json
import pathlib
from collections.abc import Iterator

import numpy as np

from jaxsig import paths
from jaxsig.data.images.intensities import intensity_file
from jaxsig.data.recordings import plain
from jaxsig.data.records import Record
from jaxsig.plurals import count
from jaxsig.rows import Row
from jaxsig.system import OwnFile, OwnOptions, Seen, Told
from jaxsig.systems.phase_retrieval import contact_sheet

MOST_LINES = 30   # of images on the console
UNDETERMINED = (
    "shift, conjugate flip (a turn by 180 degrees of a real image) and global phase are not "
    "determined by the intensity")


@dataclasses.dataclass(frozen=True, repr=False)
class Reconstruction:
  """The images that a model finds for far-field intensities.

  Attributes:
    name: of the file.
    images: [t, m, m] one image a frame, on the grid of the intensity, in the scale of its Fourier
      magnitudes: |fft2(image)|^2 is the intensity. Real and not negative, or complex where the
      model is of complex objects. Shift, flip and global phase mean nothing.
    residuals: [t] relative error of the Fourier magnitudes, | |F x| - sqrt(I) | / | sqrt(I) |, on
      the pixels that count.
    solved_probabilities: [t] probability that the image is the object, with a relative squared
      error below 0.01, by the residuals of validation images; None where the model has no such
      calibration.
    notes: a sentence for each thing that was done to the intensity or is wrong with its sampling.
  """
  name: str
  images: np.ndarray
  residuals: np.ndarray
  solved_probabilities: np.ndarray | None
  notes: tuple[str, ...]

  def to_dict(self) -> dict[str, object]:
    """Residuals, probabilities and notes as plain JSON values, without the images."""
    probabilities = None
    if self.solved_probabilities is not None:
      probabilities = plain(self.solved_probabilities)
    return {
        "name": self.name,
        "shape": list(self.images.shape),
        "residuals": plain(self.residuals),
        "solved_probabilities": probabilities,
        "notes": list(self.notes),
    }

  def __repr__(self) -> str:
    n, height, width = self.images.shape
    middle = float(np.nanmedian(self.residuals))
    return (
      f"<Reconstruction of {self.name}: {count(n, 'image', 'images')} "
      f"of {height} x {width} pixels, "
      f"median residual {middle:.3g}>"
    )


def read(source: object, options: OwnOptions) -> Record:
  """A user's own intensity (file or array): see `intensity_file.read_intensity`.

  Args:
    source: a path or an array.
    options: `own.dataset`, `own.mask` and `own.centred` say how it is read, `data.n` is the
      object's side in pixels, for the note on sampling. An intensity has no rate.

  Returns:
    Record with signals {"intensity_t_v_u": float32 [t, m, m] with zero frequency at [0, 0],
    "mask_t_v_u": bool, False where pixels do not count}, and info["notes"], a sentence for each
    thing that was done to the intensity or is wrong with its sampling.

  Raises:
    UserError: the file, its numbers or its size cannot be used.
  """
  own = options.own
  mask = own.mask
  if isinstance(mask, str) and mask:
    mask = paths.source(mask, "own.mask")
  intensity = intensity_file.read_intensity(source, own.dataset, mask, own.centred)
  frames_t_v_u = intensity.frames_t_v_u
  mask_t_v_u = np.ones(frames_t_v_u.shape, bool)
  if intensity.mask_v_u is not None:
    mask_t_v_u = np.broadcast_to(intensity.mask_v_u, frames_t_v_u.shape)

  notes = list(intensity.notes)
  on_sampling = intensity_file.undersampled_note(frames_t_v_u.shape[-1], options.data.n)
  if on_sampling:
    notes.append(on_sampling)

  name = "intensity"
  if isinstance(source, (str, pathlib.Path)):
    name = pathlib.Path(source).stem
  return Record(
      id=name,
      group="user",
      rate_hz=1.0,
      signals={"intensity_t_v_u": frames_t_v_u, "mask_t_v_u": mask_t_v_u},
      annotations={},
      info={"source": "user", "notes": notes},
  )


def judge(row: Row, seen: Seen) -> Row:
  """The row as it is: without a truth there are none."""
  del seen
  return row


def result(told: Told) -> Reconstruction:
  """What is told as a `Reconstruction`."""
  record = told.record
  predictions = record.predictions
  probabilities = predictions.get("solved_probability_b")
  if probabilities is not None:
    probabilities = np.asarray(probabilities)
  return Reconstruction(
      name=record.id,
      images=np.asarray(predictions["image_b_y_x"]),
      residuals=np.asarray(predictions["residual_b"]),
      solved_probabilities=probabilities,
      notes=tuple(record.info.get("notes", ())),
  )


def tell(told: Told) -> Iterator[str]:
  """A line an image: its residual and its probability of being solved."""
  reconstruction = result(told)
  for i, residual in enumerate(reconstruction.residuals[:MOST_LINES]):
    line = f"{i}: ".rjust(6) + f"residual {float(residual):.3g}"
    if reconstruction.solved_probabilities is not None:
      line += f", solved probability {float(reconstruction.solved_probabilities[i]):.3g}"
    yield line


def write(told: Told, folder: pathlib.Path) -> None:
  """Writes `<id>_image.npy` and `<id>_image.png`, the images, and `<id>_image.json`, all the rest.

  The PNG shows up to 100 images side by side, each from 0 to its own maximum; of complex ones the
  modulus.
  """
  record = told.record
  predictions = record.predictions
  images = np.asarray(predictions["image_b_y_x"])
  np.save(folder / f"{record.id}_image.npy", images, allow_pickle=False)
  contact_sheet.save(images, folder / f"{record.id}_image.png")

  summary = dict(told.about)
  summary["notes"] = [*record.info.get("notes", ()), UNDETERMINED]
  for name in ("residual_b", "solved_probability_b"):
    if name in predictions:
      summary[name] = plain(predictions[name])
  (folder / f"{record.id}_image.json").write_text(json.dumps(summary, indent=1) + "\n")


OWN_FILE = OwnFile(
    read=read,
    judge=judge,
    tell=tell,
    write=write,
    result=result,
)
