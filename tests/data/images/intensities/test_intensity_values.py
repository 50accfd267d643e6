"""Numbers that are no intensities: markers, negative ones, backgrounds, logarithms."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_intensity import centred, intensity

from jaxsig.data.images.intensities.intensity_file import read_intensity

COUNTS = np.rint(intensity() / intensity().max() * 4000)
PLACES = np.random.default_rng(0).choice(1023, 20, replace=False) + 1


def marked(value: float, kind: str) -> np.ndarray:
  x = COUNTS.astype(kind)
  x.flat[PLACES] = value
  return x


@pytest.mark.parametrize(
  ("value", "kind"),
  [
    (-1, "int32"),
    (-1, "float64"),
    (-2, "int16"),
    (-9999, "float32"),
    (-999, "int64"),
    (-(2**31), "int32"),
    (2**32 - 1, "uint32"),
    (2**32 - 1, "int64"),
    (2**32 - 1, "float32"),
    (2**32 - 2, "uint64"),
    (2**31 - 1, "float64"),
    (2**64 - 1, "uint64"),
    (65535, "uint16"),
    (65535, "int32"),
    (65535, "float64"),
    (1e30, "float64"),
    (np.nan, "float32"),
    (np.inf, "float16"),
  ],
)
def test_markers_of_bad_pixels_are_masked_and_told(value, kind):
  read = read_intensity(marked(value, kind), centred="no")
  np.testing.assert_array_equal(np.flatnonzero(~read.mask_v_u), np.sort(PLACES))
  expected = np.where(read.mask_v_u, COUNTS, 0)
  np.testing.assert_allclose(read.frames_t_v_u[0], expected, rtol=1e-3)
  assert "masked: 20 of 1024" in read.notes[0]


def test_a_marker_in_a_third_of_the_pixels_is_refused():
  x = COUNTS.astype(np.int32)
  x.flat[1:340] = -1
  sentence = says(read_intensity, x)
  assert "has -1 in 339 of 1024 pixels (33.1 %), more than 20 %" in sentence
  assert read_intensity(x, mask=x >= 0, centred="no").mask_v_u.sum() == 1024 - 339


def test_small_negative_values_are_made_0_and_counted():
  x = intensity()
  x[9, 9] = -0.25
  x[9, 10] = -3
  read = read_intensity(x, centred="no")
  assert read.mask_v_u is None
  assert read.frames_t_v_u[0][9, 10] == 0
  assert read.notes == ["2 negative values of 1024, the smallest -3, are made 0."]


NOISE = np.random.default_rng(0).normal(size=(32, 32))


@pytest.mark.parametrize(
  "x",
  [
    -intensity(),
    intensity() - intensity().mean(),
    intensity() + 300 * NOISE,
    10 * np.log10(intensity() / intensity().max()),
    np.where(NOISE > 2, -9999, intensity() - 0.5),
  ],
)
def test_other_negative_values_are_refused(x):
  sentence = says(read_intensity, x)
  assert "negative values, the smallest" in sentence
  assert "clip at 0" in sentence


@pytest.mark.parametrize(
  ("x", "words"),
  [
    (intensity() + 1e6, "nearly all of it a background"),
    ((intensity() * 100 + 2e9).astype(np.int64), "nearly all of it a background"),
    (np.full((32, 32), 7.0), "the value 7 everywhere"),
    (np.ones((3, 32, 32), int), "the value 1 everywhere"),
    (np.minimum(COUNTS, 1), "has only the values 0, 1, as a mask has"),
  ],
)
def test_what_holds_nothing_of_an_object_is_refused(x, words):
  assert words in says(read_intensity, x)


@pytest.mark.parametrize(
  ("x", "words"),
  [
    (intensity() + 500, "a background seems to be left"),
    (intensity() + 5000, "a background seems to be left"),
    (np.log1p(intensity()), "if these are logarithms or amplitudes"),
    (np.rint(30 * np.log1p(intensity())).astype(np.uint8), "if these are logarithms"),
    (np.minimum(COUNTS, 2), "The values are 0, 1, 2 only: they are taken as counts of photons."),
  ],
)
def test_what_is_doubtful_is_noted(x, words):
  assert any(words in note for note in read_intensity(x).notes)


@pytest.mark.parametrize("m", [32, 33, 48])
@pytest.mark.parametrize("photons", [0, 1e4])
@pytest.mark.parametrize("move", [np.copy, centred])
def test_amplitudes_are_noted_by_their_transform(m, photons, move):
  x = intensity(m)
  if photons:
    x = np.random.default_rng(0).poisson(x / x.max() * photons).astype(float)
  word = "if they are amplitudes |F|, give |F|^2"
  assert not any(word in note for note in read_intensity(move(x)).notes)
  assert any(word in note for note in read_intensity(move(np.sqrt(x))).notes)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_ordinary_intensities_have_no_notes(scale):
  for seed in range(3):
    x = intensity(seed=seed)
    assert read_intensity(scale * centred(x)).notes == []
    photons = np.random.default_rng(seed).poisson(x / x.max() * 1e5)
    assert read_intensity(photons).notes == []


@pytest.mark.parametrize(
  "source",
  [None, {}, "x.csv", [[1, 2], [3]], b"abc", COUNTS.astype(object), COUNTS.astype("M8[s]")],
)
def test_what_is_no_array_of_numbers(source):
  assert says(read_intensity, source)
