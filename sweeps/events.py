"""What workers tell while they run: one file of JSON lines for each, read as it grows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .one_cell import last_line
from .plan import cell_directory


class Ended(NamedTuple):
    """A cell that has ended: ``done``, ``failed``, or ``open`` where it was killed and will be tried again."""

    stage: str
    label: str
    state: str
    seconds: float
    line: str


@dataclass
class _Begun:
    key: str
    label: str
    stage: str
    since: float


@dataclass
class Running:
    """The cells that run now, by what the workers of a sweep have written since this object was made.

    Attributes
    ----------
    root
        Directory of the sweep.
    stopped
        Why a worker stopped before its end, such as a full disk; empty where none did.
    """

    root: Path
    stopped: str = ""
    _read: dict[Path, int] = field(default_factory=dict)
    _begun: dict[Path, _Begun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._read = {path: path.stat().st_size for path in self._files()}  # what was told before is history

    def _files(self) -> list[Path]:
        folder = self.root / "workers"
        return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []

    def news(self) -> Iterator[Ended]:
        """Yield every cell that has ended since the last call."""
        for path in self._files():
            place = self._read.get(path, 0)
            if path.stat().st_size <= place:
                continue
            with path.open("rb") as stream:
                stream.seek(place)
                text = stream.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read[path] = place + len(whole)
            for line in whole.decode("utf-8", "replace").splitlines():
                yield from self._event(path, line)

    def _event(self, path: Path, line: str) -> Iterator[Ended]:
        try:
            event = json.loads(line)
            kind = event["event"]
        except (ValueError, KeyError, TypeError):
            return  # half a line that a killed worker left
        if kind == "begin":
            self._begun[path] = _Begun(event["key"], event["label"], event["stage"], event["time"])
        elif kind == "ended" and path in self._begun:
            begun = self._begun.pop(path)
            line = last_line(cell_directory(self.root, begun.key) / "log.txt")
            yield Ended(begun.stage, begun.label, event["state"], event["time"] - begun.since, line)
        elif kind in ("start", "end", "stop"):
            self._begun.pop(path, None)
            if kind == "stop":
                self.stopped = event["why"]

    def cells(self) -> list[tuple[str, str, float, str]]:
        """Return (label, state, seconds running, last line of its log) of the cells that run now."""
        now = time.time()
        return [
            (b.label, "running", now - b.since, last_line(cell_directory(self.root, b.key) / "log.txt"))
            for b in self._begun.values()
        ]
