"""What the names of data sets say: which are masks, and whether of faults or of usable pixels."""
import re

_PIXELS = r"(_?pixels?)?(_?masks?)?(_\d+)?"
_FAULTS = re.compile(rf"(.*_)?(bad|dead|hot|invalid){_PIXELS}|pixel_mask(_\d+)?")
_USABLE = re.compile(rf"(.*_)?(good|valid|usable){_PIXELS}")
_MASK = re.compile(r"(.*_)?masks?(_shared)?(_?\d+)?")
_OTHER_MAP = re.compile(r"(.*_)?flat_?fields?")   # of the detector


def is_of_faults(path: str) -> bool:
  """Whether a data set is by its name nonzero where a pixel is not usable."""
  return _FAULTS.fullmatch(_last(path)) is not None


def is_of_usable(path: str) -> bool:
  """Whether a data set is by its name nonzero where a pixel is usable."""
  return _USABLE.fullmatch(_last(path)) is not None and not is_of_faults(path)


def is_mask(path: str) -> bool:
  """Whether a data set is a mask by its name."""
  return is_of_faults(path) or is_of_usable(path) or _MASK.fullmatch(_last(path)) is not None


def is_among_masks(path: str) -> bool:
  """Whether a data set or a group that it is in has the name of a mask."""
  parts = path.split("/")
  return any(is_mask(part) for part in parts)


def is_map_of_detector(path: str) -> bool:
  """Whether a data set is by its name a mask or another map of the detector."""
  return is_mask(path) or _OTHER_MAP.fullmatch(_last(path)) is not None


def _last(path: str) -> str:
  return path.rsplit("/", 1)[-1].lower()
