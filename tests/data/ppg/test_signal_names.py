"""What the name of a signal says: a PPG, what is derived from one, or some other quantity."""
import numpy as np
import pytest
from fake_bidmc import says

from jaxsig.data.ppg.signal_choice import chosen
from jaxsig.data.ppg.signal_names import is_ppg, quantity_of
from jaxsig.data.signal_files.channels import Channel

SIGNALS = (
  "PPG PPG_AC ppg_raw ppg_filtered ppg_green ppg_ir ppg_red ppg_1 PPG2 ppg_ch0 PPGchannel1 ppg_adc "
  "ppg_t ppgSignal ppg_finger PlethWave plethysmogram photoplethysmograph photo-plethysmography "
  "PPG_64Hz ppg_mV finger-PPG ear.pleth chest_ppg PPG_thorax wristBVP bvp_sensor PULSE_PLETH "
  "SpO2_Pleth pulsePPG ppg_detrended ppg_normalized ppg_baseline_removed ppg_dc_removed "
  "ppg_without_offset ppg_motion_corrected ppg_counts rPPG ppg_proximal PPG_Trace"
)
DERIVED = (
  "PPG_HR PPG_BPM ppg_bpm_avg BVP_IBI PPG_RR ppg_prv ppg_hrv ppg_spo2 ppg_temp ppg_ambient ppg_led "
  "PPG_resp ppg_pi ppg_gain ppg_offset ppg_dc ppg_std ppg_envelope ppg_baseline BVP_amplitude "
  "ppg_interval pleth_variability ppg_pulse ppg_quality ppg_sqi ppg_time ppgHr PPGHr ppghr PPG-HR "
  "hr_ppg ppg.heart.rate PPG_Temperature plethRate PpgQuality PPGQuality ppg_hr1 HR2_ppg ppg_ts "
  "PLETH_SPO2 ppg_snr ppg_mean ppg_var ppg_rms ppg_confidence ppg_index ppg_acc ppg_fs ppg_label "
  "ppg_ptt ppg_riav ppg_notch ppg_feet ppg_mask ppg_events ppg_perfusion ppg_derivative ppg_rmssd "
  "BvpPeaks ppgRespRate ppg_systolic resp_pleth respiratory_plethysmograph PLETH_thoracic "
  "inductive_plethysmograph impedance.plethysmograph ppg_slope ppg_power ppg_map ppg_ambient2"
)
OTHERS = (
  "PVI thermistor Thermistor_1 belt respBelt chest breath Atemgurt Atmung pneumogram pneumograph Z "
  "z Spiro spirometer nasal cannula RIP thoracicEffort tidalVolume ventilation BioZ bioimpedance "
  "HRV prv SQI IBI PI perfusion rmssd Herzfrequenz Puls Zeit Temperatur Druck Gurt respi"
)


@pytest.mark.parametrize("name", [*SIGNALS.split(), "PPG left", "My PPG [mV]", "PPG (rate 64 Hz)"])
def test_a_ppg_by_its_name(name):
  assert is_ppg(name)


@pytest.mark.parametrize("name", [*DERIVED.split(), "PPG heart rate", "ppg pulse interval (s)"])
def test_what_is_derived_from_a_ppg_is_none(name):
  assert not is_ppg(name) and quantity_of(name)
  assert name in says(chosen, [_channel(name)], "", "mine.csv")
  beside = [_channel(name), _channel("PPG")]
  assert chosen(beside, "", "mine.csv").channel is beside[1]
  assert chosen(beside, name, "mine.csv").channel is beside[0]


@pytest.mark.parametrize("name", OTHERS.split())
def test_a_lone_signal_that_is_something_else_is_refused(name):
  assert quantity_of(name)
  assert name in says(chosen, [_channel(name)], "", "mine.csv")


@pytest.mark.parametrize("name", ["value", "ir", "green", "x", "y", "signal", "finger", "data1"])
def test_a_lone_signal_whose_name_says_nothing_is_taken(name):
  assert quantity_of(name) == ""
  assert chosen([_channel(name)], "", "mine.csv").notes


def _channel(name: str) -> Channel:
  return Channel(name, "", 64.0, 10, lambda: np.zeros(10))
