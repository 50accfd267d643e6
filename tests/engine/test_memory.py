"""Memory that a step frees stays with the process: the kernel need not clear it anew."""
import subprocess
import sys

import pytest
from builders import ROOT

PROGRAM = """
import resource
import jax
import jax.numpy as jnp
from jaxsig.engine import mesh

{start}
large = jax.jit(lambda x: jnp.outer(x, x))

def faults():
  return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for step in range(40):
  if step == 30:   # the heap has grown to its size
    before = faults()
  large(jnp.ones(3000)).block_until_ready()
print((faults() - before) // 10)
"""


def faults_per_step(start):
  """Page faults of a step of 36 MB, in a process of its own that begins with `start`."""
  done = subprocess.run(
    [sys.executable, "-c", PROGRAM.format(start=start)],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
  )
  return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc, which is on Linux")
def test_a_started_program_keeps_its_memory():
  assert faults_per_step("") > 5000   # in pages of 4 kB; without that the test would show nothing
  assert faults_per_step("mesh.start()") < 1000
