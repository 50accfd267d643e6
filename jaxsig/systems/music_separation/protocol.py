"""How music separation is judged: the metrics, how they are averaged, the baselines, the words."""
import functools

from ml_collections import ConfigDict

from jaxsig.data.records import Record
from jaxsig.system import (
    Aggregate,
    Figure,
    Listening,
    Material,
    Metric,
    Predictions,
    Protocol,
    Words,
)
from jaxsig.systems.music_separation import baselines
from jaxsig.systems.music_separation.score import (
    AMPLITUDE,
    FRAMEWISE,
    GATED,
    SECONDS,
    SONG,
    score,
)

WORDS = Words(
    group="song",
    groups="songs",
    record="recording",
    records="recordings",
    unit="frame",
    units="frames",
)
MEDIAN_OF_SONGS = Aggregate(units="mean", groups="median")
MEDIANS = Aggregate(units="median", groups="median")


def make(config: ConfigDict) -> Protocol:
  """The protocol of `config.data` (the stems and windows) and `config.baselines`."""
  stems = tuple(config.data.stems)

  def keep(record: Record) -> Predictions:
    from jaxsig.systems.music_separation import figures  # draws
    return figures.keep(stems, record)

  def draw(material: Material) -> list[Figure]:
    from jaxsig.systems.music_separation import figures
    return figures.figures(stems, material)

  def listening(material: Material) -> list[Listening]:
    from jaxsig.systems.music_separation import figures
    return figures.listening(stems, material)

  return Protocol(
      score=functools.partial(score, config),
      metrics=metrics(stems),
      baselines=baselines.make(config),
      words=WORDS,
      keep=keep,
      figures=draw,
      listening=listening,
  )


def metrics(stems: tuple[str, ...]) -> dict[str, Metric]:
  """The metrics, each by its protocol."""
  return {
      GATED: Metric(
          "SDR of 30 s frames every 15 s, mean; frames with a stem below -70 dB left out",
          "dB",
          better="higher",
          aggregate=MEDIAN_OF_SONGS,
          targets=stems,
      ),
      FRAMEWISE: Metric(
          "SDR of 30 s frames every 15 s, mean (SiSEC 2016)",
          "dB",
          better="higher",
          aggregate=MEDIAN_OF_SONGS,
          targets=stems,
      ),
      SECONDS: Metric(
          "SDR of frames of 1 s, median (BSS Eval v4, SiSEC 2018)",
          "dB",
          better="higher",
          aggregate=MEDIANS,
          targets=stems,
      ),
      SONG: Metric(
          "SDR of the whole song",
          "dB",
          better="higher",
          targets=stems,
      ),
      AMPLITUDE: Metric(
          "Squared error of the amplitudes over that of the training's mean spectrum",
          decimals=3,
          targets=stems,
      ),
  }
