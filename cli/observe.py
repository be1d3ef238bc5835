"""``ceilings observe``: what a broken symmetry makes of the observables of a simulation, and what cures it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from . import options
from .console import command_line, watched

_EXAMPLE = "Example: ceilings observe aspirin-xtb-unconstrained aspirin-xtb --cures none,grid-2 --steps 4000 --out runs/o"


def register(app: typer.Typer) -> None:
    """Add ``observe``."""
    app.command("observe", epilog=_EXAMPLE)(observe_command)


def observe_command(
    out: options.Out,
    model: options.ModelArgument = None,
    structure: Annotated[
        str | None,
        typer.Argument(
            metavar="STRUCTURE",
            help="molecule:H2O, smiles:CCO, bulk:Ag:cubic, box:H2O:16, or a file of frames, of which runs start from the first.",
            show_default=False,
        ),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            "--model",
            help="A trained model, or whatever else 'ceilings audit' takes.",
            show_default=False,
        ),
    ] = None,
    structures: Annotated[
        str | None,
        typer.Option(
            "--structures", "--data", help="The structure, in place of STRUCTURE.", show_default=False
        ),
    ] = None,
    frames: options.Frames = None,
    observables: Annotated[
        str | None,
        typer.Option(
            help="Some of orientation,angular-momentum,torque,drift,rdf,orientational-correlation,msd,spectrum,temperature,"
            "potential,relaxation.",
            show_default="all that the structure allows, but relaxation",
        ),
    ] = None,
    ensemble: Annotated[
        str, typer.Option(help="nvt, a Langevin thermostat, or nve, constant energy.")
    ] = "nvt",
    temperature: Annotated[
        float, typer.Option(help="Of the thermostat and of the first velocities (K).")
    ] = 300.0,
    time_step: Annotated[float, typer.Option(help="Integration step (fs).")] = 0.5,
    steps: Annotated[int, typer.Option(help="Steps of each run, after the equilibration.")] = 20000,
    equilibration: Annotated[
        int, typer.Option(help="Steps with the thermostat before the first record.")
    ] = 1000,
    friction: Annotated[float, typer.Option(help="Of the thermostat (1/fs).")] = 0.01,
    sample_every: Annotated[int, typer.Option(help="Steps between records.")] = 10,
    replicas: Annotated[int, typer.Option(help="Independent runs of each cure.")] = 1,
    cures: Annotated[
        str,
        typer.Option(
            help="What averages over orientations, a run for each: none, inversion, grid-2, grid-2-inversion, random, "
            "random-inversion, mts-10:grid-2."
        ),
    ] = "none",
    driver: Annotated[str, typer.Option(help="What moves the atoms: ase or i-pi.")] = "ase",
    format: Annotated[str, typer.Option(help="Of the trajectories: hdf5 or extxyz.")] = "hdf5",
    predict: Annotated[
        bool, typer.Option(help="Predict orientations and torque from the energies of the turned molecule.")
    ] = True,
    shapes: Annotated[
        int, typer.Option(help="Shapes of the molecule that the prediction averages over.")
    ] = 10,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            help="A deviation of an observable that does not matter, such as orientation=0.05; repeatable.",
            show_default="a tolerance for each observable with an exact answer",
        ),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            help="Add a field of known l to the model, such as P2:0.01 (eV), exp1:0.01 or toy:0.0001."
        ),
    ] = None,
    seed: options.Seed = 0,
    trust: options.Trust = False,
    resume: options.Resume = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure what depends on orientation in a simulation: observables against the isotropic answer, predictions, cures.

    Each observable holds, is contradicted, or is undecided. Exit status 1: one is contradicted or undecided, or a run ended
    early.
    """
    from ..diagnostic.observing.job import observe
    from ..diagnostic.observing.settings import ObserveSettings
    from ..diagnostic.observing.subject import read_observed
    from ..diagnostic.records.outcomes import NOTHING_TESTED, exit_status
    from ..diagnostic.records.run_directory import check_new
    from ..diagnostic.symmetry.calculators import load_calculator
    from ..theory.errors import InputError

    if model is None and backbone is None:
        raise InputError(
            "no model was given; give one, such as: ceilings observe tblite:GFN2-xTB molecule:H2O"
        )
    source = options.model_of(model, backbone)
    place = options.either(structure, structures, "STRUCTURE and --structures", "")
    if not place:
        raise InputError("no structure was given; give one, such as molecule:H2O or a file that ASE reads")
    settings = ObserveSettings(
        observables=_words(observables, "--observables"), ensemble=ensemble, temperature=temperature, time_step=time_step,
        steps=steps, equilibration=equilibration, friction=friction, sample_every=sample_every,
        cures=_words(cures, "--cures"), replicas=replicas, predict=predict, shapes=shapes,
        tolerances=tolerances_of(tolerance or ()), field=field, driver=driver, format=format, seed=seed,
    )  # fmt: skip
    check_new(out, resume)
    observed = read_observed(place, frames=frames, seed=seed)
    named = load_calculator(source, trust=trust)
    with watched("checking") as watch:
        result = observe(
            named, observed, settings, out=out, resume=resume, command=command_line(), progress=watch,
            announce=lambda text: typer.echo(text, err=True),
        )  # fmt: skip
    table = (result["cures"] or {}).get("sufficient", {})
    enough = {name: row["sentence"] for name, row in table.items() if row.get("sentence")}
    if as_json:
        said: dict[str, Any] = {"schema": result["schema"], "report": str(out / "report.html"),
                                "verdict": result["verdict"], "sufficient": enough}  # fmt: skip
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        for sentence in (*(row["sentence"] for row in result["verdict"]["statements"]), *enough.values()):
            typer.echo(sentence)
        typer.echo(f"report: {out / 'report.html'}")
    if result["verdict"]["outcome"] == "nothing tested":
        typer.echo(NOTHING_TESTED, err=True)
    raise typer.Exit(exit_status(result["verdict"]))


def _words(text: str | None, option: str) -> tuple[str, ...]:
    from ..theory.errors import InputError

    if text is None:
        return ()
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise InputError(f"{option} is {text!r}, which has an empty value; separate names by single commas")
    return words


def tolerances_of(given: Sequence[str]) -> dict[str, float]:
    """Return tolerances by observable from words such as ``orientation=0.05``.

    Raises
    ------
    InputError
        A word that is not NAME=VALUE, or a name that comes twice.
    """
    from ..theory.errors import InputError

    read: dict[str, float] = {}
    for word in given:
        name, equals, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not equals or not 0.0 <= number < float("inf"):
            raise InputError(
                f"--tolerance is {word!r}, expected NAME=VALUE with a number of at least 0, such as orientation=0.05"
            )
        if name.strip() in read:
            raise InputError(f"--tolerance names {name.strip()} twice, expected each at most once")
        read[name.strip()] = number
    return read
