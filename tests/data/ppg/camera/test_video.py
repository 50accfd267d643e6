"""Videos that the tests make: a patch whose colour pulses."""
import fractions
import struct

import numpy as np
import pytest
from PIL import Image

from jaxsig.data.ppg.camera.colour_pulse import with_ppg
from jaxsig.data.ppg.camera.frame_times import uniform
from jaxsig.data.ppg.camera.video import read_video
from jaxsig.data.records import Record
from jaxsig.errors import UserError

av = pytest.importorskip("av")
BOX = (8, 4, 16, 12)
BASE = np.array([180.0, 130.0, 100.0])


def write(path, time_s, rate_bpm=72.0, size=(32, 48), codec="ffv1"):
  """Frames with a pulsing patch in a still picture, at the given times."""
  x, y, wide, high = BOX
  with av.open(str(path), "w") as container:
    stream = container.add_stream(codec, rate=30)
    stream.width, stream.height = size[1], size[0]
    stream.pix_fmt = "bgr0"
    stream.time_base = fractions.Fraction(1, 1000)
    stream.codec_context.time_base = fractions.Fraction(1, 1000)
    draw = np.random.default_rng(0)
    for now in time_s:
      pulse = np.sin(2 * np.pi * rate_bpm / 60 * now)
      pixels = np.full((*size, 3), 60.0)
      pixels[y:y + high, x:x + wide] = BASE * (1 - 0.03 * np.array([0.4, 1.0, 0.7]) * pulse)
      pixels += draw.uniform(-0.5, 0.5, pixels.shape)   # so that rounding does not hide the pulse
      frame = av.VideoFrame.from_ndarray(np.rint(pixels).astype(np.uint8), format="rgb24")
      frame.pts = round(1000 * now)
      frame.time_base = fractions.Fraction(1, 1000)
      container.mux(stream.encode(frame.reformat(format="bgr0")))
    container.mux(stream.encode(None))
  return path


def rate_of(record):
  ppg_t = record.signals["ppg_t"]
  ppg_t = ppg_t[np.isfinite(ppg_t)]
  power = np.abs(np.fft.rfft((ppg_t - ppg_t.mean()) * np.hanning(len(ppg_t)), 1 << 14))
  frequency_hz = np.fft.rfftfreq(1 << 14, 1 / record.rate_hz)
  return 60 * frequency_hz[np.argmax(np.where(frequency_hz > 0.5, power, 0))]


def test_the_pulse_of_a_patch_is_read(tmp_path):
  path = write(tmp_path / "a.mkv", np.arange(360) / 30)
  record = read_video(path, BOX)
  assert record.signals["rgb_t_c"].shape == (360, 3)
  assert record.rate_hz == pytest.approx(30, rel=0.02)
  np.testing.assert_allclose(record.signals["rgb_t_c"].mean(0), BASE, rtol=0.02)
  assert rate_of(with_ppg(record)) == pytest.approx(72, abs=1)


def test_frames_at_uneven_times_keep_the_pulse(tmp_path):
  first = np.arange(150) / 30
  second = first[-1] + np.arange(1, 150) / 24
  record = read_video(write(tmp_path / "a.mkv", np.concatenate([first, second])), BOX)
  assert "uneven" in record.info["notes"][0]
  assert rate_of(with_ppg(record)) == pytest.approx(72, abs=1)


def test_missing_frames_are_a_gap(tmp_path):
  time_s = np.arange(240) / 30
  time_s[120:] += 2.0
  record = read_video(write(tmp_path / "a.mkv", time_s), BOX)
  missing = np.isnan(record.signals["rgb_t_c"]).all(-1)
  assert missing.sum() == pytest.approx(60, abs=2)
  assert any("missing" in note for note in record.info["notes"])


def test_a_mask_names_the_skin(tmp_path):
  path = write(tmp_path / "a.mkv", np.arange(30) / 30)
  x, y, wide, high = BOX
  mask = np.zeros((32, 48), np.uint8)
  mask[y:y + high, x:x + wide] = 255
  Image.fromarray(mask).save(tmp_path / "mask.png")
  np.save(tmp_path / "mask.npy", mask)
  expected = read_video(path, BOX).signals["rgb_t_c"]
  for name in ("mask.png", "mask.npy"):
    found = read_video(path, mask=str(tmp_path / name)).signals["rgb_t_c"]
    np.testing.assert_array_equal(found, expected)


def test_mistakes_are_told_in_a_sentence(tmp_path):
  path = write(tmp_path / "a.mkv", np.arange(30) / 30)
  with pytest.raises(UserError, match="not known where the skin is"):
    read_video(path)
  with pytest.raises(UserError, match="48 wide and 32 high"):
    read_video(path, (40, 4, 16, 12))
  np.save(tmp_path / "mask.npy", np.ones((3, 3)))
  with pytest.raises(UserError, match="has the shape"):
    read_video(path, mask=str(tmp_path / "mask.npy"))
  with pytest.raises(UserError, match="cannot be read"):
    read_video(path, mask=str(tmp_path / "none.png"))
  (tmp_path / "text.mp4").write_text("no video")
  with pytest.raises(UserError, match="cannot be read as a video"):
    read_video(tmp_path / "text.mp4", BOX)
  with pytest.raises(UserError, match="is no file"):
    read_video(tmp_path / "none.mp4", BOX)


@pytest.mark.parametrize("rates", [(30.0, 30.0), (29.4, 30.3), (15.0, 30.0)])
def test_colours_on_a_uniform_grid(rates):
  time_s = np.concatenate([np.arange(100) / rates[0], 100 / rates[0] + np.arange(100) / rates[1]])
  wave = np.sin(2 * np.pi * 0.8 * time_s)
  even = uniform(time_s, np.stack([wave] * 3, -1), "x")
  grid_s = np.arange(len(even.rgb_t_c)) / even.rate_hz
  fine = np.isfinite(even.rgb_t_c[:, 0])
  assert fine.mean() > 0.95
  np.testing.assert_allclose(
      even.rgb_t_c[fine, 0], np.sin(2 * np.pi * 0.8 * grid_s)[fine], atol=0.05)


def test_times_that_do_not_ascend_are_told():
  with pytest.raises(UserError, match="do not ascend"):
    uniform(np.array([0, 1, 1]), np.ones((3, 3)), "x")
  with pytest.raises(UserError, match="1 frame:"):
    uniform(np.array([0]), np.ones((1, 3)), "x")


def test_a_mask_may_be_transparent_or_lossy(tmp_path):
  path = write(tmp_path / "a.mkv", np.arange(30) / 30)
  x, y, wide, high = BOX
  mask = np.zeros((32, 48), np.uint8)
  mask[y:y + high, x:x + wide] = 255
  expected = read_video(path, BOX).signals["rgb_t_c"]
  for colour in (255, 0):   # white or black paint on what is transparent
    painted = np.full((32, 48, 4), colour, np.uint8)
    painted[..., 3] = mask
    Image.fromarray(painted).save(tmp_path / "mask.png")
    found = read_video(path, mask=str(tmp_path / "mask.png")).signals["rgb_t_c"]
    np.testing.assert_array_equal(found, expected)
  Image.fromarray(mask).save(tmp_path / "mask.jpg", quality=60)
  found = read_video(path, mask=str(tmp_path / "mask.jpg")).signals["rgb_t_c"]
  np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.full((32, 48), np.nan), "no finite real numbers"),
        (np.full((32, 48), "a"), "no finite real numbers"),
        (np.zeros((32, 48)), "0 throughout"),
        (np.ones((48, 32)), "48 wide and 32 high: make it of their size"),
    ],
)
def test_a_mask_that_is_none_is_told(tmp_path, mask, sentence):
  path = write(tmp_path / "a.mkv", np.arange(3) / 30)
  np.save(tmp_path / "MASK.npy", mask)
  (tmp_path / "MASK.npy").rename(tmp_path / "MASK.NPY")
  with pytest.raises(UserError, match=sentence):
    read_video(path, mask=str(tmp_path / "MASK.NPY"))


def test_a_video_that_ends_early_is_told(tmp_path):
  path = write(tmp_path / "a.mkv", np.arange(240) / 30)
  assert not read_video(path, BOX).info["notes"]
  content = path.read_bytes()
  path.write_bytes(content[:len(content) // 2])
  [note] = read_video(path, BOX).info["notes"]
  assert "lasts 8.0 s, but its pictures end after" in note
  with pytest.raises(UserError, match="leave one out"):
    read_video(path, BOX, "mask.png")


QUARTER = (0, 1, 0, -1, 0, 0, 0, 0, 0x4000)   # the matrix that a phone held upright writes


def test_frames_are_turned_as_players_show_them(tmp_path):
  path = write(tmp_path / "a.mp4", np.arange(30) / 30)
  expected = read_video(path, BOX).signals["rgb_t_c"]
  content = bytearray(path.read_bytes())
  matrix = content.find(b"tkhd") + 44
  content[matrix:matrix + 36] = struct.pack(">9i", *[65536 * entry for entry in QUARTER])
  path.write_bytes(content)
  x, y, wide, high = BOX
  turned = read_video(path, (32 - y - high, x, high, wide))
  np.testing.assert_allclose(turned.signals["rgb_t_c"], expected)
  assert "32 wide and 48 high" in turned.info["notes"][0]


def record_of(rgb_t_c):
  return Record("a", "user", 30.0, {"rgb_t_c": rgb_t_c}, {}, {})


def test_grey_turned_and_saturated_colours_are_told():
  wave = 0.02 * np.sin(2 * np.pi * 1.2 * np.arange(600) / 30)
  colours = BASE * (1 - wave[:, None] * np.array([0.4, 1.0, 0.7]))
  plain = with_ppg(record_of(colours))
  assert not plain.info["notes"] and "is_clipped" not in plain.info

  grey = with_ppg(record_of(colours[:, [1, 1, 1]]))
  assert "same, as in grey pictures" in grey.info["notes"][0]
  assert rate_of(grey) == pytest.approx(72, abs=1)

  turned = with_ppg(record_of(colours[:, ::-1]))
  assert "order B, G, R" in turned.info["notes"][0]

  bright = np.minimum(colours, BASE * [1, 2, 2] * 0.999)
  assert with_ppg(record_of(bright)).info["is_clipped"]
  assert "is_clipped" not in with_ppg(record_of(bright), "green").info
