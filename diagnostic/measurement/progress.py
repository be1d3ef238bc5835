"""How far a run is, and where its time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..records.progress import Progress, silent


class RunProgress:
    """Times the parts of a run, counts its finished cells, and tells both to its caller.

    Time spent in an inner part is not counted in the outer one.

    Parameters
    ----------
    report
        Called with (what, done, total); None: nobody is told.

    Attributes
    ----------
    seconds
        Seconds by part.
    done, total
        Finished cells, and how many there will be: 0 before :meth:`expect`.
    """

    def __init__(self, report: Progress | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self.done = self.total = 0
        self._report: Progress = report or silent
        self._inner = [0.0]
        self._what = [""]

    def expect(self, cells: int) -> None:
        """Say how many cells there will be."""
        self.total = cells

    def finished(self, _name: str) -> None:
        """Count a finished cell."""
        self.done += 1
        self._report(self._what[-1], self.done, self.total)

    def say(self, what: str) -> None:
        """Tell the caller what is being done, within a part."""
        self._report(what, self.done, self.total)

    @contextmanager
    def part(self, timing: str, what: str = "") -> Iterator[None]:
        """Time a part under the name ``timing``; ``what`` tells the caller what is being done."""
        start = time.perf_counter()
        self._inner.append(0.0)
        self._what.append(what or self._what[-1])
        try:
            if what:
                self._report(what, self.done, self.total)
            yield
        finally:
            spent = time.perf_counter() - start
            inner = self._inner.pop()
            self._what.pop()
            self._inner[-1] += spent
            self.seconds[timing] = round(self.seconds.get(timing, 0.0) + spent - inner, 3)
