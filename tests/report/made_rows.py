"""Rows, a protocol and workdirs for the tests of reports."""

import dataclasses
import json

import numpy as np

from jaxsig.report.join import Results
from jaxsig.report.rows import to_plain
from jaxsig.rows import Row, Stamp
from jaxsig.system import Baseline, Metric, Protocol, Words

PRIMARY, FURTHER = "rate_win60", "corr_win60"
SETTINGS = {
  "primary": PRIMARY,
  "metrics": [FURTHER],
  "strata": {"truth": ("slow", "fast")},
  "title": "Breathing",
  "reference": "ours",
}
ONLY = {**SETTINGS, "metrics": []}
METRICS = {
  PRIMARY: Metric("Rate in 60 s", "breaths/min", is_error=True, within=(2.0,)),
  FURTHER: Metric("Correlation in 60 s", better="higher", decimals=3),
}
WORDS = Words("patient", "patients", "recording", "recordings")
STAMP = Stamp("fold0_seed0", 0, 0, 100, "c1", "d1", "abc", "simulated", False)


def protocol(metrics=None, words=WORDS, **fields):
  baselines = {"rival": Baseline(None, None)}
  return Protocol(
    score=None, metrics={**METRICS, **(metrics or {})}, baselines=baselines, words=words
  )._replace(**fields)


PROTOCOL = protocol()


def stamped(own, **changes):
  """The row with changes of its stamp."""
  return dataclasses.replace(own, stamp=own.stamp._replace(**changes))


def changed(own, **changes):
  return dataclasses.replace(own, **changes)


def row(
  group, record, error, k=0, method="ours", metric=PRIMARY, truth=15.0, seed=0, stratum="", **more
):
  """One row; error None: no estimate."""
  estimate = None if None in (error, truth) else truth + error
  stratum = stratum or ("fast" if truth > 12 else "slow")
  fields = {
    "unit": f"{60 * k}-{60 * k + 60} s",
    "start_s": 60.0 * k,
    "truth": truth,
    "estimate": estimate,
    "strata": {"truth": stratum},
    "method": method,
    "stamp": STAMP._replace(seed=seed, member=f"fold0_seed{seed}"),
  }
  return Row(metric=metric, group=group, record=record, **{**fields, **more})


def value(group, record, x, method="ours", k=0, metric=FURTHER, **more):
  return row(
    group,
    record,
    None,
    k,
    method,
    metric,
    **{"truth": None, "stratum": "none", "strata": {}, "value": x, **more},
  )


# Patient A: recording a1 with errors 1, -3 (mean size 2) and a2 with 10; patient B: one window
# without error.
UNEVEN = [row("A", "a1", 1.0), row("A", "a1", -3.0, 1), row("A", "a2", 10.0), row("B", "b1", 0.0)]


def full_rows():
  rival = [row(r.group, r.record, 2.0, method="rival", unit=r.unit) for r in UNEVEN]
  lost = [
    row("B", "b1", e, 1, m, included=False, why="annotators differ")
    for m, e in (("ours", 3.0), ("rival", 7.0))
  ]
  values = [
    value(r.group, r.record, 0.3 + 0.01 * i, m)
    for m in ("ours", "rival")
    for i, r in enumerate(UNEVEN[1:])
  ]
  return UNEVEN + rival + lost + values


def results(rows, **more):
  return Results(rows, **more)


def as_method(rows, method):
  return [changed(r, method=method) for r in rows]


def workdir(folder, rows, settings=SETTINGS, methods=(), **config):
  """A workdir with rows, a member's curves (the last line torn), a split and predictions."""
  (folder / "members/fold0_seed0").mkdir(parents=True)
  data = {
    "licence": "ODC-By 1.0",
    "citation": ["Doe <2016>, https://doi.org/10.1/x"],
    "records": ["a1"],
  }
  (folder / "about.json").write_text(json.dumps({"methods": list(methods), "data": data}))
  (folder / "config.json").write_text(json.dumps({"system": "t", "report": settings, **config}))
  (folder / "rows.jsonl").write_text("".join(json.dumps(to_plain(r)) + "\n" for r in rows))
  whole = lambda groups: [[g, f"{g}1", 0.0, None] for g in groups]
  member = {
    "member": "fold0_seed0",
    "fold": 0,
    "seed": 0,
    "leaks": False,
    "test": whole("AB"),
    "val": whole("C"),
    "train": whole("DE"),
    "adapt": [["A", "a1", 0.0, 30.0]],
  }
  (folder / "split.json").write_text(json.dumps({"source": "simulated", "members": [member]}))
  lines = [
    json.dumps({"step": s, "loss": 1 / s, **({"val_loss": 2 / s} if s % 2 == 0 else {})})
    for s in range(1, 9)
  ]
  (folder / "members/fold0_seed0/scalars.jsonl").write_text("\n".join(lines) + '\n{"step": 9, "lo')
  for record in {r.record for r in rows}:
    path = folder / f"predictions/fold0_seed0/ours/{record}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, wave_t=np.arange(240) / 2, rate_hz=2.0, name=np.array(record))
  return folder


def change_json(path, **changes):
  path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def section(text, title):
  """The lines of one table in Markdown, as lists of cells, without rules."""
  after = [part for part in text.split("### ")[1:] if part.split("\n")[0].split(" (`")[0] == title]
  assert len(after) == 1, f"{len(after)} tables {title!r} in {text}"
  lines = [line for line in after[0].splitlines() if line.startswith("|")]
  cells = [[cell.strip() for cell in line[1:-1].replace("\\|", "\0").split("|")] for line in lines]
  return [[cell.replace("\0", "|") for cell in line] for line in cells if line[0] != "---"]


def cells(text, title):
  """{first cell: the others} of a table in Markdown, the heading too."""
  return {line[0]: line[1:] for line in section(text, title)}
