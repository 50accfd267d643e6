"""The table of phase retrieval: what symmetries cost a network, ablations, and classical solvers.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/phase_retrieval.py \
      --workdir=runs/phase_table --config.data_dir=DATA

Noise-free, the measurement is the same whichever symmetries move the objects (Tayal et al. 2020):
only the targets differ. So the exact U-Net-A and the group loss, which do not see the difference,
are trained once, and centred or literal targets, which do not see shifts, twice. Reduced to two
cores (14 x 14 objects, 48 x 48 intensities); `:paper` is the published size, which wants a GPU.
About two hours on two cores; docs/phase_retrieval.md has the figures to expect.
"""
from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import parse_arg

CONFIG = "configs/phase_retrieval.py"
LEAD = "exact"
TRAININGS = {   # method: the symmetries of the data between which it can tell
    "unet_b": ("none", "flip", "shift", "shift_flip"),
    "unet_b_centred": ("none", "flip"),
    "unet_a_literal": ("none", "flip"),
    "unet_b_canonical": ("shift_flip",),
    "group_loss": ("shift_flip",),
    "both_heads": ("shift_flip",),
    "rule_0_1": ("shift_flip",),
    "rule_odd_pca": ("shift_flip",),
    LEAD: ("shift_flip",),
}
NAMES = {   # of those with several
    "unet_b": "U-Net-B",
    "unet_b_centred": "U-Net-B, centred",
    "unet_a_literal": "U-Net-A, literal",
}
ALSO_REFINED = ("unet_b_canonical", "group_loss")
REFINED = {
    "refined_100": {
        "label": "refined 100",
        "sampler": {"iterations": 100},
    },
    "refined_300": {
        "label": "refined 300",
        "sampler": {"iterations": 300},
    },
}
CLAIMS = (
    {
        "text": "breaking the symmetries beats the image as it lies (shift + flip)",
        "better": "U-Net-A, exact",
        "worse": "U-Net-B (shift + flip)",
    },
    {
        "text": "it also beats targets that are merely centred (flip)",
        "better": "U-Net-A, exact",
        "worse": "U-Net-B, centred (flip)",
    },
    {
        "text": "with shifts alone, centring the targets is all that it does (within 0.02)",
        "better": "U-Net-B, centred (none)",
        "worse": "U-Net-B (none)",
        "margin": 0.02,
    },
    {
        "text": "exact phases beat the pipeline as it is written (flip)",
        "better": "U-Net-A, exact",
        "worse": "U-Net-A, literal (flip)",
    },
    {
        "text": "phases are better targets than images (both canonical)",
        "better": "U-Net-A, exact",
        "worse": "U-Net-B, canonical",
    },
    {
        "text": "a network is no match for shrinkwrap without noise",
        "better": "shrinkwrap",
        "worse": "U-Net-A, exact",
    },
    {
        "text": "a network's proposal helps shrinkwrap (100 iterations)",
        "better": "U-Net-A, exact, refined 100",
        "worse": "quick shrinkwrap 100",
    },
    {
        "text": "and at 300 iterations",
        "better": "U-Net-A, exact, refined 300",
        "worse": "quick shrinkwrap 300",
    },
    {
        "text": "the flip is better decided by the principal odd component than by the bin (0, 1)",
        "better": "U-Net-A, odd PCA",
        "worse": "U-Net-A, rule (0, 1)",
    },
)


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: "paper", "smoke", "seeds=3"."""
  arg = parse_arg(arg, paper=False, smoke=False, seeds=1)
  sweep = empty_sweep(LEAD)
  for method, choices in TRAININGS.items():
    for symmetries in choices:
      name = method
      if len(choices) > 1:
        name = f"{method}_{symmetries}"
      sweep.experiments[name] = {
          "config": CONFIG,
          "arg": arg_of(method, symmetries, arg),
          "overrides": changes_of(method, symmetries, arg.seeds),
      }
  return sweep


def arg_of(method: str, symmetries: str, arg: ConfigDict) -> str:
  """The argument of the config file."""
  parts = [f"symmetries={symmetries}"]
  if method != LEAD:
    parts.append(f"method={method}")
  if arg.paper:
    parts.append("paper")
  if arg.smoke:
    parts.append("smoke")
  return ",".join(parts)


def changes_of(method: str, symmetries: str, seeds: int) -> dict[str, object]:
  """What an experiment changes of the config."""
  changes = {
      "run": {"ablations": False},
      "split": {"seeds": tuple(range(seeds))},
  }
  if method == LEAD:
    changes["report"] = {"claims": CLAIMS}
    return changes

  changes["baselines"] = {"run": False}
  changes["own"] = {"reading": ""}
  changes["readings"] = {}
  if method in ALSO_REFINED:
    changes["readings"] = REFINED
  if method in NAMES:
    changes["read"] = {"method": f"{NAMES[method]} ({symmetries.replace('_', ' + ')})"}
  return changes
