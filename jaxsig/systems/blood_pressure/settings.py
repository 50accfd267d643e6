"""What the settings of blood pressure may be, and which of them go together."""
from ml_collections import ConfigDict

from jaxsig.data.ppg import polarity
from jaxsig.data.ppg.camera import colour_pulse
from jaxsig.data.ppg.pressure.snr import FORMS
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
from jaxsig.systems.blood_pressure import cuff_readings, known_readings, losses
from jaxsig.systems.blood_pressure.network import NETWORKS
from jaxsig.systems.blood_pressure.network_lstm import PRESETS

DAY_S = 86_400
MOST_HZ = 1000
MMHG = pair(0, 400)
WIDTHS = items(whole(1, 8192), 1, 8)

SETTINGS = {
    "data.skip_broken": yes_or_no(),
    "data.window": choice("time", "beats"),
    "data.window_s": positive(DAY_S),
    "data.hop_s": positive(DAY_S),
    "data.beats": whole(1, 20),
    "data.hop_beats": whole(1, 1000),
    "data.beat_cut": choice("feet", "spectrum"),
    "data.samples": whole(16, 100_000),
    "data.rate_hz": number(20, MOST_HZ),
    "data.filter": choice("record", "window"),
    "data.low_hz": positive(50),
    "data.high_hz": positive(MOST_HZ),
    "data.derivatives": whole(0, 2),
    "data.derivative_form": choice("scaled", "released"),
    "data.rate_limits_bpm": pair(10, 400),
    "data.snr_form": choice("", *FORMS),
    "data.snr_min_db": number(-100, 100),
    "data.sbp_limits": MMHG,
    "data.dbp_limits": MMHG,
    "data.limit_rule": choice("median", "any_beat"),
    "data.stable": yes_or_no(),
    "data.label_rounding": choice("none", "floor"),
    "data.known_share": number(0, 0.9),
    "data.known_gap_s": number(0, DAY_S),
    "data.known_input": yes_or_no(),
    "data.max_windows": whole(0, 10**7),
    "data.cohort": choice("physiological", "null"),
    "data.camera_pulse": choice(*colour_pulse.WAYS),
    "data.simulate_sensor": choice("finger", "camera"),
    "data.simulate_duration_s": positive(DAY_S),
    "data.simulate_stretches": whole(1, 10_000),
    "data.simulate_stretch_s": positive(DAY_S),
    "data.simulate_pressure_change": number(0, 10),
    "data.simulate_subject_effects": number(0, 10),
    "data.simulate_stiffness_sd": number(0, 2),
    "data.simulate_contact_mmhg": number(0, 100),
    "data.simulate_artefacts": number(0, 100),

    "model.network": choice(*NETWORKS),
    "model.uses_rate": yes_or_no(),
    "model.relu_heads": yes_or_no(),
    "model.hidden": whole(0, 8192),
    "model.channels": optional(WIDTHS),
    "model.kernel": optional(whole(1, 1001)),
    "model.preset": choice(*PRESETS),
    "model.width": positive(8),
    "model.stride": whole(1, 64),
    "model.filters": optional(WIDTHS),
    "model.dense": optional(whole(1, 65_536)),
    "model.first_channel_only": optional(yes_or_no()),

    "loss.name": choice(*losses.LOSSES),
    "loss.beta": number(0, 1),
    "loss.balanced": yes_or_no(),
    "augment.noise": number(0, 10),
    "read.known": choice(*known_readings.WAYS),
    "read.known_readings": whole(0, 100_000),
    "read.pool": yes_or_no(),

    "own.signal": optional(text()),
    "own.polarity": optional(choice(*polarity.CHOICES)),
    "own.camera": optional(choice(*colour_pulse.WAYS)),
    "own.box": optional(either(items(text(), 0, 0), items(whole(0, 100_000), 4, 4))),
    "own.mask": optional(text()),
    "own.calibration": optional(text(cuff_readings.SEVERAL, cuff_readings.IN_WORDS)),
}


def windows_fit(config: ConfigDict) -> None:
  """The band of the PPG is one, and steps between windows leave no holes."""
  data = config.data
  if data.low_hz >= data.high_hz:
    raise UserError(
        f"data.low_hz={data.low_hz:g} is not below data.high_hz={data.high_hz:g}: lower it")
  for name in ("sbp_limits", "dbp_limits", "rate_limits_bpm"):
    low, high = data[name]
    if low >= high:
      raise UserError(f"data.{name}={tuple(data[name])}: the first is not below the second")


def readings_are_known(config: ConfigDict) -> None:
  """A model that uses known readings needs a known part of each record."""
  uses = config.data.known_input or config.read.known != known_readings.NONE
  if uses and not config.data.known_share:
    raise UserError(
        "read.known and data.known_input use the readings at the beginning of a record: set "
        "data.known_share above 0")


RELATIONS = (windows_fit, readings_are_known)
