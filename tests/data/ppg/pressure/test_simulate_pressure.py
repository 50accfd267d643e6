"""The simulated cohort: what it must show, and that its causes can be taken out."""
import numpy as np
import pytest
from fake_pressure import config_of, people

from jaxsig.data.ppg.pressure import simulated_pulse
from jaxsig.data.ppg.pressure.labels import beats_of
from jaxsig.data.ppg.pressure.simulate_pressure import simulate
from jaxsig.data.ppg.pressure.simulated_person import draw_person, pwv_at


def pressures(record):
  """[k, 2] SBP and DBP of each stretch."""
  size = round(11 * record.rate_hz)
  found = []
  for first in range(0, len(record.signals["ppg_t"]), size):
    part = [np.nanmedian(record.annotations[f"{name}_t"][first:first + size])
            for name in ("sbp", "dbp")]
    found.append(part)
  return np.array(found)


@pytest.fixture(scope="module")
def cohort():
  return people(80, stretches=6)


def test_a_person_is_the_same_in_any_cohort():
  few, more = people(2), people(3)
  for name, x in few[1].signals.items():
    np.testing.assert_array_equal(x, more[1].signals[name])
  assert few[0].info != few[1].info


def test_labels_are_the_peaks_and_feet_of_the_wave(cohort):
  record = cohort[0]
  abp_t = record.signals["abp_t"]
  for name in ("sbp_t", "dbp_t"):
    mmhg_t = record.annotations[name]
    index = np.flatnonzero(np.isfinite(mmhg_t))
    np.testing.assert_array_equal(mmhg_t[index], abp_t[index])
  peaks = np.flatnonzero(np.isfinite(record.annotations["sbp_t"]))
  for peak in peaks[1:-1]:
    assert abp_t[peak] == np.nanmax(abp_t[peak - 20:peak + 20])


def test_pressures_are_spread_as_those_of_people(cohort):
  every = np.stack([pressures(record) for record in cohort])
  total = every.reshape(-1, 2).std(0)
  within = np.sqrt(every.var(1).mean(0))
  assert total == pytest.approx([18, 11], rel=0.25)
  assert within == pytest.approx([6.7, 4.6], rel=0.35)


def test_the_pulse_wave_is_faster_where_the_pressure_is_higher():
  person = draw_person(np.random.default_rng(0), config_of().data)
  assert pwv_at(person, 120) > pwv_at(person, 80) > 0


def test_without_subject_effects_the_same_pressure_gives_the_same_pulse():
  config = config_of(data__simulate_subject_effects=0.0).data
  first, second = (draw_person(np.random.default_rng(i), config) for i in (1, 2))
  for name in ("ejection_s", "decay_s", "smoothing_s", "reflection", "width_mmhg", "contact_mmhg"):
    assert getattr(first, name) == getattr(second, name)
  with_effects = config_of().data
  first, second = (draw_person(np.random.default_rng(i), with_effects) for i in (1, 2))
  assert first.ejection_s != second.ejection_s


def test_without_change_a_persons_pressure_stays():
  [still] = people(1, stretches=6, data__simulate_pressure_change=0.0)
  [moving] = people(1, stretches=6)
  assert pressures(still).std(0).max() < 1.5 < pressures(moving).std(0).max()


def test_without_artefacts_the_ppg_is_the_volume_of_the_vessels():
  [clean] = people(1, data__simulate_artefacts=0.0)
  [noisy] = people(1)
  steps = [np.nanstd(np.diff(record.signals["ppg_t"], 3)) for record in (clean, noisy)]
  assert steps[0] < 0.5 * steps[1]


def test_a_rendered_stretch_has_the_rate_it_was_asked_for():
  config = config_of().data
  person = draw_person(np.random.default_rng(3), config)
  state = simulated_pulse.State(95, 45, 72, person.reflection, 35, 0.25)
  pulse = simulated_pulse.render(person, state, 30.0, np.random.default_rng(1))
  beats = np.isfinite(pulse.sbp_t).sum()
  assert beats == pytest.approx(36, abs=2)


def test_the_null_cohort_has_the_errors_of_closed_forms():
  """SD 16 between and 6 within: what any predictor without the pressure can and cannot do."""
  config = config_of(data__cohort="null", data__simulate_stretches=8).data
  records = list(simulate(0, 150, config))
  truth = []
  for record in records:
    beats = beats_of(record)["sbp"]
    truth.append([beats.inside(11.0 * k, 11.0 * k + 7)[0] for k in range(8)])
  truth_s_k = np.array(truth)
  factor = np.sqrt(2 / np.pi)
  mean = np.abs(truth_s_k - truth_s_k.mean()).mean()
  assert mean == pytest.approx(factor * np.hypot(16, 6), rel=0.1)
  nearest = np.abs(truth_s_k[:, 1:] - truth_s_k[:, :-1]).mean()      # the same person, mixed split
  assert nearest == pytest.approx(factor * 6 * np.sqrt(2), rel=0.1)
  known = np.abs(truth_s_k[:, 7] - truth_s_k[:, :7].mean(1)).mean()
  assert known == pytest.approx(factor * 6 * np.sqrt(1 + 1 / 7), rel=0.2)
