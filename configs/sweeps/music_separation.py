"""The table of music separation: every song held out in turn, the paper's networks and ours.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/music_separation.py \
    --workdir=runs/music_table --config.data_dir=DATA

On the four CC0 songs (or, without data, on simulated ones): DNN_A, A&A and DNN_A&phi at the reduced
size with equal steps and three seeds, and ours with phase and without; the ideal masks and what
needs no training. The published networks take an hour on two cores, ours as long again. What is
finished is not run again. With `:dsd100` or `:musdb18_hq` the same on the given parts of these data
sets, and with `:paper` at the published size, on an accelerator.
"""
from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import parse_arg

CONFIG = "configs/music_separation.py"
STEMS = ("vocals", "drums", "other")
SEEDS = (0, 1, 2)
STEPS = 300      # of the published networks, whose order does not change with four times as many
PUBLISHED = ("a", "a_a", "a_phi")


def claims(stems: tuple[str, ...]) -> tuple[dict[str, str], ...]:
  """What the table is to decide, stem by stem."""
  made = []
  for stem in stems:
    metric = f"sdr_db_song/{stem}"
    made += [
        {
            "text": f"Phase helps over amplitude alone, {stem}",
            "better": "DNN_A&phi",
            "worse": "DNN_A",
            "metric": metric,
        },
        {
            "text": f"Phase helps over amplitude at equal capacity, {stem}",
            "better": "DNN_A&phi",
            "worse": "A&A",
            "metric": metric,
        },
        {
            "text": f"Ours separates better than DNN_A with its Wiener filter, {stem}",
            "better": "ours",
            "worse": "DNN_A",
            "metric": metric,
        },
        {
            "text": f"Phase helps ours, {stem}",
            "better": "ours",
            "worse": "ours without phase",
            "metric": metric,
        },
    ]
  return tuple(made)


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "dsd100" or "musdb18_hq", "paper" (the published size); and maybe "smoke"."""
  arg = parse_arg(arg, dsd100=False, musdb18_hq=False, paper=False, smoke=False)
  shared = ["every_song"]
  for name in ("dsd100", "musdb18_hq", "paper", "smoke"):
    if arg[name]:
      shared.append(name)

  stems = STEMS
  if arg.dsd100 or arg.musdb18_hq:
    stems = ("vocals", "drums", "bass", "other")
  sweep = empty_sweep("ours")
  sweep.experiments.ours = {
      "config": CONFIG,
      "arg": ",".join(shared),
      "overrides": {"run": {"ablations": False}, "report": {"claims": claims(stems)}},
  }
  sweep.experiments.ours_without_phase = {
      "config": CONFIG,
      "arg": ",".join(shared),
      "overrides": {
          "run": {"ablations": False},
          "baselines": {"run": False},
          "readings": {},
          "read": {"method": "ours without phase"},
          "model": {"uses_phase": False},
      },
  }
  for network in PUBLISHED:
    overrides = {"baselines": {"run": False}, "split": {"seeds": SEEDS}}
    if not arg.paper and not arg.smoke:
      overrides["train"] = {"steps": STEPS}
    sweep.experiments[network] = {
        "config": CONFIG,
        "arg": ",".join([*shared, f"network={network}"]),
        "overrides": overrides,
    }
  return sweep
