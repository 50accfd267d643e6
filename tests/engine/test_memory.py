"""Memory that a step frees stays with the process: the kernel need not hand it out, and clear it, for the next step."""
import subprocess
import sys

import pytest
from builders import ROOT

PROGRAM = """
import resource
import jax, jax.numpy as jnp
from jaxsig.engine import mesh
{start}
large = jax.jit(lambda x: jnp.outer(x, x))
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for step in range(40):
  if step == 30:   # the heap has grown to its size
    before = faults()
  large(jnp.ones(3000)).block_until_ready()
print((faults() - before) // 10)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc, which is on Linux")
def test_a_started_program_keeps_its_memory():
  faults = {}
  for name, start in (("started", "mesh.start()"), ("plain", "")):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(start=start)], cwd=ROOT, capture_output=True, text=True, check=True)
    faults[name] = int(done.stdout)
  assert faults["plain"] > 5000   # 36 MB in pages of 4 kB: without that the test would show nothing
  assert faults["started"] < 1000
