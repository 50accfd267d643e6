"""What methods know of their error, and claims: closed forms, verdicts and sentences."""

import json

import numpy as np
import pytest
from made_rows import (
  FURTHER,
  METRICS,
  ONLY,
  PRIMARY,
  PROTOCOL,
  UNEVEN,
  as_method,
  cells,
  changed,
  protocol,
  results,
  row,
  section,
  value,
  workdir,
)

from jaxsig.errors import UserError
from jaxsig.report import figures, write
from jaxsig.report.aggregate import aggregate
from jaxsig.report.join import load_rows
from jaxsig.report.settings import read_settings
from jaxsig.statistics import bootstrap_interval, paired_difference
from jaxsig.system import Metric

TITLE = METRICS[PRIMARY].title


def sure(group, record, error, spread, k=0, method="ours", **more):
  """A row whose intervals reach 0.5, 1 and 2 spreads to both sides."""
  own = row(group, record, error, k, method, **more)
  reach = (
    {}
    if own.estimate is None or spread is None
    else {"50": 0.5 * spread, "80": spread, "95": 2 * spread}
  )
  return changed(
    own,
    spread=spread,
    interval={level: (own.estimate - x, own.estimate + x) for level, x in reach.items()},
  )


def found_of(rows, settings=ONLY, protocol=PROTOCOL):
  return aggregate(results(rows), read_settings(settings), protocol)


def certainty(rows, method="ours", metric=PRIMARY, **options):
  return found_of(rows, {**ONLY, "primary": metric}, **options).metrics[metric].uncertainty[method]


def table(rows, title, settings=ONLY, protocol=PROTOCOL, **more):
  """{first cell: the others} of a table in the Markdown."""
  found = cells(write.markdown(results(rows, **more), settings, protocol), title)
  return dict(list(found.items())[1:])


def test_interval_coverage_is_a_mean_over_patients():
  rows = [
    sure("A", "a1", 0.4, 1.0),
    sure("A", "a1", -0.8, 1.0, 1),
    sure("A", "a1", 1.5, 1.0, 2),
    sure("A", "a1", 2.5, 1.0, 3),
    sure("B", "b1", 1.5, 2.0),
    sure("B", "b1", None, None, 1),
    sure("B", "b1", 9.0, 0.1, 2, included=False, why="no"),
  ]
  found = certainty(rows).intervals
  assert found.share == {
    "50": pytest.approx((1 / 4 + 0) / 2),
    "80": pytest.approx((2 / 4 + 1) / 2),
    "95": pytest.approx((3 / 4 + 1) / 2),
  }
  assert (found.low, found.high) == bootstrap_interval([3 / 4, 1]) and found.width == 4
  assert table(rows, "Uncertainty")["ours"][:4] == ["12%", "75%", "88% [75%, 100%]", "4.00"]
  at_the_end = sure("A", "a1", 2.0, 1.0)
  at_the_end = changed(at_the_end, interval={**at_the_end.interval, "95": (15.0, 19.0)})
  # the ends are inside
  assert certainty([at_the_end, sure("B", "b1", 0.0, 1.0)]).intervals.share["95"] == 1


def test_intervals_have_the_levels_that_rows_have():
  rows = [changed(r, interval={"90": (r.estimate - 2, r.estimate + 2)}) for r in UNEVEN]
  assert certainty(rows).intervals.share == {"90": 0.625}  # of A: (1/2 + 0) / 2
  assert section(write.markdown(results(rows), ONLY, PROTOCOL), "Uncertainty")[0] == [
    "method",
    "90 % hold",
    "90 % width, breaths/min",
  ]


def test_the_most_certain_windows_are_chosen_over_patients_within_a_seed():
  rows = [sure("A", "a1", float(k), 0.1 * k, k) for k in range(5)] + [
    sure("B", "b1", 10.0, 0.1 * k + 0.05, k) for k in range(5)
  ]
  again = [sure("A", "a1", 1.0, 9.0 + k, k, seed=1) for k in range(5)] + [
    sure("B", "b1", 3.0, 5.0, k, seed=1) for k in range(5)
  ]
  found = certainty(rows).risk
  assert found.all == (6.0, 2) and found.told == {80: ((1.5 + 10) / 2, 2), 60: ((1 + 10) / 2, 2)}
  # of the second seed all of B are more certain than all of A
  both = certainty(rows + again).risk.told
  assert (
    both[80].value == pytest.approx(((1.5 + 1) / 2 + (10 + 3) / 2) / 2) and both[60].groups == 2
  )
  assert certainty(again).risk.told[60] == (2.0, 2)
  five = certainty([r for r in again if r.group == "B" or r.unit == "0-60 s"])
  assert five.risk.told[80] == (3.0, 1)
  assert table(rows, "Uncertainty")["ours"][4:] == ["6.00 (2)", "5.75 (2)", "5.50 (2)"]


def test_windows_without_an_estimate_are_refused_first():
  rows = [sure("A", "a1", 1.0 + k if k < 7 else None, float(k), k) for k in range(10)]
  # answered, but with nothing said of it: refused next
  rows[2] = changed(rows[2], spread=None)
  found = certainty(rows).risk
  assert found.all == (4.0, 1) and found.told == {80: None, 60: (25 / 6, 1)}
  curve = dict(found.curve)
  assert [share for share, _ in found.curve] == [*range(20, 71, 5)]
  many = certainty(
    [sure("A", "a1", 1.0 if k < 72 else None, float(k), k) for k in range(100)]
  ).risk.curve
  # the curve ends at what is answered at most
  assert [share for share, _ in many] == [*range(20, 71, 5), 72]
  assert curve[20] == 1.5 and curve[30] == pytest.approx((1 + 2 + 4) / 3) and curve[70] == 4.0
  assert table(rows, "Uncertainty")["ours"][4:7] == ["4.00 (1)", "-", "4.17 (1)"]


@pytest.mark.parametrize("better, best", [("higher", 1.0), ("lower", 0.0)])
def test_values_have_risk_coverage_by_their_probability_in_the_direction_that_is_better(
  better, best
):
  metrics = protocol({"solved": Metric("Solved", better=better, decimals=3)})
  rows = [
    value("A", "a1", float(k >= 5), k=k, metric="solved", probability=0.05 + 0.1 * k)
    for k in range(10)
  ]
  found = certainty(rows, metric="solved", protocol=metrics)
  assert (
    found.intervals is None and found.risk.all == (0.5, 1) and dict(found.risk.curve)[50] == best
  )
  assert found.risk.told[80].value == pytest.approx((5 if better == "higher" else 3) / 8)
  assert table(rows, "Uncertainty", {"primary": "solved"}, metrics) == {
    "ours": [
      "0.500 (1)",
      f"{found.risk.told[80].value:.3f} (1)",
      f"{found.risk.told[60].value:.3f} (1)",
    ]
  }
  neither = protocol({"solved": Metric("Solved", better="")})
  assert not found_of(rows, {"primary": "solved"}, neither).metrics["solved"].uncertainty


def test_values_have_risk_coverage_by_their_spread():
  rows = [value("A", "a1", 0.1 * k, k=k, spread=1.0 - 0.1 * k) for k in range(10)]
  assert dict(certainty(rows, metric=FURTHER).risk.curve)[20] == pytest.approx((0.9 + 0.8) / 2)


def test_who_says_nothing_has_no_line_and_a_table_of_nothing_is_left_out():
  rows = [sure("A", "a1", 1.0, 1.0), sure("B", "b1", 1.0, 2.0)]
  silent = [row("A", "a1", 1.0, method="rival"), row("B", "b1", 3.0, method="rival")]
  lines = table(rows + silent, "Uncertainty")
  assert "ours" in lines and "rival" not in lines
  for without in (UNEVEN, [value("A", "a1", 1.0), value("B", "b1", 1.0)]):
    settings = {"primary": without[0].metric}
    assert not found_of(without, settings).metrics[without[0].metric].uncertainty
    assert "Uncertainty" not in write.markdown(results(without), settings, PROTOCOL)


def test_each_method_tells_its_time():
  rows = [value(g, f"r{g}", 0.5, m) for m in ("fast", "slow", "untimed") for g in "ABC"]
  settings = {"primary": FURTHER, "timing": "s per image", "timing_s": 1.0}
  said = write.markdown(results(rows, seconds={"slow": 2.0, "fast": 0.01234}), settings, PROTOCOL)
  assert section(said, "Time") == [["method", "s per image"], ["fast", "0.0123"], ["slow", "2"]]
  later = write.markdown(
    results(rows, seconds={"slow": 2.0}), {**settings, "timing": "", "timing_s": 30.0}, PROTOCOL
  )
  # what is stored is per second
  assert section(later, "Time") == [["method", "s per 30 s"], ["slow", "60"]]
  assert "### Time" not in write.markdown(results(rows), settings, PROTOCOL)
  assert [read_settings({"primary": "x", **more}).timing for more in ({}, {"timing_s": 30.0})] == [
    "s per 8 min",
    "s per 30 s",
  ]


# Claims


def patients(method, errors, metric=PRIMARY):
  if metric == PRIMARY:
    return [row(f"p{i:02}", f"r{i}", float(e), method=method) for i, e in enumerate(errors)]
  return [value(f"p{i:02}", f"r{i}", float(e), method, metric=metric) for i, e in enumerate(errors)]


def judged(rows, protocol=PROTOCOL, **claim):
  return found_of(
    rows,
    {
      **ONLY,
      "reference": "good",
      "claims": [{"text": "x", "better": "good", "worse": "bad", **claim}],
    },
    protocol,
  ).claims[0]


E_G = np.random.default_rng(0).gamma(2, 1, 20)
GAIN_G = 0.5 + 0.1 * np.cos(np.arange(20))
ROWS = (
  patients("good", E_G)
  + patients("bad", E_G + GAIN_G)
  + patients("same", E_G + GAIN_G - GAIN_G.mean())
)


def test_a_claim_is_confirmed_refuted_or_open_by_its_interval():
  found = judged(ROWS)
  want = paired_difference(E_G + GAIN_G, E_G)
  assert found.verdict == "confirmed" and found.groups == 20
  np.testing.assert_allclose([*found.gain, found.p], want)
  np.testing.assert_allclose(
    [found.value_better, found.value_worse], [E_G.mean(), (E_G + GAIN_G).mean()]
  )
  assert judged(ROWS, better="bad", worse="good").verdict == "refuted"
  assert judged(ROWS, worse="same").verdict == "not decided"


@pytest.mark.parametrize(
  "margin, verdict", [(0.7, "confirmed"), (0.5, "not decided"), (0.3, "refuted")]
)
def test_a_claim_of_closeness_has_a_margin(margin, verdict):
  for names in ({}, {"better": "bad", "worse": "good"}):
    assert judged(ROWS, margin=margin, **names).verdict == verdict


def test_a_claim_uses_the_included_windows_of_the_patients_both_cover():
  lost = [
    row(f"p{i:02}", f"r{i}", 50.0, 1, "good", included=False, why="no") for i in range(20)
  ] + patients("good", [0] * 40)[20:]
  found = judged(ROWS + lost)
  assert (found.verdict, found.groups) == ("confirmed", 20) and found.value_better == pytest.approx(
    E_G.mean()
  )


@pytest.mark.parametrize("better, verdict", [("higher", "refuted"), ("lower", "confirmed")])
def test_a_claim_on_a_value_goes_the_way_that_the_metric_says_is_better(better, verdict):
  metrics = protocol({FURTHER: METRICS[FURTHER]._replace(better=better)})
  rows = ROWS + patients("good", E_G, FURTHER) + patients("bad", E_G + GAIN_G, FURTHER)
  found = judged(rows, metrics, metric=FURTHER)
  assert found.verdict == verdict and abs(found.gain.value) == pytest.approx(GAIN_G.mean())
  settings = {**ONLY, "reference": "good"}
  claim = {"text": "x", "better": "good", "worse": "bad", "metric": FURTHER}
  assert table(rows, "Claims", {**settings, "claims": [claim]}, metrics)[verdict][1].startswith(
    f"{FURTHER} "
  )
  claim = {"text": "x", "better": "good", "worse": "bad", "metric": PRIMARY}
  settings = {**settings, "primary": FURTHER, "claims": [claim]}
  assert table(rows, "Claims", settings, metrics)["confirmed"][1].startswith(f"MAE of {PRIMARY} ")


def test_a_claim_where_neither_is_better_needs_a_margin():
  metrics = protocol({FURTHER: METRICS[FURTHER]._replace(better="")})
  rows = ROWS + patients("good", E_G, FURTHER) + patients("bad", E_G + GAIN_G, FURTHER)
  with pytest.raises(UserError, match="neither more nor less is better"):
    judged(rows, metrics, metric=FURTHER)
  assert judged(rows, metrics, metric=FURTHER, margin=0.7).verdict == "confirmed"


def test_claims_are_told_in_sentences_and_what_cannot_be_judged_is_said():
  claims = [
    {"text": "good is better", "better": "good", "worse": "bad"},
    {"text": "they are close", "better": "good", "worse": "bad", "margin": 0.3},
    {"text": "ghosts help", "better": "ghost", "worse": "bad"},
    {"text": "few", "better": "good", "worse": "single"},
  ]
  rows = results(ROWS + patients("single", [1.0]))
  settings = {**ONLY, "reference": "good", "claims": claims}
  text = write.markdown(rows, settings, PROTOCOL)
  assert "### Claims\n\n| verdict | claim | figures |\n| --- | --- | --- |\n" in text
  lines = section(text, "Claims")[1:]
  gain = paired_difference(E_G + GAIN_G, E_G)
  said = (
    f"MAE {E_G.mean():.2f} (good) against {(E_G + GAIN_G).mean():.2f} (bad), "
    f"difference {gain.difference:.2f} "
    f"[{gain.low:.2f}, {gain.high:.2f}] (20 patients)"
  )
  assert lines[0] == ["confirmed", "good is better", f"{said}, Wilcoxon p <0.001"]
  assert lines[1] == ["refuted", "they are close", f"{said}, margin 0.3, Wilcoxon p <0.001"]
  assert lines[2] == ["not judged", "ghosts help", "no rows of ghost"]
  assert lines[3] == ["not judged", "few", "fewer than two patients in common"]
  assert "not judged  few             fewer than" in write.terminal(rows, settings, PROTOCOL)
  assert "Claims" not in write.markdown(rows, {**ONLY, "reference": "good"}, PROTOCOL)


@pytest.mark.parametrize(
  "change, say",
  [
    ({"worse": None}, "'worse'"),
    ({"beter": "x"}, "'beter'"),
    ({"metric": "rate_win6"}, r"rate_win6'.*did you mean 'rate_win60'"),
  ],
)
def test_an_incomplete_claim_is_refused(change, say):
  claim = {
    k: v
    for k, v in {"text": "x", "better": "good", "worse": "bad", **change}.items()
    if v is not None
  }
  with pytest.raises(UserError, match=say):
    found_of(ROWS, {**ONLY, "reference": "good", "claims": [claim]})


# The page and several workdirs


def test_the_page_holds_claims_uncertainty_and_its_figure(tmp_path, monkeypatch):
  drawn = []

  def draw(plan, path, mark):
    """Draws no picture, but notes which have their material."""
    has_material = plan.draw() is not None if plan.name == "uncertainty" else False
    path.write_bytes(b"png")
    drawn.append(plan.name) if has_material else path.unlink()
    return has_material

  monkeypatch.setattr(figures, "_draw", draw)
  rows = [
    sure(r.group, r.record, e, 1.0 + i, unit=r.unit)
    for i, (r, e) in enumerate(zip(UNEVEN, (1.0, -3.0, 10.0, 0.0)))
  ]
  settings = {**ONLY, "claims": [{"text": "ours < rival", "better": "ours", "worse": "rival"}]}
  w = workdir(tmp_path / "w", rows + as_method(rows, "rival"), settings)
  text = write.write_report([w], w / "report", settings, PROTOCOL).read_text()
  found = json.loads((w / "report/table.json").read_text())
  assert drawn == ["uncertainty"] and "What the methods know" in text and "ours &lt; rival" in text
  share = found["metrics"][PRIMARY]["uncertainty"]["ours"]["intervals"]["share"]
  assert share == certainty(rows).intervals.share and found["claims"][0]["verdict"] == "not decided"
  assert text.index(">Claims<") < text.index("What the methods know") < text.index(">Uncertainty<")
  workdir(tmp_path / "bare", UNEVEN, settings)
  write.write_report([tmp_path / "bare"], w / "report", settings, PROTOCOL)
  assert drawn == ["uncertainty"] and not (w / "report/uncertainty.png").exists()


def test_a_workdir_may_own_several_methods_and_each_tells_its_time(tmp_path):
  both = [*UNEVEN, *as_method(UNEVEN, "ours, 50 steps"), *as_method(UNEVEN, "rival")]
  other = [r if r.method == "ours" else changed(r, estimate=None) for r in both]
  own = ["ours", "ours, 50 steps"]
  a, b = workdir(tmp_path / "a", both, methods=own), workdir(tmp_path / "b", other, methods=own)
  for w, seconds in ((a, 1.0), (b, 2.0)):
    (w / "timing.json").write_text(json.dumps({"ours": seconds, "ours, 50 steps": 10 * seconds}))
  loaded = load_rows([a, b])
  assert loaded.methods == ["ours", "ours, 50 steps", "rival", "ours, 50 steps (b)"]
  assert loaded.seconds == {"ours": 1.0, "ours, 50 steps": 10.0, "ours, 50 steps (b)": 20.0}
  assert loaded.clashes == {("rival", PRIMARY): 4}
  assert cells(write.markdown(loaded, ONLY, PROTOCOL), "Time")["ours, 50 steps (b)"] == ["9.6e+03"]
  assert loaded.trained == {
    "ours": ("ours", ""),
    "ours, 50 steps": ("ours", "50 steps"),
    "ours, 50 steps (b)": ("ours", "50 steps"),
  }
  (b / "timing.json").write_text('{"ours": ')
  with pytest.raises(UserError, match=r"timing.json is broken"):
    load_rows([a, b])


def test_the_main_table_says_which_names_are_readings_and_which_other_trainings(tmp_path):
  a = workdir(
    tmp_path / "a",
    [*UNEVEN, *as_method(UNEVEN, "ours, best of 4, quick"), *as_method(UNEVEN, "rival")],
    methods=["ours", "ours, best of 4, quick"],
  )
  b = workdir(tmp_path / "b", as_method(UNEVEN[:2], "plain, small"), methods=["plain, small"])
  text = write.markdown(load_rows([a, b]), ONLY, PROTOCOL, short=True)
  main = text.partition("Figures are means")[0]
  assert (
    'A name "X, Y" is X read as Y (settings: readings in the config.json of X), where X is ours.'
    in main
  )
  assert "Further trainings (settings: config.json in the workdir of each): plain, small." in main
  assert (
    "read as" not in write.markdown(results(UNEVEN), ONLY, PROTOCOL)
    and "rival" not in main.partition("settings:")[2]
  )
  leaking = [
    changed(r, stamp=r.stamp._replace(leaks=True))
    for r in (*UNEVEN, *as_method(UNEVEN, "ours, quick"))
  ]
  c = workdir(tmp_path / "c", leaking, methods=["ours", "ours, quick"])
  assert load_rows([c]).trained["ours, quick (LEAKS)"] == ("ours (LEAKS)", "quick")


def test_methods_of_a_value_come_in_the_order_that_its_metric_calls_better():
  rows = [
    value(g, f"r{g}", x + d, m)
    for m, d in (("low", 0.0), ("high", 1.0), ("middle", 0.5))
    for g, x in zip("ABC", (0.1, 0.2, 0.6))
  ]
  for better, order in (
    ("lower", ["low", "middle", "high"]),
    ("higher", ["high", "middle", "low"]),
    ("", ["low", "high", "middle"]),
  ):
    metrics = protocol({FURTHER: METRICS[FURTHER]._replace(better=better)})
    settings = {"primary": FURTHER}
    assert found_of(rows, settings, metrics).methods == order
    lines = table(rows, METRICS[FURTHER].title, settings, metrics)
    # mean, median
    assert (
      list(lines) == order and lines["low"][0].startswith("0.300 [") and lines["low"][1] == "0.200"
    )
    way = {
      "lower": ": above zero, low is better.",
      "higher": ": below zero, low is better.",
      "": "both cover. p is",
    }
    assert way[better] in write.markdown(results(rows), settings, metrics)
