"""Numbers of things in words."""


def noun(n: int, singular: str, plural: str) -> str:
  """The word for so many things."""
  if n == 1:
    return singular
  return plural


def count(n: int, singular: str, plural: str) -> str:
  """A number of things: "1 recording", "2 recordings"."""
  return f"{n} {noun(n, singular, plural)}"
