"""Exceptions that end a command without a traceback, for every module to raise."""


class UserError(Exception):
  """A user's mistake: one sentence names it and the remedy; `main` prints it and exits with 2."""


class Interrupted(Exception):
  """A training was stopped after saving; the same command continues. `main` exits with 75."""
