"""The parts of a run, each computed once: kept in the run directory where there is one, and timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from .plain import plain
from .run_directory import RunDirectory


class Parts:
    """Finished parts of a run, by key.

    Attributes
    ----------
    run
        The run directory; None: nothing is kept.
    timings
        Wall time in seconds of every part that was computed here, not taken from the run directory.
    """

    def __init__(self, run: RunDirectory | None) -> None:
        self.run = run
        self.timings: dict[str, float] = {}

    @classmethod
    def open(cls, out: Path | None, asked: Mapping[str, Any], resume: bool, grows: str = "") -> Parts:
        """Return the parts of the run in ``out``, made if need be; None: of a run that is only returned.

        Raises
        ------
        InputError
            As :meth:`RunDirectory.create`, whose settings are ``asked``; ``grows`` as there.
        """
        return cls(None if out is None else RunDirectory.create(out, asked, resume, grows))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the run directory up; see :meth:`RunDirectory.close`. A ``with`` block does so at its end."""
        if self.run is not None:
            self.run.close()

    def get(self, key: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return the part of this key as plain JSON values: the one that is kept, or what ``compute`` gives."""
        part = self.run.load_cell(key) if self.run else None
        if part is None:
            start = time.perf_counter()
            part = plain(compute(), key)
            self.timings[key] = round(time.perf_counter() - start, 3)
            if self.run:
                self.run.save_cell(key, part)
        return part
