"""What the name of a signal says: a PPG, some other quantity, a counter, or nothing."""
import re

PPG_NAMES = ("PPG", "PLETH", "BVP")   # anywhere in a name: BVP is what wearables call it

# by words of a name; those of one letter or of Roman numbers only where they are all of it
_WORDS = {
  "ECG": "ecg ekg mlii mcl avr avl avf lead",
  "EEG, EMG or EOG": "eeg emg eog",
  "respiration": "resp respi respiration respiratory impedance imp bioimpedance bioz flow airflow "
  "breath breaths breathing rr belt gurt atem atemgurt atmung thermistor thermocouple pneumo "
  "pneumogram pneumograph pneumotach spiro spirometer nasal cannula rip inductance inductive "
  "effort tidal ventilation",
  "pressure": "abp art pap cvp icp bp nbp nibp pressure sbp dbp druck",
  "carbon dioxide": "co2 etco2 capno capnogram capnography",
  "acceleration or rotation": "acc accel accelerometer acceleration gyro gyr gyroscope mag imu",
  "skin conductance": "eda gsr scr scl",
  "temperature": "temp temperature temperatur",
  "oxygen saturation": "spo2 sao2 osat sat saturation",
  "heart rate": "hr heartrate heart pulse puls herzfrequenz pr ibi nn bpm",
  "time": "time timestamp timestamps datetime ts clock date zeit",
  "derived from a pulse": "hrv prv pvi perfusion rmssd sdnn sqi",
}
_TRUNK = "thorax thoracic thor abdomen abdominal abdo chest"   # belts lie there, and PPGs
_WHOLE_NAMES = {
  "ECG": "i ii iii v v1 v2 v3 v4 v5 v6 mcl1",
  "respiration": "z",
  "derived from a pulse": "pi",
}
# as the name of a whole file, whose only signal has none: wearables write EDA.csv, TEMP.csv, ...
_FILES = "ecg ekg eeg emg resp abp co2 acc eda gsr temp spo2 hr ibi"

_DERIVED = (   # beside PPG in a name
  "quality flag valid status state score confidence snr noise error mask label event events marker "
  "annotation annotations index peak peaks onset onsets foot feet notch trough troughs valley "
  "valleys beat beats rate frequency fs period interval intervals rri ppi pp delay ptt pat lag "
  "ambient dark led leds gain offset range threshold contact motion artifact artefact "
  "pi dc baseline trend envelope amplitude amp height width area slope variability variation "
  "mean avg average median std sd var variance rms min max minimum maximum skewness kurtosis "
  "entropy power psd spectrum riav riiv rifv systolic diastolic map derivative vpg apg count"
)
_SENSOR = "pulse spo2 sao2"   # before PPG these tell of what it is a part: SpO2 Pleth
_REMOVABLE = "baseline dc offset ambient motion artifact artefact noise trend"
_REMOVED = "removed corrected subtracted suppressed without free"
_COUNTERS = "nr no n idx index row count counter frame sequence seq unnamed # sample samples"


def is_ppg(name: str) -> bool:
  """Whether a name says that a signal is a PPG, and not what is derived from one or its time."""
  return _says_ppg(name) and not quantity_of(name)


def quantity_of(name: str) -> str:
  """The quantity other than a PPG that a name says; empty where it says none."""
  if _says_ppg(name):
    return _quantity_beside_ppg(name)

  whole = " ".join(name.lower().strip(" ,").split())
  for quantity, names in _WHOLE_NAMES.items():
    if whole in names.split():
      return quantity
  words = _words_of(name)
  if words & set(_TRUNK.split()):
    return "respiration"
  return _quantity_of_words(words)


def _says_ppg(name: str) -> bool:
  return any(word in name.upper() for word in PPG_NAMES)


def _quantity_beside_ppg(name: str) -> str:
  """What is derived from a PPG, or measured beside it; empty for the PPG itself."""
  before, *after = re.split("|".join(PPG_NAMES), name, flags=re.IGNORECASE)
  words = _words_of(before) - set(_SENSOR.split())
  words |= _words_of(" ".join(after))
  if words & set(_REMOVED.split()):
    words -= set(_REMOVABLE.split())

  is_belt = "PLETH" in name.upper() and words & set(_TRUNK.split())
  if is_belt:
    return "respiration"
  quantity = _quantity_of_words(words)
  if not quantity and words & set(_DERIVED.split()):
    quantity = "derived from a PPG"
  return quantity


def _quantity_of_words(words: set[str]) -> str:
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
  apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", without_unit)
  both = f"{without_unit} {apart}".lower()
  words = set()
  for word in re.findall(r"[a-z0-9#]+", both):
    words.add(word)
    words.add(word.rstrip("0123456789") or word)
  return words
