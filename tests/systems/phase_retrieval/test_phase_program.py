"""The program from a folder to a table, and a user's own intensity: one tiny trained workdir."""
import json
import pathlib
from typing import NamedTuple

import jax
import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from PIL import Image

from jaxsig import config as configs
from jaxsig.data.images import fashion_mnist
from jaxsig.data.records import Record
from jaxsig.engine.run import Run
from jaxsig.engine.start import restored
from jaxsig.engine.train import train
from jaxsig.experiment import evaluate, sweep
from jaxsig.experiment.predictor import Predictor, RecordWindows, predict_records
from jaxsig.prediction import own_file as predict_own_file
from jaxsig.prediction.model import open_model
from jaxsig.rows import Row
from jaxsig.system import OwnOptions, Told
from jaxsig.systems.phase_retrieval import contact_sheet, far_field, own_file, registration, solved
from jaxsig.systems.phase_retrieval.scene import scene_of

FILE = ROOT / "configs" / "phase_retrieval.py"
METHOD = "U-Net-A, exact"
REFINED = "U-Net-A, exact, refined, best of 4"
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module", autouse=True)
def quick_compiling():
  """Compiling takes most of the time, and a few runs of each program are all that a test needs."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)


def small(**overrides):
  """The smoke config with two of the solvers."""
  whole = configs.load(FILE, "smoke")
  few = {name: whole.baselines.methods[name].to_dict() for name in ("hio", "shrinkwrap")}
  dotted = {key.replace("__", "."): value for key, value in overrides.items()}
  changes = {"run.ablations": False, "run.tensorboard": False, "baselines.methods": few, **dotted}
  return configs.override(whole, changes)


class Trained(NamedTuple):
  """A workdir with all that was made in it."""
  workdir: pathlib.Path
  run: Run
  member: str
  rows: list[Row]
  record: Record   # the test block with predictions of the plain reading


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  workdir = tmp_path_factory.mktemp("phase") / "w"
  run, members = sweep.open_run(small(), workdir)
  train(run, members)
  rows = evaluate.evaluate(run, members)
  sweep.report([workdir], workdir / "report")

  windows = run.prepared.windows
  place = [record.id for record in run.prepared.records].index("test_000")
  ids = np.flatnonzero(windows.record_b == place)
  params, stats = restored(run, members[0])
  predictor = Predictor(run.system.task, params, stats, 10, run.config.read.seed)
  chosen = [RecordWindows(run.prepared.records[place], ids)]
  [record] = predict_records(predictor, run.system.task, windows, chosen, run.config, "")
  return Trained(workdir, run, members[0].name, rows, record)


def by_image(rows: list[Row], method: str, metric: str) -> dict[str, Row]:
  return {row.group: row for row in rows if (row.method, row.metric) == (method, metric)}


def test_rows_are_of_every_test_image_and_method(trained):
  methods = {row.method for row in trained.rows}
  assert methods == {"constant", "HIO", "shrinkwrap", METHOD, REFINED}
  images = {row.group for row in trained.rows}
  assert images == {f"test_000_{i}" for i in range(20)}
  assert len(by_image(trained.rows, "HIO", "nmse_symmetric")) == 4   # baselines.images
  assert {row.record for row in trained.rows} == {"test_000"}
  assert all(row.strata["class"].startswith("class ") for row in trained.rows)


def test_rows_are_the_errors_of_the_predictions(trained):
  scene = scene_of(trained.run.config)
  truth = scene.objects_of(trained.record)
  images = trained.record.predictions["image_b_v_u"]
  error_b = registration.symmetric_error(images, truth)
  rows = by_image(trained.rows, METHOD, "nmse_symmetric")
  values = [rows[f"test_000_{i}"].value for i in range(20)]
  np.testing.assert_allclose(values, error_b, rtol=1e-4)


def test_aligned_images_and_their_truths_are_kept(trained):
  scene = scene_of(trained.run.config)
  truth = np.asarray(scene.objects_of(trained.record))
  folder = trained.workdir / "predictions" / trained.member
  with np.load(folder / METHOD / "test_000.npz") as stored:
    assert set(stored.files) == {"aligned_b_y_x", "truth_b_y_x", "index_b"}
    np.testing.assert_array_equal(stored["index_b"], np.arange(20))
    np.testing.assert_array_equal(stored["truth_b_y_x"], truth)
    aligned = registration.align(trained.record.predictions["image_b_v_u"], truth).image
    np.testing.assert_allclose(stored["aligned_b_y_x"], aligned, atol=1e-5)
  with np.load(folder / "HIO" / "test_000.npz") as stored:
    np.testing.assert_array_equal(stored["truth_b_y_x"], truth[:4])


def test_a_probability_is_that_of_the_residual(trained):
  folder = trained.workdir / "members" / trained.member
  curve = json.loads((folder / "calibration.json").read_text())["HIO"]
  residuals = by_image(trained.rows, "HIO", "fourier_residual")
  briers = by_image(trained.rows, "HIO", "solved_brier")
  for group, row in by_image(trained.rows, "HIO", "solved_nmse_below_01").items():
    expected = solved.probability(curve, residuals[group].value)
    assert row.probability == pytest.approx(expected, rel=1e-5)
    assert briers[group].value == pytest.approx((row.probability - row.value) ** 2, rel=1e-5)
  others = [row for row in trained.rows if row.metric != "solved_nmse_below_01"]
  assert all(row.probability is None for row in others)


def test_a_solver_s_time_is_that_of_the_images_it_solved(trained):
  test = next(one for one in trained.run.prepared.records if one.id == "test_000")
  baselines = trained.run.system.protocol.baselines
  assert baselines["HIO"].predict(None, test)["timed_s"] == 4
  later = test._replace(info={**test.info, "first": 500})
  predictions = baselines["HIO"].predict(None, later)
  assert predictions["timed_s"] == 0
  assert predictions["image_b_v_u"].shape == (0, 48, 48)
  seconds = json.loads((trained.workdir / "timing.json").read_text())
  assert seconds.keys() == {"constant", "HIO", "shrinkwrap", METHOD, REFINED}


def test_the_report_tells_of_images(trained):
  folder = trained.workdir / "report"
  for name in ("pictures", "reliability"):
    assert (folder / f"{name}.png").is_file()
  table = (folder / "table.md").read_text()
  assert "images" in table
  assert "patients" not in table.partition("Provenance")[0]
  assert "Hybrid input-output" in table


def write_intensity(folder: pathlib.Path) -> pathlib.Path:
  """A file of another grid, with a beam stop, centred as detectors have it."""
  x = np.zeros((2, 21, 21), np.float32)
  x[:, 4:18, 3:17] = RANDOM.uniform(0.2, 1, (2, 14, 14))
  intensity = np.fft.fftshift(far_field.intensity(x, 64), (1, 2))
  stop = np.s_[31:34, 31:34]
  intensity[:, *stop] = 0
  mask = np.ones((64, 64), np.uint8)
  mask[stop] = 0
  np.save(folder / "mine.npy", intensity)
  np.save(folder / "mask.npy", mask)
  return folder / "mine.npy"


def residual_seen(image, intensity, mask):
  difference = mask * (np.abs(np.fft.fft2(image)) - np.sqrt(intensity))
  measured = mask * np.sqrt(intensity)
  return np.linalg.norm(difference, axis=(1, 2)) / np.linalg.norm(measured, axis=(1, 2))


def test_an_own_intensity_gives_images_and_files(trained, tmp_path, capsys):
  path = write_intensity(tmp_path)
  config = configs.override(trained.run.config, {"own.mask": str(tmp_path / "mask.npy")})
  model = open_model(trained.workdir, config)
  predict_own_file.run(model, path, None, tmp_path / "out")
  said = capsys.readouterr().out
  assert "0: residual" in said and "solved probability" in said

  written = {file.name for file in (tmp_path / "out").iterdir()}
  assert written == {"mine_image.npy", "mine_image.png", "mine_image.json"}
  image = np.load(tmp_path / "out" / "mine_image.npy")
  summary = json.loads((tmp_path / "out" / "mine_image.json").read_text())
  assert image.shape == (2, 64, 64)
  assert len(summary["residual_b"]) == 2
  assert all(0 < p < 1 for p in summary["solved_probability_b"])
  assert "not determined" in summary["notes"][-1]
  assert summary["model"] == "w"

  intensity = np.fft.ifftshift(np.load(path), (1, 2))
  mask = np.fft.ifftshift(np.load(tmp_path / "mask.npy"))
  expected = residual_seen(image, intensity, mask)
  np.testing.assert_allclose(summary["residual_b"], expected, rtol=0.02)

  reconstruction = model.predict(path)
  assert isinstance(reconstruction, own_file.Reconstruction)
  np.testing.assert_allclose(reconstruction.images, image)
  np.testing.assert_allclose(reconstruction.residuals, summary["residual_b"], rtol=1e-6)
  np.testing.assert_allclose(reconstruction.solved_probabilities, summary["solved_probability_b"])


def test_a_reading_for_own_files_must_exist(tmp_path):
  words = says(sweep.open_run, small(own__reading="refined best of 4"), tmp_path / "w")
  assert "did you mean 'refined_best_of_4'" in words


def options(n=17, **own):
  config = configs.override(small(), {"data.n": n})
  changes = {f"own.{name}": value for name, value in own.items()}
  config = configs.override(config, changes)
  return OwnOptions(None, config.data, config.own)


def test_a_users_intensity_becomes_windows(tmp_path):
  x = np.zeros((32, 32))
  x[3:9, 4:11] = RANDOM.uniform(0.2, 1, (6, 7))
  intensity = np.abs(np.fft.fft2(x)) ** 2
  broken = intensity.copy()
  broken[5, 5] = np.nan
  np.save(tmp_path / "mine.npy", np.fft.fftshift(broken))

  record = own_file.read(tmp_path / "mine.npy", options())
  assert record.id == "mine" and record.group == "user"
  assert record.info["source"] == "user" and record.duration_s == 1
  assert len(record.info["notes"]) == 2
  assert "2 n - 1 = 33" in record.info["notes"][1]

  data = fashion_mnist.DATA
  windows = data.cut(record, data.spans(record, small().data), small().data)
  assert windows["mask_b_v_u"].shape == (1, 32, 32)
  assert windows["mask_b_v_u"].dtype == bool
  good = windows["mask_b_v_u"][0]
  assert np.argwhere(~good).tolist() == [[5, 5]]
  np.testing.assert_allclose(windows["intensity_b_v_u"][0][good], intensity[good], rtol=1e-6)
  assert windows["id_b"].dtype == np.uint32 and "label_b" not in windows

  whole = own_file.read(np.stack([intensity, intensity]), options(n=16, centred="no"))
  assert whole.info["notes"] == []
  assert whole.signals["mask_t_v_u"].all()
  assert data.cut(whole, data.spans(whole, small().data), small().data)["mask_b_v_u"].all()
  assert "own.centred='maybe'" in says(own_file.read, intensity, options(centred="maybe"))


def told_of(**predictions) -> Told:
  record = Record("mine", "user", 1.0, {}, {}, {"notes": ["Cut."]}, predictions)
  nowhere_s = np.zeros((0, 2))
  return Told(record, [], [], nowhere_s, nowhere_s, {"record": "mine", "model": "w"}, small())


def test_a_reconstruction_has_plain_names(capsys):
  image = RANDOM.uniform(size=(3, 6, 6))
  told = told_of(
      image_b_y_x=image,
      residual_b=np.array([0.1, np.nan, 0.3]),
      solved_probability_b=np.array([0.9, 0.2, 0.4]),
      start_s_b=np.arange(3.0),
  )
  reconstruction = own_file.result(told)
  assert reconstruction.name == "mine" and reconstruction.notes == ("Cut.",)
  np.testing.assert_array_equal(reconstruction.images, image)
  np.testing.assert_array_equal(reconstruction.residuals, [0.1, np.nan, 0.3])
  np.testing.assert_array_equal(reconstruction.solved_probabilities, [0.9, 0.2, 0.4])

  plain = reconstruction.to_dict()
  assert json.loads(json.dumps(plain, allow_nan=False)) == plain
  assert plain == {
      "name": "mine",
      "shape": [3, 6, 6],
      "residuals": [0.1, None, 0.3],
      "solved_probabilities": [0.9, 0.2, 0.4],
      "notes": ["Cut."],
  }
  assert repr(reconstruction) == (
      "<Reconstruction of mine: 3 images of 6 x 6 pixels, median residual 0.2>")
  assert next(own_file.tell(told)) == "   0: residual 0.1, solved probability 0.9"

  without = own_file.result(told_of(image_b_y_x=image, residual_b=np.full(3, 0.1)))
  assert without.solved_probabilities is None
  assert without.to_dict()["solved_probabilities"] is None


@pytest.mark.parametrize("is_complex", [False, True])
def test_write_gives_images_and_all_the_rest(tmp_path, is_complex):
  image = RANDOM.normal(size=(5, 6, 6))
  if is_complex:
    image = image * 1j
  residual_b = np.array([0.1, np.nan, 0.2, 0.3, 0.4])
  own_file.write(told_of(image_b_y_x=image, residual_b=residual_b), tmp_path)
  stored = np.load(tmp_path / "mine_image.npy", allow_pickle=False)
  np.testing.assert_array_equal(stored, image)
  summary = json.loads((tmp_path / "mine_image.json").read_text())
  assert summary["residual_b"] == [0.1, None, 0.2, 0.3, 0.4]
  assert summary["model"] == "w"
  assert summary["notes"][0] == "Cut." and "not determined" in summary["notes"][1]

  sheet = np.array(Image.open(tmp_path / "mine_image.png"))
  assert sheet.shape == (13, 20)   # two rows of three, with lines between
  shown = np.maximum(image.real, 0)
  if is_complex:
    shown = np.abs(image)
  for k, image_y_x in enumerate(shown):
    part = sheet[7 * (k // 3):, 7 * (k % 3):][:6, :6]
    np.testing.assert_array_equal(part, np.rint(255 * image_y_x / image_y_x.max()))


def test_a_sheet_has_a_hundred_images_at_most(tmp_path):
  contact_sheet.save(np.ones((130, 2, 2)), tmp_path / "sheet.png")
  assert np.array(Image.open(tmp_path / "sheet.png")).shape == (29, 29)
