"""``ceilings theory tables``: coupling tables of packages, or of a module, against exact counts and exact values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from . import options
from .console import watched

if TYPE_CHECKING:
    from ..diagnostic.implementations.values import Kind

_EPILOG = (
    "Examples: ceilings theory tables e3nn mace   |   ceilings theory tables nequip --max-l 2 --json   |   "
    "ceilings theory tables my_module.py:coefficients"
)
_KINDS = ("coefficients", "harmonics", "wigner")


def register_tables(theory: typer.Typer) -> None:
    """Add the command ``tables`` to ``ceilings theory``."""

    @theory.command("tables", epilog=_EPILOG)
    def tables(
        packages: Annotated[
            list[str],
            typer.Argument(
                metavar="PACKAGE",
                help="e3nn, mace, cuequivariance, nequip, allegro, sevennet, e3x, sphericart or wigners, as installed; or a "
                "module of your own, which is run: FILE.py:FUNCTION, or FILE.py for all that it has.",
                show_default=False,
            ),
        ],
        max_l: Annotated[
            int, typer.Option("--max-l", help="Highest l of harmonics and couplings, 1 to 4.")
        ] = 3,
        max_correlation: Annotated[
            int, typer.Option("--max-correlation", help="Highest degree nu of polynomials, 2 to 4.")
        ] = 3,
        output_l: Annotated[
            int, typer.Option("--output-l", help="Highest l of the outputs of tables, 0 to 4.")
        ] = 2,
        what: Annotated[
            str | None,
            typer.Option(
                help="What FUNCTION gives: coefficients(l1, l2, l3), harmonics(l, points) or wigner(l, rotation).",
                show_default="read off its name",
                metavar="[coefficients|harmonics|wigner]",
            ),
        ] = None,
        as_json: options.AsJson = False,
    ) -> None:
        """Hold coupling tables against exact counts, and coefficients, harmonics and Wigner matrices against exact values.

        Complete or not, paths per independent one, right or wrong, and in which convention. Exit status 1 if something is wrong.
        """
        from ..diagnostic.implementations.report import tables_report
        from ..theory import InputError

        if what is not None and what not in _KINDS:
            raise InputError(f"--what is {what!r}: give one of {', '.join(_KINDS)}")
        with watched("tables") as watch:
            report = tables_report(
                packages,
                l_max=max_l,
                correlation=max_correlation,
                output_l=output_l,
                what=cast("Kind | None", what),
                progress=watch,
            )
        if as_json:
            typer.echo(json.dumps(report, indent=1))
        else:
            for part in report["packages"]:
                _print_package(part)
        if not report["right"]:
            raise typer.Exit(1)


def _print_package(part: dict[str, Any]) -> None:
    title = part["name"]
    if part["versions"]:
        title += ": " + ", ".join(f"{name} {number}" for name, number in part["versions"].items())
    typer.echo(title)
    if part["tables"]:
        _print_tables(part["tables"])
    for row in part["values"]:
        _print_value(row)
    for row in part["tables"]:
        where = f"{row['variant']}, {' x '.join(row['factors'])} -> {row['output']}"
        for finding in row["findings"]:
            typer.echo(f"WRONG: {where}: {finding}")
    for row in part["values"]:
        for finding in row["findings"]:
            typer.echo(f"WRONG: {row['name']}, {row['numbers']}: {finding['sentence']}")
    for note in part["notes"]:
        typer.echo(f"note: {note}")


def _print_tables(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(
        caption="chains: coupling chains that there are. rank: of the paths, of rational numbers where marked =, else in "
        "floating point, ~. exact: independent couplings that there are.",
    )
    for name in ("table", "L", "nu", "out", "paths", "chains", "rank", "exact", "paths/rank", ""):
        shown.add_column(name, justify="left" if name in ("table", "") else "right", no_wrap=name != "table")
    for row in rows:
        mark = "=" if row["arithmetic"] == "rational" else "~"
        redundancy = "" if row["redundancy"] is None else f"{row['redundancy']:.1f}"
        verdict = "complete" if row["complete"] else "INCOMPLETE"
        verdict += ", single precision" if row["precision"] == "single" else ""
        shown.add_row(
            row["variant"], str(row["l_max"]), str(row["correlation"]), row["output"], str(row["paths"]),
            str(row["chains"]), f"{mark} {row['independent']}", str(row["exact"]), redundancy,
            "WRONG" if row["findings"] and row["complete"] else verdict,
        )  # fmt: skip
    Console().print(shown)


def _print_value(row: dict[str, Any]) -> None:
    verdict = "right" if row["right"] else "WRONG"
    detail = {
        "coefficients": lambda: (
            f"{row['family']}; {row['basis']}; {row['normalisation']}; {row['number']} couplings"
            + (f", {len(row['minus'])} with the other sign" if row["minus"] else "")
        ),
        "harmonics": lambda: f"{row['basis']}; {row['normalisation']}; {_LENGTHS[row['length']]}",
        "wigner": lambda: f"{row['basis']}; {row['direction']}",
    }[row["kind"]]()
    typer.echo(f"{verdict}: {row['name']}, {row['numbers']}: {detail}; worst error {row['error']:.1e}")


_LENGTHS = {
    "normalised": "vectors are normalised",
    "solid": "times r^l",
    "other": "the length of a vector has another effect",
}
