"""A user's own intensity: every form gives the same frames, and each thing that may be wrong one sentence or one note."""
import json
import pathlib
import struct

import h5py
import jax
import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from PIL import Image

import jaxsig
from jaxsig import config as configs
from jaxsig import system as task
from jaxsig.data.images.intensity_file import read_intensity, undersampled_note
from jaxsig.errors import UserError
from jaxsig.predict import model as shipped
from jaxsig.predict import own_file as infer


def intensity(m: int = 32, n: int = 12, seed: int = 0) -> np.ndarray:
  """|F x|^2 of a non-negative object, zero frequency at [0, 0]."""
  x = np.zeros((m, m))
  x[2:2 + n, 3:3 + n] = np.random.default_rng(seed).uniform(0, 1, (n, n))
  return np.abs(np.fft.fft2(x))**2


def tiff_bytes(x_v_u: np.ndarray, signed: bool) -> bytes:
  """A gray TIFF of one strip, written by hand: pillow writes no unsigned one of 32 bits."""
  h, w = x_v_u.shape
  bits = 8 * x_v_u.dtype.itemsize
  tags = [(256, w), (257, h), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, h), (279, x_v_u.nbytes), (339, 2 if signed else 1)]
  entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
  return b"II*\0" + struct.pack("<I", 8 + x_v_u.nbytes) + x_v_u.tobytes() + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


def saved(path: pathlib.Path, x: np.ndarray) -> pathlib.Path:
  if path.suffix == ".npy":
    np.save(path, x)
  elif path.suffix == ".tif":
    pages = [Image.fromarray(page) for page in (x if x.ndim == 3 else x[None])]
    pages[0].save(path, save_all=True, append_images=pages[1:])
  else:
    with h5py.File(path, "w") as file:
      file["entry_1/data_1/data"] = x
  return path


def centred(x: np.ndarray) -> np.ndarray:
  return np.fft.fftshift(x, (-2, -1))


@pytest.mark.parametrize("name", ["a.npy", "a.h5", "a.cxi", "a.tif", ""])
@pytest.mark.parametrize("frames", [1, 3])
def test_every_form_gives_the_same_frames(tmp_path, name, frames):
  truth = np.stack([intensity(seed=k) for k in range(frames)]).astype(np.float32)
  x = centred(truth) if frames > 1 else centred(truth)[0]
  found = read_intensity(saved(tmp_path / name, x) if name else x)
  np.testing.assert_array_equal(found.frames_t_v_u, truth)
  assert found.frames_t_v_u.dtype == np.float32 and found.mask_v_u is None and found.notes == []


@pytest.mark.parametrize("kind", ["uint8", "uint16", ">u2", "int32", "float32", "float64", "uint32", "int16"])
def test_number_types(tmp_path, kind):
  truth = np.rint(intensity() / intensity().max() * 120).astype(kind)
  truth[3, 4] = 3
  for path in (saved(tmp_path / "a.npy", centred(truth)), tmp_path / "a.tif"):
    if path.suffix == ".tif" and kind in ("uint32", "int16"):
      path.write_bytes(tiff_bytes(centred(truth), kind == "int16"))
    elif path.suffix == ".tif":
      saved(path, centred(truth).astype("float32" if kind == "float64" else kind))
    np.testing.assert_array_equal(read_intensity(path).frames_t_v_u[0], truth.astype(np.float32))


def test_unsigned_tiff_of_32_bits_beyond_the_signed_range(tmp_path):
  truth = np.rint(intensity() / intensity().max() * 4e9).astype(np.uint32)
  (tmp_path / "a.tif").write_bytes(tiff_bytes(centred(truth), False))
  np.testing.assert_array_equal(read_intensity(tmp_path / "a.tif").frames_t_v_u[0], truth.astype(np.float32))
  (tmp_path / "b.tif").write_bytes(tiff_bytes(centred(truth).view(np.int32), True))
  assert "negative" in says(read_intensity, tmp_path / "b.tif")


def test_which_data_set_of_an_hdf5_file(tmp_path):
  a, b = intensity(), intensity(seed=1)
  path = tmp_path / "a.h5"
  with h5py.File(path, "w") as file:
    file["scan/frames"], file["scan/energy"], file["name"] = a, 8.0, np.array([[b"x"]])
  np.testing.assert_allclose(read_intensity(path).frames_t_v_u[0], a, rtol=1e-6)   # the only one with two axes of numbers
  with h5py.File(path, "a") as file:
    file["scan/dark"] = b
  sentence = says(read_intensity, path)
  for word in ("scan/frames (32 x 32)", "scan/dark", "scan/energy (no axes)", "data.intensity_dataset"):
    assert word in sentence
  np.testing.assert_allclose(read_intensity(path, "/scan/dark").frames_t_v_u[0], b, rtol=1e-6)
  assert "has no data set scan/light" in says(read_intensity, path, "scan/light")
  assert "has no data set scan:" in says(read_intensity, path, "scan")   # a group
  with h5py.File(path, "a") as file:
    file["entry_1/data_1/data"] = b
  np.testing.assert_allclose(read_intensity(path).frames_t_v_u[0], b, rtol=1e-6)   # where CXI has it
  with h5py.File(tmp_path / "empty.h5", "w"):
    pass
  assert "it has none" in says(read_intensity, tmp_path / "empty.h5")


def test_a_cxi_files_own_mask_and_the_users_before_it(tmp_path):
  truth = intensity()
  path = saved(tmp_path / "a.cxi", truth)
  faults = np.zeros((32, 32), np.uint16)
  faults[5, 7], faults[6, 7] = 4, 128
  with h5py.File(path, "a") as file:
    file["entry_1/data_1/mask"], file["entry_1/other"] = faults, truth
  found = read_intensity(path)
  assert np.argwhere(~found.mask_v_u).tolist() == [[5, 7], [6, 7]] and "entry_1/data_1/mask leaves out 2 of 1024" in found.notes[0]
  assert found.frames_t_v_u[0][5, 7] == 0
  mine = np.ones((32, 32))
  mine[1, 2] = 0
  assert np.argwhere(~read_intensity(path, mask=mine).mask_v_u).tolist() == [[1, 2]]
  assert read_intensity(path, "entry_1/other").mask_v_u is None


@pytest.mark.parametrize("name", ["m.npy", "m.tif", "m.h5"])
def test_masks_move_with_the_frame(tmp_path, name):
  truth = intensity()
  usable = np.ones((32, 32), np.uint8)
  usable[4, 9] = 0
  truth[4, 9] = -5
  found = read_intensity(centred(truth), mask=saved(tmp_path / name, centred(usable)))
  assert np.argwhere(~found.mask_v_u).tolist() == [[4, 9]]
  np.testing.assert_allclose(found.frames_t_v_u[0], np.where(usable, truth, 0), rtol=1e-6)
  stack = np.stack([usable, np.roll(usable, 1, 0)])   # unusable in one frame is unusable in all
  found = read_intensity(np.stack([truth, truth]), mask=stack)
  assert np.argwhere(~found.mask_v_u).tolist() == [[4, 9], [5, 9]]


def test_masks_that_do_not_fit(tmp_path):
  assert "the frames are 32 x 32" in says(read_intensity, intensity(), mask=np.ones((31, 32)))
  assert "leaves no pixel" in says(read_intensity, intensity(), mask=np.zeros((32, 32)))
  assert "complex128" in says(read_intensity, intensity(), mask=np.ones((32, 32), complex))
  sentence = says(read_intensity, intensity(), mask=tmp_path / "m.npy")
  assert "data.intensity_mask" in sentence and "m.npy does not exist" in sentence


@pytest.mark.parametrize("m", [32, 33])
def test_the_zero_frequency_is_found_wherever_it_is(m):
  truth = intensity(m)
  for given, option in ((truth, "auto"), (centred(truth), "auto"), (truth, "no"), (centred(truth), "yes")):
    found = read_intensity(given, centred=option)
    assert np.unravel_index(found.frames_t_v_u[0].argmax(), found.frames_t_v_u[0].shape) == (0, 0)
    assert len(found.notes) == (m == 33)
  assert read_intensity(truth, centred="yes").frames_t_v_u[0][0, 0] != truth.max()
  assert "use auto, yes or no" in says(read_intensity, truth, centred="maybe")


def test_behind_a_beam_stop_the_rings_still_tell():
  truth = intensity(64)
  usable = np.ones((64, 64))
  usable[np.ix_([-2, -1, 0, 1, 2], [-2, -1, 0, 1, 2])] = 0
  for shift in (lambda x: x, centred):
    found = read_intensity(shift(truth), mask=shift(usable))
    np.testing.assert_array_equal(found.mask_v_u, usable > 0)
    assert len(found.notes) == 1


def test_an_unclear_layout_and_a_beam_beside_the_middle_are_noted():
  flat = np.random.default_rng(0).uniform(1, 2, (32, 32))
  assert "not clear" in read_intensity(flat).notes[0]
  found = read_intensity(np.roll(centred(intensity()), (3, -2), (0, 1)))
  assert len(found.notes) == 1 and "3 rows and -2 columns" in found.notes[0]


@pytest.mark.parametrize("shape", [(33, 33), (32, 45), (45, 32), (37, 50), (33, 32)])
def test_odd_and_rectangular_frames_keep_their_frequencies(shape):
  """A frequency k is at index k: the values say which they are."""
  k = [np.fft.fftfreq(s, 1 / s).round().astype(int) for s in shape]
  truth = 1e4 / (1 + k[0][:, None]**2 + k[1]**2) + (k[0][:, None] + 50) / 100 + (k[1] + 50) / 7000
  size = min(shape) // 2 * 2
  low = np.fft.fftfreq(size, 1 / size).round().astype(int)
  expected = truth[np.ix_(low, low)]
  for given in (truth, centred(truth)):
    found = read_intensity(given)
    np.testing.assert_allclose(found.frames_t_v_u[0], expected, rtol=1e-6)
    assert f"{shape[0]} x {shape[1]} are cut" in found.notes[0] and f"{size} x {size}" in found.notes[0]


def test_few_broken_values_are_masked_and_many_refused():
  truth = intensity()
  few = truth.copy()
  few.flat[100:110], few.flat[200] = np.nan, np.inf
  found = read_intensity(few)
  assert (~found.mask_v_u).sum() == 11 and "masked: 11 of 1024" in found.notes[0]
  np.testing.assert_allclose(found.frames_t_v_u[0], np.where(np.isfinite(few), truth, 0), rtol=1e-6)
  many = truth.copy()
  many.flat[:204] = np.nan
  assert len(read_intensity(many, centred="no").notes) == 1
  many.flat[204] = np.nan
  assert "NaN or infinite in 205 of 1024 pixels (20 %), more than 20 %" in says(read_intensity, many)
  usable = np.isfinite(many)
  assert len(read_intensity(many, mask=usable, centred="no").notes) == 1   # what the user masks is not counted


def test_negative_values_are_refused_with_their_number():
  x = intensity()
  x[9, 9], x[9, 10] = -0.25, -3
  assert "2 negative values, the smallest -3" in says(read_intensity, x)


@pytest.mark.parametrize(("kind", "limit", "several", "few"), [
  ("uint8", 255, 4, 3), ("uint16", 65535, 4, 3), ("int16", 32767, 4, 3), ("uint32", 2**32 - 1, 1, 0), ("int64", 2**63 - 1, 1, 0)])
def test_the_limit_of_an_integer_type_is_saturation(kind, limit, several, few):
  x = np.rint(intensity() / intensity().max() * 120).astype(kind)
  for count in (several, few):
    y = x.copy()
    y.flat[:2 * count:2] = limit
    found = read_intensity(y, centred="no")
    assert (0 if found.mask_v_u is None else (~found.mask_v_u).sum()) == (count if count == several else 0)
    assert any("Saturated" in note for note in found.notes) == (count == several)


def test_a_plateau_is_saturation_but_ties_are_not():
  x = intensity()
  level = np.sort(x.ravel())[-5]
  clipped = np.minimum(x, level)
  for given in (clipped, centred(clipped)):   # about [0, 0] they are neighbours across the edges
    found = read_intensity(given)
    np.testing.assert_array_equal(found.mask_v_u, x < level)
    assert "Saturated" in found.notes[0] and "5 of 1024" in found.notes[0]
  assert read_intensity(np.minimum(x, np.sort(x.ravel())[-3])).mask_v_u is None   # three may be chance
  apart = x.copy()
  apart[[4, 8, 12, 16], [4, 8, 12, 16]] = x.max() * 2   # four hot pixels that do not touch
  assert read_intensity(apart, centred="no").mask_v_u is None
  photons = np.random.default_rng(0).poisson(x / x.sum() * 200).astype(float)
  assert read_intensity(np.minimum(photons, 2), centred="no").mask_v_u is None   # many pixels share two photons


def test_what_is_no_intensity_is_refused(tmp_path):
  truth = intensity()
  assert "numpy.abs(F)**2" in says(read_intensity, truth.astype(complex))
  assert "not numbers of an intensity" in says(read_intensity, truth > 1)
  assert "not numbers of an intensity" in says(read_intensity, truth.astype(str))
  assert "not numbers of an intensity" in says(read_intensity, truth.astype(object))
  assert "shape (32,)" in says(read_intensity, truth[0])
  assert "shape (2, 2, 8, 32)" in says(read_intensity, truth.reshape(2, 2, 8, 32))
  assert "shape (0, 32, 32)" in says(read_intensity, np.zeros((0, 32, 32)))
  assert "fewer than 16" in says(read_intensity, truth[:15])
  assert "fewer than 16" in says(read_intensity, intensity(15, 4))
  assert read_intensity(intensity(17, 4)).frames_t_v_u.shape == (1, 16, 16)
  assert "frame 1 of the array is zero" in says(read_intensity, np.stack([truth, 0 * truth]))
  truth[9:] = 0
  assert "frame 0 of the array is zero in every usable pixel" in says(read_intensity, truth, mask=truth == 0)


def test_what_is_no_file_of_numbers_is_refused(tmp_path):
  truth = intensity()
  assert "does not exist" in says(read_intensity, tmp_path / "a.npy")
  (tmp_path / "a.csv").write_text("1,2")
  assert "none of .npy" in says(read_intensity, tmp_path / "a.csv")
  np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
  assert "not a NumPy array of numbers (it holds Python objects)" in says(read_intensity, tmp_path / "objects.npy")
  np.savez(tmp_path / "two.npz", a=truth, b=truth)
  (tmp_path / "two.npz").rename(tmp_path / "two.npy")
  assert "archive of several" in says(read_intensity, tmp_path / "two.npy")
  content = saved(tmp_path / "b.npy", truth).read_bytes()
  for size in (40, len(content) - 8):
    (tmp_path / "b.npy").write_bytes(content[:size])
    assert "not a NumPy array of numbers (it is truncated" in says(read_intensity, tmp_path / "b.npy")
  (tmp_path / "b.npy").write_bytes(b"")
  assert "it is empty" in says(read_intensity, tmp_path / "b.npy")
  (tmp_path / "folder.npy").mkdir()
  assert "folder.npy is a folder" in says(read_intensity, tmp_path / "folder.npy")
  for suffix in (".npy", ".h5", ".tif"):
    (tmp_path / f"text{suffix}").write_text("no such thing" * 100)
    sentence = says(read_intensity, tmp_path / f"text{suffix}")
    assert "text" in sentence and "pickle" not in sentence   # numpy's own advice is to load one
  content = saved(tmp_path / "c.cxi", truth).read_bytes()
  (tmp_path / "c.cxi").write_bytes(content[:2000])
  assert "cannot be read as HDF5" in says(read_intensity, tmp_path / "c.cxi")
  content = saved(tmp_path / "d.tif", truth.astype(np.float32)).read_bytes()
  (tmp_path / "d.tif").write_bytes(content[:300])
  assert "cannot be read as a TIFF" in says(read_intensity, tmp_path / "d.tif")
  Image.new("RGB", (32, 32), (9, 8, 7)).save(tmp_path / "e.tif")
  assert "in colour" in says(read_intensity, tmp_path / "e.tif")
  with h5py.File(tmp_path / "f.h5", "w") as file:
    file["data"] = truth.astype(np.complex64)
  assert "numpy.abs(F)**2" in says(read_intensity, tmp_path / "f.h5")


def test_beyond_single_precision_is_scaled_and_said():
  truth = intensity()
  for scale in (1e40, 1e-60):
    found = read_intensity(truth * scale)
    assert "divided by the largest" in found.notes[0]
    np.testing.assert_allclose(found.frames_t_v_u[0], truth / truth.max(), rtol=1e-5)


def test_undersampling_is_said_from_the_first_pixel_on():
  assert undersampled_note(83, 42) == "" and undersampled_note(96, 42) == ""
  sentence = undersampled_note(82, 42)
  assert "82 pixels" in sentence and "2 n - 1 = 83" in sentence and sentence.count(". ") == 0


def test_nothing_is_done_to_what_is_given():
  x = centred(intensity())
  x[3, 3] = np.nan
  before = x.copy()
  read_intensity(x)
  np.testing.assert_array_equal(x, before)


@pytest.fixture(scope="module")
def model():
  """An untrained model of phase retrieval: what it says is of the right form."""
  small = {"data.m": 32, "data.n": 12, "data.size": 12, "data.shrink": 1, "sampler.iterations": 2, "sampler.restarts": 1}
  config = configs.load(ROOT / "configs" / "phase_retrieval.py", "smoke", small)
  system, data = task.make(config), task.make_data(config)
  params, stats = jax.jit(system.init)(jax.random.key(0), shipped.example(data, config))
  return shipped.Model("untrained", config, system, data, params, stats, {"intercept": 0.0, "slope": -1.0})


def test_predict_from_python(model, tmp_path):
  x = centred(intensity())
  found = jaxsig.predict(x, model=model)
  assert sorted(found) == ["image_b_y_x", "notes", "residual_b", "solved_probability_b"] and found["notes"] == []
  assert found["image_b_y_x"].shape == (1, 32, 32) and (found["image_b_y_x"] >= 0).all()
  amplitude = np.abs(np.fft.fft2(found["image_b_y_x"][0]))
  truth = np.sqrt(np.fft.ifftshift(x))
  np.testing.assert_allclose(found["residual_b"], np.linalg.norm(amplitude - truth) / np.linalg.norm(truth), rtol=1e-3)
  stack = jaxsig.predict(np.stack([x, centred(intensity(seed=1))]), model=model)
  assert stack["image_b_y_x"].shape == (2, 32, 32) and stack["residual_b"].shape == stack["solved_probability_b"].shape == (2,)
  assert "Saturated" in jaxsig.predict(np.minimum(x, np.sort(x.ravel())[-5]), model=model)["notes"][0]
  assert "open_model" in says(jaxsig.predict, x, model=model, config=model.config)


def test_a_failing_prediction_leaves_the_one_before(model, tmp_path, capsys):
  infer.run(model, saved(tmp_path / "mine.npy", centred(intensity())), None, tmp_path / "out")
  said = json.loads((tmp_path / "out" / "mine.json").read_text())
  assert said["model"] == "untrained" and len(said["residual_b"]) == 1 and not {"rates", "rate_hz", "start_s_b"} & said.keys()
  before = {p: p.read_bytes() for p in (tmp_path / "out").iterdir()}
  assert {p.name for p in before} == {"mine.json", "mine_image.npy", "mine_image.png"} and "residual" in capsys.readouterr().out
  saved(tmp_path / "mine.npy", -intensity())
  with pytest.raises(UserError, match="negative"):
    infer.run(model, tmp_path / "mine.npy", None, tmp_path / "out")
  assert {p: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


def test_how_a_file_is_read_makes_no_other_training(model):
  read = configs.override(model.config, {"data.intensity_mask": "m.npy", "data.intensity_dataset": "a/b", "data.intensity_centred": "no"})
  assert configs.differing(read, model.config) == [] and configs.fingerprint(read) == configs.fingerprint(model.config)
  assert configs.differing(configs.override(model.config, {"data.m": 48}), model.config, training=True) == ["data.m"]
