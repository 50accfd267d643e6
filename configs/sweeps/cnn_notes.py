r"""The table of the notes: connections given and learnt, ways to sub-sample, losses and optimisers.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/cnn_notes.py \
      --workdir=runs/cnn_table --config.data_dir=DATA

Every row is the faithful network with one thing changed (the best: with several), of as many
parameters within 0.5 %; the main rows have three seeds. Learnt connections are also read with fewer
of them. What the rows are set to was chosen on the training part (`split.inner_folds=6`). About an
hour on two cores, by its parts (43 times 9,000 steps; on one core some two minutes each);
docs/cnn_notes.md has the figures to expect.
"""
from ml_collections import ConfigDict

from jaxsig.config import empty_sweep, module_of
from jaxsig.config_arguments import parse_arg

CONFIG = "configs/cnn_notes.py"
FAITHFUL = "faithful"
ONE_SEED = ("all", "all_triplets", "dense_shared", "entmax_shared")

PRUNED_TO = {   # connections to an output map that learnt ones are also read with
    "dense": (4, 3, 2, 1),
    "dense_shared": (4, 3, 2, 1),
    "entropy": (3, 2, 1),
    "entmax": (3, 2, 1),
    "entmax_shared": (3, 2, 1),
}

CLAIMS = (
    {
        "text": "connections that are learnt are as good as LeCun's table (within 0.5 points)",
        "better": "learnt, dense",
        "worse": "LeNet-5, faithful",
        "margin": 0.005,
    },
    {
        "text": "those that entropy leaves are as good as all (within 0.5 points)",
        "better": "learnt, entropy",
        "worse": "learnt, dense",
        "margin": 0.005,
    },
    {
        "text": "so are three to a map after entmax-1.5",
        "better": "learnt, entmax-1.5, at most 3 each",
        "worse": "learnt, dense",
        "margin": 0.005,
    },
    {
        "text": "and three to a map of the dense ones",
        "better": "learnt, dense, at most 3 each",
        "worse": "learnt, dense",
        "margin": 0.005,
    },
    {
        "text": "the L1 penalty of the notes (weight 5) changes nothing (within 0.1 points)",
        "better": "learnt, L1 of the notes",
        "worse": "learnt, dense",
        "margin": 0.001,
    },
    {
        "text": "kernels of their own are better than shared ones",
        "better": "learnt, dense",
        "worse": "learnt, dense (shared kernels)",
    },
    {
        "text": "trainable sub-sampling beats averages",
        "better": "LeNet-5, faithful",
        "worse": "average pooling",
    },
    {
        "text": "it beats the maximum",
        "better": "LeNet-5, faithful",
        "worse": "max pooling",
    },
    {
        "text": "cross-entropy beats squared error",
        "better": "cross-entropy",
        "worse": "LeNet-5, faithful",
    },
    {
        "text": "rates by curvature beat one rate (without momentum)",
        "better": "diagonal Gauss-Newton",
        "worse": "SGD",
    },
    {
        "text": "Adam beats rates by curvature",
        "better": "LeNet-5, faithful",
        "worse": "diagonal Gauss-Newton",
    },
)


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "smoke", "seeds=3"."""
  arg = parse_arg(arg, smoke=False, seeds=3)
  sweep = empty_sweep(FAITHFUL)

  for method in (FAITHFUL, *module_of(CONFIG).METHODS):
    seeds = arg.seeds
    if method in ONE_SEED:
      seeds = 1
    overrides = {
        "split": {"seeds": tuple(range(seeds))},
        "readings": fewer_connections(method),
        "baselines": {"run": method == FAITHFUL},
    }
    if method == FAITHFUL:
      overrides["report"] = {"claims": CLAIMS}
    sweep.experiments[method] = {
        "config": CONFIG,
        "arg": config_arg(method, arg.smoke),
        "overrides": overrides,
    }
  return sweep


def config_arg(method: str, smoke: bool) -> str:
  """The argument of the config of a method."""
  parts = []
  if method != FAITHFUL:
    parts.append(f"method={method}")
  if smoke:
    parts.append("smoke")
  return ",".join(parts)


def fewer_connections(method: str) -> dict[str, dict[str, object]]:
  """The readings of a method with fewer of its learnt connections."""
  readings = {}
  for keep in PRUNED_TO.get(method, ()):
    readings[f"keep_{keep}"] = {
        "label": f"at most {keep} each",
        "pruning": {"keep": keep},
    }
  return readings
