"""The long table: what is written is what pandas and pyarrow read back, whatever the labels are."""

from __future__ import annotations

import csv
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from spectral_ceilings.sweeps.table_files import kinds_of, narrowest, text_of, typed, write_table

#: Text without the lone halves of surrogate pairs, which UTF-8 cannot hold, and without NUL, at which CSV readers stop.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
NAMES = st.lists(TEXT.filter(bool), min_size=1, max_size=4, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    names = draw(NAMES)
    rows = [
        {name: value for name in names if (value := draw(VALUE)) is not None}
        for _ in range(draw(st.integers(0, 6)))
    ]
    return {name: narrowest(kinds_of(row.get(name) for row in rows)) for name in names}, rows


@settings(max_examples=80, deadline=None)
@given(tables())
def test_both_files_read_back(table: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    columns, rows = table
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        count, files = write_table(path, columns, rows)
        assert count == len(rows)
        assert [file.name for file in files] == ["table.csv", "table.parquet"]
        wanted = [[typed(row.get(name), kind) for name, kind in columns.items()] for row in rows]

        read = parquet.read_table(files[1])
        assert read.column_names == list(columns)
        assert [list(row.values()) for row in read.to_pylist()] == wanted

        with files[0].open(newline="", encoding="utf-8") as stream:
            head, *body = csv.reader(stream)
        assert head == list(columns)
        # the reader takes an empty line for no fields; a table of a sweep has a key in every row
        assert [row or [""] for row in body] == [[_csv(value) for value in row] for row in wanted]


def _csv(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def test_pandas_reads_numbers_to_the_last_bit(tmp_path: Path) -> None:
    values = [0.1, 1 / 3, 5e-324, -1.7976931348623157e308, math.pi * 1e-9]
    rows = [{"x": value, "name": 'a, "b"\nc'} for value in values]
    _, files = write_table(tmp_path / "t", {"x": "number", "name": "text"}, rows)
    read = pandas.read_csv(files[0], dtype={"x": str}).assign(x=lambda table: table["x"].map(float))
    assert read["x"].tolist() == values
    assert set(read["name"]) == {'a, "b"\nc'}
    assert pandas.read_parquet(files[1])["x"].tolist() == values


def test_equal_rows_give_equal_bytes_however_they_are_batched(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"k": "integer", "x": "number", "name": "text"}
    rows = [{"k": k, "x": k / 7, "name": f"cell {k % 3}"} for k in range(45_000)]
    for name in ("a", "b"):
        write_table(tmp_path / name, columns, iter(rows))
    for ending in ("csv", "parquet"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    assert parquet.ParquetFile(tmp_path / "a.parquet").num_row_groups == 9


def test_without_pyarrow_there_is_the_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    _, files = write_table(tmp_path / "t", {"x": "integer"}, [{"x": 1}])
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"] == [file.name for file in files]


def test_an_error_on_the_way_leaves_the_old_files(tmp_path: Path) -> None:
    write_table(tmp_path / "t", {"x": "integer"}, [{"x": 1}])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def rows() -> Any:
        yield {"x": 2}
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_table(tmp_path / "t", {"x": "integer"}, rows())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_is_no_scalar_becomes_json() -> None:
    assert json.loads(text_of([1, {"a": None}])) == [1, {"a": None}]
    assert text_of("\ud800x") == "?x"
    assert narrowest(kinds_of([2**63])) == "text"
