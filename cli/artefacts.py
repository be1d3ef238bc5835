"""``ceilings artefacts``: repulsion, phonons, drift and liquid of a model against the calculator of its data."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import typer

from . import options
from .console import command_line, watched

_EXAMPLE = "Example: ceilings artefacts runs/ag --reference ase:emt --structures bulk:Ag:cubic --data ag.npz --out runs/a"


def register(app: typer.Typer) -> None:
    """Add ``artefacts``."""
    app.command("artefacts", epilog=_EXAMPLE)(artefacts_command)


def artefacts_command(
    reference: Annotated[
        str,
        typer.Option(
            help="The calculator of the data: ase:emt, tblite:GFN1-xTB, matscipy:tersoff, FILE.py:FUNCTION."
        ),
    ],
    structures: Annotated[
        str,
        typer.Option(
            help="The structure: bulk:Ag:cubic, molecule:H2O, or a file of frames, of which one of low energy is taken."
        ),
    ],
    out: options.Out,
    model: options.ModelArgument = None,
    backbone: options.TrainedModel = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="The training data, which say below which distances a model cannot be blamed.",
            show_default="--structures, where it is a file",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="Some of repulsion,phonons,drift,liquid.", show_default="repulsion,phonons,drift,liquid"
        ),
    ] = None,
    repeat: Annotated[
        str, typer.Option(help="Unit cells along each cell vector, for phonons and dynamics.")
    ] = "2x2x2",
    geometry: Annotated[
        str,
        typer.Option(
            help="Of the phonons: both at the reference's relaxed geometry, or each at its own: reference or own."
        ),
    ] = "reference",
    temperature: options.Temperature = 300.0,
    liquid_temperature: Annotated[
        float, typer.Option(help="Of the liquid, in place of --temperature (K).")
    ] = 2000.0,
    time_step: options.TimeStep = 1.0,
    steps: options.Steps = 2000,
    seed: options.Seed = 0,
    trust: options.Trust = False,
    resume: options.Resume = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare a model with the calculator of its data where a too soft scalar part shows: repulsion, phonons, drift, liquid.

    Each is reproduced, differs, is undecided, or lies beyond the data. Exit status 1: something differs or is undecided.
    """
    from ..diagnostic.artefacts.job import measure_artefacts
    from ..diagnostic.artefacts.settings import ArtefactSettings
    from ..diagnostic.artefacts.subject import read_subject
    from ..diagnostic.records.outcomes import exit_status
    from ..diagnostic.records.run_directory import check_new
    from ..diagnostic.symmetry.calculators import load_calculator
    from ..theory.errors import InputError

    source = options.given_model(model, backbone, "ceilings artefacts runs/ag")
    times = re.fullmatch(r"(\d{1,2})x(\d{1,2})x(\d{1,2})", repeat)
    if times is None:
        raise InputError(f"--repeat is {repeat!r}, expected three numbers such as 2x2x2")
    chosen: dict[str, Any] = {} if only is None else {"only": tuple(part.strip() for part in only.split(","))}
    settings = ArtefactSettings(
        repeat=(int(times[1]), int(times[2]), int(times[3])), geometry=geometry, temperature=temperature,
        liquid_temperature=liquid_temperature, time_step=time_step, steps=steps, seed=seed, **chosen,
    )  # fmt: skip
    check_new(out, resume)
    truth = load_calculator(reference, trust=trust)
    subject = read_subject(structures, truth.calculator, data=data)
    ours = load_calculator(source, trust=trust)
    with watched("artefacts") as watch:
        result = measure_artefacts(
            ours, truth, subject, settings, out=out, resume=resume, command=command_line(), progress=watch
        )
    if as_json:
        said = {"schema": result["schema"], "report": str(out / "report.html"), "verdict": result["verdict"]}
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        for statement in result["verdict"]["statements"]:
            typer.echo(statement["sentence"])
        typer.echo(f"report: {out / 'report.html'}")
    raise typer.Exit(exit_status(result["verdict"]))
