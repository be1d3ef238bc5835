"""``ceilings calibrate``: the calibration table, theory against every measurement of the span."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import choices, options
from .console import command_line, watched

if TYPE_CHECKING:
    from ..numerics.calibration import CalibrationRow

_EPILOG = (
    "Examples: ceilings calibrate --max-degree 6 --max-l 6 --out runs/calibration  |  "
    "ceilings calibrate --trained --out runs/trained  |  ceilings calibrate --models --quick --out runs/models"
)

#: Columns that fit a terminal of 80 characters.
_SHOWN = ("d", "L", "dL", "(dL+1)^2", "float64", "mod p", "by m", "gap", "leakage", "agrees")


def _print_table(rows: list[CalibrationRow]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from ..diagnostic.calibration import span_tables

    table = Table(
        title="Span of the polynomials of degree d in the harmonics Y_lm, l <= L, of one direction",
        caption="(dL+1)^2: exact dimension. Measured ranks: float64 at random directions, mod p at rational directions "
        "(two primes), by m in blocks of one m (mod p). gap: sigma_r / sigma_(r+1) at r = (dL+1)^2. leakage: relative "
        "norm above dL. --out writes more columns.",
        box=SIMPLE_HEAD,
    )
    for name in _SHOWN:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        cells = span_tables.rank_cells(row, span_tables.plain_power)
        shown = [cell for name, cell in zip(span_tables.HEADINGS, cells, strict=True) if name in _SHOWN]
        table.add_row(*shown, style="" if row.agrees else "bold red")
    Console().print(table)


def _check_together(
    models: bool,
    trained: bool,
    max_degree: int | None,
    given_models: Mapping[str, object],
    given_trained: Mapping[str, object],
) -> None:
    """Raise InputError where options of --models and --trained are mixed, or stand without the one they belong to."""
    from ..theory.errors import InputError

    if models and trained:
        raise InputError("--models and --trained are two calibrations: give one of them")
    for option, given in given_models.items():
        if given is not None and not models:
            raise InputError(f"{option} belongs to --models: give both, or leave {option} out")
    for option, given in given_trained.items() if models else ():
        if given:
            raise InputError(f"{option} belongs to --trained: leave it out with --models")
    if models and max_degree is not None:
        raise InputError("--max-degree is no option of --models, whose terms have l up to 8: leave it out")


def register(app: typer.Typer) -> None:
    """Add the command ``calibrate`` to the application."""

    @app.command("calibrate", epilog=_EPILOG)
    def calibrate(
        max_degree: Annotated[
            int | None, typer.Option(help="Highest polynomial degree d; default: 3, with --trained 5.")
        ] = None,
        max_l: Annotated[
            int | None,
            typer.Option(
                "--max-l", help="Highest angular frequency of the features, L; default: 3, with --trained 5."
            ),
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option(
                "--out", help="Folder for tables and figures; the same command resumes a stopped run."
            ),
        ] = None,
        as_json: options.AsJson = False,
        seed: options.Seed = 0,
        trained: Annotated[
            bool,
            typer.Option(
                "--trained", help="Train readouts by gradient descent on a field of known symmetry."
            ),
        ] = False,
        field: Annotated[
            str | None, typer.Option(help="With --trained: point group of the field; default: C5.")
        ] = None,
        quick: Annotated[
            bool,
            typer.Option(
                "--quick",
                help="With --trained or --models: only a few small cells, which take a few minutes at most.",
            ),
        ] = False,
        no_controls: Annotated[
            bool,
            typer.Option("--no-controls", help="With --trained: the grid of (d, L) only, without controls."),
        ] = False,
        no_ring: Annotated[
            bool, typer.Option("--no-ring", help="With --trained: leave out the ring of five neighbours.")
        ] = False,
        resume: Annotated[
            bool,
            typer.Option(
                "--resume",
                help="With --trained or --models: resume the run in --out where it stopped, from another environment too.",
            ),
        ] = False,
        models: Annotated[
            bool,
            typer.Option(
                "--models",
                help="Train whole models (MACE, NequIP, Allegro, SevenNet) on angular terms of synthetic graphs.",
            ),
        ] = False,
        architecture: Annotated[
            list[str] | None,
            choices.several(
                choices.WHOLE_MODELS,
                "--architecture",
                help="With --models: which models; default: all of them.",
            ),
        ] = None,
        graphs: Annotated[
            list[str] | None,
            choices.several(
                choices.GRAPHS, "--graphs", help="With --models: which graphs; default: all of them."
            ),
        ] = None,
        terms: Annotated[
            list[str] | None,
            choices.several(
                choices.TERMS, "--terms", help="With --models: which terms; default: all of them."
            ),
        ] = None,
        max_correlation: Annotated[
            int | None, typer.Option(help="With --models: highest correlation of MACE; default: 4.")
        ] = None,
        layers: Annotated[
            int | None,
            typer.Option(
                help="With --models: most layers of NequIP, Allegro and SevenNet; default: 3, 2 and 2."
            ),
        ] = None,
    ) -> int:
        """Compare theory with measurement for every pair (degree, l_max) of a grid.

        For each pair: the exact ceiling, dimension and multiplicities; the rank in floating point, mod p and in blocks of
        one m; gap, condition number, leakage; and the C_n fields for n = 1..12. Exit status 1 if anything disagrees.

        With --trained: R² of networks of degree d, trained by gradient descent on a field of known symmetry, next to the
        closed-form solution and the exact 0 or 1 of theory; controls of capacity, activation, noise, sample size,
        optimiser and seed; and a ring of five neighbours seen through the features of NequIP and e3nn.

        With --models: R² of whole models on terms such as P_l of an angle, on graphs with and without the third side, next to
        the exact share that theory lets them have and a closed form that tells representable from learned. What is not installed
        is named; the same command with --resume from another environment adds its cells to --out.
        """
        given_models = {
            "--architecture": architecture, "--graphs": graphs, "--terms": terms, "--max-correlation": max_correlation,
            "--layers": layers,
        }  # fmt: skip
        given_trained = {"--field": field, "--no-controls": no_controls, "--no-ring": no_ring}
        _check_together(models, trained, max_degree, given_models, given_trained)
        if models:
            from ..diagnostic.whole_models.plan import ModelPlan
            from .calibrate_models import run_models

            whole = ModelPlan(
                architectures=tuple(architecture or ()),
                graphs=tuple(graphs or ()),
                terms=tuple(terms or ()),
                max_l=3 if max_l is None else max_l,
                max_correlation=4 if max_correlation is None else max_correlation,
                layers=layers,
                quick=quick,
                seed=seed,
            )
            return run_models(whole, out, resume, as_json)
        if trained:
            from ..diagnostic.calibration.plan import CalibrationPlan
            from .calibrate_trained import run_trained

            plan = CalibrationPlan(
                field="C5" if field is None else field,
                max_degree=5 if max_degree is None else max_degree,
                max_l=5 if max_l is None else max_l,
                controls=not no_controls,
                ring=not no_ring,
                quick=quick,
                seed=seed,
            )
            return run_trained(plan, out, resume, as_json)
        from ..diagnostic.calibration.calibrate import calibrate as run
        from ..theory.errors import InputError

        for option, given in (*given_trained.items(), ("--quick", quick), ("--resume", resume)):
            if given:
                raise InputError(f"{option} belongs to --trained: give both, or leave {option} out")
        max_degree = 3 if max_degree is None else max_degree
        max_l = 3 if max_l is None else max_l
        with watched("calibrating") as watch:
            result = run(max_degree, max_l, seed=seed, out=out, command=command_line(), progress=watch)
        if as_json:
            typer.echo(json.dumps(result, indent=1))
        else:
            _print_table(result.measured)
            if out is not None:
                typer.echo(f"report: {out / 'report.html'}")
        for sentence in result.disagreements:
            typer.echo(f"disagreement: {sentence}", err=True)
        return 0 if result.held else 1
