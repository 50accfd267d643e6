"""Amplitudes are told as such, intensities of any sampling and with bad pixels never."""
import numpy as np
import pytest

from jaxsig.data.images.intensities.intensity_amplitudes import note_amplitudes

SIDES = [32, 40, 48, 64, 96, 128]
RNG = np.random.default_rng(0)
SMOOTH = np.exp(-((np.mgrid[:14, :14] - 6.0) ** 2).sum(0) / 30)
OBJECTS = {
  "noise": RNG.uniform(0, 1, (14, 14)),
  "smooth": SMOOTH * RNG.uniform(0.7, 1, (14, 14)),
  "few": (RNG.random((14, 14)) > 0.8) * 1.0,
  "block": np.ones((9, 6)),
}


def counts(name, m, top=1e6):
  x = np.abs(np.fft.fft2(OBJECTS[name], (m, m))) ** 2
  return x / x.max() * top


def dead(x, share):
  return np.where(np.random.default_rng(1).random(x.shape) < share, 0, x)


FAULTS = {
  "none": lambda x: x,
  "counts": np.rint,
  "few counts": lambda x: np.rint(x / 1e3),
  "photons": lambda x: np.random.default_rng(2).poisson(x).astype(float),
  "0.2 % dead": lambda x: dead(np.rint(x), 0.002),
  "1 % dead": lambda x: dead(np.rint(x), 0.01),
  "dead rows": lambda x: np.where(np.arange(len(x))[:, None] // 3 == 4, 0, x),
  "hot rows": lambda x: np.where(np.arange(len(x))[:, None] // 4 == 3, 77777, x),
  "threshold": lambda x: np.where(x < 30, 0, x),
  "gain": lambda x: x * np.random.default_rng(3).normal(1, 0.02, x.shape),
  "background": lambda x: x + 20,
  "off by 3": lambda x: np.roll(x, 3, 0),
}


def told(x):
  notes = []
  note_amplitudes(x, notes)
  return bool(notes)


@pytest.mark.parametrize("m", SIDES)
@pytest.mark.parametrize("fault", FAULTS)
def test_intensities_are_none(fault, m):
  for name in OBJECTS:
    assert not told(FAULTS[fault](counts(name, m))), name


@pytest.mark.parametrize("m", [40, 48, 64, 96, 128])
@pytest.mark.parametrize("fault", ["none", "counts", "background"])
def test_amplitudes_are_told(fault, m):
  for name in ("noise", "few"):
    assert told(np.sqrt(FAULTS[fault](counts(name, m)))), name
