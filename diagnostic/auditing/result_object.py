"""``Audit``: the result object of ``audit``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..records.job_result import JobResult, Plot, Row
from .result import AUDIT_SCHEMA, spectra_rows


class Audit(JobResult):
    """What ``audit`` measured: a mapping with the content of ``result.json``.

    Tables: ``readouts``, ``features``, ``equivariance``, ``directions``, and ``spectra`` (one row for each power of each
    spectrum, as in ``spectra.csv``).

    Plots: ``features``, ``readouts`` (of a ``layer``), ``bandwidths`` and ``tails`` (of a ``graph``, star or full).
    """

    schema_name = AUDIT_SCHEMA
    schema_file = "audit"
    job = "ceilings audit"
    table_names = ("readouts", "features", "equivariance", "directions", "spectra")

    def _table(self, name: str) -> Iterable[Row]:
        return spectra_rows(self) if name == "spectra" else super()._table(name)

    def _numbers(self) -> list[tuple[str, str]]:
        numbers = [("layers", str(len(self["model"]["layers"])))]
        above = [row["above"] for row in self["readouts"] if row["above"] is not None]
        if above:
            numbers.append(("largest share above a ceiling", f"{max(above):.0e}"))
        return numbers

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return ("statement", "held"), [
            [str(statement["sentence"]), {True: "yes", False: "no", None: "undecided"}[statement["held"]]]
            for statement in self["verdict"]["statements"]
        ]

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import on_axes
        from .direction_figures import bandwidths_panel, tails_panel
        from .figures import features_panel, readouts_panel

        def missing(part: str) -> str:
            return "" if self[part] else f"no {part} were measured; audit with parts=({part!r},)"

        return {
            "readouts": Plot(on_axes(readouts_panel, self), missing("readouts"), ("layer",)),
            "features": Plot(on_axes(features_panel, self), missing("features")),
            "bandwidths": Plot(on_axes(bandwidths_panel, self), missing("directions"), ("graph",)),
            "tails": Plot(on_axes(tails_panel, self), missing("directions"), ("graph",)),
        }
