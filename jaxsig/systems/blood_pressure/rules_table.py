"""Which windows are judged: the limits that decide it stand beside the figures."""
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import snr
from jaxsig.table_text import Line, Table


def rules_table(data: ConfigDict) -> Table:
  """The rules of `config.data` by which windows are laid, labelled and left out."""
  low_sbp, high_sbp = data.sbp_limits
  low_dbp, high_dbp = data.dbp_limits
  slowest, fastest = data.rate_limits_bpm
  rules = {
      "window": _window(data),
      "label": f"median of the beats in it, rounding: {data.label_rounding}",
      "limits, mmHg": (
          f"{low_sbp:g}-{high_sbp:g} systolic, {low_dbp:g}-{high_dbp:g} diastolic, of "
          f"{data.limit_rule.replace('_', ' ')}"),
      "unstable or implausible pressure left out": _yes(data.stable),
      "pulse rate, beats/min": f"{slowest:g}-{fastest:g}",
      "signal-to-noise ratio": _snr(data),
      "known": f"the first {100 * data.known_share:g} % of a recording, where a method uses it",
  }
  return Table(
      title="Which windows are judged",
      header=["rule", "value"],
      lines=[Line(name, [value]) for name, value in rules.items()],
      note=(
          "Limits alone change what a constant errs by several mmHg: figures are to be compared "
          "under the same rules only."),
      numbers=False,
      secondary=True,
  )


def _window(data: ConfigDict) -> str:
  if data.window == "beats":
    return f"{data.beats} beats every {data.hop_beats}, cut by {data.beat_cut}"
  return f"{data.window_s:g} s every {data.hop_s:g} s"


def _yes(is_on: bool) -> str:
  if is_on:
    return "yes"
  return "no"


def _snr(data: ConfigDict) -> str:
  if not data.snr_form:
    return "not asked for"
  share = snr.noise_pass_share(data.snr_form, data.snr_min_db)
  return (
      f"{data.snr_form} above {data.snr_min_db:g} dB, which {100 * share:.0f} % of pure noise "
      "pass")
