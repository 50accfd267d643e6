"""A list of masked arrays keeps its masks, as one masked array does."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_images import SIDE, drawn
from fake_intensity import centred, intensity

from jaxsig.data.images.image_files import read_images
from jaxsig.data.images.intensities.intensity_file import read_intensity

BAD = np.zeros((32, 32), bool)
BAD[4:8, 20:24] = True
FRAME = centred(intensity())
MASKED = np.ma.MaskedArray(FRAME, BAD)


@pytest.mark.parametrize(
  "frames",
  [[MASKED], (MASKED, MASKED), [FRAME, MASKED], [MASKED, FRAME], [MASKED.astype(np.float32)] * 3],
  ids=["one", "tuple", "second", "first", "floats"],
)
def test_masks_of_listed_frames(frames):
  read = read_intensity(frames)
  np.testing.assert_array_equal(np.fft.fftshift(read.mask_v_u), ~BAD)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_listed_images_that_are_masked_are_refused(count):
  images = [np.ma.masked_greater(drawn(seed=k), 250) for k in range(count)]
  assert "is masked" in says(read_images, images, SIDE)
