"""The data sets with a PPG and the pressure, as the parts of a system."""
import types
from collections.abc import Callable

from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import (
    challenge2015,
    kachuee,
    leak_audit,
    mimic_waveforms,
    ppg_bp,
    pulsedb,
    schrumpf,
)
from jaxsig.data.ppg.pressure.pressure_windows import cut
from jaxsig.data.ppg.pressure.simulate_pressure import simulate
from jaxsig.data.ppg.pressure.usable_windows import spans
from jaxsig.data.records import Record
from jaxsig.system import Data


def _loader(module: types.ModuleType) -> Callable[[str, ConfigDict], list[Record]]:
  """The data set's own `load`, with the copies of records under other names told."""

  def load(folder: str, config: ConfigDict) -> list[Record]:
    return leak_audit.tied(module.load(folder, config))

  return load


def _inspector(module: types.ModuleType) -> Callable[[str], dict[str, object]]:
  """The data set's own `inspect`, with the findings of the leak audit."""

  def inspect(folder: str) -> dict[str, object]:
    about = module.inspect(folder)
    records = module.load(folder, ConfigDict({"skip_broken": True}))
    found = leak_audit.audit(records)
    return {**about, "findings": leak_audit.findings(found)}

  return inspect


DATA = {}
for _module in (challenge2015, ppg_bp, mimic_waveforms, kachuee, pulsedb, schrumpf):
  DATA[_module.__name__.rpartition(".")[2]] = Data(
      load=_loader(_module),
      simulate=simulate,
      spans=spans,
      cut=cut,
      inspect=_inspector(_module),
      sources=_module.sources,
  )
