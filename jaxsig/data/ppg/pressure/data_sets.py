"""The data sets with a PPG and the pressure, as the parts of a system."""
import types
from collections.abc import Callable

from ml_collections import ConfigDict

from jaxsig.data.ppg.camera import rgb_traces
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


DATA = {}
for _module in (
    challenge2015, ppg_bp, mimic_waveforms, kachuee, pulsedb, schrumpf, rgb_traces):
  DATA[_module.__name__.rpartition(".")[2]] = Data(
      load=_loader(_module),
      simulate=simulate,
      spans=spans,
      cut=cut,
      inspect=_module.inspect,
      sources=_module.sources,
      about={"licence": _module.LICENCE, "citation": _module.CITATION},
  )
