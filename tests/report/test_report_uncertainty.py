"""What methods know of their error, and claims: closed forms, verdicts, sentences, and methods of several workdirs."""
import json

import numpy as np
import pytest
from test_report import FURTHER, PRIMARY, REPORT, UNEVEN, row, value, workdir

from jaxsig.errors import UserError
from jaxsig.report import write as report
from jaxsig.report.statistics import bootstrap_interval, paired_difference

ONLY = {**REPORT, "metrics": [], "strata": []}


def sure(group, record, error, spread, k=0, method="ours", **more):
  """A row whose intervals reach 0.5, 1 and 2 spreads to both sides."""
  own = row(group, record, error, k, method, **more)
  reach = {} if own["estimate"] is None or spread is None else {50: 0.5 * spread, 80: spread, 95: 2 * spread}
  ends = {f"{end}_{level}": own["estimate"] + sign * x for level, x in reach.items() for end, sign in (("low", -1), ("high", 1))}
  return {**own, "spread": spread, **{f"{end}_{level}": None for level in (50, 80, 95) for end in ("low", "high")}, **ends}


def certainty(rows, method="ours"):
  return report.aggregate(rows, ONLY)["uncertainty"][method]


def table(rows, title, settings=ONLY):
  """{first cell: the others} of a table in the Markdown."""
  lines = report.markdown(rows, settings).split(f"### {title}\n")[1].split("###")[0].splitlines()
  cells = [[c.strip() for c in line.split("|")[1:-1]] for line in lines if line.startswith("|")][2:]
  return {c[0]: c[1:] for c in cells}


def test_interval_coverage_is_a_mean_over_patients():
  rows = [sure("A", "a1", 0.4, 1.0), sure("A", "a1", -0.8, 1.0, 1), sure("A", "a1", 1.5, 1.0, 2), sure("A", "a1", 2.5, 1.0, 3),
          sure("B", "b1", 1.5, 2.0), sure("B", "b1", None, None, 1), {**sure("B", "b1", 9.0, 0.1, 2), "kept": False, "why": "no"}]
  found = certainty(rows)
  assert found["inside"] == {"50": pytest.approx((1 / 4 + 0) / 2), "80": pytest.approx((2 / 4 + 1) / 2),
                             "95": pytest.approx((3 / 4 + 1) / 2)}
  assert (found["low"], found["high"]) == bootstrap_interval([3 / 4, 1]) and found["width"] == 4
  assert table(rows, "Uncertainty")["ours"][:4] == ["12%", "75%", "88% [75%, 100%]", "4.00"]
  border = certainty([{**sure("A", "a1", 2.0, 1.0), "low_95": 15.0}, sure("B", "b1", 0.0, 1.0)])
  assert border["inside"]["95"] == 1   # the ends are inside


def test_the_surest_windows_are_chosen_over_patients_within_a_seed():
  rows = [sure("A", "a1", float(k), 0.1 * k, k) for k in range(5)] + [sure("B", "b1", 10.0, 0.1 * k + 0.05, k) for k in range(5)]
  again = [sure("A", "a1", 1.0, 9.0 + k, k, seed=1) for k in range(5)] + [sure("B", "b1", 3.0, 5.0, k, seed=1) for k in range(5)]
  found = certainty(rows)["surest"]
  assert found == {"100": {"mean": 6.0, "patients": 2}, "80": {"mean": (1.5 + 10) / 2, "patients": 2},
                   "60": {"mean": (1 + 10) / 2, "patients": 2}}
  both = certainty(rows + again)["surest"]   # of the second seed all of B are surer than all of A
  assert both["80"]["mean"] == pytest.approx(((1.5 + 1) / 2 + (10 + 3) / 2) / 2) and both["60"]["patients"] == 2
  alone = certainty(again)["surest"]
  assert alone["60"] == {"mean": 2.0, "patients": 2}
  five = certainty([r for r in again if r["group"] == "B" or r["unit"] == "0-60 s"])
  assert five["surest"]["80"] == {"mean": 3.0, "patients": 1}
  assert table(rows, "Uncertainty")["ours"][4:] == ["6.00 (2)", "5.75 (2)", "5.50 (2)", "-"]


def test_windows_without_an_estimate_are_refused_first():
  rows = [sure("A", "a1", 1.0 + k if k < 7 else None, float(k), k) for k in range(10)]
  rows[2]["spread"] = None                                           # answered, but with nothing said of it: refused next
  found = certainty(rows)
  assert found["surest"] == {"100": {"mean": 4.0, "patients": 1}, "80": None, "60": {"mean": 25 / 6, "patients": 1}}
  curve = dict(found["curve"])
  assert [share for share, _ in found["curve"]] == [*range(20, 71, 5)]
  many = certainty([sure("A", "a1", 1.0 if k < 72 else None, float(k), k) for k in range(100)])["curve"]
  assert [share for share, _ in many] == [*range(20, 71, 5), 72]   # the curve ends at what is answered at most
  assert curve[20] == 1.5 and curve[30] == pytest.approx((1 + 2 + 4) / 3) and curve[70] == 4.0
  assert table(rows, "Uncertainty")["ours"][4:7] == ["4.00 (1)", "-", "4.17 (1)"]


def test_who_says_nothing_gets_dashes_and_a_table_of_nothing_is_left_out():
  rows = [sure("A", "a1", 1.0, 1.0), sure("B", "b1", 1.0, 2.0)]
  silent = [row("A", "a1", 1.0, method="rival"), row("B", "b1", 3.0, method="rival")]
  assert table(rows + silent, "Uncertainty")["rival"] == ["-"] * 8
  for without in (UNEVEN, [value("A", "a1", 1.0), value("B", "b1", 1.0)]):
    settings = {"primary": without[0]["metric"]}
    assert report.aggregate(without, settings)["uncertainty"] == {} and "Uncertainty" not in report.terminal(without, settings)
  timed = [{**r, "seconds": 0.1234} for r in UNEVEN]
  assert table(timed, "Uncertainty")["ours"] == ["-"] * 7 + ["0.123"]


def patients(method, errors, metric=PRIMARY):
  if metric == PRIMARY:
    return [row(f"p{i:02}", f"r{i}", float(e), method=method) for i, e in enumerate(errors)]
  return [value(f"p{i:02}", f"r{i}", float(e), method) for i, e in enumerate(errors)]


def judged(rows, **claim):
  return report.aggregate(rows, {**ONLY, "reference": "good", "claims": [
      {"text": "x", "better": "good", "worse": "bad", **claim}]})["claims"][0]


E_G = np.random.default_rng(0).gamma(2, 1, 20)
GAIN_G = 0.5 + 0.1 * np.cos(np.arange(20))
ROWS = patients("good", E_G) + patients("bad", E_G + GAIN_G) + patients("same", E_G + GAIN_G - GAIN_G.mean())


def test_a_claim_is_confirmed_refuted_or_open_by_its_interval():
  found = judged(ROWS)
  want = paired_difference(E_G + GAIN_G, E_G)
  assert found["verdict"] == "confirmed" and found["patients"] == 20
  np.testing.assert_allclose([found[k] for k in ("mean", "low", "high", "p")], want)
  np.testing.assert_allclose([found["mean_better"], found["mean_worse"]], [E_G.mean(), (E_G + GAIN_G).mean()])
  assert judged(ROWS, better="bad", worse="good")["verdict"] == "refuted"
  assert judged(ROWS, worse="same")["verdict"] == "not decided"


@pytest.mark.parametrize("margin, verdict", [(0.7, "confirmed"), (0.5, "not decided"), (0.3, "refuted")])
def test_a_claim_of_closeness_has_a_margin(margin, verdict):
  for names in ({}, {"better": "bad", "worse": "good"}):
    assert judged(ROWS, margin=margin, **names)["verdict"] == verdict


def test_a_claim_uses_the_kept_windows_of_the_patients_both_cover():
  lost = [row(f"p{i:02}", f"r{i}", 50.0, 1, "good", kept=False, why="no") for i in range(20)] + patients("good", [0] * 40)[20:]
  found = judged(ROWS + lost)
  assert (found["verdict"], found["patients"]) == ("confirmed", 20) and found["mean_better"] == pytest.approx(E_G.mean())


@pytest.mark.parametrize("higher, verdict", [(True, "refuted"), (False, "confirmed")])
def test_a_claim_on_a_value_says_which_way_is_better(higher, verdict):
  rows = ROWS + patients("good", E_G, FURTHER) + patients("bad", E_G + GAIN_G, FURTHER)
  found = judged(rows, metric=FURTHER, higher=higher)
  assert found["verdict"] == verdict and abs(found["mean"]) == pytest.approx(GAIN_G.mean())
  settings = {**ONLY, "reference": "good", "metrics": []}
  claim = {"text": "x", "better": "good", "worse": "bad", "metric": FURTHER, "higher": higher}
  assert table(rows, "Claims", {**settings, "claims": [claim]})[verdict][1].startswith(f"{FURTHER} ")
  claim = {"text": "x", "better": "good", "worse": "bad", "metric": PRIMARY}
  assert table(rows, "Claims", {**settings, "primary": FURTHER, "claims": [claim]})["confirmed"][1].startswith(f"MAE of {PRIMARY} ")
  with pytest.raises(UserError, match="higher=True or higher=False"):
    judged(rows, metric=FURTHER)


def test_claims_are_told_in_sentences_and_what_cannot_be_judged_is_said():
  claims = [{"text": "good is better", "better": "good", "worse": "bad"},
            {"text": "they are close", "better": "good", "worse": "bad", "margin": 0.3},
            {"text": "ghosts help", "better": "ghost", "worse": "bad"},
            {"text": "few", "better": "good", "worse": "single"}]
  rows = ROWS + patients("single", [1.0])
  cells = [line.split(" | ") for line in report.markdown(rows, {**ONLY, "reference": "good", "claims": claims}).split(
      "### Claims\n\n")[1].split("\n\n")[0].splitlines()]
  assert cells[1] == ["| ---", "---", "--- |"]
  gain = paired_difference(E_G + GAIN_G, E_G)
  figures = (f"MAE {E_G.mean():.2f} (good) against {(E_G + GAIN_G).mean():.2f} (bad), difference {gain.mean:.2f} "
             f"[{gain.low:.2f}, {gain.high:.2f}] (20 patients)")
  assert cells[2] == ["| confirmed", "good is better", f"{figures}, Wilcoxon p <0.001 |"]
  assert cells[3] == ["| refuted", "they are close", f"{figures}, margin 0.3, Wilcoxon p <0.001 |"]
  assert cells[4] == ["| not judged", "ghosts help", "no rows of ghost |"]
  assert cells[5] == ["| not judged", "few", "fewer than two patients in common |"]
  assert "not judged  few             fewer than" in report.terminal(rows, {**ONLY, "reference": "good", "claims": claims})
  assert "Claims" not in report.markdown(rows, {**ONLY, "reference": "good"})


@pytest.mark.parametrize("change, say", [({"worse": None}, "'worse'"), ({"beter": "x"}, "'beter'"),
                                         ({"metric": "rate_win6"}, "rate_win6'.*did you mean 'rate_win60'")])
def test_an_incomplete_claim_is_refused(change, say):
  claim = {k: v for k, v in {"text": "x", "better": "good", "worse": "bad", **change}.items() if v is not None}
  with pytest.raises(UserError, match=say):
    report.aggregate(ROWS, {**ONLY, "reference": "good", "claims": [claim]})


def test_the_page_holds_claims_uncertainty_and_its_figure(tmp_path):
  rows = [sure(r["group"], r["record"], e, 1.0 + i, unit=r["unit"]) for i, (r, e) in enumerate(zip(UNEVEN, (1.0, -3.0, 10.0, 0.0)))]
  claims = [{"text": "ours < rival", "better": "ours", "worse": "rival"}]
  w = workdir(tmp_path / "w", rows + [{**r, "method": "rival"} for r in rows], {**ONLY, "claims": claims})
  page = report.write([w], w / "report")
  found, text = json.loads((w / "report/table.json").read_text()), page.read_text()
  assert (w / "report/uncertainty.png").stat().st_size > 10_000 and "What the methods know" in text and "ours &lt; rival" in text
  assert found["uncertainty"]["ours"] == certainty(rows) and found["claims"][0]["verdict"] == "not decided"
  assert text.index(">Claims<") < text.index(">Uncertainty<") < text.index("What the methods know")
  (w / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in UNEVEN))
  report.write([w], w / "report")
  assert not (w / "report/uncertainty.png").exists()


def test_a_workdir_may_own_several_methods_and_each_tells_its_time(tmp_path):
  both = [*UNEVEN, *[{**r, "method": "ours, 50 steps"} for r in UNEVEN], *[{**r, "method": "rival"} for r in UNEVEN]]
  other = [{**r, "estimate": None if r["method"] != "ours" else r["estimate"]} for r in both]
  a, b = workdir(tmp_path / "a", both), workdir(tmp_path / "b", other)
  for w, seconds in ((a, 1.0), (b, 2.0)):
    (w / "config.json").write_text(json.dumps({"report": REPORT, "methods": ["ours", "ours, 50 steps"]}))
    (w / "timing.json").write_text(json.dumps({"ours": seconds, "ours, 50 steps": 10 * seconds}))
  rows = report.load_rows([a, b])
  told = {r["method"]: r["seconds"] for r in rows}
  assert told == {"ours": 1.0, "ours, 50 steps": 10.0, "rival": None, "ours, 50 steps (b)": 20.0}
  assert {r["method"] for r in rows if "clash" in r} == {"rival"}
  assert table(rows, "Uncertainty")["ours, 50 steps (b)"][-1] == "20"
  (b / "timing.json").write_text('{"ours": ')
  with pytest.raises(UserError, match=r"timing.json is broken"):
    report.load_rows([a, b])


def test_methods_of_a_value_come_in_the_order_that_the_report_calls_better():
  rows = [value(g, f"r{g}", x + d, m) for m, d in (("low", 0.0), ("high", 1.0), ("middle", 0.5)) for g, x in zip("ABC", (0.1, 0.2, 0.6))]
  for higher, order in ((False, ["low", "middle", "high"]), (True, ["high", "middle", "low"])):
    settings = {"primary": rows[0]["metric"], "higher": higher}
    assert report.aggregate(rows, settings)["methods"] == order
    cells = table(rows, rows[0]["metric"], settings)
    assert list(cells) == order and cells["low"][0].startswith("0.300 [") and cells["low"][1] == "0.200"   # mean, median


def test_a_report_of_images_speaks_of_images_and_tells_the_time_of_each_method():
  rows = [{**value(g, f"r{g}", 0.5, m), "seconds": s} for m, s in (("fast", 0.01), ("slow", 2.0)) for g in "ABC"]
  settings = {"primary": rows[0]["metric"], "higher": False, "timing": "s per image",
              "claims": [{"text": "patients like it", "better": "fast", "worse": "slow", "higher": False}],
              "words": {"patient": "image", "recording": "block", "window": "crop"}}
  said = report.markdown(rows, settings)
  assert "3 images, 3 blocks, 3 crops" in said and "(3 images)" in said and "patients like it" in said
  assert not any(w in said.replace("patients like it", "") for w in ("patient", "recordings within", "windows"))
  assert table(rows, "Time", settings) == {"fast": ["0.01"], "slow": ["2"]}
  assert "patients" in report.markdown(rows, {**settings, "words": {}})
