"""From a workdir to a shipped model: parameters, config, and a card with figures nobody typed."""
import dataclasses
import pathlib
from collections.abc import Sequence

from jaxsig import config as configs
from jaxsig.data.splits import Member, groups_of
from jaxsig.engine import checkpoint, weights
from jaxsig.errors import UserError
from jaxsig.experiment.readings import method_name
from jaxsig.experiment.workdir import (
  commit_of_code,
  read_about,
  read_config,
  read_members,
  say,
  seen_in,
)
from jaxsig.plurals import count
from jaxsig.prediction import model as models
from jaxsig.prediction.model import Model
from jaxsig.report import wording
from jaxsig.report.averages import Estimate
from jaxsig.report.evidence import evidence, evidence_text, figures_of
from jaxsig.stored_files import AGAIN

# in which evidence may differ from the model: not who is held out, nor how it is read
FREE = ("split", *configs.READING)


def export(
    workdir: pathlib.Path,
    output: pathlib.Path,
    evidence_workdirs: Sequence[pathlib.Path],
    config: configs.ConfigDict | None = None,
) -> None:
  """Writes the model of a workdir's first member to `output`.

  Args:
    workdir: of a training; with split.kind=all it has learnt from every group.
    output: the model's folder; its last part is the name.
    evidence_workdirs: of the same config but for the split, with a report: the figures of groups
      that were held out.
    config: the one that trained it, where the workdir's own is not to be used or is lost.

  Raises:
    UserError: no finished training, evidence of another config or without report, a model too
      large, an unwritable folder.
  """
  _require_free(output)
  model = models.from_workdir(workdir, config)
  member = read_members(workdir)[0]
  texts = [_evidence(folder, model) for folder in evidence_workdirs]
  if evidence_workdirs:
    model = dataclasses.replace(model, figures=figures_of(evidence_workdirs[0]))
  seen = seen_in(workdir, member)
  name = output.resolve().name
  text = card(name, model, workdir, member, texts)
  folder = models.save(output.resolve().parent, name, model, text, seen)
  models.load(folder)   # what cannot be read again is no export
  size = sum(path.stat().st_size for path in folder.iterdir())
  say(f"written to {output}: {model.parameters:,} parameters, {size / 2**20:.2f} MiB")


def _require_free(output: pathlib.Path) -> None:
  """Raises UserError where an export would replace what is no exported model."""
  if (output / "split.json").exists():
    raise UserError(
        f"{output} is the workdir of a training: name a folder of its own with --output")
  there = [name for name in weights.FILES if (output / name).exists()]
  if there and not all((output / name).exists() for name in weights.FILES):
    raise UserError(
        f"{output} holds a {there[0]} and is no exported model: name a folder of its own with "
        "--output")


def card(
    name: str,
    model: Model,
    workdir: pathlib.Path,
    member: Member,
    evidence_texts: Sequence[str],
) -> str:
  """The card of a model as Markdown: its use, what it was made from, its limits and figures."""
  words = model.system.protocol.words
  groups = words.groups
  lines = [
    f"# {name}",
    "",
    f"To estimate what a {words.record} allows, for research and for trying out. "
    "**Not a medical device**: not for diagnosis, monitoring or any decision about a person.",
    "",
    "## Limits",
    "",
    *_limits(model),
    f"The figures below hold for {groups} and {words.records} like those of the training data; "
    "elsewhere expect worse. Where a signal is lost, or the model says nothing, there is no "
    "answer; answers that are called doubtful are to be left out of any summary that matters. "
    "On what it was trained on, the model looks better than it is.",
    "",
    "## Made from",
    "",
    *_data_lines(workdir),
    *_base_lines(model.config.init_from),
    *_group_lines(f"{groups.capitalize()} trained on", _trained_on(workdir, member)),
    *_group_lines(f"{groups.capitalize()} for validation only", groups_of(member.val)),
    *_group_lines(f"{groups.capitalize()} held out", _held_out(workdir, member)),
    *_training_lines(model, workdir, member),
    "",
    f"## Figures of {groups} that were held out",
    "",
    *(evidence_texts or ["None are given with this model: no honest figure is known."]),
    *_beside(model),
  ]
  return "\n".join(lines).rstrip() + "\n"


def _limits(model: Model) -> list[str]:
  """The sentences of the model's system on what it cannot do."""
  limits = model.system.own and model.system.own.limits
  if not limits:
    return []
  lines = []
  for sentence in limits(model.figures or {}):
    lines += [sentence, ""]
  return lines


def _beside(model: Model) -> list[str]:
  """The figures of all other methods on the same groups, in a table a metric."""
  lines = []
  for key, methods in (model.figures or {}).items():
    lines += ["", f"Beside others, {key}:", "", f"| method | {key} [95 % CI] |", "| --- | ---: |"]
    for method, figure in methods.items():
      estimate = Estimate(figure["value"], figure["low"], figure["high"])
      lines.append(f"| {method} | {wording.interval(estimate)} |")
  return lines


def _held_out(workdir: pathlib.Path, member: Member) -> list[str]:
  """The groups that a member tests and that nothing before it has seen."""
  seen = set(seen_in(workdir, member))
  return [group for group in groups_of(member.test) if group not in seen]


def _trained_on(workdir: pathlib.Path, member: Member) -> list[str]:
  """The groups that a member or its bases were trained on: all seen but its validation's."""
  validation = set(groups_of(member.val))
  return [group for group in seen_in(workdir, member) if group not in validation]


def _data_lines(workdir: pathlib.Path) -> list[str]:
  data = read_about(workdir)["data"]
  if not data:
    raise UserError(f"{workdir / 'about.json'} is missing or says nothing of the data: {AGAIN}")
  records = count(len(data.get("records", [])), "record", "records")
  lines = [f"- Data: {data.get('source', 'unknown')}, {records}, "
           f"fingerprint {data.get('fingerprint', 'unknown')}"]
  if data.get("licence"):
    lines.append(f"- Licence of the data: {data['licence']}")
  lines += [f"- Cite: {text}" for text in data.get("citation", [])]
  return lines


def _base_lines(init_from: str) -> list[str]:
  """What the training started from, in a line."""
  path = pathlib.Path(init_from)
  if not init_from or weights.is_model(init_from):
    return []
  data = read_about(path)["data"]
  if not data:
    return []
  records = count(len(data.get("records", [])), "record", "records")
  return [f"- Started from a training on: {data.get('source', 'unknown')}, {records}, "
          f"fingerprint {data.get('fingerprint', 'unknown')}"]


def _group_lines(what: str, groups: Sequence[str]) -> list[str]:
  if not groups:
    return []
  return [f"- {what}: {len(groups)} ({', '.join(groups)})"]


def _training_lines(model: Model, workdir: pathlib.Path, member: Member) -> list[str]:
  folder = workdir / "members" / member.name / "checkpoints"
  step = max(checkpoint.steps(folder))
  return [
    f"- System: {method_name(model.config)} (system {model.config.system}), "
    f"{model.parameters:,} parameters, step {step}, seed {member.seed}",
    f"- Config {model.made_by} (`config.json`), exported at commit {commit_of_code()}",
  ]


def _evidence(workdir: pathlib.Path, model: Model) -> str:
  """The figures of a report in words: of the model by itself, and as it reads a user's own file."""
  config = read_config(workdir)
  keys = _differing(model, config)
  if keys:
    raise UserError(
        f"the figures in {workdir} are of another config, which differs in {', '.join(keys[:5])}: "
        "they say nothing of this model")
  methods = [method_name(model.config)]
  label, read = configs.reading(config, _own_reading(config))
  if label:
    methods.append(method_name(read, label))
  return "\n".join(evidence_text(evidence(workdir, method)) for method in methods)


def _own_reading(config: configs.ConfigDict) -> str:
  own = config.get("own")
  if own is None:
    return ""
  return own.get("reading", "")


def _differing(model: Model, other: configs.ConfigDict) -> list[str]:
  """The keys in which two configs make other models, whoever is held out."""
  keys = []
  for key in configs.differing(model.config, other):
    if configs.section_of(key) not in FREE and key != "init_from":
      keys.append(key)
  if pathlib.Path(model.config.init_from).name != pathlib.Path(other.init_from).name:
    keys.append("init_from")
  return keys
