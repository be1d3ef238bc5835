"""What has become of a sweep: cells by state, those that failed, and what was found damaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .progress import StageCount
from .store import Store, StoredCell

if TYPE_CHECKING:
    from .collected import Collected


@dataclass
class SweepCounts:
    """Numbers of cells by state.

    Attributes
    ----------
    stages
        How far each stage is.
    blocked
        Cells that wait for one that failed; they are not open.
    workers
        Cells that run at a time.
    """

    stages: dict[str, StageCount] = field(default_factory=dict)
    blocked: int = 0
    workers: int = 1

    def add(self, stage: str, done: int = 0, failed: int = 0, open: int = 0, wall_s: float = 0.0) -> None:
        """Count cells of a stage."""
        old = self.stages.get(stage, StageCount(stage, 0, 0, 0))
        self.stages[stage] = StageCount(
            stage, old.done + done, old.failed + failed, max(0, old.open + open), old.wall_s + wall_s
        )

    @property
    def done(self) -> int:
        """Cells that are done."""
        return sum(stage.done for stage in self.stages.values())

    @property
    def failed(self) -> int:
        """Cells that failed."""
        return sum(stage.failed for stage in self.stages.values())

    @property
    def open(self) -> int:
        """Cells that are still to be computed."""
        return sum(stage.open for stage in self.stages.values())

    @property
    def total(self) -> int:
        """All cells of the plan, or of what was asked for."""
        return self.done + self.failed + self.open + self.blocked


@dataclass(frozen=True)
class SweepResult:
    """What has become of a sweep.

    Attributes
    ----------
    root
        Its directory.
    counts
        Cells by state.
    damaged
        What was found changed, moved aside and computed again: (label, what, folder it was moved to).
    trouble
        Why it stopped before its end; empty where it did not.
    """

    root: Path
    counts: SweepCounts
    damaged: tuple[tuple[str, str, str], ...] = ()
    trouble: str = ""

    @property
    def store(self) -> Store:
        """Its directory, to read cells from."""
        return Store(self.root)

    def cells(self) -> list[StoredCell]:
        """Return all cells with what has become of them."""
        return self.store.cells()

    @property
    def failed(self) -> list[StoredCell]:
        """Cells that failed, with their error and log."""
        return [cell for cell in self.store if cell.state == "failed"]

    @property
    def complete(self) -> bool:
        """Whether every cell is done."""
        return self.counts.done == self.counts.total

    def collect(self) -> Collected:
        """Write the table and the page of all results; see :func:`.gather.collect`."""
        from .gather import collect

        return collect(self.root)
