"""A report along one setting: each column is its workdir's own report, in order, with "-" for what a value lacks."""
import json
import math

import numpy as np
import pytest
from test_report import REPORT, row, value, workdir

from jaxsig.errors import UserError
from jaxsig.experiment import sweep
from jaxsig.report import aggregate as averages
from jaxsig.report import along_axis as axis
from jaxsig.report import figures_along_axis as plots_axis
from jaxsig.report import write as report
from jaxsig.report.tables import interval

AT = {"many": 1e5, "few": 900.0, "none": math.inf, "some": 1e4}   # in no order
SORTED = ["900", "10000", "100000", "inf"]
METRIC = "nmse"
PATIENTS, LEVEL = "ABCDEF", {"ours": 1, "rival": 2, "only": 3, "worst": 4}
SETTINGS = {"title": "Noise", "primary": METRIC, "metrics": ["corr"], "higher": False, "reference": "ours", "axis": "data.photons",
            "words": {"patient": "image"}}


def some_rows(at, methods):
  """Of both metrics; each value of the setting has data of its own."""
  rng = np.random.default_rng(len(methods) + int(min(at, 1e6)))
  rows = [value(g, f"r{g}", LEVEL[m] + float(rng.uniform()), m) for m in methods for g in PATIENTS]
  return [{**r, "metric": metric, "value": sign * r["value"], "data": f"d{at:g}"}
          for r in rows for metric, sign in ((METRIC, 1), ("corr", -1))]


def placed(folder, rows, at, settings=SETTINGS):
  made = workdir(folder, rows, settings)
  config = json.loads((made / "config.json").read_text())
  (made / "config.json").write_text(json.dumps({**config, "data": {"photons": at}}))
  return made


@pytest.fixture
def workdirs(tmp_path):
  """The axis is in the first config only. "rival" lacks at 900, "only" is of infinity alone; there "worst" lacks an image."""
  methods = {"many": ["worst", "rival", "ours"], "few": ["worst", "ours"], "none": ["worst", "rival", "only", "ours"],
             "some": ["worst", "rival", "ours"]}
  lost = lambda name, r: name == "none" and r["method"] == "worst" and r["group"] == "A"
  settings = {name: {**SETTINGS, "axis": "data.photons" if name == "many" else ""} for name in AT}
  return [placed(tmp_path / name, [r for r in some_rows(at, methods[name]) if not lost(name, r)], at, settings[name])
          for name, at in AT.items()]


def cells(text, title):
  """{first cell: the others} of a Markdown table."""
  lines = text.split(f"### {title}\n")[1].strip().split("\n\n")[0].splitlines()
  return {name: line for name, *line in (x.strip("| ").split(" | ") for x in lines)}


def test_each_column_is_the_report_of_its_workdir_alone(workdirs):
  text = report.markdown(report.load_rows(workdirs), SETTINGS)
  differences = cells(text, "Against ours")
  for w, at in zip(workdirs, AT.values()):
    alone = averages.aggregate(report.load_rows([w]), {**SETTINGS, "axis": ""})
    column = SORTED.index(f"{at:g}")
    for metric in (METRIC, "corr"):
      found = alone["metrics"][metric]["methods"]
      told = {m: line[column] for m, line in cells(text, f"{metric} by data.photons").items() if m in alone["methods"]}
      assert told == {m: interval(x["kept"], False) for m, x in found.items()} and len(told) > 1
    assert {m: line[column] for m, line in differences.items() if m in alone["paired"]} == {
        m: interval(x, False) for m, x in alone["paired"].items()}


def test_columns_ascend_methods_are_ordered_and_what_lacks_is_a_dash(workdirs):
  text = report.markdown(report.load_rows(workdirs), SETTINGS)
  table, against = cells(text, f"{METRIC} by data.photons"), cells(text, "Against ours")
  assert table["method"] == against["method"] == SORTED
  assert [m for m in table if m != "---"][1:] == ["ours", "rival", "only", "worst"] == [*axis_found(workdirs)["methods"]]
  lacking = {m: [c == "-" for c in line] for m, line in table.items() if m in ("ours", "rival", "only", "worst")}
  assert lacking == {"ours": [False] * 4, "rival": [True, False, False, False], "only": [True, True, True, False], "worst": [False] * 4}
  assert against["only"][:3] == ["-"] * 3 and against["only"][3] != "-" and "ours" not in against
  assert axis_found(workdirs, higher=True)["methods"][0] != "ours"


def axis_found(workdirs, **options):
  return axis.aggregate(report.load_rows(workdirs), {**SETTINGS, **options})


def test_the_note_counts_images_and_who_lacks_some(workdirs):
  text = report.markdown(report.load_rows(workdirs), SETTINGS)
  assert "mean [95 % CI]. 6 images, 6 recordings, 6 windows, none excluded. Missing in worst: 1 images at inf.\n" in text
  rows = [r for r in report.load_rows(workdirs) if r["at"] != 900 or r["group"] != "B"]
  assert ("5 images, 5 recordings, 5 windows, none excluded at 900; 6 images, 6 recordings, 6 windows, none excluded at 10000, "
          "100000, inf.") in report.markdown(rows, SETTINGS)


def test_errors_keep_their_unit_and_decimals_and_count_what_was_excluded(tmp_path):
  settings = {**REPORT, "metrics": [], "axis": "data.photons"}
  rows = lambda at: [row(g, f"r{g}", error * at, method=m, kept=g != "C" or at == 1)
                     for m, error in (("rival", -2.0), ("ours", 1.0)) for g in "ABC"]
  made = [placed(tmp_path / f"{at}", rows(at), at, settings) for at in (1, 2)]
  text = report.markdown(report.load_rows(made), settings)
  assert cells(text, "rate_win60 by data.photons")["rival"] == ["2.00 [2.00, 2.00]", "4.00 [4.00, 4.00]"]
  assert ("MAE [95 % CI], breaths/min. 3 patients, 3 recordings, 3 windows, none excluded at 1; 3 patients, 3 recordings, 3 windows, "
          "1 excluded at 2. Missing in ours, rival: 1 patients at 2.") in text
  assert axis_found(made, **settings)["methods"] == ["ours", "rival"] and "above zero, ours is better" in text


def test_a_value_without_the_reference_or_a_further_metric_has_no_such_figures(workdirs):
  rows = [r for r in report.load_rows(workdirs) if r["at"] != 900 or (r["method"] == "worst" and r["metric"] == METRIC)]
  text = report.markdown(rows, SETTINGS)
  assert [c == "-" for c in cells(text, "Against ours")["worst"]] == [True, False, False, False]
  assert [c == "-" for c in cells(text, "corr by data.photons")["ours"]] == [True, False, False, False]
  for wrong in ({"reference": "theirs"}, {"metrics": ["cor"]}):
    with pytest.raises(UserError, match=next(iter(np.ravel([*wrong.values()])))):
      axis.aggregate(rows, {**SETTINGS, **wrong})


def test_claims_are_judged_at_each_value(workdirs):
  claim = {"text": "ours is best", "better": "ours", "worse": "rival", "higher": False}
  table = cells(report.markdown(report.load_rows(workdirs), {**SETTINGS, "claims": [claim]}), "Claims by data.photons")
  assert table["ours is best"][0] == "-" and all(c.startswith("confirmed, ") for c in table["ours is best"][1:])


def test_without_an_axis_rows_are_as_ever_and_other_data_is_refused(workdirs):
  for i, w in enumerate(workdirs):   # what later workdirs say does not count
    config = json.loads((w / "config.json").read_text())
    (w / "config.json").write_text(json.dumps({**config, "report": {**SETTINGS, "axis": "data.photons" if i else ""}}))
  rows = report.load_rows(workdirs[:1])
  assert not any("at" in r for r in rows)
  text = report.markdown(rows, {**SETTINGS, "axis": ""})
  assert text == report.markdown(rows, {k: v for k, v in SETTINGS.items() if k != "axis"}) and f"### {METRIC}\n" in text
  with pytest.raises(UserError, match="with data d900, another workdir with data d100000"):
    report.load_rows(workdirs)


def test_rows_of_one_value_still_join_and_clash(tmp_path):
  rows = some_rows(1e3, ["ours", "rival"])
  other = [{**r, "value": r["value"] + 1} for r in rows]
  made = [placed(tmp_path / name, x, at) for name, x, at in (("a", rows, 1e3), ("same", rows, 1000), ("b", other, 1e3), ("c", other, 1e4))]
  loaded = report.load_rows(made[:2])
  assert len(loaded) == len(rows) and {r["method"] for r in loaded} == {"ours", "rival"}
  loaded = report.load_rows(made)
  assert {(r["method"], r["at"]) for r in loaded} == {("ours", 1e3), ("rival", 1e3), ("ours (b)", 1e3), ("ours", 1e4), ("rival", 1e4)}
  assert f"{len(PATIENTS)} results of rival differ" in report.markdown(loaded, SETTINGS)


@pytest.mark.parametrize("data", [{}, {"photons": "many"}, {"photons": {"n": 1}}, {"photons": math.nan}, {"photons": []},
                                  {"photons": [1, "many"]}, 3])
def test_a_workdir_without_a_number_there_is_named_in_one_sentence(workdirs, data):
  path = workdirs[2] / "config.json"
  path.write_text(json.dumps({**json.loads(path.read_text()), "data": data}))
  with pytest.raises(UserError, match=r"none has no number at 'data\.photons'") as error:
    report.load_rows(workdirs)
  assert "\n" not in str(error.value)


def test_the_page_has_the_figure_and_the_json_each_value(workdirs, tmp_path):
  page = report.write(workdirs, tmp_path / "report")
  text, found = page.read_text(), json.loads((page.parent / "table.json").read_text())
  assert {p.stem for p in page.parent.glob("*.png")} == {"axis", "learning"} and text.count("data:image/png;base64,") == 2
  titles = [f"<h2>{t}</h2>" for t in (f"{METRIC} by data.photons", "Against ours", f"{METRIC} along data.photons", "Learning curves",
                                      "corr by data.photons", "Provenance")]
  assert sorted(titles, key=text.index) == titles and "of ours, at data.photons inf" in text
  assert (found["axis"], found["values"], [*found["by_value"]]) == ("data.photons", SORTED, SORTED)
  assert found["by_value"]["inf"]["metrics"][METRIC]["methods"]["worst"]["missing"] == ["A"] and len(found["split"]) == 4
  assert page.read_bytes() == report.write(workdirs, tmp_path / "again").read_bytes()


def test_the_console_and_a_file_s_block_take_the_same_tables(workdirs, tmp_path):
  assert f"{METRIC} by data.photons\nmethod  " in report.terminal(report.load_rows(workdirs), SETTINGS)
  path = tmp_path / "README.md"
  for name, headings in (("t", [f"{METRIC} by data.photons", "Against ours"]), ("t_short", [f"{METRIC} by data.photons"])):
    path.write_text(f"<!-- table:{name} -->\n<!-- /table -->\n")
    sweep.update_table(workdirs, str(path), name)
    assert [line[4:] for line in path.read_text().splitlines() if line.startswith("###")] == headings


def test_a_wide_range_is_drawn_by_its_logarithm_and_infinity_one_step_on():
  np.testing.assert_allclose(plots_axis.places([1e2, 1e3, 1e5, math.inf]), [2, 3, 5, 6.5])
  np.testing.assert_allclose(plots_axis.places([48, 64, 96]), [48, 64, 96])
  np.testing.assert_allclose(plots_axis.places([0, 1, 100, math.inf]), [0, 1, 100, 150])
  np.testing.assert_allclose(plots_axis.places([5, math.inf]), [5, 6])
  assert plots_axis.places([math.inf]) == [0] and plots_axis.places([]) == []


def test_the_figure_shows_each_mean_and_interval(workdirs):
  found = axis_found(workdirs)
  figures = {m: axis.kept(found, METRIC, m) for m in found["methods"]}
  figure = plots_axis._lines(figures, axis.numbers(found), found, "nmse", None)
  drawn = figure.axes[0]
  assert [t.get_text() for t in drawn.get_xticklabels()] == SORTED
  assert [t.get_text() for t in figure.legends[0].get_texts()] == found["methods"]
  for by_value, finite, step in zip(figures.values(), drawn.lines[::2], drawn.lines[1::2], strict=True):
    np.testing.assert_array_equal(finite.get_ydata(), [by_value.get(v, {"mean": math.nan})["mean"] for v in SORTED[:3]])
    assert step.get_ydata()[-1] == by_value["inf"]["mean"] and step.get_linestyle() == ":" and finite.get_linestyle() == "-"
  spans = [sorted(s[:, 1]) for bars in drawn.collections for s in bars.get_segments()]
  assert spans == [[x["low"], x["high"]] for by_value in figures.values() for x in by_value.values()]


def test_a_range_of_values_is_the_last_column_and_no_point_of_the_figure(workdirs, tmp_path):
  mixed = placed(tmp_path / "mixed", some_rows(5.0, ["rival", "ours"]), (1e3, 1e6))
  found = axis_found([mixed, *workdirs])
  assert found["values"] == [*SORTED, "1000 to 1e+06"] and [*axis.numbers(found)] == SORTED
  assert report.write([mixed, *workdirs], tmp_path / "report").read_text().count("data:image/png") == 2
  assert {p.stem for p in report.write([mixed], tmp_path / "alone").parent.glob("*.png")} == {"learning"}


def test_values_that_look_alike_keep_their_columns():
  rows = [{**r, "at": at} for at in (1234567.0, 1234568.0) for r in some_rows(at, ["ours", "rival"])]
  assert axis.aggregate(rows, SETTINGS)["values"] == ["1234567.0", "1234568.0"]
