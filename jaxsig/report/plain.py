"""Typed results as plain JSON values."""
from collections.abc import Mapping


def plain_values(value: object) -> object:
  """Named tuples and mappings as dicts, sequences as lists, all else as it is."""
  if isinstance(value, tuple) and hasattr(value, "_asdict"):
    value = value._asdict()
  if isinstance(value, Mapping):
    return {str(key): plain_values(item) for key, item in value.items()}
  if isinstance(value, list | tuple):
    return [plain_values(item) for item in value]
  return value
