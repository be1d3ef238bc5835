"""``Comparison``: the result object of ``compare``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..records.job_result import JobResult, Plot, Row

#: The value of the field ``"schema"`` of ``compare.json``.
COMPARE_SCHEMA = "spectral-ceilings/compare/1"


class Comparison(JobResult):
    """What ``compare`` says of several runs: a mapping with the content of ``compare.json``.

    Tables: ``runs`` (one row for each run and degree), ``groups`` (one for each l of a set of backbones, with intervals over
    backbones), ``seeds``.

    Plots: ``recovery``, for one ``degree``.
    """

    schema_name = COMPARE_SCHEMA
    schema_file = "compare"
    file_name = "compare.json"
    job = "ceilings compare"
    table_names = ("runs", "groups", "seeds")

    def _table(self, name: str) -> Iterable[Row]:
        return self._group_rows() if name == "groups" else super()._table(name)

    def _group_rows(self) -> Iterable[dict[str, Any]]:
        for number, group in enumerate(self["groups"]):
            head = {
                "group": number,
                **{key: group[key] for key in ("formula", "architecture", "l_max", "layer")},
            }
            for table in group["tables"]:
                kind = {key: table[key] for key in ("readout", "degree", "boundary", "backbones", "atoms")}
                for row in table["rows"]:
                    figures = {
                        f"{figure}{end}": row[figure][part]
                        for figure in ("r2", "rho")
                        for end, part in (("", "value"), ("_low", "low"), ("_high", "high"))
                    }
                    yield {**head, **kind, "l": row["l"], **figures}

    def _numbers(self) -> list[tuple[str, str]]:
        runs = dict.fromkeys(row["run"] for row in self["runs"])
        return [("runs", str(len(runs))), ("groups of backbones", str(len(self["groups"])))]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        def shown(value: object) -> str:
            return "-" if value is None else str(value)

        head = ("run", "degree", "last recovered", "first lost", "ceiling", "outcome")
        return head, [
            [str(row["run"]), str(row["degree"]), shown(row["last_recovered"]), shown(row["first_lost"]),
             str(row["predicted_last"]), str(row["outcome"])]
            for row in self["runs"]
        ]  # fmt: skip

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import on_axes
        from .figure import comparison_panel

        return {"recovery": Plot(on_axes(comparison_panel, self), options=("degree",))}
