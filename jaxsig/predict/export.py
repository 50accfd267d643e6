"""From a workdir to a shipped model: its first member's averaged parameters, its config, and a card with figures nobody typed."""
import json
import pathlib
from typing import Any

import jax

from jaxsig import config as configs
from jaxsig.engine import checkpoint
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate
from jaxsig.experiment.sweep import say
from jaxsig.predict import model as shipped

USE = ("To estimate what the recording's windows allow, with an interval and a quality for each, for research and for trying out. "
       "**Not a medical device**: not for diagnosis, monitoring or any decision about a patient.")
LIMITS = ("The figures below hold for patients, sensors and sites like those of the training data; elsewhere expect worse. "
          "Where signal is lost, or nothing was learnt from a window, the answer is \"no estimate\"; \"doubtful\" ones are to be left out "
          "of any summary that matters. On the recordings that it was trained on, the model looks better than it is.")


def export(workdir: pathlib.Path, output: pathlib.Path, evidence: list[pathlib.Path]) -> None:
  """Writes the model of a workdir's first member to `output`.

  Args:
    workdir: of a training; with split.kind=all it has learnt from every patient.
    output: the model's folder; its last part is the name.
    evidence: workdirs of the same config but for the split, with a report: the figures of held-out patients.

  Raises:
    UserError: no finished training, evidence of another config or without report, a model too large, an unwritable folder.
  """
  model, member = shipped.from_workdir(workdir), shipped.first_member(workdir)
  text = card(output.name, model, workdir, member, [_evidence(w, model) for w in evidence])
  folder = shipped.save(output.parent, output.name, model.params, model.config, text, model.stats, member.train + member.val)
  shipped.load(folder)   # what cannot be read again is no export
  size = sum(p.stat().st_size for p in folder.iterdir())
  say(f"written to {folder}: {_count(model.params):,} parameters, {size / 2**20:.2f} MiB")


def card(name: str, model: shipped.Model, workdir: pathlib.Path, member: Any, evidence: list[str]) -> str:
  """The card as Markdown."""
  data = json.loads((workdir / "config.json").read_text()).get("data_card", {})
  folder = workdir / "members" / member.name / "checkpoints"
  step = max(checkpoint.steps(folder))
  meta = checkpoint.read_meta(folder, step)
  patients = lambda what, ids: [f"- {what}: {len(ids)} ({', '.join(ids)})"] if ids else []
  citations = [f"- Cite: {text}" for text in data.get("citation", [])]
  none = "None are given with this model: no honest figure is known."
  lines = [
      f"# {name}", "", USE, "",
      "## Made from", "",
      f"- Data: {data.get('source', 'unknown')}, {len(data.get('records', []))} recordings, fingerprint {meta['data']}",
      *([f"- Licence of the data: {data['licence']}"] if data.get("licence") else []), *citations,
      *_base(model.config.init_from), *patients("Patients trained on", member.train), *patients("Patients for validation only", member.val),
      *patients("Patients held out", member.test),
      f"- System: {model.task.method} (task {model.config.task}), {_count(model.params):,} parameters, step {step}, seed {member.seed}",
      f"- Config {meta['config']} (`config.json`), exported at commit {evaluate.commit_of_code()}", "",
      "## Limits", "", LIMITS, "",
      "## Figures of patients that were held out", "", *(evidence or [none])]
  return "\n".join(lines).rstrip() + "\n"


def _base(init_from: str) -> list[str]:
  """What the training started from, in a line."""
  path = pathlib.Path(init_from) / "config.json"
  if not init_from or not path.is_file():
    return []
  data = json.loads(path.read_text()).get("data_card", {})
  return [f"- Started from a training on: {data.get('source', 'unknown')}, {len(data.get('records', []))} recordings, fingerprint "
          f"{data.get('fingerprint', 'unknown')}"]


def _count(params: Any) -> int:
  return sum(x.size for x in jax.tree.leaves(params))


def _evidence(workdir: pathlib.Path, model: shipped.Model) -> str:
  """The figures of a report in words, from its table.json."""
  paths = [p for p in (workdir / "report" / "table.json", workdir / "table.json") if p.is_file()]
  try:
    settings, table = json.loads((workdir / "config.json").read_text()), json.loads(paths[0].read_text())
    primary, unit = table["report"]["primary"], table["report"].get("unit", "")
    metric = table["metrics"][primary]
    ours = model.task.method if model.task.method in metric["methods"] else table["reference"]
    found = metric["methods"][ours]
  except (OSError, ValueError, LookupError):
    raise UserError(f"{workdir} holds no report of a training (config.json and report/table.json): "
                    "name the workdir of an evaluation with --workdirs, or leave that out") from None
  if keys := _differing(model.config, shipped.as_config(settings)):
    raise UserError(f"the figures in {workdir} are of another config, which differs in {', '.join(keys[:5])}: "
                    "they say nothing of this model")
  x, head = found["kept"], ["**Simulated recordings: not evidence about patients.**", ""] if table["simulated"] else []
  further = [f"- {what}: {x[key]:{form}}" for key, what, form in (
      ("rmse", "RMSE", ".2f"), ("bias", "bias", "+.2f"), ("within", f"within {table['report'].get('within', 0):g}", ".0%"),
      ("coverage", "windows with an estimate", ".0%")) if x.get(key) is not None]
  inside = (table.get("uncertainty", {}).get(ours) or {}).get("inside") or {}
  further += [f"- truths inside the {level} % interval: {share:.0%}" for level, share in inside.items()]
  by = [f"- {name}: {_interval(s)} ({metric['strata'][name]['patients']} patients)"
        for name, s in found["strata"].items() if s["mean"] is not None]
  origin = [f"- {label}: {text}" for label, text in table["origin"] if label not in ("Licence", "Citation")]
  return "\n".join([*head, f"{ours}, {primary}: the mean over {x['patients']} patients of the mean absolute error of {x['units']} "
                    "windows, with its 95 % interval.", "", f"- all: {_interval(x)} {unit}", *by, *further, *origin, ""])


def _differing(config: Any, other: Any) -> list[str]:
  """The keys in which two configs make other models or predictions: not who is held out, nor where the same base lies."""
  keys = [k for k in configs.differing(config, other) if k.partition(".")[0] not in ("split", "variants", "run_rivals", "method")]
  same_base = pathlib.Path(config.init_from).name == pathlib.Path(other.init_from).name
  return [k for k in keys if k != "init_from" or not same_base]


def _interval(x: dict) -> str:
  return "none" if x["mean"] is None else f"{x['mean']:.2f}" + (f" [{x['low']:.2f}, {x['high']:.2f}]" if x["low"] is not None else "")
