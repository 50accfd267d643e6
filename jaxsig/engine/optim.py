"""Learning-rate schedules, optimisers, trainable subsets, and the moving average of parameters."""
import re
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from jaxsig.errors import UserError
from jaxsig.system import Params

_MILESTONE_FACTOR = 0.1


def schedule(
    kind: str,
    peak: float,
    steps: int,
    warmup_steps: int = 0,
    milestones: tuple[float, ...] = (),
) -> optax.Schedule:
  """Returns the learning rate as a function of the step.

  Args:
    kind: "constant"; "cosine", which falls to zero; or "milestones", which falls to a tenth at
      each of the milestones.
    peak: the largest learning rate.
    steps: of the training.
    warmup_steps: over which the rate rises linearly.
    milestones: fractions of `steps`.

  Raises:
    UserError: the kind is unknown.
  """
  if kind == "cosine":
    initial = peak
    if warmup_steps:
      initial = 0.0
    return optax.warmup_cosine_decay_schedule(
      init_value=initial,
      peak_value=peak,
      warmup_steps=warmup_steps,
      decay_steps=max(steps, warmup_steps + 1),
    )

  if kind == "milestones":
    factors = {int(fraction * steps): _MILESTONE_FACTOR for fraction in milestones}
    rate_at = optax.piecewise_constant_schedule(peak, factors)
  elif kind == "constant":
    rate_at = optax.constant_schedule(peak)
  else:
    raise UserError(
      f"unknown config.optim.schedule {kind!r}: use constant, cosine or milestones"
    )
  if not warmup_steps:
    return rate_at

  def warmed_up(step: jax.Array) -> jax.Array:
    share = jnp.minimum(1.0, (step + 1) / warmup_steps)
    return rate_at(step) * share

  return warmed_up


class ByCurvature(NamedTuple):
  """State of `by_curvature`."""
  h: Params              # running mean of the diagonals, like params; starts at 0
  refreshes: jax.Array   # diagonals in that mean, int32
  step: jax.Array        # int32


def by_curvature(
    mu: float,
    every: int,
    decay: float,
) -> optax.GradientTransformationExtraArgs:
  """Divides each gradient by mu + h, where h is a running mean of the Gauss-Newton diagonal.

  So every parameter has a learning rate of its own. This is the stochastic diagonal
  Levenberg-Marquardt method of LeCun et al. (1998, "Gradient-based learning applied to document
  recognition", appendix C), with a learning rate to follow.

  `update` takes `curvature`, a function without arguments that returns the diagonal like params.
  It runs at steps 0, every, 2 every, ... only. Under vmap (members that share a program)
  `lax.cond` evaluates both branches, so that it runs at every step: the same numbers, slowly.

  Args:
    mu: what h is increased by, in its unit: rates stay bounded where the loss is flat.
    every: steps from one diagonal to the next.
    decay: weight of the mean so far against a new diagonal, bias-corrected as in Adam; 0 keeps
      the newest only.

  Raises:
    UserError: in `update`, if there is no `curvature`.
  """

  def update(
      grads: Params,
      state: ByCurvature,
      params: Params | None = None,
      *,
      curvature: Callable[[], Params] | None = None,
      **unused: object,
  ) -> tuple[Params, ByCurvature]:
    del params, unused
    if curvature is None:
      raise UserError(
        "config.optim.name 'gauss_newton' needs a task that tells its curvature, "
        "and this one does not: use adam or sgd"
      )

    def refresh() -> tuple[Params, jax.Array]:
      diagonal = _masked_like(grads, curvature())
      h = optax.tree.update_moment(diagonal, state.h, decay, 1)
      return h, state.refreshes + 1

    def keep() -> tuple[Params, jax.Array]:
      return state.h, state.refreshes

    is_due = state.step % every == 0
    h, refreshes = jax.lax.cond(is_due, refresh, keep)
    unbiased_h = optax.tree.bias_correction(h, decay, refreshes)
    scaled = jax.tree.map(lambda g, h: g / (mu + h), grads, unbiased_h)
    return scaled, ByCurvature(h, refreshes, state.step + 1)

  return optax.GradientTransformationExtraArgs(_initial_state, update)


def _initial_state(params: Params) -> ByCurvature:
  return ByCurvature(
    h=jax.tree.map(jnp.zeros_like, params),
    refreshes=jnp.zeros((), jnp.int32),
    step=jnp.zeros((), jnp.int32),
  )


def _masked_like(grads: Params, tree: Params) -> Params:
  """`tree` without the parameters that `optax.multi_transform` hides from `grads`."""

  def is_hidden(x: object) -> bool:
    return isinstance(x, optax.MaskedNode)

  def mask(grad: jax.Array | optax.MaskedNode, x: jax.Array) -> jax.Array | optax.MaskedNode:
    if is_hidden(grad):
      return grad
    return x

  return jax.tree.map(mask, grads, tree, is_leaf=is_hidden)


def _adam(
    config: ConfigDict,
    rate: optax.Schedule,
) -> list[optax.GradientTransformation]:
  if config.weight_decay:
    return [optax.adamw(rate, weight_decay=config.weight_decay)]
  return [optax.adam(rate)]


def _sgd(
    config: ConfigDict,
    rate: optax.Schedule,
) -> list[optax.GradientTransformation]:
  chain = []
  momentum = config.get("momentum", 0.0)
  if momentum:
    chain.append(optax.trace(momentum))
  if config.weight_decay:
    chain.append(optax.add_decayed_weights(config.weight_decay))
  chain.append(optax.scale_by_learning_rate(rate))
  return chain


def _gauss_newton(
    config: ConfigDict,
    rate: optax.Schedule,
) -> list[optax.GradientTransformation]:
  scale = by_curvature(
    mu=config.mu,
    every=config.curvature_steps,
    decay=config.curvature_decay,
  )
  return [scale, *_sgd(config, rate)]


OPTIMISERS = {
  "adam": _adam,
  "sgd": _sgd,
  "gauss_newton": _gauss_newton,
}


def make(
    config: ConfigDict,
    steps: int,
    trainable: str = "",
) -> optax.GradientTransformationExtraArgs:
  """Makes the optimiser: clipping by the global norm, then the method, by its schedule.

  Weight decay is decoupled from the gradient (Loshchilov and Hutter 2019).

  Args:
    config: the experiment's `config.optim`. `name` is
      "adam" (also where there is none), which is AdamW where `weight_decay` is not 0;
      "sgd" with `momentum` (0 where there is none);
      "gauss_newton", SGD after `by_curvature` with `mu`, `curvature_steps` and `curvature_decay`.
    steps: of the training.
    trainable: a regular expression; parameters whose path it does not match stand still.

  Raises:
    UserError: the name or the schedule is unknown; in `init`, `trainable` matches no parameter.
  """
  name = config.get("name", "adam")
  if name not in OPTIMISERS:
    known = ", ".join(OPTIMISERS)
    raise UserError(f"unknown config.optim.name {name!r}: use {known}")

  rate = schedule(
    kind=config.schedule,
    peak=config.learning_rate,
    steps=steps,
    warmup_steps=config.warmup_steps,
    milestones=tuple(config.milestones),
  )
  chain = []
  if config.clip_norm:
    chain.append(optax.clip_by_global_norm(config.clip_norm))
  chain += OPTIMISERS[name](config, rate)
  optimiser = optax.chain(*chain)
  if not trainable:
    return optimiser

  return optax.multi_transform(
    {"train": optimiser, "keep": optax.set_to_zero()},
    lambda params: _labels(params, trainable),
  )


def _labels(params: Params, trainable: str) -> Params:
  """Labels each parameter "train" whose path the expression matches, and the others "keep"."""

  def label(path: jax.tree_util.KeyPath, _: jax.Array) -> str:
    if re.search(trainable, _path_name(path)):
      return "train"
    return "keep"

  labels = jax.tree_util.tree_map_with_path(label, params)
  if "train" not in jax.tree.leaves(labels):
    names = [_path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    first_names = ", ".join(names[:5])
    raise UserError(
      f"config.trainable {trainable!r} matches no parameter; the first are {first_names}"
    )
  return labels


def _path_name(path: jax.tree_util.KeyPath) -> str:
  """The keys of a leaf with slashes between them."""
  keys = [str(getattr(part, "key", part)) for part in path]
  return "/".join(keys)


def ema(average: Params, params: Params, decay: float, step: jax.Array) -> Params:
  """Returns the moving average after one more step.

  It is debiased by a decay that grows from 0.1 to `decay` over the first steps.
  """
  decay_now = jnp.minimum(decay, (1.0 + step) / (10.0 + step))

  def update(a: jax.Array, p: jax.Array) -> jax.Array:
    return a * decay_now + p * (1.0 - decay_now)

  return jax.tree.map(update, average, params)
