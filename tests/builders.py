"""What tests build: configs of the toy system and of small networks, and states to compare."""
import json
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig.data.records import Record
from jaxsig.engine import checkpoint

ROOT = pathlib.Path(__file__).parent.parent
TOY_CONFIG = ROOT / "tests" / "toy_config.py"
FOLDS = {"split__folds": (0, 1, 2)}


def dotted(changes: Mapping[str, object]) -> dict[str, object]:
  """{"train.steps": 2} of {"train__steps": 2}, as keyword arguments have no dots."""
  return {key.replace("__", "."): value for key, value in changes.items()}


def toy(**changes: object) -> ConfigDict:
  """The config of `toy_network`: six groups, 8 steps, a checkpoint every 4."""
  config = configs.module_of(TOY_CONFIG).get_config()
  config.system = "toy_network"
  config.read.method = "network"
  config.read.sampler = ConfigDict({"samples": 2, "temperature": 0.1})
  config.train.steps = 8
  config.run.log_steps = 2
  config.run.val_steps = 4
  config.run.ckpt_steps = 4
  return configs.override(config, dotted(changes))


def small(file: str = "respdiff.py", **changes: object) -> ConfigDict:
  """The smoke config of a file in configs/, without its ablations."""
  quiet = {"run.ablations": False, "run.tensorboard": False}
  return configs.load(ROOT / "configs" / file, "smoke", {**quiet, **dotted(changes)})


def smallest(**changes: object) -> ConfigDict:
  """RespDiff with one kernel, one dilation and four units, for two steps."""
  network = {
    "model__fine_kernels": (3,),
    "model__coarse_kernels": (3,),
    "model__dilations": (1,),
    "model__hidden": 4,
    "model__head": (4,),
    "train__steps": 2,
    "loss__spectral": "none",
    "run__val_windows": 0,
  }
  return small(**{**network, **changes})


def records_of(groups: list[str], duration_s: float = 60.0) -> list[Record]:
  """A record without content for each of the groups, which may repeat."""
  empty_t = np.zeros(round(duration_s), np.float32)
  records = []
  for number, group in enumerate(groups):
    records.append(Record(f"{group}_rec{number}", group, 1.0, {"x_t": empty_t}, {}, {}))
  return records


class State(NamedTuple):
  """A member's last checkpoint: its step, and every array by its path."""
  step: int
  arrays: dict[str, np.ndarray]


def checkpoints(workdir: pathlib.Path, member: str = "fold0_seed0") -> pathlib.Path:
  """Where a member's checkpoints lie."""
  return workdir / "members" / member / "checkpoints"


def final_state(workdir: pathlib.Path, member: str = "fold0_seed0") -> State:
  """What a member's last checkpoint holds, read without knowing its shapes."""
  import orbax.checkpoint as ocp
  folder = checkpoints(workdir, member)
  step = checkpoint.steps(folder)[-1]
  path = (folder / str(step) / "state").resolve()
  with ocp.PyTreeCheckpointer() as reader:
    tree = reader.metadata(path).item_metadata.tree
    as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), tree)
    state = reader.restore(path, restore_args=as_numpy)

  arrays = {}
  for place, x in jax.tree_util.tree_leaves_with_path(state):
    arrays[jax.tree_util.keystr(place)] = np.asarray(x)
  return State(step, arrays)


def assert_same(a: State, b: State) -> None:
  """Two states are alike, bit for bit."""
  assert a.step == b.step
  assert a.arrays.keys() == b.arrays.keys()
  for name, x in a.arrays.items():
    np.testing.assert_array_equal(x, b.arrays[name], err_msg=name)


def assert_close(a: State, b: State, atol: float = 2e-5, rtol: float = 1e-3) -> None:
  """Two states are alike within a tolerance."""
  assert a.step == b.step
  assert a.arrays.keys() == b.arrays.keys()
  for name, x in a.arrays.items():
    np.testing.assert_allclose(x, b.arrays[name], atol=atol, rtol=rtol, err_msg=name)


def scalars(workdir: pathlib.Path, member: str = "fold0_seed0") -> dict[int, dict[str, float]]:
  """{step: scalars} of a member."""
  text = (workdir / "members" / member / "scalars.jsonl").read_text()
  of_step = {}
  for line in text.splitlines():
    values = json.loads(line)
    of_step[values.pop("step")] = values
  return of_step
