"""``Calibration``: the result objects of ``calibrate`` and ``calibrate_trained``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from ...numerics.calibration import CalibrationRow
from ..records.job_result import JobResult, Plot, read_content
from .plan import SCHEMA, CalibrationCells
from .span_run import SPAN_SCHEMA, kept_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..pages.figure_style import Palette


class Calibration(JobResult):
    """What a calibration measured: a ``SpanCalibration`` or a ``TrainedCalibration``; ``load`` reads either."""

    file_name = "calibration.json"
    job = "ceilings calibrate"
    schema_name = SPAN_SCHEMA
    schema_file = "calibration"

    @property
    def held(self) -> bool:
        """Whether everything measured is what theory says."""
        return bool(self["agrees"])

    @property
    def disagreements(self) -> tuple[str, ...]:
        """One sentence for everything that is not what theory says."""
        return tuple(self["disagreements"])

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a calibration of either kind; see :meth:`JobResult.load`."""
        if cls is not Calibration:
            return super().load(path)
        given = Path(path)
        content = read_content(
            given / cls.file_name if given.is_dir() else given, f"give a folder of '{cls.job}'"
        )
        trained = isinstance(content, dict) and content.get("schema") == SCHEMA
        return cast(Self, TrainedCalibration.load(path) if trained else SpanCalibration.load(path))


class SpanCalibration(Calibration):
    """The calibration table, theory against every measurement of the span: a mapping with the content of ``calibration.json``.

    The singular values, which are long, are no part of the mapping; they stay with the cells of a run, and ``load`` of its
    folder finds them.

    Table: ``rows``, one for each pair (d, L). Plots: ``ranks``, ``staircase``, ``cyclic``.
    """

    table_names = ("rows",)
    _singular_values: dict[tuple[int, int], tuple[float, ...]]

    @classmethod
    def from_rows(cls, rows: Sequence[CalibrationRow], seed: int) -> SpanCalibration:
        """Return the calibration of measured rows."""
        plain = [row.to_dict() for row in rows]
        for row in plain:
            row.pop("singular_values")
        made = cls(
            {"schema": SPAN_SCHEMA, "seed": seed, "agrees": all(row.agrees for row in rows), "rows": plain}
        )
        made._singular_values = {
            (row.degree, row.l_max): row.singular_values for row in rows if row.singular_values
        }
        return made

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a calibration table; the singular values too where the path is the folder of its run."""
        made = super().load(path)
        made._singular_values = {}
        for row in made["rows"] if Path(path).is_dir() else ():
            pair = (int(row["degree"]), int(row["l_max"]))
            kept = kept_row(Path(path), *pair)
            if kept is not None and kept.singular_values:
                made._singular_values[pair] = kept.singular_values
        return made

    @property
    def measured(self) -> list[CalibrationRow]:
        """The rows as objects, with their singular values where they are known."""
        known = getattr(self, "_singular_values", {})
        return [
            CalibrationRow.from_dict({**row, "singular_values": known.get((row["degree"], row["l_max"]))})
            for row in self["rows"]
        ]

    @property
    def disagreements(self) -> tuple[str, ...]:
        """One sentence for everything that is not what theory says."""
        return tuple(sentence for row in self["rows"] for sentence in row["disagreements"])

    @property
    def sentence(self) -> str:
        """Whether all pairs agree with theory."""
        wrong = [row for row in self["rows"] if row["disagreements"]]
        if not wrong:
            return f"All {len(self['rows'])} pairs (d, L) agree with theory, in every way of measuring."
        return f"{len(wrong)} of {len(self['rows'])} pairs (d, L) disagree with theory: {wrong[0]['disagreements'][0]}."

    def _numbers(self) -> list[tuple[str, str]]:
        return [
            ("highest dL", str(max(row["boundary"] for row in self["rows"]))),
            ("seed", str(self["seed"])),
        ]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        from .span_tables import HEADINGS, plain_power, rank_cells

        return HEADINGS, [rank_cells(row, plain_power) for row in self.measured]

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import palette_of
        from .span_figures import cyclic_panel, ranks_panel, staircase_panel

        def on(panel: Any) -> Any:
            return lambda axes: panel(axes, self.measured, palette_of(axes))

        long = "the singular values stay with the cells of a run: load the folder that it was written to"
        return {
            "ranks": Plot(on(ranks_panel)),
            "staircase": Plot(
                on(staircase_panel), "" if any(row.singular_values for row in self.measured) else long
            ),
            "cyclic": Plot(on(cyclic_panel)),
        }


class TrainedCalibration(Calibration):
    """Readouts trained by gradient descent against theory: a mapping with the content of ``calibration.json``.

    Table: ``cells``. Plots: ``grid`` (``value``: trained, closed form or theory), the controls ``width``, ``activation``,
    ``noise``, ``samples``, ``optimiser``, ``seeds``, and ``ring`` (``breaking``) and ``features`` of the ring of neighbours.
    """

    schema_name = SCHEMA
    schema_file = "calibration-trained"
    job = "ceilings calibrate --trained"
    table_names = ("cells",)

    @property
    def cells(self) -> CalibrationCells:
        """The cells as objects."""
        return CalibrationCells.from_dict(self)

    @property
    def sentence(self) -> str:
        """Whether all cells agree with theory."""
        wrong, count = self.disagreements, len(self["cells"])
        if not wrong:
            return f"All {count} cells agree with theory."
        return f"{len(wrong)} of {count} cells disagree with theory: {wrong[0]}."

    def _numbers(self) -> list[tuple[str, str]]:
        plan = self["plan"]
        return [
            ("field", plan["field"]),
            ("degrees up to", str(plan["max_degree"])),
            ("L up to", str(plan["max_l"])),
        ]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return ("d", "L", "theory", "closed form", "trained", "result"), [
            [str(cell["degree"]), str(cell["l_max"]), str(cell["theory"]), f"{cell['closed_form']:.4f}",
             f"{cell['r2']:.4f}", cell["status"]]
            for cell in self.rows(panel="grid")
        ]  # fmt: skip

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import palette_of
        from .control_figure import CONTROLS, control_panel
        from .figures import grid_panel, ring_features_panel, ring_panel

        cells = self.cells

        def on(panel: Any) -> Any:
            return lambda axes, **options: panel(axes, cells, palette_of(axes), **options)

        def control(name: str) -> Plot:
            def draw(axes: Axes, calibration: CalibrationCells, palette: Palette) -> None:
                control_panel(axes, calibration, palette, name)

            missing = "" if cells.panel(name) else "no such control was run; calibrate with controls=True"
            return Plot(on(draw), missing)

        no_ring = "" if cells.ring else "the ring was not run; calibrate with ring=True"
        return {
            "grid": Plot(on(grid_panel), options=("value",)),
            **{name: control(name) for name in CONTROLS},
            "ring": Plot(on(ring_panel), no_ring, ("breaking",)),
            "features": Plot(on(ring_features_panel), no_ring),
        }
