"""What the settings of phase retrieval may be, and which of them go together."""
import math

from ml_collections import ConfigDict

from jaxsig.errors import UserError
from jaxsig.setting_rules import (
    choice,
    either,
    items,
    number,
    optional,
    pair,
    positive,
    text,
    whole,
    yes_or_no,
)
from jaxsig.systems.phase_retrieval.canonical import RULES
from jaxsig.systems.phase_retrieval.iterations import METHODS
from jaxsig.systems.phase_retrieval.losses import LOSSES
from jaxsig.systems.phase_retrieval.network import HEADS, require_groups
from jaxsig.systems.phase_retrieval.scene import SYMMETRIES
from jaxsig.systems.phase_retrieval.targets import TARGETS

FEWEST_PHOTONS = 25   # of 10^10 such images not one has none
IMAGES = whole(0, 10**6)
CLASSES = items(whole(0, 9), distinct=True)
ITERATIONS = whole(0, 10**6)
RESTARTS = whole(1, 1000)
SHRINKWRAP = "baselines.methods.*.options.shrinkwrap"

SETTINGS = {
    "data.tfds": yes_or_no(),
    "data.train_images": IMAGES,
    "data.test_images": IMAGES,
    "data.train_classes": optional(CLASSES),
    "data.test_classes": optional(CLASSES),
    "data.block_images": whole(1, 10**6),
    "data.train_block_images": optional(whole(1, 10**6)),
    "data.test_block_images": optional(whole(1, 10**6)),
    "data.shrink": whole(1, 256),
    "data.n": whole(2, 1024),
    "data.m": whole(2, 4096),
    "data.symmetries": choice(*SYMMETRIES),
    "data.photons": either(choice(math.inf), positive(1e12), pair(1e-3, 1e12)),
    "data.complex_objects": yes_or_no(),
    "data.size": whole(4, 1024),

    "model.head": choice(*HEADS),
    "model.channels": items(whole(1, 4096), 1, 12),
    "model.global_width": whole(0, 65_536),
    "model.compute": choice("float32", "bfloat16"),
    "loss.name": choice(*LOSSES),
    "loss.target": choice(*TARGETS),
    "loss.rule": choice(*RULES),

    "read.sampler.method": choice(*METHODS),
    "read.sampler.iterations": ITERATIONS,
    "read.sampler.restarts": RESTARTS,

    "baselines.images": IMAGES,
    "baselines.methods.*.label": text(),
    "baselines.methods.*.options.method": choice(*METHODS),
    "baselines.methods.*.options.iterations": whole(1, 10**6),
    "baselines.methods.*.options.restarts": RESTARTS,
    "baselines.methods.*.options.every": whole(1, 10**6),
    "baselines.methods.*.options.final_er": ITERATIONS,
    "baselines.methods.*.options.beta": positive(10),
    "baselines.methods.*.options.tolerance": number(0, 1),
    "baselines.methods.*.options.real": yes_or_no(),
    "baselines.methods.*.options.positivity": yes_or_no(),
    "baselines.methods.*.options.support": choice("frame", "autocorrelation"),
    f"{SHRINKWRAP}.sigma_px": positive(1000),
    f"{SHRINKWRAP}.least_sigma_px": positive(1000),
    f"{SHRINKWRAP}.decay": number(above=0, high=1),
    f"{SHRINKWRAP}.threshold": number(above=0, below=1),

    "own.dataset": text(),
    "own.mask": text(),
    "own.centred": choice("auto", "yes", "no"),
}


def objects_fit_their_frame(config: ConfigDict) -> None:
  """Simulated images can be shrunk, and fit the frame then; channels fill the groups of norms."""
  data = config.data
  require_groups(config.model.channels)
  if data.size % data.shrink:
    raise UserError(
        f"data.shrink={data.shrink} does not divide data.size={data.size}: use 1 or a divisor")
  side = data.size // data.shrink
  if side > data.n:
    raise UserError(
        f"objects of data.size / data.shrink = {side} pixels do not fit a frame of "
        f"data.n={data.n}: enlarge it, or data.shrink")


def images_have_photons(config: ConfigDict) -> None:
  """No image of a training is without a photon, which nothing can be learnt from."""
  photons = config.data.photons
  fewest = photons
  if isinstance(photons, (tuple, list)):
    fewest = photons[0]
  if config.train.steps and fewest < FEWEST_PHOTONS:
    raise UserError(
        f"data.photons={photons} leaves some images without a photon: train on "
        f"{FEWEST_PHOTONS} or more, expected in an image")


RELATIONS = (objects_fit_their_frame, images_have_photons)
