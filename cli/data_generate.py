"""``ceilings data generate``: frames of a molecule from its SMILES."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .console import watched

_EXAMPLE = "ceilings data generate --smiles 'CC(=O)Oc1ccccc1C(=O)O' --frames 1000 --seed 7 --out aspirin.npz"


def register(app: typer.Typer) -> None:
    """Add ``generate`` to ``ceilings data``."""
    app.command("generate", epilog=f"Example: {_EXAMPLE}")(generate_command)


def generate_command(
    smiles: Annotated[str, typer.Option(help="The molecule, one connected SMILES.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="The .npz file to write; its record, a .json file, is written next to it."
        ),
    ],
    temperature: Annotated[float, typer.Option(help="Bath temperature (K).")] = 500.0,
    frames: Annotated[int, typer.Option(help="Frames to store.")] = 1000,
    seed: options.Seed = 0,
    timestep: Annotated[float, typer.Option(help="Integration step (fs).")] = 0.5,
    friction: Annotated[float, typer.Option(help="Langevin friction (1/fs).")] = 0.02,
    equilibration: Annotated[float, typer.Option(help="Equilibration, which is discarded (ps).")] = 5.0,
    pilot: Annotated[float, typer.Option(help="Pilot run that measures the autocorrelation (ps).")] = 5.0,
    threshold: Annotated[
        float, typer.Option(help="Largest force autocorrelation between neighbouring frames.")
    ] = 0.1,
    longest_lag: Annotated[
        float, typer.Option(help="Longest lag of the measured autocorrelation (fs).")
    ] = 250.0,
    longest_spacing: Annotated[float, typer.Option(help="Largest spacing between frames (fs).")] = 60.0,
    resume: Annotated[bool, typer.Option(help="Resume the unfinished run of --out.")] = True,
    as_json: options.AsJson = False,
) -> None:
    """Generate frames of a molecule: RDKit geometry, GFN2-xTB forces, Langevin dynamics.

    The spacing of the frames is the shortest lag beyond which the force autocorrelation, measured on a pilot
    run, stays within the threshold. If a run is killed, the same command continues it.
    """
    from ..diagnostic.generation.generate import generate
    from ..diagnostic.generation.settings import GenerateSettings

    settings = GenerateSettings(
        smiles=smiles,
        temperature=temperature,
        n_frames=frames,
        seed=seed,
        timestep_fs=timestep,
        friction_per_fs=friction,
        equilibration_ps=equilibration,
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
    spacing, measured = record["spacing"], record["temperature"]
    typer.echo(
        f"{made.path.name}: {record['frames']} frames, {record['bytes'] / 1e3:.0f} kB, "
        f"sha256 {record['sha256']}"
    )
    typer.echo(f"temperature {measured['measured_K']:.1f} K (wanted {measured['wanted_K']:g} K)")
    reached = ", the cap" if spacing["capped"] else ""
    typer.echo(
        f"spacing {spacing['fs']:g} fs{reached}; force autocorrelation there {spacing['residual']:.3f}, "
        f"at most {spacing['envelope']:.3f} later"
    )
    typer.echo(f"force RMS {record['forces_rms']:.3f} eV/Å; made by: {record['command']}")
