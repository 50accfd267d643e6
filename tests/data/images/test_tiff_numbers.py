"""TIFF files of all types of numbers and in both byte orders keep their numbers."""
import numpy as np
import pytest
import tifffile
from fake_bidmc import says
from fake_images import SIDE, drawn
from fake_intensity import centred, intensity
from PIL import Image

from jaxsig.data.images.image_files import read_images
from jaxsig.data.images.intensities.intensity_file import read_intensity
from jaxsig.data.images.picture_files import read_picture
from jaxsig.data.images.tiff_frames import read_tiff

FORMS = {
  "plain": {},
  "tiled": {"tile": (16, 16)},
  "BigTIFF": {"bigtiff": True},
  "Deflate": {"compression": "zlib"},
  "strips": {"rowsperstrip": 5},
}
TYPES = [
  "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
  "float16", "float32", "float64",
]


def counts(kind: str) -> np.ndarray:
  """[32, 32] an intensity in the whole range of a type."""
  x = centred(intensity())
  largest = 1e6
  if np.dtype(kind).kind in "iu":
    largest = min(largest, np.iinfo(kind).max - 1)
  if kind == "float16":
    largest = 6e4
  return (x / x.max() * largest).astype(kind)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", TYPES)
def test_frames_of_every_type(tmp_path, kind, order, form):
  x = counts(kind)
  tifffile.imwrite(tmp_path / "a.tif", x, byteorder=order, photometric="minisblack", **FORMS[form])
  values = read_tiff(tmp_path / "a.tif")
  assert values.dtype == x.dtype
  np.testing.assert_array_equal(values, x)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["int8", "uint32", "int16", "float32", "float64"])
def test_pages_of_every_type(tmp_path, kind, order):
  x = np.stack([counts(kind), counts(kind).T, counts(kind)])
  with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=order) as file:
    for page in x:
      file.write(page, contiguous=False)
  np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif"), x)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["uint16", "int16", "float16", "float32", "float64"])
def test_pictures_of_every_type(tmp_path, kind, order, form):
  scale = {"uint16": 257, "int16": 128}.get(kind, 1 / 255)
  x = (drawn().astype(np.float64) * scale).astype(kind)
  tifffile.imwrite(tmp_path / "a.tif", x, byteorder=order, photometric="minisblack", **FORMS[form])
  picture = read_picture(tmp_path / "a.tif")
  assert picture.pixels.dtype == x.dtype
  np.testing.assert_array_equal(picture.pixels, x)
  read = read_images(tmp_path / "a.tif", SIDE)
  assert np.abs(read.image_t_y_x[0].astype(int) - drawn()).max() <= 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("samples", [2, 3, 4])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("kind", ["uint16", "float32"])
def test_deep_colours(tmp_path, kind, planar, samples, order):
  white = {"uint16": 65535, "float32": 1}[kind]
  x = np.repeat((drawn() / 255 * white).astype(kind)[..., None], samples, -1)
  options = {}
  photometric = "minisblack"
  if samples > 2:
    photometric = "rgb"
  if samples in (2, 4):
    x[..., -1] = white
    options["extrasamples"] = ["unassalpha"]
  if planar == "separate":
    x = np.moveaxis(x, -1, 0)
  tifffile.imwrite(
    tmp_path / "a.tif", x, byteorder=order, photometric=photometric, planarconfig=planar, **options
  )
  np.testing.assert_array_equal(read_images(tmp_path / "a.tif", SIDE).image_t_y_x[0], drawn())


@pytest.mark.parametrize("reader", [read_intensity, lambda path: read_images(path, SIDE)])
def test_signed_bytes_are_not_taken_as_others(tmp_path, reader):
  tifffile.imwrite(tmp_path / "a.tif", (drawn().astype(int) - 128).astype(np.int8))
  assert "negative" in says(reader, tmp_path / "a.tif") or "-128" in says(
    reader, tmp_path / "a.tif"
  )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright_and_intensities_as_stored(tmp_path, orientation):
  x = drawn().astype(np.float32) / 255
  x[:, :9] *= 0.5
  x[:9] *= 0.8
  tags = [(274, "H", 1, orientation, False)]
  tifffile.imwrite(tmp_path / "deep.tif", x, extratags=tags)
  Image.fromarray((255 * x).astype(np.uint8)).save(
    tmp_path / "bytes.tif", tiffinfo={274: orientation}
  )
  deep = read_images(tmp_path / "deep.tif", SIDE).image_t_y_x[0].astype(int)
  of_bytes = read_images(tmp_path / "bytes.tif", SIDE).image_t_y_x[0]
  assert np.abs(deep - of_bytes).max() <= 1
  np.testing.assert_array_equal(read_tiff(tmp_path / "deep.tif"), x)


@pytest.mark.parametrize(
  ("kind", "compression"),
  [("uint8", "tiff_lzw"), ("int32", "tiff_lzw"), ("float32", "tiff_lzw"), ("uint16", "tiff_lzw")],
)
def test_what_only_pillow_unpacks(tmp_path, kind, compression):
  x = counts(kind)
  Image.fromarray(x).save(tmp_path / "a.tif", compression=compression)
  np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif"), x)


@pytest.mark.parametrize("kind", ["int8", "float64"])
def test_what_nothing_unpacks_is_refused(tmp_path, kind):
  tifffile.imwrite(tmp_path / "a.tif", counts(kind))
  content = (tmp_path / "a.tif").read_bytes()
  plain = b"\x03\x01\x03\x00\x01\x00\x00\x00\x01\x00"
  lzw = b"\x03\x01\x03\x00\x01\x00\x00\x00\x05\x00"
  assert content.count(plain) == 1
  (tmp_path / "a.tif").write_bytes(content.replace(plain, lzw))
  for reader in (read_intensity, lambda path: read_images(path, SIDE)):
    assert "a.tif" in says(reader, tmp_path / "a.tif")


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("form", FORMS)
def test_cut_files_are_refused(tmp_path, form, keep):
  tifffile.imwrite(tmp_path / "a.tif", counts("float32"), **FORMS[form])
  content = (tmp_path / "a.tif").read_bytes()
  (tmp_path / "a.tif").write_bytes(content[: int(keep * len(content))])
  assert "a.tif" in says(read_intensity, tmp_path / "a.tif")
