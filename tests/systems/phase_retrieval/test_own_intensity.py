"""A user's own intensity through a model of phase retrieval, from Python and as files."""
import json

import jax
import numpy as np
import pytest
from builders import ROOT, small
from fake_intensity import centred, intensity, saved

from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.engine.run import example
from jaxsig.errors import UserError
from jaxsig.prediction import own_file
from jaxsig.prediction.model import Model, simulated_run
from jaxsig.system import OwnOptions
from jaxsig.systems.phase_retrieval import own_file as own_intensity

pytestmark = pytest.mark.usefixtures("quick_compilation")

SMALL = {
  "data.m": 32,
  "data.n": 12,
  "data.size": 12,
  "data.shrink": 1,
  "read.sampler.iterations": 2,
  "read.sampler.restarts": 1,
}


@pytest.fixture(scope="module")
def model() -> Model:
  """An untrained model: what it says is of the right form."""
  config = configs.load(ROOT / "configs" / "phase_retrieval.py", "smoke", SMALL)
  system = systems.make(config)
  batch = example(simulated_run(config, system))
  params, stats = jax.jit(system.task.init)(jax.random.key(0), batch)
  calibration = {"intercept": 0.0, "slope": -1.0}
  return Model("untrained", config, system, params, stats, calibration)


def test_one_frame_from_python(model):
  x = centred(intensity())
  reconstruction = model.predict(x)
  assert reconstruction.notes == ()
  assert reconstruction.images.shape == (1, 32, 32)
  assert (reconstruction.images >= 0).all()
  assert reconstruction.solved_probabilities.shape == (1,)

  magnitude = np.abs(np.fft.fft2(reconstruction.images[0]))
  truth = np.sqrt(np.fft.ifftshift(x))
  residual = np.linalg.norm(magnitude - truth) / np.linalg.norm(truth)
  np.testing.assert_allclose(reconstruction.residuals, residual, rtol=1e-3)


def test_a_stack_of_frames_from_python(model):
  stack = np.stack([centred(intensity()), centred(intensity(seed=1))])
  reconstruction = model.predict(stack)
  assert reconstruction.images.shape == (2, 32, 32)
  assert reconstruction.residuals.shape == (2,)
  assert reconstruction.solved_probabilities.shape == (2,)


def test_what_was_done_to_the_intensity_is_noted(model):
  x = centred(intensity())
  level = np.sort(x.ravel())[-5]
  assert "Saturated" in model.predict(np.minimum(x, level)).notes[0]


@pytest.mark.parametrize(("mask", "part"), [
    ("gs://bucket/mask.npy", "mount the bucket"),
    ("/dev/null", "is a pipe, a device"),
    ("x" * 300, "File name too long"),
    ("none.npy", "does not exist"),
    ("~nobody-here/m.npy", "write the path in full"),
])
def test_a_mask_is_a_path_of_this_machine(mask, part):
  config = small("phase_retrieval.py", own__mask=mask)
  options = OwnOptions(None, config.data, config.own)
  with pytest.raises(UserError, match=part):
    own_intensity.read(intensity(), options)


def test_a_mask_may_lie_in_the_home_folder(tmp_path, monkeypatch):
  monkeypatch.setenv("HOME", str(tmp_path))
  x = centred(intensity())
  usable = np.ones(x.shape, bool)
  usable[0, 0] = False
  np.save(tmp_path / "mask.npy", usable)
  config = small("phase_retrieval.py", own__mask="~/mask.npy")
  record = own_intensity.read(x, OwnOptions(None, config.data, config.own))
  assert (~record.signals["mask_t_v_u"]).sum() == 1


def test_a_failing_prediction_leaves_the_one_before(model, tmp_path, capsys):
  out = tmp_path / "out"
  source = saved(tmp_path / "mine.npy", centred(intensity()))
  own_file.run(model, source, None, out)
  assert "residual" in capsys.readouterr().out
  summary = json.loads((out / "mine_image.json").read_text())
  assert summary["model"] == "untrained"
  assert len(summary["residual_b"]) == 1
  assert not {"rates", "rate_hz", "start_s_b"} & summary.keys()

  before = {path: path.read_bytes() for path in out.iterdir()}
  assert {path.name for path in before} == {f"mine_image.{kind}" for kind in ("json", "npy", "png")}
  saved(source, -intensity())
  with pytest.raises(UserError, match="negative"):
    own_file.run(model, source, None, out)
  assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_how_a_file_is_read_makes_no_other_training(model):
  changes = {"own.mask": "m.npy", "own.dataset": "a/b", "own.centred": "no"}
  read_otherwise = configs.override(model.config, changes)
  assert configs.differing(read_otherwise, model.config) == []
  assert configs.fingerprint(read_otherwise) == configs.fingerprint(model.config)

  larger = configs.override(model.config, {"data.m": 48})
  assert configs.differing(larger, model.config, training=True) == ["data.m"]
