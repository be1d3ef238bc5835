"""Options of known values: shown in the help, completed by the shell, and a wrong one is refused with the nearest named.

An option of several values takes them with commas, repeated, or both: ``--degrees 1,2 --degrees 3``.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import typer

# Written down once more, because the help must not import the library; a test holds them against it.
INJECTIONS = ("marked", "density")
READOUTS = ("free", "equivariant", "network")
DIRECTIONS = ("fixed", "radial", "gradient", "solid")
PARTS = ("features", "readouts", "directions", "symmetry", "remedies")
KINDS = ("rattle", "strain", "md")
ARCHITECTURES = ("nequip", "allegro", "mace", "unconstrained")
KNOWN_ARCHITECTURES = (
    "nequip", "mace", "allegro", "tensornet", "painn", "hegnn", "equiformer-v2", "escn", "esen", "uma",
)  # fmt: skip
SCALAR_PATHWAY = ("pan", "pgs-edge", "pgs-readout")
WHOLE_MODELS = ("mace", "mace-silu", "nequip", "allegro", "allegro-linear", "sevennet")
GRAPHS = ("star", "all", "cutoff", "chain")
TERMS = ("pairs", "products", "torsions")
ACTIVATIONS = ("silu", "gelu", "softplus", "relu", "tanh", "sigmoid")
OBSERVABLES = (
    "orientation", "angular-momentum", "torque", "drift", "rdf", "orientational-correlation", "msd", "spectrum",
    "temperature", "potential", "relaxation",
)  # fmt: skip
ENSEMBLES = ("nvt", "nve")
DRIVERS = ("ase", "i-pi")
TRAJECTORIES = ("hdf5", "extxyz")
GRID_RULES = ("fejer", "gauss", "fairchem", "edge")


def refuse(value: str, known: Sequence[str]) -> typer.BadParameter:
    """Return the error for a value that is not known, with the nearest that is."""
    near = get_close_matches(value.casefold(), known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"expected {listed(known)}"
    return typer.BadParameter(f"{value!r} is none of {', '.join(known)}; {advice}")


def listed(names: Sequence[str]) -> str:
    """Return ``a, b or c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def split(values: Sequence[str]) -> list[str]:
    """Return the values of a repeated option with commas, one by one; BadParameter where one is empty."""
    parts = [part.strip() for value in values for part in str(value).split(",")]
    if any(not part for part in parts):
        raise typer.BadParameter(
            f"{','.join(map(str, values))!r} has an empty value; give values separated by commas"
        )
    return parts


def several(known: Sequence[str], *names: str, help: str, default: str | None = None) -> Any:
    """Return an option that takes some of the known values."""

    def read(value: list[str] | None) -> list[str] | None:
        if not value:
            return None
        parts = split(value)
        for part in parts:
            if part not in known:
                raise refuse(part, known)
        return parts

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [before + comma + name for name in known if name.startswith(last)]

    return typer.Option(
        *names, help=help, callback=read, autocompletion=complete, metavar=f"[{'|'.join(known)}],...",
        show_default=default or False,
    )  # fmt: skip


def one_of(known: Sequence[str], *names: str, help: str) -> Any:
    """Return an option that takes one of the known values."""

    def read(value: str | None) -> str | None:
        if value is not None and value not in known:
            raise refuse(value, known)
        return value

    def complete(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return typer.Option(
        *names, help=help, callback=read, autocompletion=complete, metavar=f"[{'|'.join(known)}]"
    )


def integers(*names: str, help: str, default: str | None = None) -> Any:
    """Return an option that takes integers; read them with :func:`whole`."""

    def read(value: list[str] | None) -> list[str] | None:
        if not value:
            return None
        parts = split(value)
        for part in parts:
            try:
                int(part)
            except ValueError:
                raise typer.BadParameter(
                    f"{part!r} is not an integer; give integers separated by commas, such as 1,2,3"
                ) from None
        return parts

    return typer.Option(
        *names, help=help, callback=read, metavar="INTEGER,...", show_default=default or False
    )


def whole(values: Sequence[str] | None) -> tuple[int, ...] | None:
    """Return the integers of an option, None where it was not given."""
    return None if values is None else tuple(int(value) for value in values)
