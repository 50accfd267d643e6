"""What a reader sees: figures (the only use of matplotlib), tables as text, and the one page that holds both."""
import base64
import html
import json
import pathlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib
import matplotlib.figure
import numpy as np

INK, MUTED, FAINT, OURS, RIVAL, ACCENT = "#1f2933", "#7b8794", "#e8ecf0", "#0b7285", "#6b7f99", "#d9602b"
STYLE = {"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#9aa5b1", "grid.color": FAINT,
         "xtick.color": MUTED, "ytick.color": MUTED, "axes.spines.top": False, "axes.spines.right": False,
         "axes.grid": True, "axes.axisbelow": True, "axes.titlesize": 10, "axes.titlelocation": "left",
         "legend.frameon": False, "figure.constrained_layout.use": True, "savefig.dpi": 200}
CSS = """
body{font:16px/1.55 system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif;color:#1f2933;margin:0}
main{max-width:940px;margin:0 auto;padding:40px 24px 80px} h1{font-size:30px;line-height:1.2;margin:0 0 20px}
h2{font-size:19px;margin:44px 0 10px;overflow-wrap:anywhere} figure{margin:0} img{width:100%;height:auto}
p,figcaption{max-width:76ch;color:#52606d;font-size:14px;margin:8px 0}
.banner{background:#fff4e6;border-left:5px solid #d9602b;color:#8a3a12;font-weight:650;padding:14px 18px}
.banner{margin:0 0 22px} .tiles{display:flex;flex-wrap:wrap;border:solid #d9e0e6;border-width:1px 0;padding:16px 0}
.tiles div{flex:1 1 150px;color:#52606d;font-size:13px;padding-right:16px}
.tiles b{display:block;font-size:24px;color:#0b7285;white-space:nowrap} .wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;width:100%}
th{font-weight:600;color:#52606d;border-bottom:1.5px solid #9aa5b1;vertical-align:bottom}
th,td{text-align:right;padding:6px 0 6px 12px} td{border-bottom:1px solid #e8ecf0;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal} .second td{color:#7b8794}
.ours td{font-weight:650;color:#0b7285} .text th,.text td{text-align:left;vertical-align:top}
.text td+td{white-space:normal;overflow-wrap:anywhere} .text td:first-child{color:#52606d;white-space:nowrap}
details{margin-top:36px} summary{cursor:pointer;font-weight:600} @media print{h2,figure,table{break-inside:avoid}}
"""


class Table(NamedTuple):
  """Cells as text, written alike in Markdown, HTML and on a console; one that is not of numbers is set flush left."""
  title: str
  header: list
  lines: list
  note: str = ""
  numbers: bool = True


class Picture(NamedTuple):
  """A PNG beside its page."""
  title: str
  path: pathlib.Path
  note: str


def markdown(table: Table) -> str:
  """A heading, the table as Markdown and its note."""
  line = lambda cells: "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
  rule = line(["---"] + ["---:"] * (len(table.header) - 1))
  lines = [line(table.header), rule, *map(line, table.lines)]
  return "\n".join([f"### {table.title}", "", *lines, "", table.note]).rstrip()


def plain(table: Table) -> str:
  """The table in aligned columns, for a console."""
  widths = [max(map(len, column)) for column in zip(table.header, *table.lines)]
  line = lambda cells: "  ".join([cells[0].ljust(widths[0]), *[c.rjust(w) for c, w in zip(cells[1:], widths[1:])]])
  rule = line(["-" * w for w in widths])
  return "\n".join([table.title, line(table.header), rule, *map(line, table.lines), table.note]).rstrip()


def page(title: str, banner: str, tiles: Sequence[tuple[str, str]], blocks: Sequence[Table | Picture],
         ours: str) -> str:
  """One HTML page that needs no other file: large figures (number, what it is), then tables and pictures in order.

  Tables of text longer than 12 lines are folded; the lines of the method `ours` are set off.
  """
  head = "".join(f"<div><b>{html.escape(number)}</b>{html.escape(what)}</div>" for number, what in tiles)
  warning = f'<div class="banner">{html.escape(banner)}</div>' if banner else ""
  body = "".join(_html_picture(b) if isinstance(b, Picture) else _html_table(b, ours) for b in blocks)
  return ('<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
          f'<title>{html.escape(title)}</title><style>{CSS}</style><main><h1>{html.escape(title)}</h1>{warning}'
          f'<div class="tiles">{head}</div>{body}</main></html>\n')


def _html_picture(picture: Picture) -> str:
  data, title = base64.b64encode(picture.path.read_bytes()).decode(), html.escape(picture.title)
  return (f'<h2>{title}</h2><figure><img alt="{title}" src="data:image/png;base64,{data}">'
          f"<figcaption>{html.escape(picture.note)}</figcaption></figure>\n")


def _html_table(table: Table, ours: str) -> str:
  row = lambda cells, tag: "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells)
  kind = lambda name: "ours" if name == ours else "second" if name.endswith(", all windows") else ""
  lines = "".join(f'<tr class="{kind(cells[0])}">{row(cells, "td")}</tr>' for cells in table.lines)
  body = (f'<div class="wide"><table class="{"" if table.numbers else "text"}">'
          f'<tr>{row(table.header, "th")}</tr>{lines}</table></div>')
  note, title = f"<p>{html.escape(table.note)}</p>" if table.note else "", html.escape(table.title)
  if not table.numbers and len(table.lines) > 12:
    return f"<details><summary>{title}</summary>{body}{note}</details>\n"
  return f"<h2>{title}</h2>{body}{note}\n"


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
  rows = [r for r in rows if r["metric"] == report["primary"] and None not in (r.get("truth"), r.get("estimate"))]
  by_method = {m: metric["methods"][m] for m in found["methods"] if m in metric["methods"]}
  by_method = {m: x for m, x in by_method.items() if x["by_patient"]}
  what = "mean absolute error" if metric["is_error"] else report["primary"]
  shaded = "" if within is None else f" Shaded: within {within:g}."
  plans = [
      ("patients", f"Each patient's {what}", lambda: _dots(by_method, ours, f"{what} of a patient{unit}"),
       "A faint dot is one patient; the large one the mean over patients, with its 95 % interval."),
      ("error_truth", "Error against the truth", lambda: _errors(rows, by_method, ours, unit, within),
       "Estimate minus truth of each window; line: median of tenths of them. Hollow: excluded windows." + shaded),
      ("bland_altman", "Agreement (Bland-Altman)", lambda: _agreement(rows, by_method, ours, unit),
       "Each window; lines: bias and 95 % limits of agreement, each patient of equal weight."),
      ("examples", f"Best, median and worst patient of {ours}",
       lambda: _examples(rows, by_method, ours, report, workdirs),
       "By mean absolute error; of each the window whose error is nearest to it. Band: 1 SD of the method's samples."),
      ("learning", "Learning curves", lambda: _learning(workdirs), "Thin: one member each. Thick: their median."),
  ]
  return [Picture(title, folder / f"{name}.png", note) for name, title, make, note in plans
          if _save(make, folder / f"{name}.png", found["simulated"])]


def _save(make: Callable, path: pathlib.Path, simulated: bool) -> bool:
  with matplotlib.rc_context(STYLE):
    figure = make()
    if figure is None:
      path.unlink(missing_ok=True)   # of an earlier report
      return False
    if simulated:   # a figure travels without its page
      figure.suptitle("SIMULATED recordings", x=0.01, ha="left", fontsize=8, color=ACCENT)
    figure.savefig(path)
  return True


def _dots(by_method: dict, ours: str, label: str) -> matplotlib.figure.Figure:
  figure, [axis] = _grid(1, 0.5 + 0.52 * len(by_method))
  for y, (name, found) in enumerate(reversed(by_method.items())):
    x, color = found["kept"], OURS if name == ours else RIVAL
    size_g = np.array(list(found["by_patient"].values()))
    jitter_g = 0.26 * np.sin(2.4 * np.arange(len(size_g)))   # without chance: the same page twice is the same page
    axis.scatter(size_g, y + jitter_g, s=16, color=color, alpha=0.28, linewidths=0)
    if x["low"] is not None:
      axis.plot((x["low"], x["high"]), (y, y), color=color, lw=3, solid_capstyle="round")
    axis.scatter(x["mean"], y, s=70, color=color, edgecolor="white", linewidth=1.2, zorder=3)
    axis.text(1.02, y, f"{x['mean']:z.2f}", transform=axis.get_yaxis_transform(), va="center", color=color,
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


def recording(record: Any, path: pathlib.Path) -> None:
  """Draws one predicted recording: its signals and, below each other, every predicted waveform with its samples' spread."""
  signals = {name[:-2]: (x, record.rate_hz) for name, x in record.signals.items()}
  waves = {name[:-2]: (x, record.predictions["rate_hz"]) for name, x in record.predictions.items()
           if name.endswith("_t") and np.ndim(x) == 1}
  rows = [*signals.items(), *((f"{name}, predicted", x) for name, x in waves.items())]
  with matplotlib.rc_context(STYLE):
    figure = matplotlib.figure.Figure(figsize=(9, 1.8 * len(rows) + 0.4))
    for i, (name, (x_t, rate_hz)) in enumerate(rows):
      axes = figure.add_subplot(len(rows), 1, i + 1)
      time_s = np.arange(len(x_t)) / rate_hz
      spread = record.predictions.get(f"{name.partition(',')[0]}_s_t") if i >= len(signals) else None
      if spread is not None:
        axes.fill_between(time_s, x_t - spread.std(0), x_t + spread.std(0), color=OURS, alpha=0.2, linewidth=0)
      axes.plot(time_s, x_t, color=OURS if i >= len(signals) else MUTED, linewidth=0.8)
      axes.set(title=name, xlim=(0, time_s[-1]))
    axes.set_xlabel("time (s)")
    figure.savefig(path)
