"""The one exception for users' mistakes; it imports nothing, so that every module may raise it."""


class UserError(Exception):
  """One sentence that names what is wrong and the remedy; `main` prints it and exits non-zero, without a traceback."""
