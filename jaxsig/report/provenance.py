"""Where the figures of a report come from: stamps of rows, the data, and splits."""
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from etils import epath

from jaxsig.errors import UserError
from jaxsig.report import wording
from jaxsig.report.join import Results, read_about
from jaxsig.report.nesting import nesting_of
from jaxsig.stored_files import AGAIN, read_json
from jaxsig.system import Plain, Words
from jaxsig.table_text import Line, Table

FILE = "provenance.json"   # beside the tables
STAMPED = ("config", "commit", "data", "step")
CONFIG_IN_WORDS = "config: a hash of all settings that figures depend on; a run prints it, too."
PARTS = ("test", "val", "train", "adapt")   # of a member, in the order of the split's table


class Fact(NamedTuple):
  """A line of a provenance table."""
  label: str
  text: str


class Split(NamedTuple):
  """The members of a workdir's split, as its split.json holds them."""
  workdir: str
  members: Sequence[Plain]


def stamps(results: Results) -> dict[str, list[Plain]]:
  """{method: what made its rows}: stamps with the members that have them, as plain values."""
  members = defaultdict(dict)
  for row in results.rows:
    shared = row.stamp._replace(member="", fold=-1, seed=-1)
    names = members[row.method].setdefault(shared, {})
    names[row.stamp.member] = None

  plain = {}
  for method, by_stamp in members.items():
    plain[method] = []
    for stamp, names in by_stamp.items():
      plain[method].append({
          "config": stamp.config,
          "commit": stamp.commit,
          "data": stamp.data,
          "step": stamp.step,
          "source": stamp.source,
          "leaks": stamp.leaks,
          "members": list(names),
      })
  return plain


def origin(results: Results, words: Words) -> list[Fact]:
  """How many records, groups and members the rows are of."""
  groups = set()
  records = set()
  stamps = set()
  for row in results.rows:
    groups.add(row.group)
    records.add(row.record)
    stamps.add(row.stamp)

  sources = _listed(stamp.source for stamp in stamps)
  members = {stamp.member for stamp in stamps}
  folds = _listed(stamp.fold for stamp in stamps)
  seeds = _listed(stamp.seed for stamp in stamps)
  nesting = nesting_of(results.rows, words)
  words = wording.distinct(words, nesting)
  if nesting.groups_in_records:
    label = words.groups
    size = f"{len(groups)} in {wording.records(len(records), words)}"
  else:
    label = words.records.partition(" (")[0]
    size = f"{len(records)} of {wording.groups(len(groups), words)}"
  return [
      Fact(wording.capitalised(label), f"{size}, {sources}"),
      Fact("Members", f"{len(members)} (folds {folds}; seeds {seeds})"),
  ]


def _listed(values: Iterable[str | int]) -> str:
  ordered = sorted(set(values))
  return ", ".join(str(value) for value in ordered)


def origin_line(results: Results, words: Words, link: str) -> str:
  """One line of Markdown on where the figures come from; `link`s to all stamps unless empty."""
  facts = []
  for fact in origin(results, words):
    facts.append(f"{fact.label}: {fact.text}.")
  if link:
    facts.append(f"[Config, commit and data of every method]({link}).")
  return " ".join(facts)


def about_data(workdirs: Sequence[epath.Path]) -> list[Fact]:
  """Licences, then citations of the data that workdirs name."""
  licences = {}
  citations = {}
  for workdir in workdirs:
    data = read_about(workdir)["data"]
    if data.get("licence"):
      licences[Fact("Licence", data["licence"])] = None
    for text in data.get("citation", []):
      citations[Fact("Citation", text)] = None
  return [*licences, *citations]


def splits_of(workdirs: Sequence[epath.Path]) -> list[Split]:
  """The splits of those workdirs that have one.

  Raises:
    UserError: one is broken.
  """
  splits = []
  for workdir in workdirs:
    path = workdir / "split.json"
    if path.exists():
      members = read_json(path, needs=("members",))["members"]
      if not isinstance(members, list) or not all(map(_is_member, members)):
        raise UserError(f"{path} is broken (it lists no members): {AGAIN}")
      splits.append(Split(workdir.name, members))
  return splits


def _is_member(plain: object) -> bool:
  return isinstance(plain, dict) and "member" in plain


def provenance_table(results: Results, facts: Sequence[Fact], words: Words) -> Table:
  """The facts, and what made the rows of which methods."""
  methods = defaultdict(list)
  for method, by_stamp in stamps(results).items():
    for stamp in by_stamp:
      parts = [f"{name} {stamp[name]}" for name in STAMPED]
      made_by = ", ".join(parts)
      methods[made_by].append(method)

  lines = [Line(fact.label, [fact.text]) for fact in facts]
  for made_by, names in methods.items():
    text = f"{made_by}: {wording.listed(names)}"
    lines.append(Line("Made by", [text]))
  of_errors = any(row.is_error for row in results.rows)
  averages = wording.how_averaged(words, nesting_of(results.rows, words), of_errors)
  return Table(
      title="Provenance",
      header=["", ""],
      lines=lines,
      note=f"{averages} {CONFIG_IN_WORDS}",
      numbers=False,
      secondary=True,
  )


def split_table(splits: Sequence[Split]) -> Table:
  """Who is trained and tested on, a line for each member."""
  lines = []
  for split in splits:
    for member in split.members:
      name = f"{split.workdir} {member['member']}"
      if member.get("leaks"):
        name = f"{name} (LEAKS)"
      cells = [_segments(member.get(part) or []) for part in PARTS]
      lines.append(Line(name, cells))

  members = wording.count(len(lines), "member", "members")
  return Table(
      title=f"Split: {members}",
      header=["member", "test", "validation", "training", "adaptation"],
      lines=lines,
      numbers=False,
      secondary=True,
  )


def _segments(segments: Sequence[Sequence[str | float | None]]) -> str:
  """The groups of segments [group, record, from_s, to_s]; parts of records with their times."""
  names = {}
  for group, record, from_s, to_s in segments:
    name = group
    if to_s is not None:
      name = f"{group} ({record} {from_s:g}-{to_s:g} s)"
    elif from_s:
      name = f"{group} ({record} from {from_s:g} s)"
    names[name] = None
  return ", ".join(names)
