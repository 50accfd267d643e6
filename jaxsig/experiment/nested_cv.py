"""Hyper-parameters chosen inside the training patients: fold by fold, on an inner split that leaves the test patients out."""
from collections import defaultdict
from typing import Any

from jaxsig import config as configs
from jaxsig.report.aggregate import patient_means
from jaxsig.report.statistics import weighted_interval_score

MOST_CANDIDATES = 8
NO_ANSWER = 10.0   # what a window without an estimate costs, in the unit of the rate: about what a guess costs at its worst


def trials(config: Any, candidates: dict, readings: dict, inner_folds: int) -> dict[str, Any]:
  """{candidate: config} of the trainings on the inner split, each read in all `readings` (variants that need no training).

  One choice serves all seeds of a fold: the first seed makes it.
  """
  own = {"split.inner_folds": inner_folds, "split.seeds": tuple(config.split.seeds)[:1], "run_controls": False,
         "run_rivals": False, "variants": readings}
  return {name: configs.override(config, {**configs.changes(changes), **own}) for name, changes in candidates.items()}


def by_fold(rows: dict[str, list[dict]], primary: str) -> dict[int, dict]:
  """The best of the candidates' methods for each fold, by the mean over inner patients of the weighted interval score.

  Args:
    rows: {candidate: rows of its trial}; the method "name" is the plain reading, "name, reading" another.
    primary: the metric.

  Returns:
    {fold: {"candidate", "reading" ("" for the plain one), "scores": {"candidate" or "candidate, reading": score}}}.
  """
  found = defaultdict(lambda: defaultdict(list))
  for candidate, own in rows.items():
    plain = min((row["method"] for row in own), key=len, default="")   # a method's own name may have a comma too
    for row in own:
      if row["metric"] == primary and row["kept"]:
        reading = row["method"].removeprefix(plain).removeprefix(", ")
        found[row["fold"]][candidate, reading].append(row)
  out = {}
  for fold, every in sorted(found.items()):
    score = {key: _score(some) for key, some in every.items()}
    candidate, reading = min(score, key=score.get)
    out[fold] = {"candidate": candidate, "reading": reading, "scores": {", ".join(filter(None, k)): round(v, 4) for k, v in score.items()}}
  return out


def _score(rows: list[dict]) -> float:
  means = patient_means(rows, lambda row: NO_ANSWER if row["estimate"] is None else weighted_interval_score(row))
  return sum(means.values()) / len(means)


def finals(config: Any, candidates: dict, readings: dict, chosen: dict[int, dict]) -> dict[str, Any]:
  """{name: config}: what each fold chose, joined where several chose alike; what most of them chose comes first."""
  folds = defaultdict(list)
  for fold, choice in chosen.items():
    folds[choice["candidate"], choice["reading"]].append(fold)
  out = {}
  for (candidate, reading), own in sorted(folds.items(), key=lambda x: -len(x[1])):
    changes = {**configs.changes(candidates[candidate]), **configs.changes(readings.get(reading, {})), "split.folds": tuple(own)}
    out["_".join(filter(None, (candidate, reading)))] = configs.override(config, changes)
  return out
