"""``ceilings sweep collect``: the results of a sweep in one table, and a page that shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options

if TYPE_CHECKING:
    from rich.table import Table

    from ..sweeps.collected import Collected


def collect_command(
    sweep: Annotated[
        Path,
        typer.Argument(metavar="SWEEP", help="Directory of a sweep, or its YAML file.", show_default=False),
    ],
    replicates: Annotated[
        str, typer.Option(help="Labels that number repetitions of one setting, with commas between them.")
    ] = "seed",
    as_json: options.AsJson = False,
) -> int:
    """Gather what the cells of a sweep gave in one table, and show it on a page; a sweep that still runs is shown as it is.

    Writes SWEEP/collected: table.csv and table.parquet (a row for each row of every result), cells.csv (what each cell cost),
    collected.json and report.html, with the cliff of every setting, contrasts with intervals over backbones, and height against
    cost. Exit status 0; 2 if a cell failed.
    """
    from ..sweeps.gather import collect
    from .sweep_plan import directory_of

    made = collect(
        directory_of(sweep), replicates=tuple(filter(None, (name.strip() for name in replicates.split(","))))
    )
    status = 2 if made.failed else 0
    if as_json:
        typer.echo(json.dumps(made.to_dict(), indent=1, ensure_ascii=False))
        return status
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(_counts(made))
    if made.contrasts:
        from ..sweeps.collected_page import sentence
        from ..sweeps.contrasts import leading

        for contrast in leading(made.contrasts):
            console.print(sentence(contrast))
    for cell in made.failed[:10]:
        labels = " ".join(f"{name}={value}" for name, value in cell.labels.items())
        console.print(f"failed: {cell.stage} {labels}: {cell.error} ({made.out / cell.log})")
    if len(made.failed) > 10:
        console.print(f"and {len(made.failed) - 10} more failed; cells.csv lists all")
    console.print(f"{made.rows:,} rows: {made.table}")
    if "table.parquet" not in made.files:
        console.print("no table.parquet: it needs pyarrow (pip install 'spectral-ceilings[parquet]')")
    console.print(f"report: {made.page}")
    return status


def _counts(made: Collected) -> Table:
    from rich.table import Table

    states = list(dict.fromkeys(state for by_state in made.counts.values() for state in by_state))
    table = Table(box=None, pad_edge=False)
    table.add_column("stage")
    for state in states:
        table.add_column(state, justify="right")
    for stage, by_state in made.counts.items():
        table.add_row(stage, *(f"{by_state.get(state, 0):,}" for state in states))
    return table
