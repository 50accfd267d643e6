"""Nested cross-validation: hyper-parameters are chosen fold by fold, without the test groups."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig.report.averages import group_means
from jaxsig.rows import Row
from jaxsig.statistics import weighted_interval_score
from jaxsig.system import Metric

MOST_CANDIDATES = 8   # trainings times readings: choosing among many by few groups means nothing
NO_ANSWER = 10.0      # what a unit without an estimate costs, in the metric's unit

Changes = Mapping[str, object]   # nested overrides of a config


class Choice(NamedTuple):
  """What a fold chose, by which scores."""
  candidate: str
  reading: str                 # the name of a reading; empty: the plain one
  scores: Mapping[str, float]  # {"candidate" or "candidate, reading": score}, less is better


def trials(config: ConfigDict, candidates: Mapping[str, Changes], readings: Mapping[str, Changes],
           inner_folds: int) -> dict[str, ConfigDict]:
  """{candidate: config} of the trainings on the inner split, each read in all `readings`.

  One choice serves all seeds of a fold: the first seed makes it.
  """
  labelled = {name: {**changes, "label": name} for name, changes in readings.items()}
  inner = {
      "split.inner_folds": inner_folds,
      "split.seeds": tuple(config.split.seeds)[:1],
      "run.ablations": False,
      "baselines.run": False,
      "readings": labelled,
  }
  made = {}
  for name, changes in candidates.items():
    made[name] = configs.override(config, {**configs.changes(changes), **inner})
  return made


def choose_by_fold(
    rows: Mapping[str, Sequence[Row]],
    method: str,
    primary: str,
    metric: Metric,
) -> dict[int, Choice]:
  """The best of the candidates' readings for each fold, by the mean of its score over inner groups.

  The score of an error metric is the weighted interval score, of any other its value, turned where
  more is better.

  Args:
    rows: {candidate: rows of its trial}; the method `method` is the plain reading, "method,
      reading" another.
    method: what the system is called.
    primary: the key of the metric.
    metric: of that key.
  """
  of_fold = defaultdict(lambda: defaultdict(list))
  for candidate, own in rows.items():
    for row in own:
      if row.key == primary and row.included:
        reading = row.method.removeprefix(method).removeprefix(", ")
        of_fold[row.stamp.fold][candidate, reading].append(row)

  chosen = {}
  for fold, of_candidate in sorted(of_fold.items()):
    scores = {key: _score(some, metric) for key, some in of_candidate.items()}
    candidate, reading = min(scores, key=scores.get)
    named = {}
    for key, score in scores.items():
      name = ", ".join(part for part in key if part)
      named[name] = round(score, 4)
    chosen[fold] = Choice(candidate, reading, named)
  return chosen


def _score(rows: Sequence[Row], metric: Metric) -> float:
  def cost(row: Row) -> float:
    if metric.is_error:
      return NO_ANSWER if row.estimate is None else weighted_interval_score(row)
    if row.value is None:
      return NO_ANSWER
    return -row.value if metric.better == "higher" else row.value

  means = group_means(rows, cost)
  return sum(means.values()) / len(means)


def finals(config: ConfigDict, candidates: Mapping[str, Changes], readings: Mapping[str, Changes],
           chosen: Mapping[int, Choice]) -> dict[str, ConfigDict]:
  """{name: config}: what each fold chose, joined where several chose alike, the commonest first."""
  folds = defaultdict(list)
  for fold, choice in chosen.items():
    folds[choice.candidate, choice.reading].append(fold)

  made = {}
  for (candidate, reading), own in sorted(folds.items(), key=lambda item: -len(item[1])):
    changes = configs.changes(candidates[candidate])
    read = configs.flat(readings.get(reading, {}))
    changes |= {f"read.{key}": value for key, value in read.items()}
    changes["split.folds"] = tuple(own)
    name = "_".join(part for part in (candidate, reading) if part)
    made[name] = configs.override(config, changes)
  return made
