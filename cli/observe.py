"""``ceilings observe``: what a broken symmetry makes of the observables of a simulation, and what cures it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from . import choices, options
from .console import command_line, watched
from .reading_options import AcceptUnits, Elements, ForceUnits, LengthUnits, reading_options

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
    backbone: options.TrainedModel = None,
    structures: Annotated[
        str | None,
        typer.Option(
            "--structures", "--data", help="The structure, in place of STRUCTURE.", show_default=False
        ),
    ] = None,
    frames: options.Frames = None,
    units: options.Units = None,
    force_units: ForceUnits = None,
    length_units: LengthUnits = None,
    elements: Elements = None,
    accept_units: AcceptUnits = False,
    observables: Annotated[
        list[str] | None,
        choices.several(
            choices.OBSERVABLES,
            "--observables",
            help="What to measure, separated by commas.",
            default="all that the structure allows, but relaxation",
        ),
    ] = None,
    ensemble: Annotated[
        str,
        choices.one_of(
            choices.ENSEMBLES, "--ensemble", help="nvt: a Langevin thermostat; nve: constant energy."
        ),
    ] = "nvt",
    temperature: options.Temperature = 300.0,
    time_step: options.TimeStep = 0.5,
    steps: options.Steps = 20000,
    equilibration: Annotated[
        int,
        typer.Option(
            help="Steps with the thermostat before the first record, in both ensembles; at least 4 / (friction x time step), "
            "for the temperature to be judged."
        ),
    ] = 1000,
    friction: Annotated[
        float, typer.Option(help="Of the Langevin thermostat (1/fs); 0.01 relaxes in 100 fs.")
    ] = 0.01,
    sample_every: Annotated[int, typer.Option(help="Steps between records of the trajectory.")] = 10,
    replicas: Annotated[
        int, typer.Option(help="Independent runs of each cure, from other velocities and thermal noise.")
    ] = 1,
    cures: Annotated[
        str,
        typer.Option(
            help="What averages over orientations, separated by commas, a run for each: none; inversion; grid-2, 18 rotations "
            "exact to l = 2; grid-4, 75; grid-2-inversion; random, a new rotation at every step; random-inversion; "
            "mts-10:grid-2, the grid at every tenth step."
        ),
    ] = "none",
    against: Annotated[
        list[Path] | None,
        typer.Option(
            help="A finished run directory of this command for another model, same structure and settings: its cures come into "
            "one table with these; repeatable.",
            show_default=False,
        ),
    ] = None,
    driver: Annotated[
        str, choices.one_of(choices.DRIVERS, "--driver", help="What moves the atoms: ASE or i-PI.")
    ] = "ase",
    format: Annotated[
        str, choices.one_of(choices.TRAJECTORIES, "--format", help="Of the trajectories.")
    ] = "hdf5",
    predict: Annotated[
        bool,
        typer.Option(
            help="Predict orientations and torque from the energies of the turned molecule; of one molecule with a thermostat."
        ),
    ] = True,
    shapes: Annotated[
        int, typer.Option(help="Shapes of the molecule, from the runs, that the prediction averages over.")
    ] = 10,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            help="A deviation that does not matter, NAME=VALUE, repeatable: orientation (mean of each P_l), angular-momentum "
            "(ħ), torque (eV), drift (meV/atom/ns), msd (relative), temperature (K), relaxation (meV/atom); of the others in "
            "the unit that the page gives them, against the most exact cure.",
            show_default="orientation=0.05, angular-momentum=0.1, torque=0.001, drift=20, msd=0.1, temperature=10, "
            "relaxation=0.1",
        ),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            help="Add a field of known l to the model: P2:0.01 (eV, of each molecule's axis), exp1:0.01 or toy:0.0001.",
            show_default=False,
        ),
    ] = None,
    seed: options.Seed = 0,
    trust: options.Trust = False,
    resume: options.Resume = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure what depends on orientation in a simulation: observables against the isotropic answer, predictions, cures.

    Each observable is within its tolerance, depends on orientation, or is undecided. Exit status 1: not all are within, or a
    run ended early.
    """
    from ..diagnostic.observing.job import observe
    from ..diagnostic.observing.models import read_models
    from ..diagnostic.observing.settings import ObserveSettings
    from ..diagnostic.observing.subject import read_observed
    from ..diagnostic.records.outcomes import NOTHING_TESTED, exit_status
    from ..diagnostic.records.run_directory import check_new
    from ..diagnostic.symmetry.calculators import load_calculator
    from ..theory.errors import InputError

    source = options.given_model(model, backbone, "ceilings observe tblite:GFN2-xTB molecule:H2O")
    place = options.either(structure, structures, "STRUCTURE and --structures", "")
    if not place:
        raise InputError("no structure was given; give one, such as molecule:H2O or a file that ASE reads")
    settings = ObserveSettings(
        observables=tuple(observables or ()), ensemble=ensemble, temperature=temperature, time_step=time_step,
        steps=steps, equilibration=equilibration, friction=friction, sample_every=sample_every,
        cures=_words(cures, "--cures"), replicas=replicas, predict=predict, shapes=shapes,
        tolerances=tolerances_of(tolerance or ()), field=field, driver=driver, format=format, seed=seed,
    )  # fmt: skip
    check_new(out, resume)
    read_models(against or (), out)
    reading = reading_options(units, force_units, length_units, elements, accept_units)
    observed = read_observed(place, frames=frames, seed=seed, **reading)
    named = load_calculator(source, trust=trust)
    with watched("checking") as watch:
        result = observe(
            named, observed, settings, out=out, resume=resume, against=against or (), command=command_line(), progress=watch,
            announce=lambda text: typer.echo(text, err=True),
        )  # fmt: skip
    enough = _sentences(result["cures"])
    of_all = _sentences(result.get("comparison_of_models"))
    if as_json:
        said: dict[str, Any] = {"schema": result["schema"], "report": str(out / "report.html"),
                                "verdict": result["verdict"], "sufficient": enough,
                                "notes": result["notes"]}  # fmt: skip
        if of_all:
            said["comparison_of_models"] = of_all
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        for sentence in (*(row["sentence"] for row in result["verdict"]["statements"]), *result["notes"],
                         *enough.values(), *of_all.values()):  # fmt: skip
            typer.echo(sentence)
        typer.echo(f"report: {out / 'report.html'}")
    if result["verdict"]["outcome"] == "nothing tested":
        typer.echo(NOTHING_TESTED, err=True)
    raise typer.Exit(exit_status(result["verdict"]))


def _sentences(table: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what is enough, by observable."""
    rows = (table or {}).get("sufficient", {})
    return {name: row["sentence"] for name, row in rows.items() if row.get("sentence")}


def _words(text: str, option: str) -> tuple[str, ...]:
    from ..theory.errors import InputError

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
