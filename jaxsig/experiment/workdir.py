"""Workdirs: what they hold, whose they are, and lines for the console.

A workdir holds config.json, about.json (methods and data), split.json, members/, predictions/,
rows.jsonl, timing.json and report/.
"""
import contextlib
import hashlib
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig import paths
from jaxsig.data.cache import SIMULATED, Prepared
from jaxsig.data.split_file import read_split
from jaxsig.data.splits import Member, to_plain
from jaxsig.engine import mesh
from jaxsig.engine.log import end_line
from jaxsig.errors import UserError
from jaxsig.report.join import read_about
from jaxsig.stored_files import AGAIN, is_json, read_json, write_json
from jaxsig.system import Data, Plain

__all__ = [
  "commit_of_code",
  "config_in",
  "holds_config",
  "holds_training",
  "nothing_left",
  "read_about",
  "read_config",
  "read_members",
  "require_same_config",
  "say",
  "seen_in",
  "version_of_code",
  "writable",
  "write_about",
  "write_json",
]
SECTIONS = ("data", "model", "read", "readings", "report", "run")   # that a reader asks for


def say(text: str) -> None:
  """Prints a line on the console, from one process."""
  if mesh.is_main():
    end_line()
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)
    print(shown, flush=True)


def writable(workdir: pathlib.Path) -> pathlib.Path:
  """The workdir, made where it is missing; UserError where it cannot be written."""
  try:
    workdir.mkdir(parents=True, exist_ok=True)
    probe = workdir / ".writable"
    probe.touch()
    probe.unlink(missing_ok=True)
  except OSError as error:
    raise UserError(
        f"the workdir {workdir} cannot be written ({error.strerror}): name another "
        "with --workdir") from error
  return workdir


@contextlib.contextmanager
def nothing_left(workdir: pathlib.Path) -> Iterator[None]:
  """Where the block is refused, removes what it wrote to a workdir that was missing or empty.

  What has been trained or logged stays.
  """
  missing = paths.missing_folders(workdir)
  was_empty = bool(missing) or not any(workdir.iterdir())
  try:
    yield
  except UserError:
    if was_empty and mesh.is_main() and not _has_run(workdir):
      _empty(workdir)
      paths.remove_empty(missing)
    raise


def _has_run(workdir: pathlib.Path) -> bool:
  """Whether a workdir or one below it was trained."""
  checkpoints = workdir.glob("**/members/*/checkpoints/*")
  logged = [path for path in workdir.glob("**/scalars.jsonl") if path.stat().st_size]
  return (workdir / "rows.jsonl").exists() or bool(logged) or any(checkpoints)


def _empty(folder: pathlib.Path) -> None:
  if not folder.is_dir():
    return
  for path in folder.iterdir():
    if path.is_dir() and not path.is_symlink():
      shutil.rmtree(path, ignore_errors=True)
    else:
      path.unlink(missing_ok=True)


def read_config(workdir: pathlib.Path) -> ConfigDict:
  """The locked config of a workdir; errors as of `config_in`."""
  return config_in(workdir / "config.json")


def config_in(path: pathlib.Path, remedy: str = AGAIN) -> ConfigDict:
  """The locked config of a config.json.

  Args:
    path: of the file.
    remedy: how it is made again, the end of a sentence.

  Raises:
    UserError: there is none, or it is broken, or of a version that knew fewer settings.
  """
  plain = read_json(path, remedy, needs=("system", *SECTIONS))
  if not isinstance(plain["system"], str):
    raise UserError(f"{path} is broken (its system is {plain['system']!r}): {remedy}")
  for name in SECTIONS:
    if not isinstance(plain[name], dict):
      raise UserError(f"{path} is broken (its section {name!r} is {plain[name]!r}): {remedy}")
  if not isinstance(plain["read"].get("method"), str):
    raise UserError(f"{path} has no read.method, as that of an older version: {remedy}")
  return configs.from_plain(plain)


def holds_config(workdir: pathlib.Path) -> bool:
  """Whether a workdir has a config.json that can be read as a config.

  The checkpoints of one that has none tell themselves which config made them.
  """
  path = workdir / "config.json"
  return is_json(path) and isinstance(read_json(path).get("system"), str)


def holds_training(workdir: pathlib.Path) -> bool:
  """Whether a workdir has anything that another config must not overwrite."""
  return (workdir / "rows.jsonl").exists() or any(workdir.glob("members/*/checkpoints/*"))


def require_same_config(config: ConfigDict, workdir: pathlib.Path) -> None:
  """Raises UserError where the workdir is another training's; the differing keys are named."""
  if not holds_config(workdir) or not holds_training(workdir):
    return
  old = read_json(workdir / "config.json")
  keys = configs.differing(config, old, training=True)
  if not keys:
    return
  present = configs.flat(config).keys() & configs.flat(old).keys()
  if present.isdisjoint(keys):   # no setting could be what it was
    raise UserError(
        f"the workdir {workdir} was made by another version of jaxsig, or for another network: of "
        f"{', '.join(keys)} only one of the two configs has a value; use another --workdir (as it "
        "is, --mode=predict without --config and --mode=report read it)")
  raise UserError(f"the workdir {workdir} holds another config; it differs in {', '.join(keys)}: "
                  "use another --workdir or these settings")


def read_members(workdir: pathlib.Path) -> list[Member]:
  """The members that a workdir's split lists.

  Raises:
    UserError: there are none, or the split is broken.
  """
  return [listed.member for listed in read_split(workdir)]


def seen_in(workdir: pathlib.Path, member: Member) -> list[str]:
  """The groups that a member of a workdir and its bases were trained on or validated by."""
  for listed in read_split(workdir):
    if listed.member.name == member.name:
      return list(listed.seen)
  return []


def write_about(
    config: ConfigDict,
    workdir: pathlib.Path,
    methods: Sequence[str],
    data: Data,
    prepared: Prepared,
    members: Mapping[Member, Sequence[str]],
) -> None:
  """Writes config.json, about.json and split.json of a workdir.

  Args:
    config: of the experiment.
    workdir: of its files.
    methods: what tables call the readings of its trainings.
    data: the data set.
    prepared: its records and where they come from.
    members: {member: the groups that it and its bases have seen}.
  """
  write_json(workdir / "config.json", config.to_dict())
  about = {"methods": list(methods), "data": _data_card(data, config, prepared)}
  write_json(workdir / "about.json", about)
  plain = [to_plain(member, seen) for member, seen in members.items()]
  split = {"source": prepared.source, "members": plain}
  write_json(workdir / "split.json", split)


def _data_card(data: Data, config: ConfigDict, prepared: Prepared) -> Plain:
  """What reports say of the data: licence, citation, and which records."""
  about = {"licence": "", "citation": []}
  if prepared.source != SIMULATED:
    about = data.about or data.inspect(pathlib.Path(config.data_dir))
  return {
      "licence": about["licence"],
      "citation": about["citation"],
      "records": [record.id for record in prepared.records],
      "fingerprint": prepared.fingerprint,
      "source": prepared.source,
  }


def version_of_code(system: str) -> str:
  """What made the rows: the commit of this package, and the file of a system from elsewhere.

  Args:
    system: `config.system`.

  Returns:
    The commit with a hash of its changes, or "unknown" outside a checkout; of a system from
    elsewhere also a hash of its module's file.
  """
  version = commit_of_code()
  module = sys.modules.get(system)
  if module is not None and getattr(module, "__file__", None):
    code = pathlib.Path(module.__file__).read_bytes()
    version += f" {system} {hashlib.sha256(code).hexdigest()[:6]}"
  return version


def commit_of_code() -> str:
  """The commit of this package, with a hash of its changes; "unknown" outside a checkout."""
  root = pathlib.Path(__file__).parent.parent.parent
  if not (root / ".git").exists():
    return "unknown"
  try:
    changes = _git(root, "diff", "HEAD", "--", "jaxsig", "configs")
    changes += _untracked(root)
    commit = _git(root, "rev-parse", "HEAD")[:12]
  except (OSError, subprocess.CalledProcessError):
    return "unknown"
  if changes:
    commit += "+" + hashlib.sha256(changes.encode()).hexdigest()[:6]
  return commit


def _untracked(root: pathlib.Path) -> str:
  """The text of the package's files that git does not know yet."""
  names = _git(root, "ls-files", "--others", "--exclude-standard", "jaxsig", "configs")
  texts = []
  for name in names.splitlines():
    if name.endswith(".py"):
      texts.append((root / name).read_text(errors="replace"))
  return "".join(texts)


def _git(root: pathlib.Path, *words: str) -> str:
  command = ["git", "-C", str(root), *words]
  done = subprocess.run(command, capture_output=True, text=True, check=True)
  return done.stdout
