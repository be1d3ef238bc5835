"""``Diagnosis``: the result object of ``diagnose``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from ...theory.errors import InputError
from ..measurement.result import (
    NO_PATH,
    RESULT_SCHEMA,
    Result,
    atom_rows,
    broken_law,
    no_ceiling,
    outcome_of_result,
    series,
)
from ..measurement.result_types import RecoveryRow
from ..measurement.structure_files import structure_files
from ..records.files import write_whole
from ..records.job_result import JobResult, Plot, Row
from ..records.outcomes import HELD

_NOT_POOLED = "its environments are not pooled by element; diagnose structures, or with by='element'"


class Diagnosis(JobResult):
    """What ``diagnose`` measured: a mapping with the content of ``result.json``.

    Tables: ``recovery`` (the fields of ``RECOVERY_COLUMNS``), ``atoms``, ``controls`` (the rows of every control, with its
    name in ``control``), ``plateaus`` and ``null`` (p-values).

    Plots: ``cliff``, ``near zero``, ``paths``, ``plateaus``, ``controls``, ``atoms``, ``molecule``, ``orientations``; of
    environments pooled by element ``elements``, ``environment`` and ``structure``.
    """

    schema_name = RESULT_SCHEMA
    schema_file = "result"
    job = "ceilings diagnose"
    table_names = ("recovery", "atoms", "controls", "plateaus", "null")

    @property
    def _content(self) -> Result:
        return cast(Result, self)

    @property
    def held(self) -> bool | None:
        """Whether theory held; None where the data do not decide, or nothing was held against it."""
        return HELD[outcome_of_result(self._content)]

    def _judged(self) -> str:
        return str(outcome_of_result(self._content))

    @classmethod
    def _broken_law(cls, content: dict[str, Any]) -> str | None:
        return broken_law(cast(Result, content))

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the JSON file, checked against its schema; return its path.

        Into a directory, the files that other programs show go too: ``atoms.extxyz``, ``environments.csv`` and, where the
        package chemiscope is installed, ``chemiscope.json.gz``.

        Parameters
        ----------
        path
            A file ending in ``.json``, or a directory that is to hold ``file_name`` and the others.
        overwrite
            Replace other files that are there; without, they are never destroyed.

        Raises
        ------
        InputError
            The content does not meet the schema, another file stands there, or one cannot be written.
        """
        target = super().save(path, overwrite=overwrite)
        if target == Path(path):
            return target
        try:
            for name, content in structure_files(self._content).items():
                file = target.parent / name
                if file.exists() and not overwrite and file.read_bytes() != content:
                    raise InputError(
                        f"{str(file)!r} holds something else: give another path, or overwrite=True; it was not touched"
                    )
                write_whole(file, content)
        except OSError as error:
            raise InputError(
                f"{str(target.parent)!r} cannot be written to ({error.strerror or error}): give a path that you may write to"
            ) from error
        return target

    def _table(self, name: str) -> Iterable[Row]:
        if name == "controls":
            return (
                {"control": control["name"], **row}
                for control in self._content["controls"]
                for row in control["rows"]
            )
        if name == "null":
            null: list[Row] = self.get("statistics", {}).get("null", [])
            return null
        return super()._table(name)

    def _numbers(self) -> list[tuple[str, str]]:
        from .first_screen import leading

        ceiling = self._content["ceiling"]
        edge = int(ceiling["boundary"])
        bound = f"l = {ceiling['degree']} x {ceiling['l_max']} = {edge}"
        numbers = [("ceiling", "none" if no_ceiling(self._content) else bound)]
        readout, rows = leading(self._content)
        numbers += [
            (f"R2 of the {readout} readout at l = {row['l']}", _value(row))
            for row in rows
            if int(row["l"]) in (edge, edge + 1)
        ]
        return [*numbers, ("rows", str(len(self["recovery"])))]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        lines = []
        top = 0
        for readout in ("free", "equivariant"):
            for degree, rows in series(self._content["recovery"], self._content, readout).items():
                values = {int(row["l"]): _value(row) for row in rows}
                top = max(top, *values)
                lines.append((readout, degree, values))
        head = ["readout", "degree", *(f"l = {l}" for l in range(top + 1))]
        return head, [
            [readout, str(degree), *(values.get(l, "") for l in range(top + 1))]
            for readout, degree, values in lines
        ]

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import on_axes
        from .cliff_figure import cliff_panel, near_zero_panel, no_path_panel
        from .element_figure import element_panel, pool_rows
        from .environment_figure import (
            can_draw_environments,
            can_draw_structures,
            environment_panel,
            structure_panel,
        )
        from .figures import atoms_panel, control_rows, controls_panel
        from .isotropy_figure import can_draw_isotropy, isotropy_panel
        from .molecule_figure import can_draw_molecule, molecule_panel
        from .plateau_figure import plateau_panel, plateau_series

        def on(panel: Callable[..., None]) -> Callable[..., None]:
            return on_axes(panel, self)

        def unless(there: object, missing: str) -> str:
            return "" if there else missing

        content = self._content
        fitted = {name: bool(series(content["recovery"], content, name)) for name in ("free", "equivariant")}
        equivariant = "the equivariant readout was not fitted; diagnose with readouts=('free', 'equivariant')"
        free = "the free readout was not fitted; diagnose with readouts=('free', 'equivariant')"
        return {
            "cliff": Plot(on(cliff_panel), unless(any(fitted.values()), "there are no rows"), ("readout",)),
            "near zero": Plot(on(near_zero_panel), unless(fitted["free"], free)),
            "paths": Plot(on(no_path_panel), unless(fitted["equivariant"], equivariant)),
            "plateaus": Plot(
                on(plateau_panel),
                unless(plateau_series(content), "no directions were measured; diagnose with directions=('fixed', 'radial')"),
                ("direction",),
            ),
            "controls": Plot(
                on(controls_panel),
                unless(
                    any(control_rows(content, control)[0] for control in content["controls"]),
                    "no controls were run; diagnose with controls=True",
                ),
                ("control",),
            ),
            "atoms": Plot(on(atoms_panel), unless(atom_rows(content), "no atom has rows")),
            "molecule": Plot(on(molecule_panel), unless(can_draw_molecule(content), "the result holds no drawing of it"), ("l",)),
            "elements": Plot(on(element_panel), unless(pool_rows(content), _NOT_POOLED), ("pool",)),
            "environment": Plot(
                on(environment_panel), unless(can_draw_environments(content), _NOT_POOLED), ("pool", "worst")
            ),
            "structure": Plot(
                on(structure_panel), unless(can_draw_structures(content), _NOT_POOLED), ("structure", "l")
            ),
            "orientations": Plot(
                on(isotropy_panel), unless(can_draw_isotropy(content), "the result holds no spectrum of the orientations")
            ),
        }  # fmt: skip


def _value(row: RecoveryRow) -> str:
    if row["verdict"] == NO_PATH:
        return NO_PATH
    return "" if row["r2"] is None else f"{row['r2'] + 0.0:.3f}".replace("-0.000", "0.000")
