"""What may be asked for of a song, and what is told of what may not."""

import pytest
from fake_separator import config_of, separator
from fake_songs import tone

from jaxsig.errors import UserError
from jaxsig.setting_rules import mistake
from jaxsig.systems.music_separation.own_settings import (
  OPTIONS,
  RELATIONS,
  SETTINGS,
  own_stems_are_known,
  plan_of,
)

STEMS = ("vocals", "drums", "other")


def plan(**own):
  return plan_of(STEMS, config_of(**own).own)


def test_what_is_asked_for_is_made():
  assert plan().names == STEMS
  assert plan(stems="other, vocals,other").names == ("other", "vocals")
  assert plan(stems="drums", residual=True).names == ("drums", "residual")
  assert plan(two_stems="vocals").names == ("vocals", "no_vocals")
  assert plan(format="flac", sample_type="int24")[2:] == ("int24", ".flac")


@pytest.mark.parametrize(
  "own, sentence",
  [
    ({"stems": "vocal"}, "own.stems names 'vocal', which the model does not separate; did you"),
    ({"two_stems": "piano"}, "own.two_stems names 'piano'.*; known are drums, other, vocals"),
    ({"stems": " , "}, "names no stem"),
    ({"two_stems": "vocals,drums"}, "names 2 stems"),
    ({"two_stems": "vocals", "stems": "drums"}, "leave own.stems and own.residual out"),
    ({"two_stems": "vocals", "residual": True}, "leave own.stems and own.residual out"),
    ({"format": "flac", "sample_type": "float32"}, "flac holds no float32"),
  ],
)
def test_what_cannot_be_made_is_told_before_anything_is_read(own, sentence):
  with pytest.raises(UserError, match=sentence):
    own_stems_are_known(config_of(**own))
  with pytest.raises(UserError, match=sentence):
    separator(**own).predict("/no/such/file.wav")
  assert own_stems_are_known in RELATIONS


def test_every_option_has_its_rule_and_the_default_keeps_it():
  assert {f"own.{name}" for name in OPTIONS} == set(SETTINGS)
  for name, default in OPTIONS.items():
    rule = SETTINGS[f"own.{name}"]
    assert rule.holds(default) and rule.is_optional
    assert not rule.holds(3.5), mistake(name, 3.5, rule)


def test_settings_that_a_config_lacks_have_their_defaults():
  config = config_of().unlock()
  for name in OPTIONS:
    del config.own[name]
  assert plan_of(STEMS, config.own) == plan()


def test_only_what_is_asked_for_is_kept():
  stems = separator(stems="drums").predict(tone(440.0), 8000)
  assert stems.names == ("drums",)
  assert [level.name for level in stems.levels] == ["drums"]
