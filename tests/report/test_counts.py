"""What is told of counts and of errors."""

import pytest
from made_rows import FURTHER, PRIMARY, SETTINGS, protocol, results, row, section, value

from jaxsig.report import wording, write
from jaxsig.system import Metric

pytestmark = pytest.mark.quick
COUNTS = {"parts": Metric("Parts of it", "parts", better="", decimals=0, is_count=True)}

def test_a_count_has_no_interval():
  rows = [value(group, f"{group}1", 60850, metric="parts") for group in "ABC"]
  rows += [value(group, f"{group}1", x) for group, x in zip("ABC", (0.1, 0.2, 0.6))]
  text = write.markdown(results(rows), {"primary": FURTHER, "metrics": ["parts"]}, protocol(COUNTS))
  assert section(text, "Parts of it") == [
      ["method", "number, parts", "coverage", "patients", "windows"],
      ["ours", "60850", "100%", "3", "3"],
  ]
  assert section(text, "Correlation in 60 s")[1][1] == "0.300 [0.100, 0.600]"

@pytest.mark.parametrize("of_errors", [True, False])
def test_limits_of_agreement_are_told_where_there_are_errors(of_errors):
  rows = [value(group, f"{group}1", 0.5) for group in "AB"]
  settings = {"primary": FURTHER}
  if of_errors:
    rows += [row(group, f"{group}1", 1.0) for group in "AB"]
    settings = {**SETTINGS, "primary": PRIMARY, "reference": ""}
  text = write.markdown(results(rows), settings, protocol())
  assert ("bias +/- 1.96 SD" in text) == of_errors
  assert wording.how_averaged(protocol().words, of_errors=of_errors) in text
