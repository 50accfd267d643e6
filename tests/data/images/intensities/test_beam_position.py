"""A beam that is a pixel or more beside the middle is told, one that is in it never."""
import numpy as np
import pytest
from fake_intensity import centred, intensity

from jaxsig.data.images.intensities.intensity_file import read_intensity

OFFSETS = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (2, 0), (5, -3)]


def told(x, **options):
  return [note for note in read_intensity(x, **options).notes if "brightest spot" in note]


@pytest.mark.parametrize("m", [32, 48, 96])
@pytest.mark.parametrize("offset", OFFSETS)
def test_beside_the_middle(offset, m):
  for seed in range(3):
    x = centred(intensity(m=m, seed=seed))
    x = np.rint(1e6 * x / x.max())
    [note] = told(np.roll(x, offset, (0, 1)))
    assert f"is {offset[0]} row" in note and f"and {offset[1]} column" in note
    masked = np.roll(x, offset, (0, 1))
    masked[:, 3:6] = -1
    assert told(masked)


@pytest.mark.parametrize("m", [24, 32, 48, 96])
@pytest.mark.parametrize("photons", [1e4, 1e5, 1e8])
def test_in_the_middle(m, photons):
  rng = np.random.default_rng(0)
  for seed in range(10):
    x = centred(intensity(m=m, seed=seed))
    assert not told(rng.poisson(photons * x / x.sum()).astype(float), centred="yes")


def test_an_object_with_phases_has_no_symmetry():
  rng = np.random.default_rng(0)
  for _ in range(10):
    field = np.zeros((48, 48), complex)
    field[:14, :14] = rng.uniform(0, 1, (14, 14)) * np.exp(1j * rng.uniform(0, 0.9, (14, 14)))
    assert not told(centred(np.abs(np.fft.fft2(field)) ** 2), centred="yes")
