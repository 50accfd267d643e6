"""What the settings of music separation may be, and which of them go together."""
from ml_collections import ConfigDict

from jaxsig.data.audio.songs import STEMS
from jaxsig.errors import UserError
from jaxsig.setting_rules import choice, items, number, positive, text, whole, yes_or_no
from jaxsig.signal.wiener import STARTS
from jaxsig.systems.music_separation.dense import INPUTS
from jaxsig.systems.music_separation.features import PLANES
from jaxsig.systems.music_separation.filters import FILTERS
from jaxsig.systems.music_separation.local import FOLD
from jaxsig.systems.music_separation.spectra import grid_of
from jaxsig.systems.music_separation.task import HEARD, LOSSES, NETWORKS

HOUR_S = 3600
GAIN = number(above=0, high=100)

SETTINGS = {
    "data.skip_broken": yes_or_no(),
    "data.stems": items(text(), 1, 20, distinct=True),
    "data.rate_hz": whole(1000, 192_000),
    "data.window_s": whole(1, 120),
    "data.frame": whole(16, 2**16),
    "data.hop": whole(1, 2**15),
    "data.context_frames": whole(0, 100),
    "data.sample_type": choice("int16", "float32"),
    "data.group_by": choice("song", "artist"),
    "data.missing_stem": choice("silence", "error"),
    "data.simulate_duration_s": positive(HOUR_S),

    "model.network": choice(*NETWORKS),
    "model.inputs": choice(*INPUTS),
    "model.phase": choice(*PLANES),
    "model.heard": choice(*HEARD),
    "model.gate": number(0, 100),
    "model.input_bins": whole(1, 2**16),
    "model.joint_channels": yes_or_no(),
    "model.hidden": whole(1, 8192),
    "model.frames": whole(1, 101),
    "model.stride": whole(1, 64),
    "model.dilations": items(whole(1, 64), 1, 12),
    "model.uses_phase": yes_or_no(),
    "loss.name": choice(*LOSSES),
    "loss.frames": whole(1, 10_000),
    "augment.mixed": number(0, 1),
    "augment.gains": items(GAIN, 2, 2),
    "augment.swap": yes_or_no(),

    "read.filter": choice(*FILTERS),
    "read.iterations": whole(0, 10),
    "read.frames": whole(1, 10**6),
    "read.start": choice(*STARTS),
    "read.exponent": positive(10),
    "baselines.oracles": yes_or_no(),
}


def frames_fit(config: ConfigDict) -> None:
  """Frames overlap by whole hops, and bins, windows and excerpts hold what is asked of them."""
  data, model = config.data, config.model
  if data.frame % data.hop or data.frame < 2 * data.hop or data.frame % 2:
    raise UserError(
        f"data.hop={data.hop} does not divide data.frame={data.frame} at least twice: set it to a "
        "half, a quarter or an eighth of the frame")
  bins = data.frame // 2 + 1
  if model.input_bins > bins:
    raise UserError(
        f"model.input_bins={model.input_bins} is more than the {bins} bins of "
        f"data.frame={data.frame}: lower it")
  if model.frames % 2 == 0:
    raise UserError(f"model.frames={model.frames} has no middle: use an odd number")

  grid = grid_of(data)
  reach = NETWORKS[model.network](config, grid).reach
  excerpt = data.frame + (config.loss.frames + 2 * reach) * data.hop
  if excerpt > grid.window:
    raise UserError(
        f"an excerpt of loss.frames={config.loss.frames} with its context is longer than a window "
        f"of data.window_s={data.window_s}: lower the one or raise the other")
  low, high = config.augment.gains
  if low > high:
    raise UserError(f"augment.gains={(low, high)}: the first is above the second; exchange them")


def network_fits(config: ConfigDict) -> None:
  """The local network hears mixtures, of frames whose bins it can fold."""
  data, model = config.data, config.model
  if model.network != "local":
    return
  if model.heard != "mixture":
    raise UserError(
        f"model.network=local hears the mixture alone, not model.heard={model.heard}: set "
        "model.network=dense")
  if data.frame % (2 * FOLD):
    raise UserError(
        f"data.frame={data.frame} is no multiple of {2 * FOLD}, as model.network=local needs: use "
        "a power of 2")


def stems_are_known(config: ConfigDict) -> None:
  """The simulator plays four stems."""
  for stem in config.data.stems:
    if stem not in STEMS and config.data.source == "simulated":
      raise UserError(f"the simulator has no {stem!r}: data.stems may be {', '.join(STEMS)}")


RELATIONS = (network_fits, frames_fit, stems_are_known)
