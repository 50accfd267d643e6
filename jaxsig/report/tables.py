"""The figures of `averages.aggregate` as tables of text."""
import math
from collections import defaultdict

from jaxsig.report.page import Table, worded

MOST_NAMES = 12   # of patients in a sentence


def text(x: float | None, form: str = "z.2f") -> str:
  """A figure, or "-" where there is none."""
  return "-" if x is None else f"{x:{form}}"


def interval(x: dict, error: bool = True) -> str:
  """A mean with its interval; values, which are mostly shares and coefficients, have a decimal more than errors."""
  form = "z.2f" if error else "z.3f"
  return text(x["mean"], form) + (f" [{text(x['low'], form)}, {text(x['high'], form)}]" if x["low"] is not None else "")


def _metric_table(name: str, metric: dict, order: list[str], report: dict) -> Table:
  error, lines = metric["is_error"], []
  for method in [m for m in order if m in metric["methods"]]:
    found = metric["methods"][method]
    lines.append([method, *_cells(found["kept"], error)])
    if found["all"]:
      lines.append([f"{method}, all windows", *_cells(found["all"], error)])
  more = ["RMSE", "bias", "limits of agreement", f"within {report.get('within', math.inf):g}"] if error else ["median"]
  head = ("MAE [95 % CI], " + report.get("unit", "")).rstrip(", ") if error else "mean [95 % CI]"
  return Table(name, ["method", head, *more, "coverage", "patients", "windows"], lines, " ".join(_notes(metric, order)))


def _cells(x: dict, error: bool) -> list[str]:
  limits = f"[{', '.join(map(text, x['limits']))}]" if "limits" in x else "-"
  more = [text(x.get("rmse")), text(x.get("bias")), limits, text(x.get("within"), ".0%")] if error else [text(x.get("median"), "z.3f")]
  return [interval(x, error), *more, text(x["coverage"], ".0%"), str(x["patients"]), str(x["units"])]


def _notes(metric: dict, order: list[str]) -> list[str]:
  why = "; ".join(f"{why or 'unsaid'}: {n}" for why, n in metric["excluded"].items())
  left = f"{sum(metric['excluded'].values())} windows excluded ({why})" if why else "none excluded"
  notes = [f"{metric['patients']} patients, {metric['records']} recordings, {metric['units']} windows; {left}."]
  nowhere = set.intersection(*[set(x["missing"]) for x in metric["methods"].values()])
  notes += [f"In no method: {', '.join(sorted(nowhere))}."] if nowhere else []
  absent = [m for m in order if m not in metric["methods"]]
  notes += [f"Without such rows: {', '.join(absent)}."] if absent else []
  missing = defaultdict(list)
  for name, x in metric["methods"].items():
    missing[_who([g for g in x["missing"] if g not in nowhere]) if x["by_patient"] else "all patients"].append(name)
    if x["clashes"]:
      notes.append(f"{x['clashes']} results of {name} differ between the workdirs: the first's are shown.")
  return notes + [f"Missing in {', '.join(names)}: {who}." for who, names in missing.items() if who]


def _who(groups: list[str]) -> str:
  return ", ".join(groups) if len(groups) <= MOST_NAMES else f"{len(groups)} patients"


def _paired_table(found: dict, error: bool) -> Table:
  reference, lines = found["reference"], []
  for name in [m for m in found["methods"] if m in found["paired"]]:
    x = found["paired"][name]
    lines.append([name, interval(x, error), _p(x["p"]), str(x["patients"])])
  what, better = ("MAE", f": above zero, {reference} is better") if error else ("mean", "")
  return Table(f"Against {reference}", ["method", f"{what} difference [95 % CI]", "Wilcoxon p", "patients"], lines,
               f"The method's {what} less that of {reference}, on the patients both cover{better}. "
               "p is not corrected for the number of methods.")


def _p(p: float) -> str:
  return "<0.001" if p < 0.001 else f"{p:.3f}"


def _claims_table(claims: list[dict], primary: str) -> Table:
  return Table("Claims", ["verdict", "claim", "figures"], [[x["verdict"], x["text"], _evidence(x, primary)] for x in claims],
               "Difference: what the method named first gains over the other, with its 95 % interval over the patients both cover. "
               "Confirmed or refuted where the interval lies wholly above or below zero; with a margin, wholly within or outside it. "
               "Neither intervals nor p are corrected for the number of claims.", False)


def _evidence(x: dict, primary: str) -> str:
  if x["verdict"] == "not judged":
    return x["why"]
  what = x["metric"] if not x["is_error"] else "MAE" if x["metric"] == primary else f"MAE of {x['metric']}"
  margin = "" if x["margin"] is None else f", margin {x['margin']:g}"
  p, figure = _p(x["p"]), lambda y: text(y, "z.2f" if x["is_error"] else "z.3f")
  return (f"{what} {figure(x['mean_better'])} ({x['better']}) against {figure(x['mean_worse'])} ({x['worse']}), "
          f"difference {interval(x, x['is_error'])} "
          f"({x['patients']} patients){margin}, Wilcoxon p {'' if p.startswith('<') else '= '}{p}")


def _certainty_table(found: dict, metric: dict, unit: str, timing: str) -> Table:
  lines = []
  for name in [m for m in found["methods"] if m in metric["methods"]]:
    x = found["uncertainty"][name]
    inside = [text((x["inside"] or {}).get(level), ".0%") for level in ("50", "80", "95")]
    inside[-1] += f" [{x['low']:.0%}, {x['high']:.0%}]" if x["low"] is not None else ""
    surest = [(x["surest"] or {}).get(share) for share in ("100", "80", "60")]
    kept = [f"{text(s['mean'])} ({s['patients']})" if s else "-" for s in surest]
    lines.append([name, *inside, text(x["width"]), *kept, text(x["seconds"], ".3g")])
  width = f"95 % width, {unit}".rstrip(", ")
  return Table("Uncertainty", ["method", "50 % hold", "80 % hold", "95 % hold", width, "MAE, all", "surest 80 %", "surest 60 %",
                               timing], lines,
               "Hold: share of the windows with an interval whose truth lies inside it, a mean over patients; width: median over "
               "windows. Surest: MAE when only that share of the windows, those of smallest spread, is answered, "
               "over the (patients) that remain; - where the method tells no spread, or answers fewer.")


def _strata_table(metric: dict, order: list[str]) -> Table:
  sizes, lines = metric["strata"], []
  for name in [m for m in order if m in metric["methods"]]:
    found = metric["methods"][name]["strata"]
    few = {s: f" (n={x['patients']})" for s, x in found.items() if 0 < x["patients"] < sizes[s]["patients"]}
    lines.append([name, *[interval(found[s], metric["is_error"]) + few.get(s, "") for s in sizes]])
  header = [f"{s} ({n['patients']} patients, {n['units']} windows)" for s, n in sizes.items()]
  return Table(f"{'MAE' if metric['is_error'] else 'Mean'} by stratum of the truth", ["method", *header], lines,
               "n: patients with an estimate, where they are fewer than the stratum's." if "(n=" in str(lines) else "")


def _time_table(found: dict, label: str) -> Table:
  lines = [[m, text(found["seconds"][m], ".3g")] for m in found["methods"] if m in found["seconds"]]
  return Table("Time", ["method", label], lines)


def tables(found: dict, report: dict) -> list[Table]:
  """The tables of `aggregate`'s figures: those of the primary metric, then one for each further metric, in order."""
  first, *others = [_metric_table(name, x, found["methods"], report) for name, x in found["metrics"].items()]
  primary = found["metrics"][report["primary"]]
  paired = [_paired_table(found, primary["is_error"])] if found["paired"] else []
  own = lambda said: worded(said, report)
  claims = [_claims_table(found["claims"], report["primary"])] if found["claims"] else []
  claims = [t._replace(lines=[[*line[:-1], own(line[-1])] for line in t.lines]) for t in claims]
  timing = report.get("timing", "s per 8 min")
  certainty = [_certainty_table(found, primary, report.get("unit", ""), timing)] if found["uncertainty"] else []
  strata = [_strata_table(primary, found["methods"])] if primary["strata"] else []
  time = [_time_table(found, timing)] if found["seconds"] and not certainty else []
  return [t._replace(title=own(t.title), header=[*map(own, t.header)], note=own(t.note))
          for t in (first, *paired, *claims, *certainty, *time, *strata, *others)]
