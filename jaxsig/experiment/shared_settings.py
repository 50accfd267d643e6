"""What the settings of configs/base.py may be, and which of them go together."""
from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig.data import feeds, personal_splits, splits
from jaxsig.engine.optim import OPTIMISERS
from jaxsig.errors import UserError
from jaxsig.setting_rules import (
    LARGEST_SEED,
    choice,
    expression,
    free,
    items,
    number,
    optional,
    positive,
    text,
    whole,
    yes_or_no,
)

MOST_S = 1e8   # of signal: three years

SETTINGS = {
    "system": text(),
    "data_dir": text(),
    "cache_dir": text(),
    "init_from": text(),
    "trainable": expression(),

    "data.name": text(),   # a system's own table names its data sets
    "data.source": choice("auto", "real", "simulated"),
    "data.simulate_seed": whole(0, LARGEST_SEED),
    "data.simulate_groups": whole(0, 10**6),

    "split.kind": choice(*splits.KINDS),
    "split.n_folds": whole(0, 10_000),
    "split.folds": items(whole(0, 10**6), distinct=True),
    "split.seeds": items(whole(0, LARGEST_SEED), 1, distinct=True),
    "split.val_groups": whole(0, 10**6),
    "split.val_share": number(0, 0.9),
    "split.salt": whole(0, LARGEST_SEED),
    "split.inner_folds": whole(0, 10_000),
    "split.adapt": choice(personal_splits.FIRST, personal_splits.RANDOM),
    "split.adapt_s": number(0, MOST_S),
    "split.guard_s": number(0, MOST_S),
    "split.spare_random": yes_or_no(),
    "split.block_s": positive(MOST_S),

    "optim.name": choice(*OPTIMISERS),
    "optim.learning_rate": positive(100),
    "optim.schedule": choice("constant", "cosine", "milestones"),
    "optim.warmup_steps": whole(0),
    "optim.milestones": items(number(above=0, below=1), ascending=True),
    "optim.clip_norm": number(0, 1e6),
    "optim.weight_decay": number(0, 100),
    "optim.ema": number(0, 1),
    "optim.momentum": optional(number(0, below=1)),
    "optim.mu": optional(positive(1e6)),
    "optim.curvature_steps": optional(whole(1)),
    "optim.curvature_decay": optional(number(0, below=1)),

    "train.steps": whole(0),
    "train.batch_size": whole(1, 10**6),
    "train.groups_alike": optional(yes_or_no()),   # each group is trained on as often

    "read.method": text(),
    "read.seed": whole(0, LARGEST_SEED),
    "read.shuffle": items(text(), distinct=True),
    "baselines.run": yes_or_no(),
    "own.reading": text(),

    "report.title": text(),
    "report.primary": optional(free()),   # these four: see report/settings.py
    "report.metrics": free(),
    "report.strata": optional(free()),
    "report.strata.*": items(text(), distinct=True),
    "report.claims": free(),
    "report.reference": optional(text()),
    "report.axis": text(),
    "report.against": text(),
    "report.timing_s": positive(MOST_S),
    "report.timing": text(),

    "run.ablations": yes_or_no(),
    "run.log_steps": whole(1),
    "run.ckpt_steps": whole(1),
    "run.val_steps": whole(1),
    "run.val_windows": whole(0),
    "run.members_per_program": text(r"auto|0*[1-9]\d{0,5}", "'auto' or a count of 1 or more"),
    "run.feed": choice(*feeds.KINDS),
    "run.prefetch": whole(1, 10_000),
    "run.tensorboard": yes_or_no(),
    "run.predict_batch_size": whole(1, 10**6),
}


def folds_exist(config: ConfigDict) -> None:
  """Groups are dealt into two parts at least, and a fold that is named is one of them."""
  split = config.split
  is_dealt = split.kind in ("kfold", "mixed")
  if is_dealt and split.n_folds < 2:
    raise UserError(
        f"split.kind={split.kind} needs split.n_folds above 1: into how many parts the groups are "
        "dealt")
  if split.inner_folds == 1:
    raise UserError("split.inner_folds=1 leaves nobody to train on: set it above 1, or to 0")

  number_of_folds = split.n_folds
  if split.kind in ("all", "external", "given"):
    number_of_folds = 1
  elif not is_dealt:
    return   # a fold a group: the records tell how many
  for fold in split.folds:
    if fold >= number_of_folds:
      raise UserError(
          f"config.split.folds names fold {fold}, but split.kind={split.kind} has "
          f"{number_of_folds}, from 0 on: name those, or leave it empty for all")


def adapts_for_some_time(config: ConfigDict) -> None:
  """Personal trainings have something of the test groups to train on."""
  if config.split.kind == "personal" and not config.split.adapt_s:
    raise UserError(
        "split.kind=personal needs split.adapt_s above 0: how many seconds of each test group are "
        "trained on")


def optimiser_has_its_settings(config: ConfigDict) -> None:
  """Rates by curvature and milestones have settings that other optimisers do without."""
  optim = config.optim
  if optim.name == "gauss_newton":
    for key in ("mu", "curvature_steps", "curvature_decay"):
      if key not in optim:
        raise UserError(
            f"optim.name=gauss_newton needs optim.{key}, which this config does not have: use adam "
            "or sgd")
  if optim.schedule == "milestones" and not optim.milestones:
    raise UserError(
        "optim.schedule=milestones needs optim.milestones, the shares of the training after which "
        "the rate falls, as in (0.5, 0.9)")


def axis_exists(config: ConfigDict) -> None:
  """The setting along which workdirs are joined is one of the config's."""
  axis = config.report.axis
  if not axis:
    return
  known = configs.flat(config)
  if axis not in known:
    raise UserError(f"config.report.axis names no setting: {axis!r}{configs.nearest(axis, known)}")


RELATIONS = (folds_exist, adapts_for_some_time, optimiser_has_its_settings, axis_exists)
