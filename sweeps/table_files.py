"""A long table on disk, row by row: CSV, and Parquet where pyarrow is installed. Equal rows give equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Self

from ..diagnostic.records.files import write_atomically
from .tables import Kind

#: Rows that are held at a time, and written as one group of the Parquet file.
_BATCH = 5_000
#: Integers of a Parquet column have 64 bits; a label outside makes its column one of text.
_LARGEST = 2**63


def kinds_of(values: Iterable[object]) -> set[Kind]:
    """Return the kinds of some values; None has none."""
    kinds: set[Kind] = set()
    for value in values:
        if isinstance(value, bool):
            kinds.add("boolean")
        elif isinstance(value, int) and -_LARGEST <= value < _LARGEST:
            kinds.add("integer")
        elif isinstance(value, float):
            kinds.add("number")
        elif value is not None:
            kinds.add("text")
    return kinds


def narrowest(kinds: Iterable[Kind]) -> Kind:
    """Return what a column holds that keeps values of all these kinds.

    Examples
    --------
    >>> narrowest(kinds_of([1, 2, None])), narrowest(kinds_of([1, 2.5])), narrowest(kinds_of([1, "x"]))
    ('integer', 'number', 'text')
    """
    every = set(kinds)
    if every == {"integer", "number"}:
        return "number"
    return every.pop() if len(every) == 1 else "text"


def text_of(value: object) -> str:
    """Return a value as text: strings as they are, the rest as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode("utf-8")


def typed(value: Any, kind: Kind) -> Any:
    """Return a value as its column holds it; None stays None."""
    if value is None:
        return None
    if kind == "text":
        return text_of(value)
    if kind == "boolean":
        return bool(value)
    return int(value) if kind == "integer" else float(value)


def _field(value: object) -> str:
    """Return a field of a CSV file: floats read back to the same bits, quotes where a reader needs them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else repr(value)
    if any(sign in text for sign in ',"\r\n') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def _batches(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, Kind]) -> Iterator[list[list[Any]]]:
    """Yield rows as lists in the order of the columns, some thousand at a time."""
    every = iter(rows)
    while taken := list(islice(every, _BATCH)):
        yield [[typed(row.get(name), kind) for name, kind in columns.items()] for row in taken]


class _Parquet:
    """A Parquet file that grows by groups of rows."""

    def __init__(self, stream: BinaryIO, columns: Mapping[str, Kind]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        types = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
        self._arrow = pa
        self._schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        arrays = [
            self._arrow.array([row[k] for row in rows], type=field.type)
            for k, field in enumerate(self._schema)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._writer.close()


def has_parquet() -> bool:
    """Whether pyarrow is installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        return False
    return True


def write_table(
    path: Path, columns: Mapping[str, Kind], rows: Iterable[Mapping[str, Any]]
) -> tuple[int, list[Path]]:
    """Write ``path`` with the ending ``.csv`` and, with pyarrow, ``.parquet``; return the number of rows, and the files.

    Rows are taken one after another and never held all at a time. Each file appears whole or not at all.

    Parameters
    ----------
    path
        The file, without its ending.
    columns
        Names with what they hold, in order.
    rows
        Mappings; a column that one lacks stays empty, and what is no column is left out.
    """
    files = [path.with_name(f"{path.name}.csv")]
    count = 0

    def fill(stream: BinaryIO, other: BinaryIO | None) -> None:
        nonlocal count
        stream.write((",".join(map(_field, columns)) + "\n").encode())
        with nullcontext() if other is None else _Parquet(other, columns) as table:
            for batch in _batches(rows, columns):
                count += len(batch)
                stream.write("".join(",".join(map(_field, row)) + "\n" for row in batch).encode("utf-8"))
                if table is not None:
                    table.add(batch)

    if not has_parquet():
        write_atomically(files[0], lambda stream: fill(stream, None))
        return count, files
    files.append(path.with_name(f"{path.name}.parquet"))
    write_atomically(files[1], lambda other: write_atomically(files[0], lambda stream: fill(stream, other)))
    return count, files
