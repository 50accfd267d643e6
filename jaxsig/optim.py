"""Schedules, the optax chain, trainable subsets and the moving average of parameters."""
import re
from typing import Any

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


def make(config: Any, steps: int, trainable: str = "") -> optax.GradientTransformation:
  """The chain of `config.optim`: clip by global norm, Adam or AdamW, schedule; parameters outside `trainable` stand still."""
  rate = schedule(config.schedule, config.learning_rate, steps, config.warmup_steps, tuple(config.drops))
  chain = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
  chain.append(optax.adamw(rate, weight_decay=config.weight_decay) if config.weight_decay else optax.adam(rate))
  tx = optax.chain(*chain)
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
