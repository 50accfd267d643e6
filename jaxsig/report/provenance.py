"""Where the figures of a report come from: stamps of rows, what is known of the data, and splits."""
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from etils import epath

from jaxsig.report import wording
from jaxsig.report.join import Results, read_about, read_json
from jaxsig.report.table_text import Line, Table
from jaxsig.system import Plain, Words

FILE = "provenance.json"   # beside the tables


class Fact(NamedTuple):
  """A line of a provenance table."""
  label: str
  text: str


class Split(NamedTuple):
  """The members of a workdir's split, as its split.json holds them."""
  workdir: str
  members: Sequence[Plain]


def stamps(results: Results) -> dict[str, list[Plain]]:
  """{method: what made its rows}: every combination of config, commit, data and step, with the members that have it."""
  members = defaultdict(dict)
  for row in results.rows:
    stamp = row.stamp
    made_by = (stamp.config, stamp.commit, stamp.data, stamp.step, stamp.source, stamp.leaks)
    members[row.method].setdefault(made_by, {})[stamp.member] = None

  plain = {}
  for method, by_stamp in members.items():
    plain[method] = []
    for made_by, names in by_stamp.items():
      config, commit, data, step, source, leaks = made_by
      plain[method].append({
          "config": config,
          "commit": commit,
          "data": data,
          "step": step,
          "source": source,
          "leaks": leaks,
          "members": list(names),
      })
  return plain


def origin(results: Results, words: Words) -> list[Fact]:
  """How many records, groups and members the rows are of."""
  rows = results.rows
  groups = {row.group for row in rows}
  records = {row.record for row in rows}
  members = {row.stamp.member for row in rows}
  sources = _listed(row.stamp.source for row in rows)
  folds = _listed(row.stamp.fold for row in rows)
  seeds = _listed(row.stamp.seed for row in rows)
  label = words.records[:1].upper() + words.records[1:]
  of_groups = wording.groups(len(groups), wording.distinct(words))
  return [
      Fact(label, f"{len(records)} of {of_groups}, {sources}"),
      Fact("Members", f"{len(members)} (folds {folds}; seeds {seeds})"),
  ]


def _listed(values: Iterable[object]) -> str:
  return ", ".join(str(value) for value in sorted(set(values)))


def origin_line(results: Results, words: Words, link: str) -> str:
  """One line of Markdown on where the figures come from, with a link to all stamps unless it is empty."""
  facts = [f"{fact.label}: {fact.text}." for fact in origin(results, words)]
  if link:
    facts.append(f"[Config, commit and data of every method]({link}).")
  return " ".join(facts)


def about_data(workdirs: Sequence[epath.Path]) -> list[Fact]:
  """Licence and citations of the data that workdirs name."""
  facts = []
  for workdir in workdirs:
    data = read_about(workdir).get("data", {})
    if data.get("licence"):
      facts.append(Fact("Licence", data["licence"]))
    for text in data.get("citation", []):
      facts.append(Fact("Citation", text))
  licences_first = sorted(dict.fromkeys(facts), key=lambda fact: fact.label != "Licence")
  return licences_first


def splits_of(workdirs: Sequence[epath.Path]) -> list[Split]:
  """The splits of those workdirs that have one."""
  splits = []
  for workdir in workdirs:
    path = workdir / "split.json"
    if path.exists():
      splits.append(Split(workdir.name, read_json(path)["members"]))
  return splits


def provenance_table(results: Results, facts: Sequence[Fact], words: Words) -> Table:
  """The facts, and what made the rows of which methods."""
  made = defaultdict(list)
  for method, by_stamp in stamps(results).items():
    for one in by_stamp:
      stamp = f"config {one['config']}, commit {one['commit']}, data {one['data']}, step {one['step']}"
      made[stamp].append(method)

  lines = [Line(fact.label, [fact.text]) for fact in facts]
  for stamp, methods in made.items():
    lines.append(Line("Made by", [f"{stamp}: {', '.join(methods)}"]))
  note = wording.how_averaged(words)
  return Table("Provenance", ["", ""], lines, note, numbers=False, secondary=True)


def split_table(splits: Sequence[Split]) -> Table:
  """Who is trained and tested on, a line for each member."""
  lines = []
  for split in splits:
    for member in split.members:
      name = f"{split.workdir} {member['member']}"
      if member.get("leaks"):
        name = f"{name} (LEAKS)"
      parts = ("test", "val", "train", "adapt")
      lines.append(Line(name, [_segments(member.get(part) or []) for part in parts]))

  members = wording.count(len(lines), "member", "members")
  header = ["member", "test", "validation", "training", "adaptation"]
  return Table(f"Split: {members}", header, lines, numbers=False, secondary=True)


def _segments(segments: Sequence[Sequence[str | float | None]]) -> str:
  """The groups of segments [group, record, from_s, to_s]; parts of records with their times."""
  names = []
  for group, record, from_s, to_s in segments:
    if not from_s and to_s is None:
      names.append(group)
    elif to_s is None:
      names.append(f"{group} ({record} from {from_s:g} s)")
    else:
      names.append(f"{group} ({record} {from_s:g}-{to_s:g} s)")
  return ", ".join(dict.fromkeys(names))


