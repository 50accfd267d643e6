"""Holm's correction of p values for their number."""
import math
from collections.abc import Mapping


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
  """The corrected p values (Holm, Scand J Statist 6:65-70, 1979); NaN stays and is not counted."""
  known = {name: p for name, p in p_values.items() if math.isfinite(p)}
  corrected = dict.fromkeys(p_values, math.nan)
  highest = 0.0
  for rank, name in enumerate(sorted(known, key=known.get)):
    highest = max(highest, min(1.0, (len(known) - rank) * known[name]))
    corrected[name] = highest
  return corrected
