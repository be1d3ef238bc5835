"""The options of every command that reads frames: units of the file, elements of its types, overruling a check."""

from __future__ import annotations

from typing import Annotated, Any

import typer

ForceUnits = Annotated[
    str | None,
    typer.Option(help="Unit of the forces where it is not energy over length: hartree/bohr, kcal/mol/Å."),
]
LengthUnits = Annotated[
    str | None, typer.Option(help="Unit of the positions, such as bohr, if --units does not state it.")
]
Elements = Annotated[
    str | None,
    typer.Option(help="Elements of types 1, 2, 3 of a file that names none, C,H,O; or of labels, CA=C,HW=H."),
]
AcceptUnits = Annotated[
    bool,
    typer.Option("--accept-units", help="Overrule the checks of units; the result records what they said."),
]


def reading_options(
    units: str | None,
    force_units: str | None,
    length_units: str | None,
    elements: str | None,
    accept_units: bool,
) -> dict[str, Any]:
    """Return the options as keyword arguments of ``read_frames``."""
    return {
        "units": units,
        "force_units": force_units,
        "length_units": length_units,
        "elements": elements,
        "accept_units": accept_units,
    }
