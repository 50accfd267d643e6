"""The figures that this system adds to a report."""
import functools

import matplotlib.figure

from jaxsig.system import Figure, Material
from jaxsig.systems.cnn_notes import figures_confusion, figures_inside

CONFUSION_NOTE = "Per cent of each true class, over all members; the diagonal is right."
INSIDE_NOTE = (
    "Of one member: one scale for all tiles of a panel, its ends below; values of both signs have "
    "two colours. A row with numbers: the same weights at those steps of the training."
)


def figures(material: Material) -> list[Figure]:
  """Which classes are confused, and the inside of the network."""
  return [
      Figure(
          name="confusion",
          title=f"Which classes {material.reference} confuses",
          note=CONFUSION_NOTE,
          draw=functools.partial(_confusion, material),
      ),
      Figure(
          name="shown",
          title="Inside the network",
          note=INSIDE_NOTE,
          draw=functools.partial(_inside, material),
      ),
  ]


def _confusion(material: Material) -> matplotlib.figure.Figure | None:
  return figures_confusion.draw(material.records(material.reference), material.reference)


def _inside(material: Material) -> matplotlib.figure.Figure | None:
  return figures_inside.draw(material.shown())
