"""Delimited text as users have it: delimiters, decimal marks, heads, encodings, damage."""
import gzip

import numpy as np
import pytest
from fake_text import Folder, refusal

from jaxsig.data.signal_files import text_lines
from jaxsig.data.signal_files.text_body import Table
from jaxsig.data.signal_files.text_table import read_table

NAMES = ("time", "level")
VALUES = np.array([[0.5, 1.25], [0.75, -3.0], [1.0, 2.5], [1.25, 0.125]])


@pytest.fixture
def folder(tmp_path) -> Folder:
  return Folder(tmp_path)


def text_of(delimiter: str = ",", decimal: str = ".", head: str | None = None) -> str:
  """VALUES as text under their names."""
  rows = [delimiter.join(map(str, row)).replace(".", decimal) for row in VALUES.tolist()]
  if head is None:
    head = delimiter.join(NAMES)
  return "\n".join([head, *rows]).lstrip("\n") + "\n"


def columns_of(table: Table) -> np.ndarray:
  return np.array([column.values_t for column in table.columns]).T


def assert_values(table: Table) -> None:
  np.testing.assert_array_equal(columns_of(table), VALUES)


@pytest.mark.parametrize(
  "text",
  [
    text_of(),
    text_of(";"),
    text_of("\t"),
    text_of("|"),
    text_of(" "),
    text_of("   "),
    text_of(", "),
    text_of(";", ","),
    text_of("\t", ","),
    text_of(" ", ","),
    text_of(";", ",").replace("\n", "\r\n"),
    text_of().replace("\n", "\r"),
    text_of().replace("\n", "\n\n"),
    text_of().replace("\n", ",\n"),
    text_of(head="time,level,").replace("\n", ",\n").replace("level,,", "level,"),
    text_of().replace("time,level", '"time","level"'),
    text_of('","').replace("\n", '"\n"').removesuffix('"').replace('time","', '"time","', 1),
    text_of(head="sep=;\ntime;level").replace(",", ";"),
    text_of(head="# time,level"),
    text_of(head="# fs = 4 Hz\n# by a logger, version 3\ntime,level"),
    text_of(head="Device: logger 3\nFirmware,1.2\n\ntime,level"),
    text_of(head="time,level\ns,mV"),
    text_of(head="time,level\n[s],[raw]"),
    text_of(head="4,2\ntime,level"),
    text_of() + "\x1a",
    text_of() + "# the end\n",
  ],
)
def test_the_same_table_however_it_is_written(folder, text):
  table = read_table(folder.write(text))
  assert_values(table)
  assert tuple(column.name for column in table.columns) == NAMES
  assert table.titled


@pytest.mark.parametrize(
  "content",
  [
    text_of().encode("utf-8-sig"),
    text_of().encode("utf-16"),
    text_of().encode("utf-16-le"),
    text_of().encode("utf-16-be"),
    gzip.compress(text_of().encode(), mtime=0),
  ],
)
def test_encodings(folder, content):
  assert_values(read_table(folder.write(content)))


def test_latin_1_is_told(folder):
  table = read_table(folder.write(text_of(head="Zeit,Höhe [µV]").encode("latin-1")))
  assert_values(table)
  assert table.columns[1].name == "Höhe [µV]"
  assert "read as Latin-1" in table.notes


def test_what_was_assumed_is_told(folder):
  table = read_table(folder.write(text_of(";", ",", head="Device 3\ntime;level\ns;mV")))
  assert [column.unit for column in table.columns] == ["s", "mV"]
  for words in ("semicolons", "decimal commas", "first line skipped", "units"):
    assert words in " ".join(table.notes)


@pytest.mark.parametrize(
  "text",
  [
    "0,5\n0,61\n1,02\n1,1\n",
    "level\n100,5\n101,2\n99,8\n100,1\n",
    "level [mV]\n1,5\n-1,2\n1,8\n-0,1\n",
    "1,5E-01\n2,5E-01\n3,5E-01\n",
    '"0,5"\n"0,61"\n"1,2"\n',
    "1,23\n-0,5\n1,3\n-0,7\n",
    "12,5\n13\n13,5\n14\n14,5\n15\n15,5\n",
  ],
)
def test_decimal_commas_in_a_single_column(folder, text):
  table = read_table(folder.write(text))
  assert len(table.columns) == 1
  cells = text.replace('"', "").replace(",", ".").splitlines()
  expected = [float(cell) for cell in cells if not cell.startswith("level")]
  assert table.columns[0].values_t.tolist() == expected


@pytest.mark.parametrize(
  "text",
  [
    "first,second\n1,5\n2,7\n8,9\n",
    "0,5\n1,7\n2,9\n3,4\n4,9\n5,8\n6,7\n",
    "1,-5\n2,7\n8,-9\n",
    "1, 5\n2, 7\n8, 9\n",
    "1;5\n2;7\n8;9\n",
  ],
)
def test_whole_numbers_in_two_columns(folder, text):
  assert len(read_table(folder.write(text)).columns) == 2


@pytest.mark.parametrize("text", ["12,5\n27,7\n13,9\n", "1,234\n1,235\n1,236\n", "5,5\n5,5\n5,5\n"])
def test_commas_of_either_meaning_are_refused(folder, text):
  assert "decimal comma" in refusal(read_table, folder.write(text))


@pytest.mark.parametrize(
  "text", ["0,015,1,523\n0,031,1,518\n", "1,00,2,05\n1,01,2,15\n1,02,2,25\n"]
)
def test_decimal_commas_between_commas_are_refused(folder, text):
  assert "semicolons" in refusal(read_table, folder.write(text))


@pytest.mark.parametrize(
  "text",
  [
    '"0.5"\n"0.25"\n"1"\n',
    "'0.5'\n'0.25'\n'1'\n",
    "0.5\n0.25\n1\n",
    "0.5\n0.25\n1",
    "+.5\n.25\n1.\n",
    " 0.5\n\t0.25 \n 1\n",
  ],
)
def test_numbers_without_names(folder, text):
  table = read_table(folder.write(text))
  assert table.columns[0].values_t.tolist() == [0.5, 0.25, 1.0]
  assert not table.titled


@pytest.mark.parametrize(
  "word", ["", "NaN", "nan", "NA", "N/A", "null", "None", "-", "--", "?", "#N/A", "1.#QNAN", '""']
)
def test_words_for_missing_values(folder, word):
  table = read_table(folder.write(f"a,b\n1.5,{word}\n2.5,4\n3.5,{word}\n4.5,5\n"))
  np.testing.assert_array_equal(table.columns[1].values_t, [np.nan, 4, np.nan, 5])
  assert not table.columns[1].wrong


@pytest.mark.parametrize("word", ["NaN", "null", "-", "n/a"])
def test_missing_values_at_the_start_of_a_single_column(folder, word):
  table = read_table(folder.write(f"level\n{word}\n{word}\n1.5\n2.5\n3.5\n"))
  np.testing.assert_array_equal(table.columns[0].values_t, [np.nan, np.nan, 1.5, 2.5, 3.5])


@pytest.mark.parametrize(
  ("cell", "value"), [("1.5D+03", 1500.0), ("\u22125", -5.0), ("1e400", np.inf)]
)
def test_numbers_as_some_programs_write_them(folder, cell, value):
  table = read_table(folder.write(f"a,b\n0.5,{cell}\n0.75,2\n"))
  assert table.columns[1].values_t[0] == value


def test_names_that_repeat_stay(folder):
  table = read_table(folder.write("a,a,a\n1.5,2,3\n4,5,6\n"))
  assert columns_of(table).tolist() == [[1.5, 2, 3], [4, 5, 6]]


def test_a_column_of_text_is_no_error(folder):
  table = read_table(folder.write("a,label\n1.5,rest\n2.5,rest\n3.5,walk\n"))
  assert table.columns[1].kind == "text"


def test_a_cell_that_is_no_number_is_an_error_of_its_column(folder):
  table = read_table(folder.write("a,b\n1.5,2\n2.5,ERR\n3.5,4\n4.5,4\n"))
  assert table.columns[1].wrong == "'ERR' in line 3"
  assert not table.columns[0].wrong


@pytest.mark.parametrize("cell", ["1.234", "1.234,5"])
def test_a_point_among_decimal_commas_is_no_decimal_point(folder, cell):
  table = read_table(folder.write(f"a;b\n1,5;2,5\n2,5;{cell}\n3,5;4,5\n4,5;4\n5,5;4\n"))
  assert table.columns[1].wrong == f"{cell!r} in line 3"


@pytest.mark.parametrize(
  ("text", "names"),
  [
    ('"","a","b"\n"1",0.5,2\n"2",0.6,3\n"3",0.7,3\n', ["", "a", "b"]),
    ('"a" "b"\n"1" 0.5 2\n"2" 0.6 3\n"3" 0.7 3\n', ["", "a", "b"]),
    (",0,1\n0,0.5,2\n1,0.6,3\n2,0.7,3\n", ["", "0", "1"]),
    (
      "ChannelTitle=\ta\tb\nRange=\t10 V\t5 V\n0\t0.5\t2\n1\t0.6\t3\n2\t0.7\t3\n",
      ["time", "a", "b"],
    ),
  ],
  ids=["R", "R without a name", "pandas", "LabChart"],
)
def test_names_as_programs_write_them(folder, text, names):
  table = read_table(folder.write(text))
  assert [column.name for column in table.columns] == names
  assert table.columns[1].values_t.tolist() == [0.5, 0.6, 0.7]


def test_a_last_line_that_is_cut_off_is_left_out(folder):
  table = read_table(folder.write(text_of() + "1.5"))
  assert_values(table)
  assert "line 6, the last one, is cut off" in " ".join(table.notes)


def test_short_lines_are_told(folder):
  table = read_table(folder.write("a,b\n1.5,2\n2.5\n3.5,4\n4.5,5\n5.5,5\n"))
  np.testing.assert_array_equal(table.columns[1].values_t, [2, np.nan, 4, 5, 5])
  assert "1 line shorter" in " ".join(table.notes)


@pytest.mark.parametrize(
  ("content", "words"),
  [
    (b"", "empty"),
    (b"\n \n\n", "no text"),
    (b"level\n", "no line with numbers"),
    (b"level\none\ntwo\n", "no line with numbers"),
    (b"\x89PNG\x00\xff\n\x00", "not text"),
    (b"PK\x03\x04\x14\x00", "workbook"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"0.5\n\x01\x02\n", "not text"),
    (b"0.5\n0.6\n" + b"\0" * 40, "NUL"),
    (b"0.5\n" * 20_000 + b"\0" * 40, "line 20001 of"),
    (gzip.compress(b"0.5\n" * 9999, mtime=0)[:40], "damaged"),
    (b"{\"a\": [1, 2]}", "no line with numbers"),
    (b"p" * 2_000_000, "longer than a million"),
    (b"0.5," * 20_000 + b"1", "samples stand below each other"),
    (b"a,b\n1.5,2\n2.5,3,4\n3.5,4\n4.5,3\n", "line 3 of"),
    (b"a,b\n1.5,2\n2.5,3\n3.5,3\na,b\n1,2\n2,3\n3,4\n", "line 5 of"),
    (b"t,signal,x\n" + b"1.5,a,2\n1.5,b,3\n" * 20, "a column for each signal"),
  ],
)
def test_what_is_no_table_is_refused(folder, content, words):
  assert words in refusal(read_table, folder.write(content))


def test_blocks_and_lines_are_counted(folder, monkeypatch):
  monkeypatch.setattr(text_lines, "_BLOCK_CHARACTERS", 64)
  values_t = np.arange(400) / 8
  text = "level\n\n" + "\n".join(map(str, values_t)) + "\n# end\n"
  table = read_table(folder.write(text))
  np.testing.assert_array_equal(table.columns[0].values_t, values_t)
  np.testing.assert_array_equal(table.line_t, np.arange(3, 403))
  assert "1 line of comments skipped" in table.notes


@pytest.mark.parametrize("mark", [".", "'", "\u2019", " ", "\u00a0", "\u202f"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_grouped_digits_are_read_where_they_are_certain(folder, mark, delimiter):
  cells = ["980,5", f"1{mark}020,25", f"50{mark}152,5", f"-1{mark}234{mark}567,5", f"1{mark}000"]
  rows = [f"0,{i}{delimiter}{cell}" for i, cell in enumerate(cells)]
  table = read_table(folder.write("\n".join([f"time{delimiter}level", *rows]) + "\n"))
  expected = [980.5, 1020.25, 50152.5, -1234567.5, 1000]
  np.testing.assert_array_equal(table.columns[1].values_t, expected)
  assert "digits grouped" in " ".join(table.notes)


@pytest.mark.parametrize("mark", ["'", ","])
def test_grouped_digits_with_decimal_points(folder, mark):
  rows = [f"0.{i};{50 + i}{mark}152.5" for i in range(5)]
  table = read_table(folder.write("\n".join(["time;level", *rows]) + "\n"))
  np.testing.assert_array_equal(table.columns[1].values_t, 50152.5 + 1000 * np.arange(5))


@pytest.mark.parametrize("cell", ["1.23", "12.34,5", "1234.567,5", "1.234.56"])
def test_digits_grouped_otherwise_are_not_read(folder, cell):
  rows = ["0,1;1.234,5", "0,2;1.235,5", "0,3;1.236,5", f"0,4;{cell}", "0,5;1.236,5"]
  columns = read_table(folder.write("\n".join(["time;level", *rows]) + "\n")).columns
  assert columns[1].wrong
