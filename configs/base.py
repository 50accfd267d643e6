"""What all experiments share: the sections of a config, each with the settings that every system has.

See `jaxsig/config.py` for what depends on which section.
"""
from ml_collections import ConfigDict


def get_config() -> ConfigDict:
  """A config without data, model, loss and report of its own."""
  config = ConfigDict()
  config.system = ""
  config.data_dir = ""     # a folder of recordings; empty: the embedded simulator
  config.cache_dir = ""    # where prepared records are kept; empty: nowhere
  config.init_from = ""    # a workdir or a shipped model to start from
  config.trainable = ""    # a regular expression of parameters; empty: all

  config.data = ConfigDict()
  config.data.name = ""
  config.data.source = "auto"   # "real", "simulated", or "auto": real where data_dir is given
  config.data.simulate_seed = 0
  config.data.simulate_groups = 0

  config.split = ConfigDict()
  config.split.kind = "kfold"   # leave_one_out, kfold, given, all, external, personal, mixed (leaks): see data/splits.py
  config.split.n_folds = 0
  config.split.folds = (0,)     # empty: all
  config.split.seeds = (0,)
  config.split.val_groups = 1
  config.split.salt = 0
  config.split.inner_folds = 0  # above 0: training groups are tested instead, for choosing hyper-parameters
  config.split.adapt_s = 0.0    # of a personal split: how much of a test group's beginning is trained on
  config.split.guard_s = 0.0    # of a personal split: how much is left out between that and the test
  config.split.block_s = 60.0   # of a mixed split: how long the blocks are that are dealt out

  config.model = ConfigDict()
  config.loss = ConfigDict()

  config.optim = ConfigDict()
  config.optim.name = "adam"
  config.optim.learning_rate = 1e-3
  config.optim.schedule = "cosine"
  config.optim.warmup_steps = 0
  config.optim.milestones = ()
  config.optim.clip_norm = 0.0
  config.optim.weight_decay = 0.0
  config.optim.ema = 0.995

  config.train = ConfigDict()
  config.train.steps = 0
  config.train.batch_size = 32

  config.read = ConfigDict()
  config.read.method = ""       # what tables call this system
  config.read.seed = 0
  config.read.shuffle = ()      # arrays of a batch that are taken from another window: a control

  config.readings = ConfigDict()   # {name: {label, changes of read}}
  config.baselines = ConfigDict()
  config.baselines.run = True

  config.own = ConfigDict()
  config.own.reading = ""       # which of the readings is used on a user's own file

  config.report = ConfigDict()
  config.report.title = ""
  config.report.metrics = ()
  config.report.strata = ConfigDict()   # {name: (stratum, ...)} in the order of the columns
  config.report.claims = ()
  config.report.axis = ""       # a dotted key along which joined workdirs are shown
  config.report.against = ""    # a metric against which the primary one is drawn
  config.report.timing_s = 60.0 # how much signal a method's time is told of
  config.report.timing = "s per minute"

  config.run = ConfigDict()
  config.run.ablations = True
  config.run.log_steps = 50
  config.run.ckpt_steps = 500
  config.run.val_steps = 500
  config.run.val_windows = 128
  config.run.members_per_program = "auto"
  config.run.feed = "auto"      # resident, tfdata
  config.run.prefetch = 4
  config.run.tensorboard = True
  config.run.predict_batch_size = 64
  config.ablations = ConfigDict()  # {name: changes of the config}: further trainings, each in a workdir of its own
  return config
