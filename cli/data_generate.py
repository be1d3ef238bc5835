"""``ceilings data generate``: frames of a molecule from its SMILES, or of any structure with any calculator."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from . import choices, options
from .console import watched

_EXAMPLES = (
    "ceilings data generate --smiles 'CC(=O)Oc1ccccc1C(=O)O' --frames 1000 --seed 7 --out aspirin.npz; ceilings data generate "
    "--structure bulk:Cu:2x2x2:cubic --calculator ase:emt --kind rattle --out copper.npz"
)
#: Options that mean something for one of the two ways only.
_OF_SMILES = ("pilot", "threshold", "longest_lag", "longest_spacing")
_OF_STRUCTURES = ("calculator", "kind", "amplitude", "strain", "cells", "spacing", "density", "trust")


def register(app: typer.Typer) -> None:
    """Add ``generate`` to ``ceilings data``."""
    app.command("generate", epilog=f"Example: {_EXAMPLES}")(generate_command)


def generate_command(
    context: typer.Context,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="The .npz file to write, or .extxyz for structures; its record, a .json file, is written next to it.",
        ),
    ],
    smiles: Annotated[
        str | None, typer.Option(help="The molecule, one connected SMILES.", show_default=False)
    ] = None,
    structure: Annotated[
        list[str] | None,
        typer.Option(
            help="A structure instead: bulk:Si:2x2x2, bulk:LiF:rocksalt:a=4.03:2x2x2:cubic, molecule:H2O, smiles:CCO, box:H2O:16 "
            "or a file; several for a mixed set.",
            show_default=False,
        ),
    ] = None,
    calculator: Annotated[
        str | None,
        typer.Option(
            help="Of structures: ase:emt, tblite:GFN1-xTB, matscipy:stillinger-weber, ase:tersoff:FILE, FILE.py:FUNCTION or any "
            "model.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        str,
        choices.one_of(
            choices.KINDS,
            "--kind",
            help="How structures are moved: displacements, strained cells, or dynamics.",
        ),
    ] = "rattle",
    amplitude: Annotated[
        list[float] | None,
        typer.Option(
            help="Standard deviation of the displacements of rattled and strained structures (Å); of several, frames take them "
            "in turn.",
            show_default="0.1",
        ),
    ] = None,
    strain: Annotated[float, typer.Option(help="Standard deviation of each component of the strain.")] = 0.02,
    temperature: Annotated[
        list[float] | None,
        typer.Option(
            help="Bath temperature (K); of several, the cells of --cells take them in turn.",
            show_default="500",
        ),
    ] = None,
    cells: Annotated[
        int,
        typer.Option(help="Trajectories of --kind md of a structure, each in a cell under its own strain."),
    ] = 1,
    frames: Annotated[
        int | None,
        typer.Option(help="Frames to store, of each structure.", show_default="1000; 100 of a structure"),
    ] = None,
    seed: options.Seed = 0,
    timestep: Annotated[float, typer.Option(help="Integration step (fs).")] = 0.5,
    friction: Annotated[float, typer.Option(help="Langevin friction (1/fs).")] = 0.02,
    equilibration: Annotated[
        float | None,
        typer.Option(help="Equilibration, which is discarded (ps).", show_default="5; 1 of a structure"),
    ] = None,
    spacing: Annotated[float, typer.Option(help="Time between frames of a structure (fs).")] = 50.0,
    density: Annotated[float, typer.Option(help="Density of a box of molecules (g/cm³).")] = 1.0,
    pilot: Annotated[float, typer.Option(help="Pilot run that measures the autocorrelation (ps).")] = 5.0,
    threshold: Annotated[
        float, typer.Option(help="Largest force autocorrelation between neighbouring frames.")
    ] = 0.1,
    longest_lag: Annotated[
        float, typer.Option(help="Longest lag of the measured autocorrelation (fs).")
    ] = 250.0,
    longest_spacing: Annotated[float, typer.Option(help="Largest spacing between frames (fs).")] = 60.0,
    resume: Annotated[bool, typer.Option(help="Resume the unfinished run of --out.")] = True,
    trust: options.Trust = False,
    as_json: options.AsJson = False,
) -> None:
    """Generate frames of a molecule (RDKit geometry, GFN2-xTB forces, Langevin dynamics) or of any structure.

    Of a molecule, the spacing of the frames is the shortest lag beyond which the force autocorrelation, measured on a pilot
    run, stays within the threshold. A structure is rattled, strained or moved by dynamics with any calculator; energies,
    forces and stress are stored. If a run is killed, the same command continues it.
    """
    from ..theory.errors import InputError

    if (smiles is None) == (not structure):
        raise InputError("give either --smiles, for a molecule, or --structure with --calculator")
    foreign = _OF_SMILES if structure else _OF_STRUCTURES
    for name in foreign:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            other = "--smiles" if structure else "--structure"
            raise InputError(f"--{name.replace('_', '-')} belongs to {other}; leave it out")
    if structure:
        if calculator is None:
            raise InputError("--structure needs a --calculator, such as ase:emt or tblite:GFN1-xTB")
        more: dict[str, Any] = {} if equilibration is None else {"equilibration_ps": equilibration}
        for name, values in (("temperature", temperature), ("amplitude", amplitude)):
            if values:
                more[name] = values[0]
            if values and len(values) > 1:
                more[f"{name}s"] = tuple(values)
        _of_structures(
            out, as_json, resume, trust,
            structures=tuple(structure), calculator=calculator, kind=kind, n_frames=100 if frames is None else frames, seed=seed,
            strain=strain, cells=cells, timestep_fs=timestep, friction_per_fs=friction, spacing_fs=spacing,
            density=density, **more,
        )  # fmt: skip
        return
    from ..diagnostic.generation.generate import generate
    from ..diagnostic.generation.settings import GenerateSettings

    assert smiles is not None
    if temperature and len(temperature) > 1:
        raise InputError("several --temperature belong to --structure; give one")
    settings = GenerateSettings(
        smiles=smiles,
        temperature=temperature[0] if temperature else 500.0,
        n_frames=1000 if frames is None else frames,
        seed=seed,
        timestep_fs=timestep,
        friction_per_fs=friction,
        equilibration_ps=5.0 if equilibration is None else equilibration,
        pilot_ps=pilot,
        threshold=threshold,
        longest_lag_fs=longest_lag,
        longest_spacing_fs=longest_spacing,
    )
    with watched("geometry") as watch:
        made = generate(settings, out, resume=resume, progress=watch)
    record = made.record
    if as_json:
        bulky = ("anchors", "reference", "bonds", "numbers")
        typer.echo(json.dumps({key: value for key, value in record.items() if key not in bulky}, indent=1))
        return
    moved, measured = record["spacing"], record["temperature"]
    _print_head(made.path, record)
    typer.echo(f"temperature {measured['measured_K']:.1f} K (wanted {measured['wanted_K']:g} K)")
    reached = ", the cap" if moved["capped"] else ""
    typer.echo(
        f"spacing {moved['fs']:g} fs{reached}; force autocorrelation there {moved['residual']:.3f}, "
        f"at most {moved['envelope']:.3f} later"
    )
    typer.echo(f"force RMS {record['forces_rms']:.3f} eV/Å; made by: {record['command']}")


def _print_head(path: Path, record: dict[str, Any]) -> None:
    typer.echo(
        f"{path.name}: {record['frames']} frames, {record['bytes'] / 1e3:.0f} kB, sha256 {record['sha256']}"
    )


def _of_structures(out: Path, as_json: bool, resume: bool, trust: bool, **arguments: Any) -> None:
    """Make frames of structures and say what they are."""
    from ..diagnostic.generation.structure_run import generate_structures
    from ..diagnostic.generation.structure_settings import StructureSettings

    settings = StructureSettings(**arguments)
    fresh = _fresh(settings.calculator, trust)
    package = type(fresh()).__module__.partition(".")[0]
    with watched(settings.kind) as watch:
        made = generate_structures(settings, out, fresh, package=package, resume=resume, progress=watch)
    if as_json:
        typer.echo(json.dumps(made.record, indent=1))
        return
    _print_head(made.path, made.record)
    for part in made.record["structures"]:
        stress = ", stress" if part["stress"] else ""
        typer.echo(
            f"{part['name']}: {part['formula']}, {part['atoms']} atoms, {part['frames']} frames with energies, forces{stress}; "
            f"force RMS {part['forces_rms']:.3f} eV/Å"
        )
    typer.echo(f"made by: {made.record['command']}")


def _fresh(name: str, trust: bool) -> Callable[[], Any]:
    """Return what gives a calculator without a past: made anew where that is cheap, else emptied."""
    from ..diagnostic.generation.potentials import is_potential, potential
    from ..diagnostic.symmetry.calculators import load_calculator
    from ..diagnostic.symmetry.installed_calculators import named_calculator

    if is_potential(name):
        return lambda: potential(name)
    if named_calculator(name):
        return lambda: load_calculator(name).calculator
    made = load_calculator(name, trust=trust).calculator

    def emptied() -> Any:
        made.reset()
        return made

    return emptied
