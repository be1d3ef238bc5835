"""``ceilings paper``: every claim of a paper, checked, with a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .console import command_line, watched

_EXAMPLE = (
    "ceilings paper --out runs/paper   or   ceilings paper --only span-theorem,l3-backbone --out runs/two"
)


def register(app: typer.Typer) -> None:
    """Add ``ceilings paper``."""
    app.command("paper", epilog=f"Example: {_EXAMPLE}")(paper_command)


def paper_command(
    out: Annotated[Path | None, typer.Option("--out", help="Run directory; the same command resumes it.")] = None,
    paper: Annotated[
        str,
        typer.Option(
            help="Whose claims: spectral-ceilings (arXiv 2605.08286), scalar-pathway (arXiv 2606.15892) or broken-symmetry "
            "(arXiv 2406.17747)."
        ),
    ] = "spectral-ceilings",
    data: Annotated[
        str,
        typer.Option(help="embedded, rmd17 (downloaded once), or a folder with the npz files of rMD17."),
    ] = "embedded",
    only: Annotated[str | None, typer.Option(help="Claims to check, by id, such as span-theorem,l3-backbone.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer frames, atoms and repetitions: about two minutes.")] = False,
    seed: options.Seed = 0,
    list_claims: Annotated[bool, typer.Option("--list", help="List the claims with their criteria and exit.")] = False,
    as_json: options.AsJson = False,
) -> int:  # fmt: skip
    """Check the claims of a paper against their criteria, and write a report.

    Writes report.html, report.md, paper.json, figures/ and one file for each claim. Exit status 1 if a claim that must
    hold (a theorem, the cliff) does not.
    """
    from ..diagnostic.readouts.compute import available_cores
    from ..paper_checks.paper import check_paper
    from ..paper_checks.registry import choose
    from ..theory.errors import InputError

    names = None if only is None else [name.strip() for name in only.split(",")]
    chosen = choose(names, paper)
    if list_claims:
        _list([claim.to_dict() for claim in chosen], as_json)
        return 0
    if out is None:
        raise InputError("no --out was given; give the directory of the run, such as --out runs/paper")
    with watched("claims") as watch:
        result = check_paper(
            out,
            paper=paper,
            data=data,
            only=names,
            quick=quick,
            seed=seed,
            processes=available_cores(),
            command=command_line(),
            progress=watch,
            tell=watch.note,
        )
    page = out / "report.html"
    if as_json:
        verdicts = {row["id"]: row["verdict"] for row in result.rows()}
        record = {
            "schema": "spectral-ceilings/paper-verdicts/1",
            "report": str(page),
            "held": result.held,
            "verdicts": verdicts,
        }
        typer.echo(json.dumps(record, indent=1, ensure_ascii=False))
        return 0 if result.held else 1
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("claim", "verdict", "measured"):
        shown.add_column(name)
    for row in result.rows():
        shown.add_row(row["id"], row["verdict"], row["sentence"])
    console.print(shown)
    console.print(result.sentence)
    console.print(f"report: {page}", soft_wrap=True)
    return 0 if result.held else 1


def _list(claims: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        typer.echo(
            json.dumps(
                {"schema": "spectral-ceilings/claims/1", "claims": claims}, indent=1, ensure_ascii=False
            )
        )
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    for claim in claims:
        console.print(f"{claim['id']}: {claim['title']} ({claim['where']})")
        console.print(f"    criterion: {claim['criterion']}\n", soft_wrap=True)
