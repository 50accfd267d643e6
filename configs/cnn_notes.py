"""The notes on convolutional networks: LeNet-5 with trainable sub-sampling, and with connections between maps that are learnt.

  python -m jaxsig.main --config=configs/cnn_notes.py --workdir=runs/cnn
  python -m jaxsig.main --config=configs/cnn_notes.py --workdir=runs/cnn_fashion --config.data_dir=DATA

The faithful network (LeCun's connection table, tanh, squared error, sums over blocks with a weight and a bias), three seeds as members,
beside nearest neighbours, a linear map, class means and a constant. `:method=` changes one thing of it. Without a data folder the images
are simulated digits. On those: 8 minutes of processor time on two cores, accuracy 0.983 [0.978, 0.989] (5 nearest neighbours 0.911);
on Fashion-MNIST 0.906 [0.901, 0.911] (0.856), about as long.

Bouvrie, Notes on Convolutional Neural Networks (2006); LeCun et al., Gradient-based learning applied to document recognition (1998).
"""
import ml_collections

from jaxsig.config import nearest, parse_arg
from jaxsig.errors import UserError

PARAMETERS = 60_850   # of LeNet-5 with its connection table and ten plain outputs: what every variant is given, nearly
LEARNT = dict(table="all", combination="softmax")
METHODS = {   # what differs from the faithful network
    "all_pairs": dict(method="all pairs", model=dict(table="pairs", maps=(6, 15))),
    "all_triplets": dict(method="all triplets", model=dict(table="triplets", maps=(6, 20))),
    "all": dict(method="all connected", model=dict(table="all")),
    "dense": dict(method="learnt, dense", model=LEARNT),
    "dense_shared": dict(method="learnt, dense (shared kernels)", model=dict(LEARNT, shared=True)),
    "entropy": dict(method="learnt, entropy", model=LEARNT, loss=dict(penalty=dict(name="entropy", weight=0.01)),
                    sampler=dict(threshold=0.01)),
    "entmax": dict(method="learnt, entmax-1.5", model=dict(LEARNT, combination="entmax15")),
    "entmax_shared": dict(method="learnt, entmax-1.5 (shared kernels)", model=dict(LEARNT, combination="entmax15", shared=True)),
    "l1_notes": dict(method="learnt, L1 of the notes", model=LEARNT, loss=dict(penalty=dict(name="l1_notes", weight=5.0))),
    "average": dict(method="average pooling", model=dict(pooling="average")),
    "max": dict(method="max pooling", model=dict(pooling="max")),
    "cross_entropy": dict(method="cross-entropy", loss=dict(name="cross_entropy")),
    "sgd": dict(method="SGD", optim=dict(name="sgd", learning_rate=0.05)),
    # at 0.02 all of three seeds saturated and stood still
    "gauss_newton": dict(method="diagonal Gauss-Newton", optim=dict(name="gauss_newton", learning_rate=0.01)),
    "best": dict(method="best of this size", model=dict(table="all", pooling="max", activation="relu"), loss=dict(name="cross_entropy"),
                 augment=dict(flip=True, shift_px=1), train=dict(steps=18_000)),
}


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg`: any of "smoke", "method=" one of METHODS."""
  arg = parse_arg(arg, smoke=False, method="")
  config = ml_collections.ConfigDict()
  config.task = "cnn_notes"
  config.method = "LeNet-5, faithful"
  config.data_dir = ""
  config.cache_dir = ""
  config.init_from = ""
  config.trainable = ""
  config.data = dict(
      name="image_classes", family="fashion_mnist", source="auto", window_s=1.0, stride_s=1.0,
      train_images=0, test_images=0, block_images=1000, test_block_images=10_000, shrink=1, size=28,
      simulate_seed=7, simulate_patients=14_000)
  config.split = dict(kind="given", n_folds=0, folds=(0,), seeds=(0, 1, 2), val_groups=2, salt=0, inner_folds=0)
  config.model = dict(margin=2, maps=(6, 16), kernel=5, block=2, hidden=(0, 84), parameters=PARAMETERS, table="lecun", combination="",
                      shared=False, pooling="trainable", activation="scaled_tanh", dropout=0.0)
  config.loss = dict(name="squared", target=1.0, last_temperature=1.0, penalty=dict(name="none", weight=0.0, p=0.5, ramp=0.5))
  config.augment = dict(flip=False, shift_px=0)
  config.optim = dict(name="adam", learning_rate=3e-3, schedule="cosine", warmup_steps=100, drops=(), clip_norm=0.0, weight_decay=0.0,
                      momentum=0.0, mu=0.02, curvature_steps=100, curvature_decay=0.9, ema=0.998)
  config.train = dict(steps=9000, batch_size=100, log_steps=100, val_steps=500, val_windows=1000, ckpt_steps=3000,
                      members_per_program="auto", feed="auto", prefetch=4, tensorboard=True)
  config.eval = dict(batch_size=500, seed=0, shuffle=())
  config.sampler = dict(keep=0, threshold=0.0)   # of learnt connections those that are used
  config.run_controls = True
  config.run_rivals = True
  config.variants = {}
  config.predict_variant = ""
  config.controls = {}
  config.report = dict(
      title="Classical networks: trainable sub-sampling and learnt connections", primary="accuracy_top1", unit="", higher=True,
      metrics=("nll_nats", "brier", "connections", "parameters"), strata=(), claims=(), axis="", against="connections",
      words=dict(patient="block", recording="part", window="block"), timing_s=1.0, timing="s per image")
  if arg.method and arg.method not in METHODS:
    raise UserError(f"unknown config argument method={arg.method}{nearest(arg.method, METHODS)}")
  if arg.method:
    config.update(METHODS[arg.method])
  if arg.smoke:
    shrink(config)
  return config


def shrink(config: ml_collections.ConfigDict) -> None:
  """Makes it small enough for a test: the same code on few images for a few steps."""
  config.data.update(train_images=300, test_images=100, block_images=50, test_block_images=100, simulate_patients=400)
  config.split.seeds = (0,)
  config.train.update(steps=8, batch_size=20, log_steps=2, val_steps=4, val_windows=20, ckpt_steps=4)
  config.eval.update(batch_size=50)
