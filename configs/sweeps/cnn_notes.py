"""The table of the notes on convolutional networks: connections given and learnt, ways to sub-sample, losses and optimisers.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/cnn_notes.py --workdir=runs/cnn_table --config.data_dir=DATA

Every row is the faithful network with one thing changed (the best: with several), of as many parameters within 0.5 %; the main rows have
three seeds. Learnt connections are also read with fewer of them. What the rows are set to was chosen on the training part
(`split.inner_folds=6`). About an hour on two cores, by its parts (43 times 9,000 steps; on one core some two minutes each);
docs/cnn_notes.md has the figures to expect.
"""
import ml_collections

from jaxsig.config import module_of, parse_arg

CONFIG = "configs/cnn_notes.py"
ONE_SEED = ("all", "all_triplets", "dense_shared", "entmax_shared")
KEPT = {"dense": (4, 3, 2, 1), "dense_shared": (4, 3, 2, 1), **dict.fromkeys(("entropy", "entmax", "entmax_shared"), (3, 2, 1))}


def get_config(arg: str = "") -> ml_collections.ConfigDict:
  """`arg`: "smoke", "seeds=3"."""
  arg = parse_arg(arg, smoke=False, seeds=3)
  sweep = ml_collections.ConfigDict({"data_dir": "", "cache_dir": "", "lead": "faithful", "experiments": {}})
  for method in ("", *module_of(CONFIG).METHODS):
    seeds = tuple(range(1 if method in ONE_SEED else arg.seeds))
    fewer = {f"at most {k} each": dict(sampler=dict(keep=k)) for k in KEPT.get(method, ())}
    overrides = {"run_controls": False, "run_rivals": False, "split": {"seeds": seeds}, "variants": fewer}
    if not method:
      overrides |= {"run_rivals": True, "report": {"claims": CLAIMS}}
    words = (f"method={method}" * bool(method), "smoke" * arg.smoke)
    sweep.experiments[method or "faithful"] = {"config": CONFIG, "arg": ",".join(filter(None, words)), "overrides": overrides}
  return sweep


def _claim(text: str, better: str, worse: str, margin: float = 0.0) -> dict:
  return {"text": text, "better": better, "worse": worse, "higher": True, **({"margin": margin} if margin else {})}


CLAIMS = (
    _claim("connections that are learnt are as good as LeCun's table (within 0.5 points)", "learnt, dense", "LeNet-5, faithful", 0.005),
    _claim("those that entropy leaves are as good as all (within 0.5 points)", "learnt, entropy", "learnt, dense", 0.005),
    _claim("so are three to a map after entmax-1.5", "learnt, entmax-1.5, at most 3 each", "learnt, dense", 0.005),
    _claim("and three to a map of the dense ones", "learnt, dense, at most 3 each", "learnt, dense", 0.005),
    _claim("the L1 penalty of the notes (weight 5) changes nothing (within 0.1 points)", "learnt, L1 of the notes", "learnt, dense", 0.001),
    _claim("kernels of their own are better than shared ones", "learnt, dense", "learnt, dense (shared kernels)"),
    _claim("trainable sub-sampling beats averages", "LeNet-5, faithful", "average pooling"),
    _claim("it beats the maximum", "LeNet-5, faithful", "max pooling"),
    _claim("cross-entropy beats squared error", "cross-entropy", "LeNet-5, faithful"),
    _claim("rates by curvature beat one rate (without momentum)", "diagonal Gauss-Newton", "SGD"),
    _claim("Adam beats rates by curvature", "LeNet-5, faithful", "diagonal Gauss-Newton"),
)
