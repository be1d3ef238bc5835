"""``ceilings calibrate --trained``: readouts trained by gradient descent against theory and the closed form."""

from __future__ import annotations

import json
import time
from pathlib import Path

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..diagnostic.calibration.plan import Calibration, CalibrationPlan, Cell, run_cells
from ..diagnostic.records.files import write_json, write_whole
from .console import command_line, watched


def run_trained(plan: CalibrationPlan, out: Path | None, resume: bool, as_json: bool) -> int:
    """Run the plan cell by cell, write tables and figures, print; return the exit status."""
    started = time.perf_counter()
    done: list[tuple[str, Cell]] = []
    total = len(plan.cells())
    with watched("training") as watch:
        for panel, cell in run_cells(plan, out, resume):
            done.append((panel, cell))
            watch(panel, len(done), total)
    found = Calibration(plan, tuple(done))
    if out is not None:
        write_trained(found, out)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=1))
    else:
        _print(found)
        typer.echo(f"{total} cells in {time.perf_counter() - started:.0f} s")
        if out is not None:
            typer.echo(f"report: {out / 'report.html'}")
    for sentence in found.disagreements:
        typer.echo(f"disagreement: {sentence}", err=True)
    return 1 if found.disagreements else 0


def write_trained(found: Calibration, folder: Path) -> None:
    """Write the calibration as JSON, CSV and Markdown, its figures, and ``report.html``."""
    from ..diagnostic.calibration import tables as synthetic_tables
    from ..diagnostic.calibration.report import trained_drawings, trained_page
    from ..diagnostic.pages.figure_files import write_drawings

    write_json(folder / "calibration.json", {**found.to_dict(), "command": command_line()})
    write_whole(folder / "calibration.csv", synthetic_tables.to_csv(found))
    write_whole(folder / "calibration.md", synthetic_tables.to_markdown(found))
    drawings = trained_drawings(found)
    write_drawings(drawings, folder)
    write_whole(folder / "report.html", trained_page(found, command_line(), drawings))


def _print(found: Calibration) -> None:
    grid = found.panel("grid")
    first = grid[0]
    table = Table(
        title=f"R2 of the {first.settings.field} field of degree {first.field_l}",
        caption=f"On {first.settings.held_out} held-out directions. theory: exact. not learned: training fell short of the "
        "closed form; not representable: theory and closed form have none of the field.",
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
    controls = sum(panel not in ("grid", "ring") for panel, _ in found.cells)
    ring = found.ring
    if controls:
        above = sum(not cell.within_theory for panel, cell in found.cells if panel not in ("grid", "ring"))
        console.print(f"controls: {controls} cells, {above} above theory")
    if ring:
        console.print(
            f"ring of five neighbours: {sum(cell.agrees for cell in ring)} of {len(ring)} cells agree with theory"
        )
