"""Where a running sweep stands: a live line for each running cell on a terminal, plain lines in its log, and the time left."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

#: The file in the directory of a sweep that gets a line for each change.
LOG_NAME = "sweep.log"
#: More changes than this at once are told on standard error by their counts; the log has a line for each.
_MOST_LINES = 8
#: States after which a cell does not change by itself.
_ENDED = ("done", "failed")


class CellState(NamedTuple):
    """Where a cell stands.

    Attributes
    ----------
    label
        What tells it apart, such as ``train ethanol, l-max 2, seed 0``.
    state
        ``done``, ``failed``, ``waiting``, ``running`` or ``open``.
    seconds
        How long it has run, or ran.
    line
        The last line of its log.
    """

    label: str
    state: str
    seconds: float = 0.0
    line: str = ""


class StageCount(NamedTuple):
    """How far a stage is: ``open`` are cells that have yet to end, running ones too; ``wall_s`` is the sum over ended ones."""

    stage: str
    done: int
    failed: int
    open: int
    wall_s: float = 0.0


def time_left(stages: Iterable[StageCount], workers: int) -> float | None:
    """Return about how many seconds a sweep still takes, by its ended cells.

    The sum over stages of (mean wall time of an ended cell) x (cells that have yet to end), over ``workers``, and never less
    than one cell of the slowest open stage takes; None while a stage with open cells has none that ended.

    Examples
    --------
    >>> time_left([StageCount("train", 2, 0, 4, 20.0)], workers=2)
    20.0
    """
    total = chain = 0.0
    for stage in stages:
        if not stage.open:
            continue
        ended = stage.done + stage.failed
        if not ended:
            return None
        mean = stage.wall_s / ended
        total += mean * stage.open
        chain = max(chain, mean)
    return max(total / max(workers, 1), chain)


def duration(seconds: float) -> str:
    """Return a length of time as text: ``8 s``, ``12 min``, ``3 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def counts_line(stages: Sequence[StageCount], workers: int) -> str:
    """Return how many cells are done, failed and open, and about how long the rest takes."""
    done = sum(stage.done for stage in stages)
    failed = sum(stage.failed for stage in stages)
    left = sum(stage.open for stage in stages)
    parts = [f"{done} of {done + failed + left} done"]
    if failed:
        parts.append(f"{failed} failed")
    seconds = time_left(stages, workers)
    if left and seconds is not None:
        parts.append(f"about {duration(seconds)} left")
    return ", ".join(parts)


class Progress:
    """Says where a sweep stands; a context manager.

    Parameters
    ----------
    out
        The directory of the sweep; ``sweep.log`` in it gets a line for each change of a cell's state.
    workers
        How many cells run at a time.
    stream
        Where to say it; None: standard error.
    terminal
        Whether ``stream`` shows live lines; None: where it is a terminal. Elsewhere it gets the lines of the log.
    """

    def __init__(
        self, out: str | Path, workers: int = 1, *, stream: TextIO | None = None, terminal: bool | None = None
    ) -> None:
        self._path, self.workers = Path(out) / LOG_NAME, workers
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty() if terminal is None else terminal
        self._known: dict[str, str] = {}
        self._live: Live | None = None
        self._unwritable = False

    def __enter__(self) -> Self:
        """Begin to show live lines, where there is a terminal."""
        if self._terminal:
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._stream, force_terminal=True, highlight=False)
            self._live = Live(console=console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the live lines away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(
        self, states: Iterable[CellState | tuple[str, str, float, str]], stages: Sequence[StageCount] = ()
    ) -> None:
        """Show where the cells stand.

        Parameters
        ----------
        states
            (label, state, seconds, last line of the log) of every cell that runs and of those that changed; others may be left
            out. A cell that was never told of counts as open.
        stages
            How far each stage is, for the counts and the time left.
        """
        cells = [CellState(*state) for state in states]
        changed = [cell for cell in cells if self._known.get(cell.label, "open") != cell.state]
        self._known.update((cell.label, cell.state) for cell in changed)
        lines = [_change(cell) for cell in changed]
        if lines and stages:
            lines[-1] += f" ({counts_line(stages, self.workers)})"
        self._write(lines)
        if self._live is not None:
            self._live.update(
                self._table([cell for cell in cells if cell.state == "running"], stages), refresh=True
            )
            for cell, line in zip(changed, lines, strict=True):
                if cell.state == "failed":
                    self._live.console.print(line, markup=False, style="red", soft_wrap=True)
        elif len(lines) <= _MOST_LINES:
            self._say(lines)
        else:
            told = [line for cell, line in zip(changed, lines, strict=True) if cell.state == "failed"][
                :_MOST_LINES
            ]
            self._say(
                [
                    *told,
                    f"{len(lines)} cells changed: {counts_line(stages, self.workers)}"
                    if stages
                    else f"{len(lines)} cells changed",
                ]
            )

    def note(self, line: str) -> None:
        """Say a line that belongs to no cell, such as which engine runs the sweep."""
        self._write([line])
        if self._live is not None:
            self._live.console.print(line, markup=False, soft_wrap=True)
        else:
            self._say([line])

    def _say(self, lines: Sequence[str]) -> None:
        if lines:
            print("\n".join(lines), file=self._stream, flush=True)

    def _write(self, lines: Sequence[str]) -> None:
        """Append lines to the log in one write: two sweeps on one directory do not mix theirs."""
        if not lines:
            return
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        text = "".join(f"{now} {line}\n" for line in lines).encode("utf-8", "replace")
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                os.write(handle, text)
            finally:
                os.close(handle)
        except OSError as error:  # a sweep does not end because its log cannot be written
            if not self._unwritable:
                self._say(
                    [
                        f"{str(self._path)!r} cannot be written ({error.strerror or error}); the sweep goes on without it"
                    ]
                )
            self._unwritable = True

    def _table(self, cells: Sequence[CellState], stages: Sequence[StageCount]) -> RenderableType:
        """Return the live lines: one for each running cell, as many as the terminal has room for, and the counts."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        assert self._live is not None
        room = max(1, self._live.console.height - 3)
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=2)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
        for cell in cells[:room]:
            table.add_row(
                Text(cell.label), Text(duration(cell.seconds)), Text(_printable(cell.line), style="dim")
            )
        below = [counts_line(stages, self.workers)] if stages else []
        if len(cells) > room:
            below.insert(0, f"and {len(cells) - room} more running")
        return Group(table, Text("; ".join(below)))


def _change(cell: CellState) -> str:
    """Return the line of the log for a cell whose state changed."""
    took = f", {duration(cell.seconds)}" if cell.state in _ENDED else ""
    why = f": {_printable(cell.line)}" if cell.state == "failed" and cell.line else ""
    return f"{cell.state}: {_printable(cell.label)}{took}{why}"


def _printable(text: str) -> str:
    """Return a text on one line without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()
