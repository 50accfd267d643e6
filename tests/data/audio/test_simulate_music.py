"""Simulated songs: what they are made of, and that they are the same every time."""
import numpy as np
import pytest
from fake_songs import settings

from jaxsig.data.audio import simulate_music
from jaxsig.data.audio.simulate_music import simulate, song_stems
from jaxsig.data.audio.simulated_drums import SOUNDS as DRUMS
from jaxsig.data.audio.simulated_drums import draw_kit
from jaxsig.data.audio.simulated_room import Room, in_room, placed
from jaxsig.data.audio.simulated_score import BARS_AT_ONCE, BEATS, Note, draw_score
from jaxsig.data.audio.simulated_tones import (
  bass_sound,
  frequency_hz,
  modulated_sound,
  pad_sound,
  plucked_sound,
)
from jaxsig.data.audio.simulated_voice import Singer, voice_sound
from jaxsig.data.audio.stem_records import mixture_of, stems_of

RATE_HZ = 16000
SONGS = 6
DURATION_S = 24.0


@pytest.fixture(scope="module")
def songs():
  """{stem: [t, 2]} of some songs."""
  return [song_stems(3, i, DURATION_S, RATE_HZ) for i in range(SONGS)]


def config_of(**changes):
  return settings(rate_hz=RATE_HZ, simulate_duration_s=3.3, **changes)


def test_a_song_is_the_same_whatever_the_count():
  few, more = list(simulate(1, 2, config_of())), list(simulate(1, 3, config_of()))
  for one, other in zip(few, more, strict=False):
    assert (one.id, one.group, one.info) == (other.id, other.group, other.info)
    for name, x in one.signals.items():
      np.testing.assert_array_equal(x, other.signals[name])
  (another,) = simulate(2, 1, config_of())
  for songs in (more[1], another):
    assert not np.array_equal(songs.signals["drums_t_c"], few[0].signals["drums_t_c"])


def test_records_are_those_of_the_readers():
  (record,) = simulate(0, 1, config_of())
  assert record.info["source"] == "simulated" and record.rate_hz == RATE_HZ
  assert record.duration_s == 4.0 and record.info["length_t"] == round(3.3 * RATE_HZ)
  stems_t_j_c = stems_of(record, record_stems(record))
  assert stems_t_j_c.shape == (4 * RATE_HZ, 4, 2)
  np.testing.assert_array_equal(mixture_of(record), stems_t_j_c.sum(1))
  power = np.mean(mixture_of(record, 0, record.info["length_t"]).astype(np.float64) ** 2)
  assert np.sqrt(power) == pytest.approx(simulate_music.MIXTURE_RMS, rel=1e-2)


def record_stems(record):
  return [name.removesuffix("_t_c") for name in record.signals]


def test_three_stems_have_the_bass_among_the_others():
  (four,) = simulate(0, 1, config_of(sample_type="float32"))
  (three,) = simulate(0, 1, config_of(sample_type="float32", stems=("vocals", "drums", "other")))
  assert list(three.signals) == ["vocals_t_c", "drums_t_c", "other_t_c"]
  joined_t_c = four.signals["other_t_c"] + four.signals["bass_t_c"]
  np.testing.assert_array_equal(three.signals["other_t_c"], joined_t_c)
  np.testing.assert_allclose(mixture_of(three), mixture_of(four), atol=1e-6)


def test_levels(songs):
  levels_db = []
  for stems in songs:
    mixture_t_c = sum(stems.values())
    assert np.sqrt(np.mean(mixture_t_c**2)) == pytest.approx(0.1, rel=1e-3)
    assert np.abs(mixture_t_c).max() < 2
    for samples_t_c in stems.values():
      assert np.isfinite(samples_t_c).all()
      levels_db.append(10 * np.log10(np.mean(samples_t_c**2)))
  assert min(levels_db) > -45 and max(levels_db) < -20
  assert np.std(levels_db) > 1.5


def test_stems_are_in_stereo(songs):
  widths = []
  for stems in songs:
    for samples_t_c in stems.values():
      left_t, right_t = samples_t_c.T
      side = np.mean((left_t - right_t) ** 2) / np.mean((left_t + right_t) ** 2)
      widths.append(side)
      assert np.corrcoef(left_t, right_t)[0, 1] < 0.999
  assert min(widths) > 1e-3 and max(widths) < 2


def test_stems_rest(songs):
  """Silence of at least two seconds within songs, in many stems and not in all."""
  longest_s = []
  for stems in songs:
    for samples_t_c in stems.values():
      sounds_k = np.abs(samples_t_c).max(1)[:int(DURATION_S) * RATE_HZ]
      seconds = sounds_k.reshape(-1, RATE_HZ // 4).max(1) < 1e-4
      changes = np.flatnonzero(np.diff(np.concatenate([[0], seconds, [0]]).astype(int)))
      runs = np.diff(changes)[::2]
      longest_s.append(runs.max(initial=0) / 4)
  resting = np.mean(np.array(longest_s) >= 2)
  assert 0.2 < resting < 0.95


def test_somebody_plays_always_and_everybody_once():
  players = ("a", "b", "c")
  for seed in range(60):
    short = draw_score(np.random.default_rng(seed), 9.0, players)
    assert all(plays.any() for plays in short.plays.values())
  shares = []
  for seed in range(60):
    score = draw_score(np.random.default_rng(seed), 60.0, players)
    plays_p_b = np.stack([score.plays[player] for player in players])
    assert plays_p_b.any(0).all() and plays_p_b.any(1).all()
    shares.append(plays_p_b.mean())
    assert score.bars == np.ceil(60 / (BEATS * score.beat_s))
    assert plays_p_b.shape[1] == -(-score.bars // BARS_AT_ONCE)
    bars = score.active_bars("a")
    assert all(score.plays["a"][bar // BARS_AT_ONCE] for bar in bars)
  assert np.mean(shares) == pytest.approx(0.75, abs=0.06)


def centroid_hz(samples_t_c):
  power = np.abs(np.fft.rfft(samples_t_c.sum(1))) ** 2
  at_hz = np.fft.rfftfreq(len(samples_t_c), 1 / RATE_HZ)
  return (power * at_hz).sum() / power.sum()


def share_below(samples_t_c, limit_hz):
  power = np.abs(np.fft.rfft(samples_t_c.sum(1))) ** 2
  return power[np.fft.rfftfreq(len(samples_t_c), 1 / RATE_HZ) < limit_hz].sum() / power.sum()


def test_spectra_are_those_of_their_instruments(songs):
  for stems in songs:
    assert share_below(stems["bass"], 200) > 0.8
    assert share_below(stems["bass"], 30) < 0.05
    assert share_below(stems["vocals"], 100) < 0.1
    assert share_below(stems["vocals"], 4000) > 0.9
    assert 0.2 < share_below(stems["drums"], 150) < 0.95
    assert share_below(stems["drums"], 5000) < 0.98   # hats
    assert centroid_hz(stems["bass"]) < centroid_hz(stems["other"])


SOUNDS = {
    "bass": bass_sound(0.5, 1.0, 0.0),
    "pad": pad_sound(1.0, 0.0, 0.01),
    "pluck": plucked_sound(0.7, 2.0),
    "keys": modulated_sound(1.0, 2.0, 4.0),
    "voice": voice_sound(Singer(1.0, 5.0, 0.0, 0.0, 1.0)),
}


def phases(sound, partial, notes=150):
  """Phase of a partial of notes of one pitch, in the same 50 ms after each begins."""
  note = Note(0.0, 0.2, 57.0, 1.0)
  draw = np.random.default_rng(0)
  first, length = round(0.03 * RATE_HZ), round(0.05 * RATE_HZ)
  time_s_t = np.arange(first, first + length) / RATE_HZ
  probe_t = np.hanning(length) * np.exp(-2j * np.pi * partial * frequency_hz(57) * time_s_t)
  return np.array([
      np.angle((sound(note, RATE_HZ, draw)[first:first + length] * probe_t).sum())
      for _ in range(notes)])


def resultant(angles):
  return abs(np.exp(1j * angles).mean())


@pytest.mark.parametrize("name", SOUNDS)
def test_initial_phases_of_partials_are_random(name):
  """The resultant length of n random phases is about n ** -0.5: 0.08 of 150."""
  one, two = (phases(SOUNDS[name], partial) for partial in (1, 2))
  assert resultant(one) < 0.22 and resultant(two) < 0.22
  assert resultant(two - 2 * one) < 0.22   # nor does one tell the other


def test_the_test_of_phases_sees_partials_that_begin_alike():
  def alike(note, rate_hz, draw):
    time_s_t = np.arange(round(note.length_s * rate_hz)) / rate_hz
    turn = draw.uniform(0, 2 * np.pi)
    angle_t = 2 * np.pi * frequency_hz(note.pitch) * time_s_t + turn
    return np.sin(angle_t) + np.sin(2 * angle_t)

  one, two = phases(alike, 1), phases(alike, 2)
  assert resultant(one) < 0.22 and resultant(two - 2 * one) > 0.9


def test_a_bass_note_has_its_pitch():
  note = Note(0.0, 1.0, 45.0, 1.0)
  sound_t = SOUNDS["bass"](note, RATE_HZ, np.random.default_rng(0))
  assert len(sound_t) == RATE_HZ
  assert np.argmax(np.abs(np.fft.rfft(sound_t))) == pytest.approx(110, abs=1)


def test_the_pitch_of_a_kick_falls():
  draw = np.random.default_rng(0)
  sound_t = DRUMS["kick"](draw_kit(draw), 1.0, RATE_HZ, draw)
  early, late = np.split(sound_t[:round(0.2 * RATE_HZ)], [round(0.04 * RATE_HZ)])
  crossings = [np.mean(np.diff(np.sign(part)) != 0) for part in (early[80:], late)]
  assert crossings[0] > 1.5 * crossings[1]


@pytest.mark.parametrize("name, lowest_hz, highest_hz", [
    ("kick", 40, 400), ("snare", 150, 4500), ("hat", 4500, 8000)])
def test_drums_have_their_place_in_the_spectrum(name, lowest_hz, highest_hz):
  for seed in range(10):
    draw = np.random.default_rng(seed)
    sound_t = DRUMS[name](draw_kit(draw), 1.0, RATE_HZ, draw)
    assert 0.1 < np.abs(sound_t).max() < 2
    assert abs(sound_t[0]) < 0.15 and abs(sound_t[-1]) < 0.05
    assert lowest_hz < centroid_hz(sound_t[:, None]) < highest_hz


def test_a_bass_note_glides_to_its_pitch():
  sound = bass_sound(1e-3, 0.0, 0.5)
  sound_t = sound(Note(0.0, 0.5, 81.0, 1.0), RATE_HZ, np.random.default_rng(0))   # 880 Hz
  changes_t = np.diff(np.sign(sound_t)) != 0
  early_hz, late_hz = changes_t[:320].sum() / 0.04, changes_t[4000:4320].sum() / 0.04
  assert late_hz == pytest.approx(880, rel=0.05)
  assert early_hz == pytest.approx(880 * (1 + 0.5 * 2 * (1 - np.exp(-0.5))), rel=0.06)


def test_vibrato_moves_the_voice():
  note = Note(0.0, 1.5, 69.0, 1.0)
  spreads = []
  for depth in (0.0, 0.03):
    voice = voice_sound(Singer(1.0, 5.0, depth, 0.0, 1.0))
    sound_t = voice(note, RATE_HZ, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(sound_t * np.hanning(len(sound_t)))) ** 2
    at_hz = np.fft.rfftfreq(len(sound_t), 1 / RATE_HZ)
    near = np.abs(at_hz - 440) < 60
    mean_hz = (power * at_hz)[near].sum() / power[near].sum()
    spreads.append(np.sqrt((power * (at_hz - mean_hz) ** 2)[near].sum() / power[near].sum()))
  assert spreads[1] > 2 * spreads[0]


@pytest.mark.parametrize("place", [-1.0, -0.3, 0.0, 0.8])
def test_power_is_the_same_at_every_place(place):
  track_t = np.random.default_rng(0).standard_normal(500).astype(np.float32)
  left, right = (placed([track_t], [place]) ** 2).sum(0)
  assert left + right == pytest.approx((track_t**2).sum(), rel=1e-5)
  assert np.sign(round(float(right - left), 3)) == np.sign(place)


def test_a_room_echoes_differently_on_both_sides():
  impulse_t_c = np.zeros((RATE_HZ, 2), np.float32)
  impulse_t_c[100] = 1
  room = Room(decay_s=0.4, delay_s=0.01, level=0.25)
  heard_t_c = in_room(impulse_t_c, room, RATE_HZ, np.random.default_rng(0)) - impulse_t_c
  assert np.abs(heard_t_c[:100 + 160]).max() < 1e-6   # it begins after the delay
  assert (heard_t_c**2).sum(0) == pytest.approx([0.25, 0.25], rel=1e-3)
  assert abs(np.corrcoef(heard_t_c.T)[0, 1]) < 0.1
  early, late = (heard_t_c[260:260 + 640] ** 2).sum(), (heard_t_c[3460:3460 + 640] ** 2).sum()
  assert 10 * np.log10(early / late) == pytest.approx(60 * 3200 / RATE_HZ / 0.4, abs=3)
