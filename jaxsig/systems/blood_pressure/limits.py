"""What a model of blood pressure cannot do, in sentences with the figures that show it."""
from collections.abc import Mapping

from jaxsig.system import Plain
from jaxsig.systems.blood_pressure.score import WINDOW

MEAN, READINGS = "constant", "known_mean"   # the baselines beside which a model is told
WITHOUT, WITH = "ours", "ours, mean reading + shrunk change"
NOT_BETTER = 0.95   # of the baseline's error: what is not below is called no better


def limits(figures: Plain) -> list[str]:
  """The sentences for a model's card: without readings of a cuff, and with them.

  Args:
    figures: of subjects who were held out, as `system.Told.figures`; may be empty.
  """
  sentences = [
      "**The PPG tells little of a stranger's blood pressure.** What this model says without a "
      "reading of a cuff is not to be used; with readings it says those, moved by what little of "
      "their change a PPG shows, and how far they may be off."
  ]
  for sentence in (without_reading(figures), with_readings(figures)):
    if sentence:
      sentences.append(sentence)
  return sentences


def without_reading(figures: Plain) -> str:
  """The sentence on estimates without a reading; empty where no figures are known."""
  own, mean = _both(figures, WITHOUT), _both(figures, MEAN)
  if not own or not mean:
    return ""
  return (
      f"Without a reading of a cuff its mean error on {_subjects(figures)} who were held out is "
      f"{_mmhg(own)}, where saying the mean of people at large has {_mmhg(mean)}: it is "
      f"{_verdict(own, mean)}.")


def with_readings(figures: Plain) -> str:
  """The sentence on estimates with readings; empty where no figures are known."""
  own, mean = _both(figures, WITH), _both(figures, READINGS)
  if not own or not mean:
    return ""
  return (
      f"With readings from the beginning of the same recording it is {_mmhg(own)}, where the mean "
      f"of those readings alone has {_mmhg(mean)}: it is {_verdict(own, mean)}.")


def _both(figures: Plain, method: str) -> tuple[float, ...]:
  """The errors of a method in SBP and DBP; empty where one is not known."""
  errors = []
  for target in ("sbp", "dbp"):
    figure = _metric(figures, target).get(method)
    if figure is None:
      return ()
    errors.append(figure["value"])
  return tuple(errors)


def _metric(figures: Plain, target: str) -> Mapping[str, Plain]:
  return figures.get(f"{WINDOW}/{target}", {})


def _subjects(figures: Plain) -> str:
  return f"{_metric(figures, 'sbp')[WITHOUT]['groups']} subjects"


def _mmhg(errors: tuple[float, ...]) -> str:
  sbp, dbp = errors
  return f"{sbp:.1f}/{dbp:.1f} mmHg"


def _verdict(own: tuple[float, ...], baseline: tuple[float, ...]) -> str:
  gains = [x < NOT_BETTER * other for x, other in zip(own, baseline, strict=True)]
  if all(gains):
    return "better than that"
  if any(gains):
    return "better than that in one of the two only"
  return "no better than that"
