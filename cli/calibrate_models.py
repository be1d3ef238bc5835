"""``ceilings calibrate --models``: whole architectures trained on angular terms of synthetic graphs, against theory."""

from __future__ import annotations

import json
import time
from pathlib import Path

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..diagnostic.records.outcomes import NOTHING_TESTED, exit_status
from ..diagnostic.whole_models.calibrate import calibrate_models
from ..diagnostic.whole_models.plan import ModelPlan
from ..diagnostic.whole_models.result_object import ModelCalibration
from ..diagnostic.whole_models.settings import KINDS
from ..diagnostic.whole_models.tables import MARKS, TITLES, number, panels, size, terms_of
from .console import command_line, watched

#: Columns of the terminal: what a term is called there.
_SHORT = (("pair(", "l="), ("product(", ""), ("torsion(", "t="))


def run_models(plan: ModelPlan, out: Path | None, resume: bool, as_json: bool) -> int:
    """Run the plan cell by cell, print what was measured; return the exit status."""
    started = time.perf_counter()
    with watched("training") as watch:
        result = calibrate_models(plan, out=out, resume=resume, command=command_line(), progress=watch)
    if as_json:
        typer.echo(json.dumps(result, indent=1))
    else:
        _print(result)
        typer.echo(f"{len(result['cells'])} cells in {time.perf_counter() - started:.0f} s")
        if out is not None:
            typer.echo(f"report: {out / 'report.html'}")
    for absent in result["missing"]:
        kind = KINDS[absent["architecture"]]
        typer.echo(
            f"not run: {absent['cells']} cells of {absent['architecture']}; the package {kind.package!r} is not installed here",
            err=True,
        )
    if result["verdict"]["outcome"] == "nothing tested":
        typer.echo(NOTHING_TESTED, err=True)
    for sentence in result.disagreements:
        typer.echo(f"disagreement: {sentence}", err=True)
    return exit_status(result["verdict"])


def _print(result: ModelCalibration) -> None:
    console = Console()
    for graph, cells in panels(result.cells).items():
        terms = [term for term in terms_of(cells) if not term.startswith("product")]
        if not terms:
            continue
        table = Table(
            title=f"{TITLES[graph]}: R² after training",
            box=SIMPLE_HEAD,
            padding=(0, 0, 0, 1),
            title_justify="left",
        )
        table.add_column("model", no_wrap=True)
        for term in terms:
            table.add_column(_short(term), justify="right", no_wrap=True)
        for cell in cells:
            rows = {row.term: row for row in cell.rows}
            layout = cell.settings.layout
            where = f" {layout.cutoff:g} Å" if graph == "cutoff" else "" if layout.alike else " apart"
            name = f"{cell.settings.model.architecture} {size(cell).replace(', ', ' ')}{where}"
            texts = [
                f"{number(rows[t].trained, 2)}{MARKS[rows[t].verdict] or ' '}" if t in rows else ""
                for t in terms
            ]
            wrong = any(row.verdict == "contradicted" for row in cell.rows)
            table.add_row(name, *texts, style="bold red" if wrong else "")
        console.print(table)
    console.print(
        "* representable, not learned; ! above theory; ? undecided. --out writes theory, closed form and products."
    )
    console.print(result.sentence)


def _short(term: str) -> str:
    for long, short in _SHORT:
        term = term.replace(long, short)
    return term.removesuffix(")")
