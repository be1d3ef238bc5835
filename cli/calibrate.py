"""``ceilings calibrate``: the calibration table, theory against every measurement of the span."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..diagnostic.pages.figure_style import LIGHT, figure_style, png_bytes, svg_text
from ..diagnostic.records.files import write_json, write_whole
from ..numerics.calibration import CalibrationRow, calibrate_pair, check_pair
from ..theory.errors import InputError
from . import calibration_figures, calibration_tables

_EPILOG = (
    "Examples: ceilings calibrate --max-degree 6 --max-l 6 --out runs/calibration  |  "
    "ceilings calibrate --trained --out runs/trained"
)
_SCHEMA = "ceilings.calibrate/1"

#: Columns that fit a terminal of 80 characters.
_SHOWN = ("d", "L", "dL", "(dL+1)^2", "float64", "mod p", "by m", "gap", "leakage", "agrees")


def calibration(
    max_degree: int, max_l: int, seed: int = 0, folder: Path | None = None
) -> Iterator[CalibrationRow]:
    """Yield the rows d = 1..max_degree, L = 1..max_l; with a folder, keep each and take up those kept before.

    Raises
    ------
    InputError
        If a bound is too small or too large, or the folder holds rows of another seed.
    """
    check_pair(max_degree, max_l)
    cells = folder / "cells" if folder else None
    if cells:
        _check_seed(cells, seed)
    for degree in range(1, max_degree + 1):
        for l_max in range(1, max_l + 1):
            cell = cells / f"d{degree}_L{l_max}.json" if cells else None
            if cell and cell.exists():
                yield _kept_row(cell)
                continue
            row = calibrate_pair(degree, l_max, seed)
            if cell:
                write_json(cell, {"schema": _SCHEMA, "seed": seed, "row": row.to_dict()})
            yield row


def _check_seed(cells: Path, seed: int) -> None:
    for cell in sorted(cells.glob("d*_L*.json")):
        data = _read(cell)
        if (data.get("schema"), data.get("seed")) != (_SCHEMA, seed):
            raise InputError(
                f"{cell} was made with seed {data.get('seed')} and schema {data.get('schema')}, not seed {seed} and "
                f"{_SCHEMA}: give another --out folder, or the same seed to go on"
            )


def _kept_row(cell: Path) -> CalibrationRow:
    try:
        return CalibrationRow.from_dict(_read(cell)["row"])
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{cell} lacks parts of a row: remove it, and it is computed again") from None


def _read(cell: Path) -> dict[str, Any]:
    try:
        data = json.loads(cell.read_text(encoding="utf-8"))
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise InputError(f"{cell} is not a row of a calibration table: remove it, and it is computed again")
    return data


def _table_json(rows: list[CalibrationRow], seed: int) -> dict[str, Any]:
    plain = [row.to_dict() for row in rows]
    for row in plain:
        row.pop("singular_values")  # long; they stay with the cells
    return {"schema": _SCHEMA, "seed": seed, "agrees": all(row.agrees for row in rows), "rows": plain}


def write_calibration(rows: list[CalibrationRow], seed: int, folder: Path) -> None:
    """Write the table as JSON, CSV, Markdown and LaTeX, and the three figures as PNG and SVG."""
    write_json(folder / "calibration.json", _table_json(rows, seed))
    for name, text in (
        ("calibration.csv", calibration_tables.to_csv(rows)),
        ("calibration.md", calibration_tables.to_markdown(rows)),
        ("calibration.tex", calibration_tables.to_latex(rows)),
    ):
        write_whole(folder / name, text.encode())
    with figure_style(LIGHT):
        for name, draw in (
            ("ranks", calibration_figures.draw_ranks),
            ("staircase", calibration_figures.draw_staircase),
            ("cyclic", calibration_figures.draw_cyclic),
        ):
            figure = draw(rows, LIGHT)
            write_whole(folder / "figures" / f"{name}.png", png_bytes(figure))
            write_whole(folder / "figures" / f"{name}.svg", svg_text(figure).encode())


def _print_table(rows: list[CalibrationRow]) -> None:
    table = Table(
        title="Span of polynomials of degree d in harmonics l <= L of one direction",
        caption="(dL+1)^2: exact dimension. Measured ranks: float64 at random directions, mod p at rational directions "
        "(two primes), by m in blocks of order m (mod p). gap: sigma_r / sigma_(r+1) at r = (dL+1)^2. leakage: relative "
        "norm above dL. The files of --out hold more.",
        box=SIMPLE_HEAD,
    )
    for name in _SHOWN:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        cells = calibration_tables.rank_cells(row, calibration_tables.plain_power)
        shown = [
            cell for name, cell in zip(calibration_tables.HEADINGS, cells, strict=True) if name in _SHOWN
        ]
        table.add_row(*shown, style="" if row.agrees else "bold red")
    Console().print(table)


def register(app: typer.Typer) -> None:
    """Add the command ``calibrate`` to the application."""

    @app.command("calibrate", epilog=_EPILOG)
    def calibrate(
        max_degree: Annotated[
            int | None, typer.Option(help="Highest polynomial degree d; 3, with --trained 5.")
        ] = None,
        max_l: Annotated[
            int | None, typer.Option("--max-l", help="Highest feature degree L; 3, with --trained 5.")
        ] = None,
        out: Annotated[
            Path | None, typer.Option(help="Folder for tables and figures; a stopped run goes on.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the data as JSON.")] = False,
        seed: Annotated[int, typer.Option(help="Seed of directions, products, noise and weights.")] = 0,
        trained: Annotated[
            bool, typer.Option("--trained", help="Train readouts of a symmetric field by gradient descent.")
        ] = False,
        field: Annotated[
            str | None, typer.Option(help="With --trained: point group of the field; C5 if left out.")
        ] = None,
        quick: Annotated[
            bool,
            typer.Option("--quick", help="With --trained: a few small cells, seconds instead of minutes."),
        ] = False,
        no_controls: Annotated[
            bool, typer.Option("--no-controls", help="With --trained: the grid of (d, L) only, no controls.")
        ] = False,
        no_ring: Annotated[
            bool, typer.Option("--no-ring", help="With --trained: without the ring of five neighbours.")
        ] = False,
        resume: Annotated[
            bool, typer.Option("--resume", help="With --trained: go on with the cells kept in --out.")
        ] = False,
    ) -> int:
        """Calibrate theory against measurement for every (degree, l_max) of a grid.

        For each pair: the exact ceiling, dimension and multiplicities; the rank in floating point, mod p and
        by orders; gap, condition, leakage; and the C_n fields n = 1..12. Exit status 1 if anything disagrees.

        With --trained: R2 of networks of degree d trained by gradient descent on a field of known symmetry, beside the
        closed-form solution and the exact 0 or 1 of theory; controls of capacity, activation, noise, sample size,
        optimiser and seed; and a ring of five neighbours seen through the features of NequIP and e3nn.
        """
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
        for option, given in (
            ("--field", field), ("--quick", quick), ("--no-controls", no_controls), ("--no-ring", no_ring),
            ("--resume", resume),
        ):  # fmt: skip
            if given:
                raise InputError(f"{option} belongs to --trained: give both, or leave {option} out")
        max_degree = 3 if max_degree is None else max_degree
        max_l = 3 if max_l is None else max_l
        rows = []
        with Progress(
            console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
        ) as progress:
            found = calibration(max_degree, max_l, seed, out)
            for row in progress.track(found, total=max_degree * max_l, description="calibrating"):
                rows.append(row)
        if out is not None:
            write_calibration(rows, seed, out)
        if as_json:
            typer.echo(json.dumps(_table_json(rows, seed), indent=1))
        else:
            _print_table(rows)
            if out is not None:
                typer.echo(f"written to {out}")
        wrong = [sentence for row in rows for sentence in row.disagreements]
        for sentence in wrong:
            typer.echo(f"disagreement: {sentence}", err=True)
        return 1 if wrong else 0
