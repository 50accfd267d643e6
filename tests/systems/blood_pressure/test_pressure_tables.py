"""The tables and figures that reports of blood pressure bring."""
import re

import numpy as np
import pytest
from fake_pressure import config_of

from jaxsig.rows import Row, Stamp
from jaxsig.system import Material
from jaxsig.systems.blood_pressure import figures, tables
from jaxsig.systems.blood_pressure.rules_table import rules_table
from jaxsig.systems.blood_pressure.score import WINDOW

STAMP = Stamp("fold0_seed0", 0, 0, 10, "c", "d", "e", "simulated", False)


def rows(method, error_sd, seed=0, subjects=30):
  """Rows whose errors are normal about 0; truths are the same for all methods."""
  truth = 120 + 18 * np.random.default_rng(5).standard_normal((subjects, 10))
  error = error_sd * np.random.default_rng(seed).standard_normal((subjects, 10))
  made = []
  for target, offset in (("sbp", 0), ("dbp", 50)):
    for s in range(subjects):
      for k in range(10):
        own = truth[s, k] - offset
        made.append(Row(
            WINDOW, f"p{s}", f"r{s}", f"{k} s", target, truth=own, estimate=own + error[s, k],
            interval={"50": (own - 1, own + 1), "80": (own + 1, own + 2)},
            start_s=float(k), end_s=k + 1.0, method=method, stamp=STAMP))
  return made


@pytest.fixture(scope="module")
def material():
  every = rows("good", 5, 1) + rows("constant", 15, 2) + rows("bad", 40, 3)
  nothing = lambda *names: None
  return Material(
      rows=every, methods=["constant", "good", "bad"], reference="good",
      primary=[f"{WINDOW}/sbp"], stored=nothing, records=lambda name: (), shown=lambda: ())


def table_of(material, title):
  [found] = [one for one in tables.tables(material) if one.title == title]
  return {line.name: list(line.cells) for line in found.lines}


def test_the_gain_over_the_mean_is_positive_for_what_is_better(material):
  lines = table_of(material, "Systolic: gain over the training mean, in mmHg")
  assert list(lines) == ["good", "bad"]
  assert float(lines["good"][0].split()[0]) == pytest.approx(0.8 * 10, abs=1)
  assert lines["good"][-1] == "better than the mean"
  assert float(lines["bad"][0].split()[0]) < -15
  assert lines["bad"][-1] == "worse than the mean"
  assert tables.verdict(-0.1, 0.5) == "no better than the mean"


def test_agreement_is_told_beside_the_mean(material):
  lines = table_of(material, "Diastolic: agreement over windows, in mmHg")
  assert lines["constant"][1] == "1.00"
  mae = {}
  for method in ("good", "constant"):
    mae[method] = np.mean([abs(row.result) for row in material.rows if row.method == method])
  assert float(lines["good"][0]) == pytest.approx(mae["good"], abs=0.06)
  assert float(lines["good"][1]) == pytest.approx(mae["good"] / mae["constant"], abs=0.006)
  assert lines["good"][-2:] == ["300", "30"]


def test_errors_by_bin_cover_all_windows_of_the_method_that_the_report_is_about(material):
  lines = table_of(material, "Systolic: error of good by bins of the truth")
  windows = sum(int(cells[-2]) for cells in lines.values())
  assert 280 <= windows <= 300   # rare bins are left out
  assert all(name.endswith("mmHg") for name in lines)
  assert all(cells[2:5] == ["100%", "0%", "-"] for cells in lines.values())   # hold 50, 80, 95


def test_the_standards_give_reasons(material):
  lines = table_of(material, "Systolic: what the standards for cuffs would say")
  assert "30 subjects are fewer than 85" in lines["good"][0]
  assert "the deviation is" in lines["bad"][0]
  assert lines["bad"][3] == "D"


def test_figures_are_drawn_where_there_is_material(material):
  plans = figures.figures(material)
  assert len(plans) == 4
  for plan in plans:
    assert plan.draw() is not None
  empty = material._replace(rows=[])
  assert all(plan.draw() is None for plan in figures.figures(empty))


def test_the_rules_of_the_paper_say_how_much_noise_its_gate_passes():
  lines = {line.name: line.cells[0] for line in rules_table(config_of("paper").data).lines}
  assert lines["window"] == "7 beats every 7, cut by feet"
  assert "75-165 systolic, 40-80 diastolic" in lines["limits, mmHg"]
  share = re.search(r"above -7 dB, which (\d+) % of pure noise", lines["signal-to-noise ratio"])
  assert 10 <= int(share[1]) <= 80
  plain = {line.name: line.cells[0] for line in rules_table(config_of().data).lines}
  assert plain["signal-to-noise ratio"] == "not asked for"
