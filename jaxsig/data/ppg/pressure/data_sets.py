"""The data sets with a PPG and the pressure, as the parts of a system."""
from jaxsig.data.ppg.pressure import challenge2015, ppg_bp
from jaxsig.data.ppg.pressure.pressure_windows import cut
from jaxsig.data.ppg.pressure.simulate_pressure import simulate
from jaxsig.data.ppg.pressure.usable_windows import spans
from jaxsig.system import Data

DATA = {}
for _module in (challenge2015, ppg_bp):
  DATA[_module.__name__.rpartition(".")[2]] = Data(
      load=_module.load,
      simulate=simulate,
      spans=spans,
      cut=cut,
      inspect=_module.inspect,
      sources=_module.sources,
  )
