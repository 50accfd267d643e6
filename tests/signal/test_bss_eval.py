"""Signal-to-distortion ratios: closed forms, the rules of silence, and exact additivity."""
import numpy as np
import pytest

from jaxsig.signal import bss_eval

RATE_HZ = 50


def whole_numbers(seconds: float, sources: int = 3, seed: int = 0) -> np.ndarray:
  """Sources [j, t, 2] of whole numbers, whose sums of squares are exact in any order."""
  rng = np.random.default_rng(seed)
  loudness_j = rng.integers(10, 1000, (sources, 1, 1))
  noise_j_t_c = rng.integers(-30, 31, (sources, round(seconds * RATE_HZ), 2))
  return (loudness_j * noise_j_t_c).astype(np.int32)


def pair(seconds: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
  reference_j_t_c = whole_numbers(seconds, seed=seed)
  error_j_t_c = whole_numbers(seconds, seed=seed + 100) // 4
  return reference_j_t_c, reference_j_t_c + error_j_t_c


def direct_sdr_db(reference_j_t_c, estimate_j_t_c, added=0.0):
  reference_j_t_c = reference_j_t_c.astype(float)
  signal_j = np.sum(reference_j_t_c**2, (1, 2)) + added
  error_j = np.sum((reference_j_t_c - estimate_j_t_c) ** 2, (1, 2)) + added
  return 10 * np.log10(signal_j / error_j)


def figure(reference_j_t_c, estimate_j_t_c, policy, gate=None):
  seconds = bss_eval.energies(reference_j_t_c, estimate_j_t_c, RATE_HZ)
  return bss_eval.recording_sdr_db(seconds, policy, gate)


# Policies


@pytest.mark.parametrize("gain, sdr_db", [(0.9, 20.0), (0.5, 6.0206), (0.0, 0.0), (-1.0, -6.0206)])
@pytest.mark.parametrize("policy", bss_eval.POLICIES, ids=lambda policy: policy.name)
def test_a_gain_is_an_error_of_a_known_size(policy, gain, sdr_db):
  reference_j_t_c, _ = pair(65)
  estimate_j_t_c = gain * reference_j_t_c
  if gain == 0.0:
    estimate_j_t_c[..., 0] = 1e-9   # not silent
  np.testing.assert_allclose(figure(reference_j_t_c, estimate_j_t_c, policy), sdr_db, atol=1e-4)


@pytest.mark.parametrize("seconds", [0.6, 1.0, 29.5, 30.0, 44.9, 45.0, 130.3])
def test_every_policy_is_exactly_that_of_the_samples(seconds):
  reference_j_t_c, estimate_j_t_c = pair(seconds)
  samples = reference_j_t_c.shape[1]

  for policy, average in ((bss_eval.SISEC2016, np.mean), (bss_eval.V4, np.median)):
    window = policy.frame_s * RATE_HZ
    hop = policy.hop_s * RATE_HZ
    frames = []
    for frame in range(max(1, (samples - window + hop) // hop)):
      part = slice(frame * hop, frame * hop + window)
      frames.append(direct_sdr_db(reference_j_t_c[:, part], estimate_j_t_c[:, part]))
    measured = figure(reference_j_t_c, estimate_j_t_c, policy)
    np.testing.assert_array_equal(measured, average(np.array(frames), 0))

  whole = direct_sdr_db(reference_j_t_c, estimate_j_t_c, 1e-7)
  np.testing.assert_array_equal(figure(reference_j_t_c, estimate_j_t_c, bss_eval.USDR), whole)


def test_frames_of_the_campaigns():
  def bounds(seconds, policy):
    return bss_eval.frame_bounds(bss_eval.energies(*pair(seconds), RATE_HZ), policy)

  assert bounds(74.9, bss_eval.SISEC2016) == [(0, 30), (15, 45), (30, 60)]
  assert bounds(75, bss_eval.SISEC2016)[-1] == (45, 75)
  assert bounds(20.5, bss_eval.SISEC2016) == [(0, 21)]   # with the part of a second
  assert bounds(3.5, bss_eval.V4) == [(0, 1), (1, 2), (2, 3)]
  assert bounds(3.5, bss_eval.USDR) == [(0, 4)]


def test_energies_of_parts_add_up():
  """Windows of whole seconds may be evaluated apart and joined."""
  reference_j_t_c, estimate_j_t_c = pair(40.5)
  whole = bss_eval.energies(reference_j_t_c, estimate_j_t_c, RATE_HZ)
  cut = 12 * RATE_HZ
  first = bss_eval.energies(reference_j_t_c[:, :cut], estimate_j_t_c[:, :cut], RATE_HZ)
  second = bss_eval.energies(reference_j_t_c[:, cut:], estimate_j_t_c[:, cut:], RATE_HZ)
  for name in ("signal_j_s", "error_j_s", "silent_j_s", "mute_j_s", "values_s"):
    joined = np.concatenate([getattr(first, name), getattr(second, name)], -1)
    np.testing.assert_array_equal(joined, getattr(whole, name))
  assert first.whole + second.whole == whole.whole == 40


def test_tables_are_medians_or_means_of_recordings_with_a_value():
  sdr_db_i_j = np.array([[1.0, np.nan], [2.0, np.nan], [9.0, np.nan], [np.nan, np.nan]])
  np.testing.assert_array_equal(bss_eval.table_sdr_db(sdr_db_i_j, bss_eval.SISEC2016), [2, np.nan])
  np.testing.assert_array_equal(bss_eval.table_sdr_db(sdr_db_i_j, bss_eval.V4), [2, np.nan])
  np.testing.assert_array_equal(bss_eval.table_sdr_db(sdr_db_i_j, bss_eval.USDR), [4, np.nan])


# Silence and perfection


def test_a_silent_reference_or_estimate_takes_the_frame_from_all_sources():
  reference_j_t_c, estimate_j_t_c = pair(6)
  reference_j_t_c[1, RATE_HZ:2 * RATE_HZ] = 0
  estimate_j_t_c[2, 3 * RATE_HZ:4 * RATE_HZ] = 0
  reference_j_t_c[0, 4 * RATE_HZ:5 * RATE_HZ - 1] = 0   # but for one sample
  cancelling = reference_j_t_c[1, 5 * RATE_HZ:]
  cancelling[:, 1] = -cancelling[:, 0]   # counts as silent, as in museval
  seconds = bss_eval.energies(reference_j_t_c, estimate_j_t_c, RATE_HZ)
  sdr_db_j_w = bss_eval.frame_sdr_db(seconds, bss_eval.V4)
  lost_w = [False, True, False, True, False, True]
  np.testing.assert_array_equal(np.isnan(sdr_db_j_w), [lost_w] * 3)

  # A frame that is silent in part has a value; whole recordings have one always.
  longer = bss_eval.V4._replace(frame_s=2, hop_s=2)
  assert np.isfinite(bss_eval.frame_sdr_db(seconds, longer)).all()
  assert np.isfinite(bss_eval.frame_sdr_db(seconds, bss_eval.USDR)).all()

  silent = bss_eval.energies(0 * reference_j_t_c, estimate_j_t_c, RATE_HZ)
  assert np.isnan(bss_eval.recording_sdr_db(silent, bss_eval.SISEC2016)).all()


def test_silence_that_is_predicted_as_silence_is_0_db_of_the_whole_recording():
  nothing = np.zeros((1, 500, 2))
  np.testing.assert_array_equal(figure(nothing, nothing, bss_eval.USDR), [0])
  np.testing.assert_array_equal(figure(nothing, nothing, bss_eval.V4), [np.nan])


@pytest.mark.parametrize("policy", [bss_eval.SISEC2016, bss_eval.V4], ids=lambda p: p.name)
def test_a_perfect_estimate_is_infinitely_good(policy):
  reference_j_t_c, estimate_j_t_c = pair(60)
  estimate_j_t_c[0] = reference_j_t_c[0]
  sdr_db_j = figure(reference_j_t_c, estimate_j_t_c, policy)
  assert sdr_db_j[0] == np.inf
  assert np.isfinite(sdr_db_j[1:]).all()


def test_the_gate_takes_a_frame_as_exact_silence_does():
  """A frame at -120 dB that is not exactly silent rules the mean without it."""
  rng = np.random.default_rng(4)
  reference_j_t_c = rng.standard_normal((2, 90 * RATE_HZ, 2)) / 10
  reference_j_t_c[0, :30 * RATE_HZ] *= 1e-5
  estimate_j_t_c = reference_j_t_c + rng.standard_normal(reference_j_t_c.shape) / 100
  plain_db_j = figure(reference_j_t_c, estimate_j_t_c, bss_eval.SISEC2016)
  gated_db_j = figure(reference_j_t_c, estimate_j_t_c, bss_eval.SISEC2016, bss_eval.GATE)
  seconds = bss_eval.energies(reference_j_t_c, estimate_j_t_c, RATE_HZ)
  gated_w = np.isnan(bss_eval.frame_sdr_db(seconds, bss_eval.SISEC2016, bss_eval.GATE))
  assert gated_w.tolist() == [[True, False, False, False, False]] * 2
  assert plain_db_j[0] < 5
  assert gated_db_j[0] == pytest.approx(19.3, abs=0.5)   # half of one frame is quiet
  assert gated_db_j[1] == pytest.approx(20, abs=0.2)



@pytest.mark.parametrize("policy", [bss_eval.SISEC2016, bss_eval.V4], ids=lambda p: p.name)
def test_the_gate_is_a_mean_square_over_the_samples_and_channels_of_a_frame(policy):
  level_j_t_c = np.full((1, 5 * RATE_HZ // 2, 2), np.sqrt(bss_eval.GATE))   # 2.5 s
  for factor, gated in ((1.01, False), (0.99, True)):
    sdr_db_j = figure(factor * level_j_t_c, level_j_t_c / 2, policy, bss_eval.GATE)
    assert np.isnan(sdr_db_j).all() == gated
    whole_db_j = figure(factor * level_j_t_c, level_j_t_c / 2, bss_eval.USDR, bss_eval.GATE)
    assert np.isfinite(whole_db_j).all()


# Blind to gain


def test_si_sdr_is_blind_to_gain_and_sees_the_angle_only():
  rng = np.random.default_rng(1)
  reference_j_t_c = rng.standard_normal((2, 400, 2))
  noise_j_t_c = rng.standard_normal((2, 400, 2))
  product_j = np.sum(reference_j_t_c * noise_j_t_c, (1, 2)) / np.sum(reference_j_t_c**2, (1, 2))
  orthogonal_j_t_c = noise_j_t_c - product_j[:, None, None] * reference_j_t_c
  size_j = np.sqrt(np.sum(reference_j_t_c**2, (1, 2)) / np.sum(orthogonal_j_t_c**2, (1, 2)))
  estimate_j_t_c = reference_j_t_c + 0.1 * size_j[:, None, None] * orthogonal_j_t_c
  for gain in (1, 1e-6, -30):
    sdr_db_j = bss_eval.si_sdr_db(reference_j_t_c, gain * estimate_j_t_c)
    np.testing.assert_allclose(sdr_db_j, 20, atol=1e-9)
  plain = figure(reference_j_t_c, 2 * estimate_j_t_c, bss_eval.USDR)
  assert (plain < 0).all()

  assert (bss_eval.si_sdr_db(reference_j_t_c, 4 * reference_j_t_c) > 250).all()
  assert np.isnan(bss_eval.si_sdr_db(0 * reference_j_t_c, estimate_j_t_c)).all()


# Input


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_estimate_is_refused_and_not_left_out_as_silence_is(value):
  reference_j_t_c, estimate_j_t_c = pair(3)
  broken_j_t_c = estimate_j_t_c.astype(np.float32)
  broken_j_t_c[1, 70, 0] = value
  with pytest.raises(ValueError, match="not finite"):
    bss_eval.energies(reference_j_t_c, broken_j_t_c, RATE_HZ)
  with pytest.raises(ValueError, match="not finite"):
    bss_eval.si_sdr_db(reference_j_t_c, broken_j_t_c)

def test_estimates_are_cut_to_the_shorter_and_float32_is_summed_in_float64():
  reference_j_t_c, estimate_j_t_c = pair(3)
  longer = np.pad(estimate_j_t_c, ((0, 0), (0, 20), (0, 0)), constant_values=9)
  np.testing.assert_array_equal(
      figure(reference_j_t_c, longer, bss_eval.USDR),
      figure(reference_j_t_c, estimate_j_t_c, bss_eval.USDR))
  offset = np.float32(2**12)
  single = bss_eval.energies(
      np.full((1, 50, 2), offset + 1, np.float32), np.full((1, 50, 2), offset, np.float32), 50)
  assert single.signal_j_s[0, 0] == 100 * 4097.0**2
  narrow = bss_eval.energies(np.full((1, 50, 2), 30000, np.int16), np.full((1, 50, 2), -30000,
                             np.int16), 50)
  assert narrow.error_j_s[0, 0] == 100 * 60000.0**2


@pytest.mark.parametrize("reference, estimate, rate_hz, message", [
    ((2, 50, 2), (2, 50, 1), 50, "not alike"),
    ((2, 50, 2), (3, 50, 2), 50, "not alike"),
    ((2, 50), (2, 50), 50, "not alike"),
    ((2, 50, 2), (2, 0, 2), 50, "no sample"),
    ((2, 50, 2), (2, 50, 2), 44.1, "whole sampling rate"),
])
def test_what_cannot_be_compared_is_refused(reference, estimate, rate_hz, message):
  with pytest.raises(ValueError, match=message):
    bss_eval.energies(np.ones(reference), np.ones(estimate), rate_hz)
