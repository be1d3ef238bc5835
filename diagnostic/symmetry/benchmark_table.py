"""The fixed benchmark on the page of a symmetry audit: four numbers that compare with published ones, and every structure."""

from __future__ import annotations

from ..pages.frame import Paragraph, Part
from ..pages.tables import Cell, Column, Table, number_cell, numbers
from ..pages.text import significant
from .result_types import SymmetryResult


def fixed_benchmark(result: SymmetryResult) -> list[Part]:
    """Return the parts of its section; none where it was not measured."""
    measured = result.get("fixed_benchmark")
    if measured is None:
        return []
    count = len(measured["structures"])
    small = [step for step in measured["steps"] if step["angle"] < 1.5]
    near = sum(step["force"] for step in small) / len(small)
    said = (
        f"The structure as given and {measured['orientations'] - 1} steps of a fixed walk through orientations, each compared "
        f"with the one before it: {measured['pairs']:,} pairs of {count} {'structure' if count == 1 else 'structures'}. Walk and "
        "measures are those of ml-peg's benchmark of rotational symmetry, so that the numbers compare with published ones where "
        "the structures are the same (rotation-benchmark). "
        f"The whole energy changes by {significant(measured['total_mean'], 3)} eV in the mean and "
        f"{significant(measured['total_max'], 3)} eV at most. At steps of 1 degree the forces change by {significant(near, 3)} "
        "meV/Å: far less than in the mean where they depend on orientation smoothly, as much where it is rounding or a jump."
    )
    columns = [Column("structure"), Column("formula"),
               *numbers("mean ΔE, meV/atom", "max ΔE, meV/atom", "mean ΔF, meV/Å", "max ΔF, meV/Å")]  # fmt: skip

    def cells(row: object) -> list[Cell | str]:
        values = dict(row)  # type: ignore[call-overload]
        return [
            number_cell(values[key], 3) for key in ("energy_mean", "energy_max", "force_mean", "force_max")
        ]

    body: list[list[Cell | str]] = [["all", "", *cells(measured)]]
    body += [[str(row["structure"]), row["formula"], *cells(row)] for row in measured["structures"]]
    caption = (
        "Changes between successive orientations. ΔE: absolute change of the energy. ΔF: mean absolute change of the components "
        "of the forces, turned back."
    )
    return [Paragraph(said), Table("table-benchmark", caption, columns, body, heads=False)]
