"""The table of phase retrieval: what the targets' symmetries cost a network, the missing controls, and the classical solvers.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/phase_retrieval.py --workdir=runs/phase_table --config.data_dir=DATA

Noise-free, the measurement is the same in all four variants of the data (Tayal et al. 2020): only the targets differ. So the exact
U-Net-A and the group loss, which do not see the difference, are trained once, and centred or literal targets, which do not see
shifts, twice. Reduced to two cores (14 x 14 objects, 48 x 48 intensities); `:paper` is the published size, which wants a GPU.
About two hours on two cores; docs/phase_retrieval.md has the figures to expect.
"""
import ml_collections

from jaxsig.config import parse_arg

CONFIG = "configs/phase_retrieval.py"
TRAININGS = {   # method: the variants of the data between which it can tell
    "unet_b": ("none", "flip", "shift", "shift_flip"),
    "unet_b_centred": ("none", "flip"),
    "unet_a_literal": ("none", "flip"),
    "unet_b_canonical": ("shift_flip",),
    "group_loss": ("shift_flip",),
    "both_heads": ("shift_flip",),
    "rule_0_1": ("shift_flip",),
    "rule_odd_pca": ("shift_flip",),
    "": ("shift_flip",),
}
ALSO_REFINED = ("unet_b_canonical", "group_loss")
REFINED = {f"refined {k}": dict(sampler=dict(iterations=k)) for k in (100, 300)}
NAMES = {"unet_b": "U-Net-B", "unet_b_centred": "U-Net-B, centred", "unet_a_literal": "U-Net-A, literal"}


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg`: "paper", "smoke", "seeds=3"."""
  arg = parse_arg(arg, paper=False, smoke=False, seeds=1)
  sweep = ml_collections.ConfigDict({"data_dir": "", "cache_dir": "", "lead": "exact", "experiments": {}})
  size = ",paper" * arg.paper + ",smoke" * arg.smoke
  for method, variants in TRAININGS.items():
    for variant in variants:
      lead = not method
      overrides = {"run_controls": False, "run_rivals": lead, "split": {"seeds": tuple(range(arg.seeds))}}
      if lead:
        overrides["report"] = {"claims": CLAIMS}
      else:
        overrides |= {"variants": REFINED if method in ALSO_REFINED else {}, "predict_variant": ""}
      if len(variants) > 1:
        overrides["method"] = f"{NAMES[method]} ({variant.replace('_', ' + ')})"
      name = f"{method}_{variant}" if len(variants) > 1 else method or "exact"
      sweep.experiments[name] = {"config": CONFIG, "arg": f"variant={variant}" + f",method={method}" * (not lead) + size,
                                 "overrides": overrides}
  return sweep


CLAIMS = (
    {"text": "breaking the symmetries beats the image as it lies (shift + flip)", "better": "U-Net-A, exact",
     "worse": "U-Net-B (shift + flip)", "higher": False},
    {"text": "it also beats targets that are merely centred (flip)", "better": "U-Net-A, exact", "worse": "U-Net-B, centred (flip)",
     "higher": False},
    {"text": "with shifts alone, centring the targets is all that it does (within 0.02)", "better": "U-Net-B, centred (none)",
     "worse": "U-Net-B (none)", "higher": False, "margin": 0.02},
    {"text": "exact phases beat the pipeline as it is written (flip)", "better": "U-Net-A, exact", "worse": "U-Net-A, literal (flip)",
     "higher": False},
    {"text": "phases are better targets than images (both canonical)", "better": "U-Net-A, exact", "worse": "U-Net-B, canonical",
     "higher": False},
    {"text": "a network is no match for shrinkwrap without noise", "better": "shrinkwrap", "worse": "U-Net-A, exact", "higher": False},
    {"text": "a network's proposal helps shrinkwrap (100 iterations)", "better": "U-Net-A, exact, refined 100",
     "worse": "quick shrinkwrap 100", "higher": False},
    {"text": "and at 300 iterations", "better": "U-Net-A, exact, refined 300", "worse": "quick shrinkwrap 300", "higher": False},
    {"text": "the flip is better decided by the principal odd component than by the bin (0, 1)", "better": "U-Net-A, odd PCA",
     "worse": "U-Net-A, rule (0, 1)", "higher": False},
)
