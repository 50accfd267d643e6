"""The pictures of a report and of a recording: the only use of matplotlib."""
import json
import pathlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import matplotlib.figure
import numpy as np

from jaxsig.report.page import Picture, worded
from jaxsig.systems.cnn_notes import figures as plots_network
from jaxsig.systems.phase_retrieval.figures import mosaic

INK, MUTED, FAINT, OURS, RIVAL, ACCENT = "#1f2933", "#7b8794", "#e8ecf0", "#0b7285", "#6b7f99", "#d9602b"
OTHERS = ("#d9602b", "#6b7f99", "#8a5fbf", "#3f8f4f", "#c29a1c", "#b0466f", "#4a4a4a")   # lines that share one panel
STYLE = {"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#9aa5b1", "grid.color": FAINT,
         "xtick.color": MUTED, "ytick.color": MUTED, "axes.spines.top": False, "axes.spines.right": False,
         "axes.grid": True, "axes.axisbelow": True, "axes.titlesize": 10, "axes.titlelocation": "left",
         "axes.prop_cycle": matplotlib.cycler(color=(OURS, *OTHERS)),   # "C0" is ours
         "legend.frameon": False, "figure.constrained_layout.use": True, "savefig.dpi": 200}


def draw(rows: list[dict], found: dict, report: dict, workdirs: Sequence[pathlib.Path],
         folder: pathlib.Path) -> list[Picture]:
  """Draws all figures of a report into `folder`; one that lacks its material (truths, curves, waveforms) is left out.

  Args:
    rows: as from report.load_rows; those of the primary metric are drawn.
    found: as from report.aggregate.
    report, workdirs: of the same report.
  """
  metric, ours, within = found["metrics"][report["primary"]], found["reference"], report.get("within")
  unit = f" ({report['unit']})" if "unit" in report and metric["is_error"] else ""
  told = [r for r in rows if r.get("probability") is not None and r.get("value") is not None]
  rows = [r for r in rows if r["metric"] == report["primary"] and None not in (r.get("truth"), r.get("estimate"))]
  by_method = {m: metric["methods"][m] for m in found["methods"] if m in metric["methods"]}
  by_method = {m: x for m, x in by_method.items() if x["by_patient"]}
  what = "mean absolute error" if metric["is_error"] else report["primary"]
  decimals = 2 if metric["is_error"] else 3
  shaded = "" if within is None else f" Shaded: within {within:g}."
  plans = [
      ("patients", f"Each patient's {what}", lambda: _dots(by_method, ours, worded(f"{what} of a patient{unit}", report), decimals),
       "A faint dot is one patient; the large one the mean over patients, with its 95 % interval."),
      ("error_truth", "Error against the truth", lambda: _errors(rows, by_method, ours, unit, within),
       "Estimate minus truth of each window; line: median of tenths of them. Hollow: excluded windows." + shaded),
      ("bland_altman", "Agreement (Bland-Altman)", lambda: _agreement(rows, by_method, ours, unit),
       "Each window; lines: bias and 95 % limits of agreement, each patient of equal weight."),
      ("uncertainty", "What the methods know of their own error", lambda: _uncertainty(found["uncertainty"], ours, what + unit),
       "Left: error when a method answers only that share of the windows of which it is surest. Right: how often its intervals "
       "hold the truth; on the dashed line they keep what they promise, below it they promise too much."),
      ("examples", f"Best, median and worst patient of {ours}",
       lambda: _examples(rows, by_method, ours, report, workdirs),
       "By mean absolute error; of each the window whose error is nearest to it. Band: 1 SD of the method's samples."),
      ("reliability", "Probability told and found", lambda: _reliability(told, ours),
       "Units in bins of the probability that a method tells, the larger the more; on the line it is right."),
      ("pictures", "Truth and every method, aligned", lambda: mosaic(list(by_method), workdirs),
       "The same units for all methods, evenly spread. Each picture from zero to the maximum of its truth."),
      ("trade", f"{report['primary']} against {report.get('against')}", lambda: plots_network.trade(found, report),
       "Means over patients; bars: 95 % intervals. A line joins the readings of one training. Where there is no room for a name, "
       "it is in the table."),
      ("confusion", f"Which classes {ours} confuses", lambda: plots_network.confusion(workdirs, ours),
       "Per cent of each true class, over all members; the diagonal is right."),
      ("shown", "Inside the network", lambda: plots_network.shown(workdirs),
       "Of one member: one scale for all tiles of a panel, its ends below; values of both signs have two colours. "
       "A row with numbers: the same weights at those steps of the training."),
  ]
  return drawn(plans, report, found["simulated"], workdirs, folder)


def drawn(plans: Sequence[tuple], report: dict, simulated: bool, workdirs: Sequence[pathlib.Path], folder: pathlib.Path) -> list[Picture]:
  """Draws (name, title, maker of the figure, note) each, then learning curves; one whose maker gives None is left out."""
  plans = [*plans, ("learning", "Learning curves", lambda: _learning(workdirs), "Thin: one member each. Thick: their median.")]
  own = lambda said: worded(said, report)
  return [Picture(own(title), folder / f"{name}.png", own(note)) for name, title, make, note in plans
          if _save(make, folder / f"{name}.png", simulated)]


def _save(make: Callable, path: pathlib.Path, simulated: bool) -> bool:
  with matplotlib.rc_context(STYLE):
    figure = make()
    if figure is None:
      path.unlink(missing_ok=True)   # of an earlier report
      return False
    if simulated:   # a figure travels without its page
      figure.suptitle("SIMULATED", x=0.01, ha="left", fontsize=8, color=ACCENT)
    figure.savefig(path)
  return True


def _dots(by_method: dict, ours: str, label: str, decimals: int) -> matplotlib.figure.Figure:
  figure, [axis] = _grid(1, 0.5 + 0.52 * len(by_method))
  for y, (name, found) in enumerate(reversed(by_method.items())):
    x, color = found["kept"], OURS if name == ours else RIVAL
    size_g = np.array(list(found["by_patient"].values()))
    jitter_g = 0.26 * np.sin(2.4 * np.arange(len(size_g)))   # without chance: the same page twice is the same page
    axis.scatter(size_g, y + jitter_g, s=16, color=color, alpha=0.28, linewidths=0)
    if x["low"] is not None:
      axis.plot((x["low"], x["high"]), (y, y), color=color, lw=3, solid_capstyle="round")
    axis.scatter(x["mean"], y, s=70, color=color, edgecolor="white", linewidth=1.2, zorder=3)
    axis.text(1.02, y, f"{x['mean']:z.{decimals}f}", transform=axis.get_yaxis_transform(), va="center", color=color,
              weight="bold" if name == ours else "normal")
  axis.set_yticks(range(len(by_method)), reversed(by_method), color=INK)
  axis.set(xlabel=label, ylim=(-0.6, len(by_method) - 0.4))
  axis.set_xlim(left=min(0, *[min(x["by_patient"].values()) for x in by_method.values()]))
  axis.grid(axis="y", visible=False)
  return figure


def _grid(n: int, height: float, columns: int = 3, **options: Any) -> tuple[matplotlib.figure.Figure, list]:
  lines, columns = -(-n // columns), min(columns, n)
  figure = matplotlib.figure.Figure(figsize=(9, 0.6 + height * lines))
  axes = figure.subplots(lines, columns, squeeze=False, **options)
  for axis in axes.flat[n:]:
    axis.set_visible(False)
  return figure, list(axes.flat[:n])


def _panels(names: Sequence[str], ours: str, xlabel: str, ylabel: str) -> tuple[matplotlib.figure.Figure, list]:
  figure, axes = _grid(len(names), 2.5, sharex=True, sharey=True)
  for i, (name, axis) in enumerate(zip(names, axes)):
    axis.set_title(name, color=OURS if name == ours else INK, weight="bold" if name == ours else "normal")
    axis.axhline(0, color=MUTED, lw=0.8)
    axis.tick_params(labelbottom=i + 3 >= len(names))
  figure.supxlabel(xlabel, fontsize=10)
  figure.supylabel(ylabel, fontsize=10)
  return figure, axes


def _points(rows: list, name: str, kept: bool) -> tuple[np.ndarray, np.ndarray]:
  """(truth, error) of a method's windows."""
  mine = [(r["truth"], r["estimate"] - r["truth"]) for r in rows if r["method"] == name and r["kept"] == kept]
  return tuple(_columns(mine))


def _columns(pairs: list) -> np.ndarray:
  return np.reshape(pairs, (-1, 2)).T


def _errors(rows: list, by_method: dict, ours: str, unit: str, within: float | None) -> matplotlib.figure.Figure | None:
  if not rows:
    return None
  figure, axes = _panels(list(by_method), ours, f"truth{unit}", f"error{unit}")
  for name, axis in zip(by_method, axes):
    if within is not None:
      axis.axhspan(-within, within, color=FAINT, alpha=0.7, linewidth=0, zorder=0)
    truth, error = _points(rows, name, kept=True)
    axis.scatter(truth, error, s=9, color=OURS if name == ours else RIVAL, alpha=0.35, linewidths=0)
    axis.scatter(*_points(rows, name, kept=False), s=12, facecolor="none", edgecolor=ACCENT, linewidths=0.7, alpha=0.8)
    tenths = np.array_split(np.argsort(truth, kind="stable"), 10)
    axis.plot(*_columns([(np.median(truth[i]), np.median(error[i])) for i in tenths if len(i)]), color=INK, lw=1.4)
  return figure


def _agreement(rows: list, by_method: dict, ours: str, unit: str) -> matplotlib.figure.Figure | None:
  if not rows:
    return None
  figure, axes = _panels(list(by_method), ours, f"mean of estimate and truth{unit}", f"estimate - truth{unit}")
  for (name, found), axis in zip(by_method.items(), axes):
    truth, error = _points(rows, name, kept=True)
    axis.scatter(truth + error / 2, error, s=9, color=OURS if name == ours else RIVAL, alpha=0.35, linewidths=0)
    low, high = found["kept"]["limits"]
    for level, style in ((found["kept"]["bias"], "-"), (low, "--"), (high, "--")):
      axis.axhline(level, color=INK, lw=1, ls=style)
      axis.annotate(f"{level:+z.1f}", (1, level), (-1, 2), xycoords=("axes fraction", "data"),
                    textcoords="offset points", ha="right", fontsize=8.5)
  return figure


def _uncertainty(by_method: dict, ours: str, label: str) -> matplotlib.figure.Figure | None:
  curves = {m: x["curve"] for m, x in by_method.items() if x["curve"]}
  kept = {m: x["inside"] for m, x in by_method.items() if x["inside"]}
  if not curves and not kept:
    return None
  names = sorted({**curves, **kept}, key=lambda m: m != ours)
  look = {m: {"color": OURS if m == ours else OTHERS[i % len(OTHERS)], "lw": 2.4 if m == ours else 1.3, "marker": "o", "ms": 3.5,
              "label": m} for i, m in enumerate(names)}
  figure, (left, right) = _grid(2, 3.4, columns=2)
  for name, curve in curves.items():
    left.plot(*_columns(curve), **look[name])
  left.set(xlabel="windows answered (%)", ylabel=label, ylim=(0, None))
  right.plot((0, 100), (0, 100), color=MUTED, lw=1, ls="--")
  for name, inside in kept.items():
    right.plot(*_columns([(float(level), 100 * share) for level, share in inside.items()]), **look[name])
  right.set(xlabel="interval (%)", ylabel="truths inside (%)", xlim=(40, 100), ylim=(0, 102))
  handles = {text: handle for axis in (left, right) for handle, text in zip(*axis.get_legend_handles_labels())}
  figure.legend([handles[m] for m in names], names, loc="outside upper right", ncols=min(4, len(names)))
  return figure


def _reliability(told: list, ours: str) -> matplotlib.figure.Figure | None:
  by_method = defaultdict(list)
  for row in told:
    by_method[row["method"]].append((row["probability"], row["value"]))
  if not by_method:
    return None
  figure, axes = _panels(list(by_method), ours, "probability told", "share found")
  for axis, pairs in zip(axes, by_method.values()):
    told_k, found_k = _columns(pairs)
    axis.plot((0, 1), (0, 1), color=MUTED, lw=1, ls="--")
    bins = np.minimum((10 * told_k).astype(int), 9)
    for k in np.unique(bins):
      mine = bins == k
      axis.scatter(told_k[mine].mean(), found_k[mine].mean(), s=8 + 120 * mine.mean(), color=RIVAL, alpha=0.8, linewidths=0)
  return figure


def _examples(rows: list, by_method: dict, ours: str, report: dict, workdirs: Sequence[pathlib.Path]
              ) -> matplotlib.figure.Figure | None:
  size = by_method[ours]["by_patient"] if ours in by_method else {}
  order = sorted(size, key=size.get)
  chosen = {order[i]: what for what, i in (("median", len(order) // 2), ("worst", -1), ("best", 0)) if order}
  shown = []
  for group in [g for g in order if g in chosen]:
    mine = [r for r in rows if r["group"] == group and r["method"] == ours and r["kept"]]
    row = min(mine, key=lambda r: abs(abs(r["estimate"] - r["truth"]) - size[r["group"]]), default=None)
    shown += [(chosen[group], row, waves) for waves in [row and _waveforms(row, workdirs)] if waves]
  if not shown:
    return None
  figure, axes = _grid(len(shown), 1.9, columns=1)
  for (what, row, (truth, estimate, spread_t)), axis in zip(shown, axes):
    axis.plot(*truth, color=INK, lw=1.1, label="truth")
    axis.plot(*estimate, color=OURS, lw=1.4, label=ours)
    if spread_t is not None:
      at, mean_t = estimate
      axis.fill_between(at, mean_t - spread_t, mean_t + spread_t, color=OURS, alpha=0.2, linewidth=0)
    axis.set_title(f"{what}: {row['record']}, {row['unit']}, truth {row['truth']:.1f}, "
                   f"estimate {row['estimate']:.1f} {report.get('unit', '')}".rstrip())
    axis.margins(x=0)
    axis.set_yticks([])
  axes[-1].set_xlabel("time (s)")
  figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
  return figure


def _waveforms(row: dict, workdirs: Sequence[pathlib.Path]) -> tuple | None:
  """((time, truth), (time, estimate), spread or None) in the row's unit "60-120 s", of the first `x_t` of both."""
  span = re.fullmatch(r"([\d.]+)-([\d.]+) s", row["unit"])
  for folder in (w / "predictions" / row["member"] for w in workdirs):
    paths = [folder / name / f"{row['record']}.npz" for name in ("_prepared", row["method"])]
    if not span or not all(p.is_file() for p in paths):
      continue
    truth, estimate = [dict(np.load(p, allow_pickle=False)) for p in paths]
    for name in sorted(n for n in truth.keys() & estimate.keys() if n.endswith("_t")):
      samples = estimate.get(name[:-1] + "s_t")
      spread_t = None if samples is None else _cut(samples.std(0), estimate["rate_hz"], span)[1]
      return _cut(truth[name], truth["rate_hz"], span), _cut(estimate[name], estimate["rate_hz"], span), spread_t
  return None


def _cut(x_t: np.ndarray, rate_hz: float, span: re.Match) -> tuple[np.ndarray, np.ndarray]:
  first, last = (round(float(s) * float(rate_hz)) for s in span.groups())
  x_t = x_t[first:last]
  return (first + np.arange(len(x_t))) / float(rate_hz), x_t


def _learning(workdirs: Sequence[pathlib.Path]) -> matplotlib.figure.Figure | None:
  curves = {w: [_read_curves(path) for path in sorted(w.glob("members/*/scalars.jsonl"))] for w in workdirs}
  curves = {w: members for w, members in curves.items() if members}
  if not curves:
    return None
  figure, axes = _grid(len(curves), 2.7)
  for (workdir, members), axis in zip(curves.items(), axes):
    for name, color, what in (("loss", RIVAL, "training"), ("val_loss", ACCENT, "validation")):
      joined = defaultdict(list)
      for curve in members:
        axis.plot(*_columns(curve[name]), color=color, lw=0.8, alpha=0.3)
        for step, loss in curve[name]:
          joined[step].append(loss)
      middle = [(step, np.median(losses)) for step, losses in sorted(joined.items()) if len(losses) == len(members)]
      axis.plot(*_columns(middle), color=color, lw=2, label=what)
    axis.set(xlabel="step", ylabel="loss", title=workdir.name)
  figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
  return figure


def _read_curves(path: pathlib.Path) -> dict[str, list]:
  lines = [json.loads(x) for x in path.read_text().splitlines() if x.endswith("}")]   # a killed run may tear the last
  return {name: [(x["step"], x[name]) for x in lines if name in x] for name in ("loss", "val_loss")}
