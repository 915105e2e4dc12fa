"""How fields and tables share the width of a page."""

from __future__ import annotations

from ewallet.paper import layout
from ewallet.paper.form import Field, Table
from ewallet.paper.layout import STYLES, rows, width

STANDARD, LARGE = STYLES["standard"], STYLES["large_print"]


def _field(value: str, label: str = "성명") -> Field:
    return Field(label=label, value=value)


def _table(*values: str, label: str = "구분") -> Table:
    return Table(label="표", columns=(label,) * len(values), rows=(tuple(map(_field, values)),))


def test_short_fields_share_a_row_and_a_long_one_stands_alone():
    """In their order; the one that is left over stands alone, too."""
    short, long = _field("홍길동"), _field("가상특별시 예시구 견본로 1, 101동 101호(표본동)")

    assert [(short, short), (long,), (short,)] == list(rows([short, short, long, short], STANDARD))
    assert [(short,), (long,)] == list(rows([short, long], STANDARD))


def test_in_large_print_each_field_has_a_row():
    """One column, for eyes and magnifiers."""
    assert [(_field("a"),), (_field("b"),)] == list(rows([_field("a"), _field("b")], LARGE))


def test_a_table_has_columns_as_wide_as_their_cells_while_they_fit():
    """Then as wide as their longest words; then its rows become blocks."""
    narrow, middle = _table("1", "홍길동"), _table(*["2026년 11월 21일"] * 8)
    columns = layout.columns(narrow, STANDARD)

    assert columns
    assert columns[0] < columns[1]
    assert layout.columns(middle, STANDARD) is not None
    assert sum(layout.columns(middle, STANDARD) or ()) <= STANDARD.room + 0.01
    assert layout.columns(_table(*["가상특별시예시구청장"] * 9), STANDARD) is None
    assert layout.columns(middle, LARGE) is None


def test_a_syllable_is_wider_than_a_digit():
    """The estimate that all of this rests on."""
    assert width("가") > width("1") > 0
    assert width("") == 0
