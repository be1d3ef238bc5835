"""``Observation``: the result object of :func:`observe`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...theory.errors import InputError
from ..records.job_result import JobResult, Plot, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The value of the field ``"schema"``; a change of meaning changes the last number.
OBSERVE_SCHEMA = "spectral-ceilings/observe/1"


class Observation(JobResult):
    """What :func:`observe` measured: a mapping with the content of ``result.json``.

    Tables: ``numbers`` (one row for each number of an observable and cure), ``runs``, ``cures`` (one row for each cure and
    observable: error, cost, whether on the front), ``sufficient`` (one row for each observable), ``comparison`` (measured and
    predicted), ``statements``.

    With ``against`` there is also ``models``: as ``cures``, of all models that are compared.

    Plots: ``map`` (``cure``, or ``predicted``) and ``profile`` of orientations, ``moments``, ``pareto`` (``observable``; of all
    models that are compared), ``curve`` (``observable``, and ``curve``, its number), ``drift``.
    """

    schema_name = OBSERVE_SCHEMA
    schema_file = "observe"
    job = "ceilings observe"
    table_names = ("numbers", "runs", "cures", "sufficient", "comparison", "statements", "models")

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
        if name in ("cures", "models"):
            if name == "models":
                table = self.get("comparison_of_models") or {"rows": []}
            return [
                {**({"model": row["model"]} if "model" in row else {}), "cure": row["cure"],
                 "evaluations": row["evaluations"], "drift": row["drift"], "drift_error": row["drift_error"],
                 "observable": observable, **error, "front": row["front"].get(observable)}
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
        from ..pages.axes import on_axes
        from .drawn import cures_of, table_of
        from .figures import curve_panel, drift_panel, pareto_panel
        from .orientation_figures import moments, moments_panel, orientation_panel, profile_panel, shown_maps

        no_maps = "" if shown_maps(self) else "orientations were not measured"
        curved = [
            name
            for name, by_cure in self["observables"].items()
            if any(row["curves"] for row in by_cure.values())
        ]
        rows = table_of(self)["rows"]
        errors = [name for row in rows for name in row["errors"]]

        def curve(axes: Axes, observable: str = "", curve: int = 0) -> None:
            on_axes(curve_panel, self)(axes, observable=self._given(observable, curved), curve=curve)

        def pareto(axes: Axes, observable: str = "") -> None:
            on_axes(pareto_panel, self)(axes, observable=self._given(observable, errors))

        def maps(axes: Axes, cure: str = "") -> None:
            on_axes(orientation_panel, self)(axes, cure=self._given(cure, list(shown_maps(self)), "map"))

        return {
            "pareto": Plot(
                pareto, "" if errors else "no error of an observable was measured", ("observable",)
            ),
            "map": Plot(maps, no_maps, ("cure",)),
            "profile": Plot(on_axes(profile_panel, self), no_maps),
            "moments": Plot(
                on_axes(moments_panel, self),
                ""
                if any(moments(self, cure) for cure in cures_of(self))
                else "orientations were not measured",
            ),
            "curve": Plot(curve, "" if curved else "no observable has a curve", ("observable", "curve")),
            "drift": Plot(
                on_axes(drift_panel, self),
                "" if any(row["drift"] is not None for row in rows) else "drift was not measured",
            ),
        }

    @staticmethod
    def _given(name: str, known: Sequence[str], what: str = "such plot of the observable") -> str:
        """Return a name that was asked for, or the first that there is."""
        if name and name not in known:
            raise InputError(
                f"there is no {what} {name!r}, expected one of {', '.join(dict.fromkeys(known))}"
            )
        return name or known[0]
