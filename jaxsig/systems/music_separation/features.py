"""What a network sees of a spectrogram: amplitudes, and forms of its phase."""
import jax
import jax.numpy as jnp

from jaxsig.signal import phase_derivatives as phases

# Forms of the phase, each of so many planes a bin.
PLANES = {
    "raw": 1,                    # the phase itself
    "time": 1,                   # difference from frame to frame
    "time_shifted": 1,           # less the advance of a tone in the middle of the bin
    "time_wrong_sign": 1,        # that advance added: right for the conjugate transform only
    "frequency": 1,              # difference from bin to bin
    "frequency_shifted": 1,      # less the pi of a signal in the middle of its frame
    "differences": 2,            # both, without shifts
    "differences_shifted": 2,    # both, less their shifts: the paper's
    "cosine_sine": 4,            # cosine and sine of both: no jump at +-pi
}


def phase_planes(
    stft_n_f: jax.Array,
    form: str,
    n_fft: int,
    hop: int,
    floor: jax.Array | float,
) -> jax.Array:
  """A form of the phase of a spectrogram, its planes one after another along the bins.

  Args:
    stft_n_f: [..., n, f] complex, by `jaxsig.signal.stft`; its lowest bins, or all.
    form: of PLANES.
    n_fft, hop: samples of a frame and from frame to frame.
    floor: amplitude from which on a phase counts; what is much quieter becomes 0. With 0 all count.

  Returns:
    [..., n, planes f] real; nothing is known of differences in the first frame, which are 0.

  Raises:
    ValueError: the form is unknown.
  """
  if form not in PLANES:
    raise ValueError(f"unknown form of phase {form!r}: {', '.join(PLANES)}")
  shift = phases.shifts(n_fft, hop)
  shift = shift._replace(time_f=shift.time_f[:stft_n_f.shape[-1]])
  if form == "raw":
    heard_n_f = phases.gate(stft_n_f * jnp.conj(stft_n_f), floor)
    return phases.angle(stft_n_f) * heard_n_f

  if form == "cosine_sine":
    planes = []
    for product_n_f in (
        phases.time_product(stft_n_f, shift),
        phases.frequency_product(stft_n_f, shift),
    ):
      planes += list(phases.cosine_and_sine(product_n_f, floor))
    return jnp.concatenate(planes, -1)

  planes = []
  for product_n_f in _products(stft_n_f, form, shift):
    planes.append(phases.angle(product_n_f) * phases.gate(product_n_f, floor))
  return jnp.concatenate(planes, -1)


def _products(
    stft_n_f: jax.Array,
    form: str,
    shift: phases.Shifts,
) -> list[jax.Array]:
  """The products of neighbours whose angles are the differences of a form."""
  none = phases.NO_SHIFTS
  wrong = phases.Shifts(-shift.time_f, shift.frequency)
  if form == "time":
    return [phases.time_product(stft_n_f, none)]
  if form == "time_shifted":
    return [phases.time_product(stft_n_f, shift)]
  if form == "time_wrong_sign":
    return [phases.time_product(stft_n_f, wrong)]
  if form == "frequency":
    return [phases.frequency_product(stft_n_f, none)]
  if form == "frequency_shifted":
    return [phases.frequency_product(stft_n_f, shift)]

  used = none
  if form == "differences_shifted":
    used = shift
  return [phases.time_product(stft_n_f, used), phases.frequency_product(stft_n_f, used)]
