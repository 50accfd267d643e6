"""The task: what is learnt, what is predicted, and that windows do not depend on each other."""
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from builders import small
from quick import quick_jit

from jaxsig import system as systems
from jaxsig.data.audio import song_windows
from jaxsig.data.audio.stem_records import mixture_of, record_of, stems_of
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.systems.music_separation import local, scales, spectra, task

RATE_HZ = 4000


def config_of(**changes):
  """Small windows at a low rate."""
  small_ones = {
      "data__rate_hz": RATE_HZ,
      "data__frame": 128,
      "data__hop": 32,
      "data__window_s": 1,
      "model__input_bins": 40,
  }
  return small("music_separation.py", **{**small_ones, **changes})


@pytest.fixture(scope="module")
def record():
  """Five seconds of three stems: a voice and a chord on the same note in turn, and bursts of noise.

  The constant filter of their mean spectra tells them badly apart.
  """
  draw = np.random.default_rng(0)
  config = config_of()
  time_s_t = np.arange(round(4.6 * RATE_HZ)) / RATE_HZ
  note_t = np.sin(2 * np.pi * 440 * time_s_t)
  overtone_t = np.sin(2 * np.pi * 880 * time_s_t)
  is_sung_t = time_s_t % 0.6 < 0.3
  is_struck_t = time_s_t % 0.5 < 0.05
  waves = {
      "vocals": (0.1 * (note_t + overtone_t) * is_sung_t, (1.0, 1.0)),
      "drums": (0.1 * draw.standard_normal(len(time_s_t)) * is_struck_t, (0.8, 1.0)),
      "other": (0.15 * note_t * ~is_sung_t, (1.0, 0.3)),
  }
  stems = {}
  for name, (x_t, gains_c) in waves.items():
    panned_t_c = x_t[:, None] * np.array(gains_c)
    stems[name] = panned_t_c.astype(np.float32)
  return record_of("song", "song", stems, {}, config.data)


def batch_of(record, config):
  """All windows of a record."""
  where = song_windows.spans(record, config.data)
  arrays = song_windows.cut(record, where, config.data)
  return {**arrays, "mask_b": np.ones(len(where), np.float32)}


def trained(config, record, steps):
  """(task, parameters, statistics, losses) after some steps on all windows."""
  task = systems.make(config).task
  batch = batch_of(record, config)
  params, stats = quick_jit(task.init)(jax.random.key(0), batch)
  optimiser = optax.adam(1e-2)
  opt = optimiser.init(params)

  @quick_jit
  def step(params, stats, opt, key):
    gradient_of = jax.value_and_grad(task.loss, has_aux=True)
    (loss, (stats, _)), gradient = gradient_of(params, stats, batch, key)
    updates, opt = optimiser.update(gradient, opt)
    return optax.apply_updates(params, updates), stats, opt, loss

  losses = []
  for i in range(steps):
    params, stats, opt, loss = step(params, stats, opt, jax.random.key(i))
    losses.append(float(loss))
  return task, params, stats, losses


PLAIN = {"augment__mixed": 0.0, "augment__gains": (1.0, 1.0), "augment__swap": False}


DENSE = {
    **PLAIN,
    "model__network": "dense",
    "model__phase": "cosine_sine",
    "model__hidden": 24,
    "model__gate": 0.1,
    "loss__name": "amplitude",
}
NETWORKS = {"dense": DENSE, "local": PLAIN}


@pytest.fixture(scope="module", params=list(NETWORKS))
def learnt(request, record):
  config = config_of(**NETWORKS[request.param])
  task, params, stats, losses = trained(config, record, 120)
  return config, quick_jit(task.predict), params, stats, losses


def test_one_song_is_learnt(learnt):
  *_, losses = learnt
  assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:20])


def test_what_is_learnt_separates(learnt, record):
  config, predict, params, stats, _ = learnt
  outputs = predict(params, stats, batch_of(record, config), None)
  truth_j = np.asarray(outputs["truth_b_s_j"]).sum((0, 1))
  error_j = np.asarray(outputs["error_b_s_j"]).sum((0, 1))
  sdr_db_j = 10 * np.log10(truth_j / error_j)
  assert np.all(sdr_db_j > 5)
  relative_j = np.sum(outputs["amplitude_error_b_j"], 0) / np.sum(
      outputs["amplitude_constant_b_j"], 0)
  assert np.all(relative_j < 0.5)


def own_song(record):
  """The same song as a user gives it: its mixture alone."""
  signals = {"mixture_t_c": mixture_of(record)}
  return Record("own", "user", record.rate_hz, signals, {}, {"level": record.info["level"]})


def test_a_song_of_ones_own_gives_the_stems_that_are_scored(learnt, record):
  config, predict, params, stats, _ = learnt
  outputs = predict(params, stats, batch_of(record, config), None)
  own = predict(params, stats, batch_of(own_song(record), config), None)
  stems_b_j_c_t = np.asarray(own["stems_b_j_c_t"])
  assert stems_b_j_c_t.shape == (5, 3, 2, RATE_HZ)
  estimate_j_c_t = np.moveaxis(stems_b_j_c_t, 0, 2).reshape(3, 2, -1)
  truth_t_j_c = stems_of(record, config.data.stems)
  error_t_j_c = truth_t_j_c - np.moveaxis(estimate_j_c_t, -1, 0)
  error_s_j = np.sum(error_t_j_c.reshape(5, RATE_HZ, 3, 2) ** 2, (1, 3))
  truth_s_j = np.sum(truth_t_j_c.reshape(5, RATE_HZ, 3, 2) ** 2, (1, 3))
  np.testing.assert_allclose(outputs["error_b_s_j"][:, 0], error_s_j, rtol=2e-3, atol=1e-4)
  np.testing.assert_allclose(outputs["truth_b_s_j"][:, 0], truth_s_j, rtol=1e-4)


def test_windows_do_not_depend_on_their_neighbours_in_a_batch(learnt, record):
  config, predict, params, stats, _ = learnt
  batch = batch_of(own_song(record), config)
  together = predict(params, stats, batch, None)["stems_b_j_c_t"]
  alone = {name: x[2:3] for name, x in batch.items()}
  by_itself = predict(params, stats, alone, None)["stems_b_j_c_t"]
  np.testing.assert_allclose(by_itself[0], together[2], atol=1e-5)


def test_a_gain_of_the_song_is_a_gain_of_the_stems(learnt, record):
  config, predict, params, stats, _ = learnt
  batch = batch_of(own_song(record), config)
  plain = predict(params, stats, batch, None)["stems_b_j_c_t"]
  louder = {**batch, "mixture_b_t_c": 4 * batch["mixture_b_t_c"], "level_b": 4 * batch["level_b"]}
  loud = predict(params, stats, louder, None)["stems_b_j_c_t"]
  np.testing.assert_allclose(loud, 4 * plain, atol=2e-5)


def test_windows_of_other_lengths_give_the_same_song(learnt, record):
  """But for the Wiener filter, whose covariances are those of a window."""
  config, _, params, stats, _ = learnt
  songs = []
  for window_s in (1, 5):
    one = config.copy_and_resolve_references()
    one.data.window_s = window_s
    one.read.filter = "ratio_mask"
    predict = quick_jit(systems.make(one).task.predict)
    outputs = predict(params, stats, batch_of(own_song(record), one), None)
    songs.append(np.moveaxis(np.asarray(outputs["stems_b_j_c_t"]), 0, 2).reshape(3, 2, -1))
  np.testing.assert_allclose(songs[0], songs[1], atol=1e-5)


@pytest.mark.parametrize("inputs", ["phase", "amplitude_shuffled", "together"])
@pytest.mark.parametrize("heard", ["own", "mixture"])
def test_all_inputs_train_and_no_gradient_is_zero(record, inputs, heard):
  config = config_of(**{**DENSE, "model__inputs": inputs, "model__heard": heard})
  task = systems.make(config).task
  batch = batch_of(record, config)
  params, stats = quick_jit(task.init)(jax.random.key(0), batch)
  gradient_of = quick_jit(jax.value_and_grad(task.loss, has_aux=True))
  (loss, (stats, _)), gradient = gradient_of(params, stats, batch, jax.random.key(0))
  assert np.isfinite(loss)
  for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
    assert np.abs(leaf).max() > 0, path
  outputs = quick_jit(task.predict)(params, stats, batch, None)
  assert all(np.isfinite(x).all() for x in outputs.values())


def test_statistics_are_those_of_the_excerpts(record):
  """Mean and deviation of the input, and the mean of each stem's amplitudes, bin by bin."""
  config = config_of(**{**DENSE, "loss__frames": 20})
  _, _, stats, _ = trained(config, record, 30)
  grid = spectra.grid_of(config.data)
  level = spectra.LEVEL / record.info["level"]
  stems_t_j_c = jnp.asarray(stems_of(record, config.data.stems)) * level
  stft_j_c_n_f = spectra.stems_stft_of(stems_t_j_c[None], grid)[0]
  mean_j_f = np.abs(stft_j_c_n_f).mean((1, 2))
  learnt_j_f = scales.output_scale(stats).mean_j_c_f[:, 0]
  np.testing.assert_allclose(learnt_j_f.mean(1), mean_j_f.mean(1), rtol=0.15)
  heard_c_n_f = np.abs(stft_j_c_n_f.sum(0))
  scale = scales.input_scale(stats)
  np.testing.assert_allclose(scale.mean_c_f.mean(), heard_c_n_f.mean(), rtol=0.15)
  deviation = np.sqrt(heard_c_n_f.var((0, 1)).mean())
  np.testing.assert_allclose(np.sqrt((scale.deviation_c_f**2).mean()), deviation, rtol=0.2)


def test_masks_of_ours_begin_at_the_constant_filter_and_add_up():
  config = config_of(**PLAIN)
  grid = spectra.grid_of(config.data)
  ours = local.make(config, grid)
  draw = np.random.default_rng(0)
  power_j_c_f = draw.uniform(0.1, 1.0, (3, 1, grid.bins))
  stats = {**scales.zeros(3, grid.bins, False), "target_square_j_c_f": power_j_c_f, "count": 1.0}
  frames = 2 * ours.reach + 5
  noise = draw.standard_normal((2, 2, frames, grid.bins, 2))
  stft_b_c_n_f = jnp.asarray(noise[..., 0] + 1j * noise[..., 1], jnp.complex64)
  params = quick_jit(ours.init)(jax.random.key(0), stats)
  amplitude_j_b_c_n_f = quick_jit(ours.amplitudes)(params, stats, stft_b_c_n_f)
  middle_b_c_n_f = np.abs(stft_b_c_n_f[:, :, 1 + ours.reach:frames - ours.reach])
  assert amplitude_j_b_c_n_f.shape == (3, *middle_b_c_n_f.shape)
  np.testing.assert_allclose(amplitude_j_b_c_n_f.sum(0), middle_b_c_n_f, rtol=1e-5)
  share_j_f = power_j_c_f[:, 0] / power_j_c_f[:, 0].sum(0)
  wanted = share_j_f[:, None, None, None] * middle_b_c_n_f
  np.testing.assert_allclose(amplitude_j_b_c_n_f, wanted, rtol=1e-4)


@pytest.mark.parametrize("name", task.LOSSES)
def test_a_loss_is_least_at_the_truth(record, name):
  """Of one stem alone, which is the mixture: with its own amplitudes the loss is 0, or least."""
  config = config_of(**{**DENSE, "loss__name": name, "data__stems": ("vocals",)})
  made = systems.make(config).task
  batch = batch_of(record, config)
  params, stats = quick_jit(made.init)(jax.random.key(0), batch)
  loss_of = quick_jit(made.loss)
  loss, _ = loss_of(params, stats, batch, jax.random.key(0))
  parts = made.loss.args[0]

  class Perfect(NamedTuple):
    reach: int = parts.network.reach

    def amplitudes(self, params, stats, stft_b_c_n_f):
      reach = self.reach
      return jnp.abs(stft_b_c_n_f[None, :, :, 1 + reach:stft_b_c_n_f.shape[2] - reach])

  perfect = parts._replace(network=Perfect())
  loss_at_truth = quick_jit(functools.partial(made.loss.func, perfect))
  least, _ = loss_at_truth(params, stats, batch, jax.random.key(0))
  assert least < loss - 0.1
  if name != "snr":
    np.testing.assert_allclose(least, 0, atol=1e-6)


@pytest.mark.parametrize("change, words", [
    ({"model__inputs": "amplitud"}, "did you mean"),
    ({"model__phase": "shifted"}, "unknown model.phase"),
    ({"read__filter": "mask"}, "unknown read.filter"),
    ({"data__context_frames": 7}, "looks 7 frames back and one more for the phase: set it to 8"),
    ({"model__network": "unet"}, "unknown model.network"),
    ({"loss__name": "mse"}, "unknown loss.name"),
])
def test_what_does_not_go_is_one_sentence(change, words):
  with pytest.raises(UserError, match=words):
    systems.make(config_of(**change))
