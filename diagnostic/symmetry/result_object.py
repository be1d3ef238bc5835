"""``SymmetryAudit``: the result object of ``symmetry_audit``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..records.job_result import JobResult, Plot, Row
from .result import SYMMETRY_SCHEMA, symmetry_rows


class SymmetryAudit(JobResult):
    """What ``symmetry_audit`` measured: a mapping with the content of ``result.json``.

    Tables: ``structures``, ``degrees`` (one row for each structure, quantity and l, as in ``symmetry.csv``), ``convergence``,
    ``remedies``, ``benchmark`` (one row for each structure of the fixed benchmark).

    Plots: ``degrees`` and ``convergence`` (``quantity``: force or energy), ``remedies`` (``field``: force_rms,
    momentum_drift or energy_drift).
    """

    schema_name = SYMMETRY_SCHEMA
    schema_file = "symmetry"
    job = "ceilings audit --parts symmetry"
    table_names = ("structures", "degrees", "convergence", "remedies", "benchmark")

    def _table(self, name: str) -> Iterable[Row]:
        if name == "benchmark":
            measured: Mapping[str, Any] | None = self.get("fixed_benchmark")
            return [] if measured is None else measured["structures"]
        return symmetry_rows(self) if name == "degrees" else super()._table(name)

    def _numbers(self) -> list[tuple[str, str]]:
        summary, quadrature = self["summary"], self["quadrature"]
        return [
            ("E_rot", f"{summary['energy_rms']['value']:.3g} meV/atom"),
            ("F_rot", f"{summary['force_rms']['value']:.3g} meV/Å"),
            ("rotations", str(quadrature["rotations"])),
        ]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        head = ("structure", "formula", "energy, meV/atom", "forces, meV/Å")
        return head, [
            [
                str(structure["structure"]),
                str(structure["formula"]),
                f"{structure['energy_rms']:.3g}",
                f"{structure['force_rms']:.3g}",
            ]
            for structure in self["structures"][:10]
        ]

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import on_axes
        from .figures import convergence_panel, degrees_panel, remedies_panel

        measured = (
            "" if self["remedies"] else "no remedies were measured; audit with parts=('symmetry', 'remedies')"
        )
        return {
            "degrees": Plot(on_axes(degrees_panel, self), options=("quantity",)),
            "convergence": Plot(on_axes(convergence_panel, self), options=("quantity",)),
            "remedies": Plot(on_axes(remedies_panel, self), measured, ("field",)),
        }
