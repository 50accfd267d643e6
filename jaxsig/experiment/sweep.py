"""Experiments into workdirs: one with its ablations, or a list of them."""
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig import paths
from jaxsig import system as systems
from jaxsig.data import cache
from jaxsig.data.splits import Member, groups_of, members
from jaxsig.engine import mesh
from jaxsig.engine.log import phase
from jaxsig.engine.run import Run, make_run
from jaxsig.engine.start import require_base, require_same_data, seen_groups
from jaxsig.engine.train import train
from jaxsig.errors import UserError
from jaxsig.experiment import checks, lists, nested_cv
from jaxsig.experiment.evaluate import evaluate
from jaxsig.experiment.joined import require_joinable
from jaxsig.experiment.readings import method_name, method_names, require_readable
from jaxsig.experiment.workdir import (
  nothing_left,
  read_config,
  require_same_config,
  say,
  writable,
  write_about,
  write_json,
)
from jaxsig.plurals import count
from jaxsig.report.rows import read_rows
from jaxsig.report.settings import read_settings
from jaxsig.stored_files import read_json


class Opened(NamedTuple):
  """A run and its members."""
  run: Run
  members: list[Member]


def _adaptable(run: Run, every: Sequence[Member]) -> Sequence[Member]:
  """The members, of a personal split without those that have no window to adapt on; they are told.

  Raises:
    UserError: none is left.
  """
  if run.config.split.kind != "personal":
    return every
  windows = run.prepared.windows
  chosen = [member for member in every if len(windows.ids_of(member.trained_on))]
  left_out = [member for member in every if member not in chosen]
  if not chosen:
    raise UserError(
        "no test group has a window in the part that is adapted on: set split.adapt_s above its "
        f"{run.config.split.adapt_s:g} s")
  if left_out:
    names = [f"{member.name} ({', '.join(groups_of(member.test))})" for member in left_out]
    say(f"left out, as no window lies in the part to adapt on: {', '.join(names)}")
  return chosen


def open_run(config: ConfigDict, workdir: pathlib.Path) -> Opened:
  """Loads the data, checks or writes the workdir's config and split, and lists the members.

  Raises:
    UserError: the workdir cannot be written, or is another config's; the differing keys are named.
  """
  system = checks.require_runnable(config)
  config = placed(config)
  require_base(config.init_from)
  cache.source_of(system.data, config)
  workdir = paths.writable_folder(workdir, "--workdir")
  require_same_config(config, workdir)
  with phase("loading the records", show=mesh.is_main()):
    prepared = cache.load(system.data, config)
  run = make_run(config, workdir, system, prepared)
  chosen = _adaptable(run, members(prepared.records, config.split))
  require_readable(run)
  require_same_data(run, chosen)
  seen = {member: seen_groups(run, member) for member in chosen}
  if mesh.is_main():
    writable(workdir)
    write_about(config, workdir, method_names(config), system.data, prepared, seen)
  say(_summary(run, chosen))
  return Opened(run, chosen)


def placed(config: ConfigDict) -> ConfigDict:
  """The config with the paths of its folders as this machine has them.

  Raises:
    UserError: one that is no path of this machine or cannot be used.
  """
  found = {}
  if config.data_dir:
    found["data_dir"] = str(paths.source(config.data_dir, "config.data_dir"))
  if config.cache_dir:
    found["cache_dir"] = str(paths.writable_folder(config.cache_dir, "config.cache_dir"))
  if config.init_from:
    base = paths.place(config.init_from, "config.init_from")
    paths.kind_of(base)
    found["init_from"] = str(base)
  return configs.override(config, found)


def _summary(run: Run, chosen: Sequence[Member]) -> str:
  prepared = run.prepared
  words = run.system.protocol.words
  groups = {record.group for record in prepared.records}
  source = prepared.source
  if source == cache.SIMULATED:
    source = source.upper()
  return (
    f"{count(len(prepared.records), words.record, words.records)} in "
    f"{count(len(groups), 'group', 'groups')} "
    f"({source}, data {prepared.fingerprint}), "
    f"{count(len(chosen), 'member', 'members')}, config {configs.fingerprint(run.config)}"
  )


def experiment(config: ConfigDict, workdir: pathlib.Path, fit: bool = True) -> list[pathlib.Path]:
  """Trains (if `fit`) and evaluates a config, then its ablations (if `run.ablations`).

  Returns:
    Their workdirs: `workdir`, then `workdir/ablations/<name>`.
  """
  checks.require_settings(config)
  workdir = paths.writable_folder(workdir, "--workdir")
  every = {workdir: config}
  called = {"the experiment itself": config}
  for name, ablation in _ablations(config).items():
    every[workdir / "ablations" / name] = ablation
    called[f"the ablation {name!r}"] = ablation
  for one in every.values():   # all of them before the first, which may take hours
    checks.require_runnable(one)
    require_base(placed(one).init_from)
  require_joinable({name: placed(one) for name, one in called.items()})
  return [_one(one, folder, fit) for folder, one in every.items()]


def _ablations(config: ConfigDict) -> dict[str, ConfigDict]:
  """{name: config} of the further trainings of an experiment (none without `run.ablations`)."""
  made = {}
  if config.run.ablations:
    for name, changes in config.ablations.items():
      dotted = {**configs.changes(changes), "run.ablations": False}
      made[name] = configs.override(config, dotted)
  return made


def _one(config: ConfigDict, workdir: pathlib.Path, fit: bool) -> pathlib.Path:
  with nothing_left(workdir):
    run, chosen = open_run(config, workdir)
    if fit:
      train(run, chosen)
    evaluate(run, chosen)
  return workdir


def sweep(listing: ConfigDict, workdir: pathlib.Path) -> list[pathlib.Path]:
  """Runs what is missing of a sweep file's list, each experiment in its own `workdir/<name>`.

  Args:
    listing: what `get_config` of a file in configs/sweeps/ gives: `experiments` = {name: {"config",
      "arg", "overrides"}}, `data_dir` and `cache_dir` for all, and "lead", whose settings the
      joined report takes. "@name" as `init_from` is the workdir of that experiment. With
      "candidates" (overrides by name), "readings" (changes of `read` by name) and "inner_folds"
      each fold first chooses among them inside its training groups.
    workdir: the parent of the experiments' workdirs.

  Returns:
    The workdirs that have rows.
  """
  lists.require_list(listing)
  workdir = paths.writable_folder(workdir, "--workdir")
  configs_of = {}
  for name in lists.in_order(listing):
    configs_of[name] = _config_of(listing.experiments[name], listing, workdir)
  for name, config in configs_of.items():   # all of them before the first, which may take hours
    _require_listed(name, config, listing.experiments[name])
    cache.source_of(systems.make(config).data, placed(config))
    if not lists.base_of(listing.experiments[name]):
      require_base(placed(config).init_from)
  require_joinable(_called(configs_of))
  done = []
  for name, config in configs_of.items():
    one = listing.experiments[name]
    say(f"sweep: {name} ({one['config']}:{one['arg']})")
    runs = {workdir / name: config}
    if "candidates" in one:
      runs = _chosen(config, one, workdir / name)
    for folder, chosen in runs.items():
      done += experiment(chosen, folder)
  done = [folder for folder in done if (folder / "rows.jsonl").stat().st_size]
  if done:
    copy_config(done, workdir)
  return done


def _called(configs_of: Mapping[str, ConfigDict]) -> dict[str, ConfigDict]:
  """{what a sentence calls it: config} of the experiments of a list and their ablations."""
  every = {}
  for name, config in configs_of.items():
    every[f"the experiment {name!r}"] = config
    for ablation, changed in _ablations(config).items():
      every[f"the ablation {ablation!r} of {name!r}"] = changed
  return {name: placed(config) for name, config in every.items()}


def _require_listed(name: str, config: ConfigDict, one: ConfigDict) -> None:
  """Checks an experiment of a list, and what its folds choose from."""
  every = [config]
  if "candidates" in one:
    every += _trials(config, one).values()
  for candidate in every:
    try:
      checks.require_runnable(candidate)
    except UserError as error:
      raise UserError(f"the experiment {name}: {error}") from None


def _config_of(one: ConfigDict, listing: ConfigDict, workdir: pathlib.Path) -> ConfigDict:
  overrides = configs.changes(one["overrides"])
  overrides["data_dir"] = listing.data_dir
  overrides["cache_dir"] = listing.cache_dir
  base = overrides.get("init_from", "")
  if str(base).startswith("@"):
    overrides["init_from"] = str(workdir / lists.base_of(one))
  return configs.load(one["config"], one["arg"], overrides)


def copy_config(workdirs: Sequence[pathlib.Path], folder: pathlib.Path) -> None:
  """Leaves the first workdir's config beside their joined report: an export checks it."""
  require_apart(workdirs, folder)
  if folder in workdirs:
    return
  if mesh.is_main():
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", read_json(workdirs[0] / "config.json"))


def require_apart(workdirs: Sequence[pathlib.Path], folder: pathlib.Path) -> None:
  """Raises UserError where a joined report would lie in the workdir of another training."""
  if folder not in workdirs and (folder / "split.json").exists():
    raise UserError(
        f"{folder} is the workdir of a training: name another folder for the joined report")


def _chosen(
    config: ConfigDict,
    one: ConfigDict,
    folder: pathlib.Path,
) -> dict[pathlib.Path, ConfigDict]:
  """{workdir: config} of what the folds choose; `choice.json` has the scores they chose by."""
  candidates = one["candidates"].to_dict()
  readings = one["readings"].to_dict()
  trials = _trials(config, one)
  if len(candidates) * (1 + len(readings)) > nested_cv.MOST_CANDIDATES:
    raise UserError(
        f"{folder.name} lists more than {nested_cv.MOST_CANDIDATES} candidates and readings: "
        "choosing among many by few groups means nothing; list fewer")
  rows = {}
  for name, trial in trials.items():
    say(f"inner split of {folder.name}: {name}")
    rows[name] = read_rows(_one(trial, folder / "inner" / name, True) / "rows.jsonl")

  primary = read_settings(config.report).primary[0]
  metric = systems.make(config).protocol.metrics[primary.partition("/")[0]]
  chosen = nested_cv.choose_by_fold(rows, method_name(config), primary, metric)
  plain = {fold: choice._asdict() for fold, choice in chosen.items()}
  choice = {"inner_folds": one["inner_folds"], "metric": primary, "folds": plain}
  write_json(folder / "choice.json", choice)
  for fold, choice in chosen.items():
    named = ", ".join(part for part in (choice.candidate, choice.reading) if part)
    say(f"fold {fold} chose {named} of {dict(choice.scores)}")
  finals = nested_cv.finals(config, candidates, readings, chosen)
  return {folder / name: final for name, final in finals.items()}


def _trials(config: ConfigDict, one: ConfigDict) -> dict[str, ConfigDict]:
  """{candidate: config} of the trainings by which folds choose."""
  return nested_cv.trials(
      config,
      candidates=one["candidates"].to_dict(),
      readings=one["readings"].to_dict(),
      inner_folds=one["inner_folds"],
  )


def inspect(config: ConfigDict) -> None:
  """Prints what the data folder holds, what would be skipped and why, its licence and citation."""
  checks.require_settings(config)
  config = placed(config)
  system = systems.make(config)
  words = system.protocol.words
  if cache.source_of(system.data, config) == cache.SIMULATED:
    groups = count(config.data.simulate_groups, words.group, words.groups)
    say("no data folder is read (--config.data_dir is not set, or data.source=simulated): "
        f"the simulator of {config.data.name} would be used, {groups}")
    return
  about = system.data.inspect(pathlib.Path(config.data_dir))
  for record in about["records"]:
    say("  ".join(f"{key} {value}" for key, value in record.items()))
  for record in about["skipped"]:
    say(f"SKIPPED {record['record']}: {record['why']}")
  records = count(len(about["records"]), words.record, words.records)
  say(f"{records}, {len(about['skipped'])} skipped")
  for line in about.get("findings", ()):
    say(line)
  say(f"licence: {about['licence']}")
  for citation in about["citation"]:
    say(f"cite: {citation}")


def report(workdirs: Sequence[pathlib.Path], folder: pathlib.Path) -> None:
  """Writes the joined report of workdirs into a folder and prints its main table."""
  if not mesh.is_main():
    return
  if all(_held_out_nobody(workdir) for workdir in workdirs):
    say("nobody was held out, so there is nothing to report")
    return
  from jaxsig.report.write import write_report  # draws: not needed before
  config, protocol = _config_and_protocol(workdirs)
  with phase("writing the report"):
    write_report(workdirs, folder, config.report, protocol, show=say)


def _held_out_nobody(workdir: pathlib.Path) -> bool:
  """Whether a workdir was evaluated and has no rows, as none of its members has any."""
  path = workdir / "rows.jsonl"
  if not path.is_file() or path.stat().st_size:
    return False
  return not any(workdir.glob("members/*/rows.jsonl"))


def require_table(path: pathlib.Path, name: str) -> None:
  """Raises UserError where a text file lacks the marks of a table."""
  from jaxsig.report import write
  write.block_of(path, name)


def update_table(workdirs: Sequence[pathlib.Path], path: pathlib.Path, name: str) -> None:
  """Writes the main tables between a text file's `table:NAME` marks, and their provenance.

  Args:
    workdirs: evaluated ones.
    path: of the text file; `provenance/NAME.json` in its folder tells what made the rows.
    name: of the mark; with "_short" at its end only the first table is written.
  """
  from jaxsig.report import provenance, write
  config, protocol = _config_and_protocol(workdirs)
  settings = {**config.report.to_dict(), "metrics": ()}
  results = write.load_rows(workdirs)
  link = f"provenance/{name}.json"
  text = write.markdown(results, settings, protocol, name.endswith("_short"), link)
  # without the title: the file has its own
  write.update_block(path, name, text.partition("\n")[2].lstrip())
  target = path.parent / link
  target.parent.mkdir(exist_ok=True)
  write_json(target, provenance.stamps(results))


def _config_and_protocol(workdirs: Sequence[pathlib.Path]) -> tuple[ConfigDict, systems.Protocol]:
  """The first workdir's config, which says what to report, and its system's protocol.

  With the baselines of all workdirs: those of a personal split may be other ones.
  """
  config = read_config(workdirs[0])
  protocol = systems.make(config).protocol
  baselines = dict(protocol.baselines)
  for workdir in workdirs[1:]:
    others = systems.make(read_config(workdir)).protocol.baselines
    baselines = {**others, **baselines}
  return config, protocol._replace(baselines=baselines)
