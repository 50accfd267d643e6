"""The network for a minute at a time: it is alive everywhere, its rate axis is logarithmic, and its task learns by masks and keys."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from builders import ROOT
from test_models_respdiff import normal, started

from jaxsig import config as configs
from jaxsig import rng
from jaxsig import system as task
from jaxsig.systems.respiration import task as respdiff
from jaxsig.systems.respiration.network_long import ABOVE, BELOW, RespDiffLong, SpectralRateHead, log_spectra
from jaxsig.systems.respiration.rates import RATE_BPM_R

SMALL = {"channels": 4, "fine_kernels": (1, 3), "coarse_kernels": (3, 5), "dilations": (2,), "hidden": 3, "layers": 1, "width": 6,
         "denoiser_dilations": (2,), "waves": 3}
BINS, RATIO = len(RATE_BPM_R), RATE_BPM_R[1] / RATE_BPM_R[0]
NULL = ("['rate_head']['waves']['bias']", "['rate_head']['out']['bias']")   # spectra know no offset, a softmax no level


@pytest.fixture(scope="module")
def network():
  """(network, parameters, inputs, the jitted call)."""
  module, args = RespDiffLong(**SMALL), (normal(1, 3, 60, 6), normal(2, 3, 60), jnp.arange(3) * 7)
  params, apply = started(module, *args)
  return module, params, args, apply


# The network

def test_no_leaf_of_the_gradient_is_zero_but_what_spectra_and_a_softmax_cannot_see(network):
  module, params, args, _ = network
  label_b_r = jax.nn.one_hot(jnp.array([20, 60, 100]), BINS)

  def loss(params):
    out, logits = module.apply(params, *args)
    return jnp.mean((out - normal(3, 3, 60)) ** 2) - jnp.mean(jnp.sum(label_b_r * jax.nn.log_softmax(logits), -1))

  gradient = jax.tree_util.tree_leaves_with_path(jax.jit(jax.grad(loss))(params))
  each_output = lambda leaf: jnp.abs(leaf).max(tuple(range(leaf.ndim - 1)))   # of a leaf, so that half of one cannot be dead
  null = [jax.tree_util.keystr(path) for path, leaf in gradient if each_output(leaf).min() <= 1e-6]
  assert all(name.endswith(NULL) for name in null), null


def test_a_waveform_and_logits_come_out_whatever_the_cell_or_the_number_of_ppg_samples(network):
  _, params, args, apply = network
  assert [x.shape for x in apply(params, *args)] == [(3, 60), (3, BINS)]
  for p, cell in ((1, "tanh"), (2, "linear")):
    other, inputs = RespDiffLong(**SMALL | {"cell": cell}), (jnp.zeros((2, 75, p)), jnp.zeros((2, 75)), jnp.zeros(2))
    shapes = jax.eval_shape(lambda key, args, other=other: other.init_with_output(key, *args)[0], jax.random.key(0), inputs)
    assert [x.shape for x in shapes] == [(2, 75), (2, BINS)]


def test_all_of_the_ppg_reaches_both_outputs_and_y_and_the_step_the_waveform_alone(network):
  module, params, (ppg, y, step), apply = network
  for i in (0, 1):
    slope = jax.jit(jax.grad(lambda ppg, i=i: (module.apply(params, ppg, y, step)[i] ** 2).sum()))(ppg)
    assert (jnp.abs(slope) > 0).all()
  before = apply(params, ppg, y, step)
  for waveform, logits in (apply(params, ppg, y, step + 1), apply(params, ppg, y + 0.1, step)):
    assert (jnp.abs(waveform - before[0]).max(-1) > 1e-4).all()
    np.testing.assert_array_equal(logits, before[1])


def test_a_condition_made_once_serves_every_step(network):
  module, params, (ppg, y, step), apply = network
  encode, denoise, logits = (jax.jit(functools.partial(module.apply, method=m)) for m in ("encode", "denoise", "rate_logits"))
  condition = encode(params, ppg)
  for later in (step, step + 3.5):
    np.testing.assert_allclose(denoise(params, condition, y, later), apply(params, ppg, y, later)[0], atol=1e-5)
  np.testing.assert_allclose(logits(params, condition), apply(params, ppg, y, step)[1], atol=1e-4)


def test_members_may_be_vmapped(network):
  module, params, args, apply = network
  stacked = jax.tree.map(lambda leaf: np.stack([leaf, leaf[::-1]]), params)
  together = jax.jit(jax.vmap(module.apply, (0, None, None, None)))(stacked, *args)
  for m in range(2):
    for both, alone in zip(together, apply(jax.tree.map(lambda leaf, m=m: leaf[m], stacked), *args), strict=True):
      np.testing.assert_allclose(both[m], alone, atol=1e-4)


# The logarithmic rate axis

def sines(bins, n=300, rate_hz=5.0):
  """One sine [b, t, 1] for each bin of the grid; outside of 0..127 beyond it."""
  hz_b = RATE_BPM_R[0] / 60 * RATIO ** np.asarray(bins, float)
  return np.sin(2 * np.pi * hz_b[:, None] * np.arange(n) / rate_hz + 0.7)[..., None].astype(np.float32)


def test_log_spectra_find_a_sine_in_its_bin():
  bins = np.array([-10, 0, 30, 64, 127, 150])
  found = log_spectra(sines(bins), 5.0)[..., 0]
  assert found.shape == (len(bins), BELOW + BINS + ABOVE)
  # Below 6/min a minute holds too few turns for its own negative frequency not to push the peak by a bin or two.
  assert (np.abs(np.argmax(found, -1) - BELOW - bins) <= [3, 2, 0, 0, 0, 0]).all()


def test_a_sine_does_not_leak_to_its_harmonics():
  for x_r, r in zip(log_spectra(sines([60, 80]), 5.0)[..., 0], (60, 80), strict=True):   # but lies at the floor of a thousandth
    assert x_r[BELOW + r] > 2 and x_r[BELOW + r + 24:].max() < np.log(1.2e-3) and x_r[:BELOW + r - 32].max() < np.log(2e-3)


def test_log_spectra_do_not_hear_loudness_or_an_offset_and_keep_read_outs_apart():
  x = np.concatenate([sines([40, 90]), normal(5, 2, 300, 1)], -1)
  whole = log_spectra(x, 5.0)
  for same in (0.1 * x, 30 * x + 7):
    np.testing.assert_allclose(log_spectra(same, 5.0), whole, atol=5e-3)
  np.testing.assert_allclose(log_spectra(x[..., :1], 5.0)[..., 0], whole[..., 0], atol=1e-5)
  assert np.isfinite(log_spectra(0 * x, 5.0)).all()


@pytest.mark.parametrize("k", [-20, 7, 25])
def test_a_faster_recording_shifts_the_spectra_by_the_bins_of_its_ratio(k):
  """The same samples, as if taken k bins' ratio as fast: exactly the spectra of before, k bins higher."""
  x = np.concatenate([sines([55]), sines([70]) + 0.3 * sines([70 + 32])], -1)   # a rate, and one with its first harmonic
  before, after = log_spectra(x, 5.0)[0], log_spectra(x, 5.0 * RATIO**k)[0]
  low, high = max(0, k), min(0, k) + len(before)
  np.testing.assert_allclose(after[low:high], before[low - k:high - k], atol=0.05)
  assert np.abs(after[:-1] - before[1:]).max() > 1   # one bin is far more than the tolerance
  slow, fast = (np.argmax(log_spectra(sines([b]), 5.0)[0, :, 0]) for b in (60, 60 + k))   # and a minute of a faster sine
  assert fast - slow == k


def test_the_head_answers_a_shifted_pattern_by_shifted_logits():
  head, x = SpectralRateHead(5.0, waves=2, width=4), np.concatenate([sines([55]), sines([70])], -1)
  params, _ = started(head, x)
  slow, fast = (head.clone(rate_hz=5.0 * RATIO**k).apply(params, x)[0] for k in (0, 12))
  np.testing.assert_allclose(fast[47:87], slow[35:75], atol=0.01 * np.ptp(slow))
  assert np.abs(fast[47:87] - slow[47:87]).max() > 0.2 * np.ptp(slow)


def test_a_logit_belongs_to_the_rate_of_its_place_on_the_grid():
  """With convolutions that hand on what they get, the largest logit is that of the sine's bin."""
  head, bins = SpectralRateHead(5.0, waves=1, width=1), [10, 64, 120]
  shapes = jax.eval_shape(head.init, jax.random.key(0), sines(bins))["params"]
  params = jax.tree.map(lambda x: np.zeros(x.shape, "f"), shapes)
  params["waves"]["kernel"][:] = params["out"]["kernel"][:] = params["conv_0"]["kernel"][4] = 1
  assert list(np.argmax(head.apply({"params": params}, sines(bins)), -1)) == bins


# The task

def settings(**changes):
  return configs.load(ROOT / "configs/respdiff_60s.py", "smoke", {k.replace("__", "."): v for k, v in changes.items()})


def make(**changes):
  return task.make(settings(**changes))


def batch(b=6, t=300, p=6):
  """Sines of 10 to 25/min, and a PPG that breathes with them."""
  bpm_b = np.linspace(10, 25, b)
  phase = lambda n: 2 * np.pi * bpm_b[:, None] / 60 * np.arange(n) * 60 / n
  ppg = np.sin(phase(t * p)) + 0.3 * np.sin(2 * np.pi * 1.3 * np.arange(t * p) / 30)
  return {"ppg_b_t_p": ppg.reshape(b, t, p).astype("f"), "resp_b_t": np.sin(phase(t) + 1).astype("f"), "mask_b": np.ones(b, "f"),
          "start_s_b": np.zeros(b, "f"), "rate_bpm_b": bpm_b.astype("f"), "warp_b": np.ones(b, "f")}


class Logits:
  """In the place of a network: its features are the logits."""
  apply = staticmethod(lambda params, features, method: features)


@pytest.fixture(scope="module")
def smoke():
  """(task with a compiled predict, batch, parameters, stats, compiled (params, batch, step) -> ((loss, parts), gradient))."""
  system, data = make(), batch()
  shapes = jax.eval_shape(system.init, jax.random.key(0), data)
  random = np.random.default_rng(0)
  params = jax.tree.map(lambda x: (x.size**-0.25 * random.uniform(-1, 1, x.shape)).astype("f"), shapes[0])
  def parts_of(params, batch, key):
    total, (_, parts) = system.loss(params, {}, batch, key)
    return total, parts
  grad = jax.jit(jax.value_and_grad(parts_of, has_aux=True))
  predict, keys_b = jax.jit(system.predict), rng.rows(jax.random.key(2), 6)
  system = system._replace(predict=lambda params, stats, data, order=slice(None): predict(params, stats, data, keys_b[order]))
  return system, data, params, shapes[1], lambda params, data, step=0: grad(params, data, rng.at_step(jax.random.key(1), step))


def test_a_loss_and_its_gradient_are_the_mean_over_rows_that_are_no_padding(smoke):
  _, data, params, _, grad = smoke
  padding = {k: np.concatenate([v[:2], 7 * v[2:] + 1]) for k, v in data.items()}
  of = lambda data, *mask: grad(params, {**data, "mask_b": np.array(mask, "f")})
  (first, parts), g_first = of(data, 1, 0, 0, 0, 0, 0)
  (second, _), g_second = of(padding, 0, 1, 0, 0, 0, 0)
  (both, _), g_both = of(padding, 1, 1, 0, 0, 0, 0)
  assert parts["squared_error"] > 0 and parts["rate"] > 0 and abs(first - second) > 1e-2
  np.testing.assert_allclose(both, (first + second) / 2, rtol=1e-5)
  jax.tree.map(lambda x, y, z: np.testing.assert_allclose(z, (x + y) / 2, atol=2e-5), g_first, g_second, g_both)


def test_windows_without_a_rate_on_the_grid_do_not_teach_the_rate_head(smoke):
  _, data, params, _, grad = smoke
  rate_of = lambda rates, mask=(1,) * 6: grad(params, {**data, "rate_bpm_b": np.array(rates, "f"), "mask_b": np.array(mask, "f")})
  (_, parts), unknown = rate_of([np.nan, 3, 61, np.inf, -5, np.nan])
  assert parts["rate"] == 0 and all(np.isfinite(x).all() for x in jax.tree.leaves(unknown))
  head = unknown["params"]["rate_head"]
  assert all((x == 0).all() for x in jax.tree.leaves(head)) and np.abs(unknown["params"]["out"]["kernel"]).max() > 0
  (_, some), _ = rate_of([12, np.nan, 3, 61, 15, np.nan])
  (_, only), _ = rate_of([12, 20, 20, 20, 15, 20], (1, 0, 0, 0, 1, 0))
  np.testing.assert_allclose(some["rate"], only["rate"], rtol=1e-5)   # the mean over those that have one
  (_, other), _ = rate_of([12, 20, 20, 20, 16, 20], (1, 0, 0, 0, 1, 0))
  assert abs(other["rate"] - only["rate"]) > 1e-4


def test_the_rate_loss_is_least_for_a_log_normal_posterior_of_the_true_rate():
  at = lambda bpm, sd: jnp.asarray(-0.5 * (np.log(RATE_BPM_R / bpm) / sd)[None] ** 2)
  loss = lambda logits, truth=15.0: float(respdiff._rate_loss(
      Logits, {}, logits, {"rate_bpm_b": np.array([truth], "f"), "mask_b": np.ones(1, "f")}))
  best = loss(at(15, respdiff.LABEL_SD))
  assert best == pytest.approx(np.log(np.sqrt(2 * np.pi * np.e) * respdiff.LABEL_SD / np.log(RATIO)), abs=1e-3)   # its entropy
  assert all(loss(at(bpm, sd)) > best + 0.01 for bpm, sd in ((15.5, 0.04), (15, 0.06), (15, 0.025), (30, 0.04)))


def test_one_batch_is_learnt_by_waveform_and_rate(smoke):
  system, data, params, stats, grad = smoke
  tx = optax.adam(1e-2)

  @jax.jit
  def update(grads, opt, params):
    updates, opt = tx.update(grads, opt, params)
    return optax.apply_updates(params, updates), opt

  opt, losses = tx.init(params), []
  for step in range(60):
    (_, parts), grads = grad(params, data, step)
    params, opt = update(grads, opt, params)
    losses.append([parts["squared_error"], parts["rate"]])
  start, end = np.mean(losses[:5], 0), np.mean(losses[-10:], 0)
  assert end[0] < 0.5 * start[0] and end[1] < 0.7 * start[1]
  out = system.predict(params, stats, data)
  assert min(np.corrcoef(a, b)[0, 1] for a, b in zip(out["resp_b_t"], data["resp_b_t"], strict=True)) > 0.9
  np.testing.assert_allclose(RATE_BPM_R[np.argmax(out["rate_pmf_b_r"], -1)], data["rate_bpm_b"], rtol=0.05)


def test_batch_mates_do_not_change_a_row_and_every_sample_is_its_own(smoke):
  system, data, params, stats, _ = smoke
  other = {k: np.concatenate([v[:4], 5 - v[[0, 0]]]) for k, v in data.items()}
  a, b = system.predict(params, stats, data), system.predict(params, stats, other)
  assert a["resp_b_s_t"].shape == (6, 2, 300) and a["rate_pmf_b_r"].shape == (6, BINS)
  for name in a:
    np.testing.assert_allclose(a[name][:4], b[name][:4], atol=1e-5)
    assert np.abs(a[name][4:] - b[name][4:]).max() > 1e-3
  np.testing.assert_allclose(a["rate_pmf_b_r"].sum(-1), 1, atol=1e-5)
  assert np.abs(a["resp_b_s_t"][:, 0] - a["resp_b_s_t"][:, 1]).max(-1).min() > 1e-2
  swapped = system.predict(params, stats, data, slice(None, None, -1))
  np.testing.assert_array_equal(swapped["rate_pmf_b_r"], a["rate_pmf_b_r"])   # the posterior is no draw
  assert np.abs(swapped["resp_b_s_t"] - a["resp_b_s_t"]).max() > 1e-2


def test_temperature_flattens_a_posterior_and_without_a_rate_loss_there_is_none():
  logits = normal(0, 4, BINS)
  at = lambda t, weight=0.3: respdiff._posterior(Logits, {}, logits, settings(sampler__temperature=t, loss__rate_weight=weight))
  cold, plain, hot = (at(t)["rate_pmf_b_r"] for t in (0.5, 1.0, 3.0))
  entropies = [-np.sum(p * np.log(p), -1) for p in (cold, plain, hot)]
  assert (np.diff(entropies, axis=0) > 0.1).all()
  for p in (cold, plain, hot):
    np.testing.assert_allclose(p.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(np.argmax(p, -1), np.argmax(logits, -1))
  np.testing.assert_allclose(hot / hot.max(-1, keepdims=True), (plain / plain.max(-1, keepdims=True)) ** (1 / 3), atol=1e-5)
  assert at(1.0, 0.0) == {}


def test_noise_on_the_ppg_is_of_a_strength_and_a_key_of_its_own_in_each_row():
  add = jax.jit(respdiff._heard, static_argnums=2)
  heard = lambda n, sd=0.05, key=1: np.asarray(add({"ppg_b_t_p": np.zeros((n, 60, 6), "f")}, jax.random.key(key), sd))
  noise = heard(24)
  np.testing.assert_array_equal(heard(3), noise[:3])   # padding and mates have no say
  assert (heard(3, key=2) != noise[:3]).mean() > 0.9 and not heard(3, sd=0.0).any()
  sd_b = noise.std((1, 2))
  assert sd_b.max() <= 0.052 and sd_b.min() < 0.015 and sd_b.max() > 0.035
  assert np.abs(np.corrcoef(noise.reshape(24, -1)) - np.eye(24)).max() < 0.25
  assert abs(np.corrcoef(noise[0, :-1].ravel(), noise[0, 1:].ravel())[0, 1]) < 0.2   # white


@pytest.mark.parametrize("objective", ["diffusion", "regression"])
def test_training_hears_noise_and_a_prediction_does_not(objective, monkeypatch):
  asked, heard = [], respdiff._heard
  monkeypatch.setattr(respdiff, "_heard", lambda batch, key, sd: asked.append(sd) or heard(batch, key, sd))
  system, data = make(model__objective=objective, loss__ppg_noise=0.1), batch(2)
  params, stats = jax.eval_shape(system.init, jax.random.key(0), data)
  jax.eval_shape(system.predict, params, stats, data, rng.rows(jax.random.key(0), 2))
  assert asked == []
  jax.eval_shape(system.loss, params, stats, data, jax.random.key(0))
  assert asked == [0.1]
