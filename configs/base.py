"""What all experiments share: the sections of a config, with the settings of every system.

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

  config.split = split()
  config.model = ConfigDict()
  config.loss = ConfigDict()
  config.optim = optim()

  config.train = ConfigDict()
  config.train.steps = 0
  config.train.batch_size = 32

  config.read = ConfigDict()
  config.read.method = ""       # what tables call this system
  config.read.seed = 0
  # arrays of a batch that are taken from another window: a check that the network uses its input
  config.read.shuffle = ()
  config.readings = ConfigDict()   # {name: {label, changes of read}}

  config.baselines = ConfigDict()
  config.baselines.run = True

  config.own = ConfigDict()
  config.own.reading = ""       # which of the readings is used on a user's own file

  config.report = report()
  config.run = run()
  config.ablations = ConfigDict()  # {name: changes}: further trainings, each in its own workdir
  return config


def split() -> ConfigDict:
  """Who is trained on and who is tested: see jaxsig/data/splits.py."""
  section = ConfigDict()
  section.kind = "kfold"   # leave_one_out, kfold, given, all, external, personal, mixed (leaks)
  section.n_folds = 0
  section.folds = (0,)     # empty: all
  section.seeds = (0,)
  section.val_groups = 1
  section.val_share = 0.0  # of the groups that are not tested, where that is more than val_groups
  section.salt = 0
  section.inner_folds = 0  # above 0: training groups are tested, for choosing hyper-parameters
  section.adapt = "first"  # personal: the beginning is trained on, or blocks, "random" (leaks)
  section.adapt_s = 0.0    # personal: how much of a test group is trained on
  section.guard_s = 0.0    # personal: how much is left out between that and the test
  section.spare_random = False   # personal: tests nothing that adapt=random would train on
  section.block_s = 60.0   # mixed, random: how long the blocks are that are dealt out
  return section


def optim() -> ConfigDict:
  """The optimiser and its learning rate: see jaxsig/engine/optim.py."""
  section = ConfigDict()
  section.name = "adam"
  section.learning_rate = 1e-3
  section.schedule = "cosine"
  section.warmup_steps = 0
  section.milestones = ()
  section.clip_norm = 0.0
  section.weight_decay = 0.0
  section.ema = 0.995
  return section


def report() -> ConfigDict:
  """How rows are shown; `primary` is each system's own."""
  section = ConfigDict()
  section.title = ""
  section.metrics = ()
  section.strata = ConfigDict()   # {name: (stratum, ...)} in the order of the columns
  section.claims = ()
  section.axis = ""               # a dotted key along which joined workdirs are shown
  section.against = ""            # a metric against which the primary one is drawn
  section.timing_s = 60.0         # how much signal a method's time is told of
  section.timing = "s per minute"
  return section


def run() -> ConfigDict:
  """Logging and sizes of calls: no number depends on them, but for rounding."""
  section = ConfigDict()
  section.ablations = True
  section.log_steps = 50
  section.ckpt_steps = 500
  section.val_steps = 500
  section.val_windows = 128
  section.members_per_program = "auto"
  section.feed = "auto"           # resident, tfdata
  section.prefetch = 4
  section.tensorboard = True
  section.predict_batch_size = 64
  return section
