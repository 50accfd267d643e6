"""What the name of a signal says: a PPG, some other quantity, a counter, or nothing."""
import re

PPG_NAMES = ("PPG", "PLETH", "BVP")   # anywhere in a name: BVP is what wearables call it

# by words of a name; those of one letter or of Roman numbers only where they are all of it
_WORDS = {
  "ECG": "ecg ekg mlii mcl avr avl avf lead",
  "EEG, EMG or EOG": "eeg emg eog",
  "respiration": "resp respiration respiratory impedance imp flow airflow thorax thoracic thor "
  "abdomen abdominal abdo chest breath breaths breathing rr",
  "pressure": "abp art pap cvp icp bp nbp nibp pressure sbp dbp",
  "carbon dioxide": "co2 etco2 capno capnogram capnography",
  "acceleration or rotation": "acc accel accelerometer acceleration gyro gyr gyroscope mag imu",
  "skin conductance": "eda gsr scr scl",
  "temperature": "temp temperature",
  "oxygen saturation": "spo2 sao2 osat sat saturation",
  "heart rate": "hr heartrate heart pulse pr ibi nn bpm",
  "time": "time timestamp timestamps clock date",
}
_WHOLE_NAMES = {
  "ECG": "i ii iii v v1 v2 v3 v4 v5 v6 mcl1",
}
# as the name of a whole file, whose only signal has none: wearables write EDA.csv, TEMP.csv, ...
_FILES = "ecg ekg eeg emg resp abp co2 acc eda gsr temp spo2 hr ibi"
_DERIVED = "sqi quality flag valid status peak peaks onset onsets beat beats rate"
_COUNTERS = "nr no n idx index row count counter frame sequence seq unnamed # sample samples"


def is_ppg(name: str) -> bool:
  """Whether a name says that a signal is a PPG, and not what is derived from one or its time."""
  says_ppg = any(word in name.upper() for word in PPG_NAMES)
  return says_ppg and not quantity_of(name)


def quantity_of(name: str) -> str:
  """The quantity other than a PPG that a name says; empty where it says none."""
  words = _words_of(name)
  says_ppg = any(word in name.upper() for word in PPG_NAMES)
  if says_ppg:
    if "time" in words or "timestamp" in words:
      return "time"
    if words & set(_DERIVED.split()):
      return "derived from a PPG"
    return ""

  whole = " ".join(name.lower().strip(" ,").split())
  for quantity, names in _WHOLE_NAMES.items():
    if whole in names.split():
      return quantity
  for quantity, known in _WORDS.items():
    if words & set(known.split()):
      return quantity
  return ""


def quantity_of_file(stem: str) -> str:
  """The quantity other than a PPG that a file is named after; empty where it is named otherwise."""
  if stem.lower() in _FILES.split():
    return quantity_of(stem)
  return ""


def is_counter(name: str) -> bool:
  """Whether a name says that a column only counts samples."""
  words = _words_of(name) - {"0"}
  return bool(words) and words <= set(_COUNTERS.split())


def _words_of(name: str) -> set[str]:
  """The words of a name in lower case, without its unit; numbers at their ends may be left out.

  heartRate is one word and two.
  """
  without_unit = re.sub(r"\[.*?\]|\(.*?\)", " ", name)
  apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", without_unit)
  both = f"{without_unit} {apart}".lower()
  words = set()
  for word in re.findall(r"[a-z0-9#]+", both):
    words.add(word)
    words.add(word.rstrip("0123456789") or word)
  return words
