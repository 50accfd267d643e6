"""One picture of classified images: what the network sees, its feature maps, the likely classes."""
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from jaxsig.data.images.image_blocks import WHITE

if TYPE_CHECKING:
  from jaxsig.systems.cnn_notes.own_file import Classes

MOST_IMAGES = 8
MOST_MAPS = 144   # of a layer
LIKELY = 3        # classes with a bar

# in pixels
CELL = 144        # side of a cell: an image, or all maps of a layer
STEP = CELL + 8   # from one cell to the next
HEAD = 16         # height of the titles
TEXT = 260        # width of the last column: names and bars
BAR = 240         # length of the bar of probability 1
LINE = 28         # from one class to the next
BAR_TOP = 14      # from a class's line to its bar
BAR_BOTTOM = 20

GREY = 96         # of a bar
LONGEST = 40      # characters of a text


class Column(NamedTuple):
  """A title and the cells below it."""
  title: str
  cell_t_y_x: np.ndarray   # uint8 [t, CELL, CELL]


def draw(classes: "Classes", image_t_y_x: np.ndarray) -> Image.Image:
  """A grey picture with a row for each of the first images.

  Args:
    classes: answers and maps.
    image_t_y_x: uint8, the images as the network sees them.
  """
  n = min(len(classes.images), MOST_IMAGES)
  columns = [Column("image", _enlarged(np.asarray(image_t_y_x[:n]), CELL))]
  for layer, maps_t_y_x_j in classes.maps.items():
    columns.append(Column(layer, _map_cells(maps_t_y_x_j[:n])))

  text_left = STEP * len(columns)
  sheet = Image.new("L", (text_left + TEXT, HEAD + STEP * n), WHITE)
  canvas = ImageDraw.Draw(sheet)
  for number, column in enumerate(columns):
    left = STEP * number
    canvas.text((left, 2), _ascii(column.title))
    for row, cell_y_x in enumerate(column.cell_t_y_x):
      sheet.paste(Image.fromarray(cell_y_x), (left, HEAD + STEP * row))
  for row in range(n):
    _write_answer(canvas, classes, row, text_left)
  return sheet


def _enlarged(x_t_y_x: np.ndarray, side: int) -> np.ndarray:
  """Images of `side` x `side` pixels, each that of the nearest original."""
  height, width = x_t_y_x.shape[1:]
  row = np.arange(side) * height // side
  column = np.arange(side) * width // side
  return x_t_y_x[:, row[:, None], column]


def _map_cells(maps_t_y_x_j: np.ndarray) -> np.ndarray:
  """uint8 [t, CELL, CELL]: the maps of a layer side by side in a square.

  0 is grey, and the largest modulus of an image's maps is black or white.
  """
  maps_t_j_y_x = _grey_maps(maps_t_y_x_j)
  t, maps = maps_t_j_y_x.shape[:2]
  across = int(np.ceil(np.sqrt(maps)))
  pitch = CELL // across
  side = pitch - 1

  cell_t_y_x = np.full((t, CELL, CELL), WHITE, np.uint8)
  for j in range(maps):
    top = j // across * pitch
    left = j % across * pitch
    tile_t_y_x = _enlarged(maps_t_j_y_x[:, j], side)
    cell_t_y_x[:, top:top + side, left:left + side] = tile_t_y_x
  return cell_t_y_x


def _grey_maps(maps_t_y_x_j: np.ndarray) -> np.ndarray:
  """uint8 [t, j, y, x] of the first MOST_MAPS maps; what is not finite counts as 0."""
  maps_t_j_y_x = np.moveaxis(np.asarray(maps_t_y_x_j, np.float32), -1, 1)
  maps_t_j_y_x = np.nan_to_num(maps_t_j_y_x, posinf=0, neginf=0)[:, :MOST_MAPS]
  largest_t_1_1_1 = np.abs(maps_t_j_y_x).max((1, 2, 3), keepdims=True)
  signed_t_j_y_x = maps_t_j_y_x / np.maximum(largest_t_1_1_1, 1e-30)
  return np.rint(WHITE / 2 * (1 + signed_t_j_y_x)).astype(np.uint8)


def _write_answer(canvas: ImageDraw.ImageDraw, classes: "Classes", row: int, left: int) -> None:
  """The image's name, and the most probable classes with bars."""
  top = HEAD + STEP * row
  canvas.text((left, top), _ascii(classes.images[row]))
  if classes.answers[row] is None:
    return

  probability_k = classes.probabilities[row]
  likely = np.argsort(-probability_k, kind="stable")[:LIKELY]
  for place, k in enumerate(likely, 1):
    y = top + LINE * place
    probability = float(probability_k[k])
    end = left + round(BAR * probability)
    canvas.text((left, y), f"{probability:.3f}  {_ascii(classes.classes[k])}")
    canvas.rectangle((left, y + BAR_TOP, end, y + BAR_BOTTOM), fill=GREY)


def _ascii(text: str) -> str:
  """Up to LONGEST characters that pillow's own font has."""
  return text.encode("ascii", "replace").decode()[:LONGEST].replace("\n", " ")
