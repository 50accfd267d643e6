"""What a card is told of a report: its figures, and whose they are."""

import json

import pytest
from made_rows import PROTOCOL, SETTINGS, as_method, full_rows, stamped, workdir

from jaxsig.errors import UserError
from jaxsig.report import figures, write
from jaxsig.report.evidence import evidence, evidence_text


@pytest.fixture
def reported(tmp_path, monkeypatch):
  """(rows) -> a workdir with a report, without pictures."""
  monkeypatch.setattr(figures, "draw_figures", lambda *args: [])

  def go(rows):
    w = workdir(tmp_path / "w", rows)
    write.write_report([w], w / "report", SETTINGS, PROTOCOL)
    return w

  return go


def test_the_evidence_has_the_figures_of_the_table(reported):
  w = reported(full_rows() + as_method(full_rows(), "twin"))
  found = evidence(w)
  table = json.loads((w / "report/table.json").read_text())
  [one] = found.metrics
  included = table["metrics"][one.key]["methods"]["ours"]["included"]
  assert (
    found.method == "ours" == evidence(w, "none of these").method
    and evidence(w, "twin").method == "twin"
  )
  assert one.estimate._asdict() == included["estimate"] and one.metric == PROTOCOL.metrics[one.key]
  assert (one.rmse, one.bias, list(one.within), one.coverage) == tuple(
    included[k] for k in ("rmse", "bias", "within", "coverage")
  )
  text = evidence_text(found)
  assert text.startswith(
    "**Simulated recordings: not evidence about real patients.**\n\n"
    "ours, Rate in 60 s (rate_win60): MAE, the mean"
  )
  for line in (
    "over 2 patients of 4 windows",
    "- all: 3.00 [0.00, 6.00] breaths/min",
    "- fast: 3.00 [0.00, 6.00] (2 patients)",
    "- bias: +2.25",
    "- within 2: 62%",
    "- windows with a result: 100%",
    "- Recordings: 3 of 2 patients, simulated",
  ):
    assert line in text, line
  assert "Licence" not in text and evidence(w / "report") == found


def test_evidence_of_a_split_that_leaks_says_so(reported):
  found = evidence(reported([stamped(r, leaks=True, source="bidmc") for r in full_rows()]), "ours")
  assert found.method == "ours (LEAKS)" and found.leaks and not found.simulated
  assert evidence_text(found).startswith("**LEAKS: ")


def test_a_workdir_without_a_report_is_named(reported, tmp_path):
  w = reported(full_rows())
  for broken in ("{", "[]", '{"primary": ["x"], "metrics": {}}'):
    (w / "report/table.json").write_text(broken)
    with pytest.raises(UserError, match="holds no report of a training"):
      evidence(w)
  with pytest.raises(UserError, match="no report"):
    evidence(tmp_path / "none")
