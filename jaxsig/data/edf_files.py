"""Stands in for the reader of EDF files until that is there."""
import pathlib

from jaxsig.data.channels import Channels
from jaxsig.errors import UserError


def read_edf_channels(path: pathlib.Path) -> Channels:
  """Refuses the file."""
  raise UserError(f"{path} is an EDF file, which is not read yet: export it as CSV")
