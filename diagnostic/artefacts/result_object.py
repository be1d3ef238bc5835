"""``Artefacts``: the result object of :func:`measure_artefacts`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..records.job_result import JobResult, Plot, Row

#: The value of the field ``"schema"``; a change of meaning changes the last number.
ARTEFACTS_SCHEMA = "spectral-ceilings/artefacts/1"


class Artefacts(JobResult):
    """What :func:`measure_artefacts` measured: a mapping with the content of ``result.json``.

    Tables: ``statements`` (one row for each artefact), ``walls`` (one row for each scan and energy), ``modes`` (one row for each
    frequency).

    Plots: ``repulsion``, ``phonons``, ``drift``, ``liquid``.
    """

    schema_name = ARTEFACTS_SCHEMA
    schema_file = "artefacts"
    job = "ceilings artefacts"
    table_names = ("statements", "walls", "modes")

    def _table(self, name: str) -> Iterable[Row]:
        measured = self["artefacts"]
        if name == "walls":
            scans = measured.get("repulsion", {}).get("scans", [])
            return [
                {"scan": scan["name"], "unit": scan["unit"], **row} for scan in scans for row in scan["rows"]
            ]
        if name == "modes":
            phonons = measured.get("phonons")
            if phonons is None:
                return []
            return [
                {"wave_vector": k, "mode": mode, "model": ours, "reference": theirs}
                for k, pair in enumerate(zip(phonons["model"], phonons["reference"], strict=True))
                for mode, (ours, theirs) in enumerate(zip(*pair, strict=True))
            ]
        statements: Iterable[Row] = self["verdict"]["statements"]
        return statements

    def _numbers(self) -> list[tuple[str, str]]:
        return [(row["name"], row["verdict"]) for row in self["verdict"]["statements"]]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return ("artefact", "verdict"), self._numbers()

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import on_axes
        from .figures import PANELS, drawable

        return {
            name: Plot(
                on_axes(panel, self),
                "" if drawable(self, name) else f"{name} was not measured; ask for it with only=('{name}',)",
            )
            for name, panel in PANELS.items()
        }
