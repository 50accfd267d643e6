"""What the settings of respiration may be, and which of them go together."""
from ml_collections import ConfigDict

from jaxsig.data.ppg import filtered_windows, polarity, ppg_windows
from jaxsig.errors import UserError
from jaxsig.nn import blocks, diffusion, recurrent
from jaxsig.nn.cells import CELLS
from jaxsig.nn.spectral_loss import bins_in_band
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
from jaxsig.systems.respiration.method_rates import RULES

DAY_S = 86_400
MOST_HZ = 1000
SLOW_HZ, FAST_HZ = 0.2, 0.5   # breathing of 12 and 30 a minute, which a filter must leave
WIDTHS = whole(1, 4096)       # of layers, and channels
KERNELS = items(whole(1, 1001), 1, 32)
DILATIONS = items(whole(1, 4096), 1, 32)

SETTINGS = {
    "data.skip_broken": yes_or_no(),
    "data.window_s": positive(DAY_S),
    "data.stride_s": positive(DAY_S),
    "data.rate_hz": positive(MOST_HZ),
    "data.ppg_rate_hz": number(0, MOST_HZ),
    "data.normalise": choice(*ppg_windows.NORMALISE),
    "data.ppg_low_pass_hz": number(0, MOST_HZ),
    "data.resp_low_pass_hz": number(0, MOST_HZ),
    "data.resp_high_pass_hz": number(0, MOST_HZ),
    "data.ppg_range": pair(-1000, 1000),
    "data.resp_range": pair(-1000, 1000),
    "data.time_warp_factors": items(number(0.1, 10), distinct=True),
    "data.causal": yes_or_no(),
    "data.simulate_duration_s": positive(DAY_S),
    "data.simulate_rate_hz": number(20, 2000),
    "data.simulate_records_per_patient": whole(1, 1000),

    "model.network": choice("respdiff", "respdiff_long"),
    "model.objective": choice("diffusion", "regression"),
    "model.rate_hz": optional(positive(MOST_HZ)),
    "model.channels": WIDTHS,
    "model.fine_kernels": KERNELS,
    "model.coarse_kernels": KERNELS,
    "model.dilations": DILATIONS,
    "model.hidden": WIDTHS,
    "model.layers": whole(1, 64),
    "model.cell": choice(*CELLS),
    "model.head": optional(items(WIDTHS, 0, 32)),
    "model.norm": optional(choice(*blocks.NORMS)),
    "model.embed_both": optional(yes_or_no()),
    "model.layer_norm": optional(yes_or_no()),
    "model.residual": optional(yes_or_no()),
    "model.scan_form": choice(*recurrent.SCAN_FORMS),
    "model.width": optional(WIDTHS),
    "model.denoiser_dilations": optional(DILATIONS),
    "model.waves": optional(whole(1, 1024)),

    "process.schedule": choice("linear", "cosine"),
    "process.options.steps": optional(whole(0, 10_000)),
    "process.options.beta_first": optional(number(above=0, below=1)),
    "process.options.beta_last": optional(number(above=0, below=1)),
    "process.options.shift": optional(number(-20, 20)),
    "process.options.log_snr_min": optional(number(-50, -1)),
    "process.options.log_snr_max": optional(number(1, 50)),
    "process.target": choice(*diffusion.KINDS),
    "process.stratified": yes_or_no(),

    "loss.spectral": choice("none", "banded", *diffusion.SPECTRAL_WEIGHTS),
    "loss.weight": number(0, 1e4),
    "loss.rate_weight": number(0, 1e4),
    "loss.ppg_noise": number(0, 100),

    "read.rate_of": choice(*RULES),
    "read.divisor_slip": yes_or_no(),
    "read.sampler.name": choice(*diffusion.SAMPLERS),
    "read.sampler.steps": whole(1, 10_000),
    "read.sampler.samples": whole(1, 1000),
    "read.sampler.keep_samples": yes_or_no(),
    "read.sampler.clip": either(items(text(), 0, 0), pair(-1000, 1000)),
    "read.sampler.temperature": positive(1000),

    "own.signal": optional(text()),
    "own.polarity": optional(choice(*polarity.CHOICES)),
}
OPTIONS = {   # of each schedule
    "linear": ("steps", "beta_first", "beta_last"),
    "cosine": ("steps", "shift", "log_snr_min", "log_snr_max"),
}


def windows_fit(config: ConfigDict) -> None:
  """Windows are of whole samples and leave no holes between them."""
  data = config.data
  ppg_windows.check(data)
  filtered_windows.whole_samples(data.window_s, data.rate_hz, "window_s")
  filtered_windows.whole_samples(data.stride_s, data.rate_hz, "stride_s")
  ppg_windows.samples_each(data)
  if data.stride_s > data.window_s:
    raise UserError(
        f"data.stride_s={data.stride_s:g} is longer than data.window_s={data.window_s:g}, so that "
        "parts of a recording are in no window: lower it")


def filters_are_below_half_the_rate(config: ConfigDict) -> None:
  """Each filter's edge is below half the rate of what it filters."""
  data = config.data
  ppg_hz = data.ppg_rate_hz or data.rate_hz
  filtered_windows.require_edge(data.ppg_low_pass_hz, ppg_hz, "ppg_low_pass_hz")
  for name in ("resp_low_pass_hz", "resp_high_pass_hz"):
    filtered_windows.require_edge(data[name], data.rate_hz, name)


def filters_leave_breathing(config: ConfigDict) -> None:
  """What filters let through has room for breathing of a usual rate."""
  data = config.data
  for name in ("ppg_low_pass_hz", "resp_low_pass_hz"):
    if 0 < data[name] < SLOW_HZ:
      raise UserError(
          f"data.{name}={data[name]:g} takes away breathing of 12 a minute: set it to {SLOW_HZ:g} "
          "or more, or to 0 for no filter")
  high_pass_hz = data.resp_high_pass_hz
  if high_pass_hz > FAST_HZ:
    raise UserError(
        f"data.resp_high_pass_hz={high_pass_hz:g} takes away breathing of 30 a minute: set it to "
        f"{FAST_HZ:g} or less, or to 0 for no filter")
  if 0 < data.resp_low_pass_hz <= high_pass_hz:
    raise UserError(
        f"data.resp_high_pass_hz={high_pass_hz:g} is not below "
        f"data.resp_low_pass_hz={data.resp_low_pass_hz:g}, so that nothing is left between them: "
        "lower it, or set one of them to 0 for no filter")


def widths_go_together(config: ConfigDict) -> None:
  """Features that are added have one width, and channels that are normed in groups fill them."""
  model = config.model
  if len(model.fine_kernels) != len(model.coarse_kernels):
    raise UserError(
        f"model.fine_kernels has {len(model.fine_kernels)} kernels and model.coarse_kernels "
        f"{len(model.coarse_kernels)}: give both as many, as their features are added")
  if model.get("norm", "group") == "group":
    blocks.require_groups(model.channels, "model.channels")


def process_goes_together(config: ConfigDict) -> None:
  """The process has the options of its schedule, and samplers no more steps than it has."""
  process = config.process
  for key in process.options:
    if key not in OPTIONS[process.schedule]:
      raise UserError(
          f"process.schedule={process.schedule} has no option process.options.{key}: it has "
          f"{', '.join(OPTIONS[process.schedule])}")
  if process.schedule == "linear" and not process.options.get("steps", 50):
    raise UserError("process.schedule=linear needs process.options.steps above 0")


def banded_loss_has_bins(config: ConfigDict) -> None:
  """Windows are long enough for a bin of the band."""
  data = config.data
  if config.loss.spectral == "banded":
    bins_in_band(round(data.window_s * data.rate_hz), data.rate_hz)


def recurrence_exists(config: ConfigDict) -> None:
  """The cell has the form of its scan."""
  if config.model.scan_form != "auto":
    recurrent.resolve(config.model.scan_form, config.model.cell)


RELATIONS = (
    windows_fit,
    filters_are_below_half_the_rate,
    filters_leave_breathing,
    widths_go_together,
    process_goes_together,
    banded_loss_has_bins,
    recurrence_exists,
)
