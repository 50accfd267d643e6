"""Trains the smoke config in a workdir, for tests that kill it: `train_only.py WORKDIR [cpu_devices] [key=value ...]`."""
import ast
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from jaxsig import config
from jaxsig.engine import mesh, train
from jaxsig.experiment import sweep

if __name__ == "__main__":
  workdir, devices, *pairs = sys.argv[1:]
  mesh.start(cpu_devices=int(devices))
  own = {k: ast.literal_eval(v) for k, v in (p.split("=", 1) for p in pairs)}
  file = pathlib.Path(__file__).parent.parent / "configs" / "respdiff.py"
  small = config.load(file, "smoke", {"run_controls": False, "train.tensorboard": False, **own})
  run, members = sweep.open_run(small, pathlib.Path(workdir))
  try:
    train.train(run, members)
  except train.Interrupted as error:
    print(error)
    sys.exit(75)
