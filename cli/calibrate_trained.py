"""``ceilings calibrate --trained``: readouts trained by gradient descent against theory and the closed form."""

from __future__ import annotations

import json
import time
from pathlib import Path

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..diagnostic.calibration.calibrate import calibrate_trained
from ..diagnostic.calibration.plan import CalibrationCells, CalibrationPlan
from .console import command_line, watched


def run_trained(plan: CalibrationPlan, out: Path | None, resume: bool, as_json: bool) -> int:
    """Run the plan cell by cell, print what was found; return the exit status."""
    started = time.perf_counter()
    with watched("training") as watch:
        result = calibrate_trained(plan, out=out, resume=resume, command=command_line(), progress=watch)
    if as_json:
        typer.echo(json.dumps(result, indent=1))
    else:
        _print(result.cells)
        typer.echo(f"{len(result['cells'])} cells in {time.perf_counter() - started:.0f} s")
        if out is not None:
            typer.echo(f"report: {out / 'report.html'}")
    for sentence in result.disagreements:
        typer.echo(f"disagreement: {sentence}", err=True)
    return 0 if result.held else 1


def _print(calibration: CalibrationCells) -> None:
    grid = calibration.panel("grid")
    first = grid[0]
    table = Table(
        title=f"R² of the {first.settings.field} field, l = {first.field_l}",
        caption=f"On {first.settings.held_out} held-out directions. theory: exact. not learned: training fell short of the "
        "closed form. not representable: neither theory nor the closed form recovers anything of the field.",
        box=SIMPLE_HEAD,
    )
    for name in ("d", "L", "theory", "closed form", "trained", "result"):
        table.add_column(name, justify="left" if name == "result" else "right", no_wrap=True)
    for cell in grid:
        s = cell.settings
        measured = (f"{cell.closed_form:.4f}", f"{cell.r2:.4f}")
        table.add_row(
            str(s.degree),
            str(s.l_max),
            str(cell.theory),
            *measured,
            cell.status,
            style="" if cell.agrees else "bold red",
        )
    console = Console()
    console.print(table)
    controls = sum(panel not in ("grid", "ring") for panel, _ in calibration.cells)
    ring = calibration.ring
    if controls:
        above = sum(
            not cell.within_theory for panel, cell in calibration.cells if panel not in ("grid", "ring")
        )
        console.print(f"controls: {controls} cells, {above} above theory")
    if ring:
        console.print(
            f"ring of five neighbours: {sum(cell.agrees for cell in ring)} of {len(ring)} cells agree with theory"
        )
