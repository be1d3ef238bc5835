"""``LearningCurves``: the result object of ``learning_curves``."""

from __future__ import annotations

from collections.abc import Sequence

from ..records.job_result import JobResult, Plot
from .wording import label_of, words_of

#: The value of the field ``"schema"`` of ``curves.json``.
CURVES_SCHEMA = "spectral-ceilings/learning-curves/1"


class LearningCurves(JobResult):
    """What ``learning_curves`` measured: a mapping with the content of ``curves.json``.

    It judges nothing, so ``held`` is None. Tables: ``points``, ``atoms``. Plots: ``features``, ``coefficients``, ``training``.
    """

    schema_name = CURVES_SCHEMA
    schema_file = "curves"
    file_name = "curves.json"
    job = "ceilings learning-curve"
    table_names = ("points", "atoms")

    @property
    def sentence(self) -> str:
        """What limits the atoms that are drawn."""
        limited = [atom for atom in self["atoms"] if atom["limited_by"]]
        known = words_of("environments" in self["data"])
        words = "; ".join(
            f"{label_of(atom)} by {'' if atom['limited_by'] == 'nothing' else 'its '}{known[atom['limited_by']]}"
            for atom in limited
        )
        return f"R² at l = {self['l']} for degree {self['degree']} is limited: {words}."

    def _numbers(self) -> list[tuple[str, str]]:
        return [("ceiling", f"l = {self['boundary']}"), ("points", str(len(self["points"])))]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        drawn = [atom for atom in self["atoms"] if atom["role"]]
        steps = list(dict.fromkeys(step for atom in drawn for step in atom["heights"]))
        return [words_of("environments" in self["data"])["who"], "role", *steps], [
            [label_of(atom), atom["role"],
             *(f"{atom['heights'][step]:.3f}" if step in atom["heights"] else "" for step in steps)]
            for atom in drawn
        ]  # fmt: skip

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import on_axes
        from .figure import PANELS, curves_panel

        def panel(name: str) -> Plot:
            return Plot(
                on_axes(lambda axes, result, palette: curves_panel(axes, result, palette, name), self)
            )

        return {name: panel(name) for name in PANELS}
