"""Tables and page: closed forms of the aggregation, refusals, one source of every number."""
import json
import math
import re

import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.report import figures as plots
from jaxsig.report import write as report
from jaxsig.report.statistics import bootstrap_interval, limits_of_agreement, paired_difference

PRIMARY, FURTHER = "rate_win60", "corr_win60"
REPORT = {"primary": PRIMARY, "metrics": [FURTHER], "unit": "breaths/min", "within": 2.0, "strata": ["slow", "fast"],
          "title": "Breathing", "reference": "ours"}


def row(group, record, error, k=0, method="ours", metric=PRIMARY, truth=15.0, **more):
  """One row; error None: no estimate."""
  seed = more.get("seed", 0)
  return {"method": method, "metric": metric, "record": record, "group": group, "unit": f"{60 * k}-{60 * k + 60} s",
          "start_s": 60.0 * k, "truth": truth, "estimate": None if error is None else truth + error, "spread": None,
          "stratum": "fast" if truth > 12 else "slow", "kept": True, "why": "", "member": f"fold0_seed{seed}",
          "fold": 0, "seed": seed, "step": 100, "config": "c1", "commit": "abc", "data": "d1", "source": "simulated",
          **more}


def value(group, record, x, method="ours", k=0):
  plain = row(group, record, 0.0, k, method, FURTHER, stratum=None)
  return {**{name: v for name, v in plain.items() if name not in ("truth", "estimate", "spread")}, "value": x}


# Patient A: recording a1 with errors 1, -3 (mean size 2) and a2 with 10; patient B: one window without error.
UNEVEN = [row("A", "a1", 1.0), row("A", "a1", -3.0, 1), row("A", "a2", 10.0), row("B", "b1", 0.0)]


def only(rows, method="ours", **options):
  return report.aggregate(rows, {**REPORT, "metrics": [], **options})["metrics"][PRIMARY]["methods"][method]


def test_units_then_records_then_patients():
  found = only(UNEVEN)["kept"]
  flat = np.mean([1, 3, 10, 0])
  assert found["mean"] == pytest.approx(((2 + 10) / 2 + 0) / 2) and found["mean"] != pytest.approx(flat)
  assert found["rmse"] == pytest.approx(math.sqrt(((1 + 9) / 2 + 100) / 4))
  assert found["bias"] == pytest.approx(((1 - 3) / 2 + 10) / 4)
  assert found["within"] == pytest.approx(((1 / 2 + 0) / 2 + 1) / 2)
  assert (found["patients"], found["units"], found["coverage"]) == (2, 4, 1.0)
  assert (found["low"], found["high"]) == bootstrap_interval([6.0, 0.0])


def test_seeds_are_averaged_inside_a_patient_and_count_no_window_twice():
  again = [row("A", "a1", 5.0, seed=1), row("A", "a1", 5.0, 1, seed=1), row("A", "a2", 0.0, seed=1),
           row("B", "b1", 2.0, seed=1)]
  found = only(UNEVEN + again)["kept"]
  assert found["mean"] == pytest.approx((((2 + 5) / 2 + (10 + 0) / 2) / 2 + (0 + 2) / 2) / 2)
  assert (found["patients"], found["units"]) == (2, 4)


def test_limits_of_agreement_are_bland_and_altmans_where_each_patient_has_one_window():
  errors = np.array([1.0, -2.0, 4.0, 0.5, 3.0])
  found = only([row(f"p{i}", f"r{i}", e) for i, e in enumerate(errors)])["kept"]
  bias, low, high = limits_of_agreement(errors)
  shrink = math.sqrt(4 / 5)   # SD of the patients at hand, not of a sample of n - 1
  np.testing.assert_allclose(found["limits"], [bias + shrink * (low - bias), bias + shrink * (high - bias)])
  assert found["bias"] == pytest.approx(bias)


def test_windows_without_estimate_lower_the_coverage_and_not_the_error():
  found = only([row("A", "a1", 1.0), row("A", "a1", None, 1), row("B", "b1", None)])
  assert found["kept"]["mean"] == 1.0 and found["kept"]["coverage"] == pytest.approx((1 / 2 + 0) / 2)
  assert found["kept"]["patients"] == 1 and found["missing"] == ["B"]


def test_excluded_windows_are_counted_and_kept_in_a_second_line():
  rows = UNEVEN + [row("B", "b1", 4.0, 1, kept=False, why="annotators differ"),
                   row("B", "b1", 0.0, 2, truth=math.nan, estimate=12.0, kept=False, why="no truth")]
  found = report.aggregate(rows, {**REPORT, "metrics": []})
  ours, metric = found["metrics"][PRIMARY]["methods"]["ours"], found["metrics"][PRIMARY]
  assert metric["excluded"] == {"annotators differ": 1, "no truth": 1}
  assert ours["kept"]["mean"] == pytest.approx(3) and ours["all"]["mean"] == pytest.approx((6 + 2) / 2)
  assert ours["all"]["coverage"] == 1.0   # the method did answer where there is no truth
  text = report.terminal(rows, {**REPORT, "metrics": []})
  assert "ours, all windows" in text and "2 windows excluded (annotators differ: 1; no truth: 1)" in text
  assert only(UNEVEN)["all"] is None


def test_paired_differences_use_the_shared_patients_and_the_missing_one_is_named():
  ours = [row(f"p{i}", f"r{i}", float(i)) for i in range(6)]
  rival = [row(f"p{i}", f"r{i}", 2.0 * i + 1, method="rival") for i in range(5)]
  found = report.aggregate(ours + rival, {**REPORT, "metrics": []})
  mean, low, high, p = paired_difference(2.0 * np.arange(5) + 1, np.arange(5.0))
  assert found["paired"] == {"rival": {"mean": mean, "low": low, "high": high, "p": p, "patients": 5}} and mean == 3.0
  assert "Missing in rival: p5." in report.markdown(ours + rival, {**REPORT, "metrics": []})
  assert found["methods"] == ["ours", "rival"] and found["reference"] == "ours"


def test_strata_show_their_patients_and_windows():
  rows = [row("A", "a1", 1.0, truth=10.0), row("A", "a1", 2.0, 1), row("B", "b1", 5.0),
          row("B", "b1", 6.0, stratum="odd", k=1),
          row("A", "a1", None, truth=10.0, method="rival"), row("B", "b1", 3.0, method="rival")]
  metric = report.aggregate(rows, {**REPORT, "metrics": []})["metrics"][PRIMARY]
  assert metric["strata"] == {"slow": {"patients": 1, "units": 1}, "fast": {"patients": 2, "units": 2},
                              "odd": {"patients": 1, "units": 1}}
  assert metric["methods"]["ours"]["strata"]["fast"]["mean"] == pytest.approx(3.5)
  text = report.markdown(rows, {**REPORT, "metrics": []})
  assert "slow (1 patients, 1 windows)" in text and "3.00 (n=1)" in text


def test_value_metrics_are_means_over_patients_even_as_the_primary():
  rows = [value("A", "a1", 0.5), value("A", "a2", 0.9), value("B", "b1", 0.1), value("B", "b1", None, "rival")]
  rows.append(row("A", "a1", 1.0, method="rate only"))
  found = report.aggregate(rows, {"primary": FURTHER})["metrics"][FURTHER]
  assert "Without such rows: rate only." in report.markdown(rows, {"primary": FURTHER})
  assert found["methods"]["ours"]["kept"]["mean"] == pytest.approx((0.7 + 0.1) / 2) and not found["is_error"]
  assert "MAE" not in report.terminal(rows, {"primary": FURTHER}) and found["methods"]["rival"]["missing"] == ["A", "B"]


def test_an_unknown_metric_or_reference_is_named():
  with pytest.raises(UserError, match="rate_win6'.*did you mean 'rate_win60'"):
    report.aggregate(UNEVEN, {"primary": "rate_win6"})
  with pytest.raises(UserError, match="'theirs'"):
    report.aggregate(UNEVEN, {"primary": PRIMARY, "reference": "theirs"})


def test_markdown_of_a_tiny_example():
  rows = UNEVEN + [row("A", "a1", 4.0, method="a|b"), row("B", "b1", 2.0, method="a|b")]
  text = report.markdown(rows, {**REPORT, "metrics": [], "strata": ["fast"]})
  rival = paired_difference([4.0, 2.0], [6.0, 0.0])
  note = ("The method's MAE less that of ours, on the patients both cover: above zero, ours is better. "
          "p is not corrected for the number of methods.")
  origin = ("Recordings: 3 of 2 patients, simulated. Members: 1 (folds 0; seeds 0). "
            "Made by: config c1, commit abc, data d1, step 100: ours, a|b.")
  assert text == f"""## Breathing

> **SIMULATED: no evidence about real data**

### rate_win60

| method | MAE [95 % CI], breaths/min | RMSE | bias | limits of agreement | within 2 | coverage | patients | windows |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| ours | 3.00 [0.00, 6.00] | 5.12 | 2.25 | [-6.77, 11.27] | 62% | 100% | 2 | 4 |
| a\\|b | 3.00 [2.00, 4.00] | 3.16 | 3.00 | [1.04, 4.96] | 50% | 100% | 2 | 2 |

2 patients, 3 recordings, 4 windows; none excluded.

### Against ours

| method | MAE difference [95 % CI] | Wilcoxon p | patients |
| --- | ---: | ---: | ---: |
| a\\|b | 0.00 [-2.00, 2.00] | {rival.p_value:.3f} | 2 |

{note}

### MAE by stratum of the truth

| method | fast (2 patients, 4 windows) |
| --- | ---: |
| ours | 3.00 [0.00, 6.00] |
| a\\|b | 3.00 [2.00, 4.00] |

{report.RULE}

{origin}
"""


def workdir(folder, rows, settings=REPORT):
  """A workdir with rows, two members' curves (the last line torn), a split and predictions."""
  (folder / "members/fold0_seed0").mkdir(parents=True)
  card = {"licence": "ODC-By 1.0", "citation": ["Doe <2016>, https://doi.org/10.1/x"], "records": ["a1"]}
  (folder / "config.json").write_text(json.dumps({"task": "t", "report": settings, "data_card": card}))
  (folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
  member = {"member": "fold0_seed0", "fold": 0, "seed": 0, "test": ["A", "B"], "val": ["C"], "train": ["D", "E"]}
  (folder / "split.json").write_text(json.dumps({"source": "simulated", "members": [member]}))
  lines = [json.dumps({"step": s, "loss": 1 / s, **({"val_loss": 2 / s} if s % 2 == 0 else {})}) for s in range(1, 9)]
  (folder / "members/fold0_seed0/scalars.jsonl").write_text("\n".join(lines) + '\n{"step": 9, "lo')
  samples = {"resp_s_t": np.random.default_rng(0).normal(size=(3, 240))}
  for record in {r["record"] for r in rows}:
    for method, rate_hz, extra in (("_prepared", 4.0, {}), ("ours", 2.0, samples)):
      path = folder / f"predictions/fold0_seed0/{method}/{record}.npz"
      path.parent.mkdir(parents=True, exist_ok=True)
      np.savez(path, resp_t=np.arange(120 * rate_hz) / rate_hz, rate_hz=rate_hz, **extra)
  return folder


def full_rows():
  rival = [row(r["group"], r["record"], 2.0, method="rival", unit=r["unit"]) for r in UNEVEN]
  lost = [row("B", "b1", e, 1, m, kept=False, why="annotators differ") for m, e in (("ours", 3.0), ("rival", 7.0))]
  values = [value(r["group"], r["record"], 0.3 + 0.01 * i, m)
            for m in ("ours", "rival") for i, r in enumerate(UNEVEN[1:])]
  return UNEVEN + rival + lost + values


def test_the_page_needs_no_other_file_and_its_numbers_have_one_source(tmp_path):
  w = workdir(tmp_path / "w", full_rows())
  page = report.write([w], w / "report")
  text, tables = page.read_text(), json.loads((page.parent / "table.json").read_text())
  links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'>)]{0,30})""", text)
  assert len(links) == 5 and all(x.startswith("data:image/png;base64,") for x in links)
  assert "http" not in text.replace("https://doi.org/10.1/x", "") and "Doe &lt;2016&gt;" in text
  assert "SIMULATED" in text and "fold0_seed0" in text and "ODC-By" in text
  names = {"patients", "error_truth", "bland_altman", "examples", "learning"}
  assert {p.stem for p in page.parent.glob("*.png")} == names
  markdown = (page.parent / "table.md").read_text()
  for name, metric in tables["metrics"].items():
    lines = markdown.split(f"### {name}\n")[1].split("###")[0].splitlines()
    cells = {c[0]: c for c in ([c.strip() for c in line.split("|")[1:-1]] for line in lines) if c}
    for method, x in metric["methods"].items():
      for label, figures in ((method, x["kept"]), (f"{method}, all windows", x["all"])):
        assert (label in cells) == bool(figures)
        if figures:
          d = 2 if metric["is_error"] else 3
          assert cells[label][1] == f"{figures['mean']:.{d}f} [{figures['low']:.{d}f}, {figures['high']:.{d}f}]"
          assert cells[label][-3:] == [f"{figures['coverage']:.0%}", str(figures["patients"]), str(figures["units"])]
          assert all(f"<td>{cell}</td>" in text for cell in cells[label])
  assert tables["split"]["w"][0]["test"] == ["A", "B"] and tables["simulated"]
  assert page.read_bytes() == report.write([w], w / "again").read_bytes()


def test_real_recordings_bear_no_banner_and_what_lacks_material_is_left_out(tmp_path):
  w = workdir(tmp_path / "w", [{**r, "source": "bidmc"} for r in full_rows()])
  for path in [*w.glob("predictions/*/*/*.npz"), *w.glob("members/*/scalars.jsonl"), w / "split.json"]:
    path.unlink()
  page = report.write([w], tmp_path / "out")
  assert "SIMULATED" not in page.read_text() and page.read_text().count("data:image/png") == 3


def test_the_example_shows_the_window_of_its_row(tmp_path):
  w = workdir(tmp_path / "w", full_rows())
  (at, true_t), (at_estimate, estimate_t), spread_t = plots._waveforms(row("A", "a1", 0.0, 1), [tmp_path, w])
  np.testing.assert_allclose(true_t, at)   # the stored waveforms are their own time
  np.testing.assert_allclose(estimate_t, at_estimate)
  assert (at[0], at_estimate[0], len(at), len(at_estimate), len(spread_t)) == (60.0, 60.0, 240, 120, 120)


def test_workdirs_join_and_what_they_share_counts_once(tmp_path):
  shared = [{**r, "method": "rival", "config": "c2"} for r in UNEVEN]
  other = [{**r, "method": "other"} for r in UNEVEN]
  a = workdir(tmp_path / "a", UNEVEN + shared)
  b = workdir(tmp_path / "b", other + shared[:-1] + [row("B", "b1", 7.0, method="rival")])
  rows = report.load_rows([a, b])
  assert len(rows) == 3 * len(UNEVEN)
  assert only(rows, "rival")["kept"]["mean"] == only(UNEVEN)["kept"]["mean"]
  assert "1 results of rival differ between the workdirs" in report.terminal(rows, {"primary": PRIMARY})


def test_a_system_with_other_results_under_the_same_name_is_told_apart(tmp_path):
  a, same = workdir(tmp_path / "a", UNEVEN), workdir(tmp_path / "same", UNEVEN)
  b = workdir(tmp_path / "b", [row("A", "a1", 9.0), row("B", "b1", 9.0)])
  assert {r["method"] for r in report.load_rows([a, same])} == {"ours"}
  rows = report.load_rows([a, b])
  assert only(rows, "ours")["kept"]["mean"] == pytest.approx(3)
  assert only(rows, "ours (b)")["kept"]["mean"] == pytest.approx(9)


def test_refusals(tmp_path):
  a = workdir(tmp_path / "a", UNEVEN)
  real = workdir(tmp_path / "real", [{**r, "source": "bidmc", "method": "other"} for r in UNEVEN])
  other_data = workdir(tmp_path / "data", [{**r, "data": "d2"} for r in UNEVEN])
  empty, broken = workdir(tmp_path / "empty", []), workdir(tmp_path / "broken", [])
  (broken / "rows.jsonl").write_text(json.dumps(UNEVEN[0]) + '\n{"method": "ou')
  cases = (([a, real], "simulated and real"), ([a, other_data], "data d2.*data d1"), ([tmp_path], "not a workdir"),
           ([tmp_path / "none"], "not a workdir"), ([empty], "rows.jsonl is missing or empty"),
           ([broken], "broken line"))
  for workdirs, words in cases:
    with pytest.raises(UserError, match=words) as error:
      report.load_rows(workdirs)
    assert "\n" not in str(error.value)


def test_update_block_replaces_only_its_own_block(tmp_path):
  path = tmp_path / "README.md"
  before = "# x\n<!-- table:one -->\nold\n<!-- /table -->\nmiddle\n<!-- table:two -->\nstays\n<!-- /table -->\nend\n"
  path.write_text(before)
  for _ in range(2):   # the second time changes nothing
    report.update_block(path, "one", "| new |\n\n")
    assert path.read_text() == before.replace("old", "| new |")
  path.write_text("<!-- table:one -->\n<!-- table:two -->\n<!-- /table -->\n")
  for file, name in ((path, "one"), (path, "three"), (tmp_path / "none.md", "one")):
    with pytest.raises(UserError, match=f"table:{name}"):
      report.update_block(file, name, "x")


def test_the_short_form_has_what_was_kept_and_the_claims():
  settings = {**REPORT, "claims": [{"text": "one beats the other", "better": "ours", "worse": "rival"}]}
  rows = [*UNEVEN, *[{**r, "method": "rival"} for r in UNEVEN], {**UNEVEN[0], "unit": "900-960 s", "kept": False, "why": "no"}]
  long, short = (report.markdown(rows, {**settings, "metrics": []}, s) for s in (False, True))
  assert ", all windows" in long and ", all windows" not in short and "one beats the other" in short and report.RULE in short
  assert [line for line in short.splitlines() if line.startswith("###")] == [f"### {PRIMARY}", "### Claims"]
