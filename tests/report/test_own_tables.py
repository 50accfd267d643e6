"""Tables that a system brings for its own reports."""
from made_rows import PRIMARY, SETTINGS, protocol
from made_rows import row as made_row

from jaxsig.report.join import Results
from jaxsig.report.write import markdown
from jaxsig.table_text import Line, Table


def test_tables_of_a_system_stand_before_the_further_ones():
  def tables(material):
    units = sum(row.method == material.reference for row in material.rows)
    return [Table("Units of the reference", ["method", "units"], [Line("ours", [str(units)])])]

  rows = [made_row("A", "a1", 1.0), made_row("B", "b1", 2.0)]
  text = markdown(Results(rows), {**SETTINGS, "metrics": []}, protocol(tables=tables))
  assert "### Units of the reference\n\n| method | units |\n| --- | ---: |\n| ours | 2 |" in text
  assert text.index(PRIMARY) < text.index("Units of the reference")
