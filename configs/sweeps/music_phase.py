"""What the phase tells of an instrument's amplitude, by its representation: one question a call.

  python -m jaxsig.main --mode=sweep --config=configs/sweeps/music_phase.py:own \
    --workdir=runs/music_phase

"own" (the paper's figure 6): the amplitude of a stem from the phase of the stem itself, a network a
representation, on 24 simulated songs of which some are held out; the learning curves show the
training error, the table that of held-out songs. "mixture" (figure 7): from the phase of the
mixture. "songs": what phase adds to the amplitude as songs grow in number, beside the control of
equal capacity; "together" (figure 9): amplitude and phase joined at the input, or in branches.
Three seeds each; 20 to 60 minutes on two cores. With `--config.data_dir` the same on recordings,
but for "songs".
"""
from ml_collections import ConfigDict

from jaxsig.config import empty_sweep
from jaxsig.config_arguments import asked_of, parse_arg

CONFIG = "configs/music_separation.py"
SEEDS = (0, 1, 2)
STEPS = 150
LONG = 900          # of cosines and sines, which begin slowly
STEMS = ("vocals", "bass", "drums", "other")
COUNTS = (4, 8, 16, 32)

# {name in tables: (form of the phase, steps)}
FORMS = {
    "raw phase": ("raw", STEPS),
    "in time": ("time", STEPS),
    "in time, shifted": ("time_shifted", STEPS),
    "in time, wrong sign": ("time_wrong_sign", STEPS),
    "in frequency": ("frequency", STEPS),
    "in frequency, shifted": ("frequency_shifted", STEPS),
    "both": ("differences", STEPS),
    "both, shifted": ("differences_shifted", STEPS),
    "cosine and sine of both": ("cosine_sine", STEPS),
    "cosine and sine of both, to their end": ("cosine_sine", LONG),
}

Changes = dict[str, object]


def get_config(arg: str = "") -> ConfigDict:
  """`arg`: one of "own" (by default), "mixture", "songs", "together"; and maybe "smoke"."""
  arg = parse_arg(arg, own=False, mixture=False, songs=False, together=False, smoke=False)
  question = asked_of(arg, QUESTIONS, "own", "music_phase.py asks one question at a time")
  experiments = QUESTIONS[question]()
  sweep = empty_sweep(next(iter(experiments)))
  for name, changes in experiments.items():
    overrides = {**shared(), **changes}
    parts = []
    if arg.smoke:
      parts.append("smoke")
      overrides["split"] = {"folds": (0,), "seeds": (0,)}
      overrides["train"] = {"steps": 4}
      overrides["data"] = {"stems": STEMS}
      overrides["model"] = {**overrides["model"], "hidden": 8}
    sweep.experiments[name] = {
        "config": CONFIG,
        "arg": ",".join(parts),
        "overrides": overrides,
    }
  return sweep


def shared() -> Changes:
  """What all experiments share."""
  return {
      "data": {
          "stems": STEMS,
          "simulate_groups": 24,
          "simulate_duration_s": 45.0,
      },
      "split": {"kind": "kfold", "n_folds": 6, "folds": (0,), "seeds": SEEDS},
      "augment": {"mixed": 0.0, "gains": (1.0, 1.0), "swap": True},
      "loss": {"name": "amplitude", "frames": 16},
      "optim": {"learning_rate": 1e-3},
      "readings": {},
      "baselines": {"oracles": False},
      "run": {"ablations": False},
  }


def reported(title: str, metric: str, **settings: object) -> Changes:
  """What is shown: a metric of all stems, and further settings of the report."""
  return {
      "title": title,
      "primary": tuple(f"{metric}/{stem}" for stem in STEMS),
      "metrics": (),
      **settings,
  }


def network(inputs: str, form: str, heard: str) -> Changes:
  """A network of the paper at the reduced size."""
  return {
      "network": "dense",
      "hidden": 256,
      "inputs": inputs,
      "phase": form,
      "heard": heard,
      "gate": 0.0,
  }


def phase_alone(heard: str, title: str) -> dict[str, Changes]:
  """A network a representation of the phase of the stem itself, or of the mixture."""
  report = reported(title, "amplitude_nmse_song", claims=representation_claims())
  experiments = {}
  for name, (form, steps) in FORMS.items():
    changes = {
        "read": {"method": name},
        "model": network("phase", form, heard),
        "train": {"steps": steps, "batch_size": 8},
        "baselines": {"run": False},
        "report": report,
    }
    experiments[name.replace(" ", "_").replace(",", "")] = changes
  return experiments


def own() -> dict[str, Changes]:
  """Figure 6."""
  return phase_alone("own", "Amplitude of a stem from its own phase")


def mixture() -> dict[str, Changes]:
  """Figure 7."""
  return phase_alone("mixture", "Amplitude of a stem from the mixture's phase")


def representation_claims() -> tuple[dict[str, str], ...]:
  """What figures 6 and 7 are to decide, by vocals and bass."""
  made = []
  for stem in ("vocals", "bass"):
    metric = f"amplitude_nmse_song/{stem}"
    made += [
        {
            "text": f"Shifted differences beat the raw phase, {stem}",
            "better": "both, shifted",
            "worse": "raw phase",
            "metric": metric,
        },
        {
            "text": f"The shift correction helps both differences, {stem}",
            "better": "both, shifted",
            "worse": "both",
            "metric": metric,
        },
        {
            "text": f"The right sign is better than the wrong one, {stem}",
            "better": "in time, shifted",
            "worse": "in time, wrong sign",
            "metric": metric,
        },
        {
            "text": f"Cosine and sine beat wrapped angles, {stem}",
            "better": "cosine and sine of both, to their end",
            "worse": "both, shifted",
            "metric": metric,
        },
    ]
  return tuple(made)


def songs() -> dict[str, Changes]:
  """The paper's networks as the number of simulated songs grows."""
  experiments = {}
  for count in COUNTS:
    for method, inputs in (
        ("DNN_A", "amplitude"),
        ("A&A", "amplitude_amplitude"),
        ("DNN_A&phi", "amplitude_phase"),
    ):
      name = f"{inputs}_{count}"
      experiments[name] = {
          "data": {
              "stems": STEMS,
              "simulate_groups": count,
              "simulate_duration_s": 45.0,
          },
          "split": {"kind": "leave_one_out", "folds": (0, 1, 2, 3), "seeds": (0,)},
          "augment": {"mixed": 0.5, "gains": (0.25, 1.25), "swap": True},
          "read": {"method": method, "filter": "wiener"},
          "model": network(inputs, "differences_shifted", "mixture"),
          "train": {"steps": 300, "batch_size": 8},
          "baselines": {"run": False},
          "report": reported(
              "What phase adds as songs grow in number",
              "sdr_db_song",
              axis="data.simulate_groups",
          ),
      }
  return experiments


def together() -> dict[str, Changes]:
  """Amplitude and phase joined at the input, in branches, and with the phase of other songs."""
  claims = []
  for stem in STEMS:
    claims.append({
        "text": f"Phase in a branch of its own helps over phase joined at the input, {stem}",
        "better": "DNN_A&phi",
        "worse": "joined at the input",
        "metric": f"sdr_db_song/{stem}",
    })
  report = reported("Where amplitude and phase meet", "sdr_db_song", claims=tuple(claims))

  experiments = {}
  for method, inputs in (
      ("DNN_A&phi", "amplitude_phase"),
      ("DNN_A", "amplitude"),
      ("A&A", "amplitude_amplitude"),
      ("joined at the input", "together"),
      ("A&shuffled phi", "amplitude_shuffled"),
  ):
    experiments[inputs] = {
        "read": {"method": method, "filter": "wiener"},
        "model": network(inputs, "differences_shifted", "mixture"),
        "train": {"steps": 300, "batch_size": 8},
        "augment": {"mixed": 0.5, "gains": (0.25, 1.25), "swap": True},
        "baselines": {"run": False},
        "report": report,
    }
  return experiments


QUESTIONS = {
    "own": own,
    "mixture": mixture,
    "songs": songs,
    "together": together,
}
