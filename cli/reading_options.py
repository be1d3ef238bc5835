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
ForcesKey = Annotated[
    str | None, typer.Option("--forces-key", help="Name of the forces in the file, such as REF_forces.")
]
EnergyKey = Annotated[
    str | None, typer.Option("--energy-key", help="Name of the energy in the file, such as REF_energy.")
]
StressKey = Annotated[
    str | None,
    typer.Option(
        "--stress-key", help="Name of the stress in the file, or of the virial (stress times -volume)."
    ),
]
Select = Annotated[
    str | None,
    typer.Option(
        "--select", help="Which structures and atoms, such as \"element == 'O' and structure < 100\"."
    ),
]
Isolated = Annotated[
    bool, typer.Option("--isolated", help="Take molecules out of their boxes, where no image comes near.")
]
GroupKey = Annotated[
    str | None,
    typer.Option(
        "--group-key",
        help="Name of a value, such as config_type, by which structures stay together in splits.",
    ),
]


def reading_options(
    units: str | None,
    force_units: str | None,
    length_units: str | None,
    elements: str | None,
    accept_units: bool,
    **more: Any,
) -> dict[str, Any]:
    """Return the options as keyword arguments of ``read_frames``; those of ``more`` that are given, too, for ``read_data``."""
    return {
        "units": units,
        "force_units": force_units,
        "length_units": length_units,
        "elements": elements,
        "accept_units": accept_units,
    } | {name: value for name, value in more.items() if value not in (None, False)}
