"""``ModelCalibration``: the result object of ``calibrate_models``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..records.job_result import JobResult, Plot, Row
from .cell import ModelCell

SCHEMA = "ceilings.calibrate-models/1"


class ModelCalibration(JobResult):
    """Whole models against theory: a mapping with the content of ``calibration.json``.

    Tables: ``rows``, one for each term of each model and graph, and ``cells``. Plots: ``stars`` (trained R2 by l against the
    exact share), ``crossover`` (R2 against the cutoff).
    """

    schema_name = SCHEMA
    schema_file = "model-calibration"
    file_name = "calibration.json"
    job = "ceilings calibrate --models"
    table_names = ("rows", "cells")

    @property
    def cells(self) -> list[ModelCell]:
        """The cells as objects."""
        return [ModelCell.from_dict(cell) for cell in self["cells"]]

    @property
    def disagreements(self) -> tuple[str, ...]:
        """One sentence for everything that is above theory, and for everything that is open."""
        return (*self["verdict"]["contradictions"], *self["verdict"]["undecided"])

    def _table(self, name: str) -> Iterable[Row]:
        if name == "cells":
            return super()._table(name)
        from .tables import flat_rows

        return flat_rows(self.cells)

    def _numbers(self) -> list[tuple[str, str]]:
        counts = self["verdict"]["counts"]
        return [
            ("cells", str(len(self["cells"]))),
            ("rows", str(sum(counts.values()))),
            *((name, str(count)) for name, count in counts.items()),
        ]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        from .tables import number

        return ("model", "term", "theory", "closed form", "trained", "verdict"), [
            [
                cell.settings.title,
                row.term,
                row.share or "no bound",
                number(row.closed_form),
                number(row.trained),
                row.verdict,
            ]
            for cell in self.cells
            for row in cell.rows
        ]

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import palette_of
        from .figures import crossover_panel, stars_panel

        cells = self.cells

        def on(panel: Any) -> Any:
            return lambda axes, **options: panel(axes, cells, palette_of(axes), **options)

        def lacking(graph: str) -> str:
            there = any(cell.settings.layout.graph == graph for cell in cells)
            return "" if there else f"no cell of the graph {graph} was run; add it to the plan's graphs"

        return {
            "stars": Plot(on(stars_panel), lacking("star")),
            "crossover": Plot(on(crossover_panel), lacking("cutoff"), ("l_max",)),
        }
