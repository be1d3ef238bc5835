"""Finished cells of a run: each computed once, kept in memory and, where there is one, in the run directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..records.run_directory import RunDirectory
from ..recovery.error_sums import Cell
from .saved_cells import load_cell, save_cell


class CellStore:
    """Gives named cells, computing those that are not known yet.

    Parameters
    ----------
    run
        Where finished cells are kept; None: only in memory.
    finished
        Called with the name of each cell when it is known for the first time.
    """

    def __init__(
        self, run: RunDirectory | None = None, finished: Callable[[str], None] = lambda _name: None
    ) -> None:
        self._run, self._finished = run, finished
        self._known: dict[str, Cell] = {}

    def cells(self, names: Sequence[str], compute: Callable[[list[int]], Iterator[Cell]]) -> Iterator[Cell]:
        """Yield the named cells in order; ``compute`` gives those that are not known yet, by their numbers in ``names``."""
        known = [self._load(name) for name in names]
        missing = [k for k, cell in enumerate(known) if cell is None]
        computed = compute(missing) if missing else iter(())
        for name, cell in zip(names, known, strict=True):
            if cell is None:
                cell = next(computed)
                if self._run:
                    cell = save_cell(self._run, name, cell)
            if name not in self._known:
                self._known[name] = cell
                self._finished(name)
            yield cell

    def cell(self, name: str, compute: Callable[[], Cell]) -> Cell:
        """Return the named cell, computed where it is not known yet."""
        return next(self.cells([name], lambda _missing: iter((compute(),))))

    def _load(self, name: str) -> Cell | None:
        if name in self._known:
            return self._known[name]
        return load_cell(self._run, name) if self._run else None
