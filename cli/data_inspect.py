"""``ceilings data inspect`` and ``ceilings data check``: what a file of frames holds; whether it is physics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .reading_options import AcceptUnits, Elements, ForceUnits, LengthUnits, reading_options

if TYPE_CHECKING:
    from ..diagnostic.frames.frames import Frames

_SOURCE = "A file (npz, extended XYZ, anything of ASE), or a name such as rmd17:aspirin:train:01."
Source = Annotated[str | None, typer.Argument(metavar="DATA", help=_SOURCE, show_default=options.DATA)]
DataOption = Annotated[
    str | None, typer.Option("--data", "--structures", help="The same as DATA.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add ``inspect`` and ``check`` to ``ceilings data``."""
    app.command("inspect", epilog="Example: ceilings data inspect frames.npz")(inspect_command)
    app.command("check", epilog="Example: ceilings data check trajectory.xyz --units kcal/mol")(check_command)


def inspect_command(
    source: Source = None,
    data: DataOption = None,
    units: options.Units = None,
    force_units: ForceUnits = None,
    length_units: LengthUnits = None,
    elements: Elements = None,
    accept_units: AcceptUnits = False,
    as_json: options.AsJson = False,
) -> None:
    """Print formula, frames, units, force statistics and SHA-256 of a file of frames."""
    from rich.console import Console
    from rich.table import Table

    from ..diagnostic.frames.reading import read_frames

    reading = reading_options(units, force_units, length_units, elements, accept_units)
    frames = read_frames(options.data_of(source, data), **reading)
    facts = _facts(frames)
    if as_json:
        typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    for key in ("source", "formula", "frames", "units", "sha256"):
        typer.echo(f"{key:10} {facts[key]}")
    if facts["energy_eV"] is not None:
        energy = facts["energy_eV"]
        typer.echo(f"{'energy':10} {energy['mean']:.4f} eV, standard deviation {energy['sd']:.4f} eV")
    for note in (*frames.notes, *(f"overruled: {words}" for words in frames.overruled.values())):
        typer.echo(f"{'note':10} {note}")
    table = Table(title="force components (eV/Å)", title_justify="left")
    for column in ("atoms", "count", "RMS", "largest"):
        table.add_column(column, justify="left" if column == "atoms" else "right")
    for row in facts["forces_eV_A"]:
        table.add_row(row["atoms"], str(row["count"]), f"{row['rms']:.3f}", f"{row['largest']:.2f}")
    Console().print(table)


def check_command(
    source: Source = None,
    data: DataOption = None,
    units: options.Units = None,
    force_units: ForceUnits = None,
    length_units: LengthUnits = None,
    elements: Elements = None,
    accept_units: AcceptUnits = False,
    as_json: options.AsJson = False,
) -> None:
    """Run every check on a file of frames. If one fails: one sentence and exit status 2."""
    from ..diagnostic.frames.reading import read_frames

    reading = reading_options(units, force_units, length_units, elements, accept_units)
    frames = read_frames(options.data_of(source, data), **reading)
    if as_json:
        answer = {
            "source": frames.source, "sha256": frames.sha256, "units": frames.units, "checks": dict(frames.checks),
            "overruled": frames.overruled, "copies_left_out": frames.left_out, "notes": list(frames.notes),
        }  # fmt: skip
        typer.echo(json.dumps(answer, indent=1, ensure_ascii=False))
        return
    typer.echo(f"{frames.source}: {len(frames)} frames of {frames.formula}, {frames.units}")
    for name, words in frames.checks.items():
        typer.echo(f"  {name:11} {words}")
    for note in frames.notes:
        typer.echo(f"  note        {note}")


def _facts(frames: Frames) -> dict[str, Any]:
    import numpy as np

    from ..diagnostic.frames.statistics import force_statistics

    energies = frames.energies
    spread = None if energies is None else {"mean": float(np.mean(energies)), "sd": float(np.std(energies))}
    return {
        "source": frames.source,
        "formula": frames.formula,
        "symbols": list(frames.symbols),
        "frames": len(frames),
        "atoms": len(frames.numbers),
        "units": frames.units,
        "sha256": frames.sha256,
        "energy_eV": spread,
        "copies_left_out": frames.left_out,
        "overruled": frames.overruled,
        "notes": list(frames.notes),
        "forces_eV_A": force_statistics(frames),
    }
