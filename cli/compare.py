"""``ceilings compare``: finished diagnoses side by side, backbones as clusters, molecules as rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options

if TYPE_CHECKING:
    from rich.table import Table

_EXAMPLE = "ceilings compare runs/seed0 runs/seed1 runs/seed2 runs/seed3 --out runs/comparison"


def register(app: typer.Typer) -> None:
    """Add ``ceilings compare``."""
    app.command("compare", epilog=f"Example: {_EXAMPLE}")(compare_command)


def compare_command(
    runs: Annotated[list[Path], typer.Argument(help="Run directories of 'ceilings diagnose'.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write.")],
    bootstrap: Annotated[int, typer.Option(help="Resamples behind each interval.")] = 2000,
    seed: options.Seed = 0,
    as_json: options.AsJson = False,
) -> int:
    """Compare finished runs: last recovered and first lost l against theory, and intervals over backbones.

    Runs of the same molecule with replicates of one backbone (the same architecture, features and training) are taken
    together: backbones, blocks of frames and atoms are resampled, and the step at the ceiling gets an exact test. Writes
    compare.json, compare.csv, compare.png, compare.svg and report.html. Exit status 0 if theory held in every run that tested it,
    1 if one contradicts it, falls short or does not decide.
    """
    from rich.console import Console

    from ..diagnostic.comparison.compare import compare
    from ..diagnostic.comparison.report import remarks, step_sentence, write_comparison
    from ..diagnostic.records.files import check_absent

    check_absent(out)
    result = compare(runs, draws=bootstrap, seed=seed)
    page = write_comparison(result, out)
    if as_json:
        typer.echo(json.dumps(result, indent=1, ensure_ascii=False))
        return _status(result)
    console = Console(highlight=False, markup=False)
    console.print(_table(result["runs"]))
    for group in result["groups"]:
        console.print(
            f"\n{len(group['runs'])} backbones, L = {group['l_max']}, {group['formula']}: {', '.join(group['runs'])}"
        )
        for table in group["tables"]:
            console.print(_group_table(table))
            console.print(step_sentence(table))
    for pair in result["seeds"]:
        largest = max((value for value in pair["range"] if value is not None), default=0.0)
        console.print(
            f"other seeds of the readout, {', '.join(pair['runs'])}: R² differs by at most {largest:.4f}"
        )
    console.print(result["verdict"]["sentence"])
    for remark in remarks(result):
        console.print(remark)
    console.print(f"report: {page}", soft_wrap=True)
    return _status(result)


def _status(result: dict[str, Any]) -> int:
    """Return the exit status; where nothing was held against theory, say that it only means that the comparison was made."""
    from ..diagnostic.records.outcomes import exit_status

    if result["verdict"]["outcome"] == "nothing tested":
        typer.echo(
            "nothing was held against theory; status 0 says only that the comparison was made", err=True
        )
    return exit_status(result["verdict"])


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(title="Last recovered / first lost l, measured and by theory", box=None, pad_edge=False)
    for name in ("run", "molecule", "L", "d", "measured", "theory", "R² at dL", "at dL+1", ""):
        table.add_column(
            name, no_wrap=name != "run", justify="left" if name in ("run", "molecule") else "right"
        )
    for row in rows:
        measured = "/".join("-" if row[k] is None else str(row[k]) for k in ("last_recovered", "first_lost"))
        ends = ["-" if row[k] is None else _number(row[k]) for k in ("r2_ceiling", "r2_above")]
        theory = f"{row['predicted_last']}/{row['predicted_first_lost']}"
        table.add_row(
            row["run"],
            row["formula"],
            str(row["l_max"]),
            str(row["degree"]),
            measured,
            theory,
            *ends,
            row["outcome"],
        )
    return table


def _group_table(group: dict[str, Any]) -> Table:
    from rich.table import Table

    kind = f"{group['readout']} readout, d = {group['degree']}, ceiling {group['boundary']}"
    few = group["backbones"] < 3
    pooled = group.get("blocks") == "structures"
    of = "clusters of structures, elements" if pooled else "frames, atoms"
    title = (
        f"{kind}; two backbones: both values"
        if few
        else f"{kind}; 95 % over backbones, {group['frames']} {of}"
    )
    table = Table(title=title, box=None, pad_edge=False)
    for name in ("l", "R²", "", "rho", " ", "between backbones"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in group["rows"]:
        cells = []
        for kind in ("r2", "rho"):
            estimate = row[kind]
            cells += [
                _number(estimate["value"]),
                " and ".join(_number(value) for value in estimate["values"])
                if estimate["few"]
                else f"{_number(estimate['low'])} to {_number(estimate['high'])}",
            ]
        share = row["r2"]["share_of_variance"].get("backbones", 0.0)
        table.add_row(str(row["l"]), *cells, "" if few else f"{100 * share:.0f} %")
    return table


def _number(value: float) -> str:
    text = f"{value:.3f}"
    return text.removeprefix("-") if float(text) == 0 else text
