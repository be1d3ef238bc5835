"""What a sweep has found: counts, failures, cliffs, contrasts, and the files that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..theory.errors import InputError
from .cliffs import Cliff
from .contrasts import Contrast

if TYPE_CHECKING:
    import pandas

SCHEMA = "spectral-ceilings/sweep-collected/1"


@dataclass(frozen=True)
class FailedCell:
    """A cell without a result, though it ended: its error, and its log as seen from the directory of the sweep."""

    key: str
    stage: str
    labels: Mapping[str, Any]
    exit_status: int | None
    error: str
    log: str


@dataclass
class Collected:
    """What ``collect`` gives back.

    Attributes
    ----------
    out
        The directory of the sweep.
    name
        Its name.
    counts
        Number of cells by stage and state.
    outcomes
        Number of cells by what their verdict says of theory.
    failed
        Cells that ended without a result, at most 200.
    cliffs
        R2 against l of every diagnosis.
    contrasts
        What a change of one label does, with the interval over backbones.
    rows
        Number of rows of the table.
    files
        The files in the folder ``collected``, by name: table.csv, cells.csv, ... and report.html.
    """

    out: Path
    name: str = ""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    failed: list[FailedCell] = field(default_factory=list)
    cliffs: list[Cliff] = field(default_factory=list)
    contrasts: list[Contrast] = field(default_factory=list)
    rows: int = 0
    files: dict[str, Path] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)

    @property
    def table(self) -> Path:
        """The long table, ``table.csv``."""
        return self.files["table.csv"]

    @property
    def page(self) -> Path:
        """The page, ``report.html``."""
        return self.files["report.html"]

    def count(self, *states: str) -> int:
        """Return how many cells are in some states; without any, how many there are."""
        return sum(
            number
            for by_state in self.counts.values()
            for state, number in by_state.items()
            if state in states or not states
        )

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the table as a pandas data frame.

        Raises
        ------
        InputError
            pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise InputError(
                "to_dataframe needs pandas, which is not installed: install the extra with "
                "pip install 'spectral-ceilings[dataframe]', or read table.csv"
            ) from error
        parquet = self.files.get("table.parquet")
        return pandas.read_csv(self.table) if parquet is None else pandas.read_parquet(parquet)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``collected.json``: no times, no hosts, no paths outside of the sweep."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "rows": self.rows,
            "counts": self.counts,
            "outcomes": dict(sorted(self.outcomes.items())),
            "failed": [
                {"key": cell.key, "stage": cell.stage, "labels": dict(cell.labels), "exit_status": cell.exit_status}
                for cell in self.failed
            ],
            "cliffs": [
                {"key": cliff.key, "labels": dict(cliff.labels), "replicate": cliff.replicate, "formula": cliff.formula,
                 "readout": cliff.readout, "degree": cliff.degree, "boundary": cliff.boundary, "r2": list(cliff.r2),
                 "last_recovered": cliff.last_recovered, "height": cliff.height(), "force_mae_eV_A": cliff.force_mae}
                for cliff in self.cliffs
            ],
            "contrasts": [contrast.to_dict() for contrast in self.contrasts],
        }  # fmt: skip
