"""Every config runs in smoke mode to a report, every key of it is read, and sweeps load."""
import json
import pathlib

import fake_idx
import jax
import numpy as np
import pytest
from builders import ROOT, records_of
from config_reads import recorded
from fake_bidmc import records, write_bidmc
from fake_pressure import config_of, people, write_challenge
from fake_recording import pulse
from fake_songs import write_dsd100
from ml_collections import ConfigDict

import jaxsig
from jaxsig import command_line
from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.data import feeds
from jaxsig.data.splits import KINDS, members
from jaxsig.engine import mesh, optim, train
from jaxsig.engine.run import example, shapes
from jaxsig.errors import UserError
from jaxsig.experiment import sweep
from jaxsig.prediction import own_file
from jaxsig.prediction.model import simulated_run
from jaxsig.system import OwnOptions

quick = pytest.mark.quick
CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.py") if path.stem != "base")
SWEEPS = sorted((ROOT / "configs" / "sweeps").glob("*.py"))


def name_of(path: pathlib.Path) -> str:
  return path.stem


def intensity() -> np.ndarray:
  """The far-field intensity of a small rectangle."""
  object_y_x = np.zeros((48, 48))
  object_y_x[20:28, 18:30] = 1
  return 100 * np.abs(np.fft.fftshift(np.fft.fft2(object_y_x))) ** 2


def image() -> np.ndarray:
  """A bar on a dark ground."""
  image_y_x = np.zeros((28, 28), np.uint8)
  image_y_x[4:24, 12:16] = 255
  return image_y_x


OWN_FILES = {   # of each system: what a user may give, and its sampling rate
    "respiration": (pulse(200), 50.0),
    "phase_retrieval": (intensity(), None),
    "cnn_notes": (image(), None),
    "blood_pressure": (pulse(200), 50.0),
    "music_separation": (np.sin(np.arange(24_000)[:, None] / 9.0) * [0.1, 0.2], 8000.0),
}


@pytest.fixture(scope="module")
def reads():
  """What is read of all configs in this file."""
  with recorded() as noted:
    yield noted


@pytest.fixture(scope="module")
def ran(reads, tmp_path_factory, quick_compilation):
  """(path) -> the workdirs of a config that was trained, reported and used on an own file."""
  done = {}

  def go(path: pathlib.Path) -> list[pathlib.Path]:
    if path not in done:
      done[path] = run_in(path, tmp_path_factory.mktemp(path.stem) / "w")
    return done[path]

  return go


def run_in(path: pathlib.Path, workdir: pathlib.Path) -> list[pathlib.Path]:
  config = configs.load(path, "smoke", {"run.tensorboard": False, "run.ablations": False})
  workdirs = sweep.experiment(config, workdir)
  sweep.report(workdirs, workdir / "report")
  source, rate_hz = OWN_FILES[config.system]
  own_file.run(jaxsig.open_model(workdir), source, rate_hz, workdir / "own")
  return workdirs


# Smoke mode

@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_config_trains_evaluates_and_reports_in_smoke_mode(path, ran):
  workdirs = ran(path)
  page = (workdirs[0] / "report" / "index.html").read_text()
  assert "SIMULATED" in page
  rows = []
  for workdir in workdirs:
    rows += [json.loads(line) for line in (workdir / "rows.jsonl").read_text().splitlines()]
  methods = {row["method"] for row in rows}
  assert "constant" in methods
  assert len(methods) >= 2
  stamp = {"config", "commit", "data", "seed", "fold", "step", "member", "source", "leaks"}
  assert all(row["stamp"].keys() == stamp for row in rows)


def trace(config: ConfigDict) -> None:
  """Traces the loss and the prediction of a config: compiling them would take far longer."""
  run = simulated_run(config, systems.make(config))
  params, stats = shapes(run)
  batch = example(run)
  key = jax.random.key(0)
  keys_b = jax.random.split(key, 2)
  jax.eval_shape(run.system.task.loss, params, stats, batch, key)
  jax.eval_shape(run.system.task.predict, params, stats, batch, keys_b)


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_the_ablations_of_a_config_can_be_trained(path):
  """Whole ones are trained by the tests of commands."""
  config = configs.load(path, "smoke")
  for changes in config.ablations.values():
    trace(configs.override(config, configs.changes(changes)))


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_model_of_a_config_reads_an_own_file(path, ran):
  folder = ran(path)[0] / "own"
  assert len(list(folder.iterdir())) >= 2


@quick
@pytest.mark.parametrize("path", CONFIGS + SWEEPS, ids=name_of)
def test_a_config_says_how_to_run_it(path):
  assert "python -m jaxsig.main" in path.read_text().split('"""')[1]


# No key without effect

def read_under_conditions(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  """Runs what smoke mode passes by: other splits, optimisers, penalties, feeds, and real files."""
  patients = records_of(["a", "b", "c", "d"])
  respdiff = configs.load(ROOT / "configs" / "respdiff.py", "smoke")
  for kind in KINDS:
    changes = {"split.kind": kind, "split.adapt_s": 10.0}
    try:
      members(patients, configs.override(respdiff, changes).split)
    except UserError:   # not for these records
      continue

  for method in ("sgd", "gauss_newton", "entropy"):
    config = configs.load(ROOT / "configs" / "cnn_notes.py", f"smoke,method={method}")
    optim.make(config.optim, config.train.steps)
    trace(config)

  monkeypatch.setattr(feeds, "tfdata", lambda *inputs: None)
  streaming = configs.override(respdiff, {"run.feed": "tfdata"})
  run = simulated_run(streaming, systems.make(streaming))
  everybody = configs.override(streaming, {"split.kind": "all", "split.val_groups": 0})
  [member] = members(run.prepared.records, everybody.split)
  train._feed(run, [member], mesh.make(1))

  write_bidmc(tmp_path / "bidmc", records(2, duration_s=70))
  next((tmp_path / "bidmc").glob("*.dat")).write_bytes(b"short")
  load_some(configs.override(respdiff, {"data.skip_broken": True}), tmp_path)
  fake_idx.write_family(tmp_path / "fashion_mnist", train=60, test=20, side=28)
  load_some(configs.load(ROOT / "configs" / "phase_retrieval.py", "smoke"), tmp_path)
  read_pressures(tmp_path)
  write_dsd100(tmp_path / "DSD100", "Test", "001 - An Artist - A Song")
  songs = configs.load(ROOT / "configs" / "music_separation.py", "smoke,dsd100")
  load_some(songs, tmp_path / "DSD100")


def read_pressures(tmp_path: pathlib.Path) -> None:
  """Loads a broken record among others, and cuts windows of whole beats with derivatives."""
  write_challenge(tmp_path / "challenge2015", people(2))
  (tmp_path / "challenge2015" / "v100s.hea").write_text("short")
  config = config_of(
      data__skip_broken=True,
      data__window="beats",
      data__derivatives=1,
      data__snr_form="snr_db_01_02_05_8_boxcar",
  )
  data = systems.make(config).data
  [record] = data.load(tmp_path, config.data)
  assert "ppg_b_t_c" in data.cut(record, data.spans(record, config.data), config.data)

  video = tmp_path / "face.mp4"
  video.write_text("no video")
  with pytest.raises(UserError, match="not known where the skin is"):
    own = systems.make(config).own
    own.read(video, OwnOptions(None, config.data, config.own))
  lines = [f"{k / 30:.3f},200,150,{100 + k % 30}" for k in range(300)]
  (tmp_path / "face.csv").write_text("time,R,G,B\n" + "\n".join(lines))
  own.read(tmp_path / "face.csv", OwnOptions(None, config.data, config.own))
  people(1, data__simulate_sensor="camera")


def load_some(config: ConfigDict, folder: pathlib.Path) -> None:
  assert list(systems.make(config).data.load(folder, config.data))


def test_every_key_of_every_config_is_read(ran, reads, tmp_path, monkeypatch):
  for path in CONFIGS:
    ran(path)
  read_under_conditions(tmp_path, monkeypatch)
  unread = {}
  for path in CONFIGS:
    unread[path.stem] = reads.unread(configs.load(path, "smoke"))
  assert unread == {path.stem: [] for path in CONFIGS}


@quick
def test_a_key_that_nothing_reads_is_found():
  config = configs.load(ROOT / "configs" / "respdiff.py", "smoke")
  with config.unlocked():
    config.data.planted = 1
  with recorded() as noted:
    systems.make(config)
    configs.fingerprint(config)   # a copy of all keys is no use of any
    configs.override(config, {"data.planted": 2})
    assert config.data.planted == 1   # nor is that of a test
  unread = noted.unread(config)
  assert "data.planted" in unread
  assert "train.steps" in unread
  assert "data.rate_hz" not in unread
  assert "model.channels" not in unread


# Readings

def readings_of(path: pathlib.Path) -> list[tuple[str, str]]:
  """(name of a reading, dotted key that it changes) of a config."""
  pairs = []
  for name, changes in configs.load(path).readings.items():
    pairs += [(name, key) for key in configs.flat(changes) if key != "label"]
  return pairs


def other_value(value: object) -> object:
  """A value of the same type."""
  if isinstance(value, str):
    return value + "x"
  if isinstance(value, (list, tuple)):
    return (*value, "other")
  return value + 1


@quick
@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_every_key_of_every_reading_can_be_typed_on_the_command_line(path):
  for name, key in readings_of(path):
    config = configs.load(path)
    value = configs.flat(config.readings[name])[key]
    typed = other_value(value)
    word = f"--config.readings.{name}.{key}={typed}"
    given = command_line.parse(["jaxsig", f"--config={path}", word, "--workdir=w"])
    _, reading = configs.reading(given.config, name)
    read = configs.flat(reading.read)[key]
    assert read == configs.flat(ConfigDict({"as_in_json": typed}))["as_in_json"]
    assert configs.differing(given.config, config) == [f"readings.{name}.{key}"]
    assert not configs.differing(given.config, config, training=True)


@quick
def test_a_setting_of_a_reading_is_typed_on_the_command_line():
  path = ROOT / "configs" / "phase_retrieval.py"
  word = "--config.readings.refined_100.sampler.iterations=50"
  given = command_line.parse(["jaxsig", f"--config={path}", word, "--workdir=w"])
  _, reading = configs.reading(given.config, "refined_100")
  assert reading.read.sampler.iterations == 50
  assert reading.read.sampler.method == "hio"
  assert given.config.read.sampler.iterations == 0


# Sweeps

@quick
@pytest.mark.parametrize("path", SWEEPS, ids=name_of)
@pytest.mark.parametrize("arg", ["", "smoke"])
def test_every_experiment_of_a_sweep_exists(path, arg):
  for name, one in configs.load(path, arg).experiments.items():
    config = configs.load(one["config"], one["arg"], configs.changes(one["overrides"]))
    for readings in (config.readings, one.get("readings", ConfigDict())):
      every = configs.readings(configs.override(config, {"readings": readings}))
      assert len(every) == 1 + len(readings)
    for changes in one.get("candidates", {}).values():
      configs.override(config, configs.changes(changes))
    assert pathlib.PurePath(name).name == name


# Arguments, overrides and identity

@quick
def test_arguments_and_overrides_are_checked():
  path = ROOT / "configs" / "respdiff.py"
  with pytest.raises(UserError, match="did you mean 'smoke'"):
    configs.load(path, "smok")
  with pytest.raises(UserError, match="did you mean 'train.steps'"):
    configs.load(path, "", {"train.step": 1})


@quick
def test_what_changes_numbers_changes_the_fingerprint():
  path = ROOT / "configs" / "respdiff.py"
  config = configs.load(path)
  other = configs.load(path, "", {"optim.learning_rate": 0.5, "run.log_steps": 7})
  quieter = configs.load(path, "", {"run.log_steps": 7, "cache_dir": "x"})
  assert configs.differing(config, other) == ["optim.learning_rate"]
  assert configs.fingerprint(config) != configs.fingerprint(other)
  assert configs.fingerprint(config) == configs.fingerprint(quieter)
