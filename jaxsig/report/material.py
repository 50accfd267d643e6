"""What a system's own figures are drawn from: the stored files of a report's workdirs."""
from collections.abc import Iterator, Sequence

from etils import epath

from jaxsig.report.aggregate import ReportFigures
from jaxsig.report.join import Results
from jaxsig.rows import Row
from jaxsig.stored_files import read_arrays
from jaxsig.system import Material, Predictions


def material_of(found: ReportFigures, results: Results, workdirs: Sequence[epath.Path]) -> Material:
  """The rows of a report, and what its workdirs store of records and members.

  Several workdirs' members are called "workdir: member". Without workdirs nothing is shown of
  their members.
  """

  def stored(method: str, row: Row) -> Predictions | None:
    for source in results.sources.get(method, ()):
      path = source.workdir / "predictions" / row.stamp.member / source.method / f"{row.record}.npz"
      if path.exists():
        return read_arrays(path)
    return None

  def records(method: str) -> Iterator[Predictions]:
    seen = set()
    for source in results.sources.get(method, ()):
      for folder in sorted(source.workdir.glob("predictions/*")):
        for path in sorted((folder / source.method).glob("*.npz")):
          record = (folder.name, path.name)
          if record not in seen:
            seen.add(record)
            yield read_arrays(path)

  def shown() -> Iterator[tuple[str, Predictions]]:
    for workdir in workdirs:
      for path in sorted(workdir.glob("members/*/shown.npz")):
        member = path.parent.name
        if len(workdirs) > 1:
          member = f"{workdir.name}: {member}"
        yield member, read_arrays(path)

  return Material(
      rows=results.rows,
      methods=found.methods,
      reference=found.reference,
      primary=found.primary,
      stored=stored,
      records=records,
      shown=shown,
  )
