"""From the cells of a sweep to one long table: its columns, and its rows in the order of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .store import damage
from .table_files import kinds_of, narrowest
from .tables import Kind, columns_of, outcome_of, read_results, rows_of

if TYPE_CHECKING:
    from .plan import Cell
    from .store import StoredCell

#: Columns before and after the labels of a cell, in every table.
_HEAD: Mapping[str, Kind] = {"key": "text", "stage": "text", "job": "text"}
_STATE: Mapping[str, Kind] = {"state": "text", "exit_status": "integer", "outcome": "text"}
#: Columns of ``cells.csv``, which differ between two runs of one sweep.
_COSTS: Mapping[str, Kind] = {
    "attempts": "integer", "wall_s": "number", "cpu_s": "number", "peak_mb": "number", "host": "text", "error": "text",
    "needs": "text", "directory": "text", "log": "text",
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """The columns of a sweep's tables.

    Attributes
    ----------
    labels
        The column of each label. A label with the name of another column has ``grid:`` before it.
    kinds
        What the column of each label holds.
    results
        Columns of the results of the jobs.
    """

    labels: Mapping[str, str]
    kinds: Mapping[str, Kind]
    results: Mapping[str, Kind]

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> Columns:
        """Return the columns for the cells of a plan, which is read once; labels in the order in which they first appear."""
        kinds: dict[str, set[Kind]] = {}
        jobs: set[str] = set()
        for cell in cells:
            jobs.add(cell.job)
            for name, value in cell.labels.items():
                kinds.setdefault(name, set()).update(kinds_of([value]))
        results = columns_of(jobs)
        taken = {*_HEAD, *_STATE, "table", *results, *_COSTS}
        names: dict[str, str] = {}
        for name in kinds:
            column = name
            while column in taken:
                column = f"grid:{column}"
            taken.add(column)
            names[name] = column
        return cls(names, {name: narrowest(each) for name, each in kinds.items()}, results)

    @property
    def _of_labels(self) -> dict[str, Kind]:
        return {column: self.kinds[name] for name, column in self.labels.items()}

    @property
    def table(self) -> dict[str, Kind]:
        """The columns of ``table.csv``."""
        return {**_HEAD, **self._of_labels, **_STATE, "table": "text", **self.results}

    @property
    def cells(self) -> dict[str, Kind]:
        """The columns of ``cells.csv``."""
        return {**_HEAD, **self._of_labels, **_STATE, **_COSTS}

    def head(self, cell: StoredCell, outcome: str | None) -> dict[str, Any]:
        """Return the columns that every row of a cell shares."""
        labels = {self.labels[name]: value for name, value in cell.labels.items()}
        state = {"state": cell.state, "exit_status": cell.exit_status, "outcome": outcome}
        return {"key": cell.key, "stage": cell.stage, "job": cell.job, **labels, **state}


@dataclass(frozen=True)
class ReadCell:
    """A cell with what was read of it.

    Attributes
    ----------
    rows
        Rows of its results, each with the name of its table in the field ``table``.
    outcome
        What its verdict says of theory.
    problem
        Why its results could not be read; empty where they could.
    """

    cell: StoredCell
    rows: Sequence[Mapping[str, Any]]
    outcome: str | None
    problem: str = ""


def read_cell(cell: StoredCell) -> ReadCell:
    """Read the results of a finished cell; of one that did not finish there are none."""
    if cell.state != "done":
        return ReadCell(cell, (), None)
    wrong = damage(cell.out.parent)
    if wrong is not None:
        return ReadCell(
            cell, (), None, f"{wrong} since it was finished; run the sweep again to compute it anew"
        )
    try:
        results = read_results(cell.job, cell.out)
        rows = [{"table": name, **row} for name, result in results for row in rows_of(cell.job, name, result)]
    except ValueError as error:
        return ReadCell(cell, (), None, str(error))
    if not results and cell.job != "empty":
        return ReadCell(cell, (), None, "its directory holds no result")
    return ReadCell(cell, rows, outcome_of(results))


def table_rows(read: Iterable[ReadCell], columns: Columns) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table; a cell without rows has one, in which the columns of results are empty."""
    for one_cell in read:
        head = columns.head(one_cell.cell, one_cell.outcome)
        yield from ({**head, **row} for row in one_cell.rows or ({},))


def cost_row(read: ReadCell, columns: Columns, root: Path) -> dict[str, Any]:
    """Return the row of ``cells.csv``: what a cell cost, where it ran, its error; paths relative to the sweep."""
    cell = read.cell
    return {
        **columns.head(cell, read.outcome),
        **{name: getattr(cell, name) for name in ("attempts", "wall_s", "cpu_s", "peak_mb", "host")},
        "error": cell.error or read.problem or None,
        "needs": " ".join(cell.needs) or None,
        "directory": relative(cell.out, root),
        "log": relative(cell.log, root),
    }


def relative(path: Path, root: Path) -> str:
    """Return a path as seen from the directory of the sweep, with slashes."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
