"""Tables and page: closed forms of the aggregation, refusals, one source of every number."""

import base64
import json
import math
import re

import numpy as np
import pytest
from made_rows import (
  FURTHER,
  METRICS,
  ONLY,
  PRIMARY,
  PROTOCOL,
  SETTINGS,
  UNEVEN,
  as_method,
  cells,
  change_json,
  changed,
  full_rows,
  protocol,
  results,
  row,
  section,
  stamped,
  value,
  workdir,
)

from jaxsig.errors import UserError
from jaxsig.report import figures, figures_trade, wording, write
from jaxsig.report.aggregate import Size, aggregate
from jaxsig.report.averages import Estimate
from jaxsig.report.join import load_rows
from jaxsig.report.settings import read_settings
from jaxsig.report.tiles import report_tiles
from jaxsig.statistics import bootstrap_interval, limits_of_agreement, paired_difference
from jaxsig.system import Aggregate, Baseline, Figure, Listening, Metric, Sound, Words


@pytest.fixture
def undrawn(monkeypatch):
  """No pictures: they take most of the time of a report."""
  monkeypatch.setattr(figures, "draw_figures", lambda *args: [])


def found_of(rows, settings=ONLY, protocol=PROTOCOL):
  return aggregate(results(rows), read_settings(settings), protocol)


def only(rows, method="ours", **options):
  return found_of(rows, {**ONLY, **options}).metrics[PRIMARY].methods[method]


def markdown(rows, settings=ONLY, protocol=PROTOCOL, **options):
  return write.markdown(results(rows), settings, protocol, **options)


def terminal(rows, settings=ONLY, protocol=PROTOCOL):
  return write.terminal(results(rows), settings, protocol)


# Averages


def test_units_then_records_then_patients():
  found = only(UNEVEN).included
  flat = np.mean([1, 3, 10, 0])
  assert found.estimate.value == pytest.approx(
    ((2 + 10) / 2 + 0) / 2
  ) and found.estimate.value != pytest.approx(flat)
  assert found.rmse == pytest.approx(math.sqrt(((1 + 9) / 2 + 100) / 4))
  assert found.bias == pytest.approx(((1 - 3) / 2 + 10) / 4)
  assert found.within == (pytest.approx(((1 / 2 + 0) / 2 + 1) / 2),)
  assert (found.groups, found.units, found.coverage) == (2, 4, 1.0)
  assert found.estimate[1:] == bootstrap_interval([6.0, 0.0])


def test_seeds_are_averaged_inside_a_patient_and_count_no_window_twice():
  again = [
    row("A", "a1", 5.0, seed=1),
    row("A", "a1", 5.0, 1, seed=1),
    row("A", "a2", 0.0, seed=1),
    row("B", "b1", 2.0, seed=1),
  ]
  found = only(UNEVEN + again).included
  assert found.estimate.value == pytest.approx((((2 + 5) / 2 + (10 + 0) / 2) / 2 + (0 + 2) / 2) / 2)
  assert (found.groups, found.units) == (2, 4)


def with_aggregate(*how, **more):
  return protocol({PRIMARY: METRICS[PRIMARY]._replace(aggregate=Aggregate(*how), **more)})


@pytest.mark.parametrize(
  "how, expected",
  [
    (("median", "mean", "mean"), ((1 + 10) / 2 + 0 + 4) / 3),
    (("mean", "median", "mean"), ((2.5 + 10) / 2 + 0 + 4) / 3),
    (("mean", "mean", "median"), 4),
    (("median", "median", "median"), 4),
  ],
)
def test_medians_at_each_stage(how, expected):
  rows = [row("A", "a1", e, k) for k, e in enumerate((1, -1, 5.5))] + [
    row("A", "a2", 10.0),
    row("B", "b1", 0.0),
  ]
  rows += [row("C", f"c{k}", e) for k, e in enumerate((4.0, 4.0, 4.0))]
  found = found_of(rows, protocol=with_aggregate(*how)).metrics[PRIMARY].methods["ours"]
  by_group = list(found.by_group.values())
  assert found.included.estimate.value == pytest.approx(expected)
  assert found.included.estimate[1:] == bootstrap_interval(by_group, statistic=how[2])
  assert found.included.bias == only(rows).included.bias  # which is a mean by definition


def test_records_have_their_median_over_three_and_a_note_says_so():
  rows = (
    [row("A", f"a{k}", e) for k, e in enumerate((1.0, 2.0, 30.0))]
    + [row("B", "b1", 8.0)]
    + [row("C", "c1", 9.0)]
  )
  every = rows + as_method([changed(r, estimate=r.estimate + 1) for r in rows], "rival")
  settings = {**ONLY, "claims": [{"text": "x", "better": "ours", "worse": "rival"}]}
  found = found_of(every, settings, with_aggregate("mean", "median", "median"))
  figures = found.metrics[PRIMARY]
  assert (
    figures.methods["ours"].by_group == {"A": 2, "B": 8, "C": 9}
    and figures.methods["ours"].included.estimate.value == 8
  )
  assert figures.paired["rival"].difference == Estimate(1.0, 1.0, 1.0)
  assert (found.claims[0].value_better, found.claims[0].gain.value) == (8, 1)
  text = markdown(every, settings, with_aggregate("mean", "median", "median"))
  assert section(text, "Rate in 60 s")[0][1] == "median absolute error [95 % CI], breaths/min"
  assert (
    "the mean over seeds, then the median over recordings, then the median over patients." in text
  )
  values = [value(g, f"{g}1", x, metric="v") for g, x in zip("ABC", (0.1, 0.2, 0.9))]
  medians = protocol(
    {"v": Metric("V", better="higher", aggregate=Aggregate("mean", "mean", "median"), decimals=3)}
  )
  lines = section(markdown(values, {"primary": "v"}, medians), "V")
  assert (
    lines[0][1:3] == ["median [95 % CI]", "mean"]
    and lines[1][1].startswith("0.200 [")
    and lines[1][2] == "0.400"
  )


def test_limits_of_agreement_are_bland_and_altmans_where_each_patient_has_one_window():
  errors = np.array([1.0, -2.0, 4.0, 0.5, 3.0])
  found = only([row(f"p{i}", f"r{i}", e) for i, e in enumerate(errors)]).included
  bias, low, high = limits_of_agreement(errors)
  shrink = math.sqrt(4 / 5)  # SD of the patients at hand, not of a sample of n - 1
  np.testing.assert_allclose(
    found.limits, [bias + shrink * (low - bias), bias + shrink * (high - bias)]
  )
  assert found.bias == pytest.approx(bias)


def test_windows_without_estimate_lower_the_coverage_and_not_the_error():
  found = only([row("A", "a1", 1.0), row("A", "a1", None, 1), row("B", "b1", None)])
  assert found.included.estimate.value == 1.0 and found.included.coverage == pytest.approx(
    (1 / 2 + 0) / 2
  )
  assert found.included.groups == 1 and found.missing == ["B"]


def test_excluded_windows_are_counted_and_stand_in_a_second_line():
  rows = UNEVEN + [
    row("B", "b1", 4.0, 1, included=False, why="annotators differ"),
    row(
      "B", "b1", 0.0, 2, truth=None, estimate=12.0, stratum="none", included=False, why="no truth"
    ),
  ]
  metric = found_of(rows).metrics[PRIMARY]
  ours = metric.methods["ours"]
  assert metric.excluded == {"annotators differ": 1, "no truth": 1}
  assert ours.included.estimate.value == pytest.approx(
    3
  ) and ours.everything.estimate.value == pytest.approx((6 + 2) / 2)
  assert ours.everything.coverage == 1.0  # the method did answer where there is no truth
  text = terminal(rows)
  assert (
    "ours, all windows" in text and "2 windows excluded (annotators differ: 1; no truth: 1)" in text
  )
  assert only(UNEVEN).everything is None


def test_paired_differences_use_the_shared_patients_and_the_missing_one_is_named():
  ours = [row(f"p{i}", f"r{i}", float(i)) for i in range(6)]
  rival = [row(f"p{i}", f"r{i}", 2.0 * i + 1, method="rival") for i in range(5)]
  found = found_of(ours + rival)
  difference, low, high, p = paired_difference(2.0 * np.arange(5) + 1, np.arange(5.0))
  assert (
    found.metrics[PRIMARY].paired == {"rival": (Estimate(difference, low, high), p, 5)}
    and difference == 3.0
  )
  assert "Missing in rival: p5." in markdown(ours + rival)
  assert found.methods == ["ours", "rival"] and found.reference == "ours"


def test_strata_show_their_patients_and_windows():
  rows = [
    row("A", "a1", 1.0, truth=10.0),
    row("A", "a1", 2.0, 1),
    row("B", "b1", 5.0),
    row("B", "b1", 6.0, stratum="odd", k=1),
    row("A", "a1", None, truth=10.0, method="rival"),
    row("B", "b1", 3.0, method="rival"),
  ]
  metric = found_of(rows).metrics[PRIMARY]
  assert metric.strata == {"truth": {"slow": Size(1, 1), "fast": Size(2, 2), "odd": Size(1, 1)}}
  assert metric.methods["ours"].strata["truth"]["fast"].estimate.value == pytest.approx(3.5)
  text = markdown(rows)
  assert "slow (1 patient, 1 window)" in text and "3.00 (n=1)" in text


def test_several_stratifications_each_have_a_table_in_the_order_asked_for():
  rows = [
    changed(r, strata={**r.strata, "sex": sex, "age": age})
    for r, sex, age in zip(UNEVEN, "mmmf", ("old", "old", "old", "young"))
  ]
  titles = lambda strata: re.findall(r"### (MAE by .*)", markdown(rows, {**ONLY, "strata": strata}))
  assert titles(()) == ["MAE by truth", "MAE by sex", "MAE by age"]
  assert titles(("age", "truth")) == ["MAE by age", "MAE by truth"] and titles(("none",)) == []
  strata = found_of(rows, {**ONLY, "strata": {"sex": ("f", "x")}}).metrics[PRIMARY].strata
  assert list(strata["sex"]) == ["f", "x", "m"] and strata["sex"]["x"] == (0, 0)


def test_value_metrics_are_means_over_patients_even_as_the_primary():
  rows = [
    value("A", "a1", 0.5),
    value("A", "a2", 0.9),
    value("B", "b1", 0.1),
    value("B", "b1", None, "rival"),
  ]
  rows.append(row("A", "a1", 1.0, method="rate only"))
  found = found_of(rows, {"primary": FURTHER}).metrics[FURTHER]
  assert "Without such rows: rate only." in markdown(rows, {"primary": FURTHER})
  assert (
    found.methods["ours"].included.estimate.value == pytest.approx((0.7 + 0.1) / 2)
    and not found.metric.is_error
  )
  assert "MAE" not in terminal(rows, {"primary": FURTHER}) and found.methods["rival"].missing == [
    "A",
    "B",
  ]


def test_an_unknown_metric_or_reference_is_named():
  with pytest.raises(UserError, match=r"rate_win6'.*did you mean 'rate_win60'"):
    found_of(UNEVEN, {"primary": "rate_win6"})
  with pytest.raises(UserError, match="'theirs'"):
    found_of(UNEVEN, {"primary": PRIMARY, "reference": "theirs"})
  with pytest.raises(UserError, match="names no metric"):
    found_of(UNEVEN, {"primary": ""})
  with pytest.raises(UserError, match="does not list it"):
    found_of(UNEVEN, {"primary": PRIMARY}, PROTOCOL._replace(metrics={}))


# Several metrics and tolerances


def pressures():
  """Two targets of one metric: "best" is best in the first, "ours" in the second."""
  errors = {("ours", "sbp"): 4.0, ("ours", "dbp"): 1.0, ("best", "sbp"): 2.0, ("best", "dbp"): 3.0}
  return [
    row(g, f"{g}1", e + i, method=m, metric="mae", target=t)
    for (m, t), e in errors.items()
    for i, g in enumerate("ABC")
  ]


PRESSURE = protocol(
  {"mae": Metric("Error of pressure", "mmHg", True, within=(5.0, 10.0), decimals=1)}
)


def test_two_primaries_have_a_main_table_each_and_a_metric_means_all_of_its_targets():
  both = markdown(pressures(), {"primary": ("mae/sbp", "mae/dbp"), "reference": "ours"}, PRESSURE)
  assert both == markdown(pressures(), {"primary": "mae", "reference": "ours"}, PRESSURE)
  headings = [line[4:] for line in both.splitlines() if line.startswith("###")]
  titles = ["Error of pressure, sbp", "Error of pressure, dbp"]
  assert headings == [
    f"{titles[0]} (`mae/sbp`)",
    f"{titles[1]} (`mae/dbp`)",
    *[f"{t}: {of}" for t in titles for of in ("Against ours", "MAE by truth")],
  ]
  lines = section(both, titles[0])
  assert lines[0][1:7] == [
    "MAE [95 % CI], mmHg",
    "RMSE",
    "bias",
    "limits of agreement",
    "within 5",
    "within 10",
  ]
  assert (
    lines[1][0] == "best" and lines[1][1].startswith("3.0 [") and lines[2][5:7] == ["67%", "100%"]
  )
  assert section(both, titles[1])[2][1].startswith("2.0 [")
  one = markdown(
    pressures(), {"primary": "mae/dbp", "metrics": ["mae/sbp"], "reference": "ours"}, PRESSURE
  )
  assert re.findall(r"### (.*) \(`", one) == titles[::-1] and "### Against ours" in one


def test_a_claim_on_two_primaries_is_judged_in_each():
  settings = {
    "primary": "mae",
    "reference": "ours",
    "claims": [{"text": "ours wins", "better": "ours", "worse": "best"}],
  }
  found = found_of(pressures(), settings, PRESSURE)
  assert [(x.key, x.verdict) for x in found.claims] == [
    ("mae/sbp", "refuted"),
    ("mae/dbp", "confirmed"),
  ]
  assert "MAE of mae/dbp 2.0 (ours) against 4.0 (best)" in markdown(pressures(), settings, PRESSURE)


# Words and titles


def test_markdown_of_a_tiny_example():
  rows = UNEVEN + [row("A", "a1", 4.0, method="a|b"), row("B", "b1", 2.0, method="a|b")]
  text = markdown(rows, {**ONLY, "strata": {"truth": ["fast"]}})
  rival = paired_difference([4.0, 2.0], [6.0, 0.0])
  note = (
    "The method's MAE less that of ours, on the patients both cover: above zero, ours is better. "
    "p is not corrected for the number of methods."
  )
  origin = (
    "Recordings: 3 of 2 patients, simulated. Members: 1 (folds 0; seeds 0). "
    "[Config, commit and data of every method](provenance.json)."
  )
  assert (
    text
    == f"""## Breathing

> **SIMULATED: no evidence about real data**

### Rate in 60 s (`rate_win60`)

| method | MAE [95 % CI], breaths/min | RMSE | bias | limits of agreement | within 2 | coverage | patients | windows |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| ours | 3.00 [0.00, 6.00] | 5.12 | 2.25 | [-6.77, 11.27] | 62% | 100% | 2 | 4 |
| a\\|b | 3.00 [2.00, 4.00] | 3.16 | 3.00 | [1.04, 4.96] | 50% | 100% of 2 | 2 | 2 |

2 patients, 3 recordings, 4 windows; none excluded. Coverage "of n": the method has rows of n of the 4 windows only.

### Against ours

| method | MAE difference [95 % CI] | Wilcoxon p | patients |
| --- | ---: | ---: | ---: |
| a\\|b | 0.00 [-2.00, 2.00] | {rival.p_value:.3f} | 2 |

{note}

### MAE by truth

| method | fast (2 patients, 4 windows) |
| --- | ---: |
| ours | 3.00 [0.00, 6.00] |
| a\\|b | 3.00 [2.00, 4.00] |

{wording.how_averaged(PROTOCOL.words)}

{origin}
"""
  )
  assert "provenance" not in markdown(rows, link="")


def test_a_report_of_images_speaks_of_images(tmp_path, undrawn):
  words = Words("image", "images", "block", "blocks", "crop", "crops")
  rows = [changed(r, group=r.group, why="unsharp" if not r.included else "") for r in full_rows()]
  rows += as_method([r for r in rows if r.group == "A"], "half")
  claims = [{"text": "patients like it", "better": "ours", "worse": "rival"}]
  settings = {**SETTINGS, "claims": claims}
  said = markdown(rows, settings, protocol(words=words))
  assert (
    "2 images, 3 blocks, 5 crops" in said and "(2 images)" in said and "patients like it" in said
  )
  page = write.write_report(
    [workdir(tmp_path / "w", rows, settings)], tmp_path / "out", settings, protocol(words=words)
  ).read_text()
  for text in (said, page):
    assert not any(
      w in text.replace("patients like it", "") for w in ("patient", "recording", "window")
    )
    assert (
      not re.search(r"\ba (image|crop|images)\b|\ban (block|crop)", text) and "1 images" not in text
    )
  assert "patients" in markdown(rows, settings)


BLOCKS = Words("block", "blocks", "part", "parts", "block", "blocks")


def test_words_that_are_the_same_are_told_apart():
  rows = [value(g, "p1", 0.5, k=k) for g, n in (("A", 2), ("B", 1), ("C", 1)) for k in range(n)]
  text = markdown(
    [changed(r, unit=f"{r.group} {i}") for i, r in enumerate(rows)],
    {"primary": FURTHER},
    protocol(words=BLOCKS),
  )
  header = section(text, "Correlation in 60 s")[0]
  assert header[-2:] == ["blocks (groups)", "blocks (units)"] and len({*header}) == len(header)
  assert "3 blocks (groups) in 1 part, 4 blocks (units); none excluded." in text
  assert (
    "over blocks unless a table says otherwise: "
    "blocks within each block are averaged within a seed, then"
    in text
  )


def test_units_that_are_the_groups_have_no_column_of_their_own():
  rows = [
    value(g, "p1", x, unit=g, strata={"size": "small"}) for g, x in zip("ABC", (0.1, 0.2, 0.5))
  ]
  text = markdown(rows, {"primary": FURTHER}, protocol(words=BLOCKS))
  assert section(text, "Correlation in 60 s") == [
    ["method", "mean [95 % CI]", "median", "coverage", "blocks"],
    ["ours", "0.267 [0.100, 0.500]", "0.200", "100%", "3"],
  ]
  assert (
    "3 blocks in 1 part; none excluded." in text
    and "small (3 blocks)" in text
    and "Blocks: 3 in 1 part, simulated." in text
  )
  assert (
    "over blocks unless a table says otherwise: seeds are averaged within each block. [low" in text
  )


def test_groups_within_a_record_are_averaged_before_it():
  words = Words("image", "images", "block", "blocks", "view", "views")
  rows = [value(g, "b1", 0.5, k=k) for g in "AB" for k in (0, 1)]
  text = markdown(
    [changed(r, unit=f"{r.group} {r.unit}") for r in rows],
    {"primary": FURTHER},
    protocol(words=words),
  )
  assert (
    "views within each image are averaged within a seed, then seeds within each image. [low" in text
  )
  assert "2 images in 1 block, 4 views; none excluded." in text
  medians = protocol(
    {FURTHER: METRICS[FURTHER]._replace(aggregate=Aggregate("median", "median", "median"))}, words
  )
  assert (
    "The median over views, then the mean over seeds, then the median over images."
    in markdown(
      [changed(r, unit=f"{r.group} {r.unit}") for r in rows], {"primary": FURTHER}, medians
    )
  )
  usual = markdown([value("A", "a1", 0.5), value("A", "a2", 0.5)], {"primary": FURTHER})
  assert (
    "windows are averaged within a seed, seeds within each recording, "
    "recordings within each patient. [low"
    in usual
  )


def test_methods_and_metrics_have_titles_with_their_names_beside_them(tmp_path, undrawn):
  titled = PROTOCOL._replace(baselines={"rival": Baseline(None, None, "The rival of all")})
  rows = full_rows()
  lines = section(markdown(rows, SETTINGS, titled), "Rate in 60 s")
  assert {line[0] for line in lines[1:]} >= {
    "The rival of all (`rival`)",
    "ours",
    "The rival of all (`rival`), all windows",
  }
  page = write.write_report(
    [workdir(tmp_path / "w", rows)], tmp_path / "out", SETTINGS, titled
  ).read_text()
  assert (
    "<h2>Rate in 60 s <small>rate_win60</small></h2>" in page
    and "<td>The rival of all <small>rival</small></td>" in page
  )
  assert "\nrival " in terminal(rows, SETTINGS, titled)


# The page


def test_the_page_needs_no_other_file_and_its_numbers_have_one_source(tmp_path):
  """The one test that draws a whole report."""
  drawn = []
  # which gives None: it lacks its material
  own = Figure("own", "Of the system", "Its note.", lambda: drawn.append(1))
  seen = []
  with_figures = PROTOCOL._replace(figures=lambda material: seen.append(material) or [own])
  w = workdir(tmp_path / "w", full_rows())
  page = write.write_report([w], w / "report", SETTINGS, with_figures)
  text, tables = page.read_text(), json.loads((page.parent / "table.json").read_text())
  links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'>)]{0,30})""", text)
  assert len(links) == 4 and all(x.startswith("data:image/png;base64,") for x in links)
  assert "http" not in text.replace("https://doi.org/10.1/x", "") and "Doe &lt;2016&gt;" in text
  assert "SIMULATED" in text and "fold0_seed0" in text and "ODC-By" in text
  assert {p.stem for p in page.parent.glob("*.png")} == {
    "groups",
    "error_truth",
    "bland_altman",
    "learning",
  } and drawn == [1]
  said = (page.parent / "table.md").read_text()
  for key, metric in tables["metrics"].items():
    lines = cells(said, METRICS[key].title)
    for method, x in metric["methods"].items():
      for label, figure in ((method, x["included"]), (f"{method}, all windows", x["everything"])):
        assert (label in lines) == bool(figure)
        if figure:
          d = 2 if metric["metric"]["is_error"] else 3
          estimate = figure["estimate"]
          assert (
            lines[label][0]
            == f"{estimate['value']:.{d}f} [{estimate['low']:.{d}f}, {estimate['high']:.{d}f}]"
          )
          assert lines[label][-3:] == [
            f"{figure['coverage']:.0%}",
            str(figure["groups"]),
            str(figure["units"]),
          ]
          assert all(f"<td>{cell}" in text for cell in lines[label])
  assert tables["split"]["w"][0]["test"][0][0] == "A" and tables["simulated"]
  assert (
    page.read_bytes() == write.write_report([w], w / "again", SETTINGS, with_figures).read_bytes()
  )

  [material, _] = seen
  assert (material.reference, material.primary, material.methods) == (
    "ours",
    (PRIMARY,),
    ["rival", "ours"],
  )
  assert (
    material.stored("ours", row("A", "a2", 0.0))["name"] == "a2"
    and material.stored("rival", row("A", "a2", 0.0)) is None
  )
  assert [str(x["name"]) for x in material.records("ours")] == ["a1", "a2", "b1"] and not [
    *material.shown()
  ]
  np.savez(w / "members/fold0_seed0/shown.npz", maps_y_x=np.ones((2, 2)))
  assert [(member, x["maps_y_x"].shape) for member, x in material.shown()] == [
    ("fold0_seed0", (2, 2))
  ]


def test_real_recordings_bear_no_banner_and_what_lacks_material_is_left_out(tmp_path, monkeypatch):
  w = workdir(tmp_path / "w", [stamped(r, source="bidmc") for r in full_rows()])
  for path in [
    *w.glob("predictions/*/*/*.npz"),
    *w.glob("members/*/scalars.jsonl"),
    w / "split.json",
  ]:
    path.unlink()
  asked = []
  monkeypatch.setattr(
    figures, "_draw", lambda plan, path, mark: asked.append((plan.name, mark)) or False
  )
  page = write.write_report([w], tmp_path / "out", SETTINGS, PROTOCOL)
  assert "SIMULATED" not in page.read_text() and "data:image" not in page.read_text()
  assert asked == [
    (name, "")
    for name in (
      "groups",
      "error_truth",
      "bland_altman",
      "uncertainty",
      "trade",
      "reliability",
      "learning",
    )
  ]
  assert figures._learning([w]) is None


def html_tables(page):
  """{heading: HTML until the next one} of the tables that are not folded."""
  return {
    part.partition(" <small>")[0].partition("</h2>")[0]: part for part in page.split("<h2>")[1:]
  }


def test_tables_show_twelve_lines_and_fold_the_rest_the_split_and_what_is_secondary(
  tmp_path, undrawn
):
  rows = [row(g, f"{g}1", float(k), method=f"m{k:02}") for k in range(15) for g in "AB"]
  rows += [value(g, f"{g}1", 0.1, "m00") for g in "AB"]
  w = workdir(tmp_path / "w", rows)
  settings = {**SETTINGS, "reference": "m00"}
  page = write.write_report([w], tmp_path / "out", settings, PROTOCOL).read_text()
  shown, _, folded = html_tables(page)["Rate in 60 s"].partition(
    "<details><summary>3 more</summary>"
  )
  assert [re.findall(r"<td>(m\d\d)", part) for part in (shown, folded)] == [
    [f"m{k:02}" for k in range(12)],
    ["m12", "m13", "m14"],
  ]
  assert folded.count("<th>") == shown.count("<th>") and folded.count('<div class="wide"') == 1
  sections = re.findall(r'<details class="section"><summary>(.*?)</summary>', page)
  assert sections == [
    "Correlation in 60 s <small>corr_win60</small>",
    "Provenance",
    "Split: 1 member",
  ]
  assert "<td>A (a1 0-30 s)</td>" in page and "<td>D, E</td>" in page


def test_the_page_is_readable_on_a_phone(tmp_path, undrawn):
  page = write.write_report(
    [workdir(tmp_path / "w", full_rows())], tmp_path / "out", SETTINGS, PROTOCOL
  ).read_text()
  assert (
    '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    and "@media (max-width:600px)" in page
  )
  assert (
    page.count("<table") == page.count('<div class="wide"><table') > 3
    and ".wide{overflow-x:auto}" in page
  )


def test_the_headline_names_the_best_method_where_ours_is_not_it(tmp_path, undrawn):
  headline = lambda rows, settings: (
    write.write_report(
      [workdir(tmp_path / str(len([*tmp_path.iterdir()])), rows, settings)],
      tmp_path / "out",
      settings,
      PROTOCOL,
    )
    .read_text()
    .split('<div class="tiles">')[1]
    .split("</div>")[0]
  )
  rows = full_rows()
  assert headline(rows, SETTINGS) == (
    "<div><b>3.00 [0.00, 6.00]</b>MAE of ours, breaths/min, SIMULATED; best: rival, "
    "2.00 [2.00, 2.00]"
  )
  assert "best:" not in headline(rows, {**SETTINGS, "reference": "rival"})
  assert "best: ours" in headline(
    UNEVEN + as_method([changed(r, estimate=99.0) for r in UNEVEN], "bad"),
    {**SETTINGS, "metrics": [], "reference": "bad"},
  )


def test_the_headline_prefers_what_covers_as_much_and_says_how_much_each_covers():
  worse = [changed(r, estimate=99.0) for r in UNEVEN]
  some = as_method([changed(r, estimate=r.truth) for r in UNEVEN if r.group == "B"], "some")
  of = lambda rows: report_tiles(found_of(rows, {**ONLY, "reference": "ours"}))[0].what
  assert (
    of([*worse, *some])
    == "MAE of ours, breaths/min, SIMULATED; best: some, 0.00 (over 1 patient; ours: 2)"
  )
  assert (
    of([*worse, *some, *as_method(UNEVEN, "all")])
    == "MAE of ours, breaths/min, SIMULATED; best: all, 3.00 [0.00, 6.00]"
  )
  assert of([*UNEVEN, *some, *as_method(worse, "all")]) == "MAE of ours, breaths/min, SIMULATED"
  shares = report_tiles(found_of([*UNEVEN, *some], {**ONLY, "reference": "some"}))[1]
  assert (shares.figure, shares.what) == ("100%", "of 1 of 4 windows with a result")


def test_tables_of_further_metrics_tell_their_order_and_leaks_stand_in_the_title():
  text = markdown(full_rows(), SETTINGS)
  assert text.count("Methods in the order of: Rate in 60 s.") == 1 and text.startswith(
    "## Breathing\n"
  )
  leaking = [stamped(r, leaks=True) for r in UNEVEN]
  assert markdown(as_method(leaking, "ours (LEAKS)")).startswith("## Breathing (LEAKS)\n")


def test_the_order_of_the_page(tmp_path, monkeypatch):
  monkeypatch.setattr(figures, "_draw", lambda plan, path, mark: path.write_bytes(b"") == 0)
  settings = {**SETTINGS, "claims": [{"text": "ours < rival", "better": "ours", "worse": "rival"}]}
  page = write.write_report(
    [workdir(tmp_path / "w", full_rows(), settings)], tmp_path / "out", settings, PROTOCOL
  ).read_text()
  order = [
    ">Rate in 60 s <",
    ">Claims<",
    ">The error of each patient<",
    ">Learning curves<",
    ">Against ours<",
    ">MAE by truth<",
    ">Correlation in 60 s <small>corr_win60</small></summary>",
    ">Provenance<",
    ">Split: 1 member<",
  ]
  assert sorted(order, key=page.index) == order


def test_a_report_holds_the_sounds_of_its_system(tmp_path, undrawn):
  def listening(material):
    sounds = [Sound("before & after", lambda: b"an mp3"), Sound("truth", lambda: b"another")]
    return [Listening("take", "Listen to it", f"Of {material.reference}.", sounds)]

  protocol = PROTOCOL._replace(listening=listening)
  rows = workdir(tmp_path / "w", full_rows())
  page = write.write_report([rows], tmp_path / "out", SETTINGS, protocol).read_text()
  assert (tmp_path / "out" / "take_01.mp3").read_bytes() == b"an mp3"
  assert (tmp_path / "out" / "take_02.mp3").read_bytes() == b"another"
  held = base64.b64encode(b"an mp3").decode()
  assert f'src="data:audio/mpeg;base64,{held}"' in page
  assert "before &amp; after" in page and "Of ours." in page
  assert page.count("<audio controls") == 2


def test_provenance_lies_beside_the_tables_and_markdown_has_a_line_on_it(tmp_path, undrawn):
  rows = full_rows()
  other = [stamped(r, config="c2", commit="def") for r in as_method(UNEVEN, "other")]
  a, b = workdir(tmp_path / "a", rows), workdir(tmp_path / "b", other)
  write.write_report([a, b], tmp_path / "out", SETTINGS, PROTOCOL)
  told = json.loads((tmp_path / "out/provenance.json").read_text())
  stamp = {
    "config": "c1",
    "commit": "abc",
    "data": "d1",
    "step": 100,
    "source": "simulated",
    "leaks": False,
    "members": ["fold0_seed0"],
  }
  assert told == {
    "ours": [stamp],
    "rival": [stamp],
    "other": [{**stamp, "config": "c2", "commit": "def"}],
  }
  said = (tmp_path / "out/table.md").read_text()
  assert (
    "(provenance.json)" in said
    and "c2" not in said
    and "def" not in said.replace("default", "")
    and "Licence: ODC-By 1.0" in said
  )
  assert (
    "config c2, commit def, data d1, step 100: other" in (tmp_path / "out/index.html").read_text()
  )


def test_the_console_has_the_main_tables_and_says_where_the_rest_lies(tmp_path, undrawn):
  said = []
  settings = {**SETTINGS, "claims": [{"text": "x", "better": "ours", "worse": "rival"}]}
  path = write.write_report(
    [workdir(tmp_path / "w", full_rows(), settings)],
    tmp_path / "out",
    settings,
    PROTOCOL,
    said.append,
  )
  [text] = said
  assert [part.splitlines()[0] for part in text.split("\n\n")] == [
    "*** SIMULATED: no evidence about real data ***",
    "Rate in 60 s (rate_win60)",
    "Claims",
    f"All tables and figures: {path}",
  ]


# Several workdirs


def test_workdirs_join_and_what_they_share_counts_once(tmp_path):
  shared = [stamped(r, config="c2") for r in as_method(UNEVEN, "rival")]
  a = workdir(tmp_path / "a", UNEVEN + shared)
  b = workdir(
    tmp_path / "b", as_method(UNEVEN, "other") + shared[:-1] + [row("B", "b1", 7.0, method="rival")]
  )
  loaded = load_rows([a, b])
  assert len(loaded.rows) == 3 * len(UNEVEN)
  assert only(loaded.rows, "rival").included.estimate.value == only(UNEVEN).included.estimate.value
  assert "1 result of rival differ between the workdirs" in write.terminal(
    loaded, {"primary": PRIMARY}, PROTOCOL
  )


def test_a_system_with_other_results_under_the_same_name_is_told_apart(tmp_path):
  a, same = workdir(tmp_path / "a", UNEVEN), workdir(tmp_path / "same", UNEVEN)
  b = workdir(tmp_path / "b", [row("A", "a1", 9.0), row("B", "b1", 9.0)])
  assert load_rows([a, same]).methods == ["ours"]
  loaded = load_rows([a, b])
  assert only(loaded.rows, "ours").included.estimate.value == pytest.approx(3)
  assert only(loaded.rows, "ours (b)").included.estimate.value == pytest.approx(9)
  assert [(s.workdir.name, s.method) for s in loaded.sources["ours (b)"]] == [("b", "ours")]


def test_refusals(tmp_path):
  a = workdir(tmp_path / "a", UNEVEN)
  real = workdir(
    tmp_path / "real", [stamped(r, source="bidmc") for r in as_method(UNEVEN, "other")]
  )
  other_data = workdir(tmp_path / "data", [stamped(r, data="d2") for r in UNEVEN])
  empty, broken = workdir(tmp_path / "empty", []), workdir(tmp_path / "broken", UNEVEN[:1])
  with (broken / "rows.jsonl").open("a") as file:
    file.write('{"method": "ou')
  cases = (
    ([a, real], "simulated and real"),
    ([a, other_data], r"data d2.*data d1"),
    ([tmp_path], "not a workdir"),
    ([tmp_path / "none"], "not a workdir"),
    ([empty], r"rows.jsonl is missing or empty"),
    ([broken], "broken line"),
  )
  for workdirs, words in cases:
    with pytest.raises(UserError, match=words) as error:
      load_rows(workdirs)
    assert "\n" not in str(error.value)


# Leaks


def test_a_split_that_leaks_says_so_everywhere(tmp_path, monkeypatch):
  marks = []
  monkeypatch.setattr(figures, "_draw", lambda plan, path, mark: marks.append(mark) or False)
  seen = []
  watching = PROTOCOL._replace(figures=lambda material: seen.append(material) or [])
  settings = {**SETTINGS, "claims": [{"text": "x", "better": "ours", "worse": "rival"}]}
  w = workdir(
    tmp_path / "w", [stamped(r, leaks=True) for r in full_rows()], settings, methods=["ours"]
  )
  member = json.loads((w / "split.json").read_text())["members"][0]
  change_json(w / "split.json", members=[{**member, "leaks": True}])
  page = write.write_report([w], tmp_path / "out", settings, watching).read_text()
  said = (tmp_path / "out/table.md").read_text()
  loaded = load_rows([w])
  console = write.terminal(loaded, settings, PROTOCOL)
  assert loaded.methods == ["ours (LEAKS)", "rival (LEAKS)"]
  for name in ("Rate in 60 s", "Correlation in 60 s", "Against ours (LEAKS)", "MAE by truth"):
    assert all("(LEAKS)" in line[0] for line in section(said, name)[1:]), name
  assert "MAE 3.00 (ours (LEAKS)) against 2.00 (rival (LEAKS))" in said
  body = page.partition("</style>")[2].replace('class="ours"', "")
  for text in (body, said, console):
    assert "LEAKS: the split of all methods leaks on purpose" in text
    assert not re.search(r"\b(ours|rival)\b(?! \(LEAKS\))", text)
  banner, first_line = body.split('<div class="tiles">')[:2]
  assert "LEAKS: the split" in banner and "ours (LEAKS)" in first_line.split("</div>")[0]
  assert "w fold0_seed0 (LEAKS)" in page and {*marks} == {"SIMULATED LEAKS"}
  [material] = seen
  assert material.methods == ["rival (LEAKS)", "ours (LEAKS)"] and all(
    r.method in material.methods for r in material.rows
  )
  assert material.stored("ours (LEAKS)", row("A", "a1", 0.0))["name"] == "a1"


def test_leaking_rows_join_no_others_of_their_name(tmp_path):
  a = workdir(tmp_path / "a", full_rows())
  b = workdir(tmp_path / "b", [stamped(r, leaks=True) for r in full_rows()])
  loaded = load_rows([a, b])
  assert loaded.methods == ["ours", "rival", "ours (LEAKS)", "rival (LEAKS)"] and not loaded.clashes
  said = write.markdown(loaded, SETTINGS, PROTOCOL)
  assert "LEAKS: the split of rival (LEAKS); ours (LEAKS) leaks on purpose" in said


# Blocks of a text


def test_update_block_replaces_only_its_own_block(tmp_path):
  path = tmp_path / "README.md"
  before = (
    "# x\n<!-- table:one -->\nold\n<!-- /table -->\nmiddle\n"
    "<!-- table:two -->\nstays\n<!-- /table -->\nend\n"
  )
  path.write_text(before)
  for _ in range(2):  # the second time changes nothing
    write.update_block(path, "one", "| new |\n\n")
    assert path.read_text() == before.replace("old", "| new |")
  path.write_text("<!-- table:one -->\n<!-- table:two -->\n<!-- /table -->\n")
  for file, name in ((path, "one"), (path, "three"), (tmp_path / "none.md", "one")):
    with pytest.raises(UserError, match=f"table:{name}"):
      write.update_block(file, name, "x")


def test_the_short_form_has_what_was_included_and_the_claims():
  settings = {
    **ONLY,
    "claims": [{"text": "one beats the other", "better": "ours", "worse": "rival"}],
  }
  rows = [
    *UNEVEN,
    *as_method(UNEVEN, "rival"),
    changed(UNEVEN[0], unit="900-960 s", included=False, why="no"),
  ]
  long, short = (markdown(rows, settings, short=s) for s in (False, True))
  assert ", all windows" in long and ", all windows" not in short and "one beats the other" in short
  assert wording.how_averaged(PROTOCOL.words) in short
  assert [line for line in short.splitlines() if line.startswith("###")] == [
    "### Rate in 60 s (`rate_win60`)",
    "### Claims",
  ]


def test_workdirs_of_different_systems_share_no_report(tmp_path):
  a, b = workdir(tmp_path / "a", UNEVEN), workdir(tmp_path / "b", UNEVEN)
  change_json(b / "config.json", system="another")
  with pytest.raises(
    UserError, match=r"config.system is 't' in .*a, but 'another' in .*b: report"
  ) as error:
    load_rows([a, b])
  assert "\n" not in str(error.value)


# Metrics of which there is no row


@pytest.mark.parametrize("absent", [("corr_win60",), ("corr_win60", "mae"), ("mae/sbp",), ("mae",)])
def test_a_further_metric_without_rows_is_left_out_and_named(absent):
  known = protocol({"mae": Metric("Error", "mm", True, targets=("sbp",))})
  settings = {"primary": PRIMARY, "metrics": absent, "against": absent[0]}
  found = found_of(UNEVEN, settings, known)
  assert found.absent == absent
  assert list(found.metrics) == [PRIMARY]
  text = markdown(UNEVEN, settings, known)
  assert f"Left out, as no record gives a row of it: {'; '.join(absent)}." in text
  assert figures_trade.trade(found, PRIMARY) is None


def test_a_claim_on_a_metric_without_rows_is_not_judged():
  claim = {"text": "ours is closer", "better": "ours", "worse": "rival", "metric": "corr_win60"}
  text = markdown(UNEVEN, {"primary": PRIMARY, "claims": (claim,)}, PROTOCOL)
  assert "not judged" in text and "no rows of this metric" in text


@pytest.mark.parametrize(
  ("strata", "absent"),
  [
    ({"truth": ("slow", "middle", "fast")}, "truth: middle"),
    ({"pace": ("slow",)}, "pace"),
    ({"truth": ("Fast",), "pace": ()}, "truth: Fast; pace"),
    (("pace", "truth"), "pace"),
  ],
)
def test_strata_that_no_unit_is_in_are_named(strata, absent):
  rows = [*UNEVEN, row("B", "b1", 1.0, 1, truth=8.0)]
  text = markdown(rows, {**ONLY, "strata": strata})
  assert f"Of report.strata, no window is in: {absent}." in text
  assert "report.strata" not in markdown(rows, {**ONLY, "strata": {"truth": ("slow", "fast")}})
