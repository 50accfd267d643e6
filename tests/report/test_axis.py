"""A report along one setting: each column is its workdir's own report, in order."""

import json
import math

import matplotlib
import numpy as np
import pytest
from made_rows import (
  METRICS,
  ONLY,
  PRIMARY,
  PROTOCOL,
  STAMP,
  WORDS,
  cells,
  change_json,
  changed,
  protocol,
  results,
  row,
  stamped,
  value,
  workdir,
)

from jaxsig import figure_style
from jaxsig.errors import UserError
from jaxsig.report import along_axis, figures, figures_along_axis, tables_along_axis, write
from jaxsig.report.aggregate import aggregate
from jaxsig.report.averages import Estimate
from jaxsig.report.join import load_rows
from jaxsig.report.settings import read_settings
from jaxsig.report.wording import interval
from jaxsig.system import Metric

AT = {"many": 1e5, "few": 900.0, "none": math.inf, "some": 1e4}  # in no order
SORTED = ["900", "10000", "100000", "inf"]
METRIC = "nmse"
GROUPS, LEVEL = "ABCDEF", {"ours": 1, "rival": 2, "only": 3, "worst": 4}
SETTINGS = {
  "title": "Noise",
  "primary": METRIC,
  "metrics": ["corr"],
  "reference": "ours",
  "axis": "data.photons",
}
WITHOUT = {**SETTINGS, "axis": ""}
IMAGES = protocol(
  {METRIC: Metric("Error", decimals=3), "corr": Metric("Correlation", better="higher", decimals=3)},
  WORDS._replace(group="image", groups="images"),
)
HIGHER = protocol({METRIC: Metric("Error", better="higher")})


def some_rows(at, methods):
  """Of both metrics; each value of the setting has data of its own."""
  rng = np.random.default_rng(len(methods) + int(min(at, 1e6)))
  rows = [
    value(g, f"r{g}", LEVEL[m] + float(rng.uniform()), m, stamp=STAMP._replace(data=f"d{at:g}"))
    for m in methods
    for g in GROUPS
  ]
  return [
    changed(r, metric=metric, value=sign * r.value)
    for r in rows
    for metric, sign in ((METRIC, 1), ("corr", -1))
  ]


def placed(folder, rows, at, settings=SETTINGS):
  return workdir(folder, rows, settings, data={"photons": at})


@pytest.fixture
def workdirs(tmp_path):
  """The axis is in the first config only.

  "rival" lacks at 900, "only" is of infinity alone; there "worst" lacks an image.
  """
  methods = {
    "many": ["worst", "rival", "ours"],
    "few": ["worst", "ours"],
    "none": ["worst", "rival", "only", "ours"],
    "some": ["worst", "rival", "ours"],
  }
  lost = lambda name, r: name == "none" and r.method == "worst" and r.group == "A"
  settings = {name: {**SETTINGS, "axis": "data.photons" if name == "many" else ""} for name in AT}
  return [
    placed(
      tmp_path / name,
      [r for r in some_rows(at, methods[name]) if not lost(name, r)],
      at,
      settings[name],
    )
    for name, at in AT.items()
  ]


def markdown(loaded, settings=SETTINGS, protocol=IMAGES):
  return write.markdown(loaded, settings, protocol)


def axis_found(workdirs, protocol=IMAGES, **options):
  return along_axis.aggregate_along(
    load_rows(workdirs), read_settings({**SETTINGS, **options}), protocol
  )


def without(loaded, dropped):
  """The results without some rows."""
  parts = {
    at: results([r for r in part.rows if not dropped(at, r)])
    for at, part in loaded.at_values.items()
  }
  return results([r for part in parts.values() for r in part.rows], at_values=parts)


def test_each_column_is_the_report_of_its_workdir_alone(workdirs):
  text = markdown(load_rows(workdirs))
  differences = cells(text, "Against ours")
  for w, at in zip(workdirs, AT.values()):
    alone = aggregate(load_rows([w], axis=""), read_settings(WITHOUT), IMAGES)
    column = SORTED.index(f"{at:g}")
    for metric, title in ((METRIC, "Error"), ("corr", "Correlation")):
      found = alone.metrics[metric].methods
      told = {
        m: line[column]
        for m, line in cells(text, f"{title} by data.photons").items()
        if m in alone.methods
      }
      assert (
        told == {m: interval(x.included.estimate, 3) for m, x in found.items()} and len(told) > 1
      )
    paired = alone.metrics[METRIC].paired
    assert {m: line[column] for m, line in differences.items() if m in paired} == {
      m: interval(x.difference, 3) for m, x in paired.items()
    }


def test_columns_ascend_methods_are_ordered_and_what_lacks_is_a_dash(workdirs):
  text = markdown(load_rows(workdirs))
  table, against = cells(text, "Error by data.photons"), cells(text, "Against ours")
  assert table["method"] == against["method"] == SORTED
  assert [*table][1:] == ["ours", "rival", "only", "worst"] == [*axis_found(workdirs).methods]
  lacking = {m: [c == "-" for c in line] for m, line in table.items() if m in LEVEL}
  assert lacking == {
    "ours": [False] * 4,
    "rival": [True, False, False, False],
    "only": [True, True, True, False],
    "worst": [False] * 4,
  }
  assert against["only"][:3] == ["-"] * 3 and against["only"][3] != "-" and "ours" not in against
  assert axis_found(workdirs, HIGHER, metrics=()).methods[0] != "ours"


def test_the_note_counts_images_and_who_lacks_some(workdirs):
  text = markdown(load_rows(workdirs))
  assert (
    "mean [95 % CI]. 6 images, 6 recordings, 6 windows, none excluded. "
    "Missing in worst: 1 image at inf. "
    in text
  )
  some = without(load_rows(workdirs), lambda at, r: at == 900 and r.group == "B")
  assert (
    "5 images, 5 recordings, 5 windows, none excluded at 900; "
    "6 images, 6 recordings, 6 windows, none excluded at 10000, "
    "100000, inf."
  ) in markdown(some)


def test_errors_keep_their_unit_and_decimals_and_count_what_was_excluded(tmp_path):
  settings = {**ONLY, "axis": "data.photons"}
  rows = lambda at: [
    row(g, f"r{g}", error * at, method=m, included=g != "C" or at == 1)
    for m, error in (("rival", -2.0), ("ours", 1.0))
    for g in "ABC"
  ]
  made = [placed(tmp_path / f"{at}", rows(at), at, settings) for at in (1, 2)]
  text = markdown(load_rows(made), settings, PROTOCOL)
  assert cells(text, f"{METRICS[PRIMARY].title} by data.photons")["rival"] == [
    "2.00 [2.00, 2.00]",
    "4.00 [4.00, 4.00]",
  ]
  assert (
    "MAE [95 % CI], breaths/min. 3 patients, 3 recordings, 3 windows, none excluded at 1; "
    "3 patients, 3 recordings, 3 windows, "
    "1 excluded at 2. Missing in ours; rival: 1 patient at 2."
  ) in text
  assert (
    axis_found(made, PROTOCOL, **settings).methods == ["ours", "rival"]
    and "above zero, ours is better" in text
  )


def test_a_value_without_the_reference_or_a_further_metric_has_no_such_figures(workdirs):
  some = without(
    load_rows(workdirs), lambda at, r: at == 900 and (r.method != "worst" or r.metric != METRIC)
  )
  text = markdown(some)
  assert [c == "-" for c in cells(text, "Against ours")["worst"]] == [True, False, False, False]
  assert [c == "-" for c in cells(text, "Correlation by data.photons")["ours"]] == [
    True,
    False,
    False,
    False,
  ]
  for wrong in ({"reference": "theirs"}, {"metrics": ["cor"]}):
    with pytest.raises(UserError, match=next(iter(np.ravel([*wrong.values()])))):
      along_axis.aggregate_along(some, read_settings({**SETTINGS, **wrong}), IMAGES)


def test_claims_are_judged_at_each_value(workdirs):
  claim = {"text": "ours is best", "better": "ours", "worse": "rival"}
  table = cells(
    markdown(load_rows(workdirs), {**SETTINGS, "claims": [claim]}), "Claims by data.photons"
  )
  assert table["ours is best"][0] == "-" and all(
    c.startswith("confirmed, ") for c in table["ours is best"][1:]
  )


def test_two_primaries_have_a_table_and_a_figure_each(workdirs):
  found = axis_found(workdirs, primary=(METRIC, "corr"), metrics=())
  titles = [t.title for t in tables_along_axis.main_axis_tables(found)]
  assert titles == ["Error by data.photons", "Correlation by data.photons"]
  assert [figures_along_axis.figure_along(found, key).name for key in found.primary] == [
    "axis_nmse",
    "axis_corr",
  ]


def test_without_an_axis_rows_are_as_ever_and_other_data_is_refused(workdirs):
  for i, w in enumerate(workdirs):  # what later workdirs say does not count
    change_json(w / "config.json", report={**SETTINGS, "axis": "data.photons" if i else ""})
  loaded = load_rows(workdirs[:1])
  assert not loaded.at_values
  text = markdown(loaded, WITHOUT)
  assert (
    text == markdown(loaded, {k: v for k, v in SETTINGS.items() if k != "axis"})
    and f"### Error (`{METRIC}`)\n" in text
  )
  with pytest.raises(UserError, match=r"with data d900, another workdir with data d100000"):
    load_rows(workdirs)


def test_rows_of_one_value_still_join_and_clash(tmp_path):
  rows = some_rows(1e3, ["ours", "rival"])
  other = [changed(r, value=r.value + 1) for r in rows]
  made = [
    placed(tmp_path / name, x, at)
    for name, x, at in (
      ("a", rows, 1e3),
      ("same", rows, 1000),
      ("b", other, 1e3),
      ("c", other, 1e4),
    )
  ]
  loaded = load_rows(made[:2])
  assert len(loaded.rows) == len(rows) and {*loaded.methods} == {"ours", "rival"}
  loaded = load_rows(made)
  assert {at: part.methods for at, part in loaded.at_values.items()} == {
    1e3: ["ours", "rival", "ours (b)"],
    1e4: ["ours", "rival"],
  }
  assert f"{len(GROUPS)} results of rival differ" in markdown(loaded)


@pytest.mark.parametrize(
  "data",
  [
    {},
    {"photons": "many"},
    {"photons": {"n": 1}},
    {"photons": math.nan},
    {"photons": []},
    {"photons": [1, "many"]},
    3,
  ],
)
def test_a_workdir_without_a_number_there_is_named_in_one_sentence(workdirs, data):
  change_json(workdirs[2] / "config.json", data=data)
  with pytest.raises(UserError, match=r"none has no number at 'data\.photons'") as error:
    load_rows(workdirs)
  assert "\n" not in str(error.value)


@pytest.fixture
def marked(monkeypatch):
  """Instead of pictures: (name, whether there is material) of the figures that are asked for."""
  asked = []

  def draw(plan, path, mark):
    has_material = plan.draw() is not None
    asked.append((plan.name, has_material))
    path.write_bytes(b"png")
    return has_material

  monkeypatch.setattr(figures, "_draw", draw)
  return asked


def test_the_page_has_the_figure_and_the_json_each_value(workdirs, tmp_path, marked):
  page = write.write_report(workdirs, tmp_path / "report", SETTINGS, IMAGES)
  text, found = page.read_text(), json.loads((page.parent / "table.json").read_text())
  assert marked == [("axis", True), ("learning", True)]
  titles = [
    f">{t}<" for t in ("Error along data.photons", "Learning curves", "Against ours", "Provenance")
  ]
  titles = [">Error by data.photons <", *titles[:3], ">Correlation by data.photons <", titles[3]]
  assert (
    sorted(titles, key=text.index) == titles and "of ours, SIMULATED, at data.photons inf" in text
  )
  assert (found["axis"], found["values"], [*found["by_value"]]) == ("data.photons", SORTED, SORTED)
  assert (
    found["by_value"]["inf"]["metrics"][METRIC]["methods"]["worst"]["missing"] == ["A"]
    and len(found["split"]) == 4
  )
  assert (
    page.read_bytes()
    == write.write_report(workdirs, tmp_path / "again", SETTINGS, IMAGES).read_bytes()
  )


def test_the_console_and_a_file_s_block_take_the_same_tables(workdirs):
  loaded = load_rows(workdirs)
  assert f"Error by data.photons ({METRIC})\nmethod  " in write.terminal(loaded, SETTINGS, IMAGES)
  main = f"Error by data.photons (`{METRIC}`)"
  for short, headings in ((False, [main, "Against ours"]), (True, [main])):
    text = write.markdown(loaded, {**SETTINGS, "metrics": []}, IMAGES, short)
    assert [line[4:] for line in text.splitlines() if line.startswith("###")] == headings


def test_a_wide_range_is_drawn_by_its_logarithm_and_infinity_one_step_on():
  places = figures_along_axis.places
  np.testing.assert_allclose(places([1e2, 1e3, 1e5, math.inf]), [2, 3, 5, 6.5])
  np.testing.assert_allclose(places([48, 64, 96]), [48, 64, 96])
  np.testing.assert_allclose(places([0, 1, 100, math.inf]), [0, 1, 100, 150])
  np.testing.assert_allclose(places([5, math.inf]), [5, 6])
  assert places([math.inf]) == [0] and places([]) == []


def test_the_figure_shows_each_mean_and_interval(workdirs):
  found = axis_found(workdirs)
  of_method = {
    m: {v: x.estimate for v, x in along_axis.included_at(found, METRIC, m).items()}
    for m in found.methods
  }
  with matplotlib.rc_context(figure_style.STYLE):
    figure = figures_along_axis.draw_along(found, METRIC)
  drawn = figure.axes[0]
  assert [t.get_text() for t in drawn.get_xticklabels()] == SORTED
  assert [t.get_text() for t in figure.legends[0].get_texts()] == found.methods
  for by_value, finite, step in zip(
    of_method.values(), drawn.lines[::2], drawn.lines[1::2], strict=True
  ):
    np.testing.assert_array_equal(
      finite.get_ydata(), [by_value.get(v, Estimate(math.nan)).value for v in SORTED[:3]]
    )
    assert (
      step.get_ydata()[-1] == by_value["inf"].value
      and step.get_linestyle() == ":"
      and finite.get_linestyle() == "-"
    )
  spans = [sorted(s[:, 1]) for bars in drawn.collections for s in bars.get_segments()]
  assert spans == [[x.low, x.high] for by_value in of_method.values() for x in by_value.values()]


def test_a_range_of_values_is_the_last_column_and_no_point_of_the_figure(
  workdirs, tmp_path, marked
):
  mixed = placed(tmp_path / "mixed", some_rows(5.0, ["rival", "ours"]), (1e3, 1e6))
  found = axis_found([mixed, *workdirs])
  assert found.values == [*SORTED, "1000 to 1e+06"] and [*along_axis.numbers(found)] == SORTED
  write.write_report([mixed, *workdirs], tmp_path / "report", SETTINGS, IMAGES)
  write.write_report([mixed], tmp_path / "alone", SETTINGS, IMAGES)
  assert marked == [("axis", True), ("learning", True), ("axis", False), ("learning", True)]


def test_values_that_look_alike_keep_their_columns(tmp_path):
  made = [
    placed(tmp_path / f"{at}", some_rows(at, ["ours", "rival"]), at)
    for at in (1234567.0, 1234568.0)
  ]
  assert axis_found(made).values == ["1234567.0", "1234568.0"]


def test_leaks_are_marked_at_each_value(tmp_path):
  made = [
    placed(
      tmp_path / f"{at}", [stamped(r, leaks=True) for r in some_rows(at, ["rival", "ours"])], at
    )
    for at in (1.0, 2.0)
  ]
  text = markdown(load_rows(made))
  assert [*cells(text, "Error by data.photons")][1:] == [
    "ours (LEAKS)",
    "rival (LEAKS)",
  ] and "LEAKS: the split" in text
