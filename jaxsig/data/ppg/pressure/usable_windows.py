"""Which windows of a record can be used, and why the others cannot."""
from collections import Counter

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import labels
from jaxsig.data.ppg.pressure.kept import Kept
from jaxsig.data.ppg.pressure.laid_windows import Laid, laid_windows
from jaxsig.data.ppg.pressure.prepared_ppg import stretches
from jaxsig.data.ppg.pressure.pulse_rules import why_not_b
from jaxsig.data.records import Record, Spans, spans_of


def spans(record: Record, config: ConfigDict) -> Spans:
  """The windows of a record that can be used: a fine PPG and, where it is labelled, a fine label.

  Their starts are ascending; those of `window="beats"` have a length each.
  """
  return _SPANS.of(record, config)


def _spans(record: Record, config: ConfigDict) -> Spans:
  laid, why_b = _judged(record, config)
  fine_b = np.array([not why for why in why_b], bool)
  chosen = np.flatnonzero(fine_b)
  if config.max_windows and len(chosen) > config.max_windows:
    evenly = np.linspace(0, len(chosen) - 1, config.max_windows)
    chosen = chosen[np.rint(evenly).astype(int)]
  return spans_of(laid.start_s_b[chosen], laid.length_s_b[chosen])


def reasons(record: Record, config: ConfigDict) -> Counter:
  """How many windows of a record are left out for each reason; "used" counts the others."""
  _, why_b = _judged(record, config)
  return Counter(why or "used" for why in why_b)


def _judged(record: Record, config: ConfigDict) -> tuple[Laid, list[str]]:
  """All windows of a record, and why each cannot be used; "" where it can."""
  parts = stretches(record, config)
  laid = laid_windows(parts, config)
  why_b = why_not_b(parts, laid, config)
  if not labels.beats_of(record):
    return laid, why_b
  laid_spans = spans_of(laid.start_s_b, laid.length_s_b)
  label_why_b = labels.implausible_b(record, laid_spans, config)
  joined = []
  for pulse, label in zip(why_b, label_why_b, strict=True):
    joined.append(pulse or label)
  return laid, joined


_SPANS = Kept(_spans)   # every method asks for them again, to know what is known before its windows
