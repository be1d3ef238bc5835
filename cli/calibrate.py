"""``ceilings calibrate``: the calibration table, theory against ranks measured on sampled directions."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..numerics import span_rank
from ..theory._checks import require_affordable, require_int

_EPILOG = "Example: ceilings calibrate --max-degree 3 --max-l 3 --out runs/calibration"
_SCHEMA = "ceilings.calibrate/1"


def calibration_row(degree: int, l_max: int, seed: int) -> dict[str, Any]:
    """Return one row of the calibration table, from a random stream of its own."""
    measured = span_rank(degree, l_max, np.random.default_rng([seed, degree, l_max]))
    return {
        "degree": degree,
        "l_max": l_max,
        "boundary": measured.ceiling.boundary,
        "dimension": measured.ceiling.dimension,
        "rank": measured.rank,
        "gap": measured.gap,
        "condition": measured.condition,
        "tolerance": measured.tolerance,
        "columns": measured.columns,
        "n_columns": measured.n_columns,
        "n_directions": measured.n_directions,
        "agrees": measured.agrees,
    }


def _print_table(rows: list[dict[str, Any]], console: Console) -> None:
    table = Table(
        title="Span of polynomials of degree d in harmonics l <= L: theory and measured rank",
        caption="dimension: (dL+1)^2, exact. gap: sigma_r / sigma_(r+1) at r = dimension.",
    )
    for name in ("d", "L", "dL", "dimension", "rank", "gap", "condition", "agrees"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            *(str(row[key]) for key in ("degree", "l_max", "boundary", "dimension", "rank")),
            f"{row['gap']:.1e}",
            f"{row['condition']:.1e}",
            "yes" if row["agrees"] else "[bold red]NO[/]",
        )
    console.print(table)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(name, path)


def register(app: typer.Typer) -> None:
    """Add the command ``calibrate`` to the application."""

    @app.command("calibrate", epilog=_EPILOG)
    def calibrate(
        max_degree: Annotated[int, typer.Option(help="Highest polynomial degree d.")] = 3,
        max_l: Annotated[int, typer.Option("--max-l", help="Highest feature degree L.")] = 3,
        out: Annotated[Path | None, typer.Option(help="Folder to write calibration.json into.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the data as JSON.")] = False,
        seed: Annotated[int, typer.Option(help="Seed of directions and products.", min=0)] = 0,
    ) -> int:
        """Measure the rank of polynomial spans on directions; exit status 1 if one differs from theory."""
        require_int("--max-degree", max_degree, 1)
        require_int("--max-l", max_l, 1)
        require_affordable(max_degree, max_l)
        pairs = [(d, L) for d in range(1, max_degree + 1) for L in range(1, max_l + 1)]
        stderr = Console(stderr=True)
        rows = []
        with Progress(console=stderr, transient=True, disable=not sys.stderr.isatty()) as progress:
            for degree, l_max in progress.track(pairs, description="ranks"):
                rows.append(calibration_row(degree, l_max, seed))
        data = json.dumps({"schema": _SCHEMA, "seed": seed, "rows": rows}, indent=1)
        if out is not None:
            _write(out / "calibration.json", data + "\n")
        if as_json:
            typer.echo(data)
        else:
            _print_table(rows, Console())
        wrong = [row for row in rows if not row["agrees"]]
        for row in wrong:
            stderr.print(
                f"[bold red]disagreement:[/] degree {row['degree']}, l_max {row['l_max']}: "
                f"rank {row['rank']}, theory {row['dimension']}",
                soft_wrap=True,
            )
        return 1 if wrong else 0
