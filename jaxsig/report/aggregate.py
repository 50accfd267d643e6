"""Rows -> figures. Nothing else averages: unit -> seed -> record -> patient -> mean over patients."""
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.report.statistics import bootstrap_interval, paired_difference

LEVELS = ("50", "80", "95")        # per cent, of the intervals that rows may hold
SHARES = range(20, 101, 5)         # per cent of the windows, of the curve of a method that answers only where it is surest
CLAIM_KEYS = {"text", "better", "worse", "metric", "margin", "higher"}

def result(row: dict) -> float:
  """The error (estimate - truth) of a row, or its value; NaN where there is none."""
  number = lambda name: math.nan if row[name] is None else float(row[name])
  return number("value") if "value" in row else number("estimate") - number("truth")


def _size(row: dict) -> float:
  return result(row) if "value" in row else abs(result(row))


def _answered(row: dict) -> bool:
  answer = row["value"] if "value" in row else row["estimate"]
  return answer is not None and math.isfinite(answer)


def patient_means(rows: Iterable[dict], of: Callable[[dict], float]) -> dict[str, float]:
  """{patient: mean over records of the mean over members (seeds) of the mean over units of `of(row)`}, sorted."""
  means = defaultdict(list)
  for row in rows:
    means[row["group"], row["record"], row["member"]].append(of(row))
  for _ in range(2):
    above = defaultdict(list)
    for key, values in means.items():
      above[key[:-1]].append(_mean(values))
    means = above
  return {group: _mean(means[group,]) for group, in sorted(means)}


def _mean(values: list[float]) -> float:
  """Not numpy's: of millions of short lists that takes minutes."""
  return math.fsum(values) / len(values)


def aggregate(rows: list[dict], report: dict) -> dict:
  """All figures of the tables as plain JSON values, None where there is none.

  Args:
    rows: as from `load_rows`.
    report: {"primary", "metrics", "unit", "within", "strata", "title", "reference", "claims"}; only "primary" must be there.
      Of a primary metric that is no error "higher" says whether more of it is better; without it methods keep their order.

  Returns:
    {"reference", "methods": [the best first], "simulated", "paired": {method: figures}, "metrics": {metric:
    {"is_error" (else a value), "patients", "records", "units", "excluded": {why: units}, "strata": {name: sizes},
    "methods": {method: {"kept", "all" (None if none was excluded), "strata": {name: figures}, "by_patient",
    "missing": [patient], "clashes"}}}}, "uncertainty": {method: see `_certainty`} (empty where no method has any),
    "claims": [see `_claim`]}; for the figures see `_figures`.

  Raises:
    UserError: a metric or the reference is in no row, or a claim is incomplete.
  """
  methods, known = list(dict.fromkeys(r["method"] for r in rows)), {r["metric"] for r in rows}
  wanted, reference = [report["primary"], *report.get("metrics", [])], report.get("reference") or methods[0]
  for name, names in [(m, known) for m in wanted] + [(reference, methods)]:
    if name not in names:
      raise UserError(f"the report asks for {name!r}, of which there is no row{nearest(name, names)}")
  metrics = {m: _metric([r for r in rows if r["metric"] == m], report) for m in wanted}
  primary, by_error = metrics[report["primary"]]["methods"], metrics[report["primary"]]["is_error"]
  sign = direction(by_error, report)
  size = {m: sign * found["kept"]["mean"] for m, found in primary.items() if found["by_patient"]}
  kept = lambda method: [r for r in rows if r["method"] == method and r["metric"] == report["primary"] and r["kept"]]
  certainty = {m: _certainty(kept(m)) for m in primary} if by_error else {}
  return {"reference": reference, "methods": sorted(methods, key=lambda m: size.get(m, math.inf)), "metrics": metrics,
          "simulated": rows[0]["source"] == "simulated", "paired": _paired(primary, reference),
          "seconds": {m: s for m in primary if (s := _seconds(kept(m))) is not None},
          "uncertainty": certainty if any(x != _certainty([]) for x in certainty.values()) else {},
          "claims": [_claim(rows, claim, report["primary"]) for claim in report.get("claims", ())]}


def direction(is_error: bool, report: dict) -> int:
  """1 where less of the primary metric is better, -1 where more is, 0 where the report does not say."""
  return 1 if is_error else -1 if report.get("higher") else 1 if "higher" in report else 0


def _metric(rows: list[dict], report: dict) -> dict:
  units, by_method = {(r["record"], r["unit"]): r for r in rows}, defaultdict(list)
  for row in rows:
    by_method[row["method"]].append(row)
  groups, kept = {r["group"] for r in rows}, [r for r in units.values() if r["kept"]]
  present, asked = {r["stratum"] for r in kept if r.get("stratum")}, report.get("strata", [])
  strata = {s: [r for r in kept if r.get("stratum") == s] for s in [*asked, *sorted(present - {*asked})] if present}
  return {"is_error": "value" not in rows[0], "patients": len(groups), "records": len({r["record"] for r in rows}),
          "units": len(units), "excluded": dict(Counter(r["why"] for r in units.values() if not r["kept"])),
          "strata": {s: {"patients": len({r["group"] for r in x}), "units": len(x)} for s, x in strata.items()},
          "methods": {m: _method(x, groups, strata, report.get("within", math.inf)) for m, x in by_method.items()}}


def _method(rows: list[dict], groups: set, strata: Iterable[str], within: float) -> dict:
  kept = [r for r in rows if r["kept"]]
  by_patient = patient_means([r for r in kept if math.isfinite(result(r))], _size)
  return {"kept": _figures(kept, within), "all": _figures(rows, within) if len(kept) < len(rows) else None,
          "strata": {s: _figures([r for r in kept if r.get("stratum") == s], within) for s in strata},
          "by_patient": by_patient, "missing": sorted(groups - by_patient.keys()),
          "clashes": sum("clash" in r for r in rows)}


def _figures(rows: list[dict], within: float) -> dict:
  """"mean" is the MAE (or the mean value), "patients" those with an estimate, "units" all that are asked for."""
  found = [r for r in rows if math.isfinite(result(r))]
  mean = lambda of, some=found: _mean([*patient_means(some, of).values()]) if some else None
  mean_g = [*patient_means(found, _size).values()]
  low, high = bootstrap_interval(mean_g) if len(mean_g) > 1 else (None, None)
  out = {"mean": _mean(mean_g) if mean_g else None, "low": low, "high": high, "patients": len(mean_g),
         "units": len({(r["record"], r["unit"]) for r in rows}),
         "coverage": mean(_answered, rows)}
  if not found or "value" in found[0]:
    return {**out, "median": float(np.median(mean_g)) if mean_g else None}
  bias, rmse = mean(result), math.sqrt(mean(lambda r: result(r) ** 2))
  spread = 1.96 * math.sqrt(max(rmse ** 2 - bias ** 2, 0))
  return {**out, "rmse": rmse, "bias": bias, "limits": [bias - spread, bias + spread],
          "within": mean(lambda r: abs(result(r)) <= within)}


def _paired(methods: dict, reference: str) -> dict:
  by_patient = {m: found["by_patient"] for m, found in methods.items()}
  ours, out = by_patient.pop(reference, {}), {}
  for name, theirs in by_patient.items():
    shared = sorted(theirs.keys() & ours.keys())
    if len(shared) > 1:
      difference = paired_difference([theirs[g] for g in shared], [ours[g] for g in shared])
      out[name] = dict(zip(("mean", "low", "high", "p"), map(float, difference)), patients=len(shared))
  return out


def _certainty(rows: list[dict]) -> dict:
  """What a method's kept rows say of its own error, None where it says nothing.

  Returns:
    {"inside": {level: share of the intervals that hold the truth, as a mean over patients}, "low", "high": of that at 95 %,
    "width": median over windows of the 95 % interval, "surest": {"100", "80", "60": {"mean", "patients"} of that share of the
    windows}, "curve": [[per cent of the windows answered, MAE]], "seconds": to compute it}. "100" is all that is answered.
  """
  out = {"inside": None, "low": None, "high": None, "width": None, "surest": None, "curve": None,
         "seconds": _seconds(rows)}
  held = [r for r in rows if r.get("low_95") is not None]
  if held:
    inside = {n: list(patient_means(held, lambda r, n=n: r[f"low_{n}"] <= r["truth"] <= r[f"high_{n}"]).values()) for n in LEVELS}
    low, high = bootstrap_interval(inside["95"]) if len(inside["95"]) > 1 else (None, None)
    out |= {"inside": {n: float(np.mean(x)) for n, x in inside.items()}, "low": low, "high": high,
            "width": float(np.median([r["high_95"] - r["low_95"] for r in held]))}
  answered = [r for r in rows if math.isfinite(result(r))]
  if any(r.get("spread") is not None for r in answered):
    asked, seeds = Counter(r["seed"] for r in rows), defaultdict(list)
    for r in sorted(answered, key=lambda r: (math.inf if r.get("spread") is None else r["spread"], r["record"], r["unit"])):
      seeds[r["seed"]].append(r)
    everything = _mean_size(answered)
    out["surest"] = {"100": everything, **{f"{share}": _surest(seeds, asked, share) for share in (80, 60)}}
    curve = [[share, x["mean"]] for share in SHARES if (x := _surest(seeds, asked, share))]
    most = 100 * len(answered) / len(rows)
    out["curve"] = curve if curve and curve[-1][0] >= most else [*curve, [most, everything["mean"]]]
  return out


def _seconds(rows: list[dict]) -> float | None:
  return next((r["seconds"] for r in rows if r.get("seconds") is not None), None)


def _surest(seeds: dict[int, list], asked: Counter, share: float) -> dict | None:
  """MAE of the first `share` per cent of each seed's windows; None where fewer are answered."""
  n = {seed: max(1, math.floor(share * asked[seed] / 100 + 0.5)) for seed in asked}
  return None if any(n[s] > len(seeds[s]) for s in n) else _mean_size([r for s in n for r in seeds[s][:n[s]]])


def _mean_size(rows: list[dict]) -> dict:
  by_patient = patient_means(rows, _size)
  return {"mean": float(np.mean(list(by_patient.values()))), "patients": len(by_patient)}


def _claim(rows: list[dict], claim: dict, primary: str) -> dict:
  """Judges {"text", "better", "worse"} and, where given, "metric" (else the primary), "margin" and "higher" (larger is better).

  Without a margin: confirmed where the 95 % interval of what the better method gains over the worse lies above zero, refuted
  where it lies below. With one, that the two are as close as that: confirmed where the interval lies within +-margin, refuted
  where it lies outside.

  Returns:
    {"text", "better", "worse", "metric", "margin", "is_error", "verdict": "confirmed", "refuted", "not decided" or "not judged"},
    and "why" it is not judged, or "mean_better", "mean_worse", "mean", "low", "high" (of the gain), "p" and "patients" (that both
    cover).

  Raises:
    UserError: a key is missing or unknown, or the metric is in no row.
  """
  wrong = sorted({"text", "better", "worse"} - claim.keys()) + sorted(claim.keys() - CLAIM_KEYS)
  if wrong:
    raise UserError(f"report.claims: {claim.get('text', claim)!r} lacks or does not know {wrong[0]!r}: a claim has text, better and "
                    "worse, and may have metric, margin and higher")
  metric = claim.get("metric") or primary
  mine = [r for r in rows if r["metric"] == metric]
  if not mine:
    raise UserError(f"report.claims asks for {metric!r}, of which there is no row{nearest(metric, {r['metric'] for r in rows})}")
  is_error = "value" not in mine[0]
  if not is_error and "higher" not in claim:
    raise UserError(f"report.claims: {claim['text']!r} is on {metric!r}, which is no error: add higher=True or higher=False")
  a, b = (patient_means([r for r in mine if r["method"] == claim[k] and r["kept"] and math.isfinite(result(r))], _size)
          for k in ("better", "worse"))
  shared = sorted(a.keys() & b.keys())
  out = {"margin": None, **claim, "metric": metric, "is_error": is_error}
  absent = [claim[k] for k, found in (("better", a), ("worse", b)) if not found]
  if len(shared) < 2:
    return {**out, "verdict": "not judged", "why": f"no rows of {', '.join(absent)}" if absent else "fewer than two patients in common"}
  a_g, b_g = ([x[g] for g in shared] for x in (a, b))
  gain = paired_difference(a_g, b_g) if claim.get("higher") else paired_difference(b_g, a_g)
  figures = dict(zip(("mean", "low", "high", "p"), map(float, gain)), patients=len(shared))
  return {**out, "verdict": _verdict(gain.low, gain.high, claim.get("margin")), "mean_better": float(np.mean(a_g)),
          "mean_worse": float(np.mean(b_g)), **figures}


def _verdict(low: float, high: float, margin: float | None) -> str:
  yes, no = (low > 0, high < 0) if margin is None else (-margin <= low and high <= margin, low > margin or high < -margin)
  return "confirmed" if yes else "refuted" if no else "not decided"
