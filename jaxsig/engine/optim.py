"""Schedules, the optax chain, rates by curvature, trainable subsets and the moving average of parameters."""
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax

from jaxsig.errors import UserError


def schedule(kind: str, peak: float, steps: int, warmup_steps: int = 0, drops: tuple[float, ...] = ()) -> optax.Schedule:
  """Learning rate by step: "constant", "cosine" (to zero), or "drops" (x0.1 at each fraction of `steps`)."""
  if kind == "cosine":
    return optax.warmup_cosine_decay_schedule(0.0 if warmup_steps else peak, peak, warmup_steps, max(steps, warmup_steps + 1))
  if kind == "drops":
    after = optax.piecewise_constant_schedule(peak, {int(f * steps): 0.1 for f in drops})
  elif kind == "constant":
    after = optax.constant_schedule(peak)
  else:
    raise UserError(f"unknown config.optim.schedule {kind!r}: use constant, cosine or drops")
  if not warmup_steps:
    return after
  return lambda step: after(step) * jax.numpy.minimum(1.0, (step + 1) / warmup_steps)


class ByCurvature(NamedTuple):
  """State of `by_curvature`."""
  h: Any                 # running mean of the diagonals, like params; starts at 0
  refreshes: jax.Array   # diagonals in that mean, int32
  step: jax.Array        # int32


def by_curvature(mu: float, every: int, decay: float) -> optax.GradientTransformationExtraArgs:
  """Divides each gradient by mu + h, h a running mean of the Gauss-Newton diagonal: a rate of its own for every parameter.

  The stochastic diagonal Levenberg-Marquardt method of LeCun et al. (1998, "Gradient-based learning applied to document recognition",
  appendix C), with a learning rate to follow. `update` takes `curvature`, a function without arguments that returns the diagonal like
  params, and runs it at steps 0, every, 2 every, ... only; under vmap (members that share a program) `lax.cond` evaluates both
  branches, so that it runs at every step: the same numbers, slowly.

  Args:
    mu: what h is increased by, in its unit: rates stay bounded where the loss is flat.
    every: steps from one diagonal to the next.
    decay: weight of the mean so far against a new diagonal, bias-corrected as in Adam; 0 keeps the newest only.

  Raises:
    UserError: in `update`, if there is no `curvature`.
  """
  def init(params):
    return ByCurvature(jax.tree.map(jax.numpy.zeros_like, params), jax.numpy.zeros((), jax.numpy.int32),
                       jax.numpy.zeros((), jax.numpy.int32))

  def update(grads, state, params=None, *, curvature: Callable | None = None, **_):
    if curvature is None:
      raise UserError("config.optim.name 'gauss_newton' needs a task that tells its curvature, and this one does not: use adam or sgd")
    refresh = lambda: (optax.tree.update_moment(_masked_like(grads, curvature()), state.h, decay, 1), state.refreshes + 1)
    h, refreshes = jax.lax.cond(state.step % every == 0, refresh, lambda: (state.h, state.refreshes))
    scaled = jax.tree.map(lambda g, h: g / (mu + h), grads, optax.tree.bias_correction(h, decay, refreshes))
    return scaled, ByCurvature(h, refreshes, state.step + 1)

  return optax.GradientTransformationExtraArgs(init, update)


def _masked_like(grads: Any, tree: Any) -> Any:
  """`tree` without the parameters that `optax.multi_transform` hides from `grads`."""
  hidden = lambda x: isinstance(x, optax.MaskedNode)
  return jax.tree.map(lambda g, x: g if hidden(g) else x, grads, tree, is_leaf=hidden)


def _adam(config: Any, rate: optax.Schedule) -> list[optax.GradientTransformation]:
  return [optax.adamw(rate, weight_decay=config.weight_decay) if config.weight_decay else optax.adam(rate)]


def _sgd(config: Any, rate: optax.Schedule) -> list[optax.GradientTransformation]:
  chain = [optax.trace(config.momentum)] if config.get("momentum", 0.0) else []
  chain += [optax.add_decayed_weights(config.weight_decay)] if config.weight_decay else []
  return [*chain, optax.scale_by_learning_rate(rate)]


def _gauss_newton(config: Any, rate: optax.Schedule) -> list[optax.GradientTransformation]:
  return [by_curvature(config.mu, config.curvature_steps, config.curvature_decay), *_sgd(config, rate)]


OPTIMISERS = {"adam": _adam, "sgd": _sgd, "gauss_newton": _gauss_newton}


def make(config: Any, steps: int, trainable: str = "") -> optax.GradientTransformationExtraArgs:
  """The chain of `config.optim`: clip by global norm, optimiser, schedule; parameters outside `trainable` stand still.

  `config.name` is "adam" (also where there is none), which is AdamW where `weight_decay` is not 0; "sgd" with `momentum` (0 where there
  is none); or "gauss_newton", SGD after `by_curvature` with `mu`, `curvature_steps` and `curvature_decay`. Weight decay is decoupled
  from the gradient (Loshchilov and Hutter 2019).
  """
  name = config.get("name", "adam")
  if name not in OPTIMISERS:
    raise UserError(f"unknown config.optim.name {name!r}: use {', '.join(OPTIMISERS)}")
  rate = schedule(config.schedule, config.learning_rate, steps, config.warmup_steps, tuple(config.drops))
  chain = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
  tx = optax.chain(*chain, *OPTIMISERS[name](config, rate))
  if not trainable:
    return tx
  return optax.multi_transform({"train": tx, "keep": optax.set_to_zero()}, lambda params: _labels(params, trainable))


def _labels(params: Any, trainable: str) -> Any:
  name = lambda path: "/".join(str(getattr(k, "key", k)) for k in path)
  labels = jax.tree_util.tree_map_with_path(lambda p, _: "train" if re.search(trainable, name(p)) else "keep", params)
  if "train" not in jax.tree.leaves(labels):
    names = [name(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    raise UserError(f"config.trainable {trainable!r} matches no parameter; the first are {', '.join(names[:5])}")
  return labels


def ema(average: Any, params: Any, decay: float, step: jax.Array) -> Any:
  """One update of the moving average, debiased by a decay that grows from 0.1 to `decay` over the first steps."""
  d = jax.numpy.minimum(decay, (1.0 + step) / (10.0 + step))
  return jax.tree.map(lambda a, p: a * d + p * (1.0 - d), average, params)
