"""What a folder of recordings holds, with the findings of the leak audit."""
from collections.abc import Callable, Iterable

from jaxsig.data.ppg.pressure import leak_audit
from jaxsig.data.recordings import Files, inspect_all
from jaxsig.data.records import Record


def inspect_audited(
    found: Iterable[Files],
    name_of: Callable[[Files], str],
    read: Callable[[Files], Record],
    summary: Callable[[Files, Record], dict[str, object]],
) -> dict[str, object]:
  """Returns what `inspect_all` returns, and "findings": sentences of the leak audit.

  Each recording is read once; one that is broken is skipped and not audited.
  """
  records = []

  def noted(files: Files) -> dict[str, object]:
    record = read(files)
    about = summary(files, record)
    records.append(record)
    return about

  listed = inspect_all(found, name_of, noted)
  findings = []
  if records:
    findings = leak_audit.findings(leak_audit.audit(records))
  return {**listed, "findings": findings}
