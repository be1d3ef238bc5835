"""``Observation``: the result object of :func:`observe`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..records.job_result import JobResult, Plot, Row

#: The value of the field ``"schema"``; a change of meaning changes the last number.
OBSERVE_SCHEMA = "spectral-ceilings/observe/1"


class Observation(JobResult):
    """What :func:`observe` measured: a mapping with the content of ``result.json``.

    Tables: ``numbers`` (one row for each number of an observable and cure), ``runs``, ``cures`` (one row for each cure and
    observable: error, cost, whether on the front), ``sufficient`` (one row for each observable), ``comparison`` (measured and
    predicted), ``statements``.

    Plots: those of the figures on the page.
    """

    schema_name = OBSERVE_SCHEMA
    schema_file = "observe"
    job = "ceilings observe"
    table_names = ("numbers", "runs", "cures", "sufficient", "comparison", "statements")

    def _table(self, name: str) -> Iterable[Row]:
        if name == "numbers":
            return [
                {"observable": observable, "cure": cure, **number}
                for observable, by_cure in self["observables"].items()
                for cure, measured in by_cure.items()
                for number in measured["numbers"]
            ]
        if name == "statements":
            statements: Iterable[Row] = self["verdict"]["statements"]
            return statements
        table = self["cures"] or {"rows": [], "sufficient": {}}
        if name == "cures":
            return [
                {"cure": row["cure"], "evaluations": row["evaluations"], "drift": row["drift"],
                 "drift_error": row["drift_error"], "observable": observable, **error, "front": row["front"].get(observable)}
                for row in table["rows"] for observable, error in row["errors"].items()
            ]  # fmt: skip
        if name == "sufficient":
            return [{"observable": observable, **row} for observable, row in table["sufficient"].items()]
        rows: Iterable[Row] = self[name]
        return rows

    def _numbers(self) -> list[tuple[str, str]]:
        return [(row["name"], row["outcome"]) for row in self["verdict"]["statements"]]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return ("observable", "outcome"), self._numbers()

    def _plots(self) -> dict[str, Plot]:
        return {}
