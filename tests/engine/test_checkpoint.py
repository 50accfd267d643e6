"""Checkpoints: only whole ones count, a failing write keeps the last, others are refused."""
import contextlib
import resource

import numpy as np
import pytest
from builders import checkpoints

from jaxsig.engine import checkpoint
from jaxsig.errors import UserError

pytestmark = pytest.mark.quick


@contextlib.contextmanager
def largest_file(size):
  """Lets this process write no file of more bytes."""
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_half_written_checkpoint_does_not_count(toy_folds_copy):
  folder = checkpoints(toy_folds_copy)
  whole = checkpoint.steps(folder)
  assert whole == [4, 8]
  (folder / "12.orbax-checkpoint-tmp" / "state").mkdir(parents=True)
  (folder / "16").mkdir()   # a name without content
  assert checkpoint.steps(folder) == whole


def test_a_failing_write_keeps_the_last_good_checkpoint(tmp_path):
  folder = tmp_path / "c"
  checkpoint.save(folder, 1, {"x": np.arange(4.0)}, {"config": "a"})
  large = {"x": np.random.default_rng(0).random(1 << 18)}
  with pytest.raises(UserError) as caught, largest_file(20_000):
    checkpoint.save(folder, 2, large, {})
  sentence = str(caught.value)
  assert "could not save step 2" in sentence
  assert "checkpoint of step 1 is intact" in sentence
  assert checkpoint.steps(folder) == [1]
  restored = checkpoint.restore(folder, 1, {"x": np.zeros(4)})
  np.testing.assert_array_equal(restored["x"], np.arange(4.0))


@pytest.fixture
def folder(tmp_path):
  """Step 1 of a state of four float32."""
  folder = tmp_path / "c"
  checkpoint.save(folder, 1, {"x": np.zeros(4, np.float32)}, {"config": "a"})
  return folder


def test_other_types_are_refused(folder):
  with pytest.raises(UserError, match=r"x is float32\[4\] there"):
    checkpoint.restore(folder, 1, {"x": np.zeros(4, np.float16)})


def test_other_shapes_are_refused(folder):
  with pytest.raises(UserError, match="x is"):
    checkpoint.restore_some(folder, 1, {"x": np.zeros(5, np.float32)})


def test_other_fingerprints_are_refused(folder):
  with pytest.raises(UserError, match="another config"):
    checkpoint.restore(folder, 1, {"x": np.zeros(4, np.float32)}, {"config": "b"})


def test_a_step_that_is_not_there_is_refused(folder):
  with pytest.raises(UserError, match="train first"):
    checkpoint.restore(folder, 7, {"x": np.zeros(4, np.float32)})


def test_a_damaged_checkpoint_is_refused(folder):
  for path in (folder / "1" / "state").rglob("d/*"):
    path.write_bytes(b"")
  with pytest.raises(UserError, match="damaged"):
    checkpoint.restore(folder, 1, {"x": np.zeros(4, np.float32)})
