"""Which signal of a file is the PPG, by its name or as the user says."""
import functools
from collections.abc import Sequence

import numpy as np
import pytest
from fake_bidmc import says

from jaxsig.data.ppg.signal_choice import chosen
from jaxsig.data.ppg.signal_names import is_counter, is_ppg, quantity_of
from jaxsig.data.signal_files.channels import Channel


def channels(*names: str) -> list[Channel]:
  """A channel of each name; each holds its own number."""
  found = []
  for number, name in enumerate(names):
    load = functools.partial(np.full, 10, float(number))
    found.append(Channel(name, "", 64.0, 10, load))
  return found


def number_of(names: Sequence[str], signal: str = "") -> int:
  """Which of them is taken."""
  choice = chosen(channels(*names), signal, "mine.csv")
  return int(choice.channel.load()[0])


@pytest.mark.parametrize(
  ("names", "number"),
  [
    (("PLETH",), 0),
    (("RESP,", "PLETH,", "II,"), 1),
    (("ecg", "My PPG [V]"), 1),
    (("bvp",), 0),
    (("Empatica BVP", "EDA"), 0),
    (("Pleth", "SpO2", "PR"), 0),
    (("ppg", "ppg_sqi"), 0),
    (("PPG time", "PPG"), 1),
    (("ppgRate", "ppgSignal"), 1),
    (("value",), 0),
    (("",), 0),
    (("0",), 0),
    (("x",), 0),
    (("ir",), 0),
    (("anything",), 0),
    (("sample",), 0),
    (("nr", "value"), 1),
    (("Unnamed: 0", "signal"), 1),
  ],
)
def test_the_ppg_by_its_name_or_alone(names, number):
  assert number_of(names) == number


@pytest.mark.parametrize(
  "names",
  [
    ("II",),
    ("ECG",),
    ("MLII", "V5"),
    ("RESP",),
    ("Resp Impedance",),
    ("ABP",),
    ("ART, mmHg",),
    ("CO2",),
    ("acc_x",),
    ("EDA",),
    ("TEMP",),
    ("SpO2",),
    ("HR",),
    ("PULSE",),
    ("heartRate",),
    ("V",),
    ("ppg_sqi",),
    ("PPG timestamp",),
    ("ECG Lead II",),
    ("II", "value"),
    ("red", "ir"),
    ("R", "G", "B"),
    ("x", "y", "z"),
    ("a", "b"),
    ("nr", "ECG"),
  ],
)
def test_what_is_something_else_is_refused_by_name(names):
  sentence = says(chosen, channels(*names), "", "mine.csv")
  for name in names[-1:]:
    assert name in sentence
  assert "--config.own.signal=" in sentence


@pytest.mark.parametrize(
  "names",
  [
    ("PPG", "PPG"),
    ("PLETH", "PLETH,"),
    ("PPG", "PPG 2"),
    ("ppg_red", "ppg_ir", "acc"),
    ("BVP", "PPG"),
    ("pleth", "PLETH"),
  ],
)
def test_two_candidates_are_refused(names):
  sentence = says(chosen, channels(*names), "", "mine.csv")
  assert "holds 2 signals named as a PPG" in sentence
  assert "(0)" in sentence and "(1)" in sentence


@pytest.mark.parametrize(
  ("names", "signal", "number"),
  [
    (("PPG", "PPG"), "1", 1),
    (("PLETH", "PLETH,"), "PLETH,", 1),
    (("PLETH", "PLETH,"), "PLETH", 0),
    (("II", "x"), "II", 0),
    (("red", "ir"), "ir", 1),
    (("red", "ir"), "0", 0),
    (("1", "0"), "0", 1),
    ((" ppg a ", "ppg b"), "ppg a", 0),
    (("II,", "Red,"), "red", 1),
    (("II", "I"), "i", 1),
  ],
)
def test_a_user_chooses(names, signal, number):
  assert number_of(names, signal) == number


@pytest.mark.parametrize(
  ("names", "signal", "words"),
  [
    (("PPG", "II"), "ppg2", "has no signal 'ppg2'"),
    (("PPG", "II"), "2", "has no signal '2'"),
    (("PPG", "II"), "-1", "has no signal '-1'"),
    (("PPG", "PPG", "II"), "PPG", "by its number"),
    (("PLETH,", "pleth"), "Pleth", "by its number"),
    (("", ""), "x", "it holds unnamed (0) and unnamed (1)"),
    ((), "", "holds no signal"),
    ((), "PPG", "holds no signal"),
  ],
)
def test_a_choice_that_is_not_there(names, signal, words):
  assert words in says(chosen, channels(*names), signal, "mine.csv")


@pytest.mark.parametrize("file", ["EDA.csv", "TEMP.csv", "ecg.txt", "a/Resp.csv", "HR.csv.gz"])
def test_a_file_named_after_something_else(file):
  unnamed = channels("")
  assert "own.signal=0" in says(chosen, unnamed, "", file)
  assert chosen(unnamed, "0", file).channel is unnamed[0]
  assert chosen(channels("PPG"), "", file)


def test_what_was_chosen_is_told():
  assert chosen(channels("PPG"), "", "a").notes == ()
  [note] = chosen(channels("RESP", "PLETH", "II"), "", "a").notes
  assert note == "The signal 'PLETH' was read, not 'RESP' (0: respiration) and 'II' (2: ECG)."
  [note] = chosen(channels("value"), "", "a").notes
  assert note == "The only signal, 'value', was taken for the PPG."
  [note] = chosen(channels(""), "", "a").notes
  assert note == "The only signal, which has no name, was taken for the PPG."


def test_a_sentence_on_many_signals_is_short():
  many = channels(*[f"channel {i} of a sensor" for i in range(200)])
  assert "188 more" in says(chosen, many, "", "mine.csv")


def test_names():
  assert is_ppg("My pleth") and is_ppg("PPG_1") and not is_ppg("pulse")
  assert quantity_of("signal [mV]") == quantity_of("Value (V)") == quantity_of("ir") == ""
  assert is_ppg("PPG (rate 64 Hz)") and quantity_of("signal [pressure units]") == ""
  assert quantity_of("ECG1") == quantity_of("aVR") == "ECG"
  assert is_counter("nr") and is_counter("Sample #") and not is_counter("0")
