"""Programs that compile quickly, for tests that compare to a tolerance and run little."""
from collections.abc import Callable
from typing import Any

import jax

# LLVM's optimisations take half of XLA's time on CPU, and tiny arrays gain nothing by them.
OPTIONS = {"xla_backend_optimization_level": 0}


def quick_jit(f: Callable, **options: Any) -> Callable:
  """`jax.jit` without LLVM's optimisations; the options are those of `jax.jit`."""
  return jax.jit(f, compiler_options=OPTIONS, **options)
