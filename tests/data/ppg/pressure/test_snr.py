"""Signal-to-noise ratios, and how much noise passes."""
import numpy as np
import pytest

from jaxsig.data.ppg.pressure import snr
from jaxsig.errors import UserError


@pytest.mark.parametrize(
    ("form", "share", "threshold_db"),
    [
        ("snr_db_01_02_05_4_hann_pad16", 0.78, -0.9),
        ("snr_db_01_02_05_4_hamming", 0.79, -0.8),
        ("snr_db_01_02_05_8_hann_pad16", 0.29, -4.0),
        ("snr_db_02_02_05_8_hann_pad16", 0.59, -2.6),
        ("snr_db_01_02_05_8_boxcar", 0.19, -4.9),
    ],
)
def test_how_much_noise_passes_a_published_threshold(form, share, threshold_db):
  """-7 dB is no gate: the shares and the thresholds for 1 % as they were measured elsewhere."""
  assert snr.noise_pass_share(form, -7.0, n=600) == pytest.approx(share, abs=0.07)
  assert snr.threshold_db_for(form, 0.01, n=600) == pytest.approx(threshold_db, abs=0.7)


def test_a_tone_and_noise_have_the_ratio_of_their_powers():
  draw = np.random.default_rng(0)
  time_s = np.arange(12_500) / 125
  tone_t = np.sqrt(2) * np.sin(2 * np.pi * 1.2 * time_s)
  noise_t = draw.standard_normal(12_500)
  found = snr.snr_db((tone_t + noise_t)[None], 125.0, np.array([1.2]), "snr_db_01_02_05_8_boxcar")
  # of the noise's 62.5 Hz, 7.5 Hz are counted, and 0.6 Hz of these lie in the bands
  expected = 10 * np.log10((1 + 0.6 / 62.5) / (6.9 / 62.5))
  assert found[0] == pytest.approx(expected, abs=0.6)
  other = snr.snr_db((tone_t + noise_t)[None], 125.0, np.array([2.0]), "snr_db_01_02_05_8_boxcar")
  assert other[0] < -7


def test_an_unknown_form_is_told():
  with pytest.raises(UserError, match="unknown data.snr_form"):
    snr.snr_db(np.zeros((1, 10)), 125.0, np.ones(1), "snr")
