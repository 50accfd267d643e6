"""Music separation with phase features, at a size that trains on two CPU cores.

  python -m jaxsig.main --config=configs/music_separation.py --workdir=runs/music
  python -m jaxsig.main --config=configs/music_separation.py --workdir=runs/music_real \
    --config.data_dir=DATA

The first trains on simulated songs, the second on the four CC0 songs of "Everything Is Free", of
which one is held out. In the table stand the mixture, a constant filter, harmonic and percussive
parts, and the ideal masks beside the networks: `ours`, and as ablations the paper's DNN_A and
DNN_A&phi, and A&A, which has the capacity of A&phi and no phase. docs/music_separation.md has the
tables and says how to read them.

Arguments: `:smoke` (half a minute), `:every_song` (each held out in turn), `:network=a` (or
`a_phi`, `a_a`: the networks of the ablations alone), `:paper` (the published size, for an
accelerator: 44.1 kHz, 4096 samples a frame, 11 frames, 500 units, both channels together),
`:dsd100`, `:musdb18`, `:musdb18_hq` (the given parts of these data sets, four stems).
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.config import module_of
from jaxsig.config_arguments import parse_arg

BASE = pathlib.Path(__file__).with_name("base.py")


def published(method: str, inputs: str) -> dict[str, dict[str, object]]:
  """One of the paper's networks at the reduced size, with its loss and usual augmentation."""
  return {
      "read": {"method": method, "filter": "wiener"},
      "readings": {
          "mixture_phase": {
              "label": "the mixture's phase",
              "filter": "mixture_phase",
          },
      },
      "model": {
          "network": "dense",
          "hidden": 256,
          "inputs": inputs,
          "phase": "differences_shifted",
          "gate": 0.0,
      },
      "augment": {"mixed": 0.5, "gains": (0.25, 1.25), "swap": True},
      "loss": {"name": "amplitude", "frames": 16},
      "optim": {"learning_rate": 1e-3, "ema": 0.98},
      "train": {"steps": 500, "batch_size": 8},
  }


# The size that the paper gives them; how long it trains, it does not say.
PAPER = {
    "model": {"hidden": 500, "frames": 11, "stride": 1, "joint_channels": True},
    "loss": {"frames": 32},
    "train": {"steps": 100_000, "batch_size": 16},
}
NETWORKS = {
    "a": published("DNN_A", "amplitude"),
    "a_a": published("A&A", "amplitude_amplitude"),
    "a_phi": published("DNN_A&phi", "amplitude_phase"),
}


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "smoke", "every_song", "paper", "network=NAME", "dsd100", "musdb18", "musdb18_hq"."""
  arg = parse_arg(
      arg,
      smoke=False,
      every_song=False,
      paper=False,
      network="ours",
      dsd100=False,
      musdb18=False,
      musdb18_hq=False,
  )
  config = module_of(BASE).get_config()
  config.system = "music_separation"
  set_data(config.data)
  config.split.kind = "leave_one_out"
  config.split.folds = (0,)
  config.split.val_groups = 0

  set_model(config.model)
  config.loss.name = "error"
  config.loss.frames = 64              # of an excerpt
  config.augment = ConfigDict()
  config.augment.mixed = 1.0           # share of excerpts with stems of several songs
  config.augment.gains = (0.1, 3.0)    # of a stem
  config.augment.swap = True           # of a stem's channels
  config.optim.learning_rate = 3e-3
  config.optim.warmup_steps = 20
  config.optim.clip_norm = 1.0
  config.optim.ema = 0.99
  config.train.steps = 1000
  config.train.batch_size = 4

  set_reading(config)
  config.baselines.oracles = True
  config.run.predict_batch_size = 4
  config.run.ckpt_steps = 250
  set_report(config.report)
  set_ablations(config)
  for name in ("dsd100", "musdb18", "musdb18_hq"):
    if arg[name]:
      set_campaign(config, name)
  if arg.network != "ours":
    set_network(config, arg.network)
  if arg.paper:
    set_paper(config)
  if arg.every_song:
    config.split.folds = ()
  if arg.smoke:
    shrink(config)
  return config


def set_data(data: ConfigDict) -> None:
  """Sets songs, windows and frames."""
  data.name = "everything_is_free"
  data.stems = ("vocals", "drums", "other")
  data.rate_hz = 22_050
  data.window_s = 6
  data.frame = 2048
  data.hop = 512
  data.context_frames = 13      # one more than the network looks back
  data.sample_type = "int16"
  data.group_by = "song"
  data.missing_stem = "silence"
  data.skip_broken = False
  data.simulate_seed = 15
  data.simulate_groups = 8
  data.simulate_duration_s = 60.0


def set_model(model: ConfigDict) -> None:
  """Sets the network."""
  model.network = "local"
  model.hidden = 24
  model.dilations = (1, 1, 2, 4)   # of the local network
  model.uses_phase = True

  # of the dense networks
  model.inputs = "amplitude_phase"
  model.phase = "differences_shifted"
  model.heard = "mixture"
  model.gate = 0.0              # amplitude from which on a phase counts, over the mean amplitude
  model.input_bins = 512        # of the lowest bins, that are looked at
  model.joint_channels = False
  model.frames = 5
  model.stride = 2


def set_reading(config: ConfigDict) -> None:
  """Sets how stems come of amplitudes: masks as they are, by the Wiener filter, and its control."""
  config.read.method = "ours"
  config.read.filter = "mixture_phase"
  config.read.iterations = 1    # of the Wiener filter
  config.read.frames = 300
  config.read.start = "mixture_phase"
  config.read.exponent = 2.0    # of the ratio mask
  config.readings.wiener = {
      "label": "Wiener filter",
      "filter": "wiener",
  }
  config.readings.power_mask = {
      "label": "power mask",
      "filter": "ratio_mask",
  }
  config.readings.true_phase = {
      "label": "the true phase (oracle)",
      "filter": "true_phase",
  }


def set_ablations(config: ConfigDict) -> None:
  """Sets the further trainings: the paper's two networks, and the capacity of one of them."""
  for name, changes in NETWORKS.items():
    config.ablations[name] = {**changes, "baselines": {"run": False}}


def set_network(config: ConfigDict, network: str) -> None:
  """Sets one of the networks of the ablations in the place of ours."""
  for section, changes in NETWORKS[network].items():
    config[section].update(changes)
  config.readings = ConfigDict(NETWORKS[network]["readings"])
  config.run.ablations = False


def set_paper(config: ConfigDict) -> None:
  """Sets the frames that the paper gives, and the size of its networks, wherever they stand.

  Both channels are seen together, its literal reading.
  """
  config.data.rate_hz = 44_100
  config.data.frame = 4096
  config.data.hop = 1024
  config.model.input_bins = 2049
  config.train.steps = PAPER["train"]["steps"]
  config.train.batch_size = PAPER["train"]["batch_size"]
  networks = list(config.ablations.values())
  if config.model.network == "dense":
    networks.append(config)
  for network in networks:
    for section, changes in PAPER.items():
      network[section].update(changes)


def set_campaign(config: ConfigDict, name: str) -> None:
  """Sets a data set with given parts for training and testing, four stems."""
  config.data.name = name
  config.data.stems = ("vocals", "drums", "bass", "other")
  config.split.kind = "given"
  config.report.primary = tuple(f"sdr_db_song/{stem}" for stem in config.data.stems)


def set_report(report: ConfigDict) -> None:
  """Sets what is shown."""
  report.title = "Music separation"
  report.primary = ("sdr_db_song/vocals", "sdr_db_song/drums", "sdr_db_song/other")
  report.metrics = (
      "sdr_db_30s_15s_gated/vocals",
      "sdr_db_30s_15s_gated/drums",
      "sdr_db_30s_15s_gated/other",
      "sdr_db_1s/vocals",
      "sdr_db_1s/drums",
      "sdr_db_1s/other",
      "amplitude_nmse_song/vocals",
      "amplitude_nmse_song/drums",
      "amplitude_nmse_song/other",
  )


def shrink(config: ConfigDict) -> None:
  """Makes it small enough for a test: the same code on little data for a few steps."""
  config.data.rate_hz = 8000
  config.data.frame = 256
  config.data.hop = 64
  config.data.window_s = 2
  config.data.simulate_groups = 3
  config.data.simulate_duration_s = 8.0
  config.model.input_bins = 64
  config.loss.frames = 8
  config.model.hidden = 8
  config.model.dilations = (1, 2)
  config.baselines.oracles = False
  config.train.steps = 6
  config.train.batch_size = 4
  config.run.log_steps = 2
  config.run.ckpt_steps = 4
