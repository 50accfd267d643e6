"""Sentences on what a model cannot do."""
from jaxsig.systems.blood_pressure import limits


def figures(own, mean, read=6.9, known=6.9):
  """Errors of methods in both targets."""
  methods = {
      limits.WITHOUT: own,
      limits.MEAN: mean,
      limits.WITH: read,
      limits.READINGS: known,
  }
  of_metric = {}
  for method, value in methods.items():
    of_metric[method] = {"value": value, "low": value - 1, "high": value + 1, "groups": 60}
  return {f"{limits.WINDOW}/{target}": of_metric for target in ("sbp", "dbp")}


def test_what_is_no_better_than_the_mean_is_told():
  sentence = limits.without_reading(figures(25.0, 24.7))
  assert "25.0/25.0 mmHg" in sentence and "24.7/24.7" in sentence and "60 subjects" in sentence
  assert sentence.endswith("it is no better than that.")
  assert limits.without_reading(figures(15.0, 24.7)).endswith("it is better than that.")
  assert limits.with_readings(figures(25.0, 24.7, 6.0, 6.9)).endswith("it is better than that.")


def test_better_in_one_is_told_so():
  mixed = figures(25.0, 24.7)
  better = figures(15.0, 24.7)
  key = f"{limits.WINDOW}/dbp"
  mixed[key] = better[key]
  assert "one of the two only" in limits.without_reading(mixed)


def test_a_card_leads_with_the_limit_even_without_figures():
  assert limits.without_reading({}) == "" and limits.with_readings({}) == ""
  assert len(limits.limits({})) == 1
  assert len(limits.limits(figures(25.0, 24.7))) == 3
