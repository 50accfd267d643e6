"""Images and intensities of one's own in odd forms."""

import io
import json
import pathlib
from collections.abc import Iterator

import h5py
import numpy as np
from odd_recordings import Make, Odd, array, text
from PIL import Image

SIDE = 28
DETECTOR = 48


def glyphs() -> np.ndarray:
  """[5, 28, 28] uint8: bars of other places, bright on dark."""
  image_t_y_x = np.zeros((5, SIDE, SIDE), np.uint8)
  for t in range(5):
    image_t_y_x[t, 5 + t : 20 + t, 8:14] = 250 - 10 * t
    image_t_y_x[t, 8:12, 5:20] = 120
  return image_t_y_x


def measured() -> np.ndarray:
  """[48, 48] counts of an object of 14 x 14, with the zero frequency in the middle."""
  object_y_x = np.random.default_rng(4).uniform(0.2, 1, (14, 14))
  field = np.fft.fft2(object_y_x, (DETECTOR, DETECTOR))
  intensity = np.fft.fftshift(np.abs(field) ** 2)
  return np.rint(1e6 * intensity / intensity.max())


IMAGES = glyphs()
COUNTS = measured()
MASK = np.zeros((DETECTOR, DETECTOR), np.uint32)
MASK[23:26, 23:26] = 1


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
  """The bytes of an image file."""
  file = io.BytesIO()
  image.save(file, form, **options)
  return file.getvalue()


def image_arrays() -> Iterator[Odd]:
  """Types, ranges and axes of arrays of images."""
  x = IMAGES
  for kind in ("uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"):
    yield Odd(f"0 to 255 as {kind}", array(x.astype(kind)), answers=True)
  for bits in (10, 12, 14, 16):
    scaled = (x.astype(np.uint16) << (bits - 8)).astype(np.uint16)
    yield Odd(f"{bits} bits", array(scaled))
  for kind in ("complex64", "object", "str", "datetime64[s]", "bool", "float16"):
    yield Odd(f"images as {kind}", array(x.astype(np.int64).astype(kind)))
  yield Odd("0 to 1", array(x / 255), answers=True)
  yield Odd("-1 to 1", array(x / 127.5 - 1))
  yield Odd("standardised", array((x / 255 - 0.286) / 0.353))
  yield Odd("0 to 100", array(x / 2.55))
  yield Odd("negative", array(-x.astype(float)))
  yield Odd("some NaN", array(np.where(x == 120, np.nan, x / 255)))
  yield Odd("some infinite", array(np.where(x == 120, np.inf, x / 255)))
  yield Odd("huge", array(x * 1e30))
  yield Odd("masked", array(np.ma.MaskedArray(x, x == 120)))
  yield Odd("one", array(x[0]), answers=True)
  yield Odd("list", array(x[0].tolist()), answers=True)
  yield Odd("channels last", array(np.stack([x] * 3, -1)), answers=True)
  yield Odd("channels first", array(np.stack([x] * 3, 1)))
  yield Odd("one, channels first", array(np.stack([x[0]] * 3)))
  yield Odd("torch of one channel", array(x[:, None]))
  yield Odd("transparent", array(np.stack([x, x, x, x], -1)))
  yield Odd("two channels", array(np.stack([x, x], -1)))
  yield Odd("flattened", array(x.reshape(5, -1)))
  yield Odd("one flattened", array(x[0].ravel()))
  yield Odd("images last", array(np.moveaxis(x, 0, -1)))
  yield Odd("five axes", array(x[None, ..., None]))
  yield Odd("many axes", array(x[0].reshape(2, 14, 4, 7, 1, 1)))
  for name, value in (
    ("none", None),
    ("a number", 7),
    ("empty", []),
    ("a dict", {"a": 1}),
    ("ragged", [np.ones((2, 3)), np.ones((3, 2))]),
    ("black", 0 * x),
    ("white", 0 * x + 255),
    ("zero images", x[:0]),
    ("one pixel", x[:, :1, :1]),
    ("a line", x[:, :1]),
    ("bytes", b"abc"),
    ("nothing", np.nan * x),
  ):
    yield Odd(f"images: {name}", array(value), answers=False)


def image_files() -> Iterator[Odd]:
  """Image files of all kinds, and broken ones."""
  grey = Image.fromarray(IMAGES[0])
  colour = grey.convert("RGB")
  clear = Image.fromarray(np.stack([IMAGES[0]] * 4, -1), "RGBA")
  for form in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "TGA"):
    yield Odd(form, text(encoded(colour, form), f"mine.{form.lower()}"))
  for mode in ("1", "P", "LA", "CMYK", "YCbCr", "I", "F", "I;16"):
    form = "TIFF"
    yield Odd(f"TIFF of {mode}", text(encoded(grey.convert(mode), form), "mine.tif"))
  yield Odd(
    "PNG of 16 bits",
    text(encoded(Image.fromarray(IMAGES[0].astype(np.uint16) * 16), "PNG"), "mine.png"),
  )
  yield Odd("transparent PNG", text(encoded(clear, "PNG"), "mine.png"))
  nothing = Image.fromarray(np.zeros((SIDE, SIDE, 4), np.uint8), "RGBA")
  yield Odd("nothing but transparent", text(encoded(nothing, "PNG"), "mine.png"), answers=False)
  png = encoded(grey, "PNG")
  for name, content in (
    ("empty", b""),
    ("cut", png[:60]),
    ("bytes", bytes(range(256)) * 9),
    ("words", b"to be or not to be"),
    ("half", png[: len(png) // 2]),
  ):
    for suffix in ("png", "jpg", "tif", "gif", "npy", "svg", "heic", "npz", "csv"):
      yield Odd(f"{suffix}: {name}", text(content, f"mine.{suffix}"), answers=False)
  bomb = png[:16] + (60000).to_bytes(4, "big") * 2 + png[24:]
  yield Odd("PNG of 60000 x 60000", text(bomb, "mine.png"), answers=False)
  yield Odd("the empty folder", lambda folder: folder, answers=False)
  yield Odd("no image", lambda folder: folder / "missing.png", answers=False)
  yield Odd("a NUL", array("a\0.png"), answers=False)


def hdf5(**datasets: object) -> Make:
  """An input that is an HDF5 file; `__` in a name is a `/`."""

  def make(folder: pathlib.Path) -> pathlib.Path:
    with h5py.File(folder / "mine.h5", "w") as file:
      for name, value in datasets.items():
        place = name.replace("__", "/")
        if isinstance(value, (h5py.SoftLink, h5py.ExternalLink)):
          file[place] = value
        else:
          file.create_dataset(place, data=value)
    return folder / "mine.h5"

  return make


def intensities() -> Iterator[Odd]:
  """Types, ranges and axes of intensities."""
  x = COUNTS
  for kind in ("uint32", "int32", "int64", "float32", "float64", ">f4"):
    yield Odd(f"counts as {kind}", array(x.astype(kind)), answers=True)
  for kind in ("float16", "uint8", "uint16", "int16", "bool", "complex64", "object", "str"):
    yield Odd(f"counts as {kind}", array((x // 40000).astype(np.int64).astype(kind)))
  yield Odd("two frames", array(np.stack([x, x])), answers=True)
  yield Odd("frames last", array(np.stack([x] * 20, -1)))
  yield Odd("a frame of one channel", array(x[..., None]))
  yield Odd("an axis of one", array(x[None, None]))
  yield Odd("a mask", array(MASK), answers=False)
  yield Odd("a mask of bytes", array(MASK.astype(np.uint8)), answers=False)
  yield Odd("a mask of bools", array(MASK > 0), answers=False)
  yield Odd("masked", array(np.ma.MaskedArray(x, MASK > 0)))
  for value in (-1, -9999, 2.0**31 - 1, 2.0**32 - 1, np.nan, np.inf):
    yield Odd(f"nine of {value:g}", array(np.where(MASK > 0, value, x)))
  yield Odd("less a background", array(x - 20))
  yield Odd("mostly negative", array(-x))
  yield Odd("on a background", array(x + 1e5))
  for scale in (1e-30, 1e-6, 1e30, 1e300):
    yield Odd(f"counts by {scale:g}", array(scale * x))
  for name, value in (
    ("none", None),
    ("a number", 7),
    ("zero", 0 * x),
    ("nothing", np.nan * x),
    ("small", x[:8, :8]),
    ("a line", x[:1]),
    ("no frames", x[None][:0]),
    ("ragged", [[1.0], [1.0, 2.0]]),
    ("five axes", x[None, None, None, ..., None]),
  ):
    yield Odd(f"intensity: {name}", array(value), answers=None if "axes" in name else False)


def detector_files() -> Iterator[Odd]:
  """HDF5 and NPY files."""
  x = COUNTS
  yield Odd("one data set", hdf5(data=x), answers=True)
  yield Odd("two data sets", hdf5(a=x, b=x), answers=False)
  yield Odd("data and mask", hdf5(entry__data=x, entry__mask=MASK))
  yield Odd("only a mask", hdf5(entry__mask=MASK), answers=False)
  yield Odd("a broken soft link", hdf5(data=h5py.SoftLink("/nowhere")), answers=False)
  missing = h5py.ExternalLink("missing.h5", "/data")
  yield Odd("a broken external link", hdf5(entry__data__data=missing, mask=MASK), answers=False)
  itself = h5py.ExternalLink("mine.h5", "/data")
  yield Odd("a link to itself", hdf5(data=itself), answers=False)
  yield Odd("texts", hdf5(data=np.array([b"a", b"b"])), answers=False)
  yield Odd("a table", hdf5(data=np.zeros((48, 48), [("a", "f4"), ("b", "f4")])), answers=False)
  yield Odd("an empty file", hdf5(), answers=False)
  yield Odd("a scalar", hdf5(data=1.0), answers=False)

  def huge(folder: pathlib.Path) -> pathlib.Path:
    with h5py.File(folder / "mine.h5", "w") as file:
      file.create_dataset("data", (10_000, 10_000, 10_000), "f8", chunks=(1, 100, 100))
    return folder / "mine.h5"

  def huge_npy(folder: pathlib.Path) -> pathlib.Path:
    np.save(folder / "mine.npy", x)
    content = (folder / "mine.npy").read_bytes()
    content = content.replace(b"(48, 48), }       ", b"(480000, 480000)}")
    (folder / "mine.npy").write_bytes(content)
    return folder / "mine.npy"

  yield Odd("a data set of 8 TB", huge, answers=False)
  yield Odd("an npy of 2 TB", huge_npy, answers=False)
  for suffix in ("h5", "cxi", "nxs", "tif", "npy", "npz", "csv", "mat", "edf", "cbf", ""):
    for name, content in (
      ("empty", b""),
      ("bytes", bytes(range(256)) * 9),
      ("JSON", json.dumps([1, 2]).encode()),
      ("HDF5 cut", b"\x89HDF\r\n\x1a\n"),
    ):
      yield Odd(
        f"detector {suffix}: {name}", text(content, f"mine.{suffix}".rstrip(".")), answers=False
      )
