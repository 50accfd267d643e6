"""Which format a user's file has, by its name and its first bytes, and the reader of each."""
import pathlib

from jaxsig.data.signal_files.channels import Channels
from jaxsig.data.signal_files.edf_files import read_edf_channels
from jaxsig.data.signal_files.text_channels import read_text_channels
from jaxsig.data.signal_files.wfdb_files import read_wfdb_channels
from jaxsig.errors import UserError

KNOWN = "CSV, text, NPY, WFDB, EDF or BDF"
TEXT = (".csv", ".txt", ".tsv", ".tab", ".asc", ".dat", "")
EDF = (".edf", ".bdf", ".rec")
_SAVE = "numpy.save('ppg.npy', ppg)"

# what to do with formats that are not read, by the ends of their names
REMEDIES = {
  ".mat": f"load it with scipy.io.loadmat (of version 7.3 with h5py), then {_SAVE}",
  ".npz": f"it holds several arrays: load it with numpy.load, then {_SAVE}",
  ".xlsx .xls .xlsm .ods": "export the sheet as CSV",
  ".h5 .hdf5 .hdf": f"read its data set with h5py, then {_SAVE}",
  ".parquet .feather": "read it with pandas, then DataFrame.to_csv",
  ".json .jsonl": f"load it with json, then {_SAVE}",
  ".pkl .pickle .pt .pth .joblib": f"load it where it was made, then {_SAVE}",
  ".zip .tar .tgz .rar .7z .bz2 .xz": "unpack it and name a file in it",
  ".png .jpg .jpeg .bmp .gif .tif .tiff .pdf": "it is a picture: export the samples as CSV",
  ".mp4 .avi .mov .mkv": "it is a video: save the mean colour of each frame as CSV with its time",
  ".wav .mp3 .flac": f"read it with scipy.io.wavfile or a library of its own, then {_SAVE}",
  ".acq": f"read it with the library bioread, then {_SAVE}",
  ".vhdr .eeg .set .fif": f"read it with the library mne, then {_SAVE}",
}
_MAGIC = {
  b"PK\x03\x04": ".zip",
  b"\x89HDF": ".h5",
  b"MATLAB 5": ".mat",
  b"PAR1": ".parquet",
  b"\x89PNG": ".png",
  b"\xff\xd8\xff": ".jpg",
  b"%PDF": ".pdf",
  b"RIFF": ".wav",
  b"BZh": ".bz2",
  b"\xfd7zXZ": ".xz",
  b"\xd0\xcf\x11\xe0": ".xls",
}
_NPY = b"\x93NUMPY"
_EDF = (b"0       ", b"\xffBIOSEMI")


def header_of(path: pathlib.Path) -> pathlib.Path | None:
  """The WFDB header that a path names: itself, or beside a record's name or data file."""
  candidates = [path]
  if path.suffix.lower() != ".hea":
    candidates = [path.parent / f"{path.name}.hea"]
  if path.suffix.lower() in (".dat", ".mat"):
    candidates.append(path.with_suffix(".hea"))
  for candidate in candidates:
    if candidate.is_file():
      return candidate
  return None


def record_id(path: pathlib.Path) -> str:
  """What a recording is called: its file without suffixes, or a WFDB record's whole name."""
  if header_of(path) == path.parent / f"{path.name}.hea":
    return path.name
  name = path.name
  if path.suffix.lower() == ".gz":
    name = path.stem
  return pathlib.PurePath(name).stem


def is_npy(path: pathlib.Path) -> bool:
  """Whether a file is an array of NumPy's, or is called so."""
  if not path.is_file():
    return False
  return path.suffix.lower() == ".npy" or _first_bytes(path).startswith(_NPY)


def read_channels(path: pathlib.Path, rate_hz: float | None) -> Channels:
  """The channels of a file that is no NPY.

  Args:
    path: a text table (which may be compressed as .gz), a WFDB header, record or data file, or an
      EDF or BDF file.
    rate_hz: of the samples, where the file does not say.

  Raises:
    UserError: it does not exist, or is of no format that is read; the sentence says what helps.
  """
  header = header_of(path)
  if header is not None:
    return read_wfdb_channels(header)
  first_bytes = _first_bytes(path)
  suffix = path.suffix.lower()
  if suffix in EDF or first_bytes.startswith(_EDF):
    return read_edf_channels(path)

  inner = pathlib.PurePath(path.stem).suffix.lower()
  if suffix == ".gz" and inner not in TEXT:
    raise UserError(f"{path} is compressed: unpack it and name the {inner} file")
  foreign = _foreign(suffix, first_bytes)
  if foreign:
    raise UserError(f"{path} is no {KNOWN} file: {REMEDIES[foreign]}")
  if suffix == ".dat" and b"\x00" in first_bytes:
    raise UserError(
      f"{path} is binary, and no WFDB header {path.with_suffix('.hea').name} is beside it: copy "
      f"it there, or read the file and {_SAVE}"
    )
  if suffix not in (*TEXT, ".gz") and b"\x00" in first_bytes:
    raise UserError(f"{path} is no {KNOWN} file: convert it to CSV, or {_SAVE}")
  return read_text_channels(path, rate_hz)


def require_file(path: pathlib.Path) -> None:
  """Raises UserError where a path is a folder or does not exist, and is no WFDB record's name."""
  try:
    if header_of(path) is not None:
      return
    is_folder = path.is_dir()
    is_file = path.is_file()
    is_empty = is_file and not path.stat().st_size
    is_there = path.exists()
  except (OSError, ValueError) as error:   # such as a name that is too long
    raise UserError(f"{path} cannot be read ({error}): name a {KNOWN} file") from error
  if is_folder:
    raise UserError(f"{path} is a folder: name one {KNOWN} file in it")
  if not is_there:
    raise UserError(f"{path} does not exist: name a {KNOWN} file")
  if not is_file:
    raise UserError(f"{path} is no regular file: save what it holds as a {KNOWN} file")
  if is_empty:
    raise UserError(f"{path} is empty: name a {KNOWN} file")


def _first_bytes(path: pathlib.Path) -> bytes:
  try:
    with path.open("rb") as file:
      return file.read(1024)
  except OSError as error:
    raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions") from error


def _foreign(suffix: str, first_bytes: bytes) -> str:
  """The key of REMEDIES for a format that is not read; empty where it may be text."""
  endings = [suffix]
  if suffix == ".xls" and b"\x00" not in first_bytes:   # as devices call tables of text
    endings = []
  for magic, of_magic in _MAGIC.items():
    if first_bytes.startswith(magic):
      endings.append(of_magic)
  for ending in endings:
    for known in REMEDIES:
      if ending and ending in known.split():
        return known
  return ""
