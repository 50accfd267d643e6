"""What the command line can do: its modes, what each needs, and the page of --help."""

NEEDS = {   # flags that a mode needs
    "train": ("config", "workdir"),
    "eval": ("config", "workdir"),
    "predict": ("input",),
    "sweep": ("config", "workdir"),
    "report": ("workdir", "workdirs"),
    "inspect": ("config",),
    "export": ("workdir", "output"),
    "gradients": ("config",),
}
MODES = tuple(NEEDS)
HELP_WORDS = ("--help", "-help", "-h", "--helpshort", "--helpfull")

USAGE = """\
jaxsig trains models of signals and images in JAX, tests them on groups held out, and reports.

  jaxsig --config=configs/respdiff.py --workdir=runs/first      train, evaluate, report (simulated)
  jaxsig --mode=predict --input=mine.csv --rate_hz=64           your own file, with a shipped model
  jaxsig --mode=predict --input=mine.csv --workdir=runs/first   the same, with what you have trained
  jaxsig --mode=inspect --config=configs/respdiff.py --config.data_dir=DATA    what DATA holds
  jaxsig --mode=sweep --config=configs/sweeps/respdiff_bidmc.py --workdir=runs/table \\
         --config.data_dir=DATA                                 several experiments, one table

`python -m jaxsig` and, in a clone without installation, ./launch/local.sh take the same flags.

modes
  train      trains what is not finished, evaluates it and writes the report (the default mode)
  eval       evaluates a finished training again and writes the report
  predict    reads a file of your own with a trained model
  sweep      runs the experiments that a file in configs/sweeps/ lists; finished ones are kept
  report     joins the results of several --workdirs in one report
  inspect    tells what a data folder holds, what would be skipped, its licence and citation
  export     writes the model of a workdir as a folder of three small files, for --model
  gradients  compares the gradient of a config's loss with finite differences

flags
  --mode=MODE            one of the modes above
  --config=FILE[:ARG]    the experiment, a file in configs/; ARG such as smoke (seconds) or real
  --config.KEY=VALUE     changes one setting of it, as in --config.train.steps=1000; predict without
                         --config: of the model's own, as in --config.own.reading=NAME
  --workdir=DIR          where checkpoints, results and the report go; the same command continues
  --input=FILE           predict: your recording, measurement or image, or a folder of images
  --rate_hz=HZ           predict: its sampling rate, where the file does not tell it
  --model=NAME           predict: a shipped model's name or folder, instead of --workdir
  --output=DIR           predict: folder of the results; export: folder of the model
  --workdirs=DIR,DIR     report: what is joined; export: a workdir with its error on new groups
  --update=FILE.md:NAME  report: writes the tables between the marks table:NAME of a text file
  --cpu_devices=N        simulates N devices on the CPU
  --help, --version      this page; the version
"""
