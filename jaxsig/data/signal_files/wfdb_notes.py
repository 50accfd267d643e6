"""What must be told of the signals and segments of a WFDB record."""
from collections.abc import Iterable, Iterator, Sequence

from jaxsig.data.signal_files.wfdb_header import Header
from jaxsig.data.signal_files.wfdb_parts import Part, keyed


def notes_on(headers: Iterable[Header], rate_hz: float | None) -> Iterator[str]:
  """Yields a sentence for each thing that was assumed of signals.

  Args:
    headers: of all segments; signals of one name share a sentence.
    rate_hz: of the frames.
  """
  uncalibrated = {}
  shifted = {}
  faster = {}
  named = []
  for header in headers:
    for i, signal in enumerate(header.signals, 1):
      named.append((signal.name or f"signal {i}", signal))
  for name, signal in named:
    if not signal.calibrated and signal.file != "~":
      uncalibrated[name] = name
    if signal.skew_frames:
      shifted[name] = f"{name} by {signal.skew_frames}"
    if signal.frame_samples > 1:
      faster[name] = f"{name} has {signal.frame_samples}"
      if rate_hz is not None:
        faster[name] += f" ({rate_hz * signal.frame_samples:g} Hz)"

  if uncalibrated:
    names = ", ".join(uncalibrated.values())
    yield f"physical units unknown, WFDB's default of 200 steps a unit is taken: {names}"
  if shifted:
    yield f"skew removed, in frames: {', '.join(shifted.values())}"
  if faster:
    yield f"several samples in a frame: {', '.join(faster.values())}"


def notes_on_parts(
  header: Header,
  layout: Header,
  parts: Sequence[Part],
  rate_hz: float | None,
) -> Iterator[str]:
  """Sentences on what was put together, and on what is missing in it."""
  gaps = [part for part in parts if part.header is None]
  frames = sum(part.frames for part in parts)
  yield f"put together from {len(parts) - len(gaps)} segments"
  if gaps:
    missing = sum(part.frames for part in gaps)
    numbers = ", ".join(str(part.number) for part in gaps[:8])
    if len(gaps) > 8:
      numbers += ", ..."
    yield (
      f"{_span(missing, rate_hz)} of {_span(frames, rate_hz)} are missing: "
      f"segments {numbers} of {len(parts)}"
    )
  if header.frames and header.frames != frames:
    yield f"its header promises {header.frames} frames, its segments have {frames}: these are read"

  absent = []
  keys = [key for key, _ in keyed(layout.signals)]
  for key in keys:
    without = [part.frames for part in parts if part.header and key not in part.places]
    if without:
      absent.append(f"{key[0] or 'one without a name'} for {_span(sum(without), rate_hz)}")
  if absent:
    yield f"signals that some segments do not have: {', '.join(absent)}"

  others = {key[0] for part in parts for key in part.places if key not in keys}
  if others:
    yield f"signals that the layout does not list, left out: {', '.join(sorted(others))}"


def _span(frames: int, rate_hz: float | None) -> str:
  if rate_hz is None:
    return f"{frames} frames"
  return f"{frames / rate_hz:g} s"
