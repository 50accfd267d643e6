"""Checks of settings before anything is read or written."""
from collections.abc import Callable, Mapping

from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig import paths
from jaxsig import system as systems
from jaxsig.errors import UserError
from jaxsig.experiment.readings import require_names
from jaxsig.experiment.shared_settings import RELATIONS, SETTINGS
from jaxsig.report.averages import direction
from jaxsig.report.settings import Settings, keys_of_name, read_settings
from jaxsig.setting_rules import mistake, rule_of

SECTIONS = (
    "data",
    "split",
    "model",
    "loss",
    "optim",
    "train",
    "read",
    "readings",
    "baselines",
    "own",
    "report",
    "run",
)


def require_experiment(config: ConfigDict) -> None:
  """Raises UserError where it is not the config of one experiment, but a sweep's list."""
  if not isinstance(config, ConfigDict):
    raise UserError(
        f"a config is wanted, not {config!r}: give what jaxsig.load_config('configs/FILE.py') "
        "returns")
  configs.require_data(config)
  if "experiments" in config and "system" not in config:
    raise UserError(
        "this config lists the experiments of a sweep: run it with --mode=sweep, or name one of "
        "the configs that it lists")
  if not isinstance(config.get("system"), str):
    raise UserError(
        "the config names no system: start it from configs/base.py and set config.system")


def require_runnable(config: ConfigDict) -> systems.System:
  """The system of a config that can be trained or evaluated.

  Raises:
    UserError: see `require_settings`; or there is nothing to train and nothing trained, or the
      config asks for what its system does not have.
  """
  require_settings(config)
  require_known(config)
  _require_base(config)
  system = systems.make(config)
  require_names(config, system)
  _require_metrics(config, system)
  _require_curvature(config, system)
  return system


def require_known(config: ConfigDict) -> None:
  """Raises UserError where a config has a setting that nothing reads.

  A model that was stored by another version may have some, and a system without a table of settings
  may read any.
  """
  own = systems.rules_of(config).settings
  if not own:
    return
  rules = {**SETTINGS, **own}
  for key, value in configs.flat(config).items():
    is_known = rule_of(key, rules) is not None or configs.section_of(key) in configs.NAMED
    if is_known or value == {}:
      continue
    section = configs.section_of(key)
    inside = [one for one in rules if "*" not in one and configs.section_of(one) == section]
    raise UserError(
        f"nothing reads config.{key}: correct or remove it{configs.nearest(key, inside or rules)}")


def require_settings(config: ConfigDict) -> None:
  """Checks every setting, those of readings and ablations too.

  Raises:
    UserError: a setting that is missing or outside of its rule, or some that do not go together.
  """
  require_experiment(config)
  for section in SECTIONS:
    if not isinstance(config.get(section), ConfigDict):
      raise UserError(
          f"the config has no section {section!r}: start it from configs/base.py, as the files of "
          "configs/ do")
  _require_one(config)
  _require_changes(config)
  for label, changed in configs.readings(config).items():
    if label:
      _require_variant(f"the reading {label!r}", _require_one, changed)
  configs.reading(config, config.own.reading)
  for name, changes in config.get("ablations", {}).items():
    dotted = {**configs.changes(changes), "ablations": {}}
    ablation = configs.override(config, dotted)
    _require_variant(f"the ablation {name!r}", require_settings, ablation)


def _require_one(config: ConfigDict) -> None:
  own = systems.rules_of(config)
  values = configs.flat(config)
  rules = {**SETTINGS, **own.settings}
  for key, rule in rules.items():
    is_required = "*" not in key and not rule.is_optional
    if is_required and key not in values:
      raise UserError(
          f"the config has no {key}: start it from configs/base.py, or from a config of its system")
  for key, value in values.items():
    rule = rule_of(key, rules)
    if rule is not None and not rule.holds(value):
      raise UserError(mistake(key, value, rule))

  read_settings(config.report)
  for relation in (*RELATIONS, *own.relations):
    relation(config)


def _require_variant(
    name: str,
    check: Callable[[ConfigDict], None],
    config: ConfigDict,
) -> None:
  try:
    check(config)
  except UserError as error:
    raise UserError(f"{name}: {error}") from None


def _require_changes(config: ConfigDict) -> None:
  """Readings and ablations are changes by name."""
  for section, example in (("readings", "{'label': 'fast', 'seed': 1}"),
                           ("ablations", "{'train': {'steps': 100}}")):
    named = config.get(section, {})
    if not isinstance(named, (Mapping, ConfigDict)):
      raise UserError(f"config.{section} is {named!r}: leave it empty, or give changes by name")
    for name in named:
      paths.require_name(name, f"a name in config.{section},")
      if not isinstance(named[name], (Mapping, ConfigDict)):
        raise UserError(
            f"config.{section} {name!r} holds {named[name]!r}: give the settings that it changes, "
            f"as in {example}")
  for name in config.readings:
    label = config.readings[name].get("label", name)
    if not isinstance(label, str):
      raise UserError(f"the reading {name!r} has the label {label!r}: give it a label of text")


def _require_base(config: ConfigDict) -> None:
  """A config without training needs trained parameters from elsewhere."""
  if config.init_from:
    return
  remedy = "this needs config.init_from, the workdir of a training or a shipped model"
  if not config.train.steps:
    raise UserError(f"train.steps=0 trains nothing: {remedy}, or set train.steps above 0")
  if config.split.kind == "external":
    raise UserError(f"split.kind=external trains nothing: {remedy}")


def _require_metrics(config: ConfigDict, system: systems.System) -> None:
  """What the report is to show is among the system's metrics and their targets."""
  known = system.protocol.metrics
  report = read_settings(config.report)
  asked = [*report.primary, *report.metrics, *[claim.metric for claim in report.claims]]
  for key in filter(None, [*asked, report.against]):
    name, _, target = key.partition("/")
    if name not in known:
      raise UserError(
          f"config.report asks for the metric {name!r}, which this system does not "
          f"have{configs.nearest(name, known)}")
    if target and target not in known[name].targets:
      raise UserError(
          f"config.report asks for the target {target!r} of the metric {name!r}, which it does not "
          f"have{configs.nearest(target, known[name].targets)}")
  _require_against(report)
  _require_claims(report, known)


def _require_claims(report: Settings, known: Mapping[str, systems.Metric]) -> None:
  """A claim without a margin is on a metric that is better one way."""
  for claim in report.claims:
    keys = report.primary
    if claim.metric:
      keys = (claim.metric,)
    for key in keys:
      if claim.margin is None and direction(known[key.partition("/")[0]]) == 0:
        raise UserError(
            f"report.claims: {claim.text!r} is on {key!r}, of which neither more nor less is "
            "better: give the claim a margin, or name another metric")


def _require_against(report: Settings) -> None:
  """What the primary metric is drawn against is one of the report's metrics."""
  shown = [*report.primary, *report.metrics]
  against = report.against
  if not against or against in shown or against.partition("/")[0] in shown:
    return
  if not keys_of_name(against, shown):
    raise UserError(
        f"config.report.against is {against!r}, which the report does not show: put it into "
        "report.metrics too")


def _require_curvature(config: ConfigDict, system: systems.System) -> None:
  if config.optim.name == "gauss_newton" and "curvature" not in system.task.extras:
    raise UserError(
        "config.optim.name 'gauss_newton' needs a task that tells its curvature, and this one does "
        "not: use adam or sgd")
