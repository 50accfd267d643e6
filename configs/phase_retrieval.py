"""Phase retrieval: an image from its far-field intensity |F x|^2, by a U-Net.

  python -m jaxsig.main --config=configs/phase_retrieval.py --workdir=runs/phase
  python -m jaxsig.main --config=configs/phase_retrieval.py --workdir=runs/phase_fashion \
      --config.data_dir=DATA

The network's targets do not depend on what the intensity cannot tell. Trains U-Net-A (Fourier
phases, exact canonical targets) and as an ablation U-Net-B (the image as it lies) on objects that
are shifted and flipped at random, and scores both, and the classical solvers, by the error that is
left after the best shift and flip. A size for two cores: 14 x 14 objects in a frame of 21, 48 x 48
intensities, one pass over the 60,000 images. `:paper` has the published size (28 in 42, 96 x 96),
which wants a GPU. Without a data folder a simulator of objects takes the place of Fashion-MNIST. It
takes about twenty minutes on two cores, by its parts; on Fashion-MNIST expect an error of 0.10 of
U-Net-A, 0.44 of U-Net-B, and 0.001 refined, best of 4.

Tayal et al., "Inverse problems, deep learning, and symmetry breaking" (2020), whose U-Net-A and
U-Net-B these follow.
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.config import module_of, nearest
from jaxsig.config_arguments import parse_arg
from jaxsig.errors import UserError

BASE = pathlib.Path(__file__).with_name("base.py")

CLOTHES = (0, 1, 2, 3, 4, 6)
SHOES_AND_BAGS = (5, 7, 8, 9)

SMOKE_SOLVERS = {"er", "hio", "quick_shrinkwrap_100", "shrinkwrap", "alm"}

# Which of an object's equivalents the network is told to find, and how it says it.
METHODS = {
    "unet_b": {
        "read": {"method": "U-Net-B"},
        "model": {"head": "image"},
        "loss": {"name": "image", "target": "as_is"},
    },
    "unet_b_centred": {
        "read": {"method": "U-Net-B, centred"},
        "model": {"head": "image"},
        "loss": {"name": "image", "target": "centred"},
    },
    "unet_b_canonical": {
        "read": {"method": "U-Net-B, canonical"},
        "model": {"head": "image"},
        "loss": {"name": "image", "target": "canonical"},
    },
    "unet_a_literal": {
        "read": {"method": "U-Net-A, literal"},
        "loss": {"target": "literal"},
    },
    "rule_0_1": {
        "read": {"method": "U-Net-A, rule (0, 1)"},
        "loss": {"rule": "0,1"},
    },
    "rule_odd_pca": {
        "read": {"method": "U-Net-A, odd PCA"},
        "loss": {"rule": "odd_pca"},
    },
    "both_heads": {
        "read": {"method": "U-Net-A and B, exact"},
        "model": {"head": "both"},
    },
    "group_loss": {
        "read": {"method": "least error over the group"},
        "model": {"head": "image"},
        "loss": {"name": "group", "target": "as_is"},
    },
}


def get_config(arg: str = "") -> ConfigDict:
  """The config of one training.

  Args:
    arg: any of "smoke", "paper" (the published size), "symmetries=none|flip|shift|shift_flip",
      "method=" one of METHODS, "noisy" (each image with another number of photons), "complex"
      (objects with a phase), "clothes" (trains on classes of clothes only) and "shoes_and_bags"
      (tests on the other classes only).
  """
  arg = parse_arg(
      arg,
      smoke=False,
      paper=False,
      symmetries="shift_flip",
      method="",
      noisy=False,
      complex=False,
      clothes=False,
      shoes_and_bags=False,
  )
  config = module_of(BASE).get_config()
  config.system = "phase_retrieval"

  set_data(config.data, arg)
  config.split.kind = "given"

  config.model.head = "phase"
  config.model.channels = (16, 32, 64, 64)
  config.model.global_width = 512
  config.model.compute = "float32"
  config.loss.name = "weighted"
  config.loss.target = "canonical"
  config.loss.rule = "both"

  config.optim.warmup_steps = 100
  config.optim.clip_norm = 1.0
  config.optim.weight_decay = 1e-4
  config.optim.ema = 0.998
  config.train.steps = 2000
  config.train.batch_size = 32

  set_readings(config)

  config.baselines.images = 500        # of the test images: solvers are slow
  config.baselines.methods = solvers()

  config.own.reading = "refined_best_of_4"
  config.own.dataset = ""              # which one, of an HDF5 file with several
  config.own.mask = ""                 # a file, nonzero where a pixel is usable
  config.own.centred = "auto"          # where the zero frequency is: yes, no, auto

  config.run.ckpt_steps = 1000
  config.run.predict_batch_size = 100
  config.ablations.unet_b = {
      **METHODS["unet_b"],
      "readings": {},
      "own": {"reading": ""},
      "baselines": {"run": False},
  }

  set_report(config.report)
  set_arguments(config, arg)
  return config


def set_data(data: ConfigDict, arg: ConfigDict) -> None:
  """Sets objects and measurements."""
  data.name = "fashion_mnist"
  data.tfds = False
  data.train_images = 0
  data.test_images = 1000
  data.train_classes = ()   # empty: all
  data.test_classes = ()
  data.block_images = 500
  data.shrink = 2
  data.n = 21               # side of the frame in pixels
  data.m = 48               # side of the intensities
  data.symmetries = arg.symmetries   # that move the objects
  data.photons = photons(arg)   # expected in an image; of two, each has its own between
  data.complex_objects = arg.complex
  data.simulate_seed = 7
  data.simulate_groups = 21_000
  data.size = 28            # of simulated images, before they are shrunk


def set_readings(config: ConfigDict) -> None:
  """Sets the plain reading, of the network alone, and those with a solver after it."""
  config.read.method = "U-Net-A, exact"
  config.read.sampler = ConfigDict()   # a solver from the network's support and image
  config.read.sampler.method = "hio"   # with shrinkwrap
  config.read.sampler.iterations = 0
  config.read.sampler.restarts = 1
  for iterations in (100, 300, 1000):
    config.readings[f"refined_{iterations}"] = {
        "label": f"refined {iterations}",
        "sampler": {"iterations": iterations},
    }
  config.readings.refined_best_of_4 = {
      "label": "refined, best of 4",
      "sampler": {"iterations": 1000, "restarts": 4},
  }
  config.readings.er_100 = {
      "label": "ER 100",
      "sampler": {"method": "er", "iterations": 100},
  }


def set_report(report: ConfigDict) -> None:
  """Sets what is shown."""
  report.title = "Phase retrieval: an image from its far-field intensity"
  report.primary = "nmse_symmetric"
  report.metrics = (
      "nmse_strict",
      "solved_nmse_below_01",
      "psnr_db_aligned",
      "ssim_aligned",
      "fourier_residual",
      "solved_brier",
  )
  report.timing_s = 1.0         # an image takes the place of a second
  report.timing = "s per image"


def set_arguments(config: ConfigDict, arg: ConfigDict) -> None:
  """Changes the config as the argument's words say."""
  if arg.method:
    take_method(config, arg.method)
  if arg.clothes:
    config.data.train_classes = CLOTHES
  if arg.shoes_and_bags:
    config.data.test_classes = SHOES_AND_BAGS
  tested = config.data.test_classes or range(10)
  config.report.strata["class"] = tuple(f"class {label}" for label in tested)
  if arg.paper:
    enlarge(config)
  if arg.smoke:
    shrink(config)


def photons(arg: ConfigDict) -> float | tuple[float, float]:
  """No noise, or as many photons as an image has at least and at most."""
  if arg.noisy:
    return (1e3, 1e6)
  return float("inf")


def solvers() -> ConfigDict:
  """{name: {label, options}} of the classical solvers."""
  methods = ConfigDict()
  for name in ("er", "hio", "raar"):
    methods[name] = {
        "label": name.upper(),
        "options": {"method": name, "iterations": 1000},
    }
  for iterations in (100, 300, 1000):
    methods[f"quick_shrinkwrap_{iterations}"] = {
        "label": f"quick shrinkwrap {iterations}",
        "options": quick_shrinkwrap(iterations),
    }
  methods.shrinkwrap_100 = {
      "label": "shrinkwrap 100",
      "options": marchesini(100),
  }
  methods.shrinkwrap_300 = {
      "label": "shrinkwrap 300",
      "options": marchesini(300),
  }
  methods.shrinkwrap = {
      "label": "shrinkwrap",
      "options": marchesini(1000),
  }
  methods.shrinkwrap_best_of_4 = {
      "label": "shrinkwrap, best of 4",
      "options": {**marchesini(1000), "restarts": 4},
  }
  methods.alm = {
      "label": "ALM",
      "options": {"method": "alm", "iterations": 1000, "positivity": False},
  }
  return methods


def marchesini(iterations: int) -> dict[str, object]:
  """Options of HIO with shrinkwrap as published."""
  return {
      "method": "hio",
      "iterations": iterations,
      "support": "autocorrelation",
      "shrinkwrap": {},
  }


def quick_shrinkwrap(iterations: int) -> dict[str, object]:
  """Options of HIO with shrinkwrap that were chosen on validation images.

  The hybrid's own settings are chosen so too: without this the network's proposal would gain by
  tuning alone.
  """
  return {
      "method": "hio",
      "iterations": iterations,
      "support": "autocorrelation",
      "beta": 0.8,
      "every": 10,
      "shrinkwrap": {
          "sigma_px": 1.5,
          "least_sigma_px": 0.8,
          "decay": 0.95,
          "threshold": 0.1,
      },
  }


def take_method(config: ConfigDict, name: str) -> None:
  """Trains one of METHODS instead.

  Raises:
    UserError: there is no such method.
  """
  if name not in METHODS:
    raise UserError(f"unknown config argument method={name}{nearest(name, METHODS)}")
  config.update(METHODS[name])


def enlarge(config: ConfigDict) -> None:
  """The published size."""
  config.data.n = 42
  config.data.m = 96
  config.data.shrink = 1
  config.data.train_images = 0
  config.data.test_images = 0
  config.data.simulate_groups = 70_000
  config.model.channels = (32, 64, 128, 256, 256)
  config.model.global_width = 1024
  config.train.steps = 60_000
  config.train.batch_size = 64


def shrink(config: ConfigDict) -> None:
  """Makes it small enough for a test: the same code on few images for a few steps."""
  config.data.train_images = 60
  config.data.test_images = 20
  config.data.block_images = 20
  config.data.simulate_groups = 80
  config.model.channels = (4, 8)
  config.model.global_width = 8
  config.train.steps = 4
  config.train.batch_size = 8
  config.run.log_steps = 2
  config.run.val_steps = 2
  config.run.val_windows = 8
  config.run.ckpt_steps = 2
  config.run.predict_batch_size = 10
  config.readings = ConfigDict()
  config.readings.refined_best_of_4 = {
      "label": "refined, best of 4",
      "sampler": {"iterations": 20, "restarts": 2},
  }
  config.baselines.images = 4
  for name in set(config.baselines.methods) - SMOKE_SOLVERS:
    del config.baselines.methods[name]
  for method in config.baselines.methods.values():
    method.options.iterations = 20
