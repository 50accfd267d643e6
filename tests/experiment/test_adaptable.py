"""Of a personal split those members are left out that have nothing to adapt on."""
import types

import pytest
from builders import toy

from jaxsig.data.records import Segment
from jaxsig.data.splits import Member
from jaxsig.errors import UserError
from jaxsig.experiment.sweep import _adaptable

pytestmark = pytest.mark.quick


def run_of(kind, with_windows):
  """A run whose groups `with_windows` have windows everywhere, and whose others have none."""
  def ids_of(segments):
    return [0 for segment in segments if segment.group in with_windows]

  windows = types.SimpleNamespace(ids_of=ids_of)
  return types.SimpleNamespace(
      config=toy(split__kind=kind, split__adapt_s=5.0),
      prepared=types.SimpleNamespace(windows=windows))


def member(group):
  return Member(
      group, 0, 0, (), (), (Segment(group, group, 5.0),), adapt=(Segment(group, group, 0.0, 5.0),))


def test_who_has_nothing_to_adapt_on_is_left_out_and_named(capsys):
  every = [member("a"), member("b"), member("c")]
  assert _adaptable(run_of("personal", "ac"), every) == [every[0], every[2]]
  assert "left out, as no window lies in the part to adapt on: b (b)" in capsys.readouterr().out
  assert _adaptable(run_of("kfold", ""), every) is every


def test_where_nobody_has_the_remedy_is_told():
  with pytest.raises(UserError, match="set split.adapt_s above its 5 s"):
    _adaptable(run_of("personal", ""), [member("a")])
