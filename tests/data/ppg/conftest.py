"""What the tests of PPG recordings share: fake files of CapnoBase."""
import pathlib
import shutil

import fake_capnobase
import pytest

from jaxsig.data.records import Record


@pytest.fixture(scope="session")
def cases() -> list[Record]:
  """The recordings that are in the files."""
  return fake_capnobase.records(3)


@pytest.fixture(scope="session")
def case_folders(tmp_path_factory, cases) -> dict[str, pathlib.Path]:
  """{form: a folder of the cases}; not to be changed."""
  folders = {}
  for form in fake_capnobase.FORMS:
    folders[form] = tmp_path_factory.mktemp(form)
    ids = fake_capnobase.write_capnobase(folders[form], cases, form)
    assert ids == ["capnobase0009", "capnobase0015", "capnobase0370"]
  return folders


@pytest.fixture
def mat_folder(tmp_path, case_folders) -> pathlib.Path:
  """A copy of the cases as HDF5 to break."""
  return shutil.copytree(case_folders["hdf5"], tmp_path / "hdf5")


@pytest.fixture
def table_folder(tmp_path, case_folders) -> pathlib.Path:
  """A copy of the cases as tables to break."""
  return shutil.copytree(case_folders["csv"], tmp_path / "csv")
