"""A user's own intensity as a record: what its file and the options say of it."""
import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_intensity import centred, intensity
from ml_collections import ConfigDict

from jaxsig.data.records import Record
from jaxsig.system import OwnOptions
from jaxsig.systems.phase_retrieval import own_file

FRAME = np.rint(centred(intensity())).astype(np.uint32)
FAULTS = np.zeros((32, 32), np.uint32)
FAULTS[15:18, 15:18] = 1


def read(source: object, **changes: object) -> Record:
  own = ConfigDict({"dataset": "", "mask": "", "centred": "auto", **changes})
  return own_file.read(source, OwnOptions(None, ConfigDict({"n": 12}), own))


def assert_read(record: Record, frames: int = 1, masked: int = 9) -> None:
  signals = record.signals
  assert (~signals["mask_t_v_u"]).sum() == frames * masked
  expected = np.stack([np.fft.ifftshift(FRAME)] * frames)
  right = signals["intensity_t_v_u"] == expected
  assert right[signals["mask_t_v_u"]].all()


@pytest.fixture
def master(tmp_path):
  with h5py.File(tmp_path / "m_data_000001.h5", "w") as file:
    file["entry/data/data"] = FRAME[None]
  path = tmp_path / "m_master.h5"
  with h5py.File(path, "w") as file:
    link = h5py.ExternalLink("m_data_000001.h5", "/entry/data/data")
    file["entry/data/data_000001"] = link
    file["entry/instrument/detector/detectorSpecific/pixel_mask"] = FAULTS
  return path


@pytest.mark.parametrize("dataset", ["", "entry/data/data_000001"])
def test_a_master_file(master, dataset):
  record = read(str(master), dataset=dataset)
  assert_read(record)
  assert record.id == "m_master"
  assert "pixel_mask leaves out 9 of 1024" in record.info["notes"][0]


def test_its_mask_is_no_intensity(master):
  assert "as a mask has" in says(read, FAULTS)
  name = "entry/instrument/detector/detectorSpecific/pixel_mask"
  assert "is by its name a mask" in says(read, master, dataset=name)


DETECTOR = "entry_1/instrument_1/detector_1/"


@pytest.mark.parametrize(
  ("place", "dataset"),
  [
    ("entry_1/data_1/mask", ""),
    (DETECTOR + "mask", DETECTOR + "data"),
    ("entry_1/image_1/mask", ""),
    (DETECTOR + "mask_shared", ""),
  ],
)
def test_masks_of_cxi_in_other_places(tmp_path, place, dataset):
  with h5py.File(tmp_path / "a.cxi", "w") as file:
    file[DETECTOR + "data"] = np.where(FAULTS, 10**6 + np.arange(32), FRAME)[None]
    file["entry_1/data_1/data"] = h5py.SoftLink(f"/{DETECTOR}data")
    file[place] = FAULTS
  assert_read(read(tmp_path / "a.cxi", dataset=dataset))


def test_stacks_have_time_first():
  stack = np.stack([FRAME] * 20)
  assert_read(read(stack[:2]), 2, 0)
  assert "numpy.moveaxis(x, -1, 0)" in says(read, np.moveaxis(stack, 0, -1))
