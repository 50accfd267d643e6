"""Opacity on other scales than the colours, one ground for all images of a call, and markers."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_images import SIDE, drawn
from PIL import Image

from jaxsig.data.images.image_files import read_images

X = drawn()
SHAPE = (X > 0).astype(float)


def rgba(colours, alpha, kind=float):
  return np.dstack([colours, colours, colours, np.broadcast_to(alpha, X.shape)]).astype(kind)


@pytest.mark.parametrize(
  "x",
  [
    rgba(X / 255, 1), rgba(X, 255, np.uint8), rgba(X, 1, np.uint8), rgba(X, 1.0),
    rgba(X / 255, 255),
    rgba(X.astype(int) * 257, 255, np.uint16), rgba(X, 128, np.uint8),
    rgba(X, 65535, np.int32),
  ],
  ids=["1", "255", "bytes 1", "floats 1", "255 beside 1", "255 beside 65535", "128", "65535"],
)
def test_constant_opacity_is_opaque(x):
  np.testing.assert_allclose(read_images(x, SIDE).image_t_y_x[0], X, atol=1)


@pytest.mark.parametrize(
  "x",
  [
    rgba(X, SHAPE), rgba(X / 255, 255 * SHAPE), rgba(X.astype(int) * 257, 255 * SHAPE, np.uint16),
    rgba(X, SHAPE, np.uint8), rgba(X / 127.5 - 1, SHAPE), rgba(X, 65535 * SHAPE, np.int32),
    rgba(X / 255, np.where(SHAPE, 1, np.nan)),
  ],
  ids=["1", "255", "255 of 65535", "bytes", "signed", "65535", "NaN"],
)
def test_varying_opacity_on_another_scale_is_refused(x):
  assert "an opacity (fourth channel)" in says(read_images, x, SIDE)
  assert read_images(x[..., :3], SIDE).image_t_y_x.max() > 250   # the way out


@pytest.mark.parametrize("scale", [1 / 255, 1.0, 257.0])
@pytest.mark.parametrize("black", [False, True])
def test_varying_opacity_on_the_scale_of_colours(scale, black):
  colours = X * scale * (not black)
  x = rgba(colours, 255 * SHAPE * scale)
  if scale == 257:
    x = x.astype(np.uint16)
  assert read_images(x, SIDE).image_t_y_x[0].max() > 250


BRIGHT = np.where(X > 0, 155 + (X - 100.0) * 100 // 155, 0)
CUT_OUTS = [rgba(np.full(X.shape, grey), 255 * SHAPE, np.uint8) for grey in (40, 100, 180)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2), (1, 2)])
@pytest.mark.parametrize("as_files", [False, True])
def test_one_ground_for_all(tmp_path, as_files, order):
  images = [CUT_OUTS[k] for k in order]
  source = np.stack(images)
  if as_files:
    source = tmp_path
    for k, image in enumerate(images):
      Image.fromarray(image).save(tmp_path / f"{k}.png")
  read = read_images(source, SIDE)
  [note] = [note for note in read.notes if "Transparent" in note]
  assert note.endswith(f"all {len(order)} images.")
  assert "white" in note or "black" in note


@pytest.mark.parametrize("marker", [-1.0, -0.5, -0.999])
@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_lone_negative_value_is_no_black(marker, count):
  x = np.stack([drawn(seed=seed) / 255 for seed in range(5)])
  x.reshape(-1)[:count] = marker
  sentence = says(read_images, x, SIDE)
  values = {1: "1 value is"}.get(count, f"{count} values are")
  assert f"{values} {marker:g} and none lies between it and 0" in sentence


@pytest.mark.parametrize("x", [np.where(X > 0, 1.0, -1.0), X / 127.5 - 1, BRIGHT / 127.5 - 1])
def test_minus_1_to_1_is_still_known(x):
  assert "-1 to 1" in read_images(x, SIDE).notes[0]


@pytest.mark.parametrize(("least", "told"), [(-1e-7, 0), (-1e-5, 1), (-0.005, 1)])
@pytest.mark.parametrize("white", [1, 255])
def test_clipped_floats_are_told(white, least, told):
  x = X / 255
  x[0, :3] = least
  read = read_images(x * white, SIDE)
  assert sum("clipped" in note for note in read.notes) == told
