"""Experiments into workdirs: one with its controls, or a list of them; what is finished is not run again."""
import json
import pathlib
from typing import Any

from jaxsig import config as configs
from jaxsig.data import cache
from jaxsig.data.splits import Member, members
from jaxsig.engine import mesh
from jaxsig.engine.train import Run, make_run, train
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate
from jaxsig.experiment import nested_cv as choose
from jaxsig.system import make, make_data


def open_run(config: Any, workdir: pathlib.Path) -> tuple[Run, list[Member]]:
  """Loads the data, checks or writes the workdir's config and split, and lists the members.

  Raises:
    UserError: the workdir cannot be written, or is another config's; the differing keys are named.
  """
  workdir = _writable(pathlib.Path(workdir))
  same_config(config, workdir)
  task, data = make(config), make_data(config)
  prepared = cache.load(data, config)
  chosen = members(prepared.groups, config.split)
  evaluate.check_variants(config, prepared.windows.arrays)
  if mesh.is_main():
    methods = [evaluate.method_name(task.method, name) for name in ("", *evaluate.variants(config))]
    _write_json(workdir / "config.json", {**config.to_dict(), "methods": methods, "data_card": _card(data, config, prepared)})
    _write_json(workdir / "split.json", {"source": prepared.source, "members": [
        {"member": m.name, **{k: v for k, v in m._asdict().items() if k != "name"}} for m in chosen]})
  run = make_run(config, workdir, task, prepared)
  say(f"{len(prepared.records)} recordings of {len(set(prepared.groups))} patients"
      f" ({prepared.source.upper() if prepared.source == 'simulated' else prepared.source}, data {prepared.fingerprint}),"
      f" {len(chosen)} members, config {run.meta['config']}")
  return run, chosen


def experiment(config: Any, workdir: pathlib.Path, fit: bool = True) -> list[pathlib.Path]:
  """Trains (if `fit`) and evaluates a config, then its controls (if `run_controls`) under `controls/`; returns their workdirs."""
  done = [_one(config, pathlib.Path(workdir), fit)]
  for name, overrides in config.controls.items() if config.run_controls else ():
    control = configs.override(config, {**configs.changes(overrides), "run_controls": False})
    done.append(_one(control, pathlib.Path(workdir) / "controls" / name, fit))
  return done


def _one(config: Any, workdir: pathlib.Path, fit: bool) -> pathlib.Path:
  run, chosen = open_run(config, workdir)
  if fit:
    train(run, chosen)
  evaluate.evaluate(run, chosen)
  return workdir


def sweep(listing: Any, workdir: pathlib.Path) -> list[pathlib.Path]:
  """Runs what is missing of a sweep file's list, each experiment in its own `workdir/<name>`; what is done is kept.

  Args:
    listing: what `get_config` of a file in configs/sweeps/ gives: `experiments` = {name: {"config", "arg", "overrides"}}, and
      `data_dir` and `cache_dir` for all, and "lead", whose settings the joined report takes. "@name" as `init_from` is the workdir of
      that experiment. With "candidates" (overrides by name), "readings" (variants) and "inner_folds" each fold first chooses among
      them inside its training patients.
    workdir: the parent of the experiments' workdirs.

  Returns:
    The workdirs that have rows.
  """
  done, workdir = [], pathlib.Path(workdir)
  for name, one in _in_order(listing):
    overrides = configs.changes(one["overrides"]) | {k: listing[k] for k in ("data_dir", "cache_dir")}
    if overrides.get("init_from", "").startswith("@"):
      overrides["init_from"] = str(workdir / overrides["init_from"][1:])
    config = configs.load(one["config"], one["arg"], overrides)
    say(f"sweep: {name} ({one['config']}:{one['arg']})")
    for folder, chosen in (_chosen(config, one, workdir / name) if "candidates" in one else {workdir / name: config}).items():
      done += experiment(chosen, folder)
  done = [w for w in done if (w / "rows.jsonl").stat().st_size]
  if done:
    say_whose(done, workdir)
  return done


def say_whose(workdirs: list[pathlib.Path], folder: pathlib.Path) -> None:
  """Leaves the first workdir's config in the folder of their joined report: for an export that gives it as evidence."""
  if mesh.is_main() and folder not in workdirs:
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "config.json", json.loads((workdirs[0] / "config.json").read_text()))


def _in_order(listing: Any) -> list[tuple[str, Any]]:
  """What others start from, then the one that leads the report, then the others by name (a ConfigDict keeps no order)."""
  starts = {one["overrides"].get("init_from", "") for one in listing.experiments.values()}
  return sorted(listing.experiments.items(), key=lambda x: (f"@{x[0]}" not in starts, x[0] != listing.get("lead", ""), x[0]))


def _chosen(config: Any, one: Any, folder: pathlib.Path) -> dict[pathlib.Path, Any]:
  """{workdir: config} of what the folds choose; the scores that they chose by are kept in `choice.json`."""
  candidates, readings = one["candidates"].to_dict(), one["readings"].to_dict()
  if len(candidates) * (1 + len(readings)) > choose.MOST_CANDIDATES:
    raise UserError(f"{folder.name} lists more than {choose.MOST_CANDIDATES} candidates and readings: choosing among many by few patients "
                    "means nothing; list fewer")
  rows = {}
  for name, trial in choose.trials(config, candidates, readings, one["inner_folds"]).items():
    say(f"inner split of {folder.name}: {name}")
    rows[name] = evaluate.read_rows(_one(trial, folder / "inner" / name, True) / "rows.jsonl")
  chosen = choose.by_fold(rows, config.report.primary)
  _write_json(folder / "choice.json", {"inner_folds": one["inner_folds"], "metric": config.report.primary, "folds": chosen})
  for fold, choice in chosen.items():
    say(f"fold {fold} chose {choice['candidate']}{', ' * bool(choice['reading'])}{choice['reading']} of {choice['scores']}")
  return {folder / name: final for name, final in choose.finals(config, candidates, readings, chosen).items()}


def inspect(config: Any) -> None:
  """Prints what the data folder holds, what would be skipped and why, its licence and citation."""
  data = make_data(config)
  if cache.source_of(data, config) == "simulated":
    say("no data folder is read (--config.data_dir is not set, or data.source=simulated): the simulator of "
        f"{config.data.name} would be used, {config.data.simulate_patients} patients")
    return
  found = data.inspect(pathlib.Path(config.data_dir))
  for record in found["records"]:
    say("  ".join(f"{k} {v}" for k, v in record.items()))
  for record in found["skipped"]:
    say(f"SKIPPED {record['record']}: {record['why']}")
  say(f"{len(found['records'])} recordings, {len(found['skipped'])} skipped\nlicence: {found['licence']}")
  for citation in found["citation"]:
    say(f"cite: {citation}")


def tell(workdirs: list[pathlib.Path], folder: pathlib.Path) -> None:
  """Writes the joined report and prints its table."""
  if not mesh.is_main():
    return
  if all((w / "rows.jsonl").is_file() and not (w / "rows.jsonl").stat().st_size for w in workdirs):
    say("no patient was held out, so there is nothing to report")
    return
  from jaxsig.report import write as report  # draws: not needed before
  report.write(workdirs, folder, print)
  say(f"report: {folder / 'index.html'}")


def update_table(workdirs: list[pathlib.Path], path: str, name: str) -> None:
  """Writes the tables of the primary metric into a text file, between its `table:NAME` marks; "NAME_short" has only the first."""
  from jaxsig.report import write as report
  settings = json.loads((workdirs[0] / "config.json").read_text())["report"]
  text = report.markdown(report.load_rows(workdirs), {**settings, "metrics": []}, name.endswith("_short"))
  report.update_block(path, name, text.partition("\n")[2].lstrip())   # without the title: the file has its own


def say(text: str) -> None:
  """A line for the console, from one process."""
  if mesh.is_main():
    print(text, flush=True)


def _writable(workdir: pathlib.Path) -> pathlib.Path:
  try:
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / ".writable").touch()
    (workdir / ".writable").unlink(missing_ok=True)
  except OSError as error:
    raise UserError(f"the workdir {workdir} cannot be written ({error.strerror}): name another with --workdir") from error
  return workdir


def same_config(config: Any, workdir: pathlib.Path) -> None:
  """Raises UserError where the workdir is another training's; the differing keys are named. Rows are made again as needed."""
  path = workdir / "config.json"
  if not path.exists():
    return
  try:
    old = json.loads(path.read_text())
  except ValueError:
    raise UserError(f"{path} is no JSON: delete it if this workdir's checkpoints are of this config, or use another --workdir") from None
  keys = configs.differing(config, {k: v for k, v in old.items() if k not in configs.NOTES}, training=True)
  if keys:
    raise UserError(f"the workdir {workdir} holds another config; it differs in {', '.join(keys)}: use another --workdir or these settings")


def _card(data: Any, config: Any, prepared: cache.Prepared) -> dict:
  """What the report says of the data: licence, citation, and which recordings."""
  about = data.inspect(pathlib.Path(config.data_dir)) if prepared.source != "simulated" else {"licence": "", "citation": []}
  return {"licence": about["licence"], "citation": about["citation"], "records": [r.id for r in prepared.records],
          "fingerprint": prepared.fingerprint, "source": prepared.source}


def _write_json(path: pathlib.Path, value: dict) -> None:
  aside = path.with_suffix(".tmp")
  aside.write_text(json.dumps(value, indent=1))
  aside.replace(path)
