"""``ceilings data inspect`` and ``ceilings data check``: what a file of frames or structures holds; whether it is physics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .reading_options import (
    AcceptUnits,
    Elements,
    EnergyKey,
    ForcesKey,
    ForceUnits,
    GroupKey,
    Isolated,
    LengthUnits,
    Select,
    StressKey,
    reading_options,
)

if TYPE_CHECKING:
    from ..diagnostic.frames.frames import Frames

_SOURCE = "A file (npz, extended XYZ, HDF5, anything of ASE), or a name such as rmd17:aspirin:train:01."
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
    forces_key: ForcesKey = None,
    energy_key: EnergyKey = None,
    stress_key: StressKey = None,
    select: Select = None,
    isolated: Isolated = False,
    group_key: GroupKey = None,
    as_json: options.AsJson = False,
) -> None:
    """Print what a file holds: formula, frames, units, forces, SHA-256; for crystals and mixed sets the structures, too."""
    from ..diagnostic.frames.frames import Frames
    from ..diagnostic.frames.reading_any import read_data
    from ..diagnostic.frames.structure_facts import structure_facts
    from .data_tables import print_facts

    reading = reading_options(
        units, force_units, length_units, elements, accept_units, forces_key=forces_key, energy_key=energy_key,
        stress_key=stress_key, select=select, isolated=isolated, group_key=group_key,
    )  # fmt: skip
    source = options.data_of(source, data)
    frames = read_data(source, everything=True, **reading)
    facts = _facts(frames) if isinstance(frames, Frames) else structure_facts(frames)
    if as_json:
        typer.echo(json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False))
        return
    for key in ("source", "formula", "frames", "structures", "units", "sha256"):
        if key in facts and not (key == "structures" and "frames" in facts):
            typer.echo(f"{key:10} {facts[key]}")
    if isinstance(frames, Frames):
        _print_frames(frames, facts)
    else:
        print_facts(facts)


def _print_frames(frames: Frames, facts: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

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
    forces_key: ForcesKey = None,
    energy_key: EnergyKey = None,
    stress_key: StressKey = None,
    select: Select = None,
    isolated: Isolated = False,
    group_key: GroupKey = None,
    as_json: options.AsJson = False,
) -> None:
    """Run every check on a file, and judge each structure. If a check fails: one sentence and exit status 2."""
    from ..diagnostic.frames.file_structures import FileStructures
    from ..diagnostic.frames.frames import Frames
    from ..diagnostic.frames.reading_any import read_data
    from ..diagnostic.frames.structure_judgement import judge_frames, judge_structures
    from .data_tables import print_judgement

    reading = reading_options(
        units, force_units, length_units, elements, accept_units, forces_key=forces_key, energy_key=energy_key,
        stress_key=stress_key, select=select, isolated=isolated, group_key=group_key,
    )  # fmt: skip
    frames = read_data(options.data_of(source, data), **reading)
    left_out = frames.left_out if isinstance(frames, Frames) else 0
    checks = dict(getattr(frames, "checks", {}))
    overruled = dict(getattr(frames, "overruled", {}))
    judged = judge_structures(frames) if isinstance(frames, FileStructures) else judge_frames(frames)
    if as_json:
        answer = {
            "source": frames.source, "sha256": frames.sha256, "units": frames.units, "checks": checks,
            "overruled": overruled, "copies_left_out": left_out, "notes": list(frames.notes), **judged,
        }  # fmt: skip
        typer.echo(json.dumps(answer, indent=1, ensure_ascii=False, allow_nan=False))
        return
    what = f"frames of {frames.formula}" if isinstance(frames, Frames) else "structures"
    typer.echo(f"{frames.source}: {len(frames)} {what}, {frames.units}")
    for name, words in checks.items():
        typer.echo(f"  {name:11} {words}")
    for note in frames.notes:
        typer.echo(f"  note        {note}")
    print_judgement(judged)


def _facts(frames: Frames) -> dict[str, Any]:
    import numpy as np

    from ..diagnostic.frames.statistics import force_statistics
    from ..diagnostic.frames.structure_facts import cell_facts

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
        **({} if not frames.periodic else cell_facts(frames)),
    }
