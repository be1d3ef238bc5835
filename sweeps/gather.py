"""``collect``: everything that the cells of a sweep found, in one table, and a page that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..diagnostic.records.files import write_json
from .cliffs import REPLICATES, cliffs_of
from .collected import Collected, FailedCell
from .collecting import Columns, ReadCell, cost_row, read_cell, relative, table_rows
from .contrasts import contrasts
from .store import Store, StoredCell
from .table_files import write_table

#: The folder in the directory of a sweep that the tables and the page go to.
FOLDER = "collected"
#: Failed cells that are listed singly; ``cells.csv`` has all of them.
_MOST_FAILED = 200


def collect(out: str | Path, *, replicates: Sequence[str] = REPLICATES, page: bool = True) -> Collected:
    """Gather the results of a sweep, finished or not, into ``OUT/collected``.

    ``table.csv`` and, with pyarrow, ``table.parquet`` have one row for each row of a cell's result, and one for a cell that has
    none: key, stage, job, a column for each label, state, exit status, outcome, and the columns of the jobs' own tables. They
    hold no times and no paths: two runs of one sweep give the same bytes where the work is deterministic. ``cells.csv`` has one
    row for each cell with what it cost. ``collected.json`` holds the cliffs and the contrasts, ``report.html`` shows them.
    Cells are read one after another: memory grows by about a kilobyte a diagnosis.

    Parameters
    ----------
    out
        The directory of the sweep.
    replicates
        Labels that number repetitions of one setting.
    page
        Whether to write the page and its figures too, which takes some seconds.

    Raises
    ------
    InputError
        There is no sweep in the directory.
    """
    root = Path(out)
    store = Store(root)
    columns = Columns.of(store.plan)
    made = Collected(root, str(store.plan.head["name"]))
    reading = _Reading(
        made, replicates, several=len({cell.stage for cell in store.plan if cell.job == "diagnose"}) > 1
    )
    folder = root / FOLDER
    made.rows, files = write_table(folder / "table", columns.table, table_rows(reading.cells(store), columns))
    _, others = write_table(folder / "cells", columns.cells, reading.costs(store, columns, root))
    made.contrasts = contrasts(made.cliffs)
    made.files = {path.name: path for path in [*files, *others]}
    write_json(folder / "collected.json", made.to_dict())
    made.files["collected.json"] = folder / "collected.json"

    if page:
        from .collected_page import write_page  # brings Matplotlib

        made.files["report.html"] = write_page(made, folder)
    return made


class _Reading:
    """One pass over the cells, on which everything is gathered that the page needs."""

    def __init__(self, made: Collected, replicates: Sequence[str], several: bool) -> None:
        self._made, self._replicates, self._several = made, replicates, several
        self._found: dict[str, tuple[str | None, str]] = {}
        self._training: dict[str, float] = {}

    def cells(self, store: Store) -> Iterator[ReadCell]:
        """Yield every cell with its rows."""
        for cell in store:
            read = read_cell(cell)
            self._take(cell, read)
            yield read

    def costs(self, store: Store, columns: Columns, root: Path) -> Iterator[dict[str, Any]]:
        """Yield the rows of ``cells.csv``."""
        for cell in store:
            outcome, problem = self._found.get(cell.key, (None, ""))
            yield cost_row(ReadCell(cell, (), outcome, problem), columns, root)

    def _take(self, cell: StoredCell, read: ReadCell) -> None:
        made = self._made
        by_state = made.counts.setdefault(cell.stage, {})
        by_state[cell.state] = by_state.get(cell.state, 0) + 1
        if read.outcome or read.problem:
            self._found[cell.key] = (read.outcome, read.problem)
        if read.outcome:
            made.outcomes[read.outcome] = made.outcomes.get(read.outcome, 0) + 1
        if (cell.state == "failed" or read.problem) and len(made.failed) < _MOST_FAILED:
            error = read.problem or cell.error or "no error was recorded"
            made.failed.append(
                FailedCell(
                    cell.key, cell.stage, cell.labels, cell.exit_status, error, relative(cell.log, made.out)
                )
            )
        took = cell.cpu_s if cell.cpu_s is not None else cell.wall_s
        if cell.job == "train" and took is not None:
            self._training[cell.key] = took
        if cell.job == "diagnose" and read.rows:
            spent = [self._training[key] for key in cell.needs if key in self._training]
            labels = {"stage": cell.stage, **cell.labels} if self._several else cell.labels
            made.cliffs += cliffs_of(
                cell.key, labels, read.rows, replicates=self._replicates, cost=sum(spent) if spent else None
            )
            if (cell.out / "report.html").is_file():
                made.reports[cell.key] = relative(cell.out / "report.html", made.out)
