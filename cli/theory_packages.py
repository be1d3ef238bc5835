"""``ceilings theory tables``: coupling tables of packages against exact counts."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from . import options
from .console import watched

_EPILOG = (
    "Examples: ceilings theory tables e3nn mace   |   ceilings theory tables mace --max-l 3 --json   |   "
    "ceilings theory tables my_module.py:coefficients"
)


def register_tables(theory: typer.Typer) -> None:
    """Add the command ``tables`` to ``ceilings theory``."""

    @theory.command("tables", epilog=_EPILOG)
    def tables(
        packages: Annotated[
            list[str],
            typer.Argument(
                metavar="PACKAGE", help="Installed packages: e3nn, mace, cuequivariance.", show_default=False
            ),
        ],
        max_l: Annotated[
            int, typer.Option("--max-l", help="Highest l of the harmonics that are coupled, L, 1 to 4.")
        ] = 3,
        max_correlation: Annotated[
            int, typer.Option("--max-correlation", help="Highest degree nu of the polynomials, 2 to 4.")
        ] = 3,
        output_l: Annotated[
            int, typer.Option("--output-l", help="Highest l of the outputs, natural parity, 0 to 4.")
        ] = 2,
        as_json: options.AsJson = False,
    ) -> None:
        """Hold the coupling tables of installed packages against exact counts: complete, and how redundant.

        Exit status 1 if a table is incomplete or not equivariant.
        """
        from ..diagnostic.implementations.report import tables_report

        with watched("tables") as watch:
            report = tables_report(
                packages, l_max=max_l, correlation=max_correlation, output_l=output_l, progress=watch
            )
        if as_json:
            typer.echo(json.dumps(report, indent=1))
        else:
            for part in report["packages"]:
                _print_package(part)
        if not report["right"]:
            raise typer.Exit(1)


def _print_package(part: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(
        title=f"{part['name']}: "
        + ", ".join(f"{name} {number}" for name, number in part["versions"].items()),
        caption="chains: coupling chains that there are; independent: rank of the paths, of rational numbers where "
        "marked =, of the numbers where marked ~; exact: independent equivariant polynomials that there are.",
    )
    for name in ("table", "L", "nu", "out", "paths", "chains", "independent", "exact", "paths / indep.", ""):
        shown.add_column(name, justify="left" if name in ("table", "") else "right", no_wrap=name != "table")
    for row in part["tables"]:
        mark = "=" if row["arithmetic"] == "rational" else "~"
        redundancy = "" if row["redundancy"] is None else f"{row['redundancy']:.1f}"
        shown.add_row(
            row["variant"], str(row["l_max"]), str(row["correlation"]), row["output"], str(row["paths"]),
            str(row["chains"]), f"{mark} {row['independent']}", str(row["exact"]), redundancy,
            "complete" if row["complete"] and not row["findings"] else "WRONG",
        )  # fmt: skip
    Console().print(shown)
    for row in part["tables"]:
        where = f"{row['variant']}, L = {row['l_max']}, nu = {row['correlation']}, {row['output']}"
        for finding in row["findings"]:
            typer.echo(f"{where}: {finding}")
    for note in part["notes"]:
        typer.echo(f"{part['name']}: {note}")
