"""Tables of a page as data: columns and cells, which one template turns into HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from .text import interval as interval_text
from .text import significant

#: A table with more rows than this is folded unless it says otherwise.
LONGEST_OPEN = 40


@dataclass(frozen=True)
class Column:
    """The head of a column.

    Attributes
    ----------
    text
        What stands in it; plain text is escaped, ``Markup`` is not.
    kind
        CSS class of the head and of every cell given as plain text: ``number`` is set to the right, empty to the left.
    """

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table that is more than the text of its column.

    Attributes
    ----------
    text
        What stands in it; plain text is escaped, ``Markup`` is not.
    small
        A second line in small type, such as an interval.
    kind
        CSS classes; those of the column where None.
    span
        Columns that the cell takes.
    sign, said
        A sign after the text, and the word that it stands for.
    title
        What a pointer that rests on the cell shows.
    """

    text: str
    small: str = ""
    kind: str | None = None
    span: int = 1
    sign: str = ""
    said: str = ""
    title: str = ""


@dataclass(frozen=True)
class Table:
    """A table that scrolls sideways by itself, says so where it does, and folds where it is long.

    Attributes
    ----------
    name
        Unique in the page: identifies the caption.
    caption
        One or two sentences; names the region that scrolls. Plain text is escaped, ``Markup`` is not.
    columns
        Heads; a plain string is a column of text.
    rows
        Cells, row by row; a plain string takes the kind of its column. The first cell of a row is its head.
    fold
        Summary under which the table is folded away; None: folded when it has more than ``LONGEST_OPEN`` rows; empty: never.
    kind
        CSS class of the table.
    heads
        Whether the first cell of each row is its head.
    """

    macro: ClassVar[str] = "table"
    name: str
    caption: str
    columns: Sequence[Column | str]
    rows: Sequence[Sequence[Cell | str]]
    fold: str | None = None
    kind: str = "full"
    heads: bool = True

    @property
    def summary(self) -> str:
        """Words under which the table is folded away, empty where it stands open."""
        if self.fold is not None:
            return self.fold
        return f"Show the table ({len(self.rows)} rows)" if len(self.rows) > LONGEST_OPEN else ""

    @property
    def head(self) -> list[Column]:
        """The columns."""
        return [Column(entry) if isinstance(entry, str) else entry for entry in self.columns]

    @property
    def body(self) -> list[list[Cell]]:
        """The rows, every entry a cell with its classes."""
        head = self.head
        rows = []
        for row in self.rows:
            cells, place = [], 0
            for entry in row:
                cell = Cell(entry) if isinstance(entry, str) else entry
                kind = head[place].kind if place < len(head) else ""
                cells.append(cell if cell.kind is not None else replace(cell, kind=kind))
                place += cell.span
            rows.append(cells)
        return rows


@dataclass(frozen=True)
class Facts:
    """A table of names and values, without a head.

    Attributes
    ----------
    name, caption, fold
        As in a :class:`Table`; never folded by itself.
    entries
        Pairs of a name and a value; plain text is escaped, ``Markup`` is not.
    """

    macro: ClassVar[str] = "facts"
    name: str
    caption: str
    entries: Sequence[tuple[str, str]]
    fold: str = ""


def numbers(*texts: str) -> list[Column]:
    """Return columns of numbers."""
    return [Column(text, "number") for text in texts]


def number_cell(value: float | None, digits: int = 2, small: str = "") -> Cell:
    """Return a number with so many significant digits, or a dash where there is none."""
    return Cell(significant(value, digits), small, "number")


def interval_cell(text: str, low: float | None, high: float | None) -> Cell:
    """Return a number with its interval below it in small type."""
    return Cell(text, interval_text(low, high), "number")
