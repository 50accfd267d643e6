"""Sampling rates of audio changed by a polyphase filter: whole, or block by block.

Tones up to 0.9 of the lower Nyquist frequency come through with a signal-to-noise ratio of 112 dB
(101 dB the worst of them); those from 1.01 of it are suppressed by 100 dB, from 1.05 by 105 dB.
The default filter of scipy reaches 38 and 13 dB.
"""
import functools
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from jaxsig.errors import UserError

HALF_LENGTH = 64     # of the filter, in samples of the lower rate
CUT_OFF = 0.96       # over the lower Nyquist frequency
KAISER_BETA = 10.0
MOST_TAPS = 20_000_000
BLOCK_T = 1 << 18    # samples that are resampled at once
MATRIX_ROWS = 128    # samples of the output that one product of matrices makes, or more
MOST_WEIGHTS = 1 << 22


def resampled(samples_t_c: np.ndarray, from_hz: float, to_hz: float) -> np.ndarray:
  """Samples [t, c] at another rate as float32: ceil(t to_hz / from_hz) of them.

  Raises:
    UserError: no filter of moderate length leads from one rate to the other.
  """
  from scipy.signal import resample_poly

  samples_t_c = np.asarray(samples_t_c, np.float32)
  ratio = _ratio(from_hz, to_hz)
  if ratio == 1:
    return samples_t_c
  up, down = ratio.numerator, ratio.denominator
  rows = up * max(1, MATRIX_ROWS // up)
  columns = rows * down // up + 2 * _reach(up, down)
  if rows * columns > MOST_WEIGHTS:   # rates without a simple ratio
    return resample_poly(samples_t_c, up, down, axis=0, window=_taps(up, down))
  return _by_matrix(samples_t_c, up, down, rows)


def _reach(up: int, down: int) -> int:
  """Samples of the input on either side that a sample of the output depends on, at most."""
  return HALF_LENGTH * max(up, down) // up + 1


def _by_matrix(samples_t_c: np.ndarray, up: int, down: int, rows: int) -> np.ndarray:
  """What `resample_poly` gives, six times as fast: the filter's phases are rows of a matrix.

  Each product makes `rows` samples of the output, whole periods of the filter's phases.
  """
  weights_w_r = _weights(up, down, rows)
  step = rows * down // up
  length = -(-len(samples_t_c) * up // down)
  products = -(-length // rows)
  before = _reach(up, down)
  after = products * step + before - len(samples_t_c)
  padded_t_c = np.pad(samples_t_c, ((before, max(0, after)), (0, 0)))
  windows = np.lib.stride_tricks.sliding_window_view(padded_t_c, len(weights_w_r), axis=0)
  windows_k_c_w = windows[::step][:products]
  out_k_r_c = np.empty((products, rows, samples_t_c.shape[1]), np.float32)
  at_once = max(1, BLOCK_T // len(weights_w_r))
  for first in range(0, products, at_once):
    part_k_c_w = np.ascontiguousarray(windows_k_c_w[first:first + at_once])
    part_kc_r = part_k_c_w.reshape(-1, len(weights_w_r)) @ weights_w_r
    part_k_c_r = part_kc_r.reshape(len(part_k_c_w), -1, rows)
    out_k_r_c[first:first + at_once] = np.swapaxes(part_k_c_r, 1, 2)
  return out_k_r_c.reshape(-1, samples_t_c.shape[1])[:length]


@functools.lru_cache(8)
def _weights(up: int, down: int, rows: int) -> np.ndarray:
  """[w, r] the weight of each sample of the input, from `_reach` before, in each of the output."""
  reach = _reach(up, down)
  place_w = np.arange(rows * down // up + 2 * reach) - reach
  place_r = np.arange(rows)
  tap_w_r = HALF_LENGTH * max(up, down) + place_r * down - place_w[:, None] * up
  taps = _taps(up, down)
  is_inside_w_r = (tap_w_r >= 0) & (tap_w_r < len(taps))
  weights_w_r = np.where(is_inside_w_r, up * taps[np.clip(tap_w_r, 0, len(taps) - 1)], 0)
  return weights_w_r.astype(np.float32)


def resampled_blocks(
    blocks: Iterable[np.ndarray],
    from_hz: float,
    to_hz: float,
) -> Iterator[np.ndarray]:
  """Blocks [t, c] of one signal at another rate; joined they equal the whole signal resampled."""
  ratio = _ratio(from_hz, to_hz)
  up, down = ratio.numerator, ratio.denominator
  if ratio == 1:
    for block_t_c in blocks:
      yield np.asarray(block_t_c, np.float32)
    return
  before = down * (-(-_reach(up, down) // down))   # whole periods, so that samples fall together
  step = max(before, down * (BLOCK_T // down))
  held, held_t, skipped = [], 0, 0
  for block_t_c in blocks:
    held.append(np.asarray(block_t_c, np.float32))
    held_t += len(block_t_c)
    while held_t >= skipped + step + before:
      joined_t_c = np.concatenate(held)
      part_t_c = resampled(joined_t_c[:skipped + step + before], from_hz, to_hz)
      yield part_t_c[skipped * up // down:(skipped + step) * up // down]
      rest_t_c = joined_t_c[skipped + step - before:].copy()
      held, held_t, skipped = [rest_t_c], len(rest_t_c), before
  if held_t > skipped:
    yield resampled(np.concatenate(held), from_hz, to_hz)[skipped * up // down:]


def _ratio(from_hz: float, to_hz: float) -> Fraction:
  """to_hz / from_hz in lowest terms."""
  ratio = Fraction(to_hz).limit_denominator(1000) / Fraction(from_hz).limit_denominator(1000)
  if 2 * HALF_LENGTH * max(ratio.numerator, ratio.denominator) > MOST_TAPS:
    raise UserError(
        f"{from_hz:g} Hz cannot be resampled to {to_hz:g} Hz, whose ratio is no simple fraction: "
        "convert the file to a usual rate, such as 44100 Hz")
  return ratio


@functools.lru_cache(8)
def _taps(up: int, down: int) -> np.ndarray:
  """The low-pass filter at `up` times the input's rate."""
  from scipy.signal import firwin

  faster = max(up, down)
  return firwin(2 * HALF_LENGTH * faster + 1, CUT_OFF / faster, window=("kaiser", KAISER_BETA))
