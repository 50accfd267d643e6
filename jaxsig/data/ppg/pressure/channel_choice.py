"""The channel of a file that bears one of several names."""
import pathlib
from collections.abc import Sequence

from jaxsig.data.signal_files.channels import Channel
from jaxsig.errors import UserError


def channel_named(
    channels: Sequence[Channel],
    names: Sequence[str],
    path: pathlib.Path,
) -> Channel:
  """The first channel with one of the names, in the order of the names.

  Raises:
    UserError: there is none, or its rate is not known.
  """
  for name in names:
    for channel in channels:
      if channel.name.strip(" ,").upper() == name:
        if not channel.rate_hz:
          raise UserError(f"{path} does not say the sampling rate of {channel.name}: correct it")
        return channel
  present = ", ".join(channel.name for channel in channels)
  raise UserError(
      f"{path} has no {' or '.join(names)} (it has {present}): leave the record out with "
      "--config.data.skip_broken=True")
