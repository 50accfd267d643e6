"""The notes on convolutional networks: LeNet-5 with trainable sub-sampling, or learnt connections.

  python -m jaxsig.main --config=configs/cnn_notes.py --workdir=runs/cnn
  python -m jaxsig.main --config=configs/cnn_notes.py --workdir=runs/fashion --config.data_dir=DATA

The faithful network (LeCun's connection table, tanh, squared error, sums over blocks with a weight
and a bias), three seeds as members, beside nearest neighbours, a linear map, class means and a
constant. `:method=` changes one thing of it. Without a data folder the images are simulated digits.
On those: 8 minutes of processor time on two cores, accuracy 0.983 [0.978, 0.989] (5 nearest
neighbours 0.911); on Fashion-MNIST 0.906 [0.901, 0.911] (0.856), about as long.

Bouvrie, Notes on Convolutional Neural Networks (2006); LeCun et al., Gradient-based learning
applied to document recognition (1998).
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.config import module_of, nearest
from jaxsig.config_arguments import parse_arg
from jaxsig.errors import UserError

BASE = pathlib.Path(__file__).with_name("base.py")
PARAMETERS = 60_850   # of LeNet-5 with its table and ten plain outputs; all methods are near it

METHODS = {   # what differs from the faithful network
    "all_pairs": {
        "read": {"method": "all pairs"},
        "model": {"table": "pairs", "maps": (6, 15)},
    },
    "all_triplets": {
        "read": {"method": "all triplets"},
        "model": {"table": "triplets", "maps": (6, 20)},
    },
    "all": {
        "read": {"method": "all connected"},
        "model": {"table": "all"},
    },
    "dense": {
        "read": {"method": "learnt, dense"},
        "model": {"table": "all", "combination": "softmax"},
    },
    "dense_shared": {
        "read": {"method": "learnt, dense (shared kernels)"},
        "model": {"table": "all", "combination": "softmax", "shared": True},
    },
    "entropy": {
        "read": {"method": "learnt, entropy", "pruning": {"threshold": 0.01}},
        "model": {"table": "all", "combination": "softmax"},
        "loss": {"penalty": {"name": "entropy", "weight": 0.01}},
    },
    "entmax": {
        "read": {"method": "learnt, entmax-1.5"},
        "model": {"table": "all", "combination": "entmax15"},
    },
    "entmax_shared": {
        "read": {"method": "learnt, entmax-1.5 (shared kernels)"},
        "model": {"table": "all", "combination": "entmax15", "shared": True},
    },
    "l1_notes": {
        "read": {"method": "learnt, L1 of the notes"},
        "model": {"table": "all", "combination": "softmax"},
        "loss": {"penalty": {"name": "l1_notes", "weight": 5.0}},
    },
    "average": {
        "read": {"method": "average pooling"},
        "model": {"pooling": "average"},
    },
    "max": {
        "read": {"method": "max pooling"},
        "model": {"pooling": "max"},
    },
    "cross_entropy": {
        "read": {"method": "cross-entropy"},
        "loss": {"name": "cross_entropy"},
    },
    "sgd": {
        "read": {"method": "SGD"},
        "optim": {"name": "sgd", "learning_rate": 0.05},
    },
    "gauss_newton": {
        "read": {"method": "diagonal Gauss-Newton"},
        # at 0.02 all of three seeds saturated and stood still
        "optim": {"name": "gauss_newton", "learning_rate": 0.01},
    },
    "best": {
        "read": {"method": "best of this size"},
        "model": {"table": "all", "pooling": "max", "activation": "relu"},
        "loss": {"name": "cross_entropy"},
        "augment": {"flip": True, "shift_px": 1},
        "train": {"steps": 18_000},
    },
}


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: any of "smoke", "method=" one of METHODS."""
  arg = parse_arg(arg, smoke=False, method="")
  config = module_of(BASE).get_config()
  config.system = "cnn_notes"

  set_data(config.data)
  config.split.kind = "given"
  config.split.seeds = (0, 1, 2)
  config.split.val_groups = 2

  set_model(config.model)
  config.loss.name = "squared"           # cross_entropy
  config.loss.target = 1.0               # of squared errors: +-
  config.loss.last_temperature = 1.0     # of learnt combinations, at the end of the training
  config.loss.penalty = ConfigDict()     # of learnt combinations
  config.loss.penalty.name = "none"
  config.loss.penalty.weight = 0.0
  config.loss.penalty.p = 0.5            # exponent of the penalty lp
  config.loss.penalty.ramp = 0.5         # share of the training over which the weight grows

  config.augment = ConfigDict()
  config.augment.flip = False
  config.augment.shift_px = 0

  config.optim.learning_rate = 3e-3
  config.optim.warmup_steps = 100
  config.optim.momentum = 0.0            # of sgd and gauss_newton
  config.optim.mu = 0.02                 # of gauss_newton, as the two below
  config.optim.curvature_steps = 100
  config.optim.curvature_decay = 0.9
  config.optim.ema = 0.998
  config.train.steps = 9000
  config.train.batch_size = 100

  config.read.method = "LeNet-5, faithful"
  config.read.pruning = ConfigDict()     # of learnt connections, when a trained network is read
  config.read.pruning.keep = 0           # strongest ones to an output map; 0: all
  config.read.pruning.threshold = 0.0    # only larger weights

  config.run.log_steps = 100
  config.run.val_steps = 500
  config.run.val_windows = 1000
  config.run.ckpt_steps = 3000
  config.run.predict_batch_size = 500

  set_report(config.report)

  if arg.method:
    if arg.method not in METHODS:
      raise UserError(
          f"unknown config argument method={arg.method}{nearest(arg.method, METHODS)}")
    config.update(METHODS[arg.method])
  if arg.smoke:
    shrink(config)
  return config


def set_data(data: ConfigDict) -> None:
  """Sets what images there are."""
  data.name = "image_classes"
  data.family = "fashion_mnist"   # mnist, kmnist: see data/images/image_classes.py
  data.train_images = 0           # of each part from its start; 0: all
  data.test_images = 0
  data.block_images = 1000        # to a record
  data.test_block_images = 10_000
  data.shrink = 1
  data.size = 28
  data.simulate_seed = 7
  data.simulate_groups = 14_000   # images


def set_model(model: ConfigDict) -> None:
  """Sets the network."""
  model.margin = 2                # dark pixels about an image
  model.maps = (6, 16)            # of C1 and C3
  model.kernel = 5
  model.block = 2                 # side of the blocks of sub-sampling
  model.hidden = (0, 84)          # units of C5 and F6; C5 of 0: what gives `parameters`
  model.parameters = PARAMETERS
  model.table = "lecun"           # connections of C3: all, pairs, triplets, lecun
  model.combination = ""          # how they are learnt: see simplex.py; empty: the table
  model.shared = False            # learnt connections share an input map's kernel
  model.pooling = "trainable"     # average, max
  model.activation = "scaled_tanh"
  model.dropout = 0.0


def set_report(report: ConfigDict) -> None:
  """Sets what is shown."""
  report.title = "Classical networks: trainable sub-sampling and learnt connections"
  report.primary = "accuracy_top1"
  report.metrics = ("nll_nats", "brier", "connections", "parameters")
  report.against = "connections"
  report.timing_s = 1.0           # an image takes the place of a second
  report.timing = "s per image"


def shrink(config: ConfigDict) -> None:
  """Makes it small enough for a test: the same code on few images for a few steps."""
  config.data.train_images = 300
  config.data.test_images = 100
  config.data.block_images = 50
  config.data.test_block_images = 100
  config.data.simulate_groups = 400
  config.split.seeds = (0,)
  config.train.steps = 8
  config.train.batch_size = 20
  config.run.log_steps = 2
  config.run.val_steps = 4
  config.run.val_windows = 20
  config.run.ckpt_steps = 4
  config.run.predict_batch_size = 50
