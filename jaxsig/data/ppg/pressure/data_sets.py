"""The data sets with a PPG and the pressure, as the parts of a system."""
from jaxsig.data.ppg.pressure import challenge2015
from jaxsig.data.ppg.pressure.pressure_windows import cut
from jaxsig.data.ppg.pressure.simulate_pressure import simulate
from jaxsig.data.ppg.pressure.usable_windows import spans
from jaxsig.system import Data

DATA = {
    "challenge2015": Data(
        load=challenge2015.load,
        simulate=simulate,
        spans=spans,
        cut=cut,
        inspect=challenge2015.inspect,
        sources=challenge2015.sources,
    ),
}
