"""What the commands share: how a long job shows where it stands, and the command line as it was given."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: A job that is over sooner says nothing in a log, seconds.
_QUICK = 2.0
#: A part that is over sooner, and finished no step, gets no line, seconds.
_BRIEF = 0.5
#: A part that takes longer says so in a log this often, seconds.
_PATIENCE = 60.0


class Watch:
    """Shows the progress of a job: call it as a ``Progress`` callback, with (what, done, total)."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` steps are finished, and that ``what`` is being computed."""
        raise NotImplementedError

    def note(self, text: str) -> None:
        """Say what was measured on the way."""
        raise NotImplementedError


class _Lines(Watch):
    """Lines in a log: one for each part of the job when it is finished, with the steps done and the seconds it took."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = self._part = self._said = time.monotonic()
        self._what: str | None = None
        self._done = self._total = self._first = 0
        self._held: list[str] = []

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self._what:
            if self._what is not None:
                steps = (done, total) if total == self._total else (self._total, self._total)
                if now - self._part >= _BRIEF or done > self._first:
                    self._say(f"{_count(*steps)}{self._what}, {now - self._part:.0f} s")
            self._first = done
            self._what, self._part, self._said = what, now, now
        elif now - self._said >= _PATIENCE:
            self._say(f"{_count(done, total)}{what}, {now - self._part:.0f} s so far")
        self._done, self._total = done, total

    def note(self, text: str) -> None:
        self._say(f"{_count(self._done, self._total)}{text}, {time.monotonic() - self._start:.0f} s")

    def end(self) -> None:
        """Say that the last part is finished, and with it the job."""
        if self._what is not None:
            seconds = time.monotonic() - self._part
            self._say(f"{_count(max(self._done, self._total), self._total)}{self._what}, {seconds:.0f} s")

    def _say(self, line: str) -> None:
        self._said = time.monotonic()
        self._held.append(line)
        if self._said - self._start >= _QUICK:
            print("\n".join(self._held), file=self._stream, flush=True)
            self._held.clear()


def _count(done: int, total: int) -> str:
    return f"[{done}/{total}] " if total > 1 else f"[{done}] " if done else ""


class _Shown(Watch):
    """A bar on a terminal."""

    def __init__(self, bar: Bar, first: str) -> None:
        self._bar, self._task = bar, bar.add_task(first, total=None, count="", note="")

    def __call__(self, what: str, done: int, total: int) -> None:
        self._bar.update(
            self._task, description=what, completed=done, total=total if total > 1 else None,
            count=f"{done}/{total}" if total > 1 else f"{done} done" if done else "",
        )  # fmt: skip

    def note(self, text: str) -> None:
        self._bar.update(self._task, note=text)


@contextmanager
def watched(first: str) -> Iterator[Watch]:
    """Yield what shows a job's progress on standard error: a bar on a terminal, else a line for each finished part.

    Parameters
    ----------
    first
        What the job begins with.
    """
    if not sys.stderr.isatty():
        lines = _Lines(sys.stderr)
        yield lines
        lines.end()  # not where an error ended the job
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Shown(bar, first)


def command_line() -> str:
    """Return the command that is running, as one would type it, without the folder of the program."""
    return shlex.join(["ceilings", *sys.argv[1:]])
