"""``ceilings theory``: the span theorem, exactly, for a grid of polynomial degrees and feature degrees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from ..theory import (
    Ceiling,
    boundary_multiplicity,
    formal_multiplicities,
    prove_span_theorem,
    realised_multiplicities,
    span,
)
from ..theory._checks import require_affordable, require_int
from .theory_certificates import replay, write_certificates

_EPILOG = "Examples: ceilings theory --max-degree 4 --max-l 4   |   ceilings theory --max-degree 8 --max-l 8 --out proofs/"
_VERIFY_EPILOG = "Example: ceilings theory verify proofs/span_d2_L2.json proofs/span_d3_L2.json"


def grid(max_degree: int, max_l: int, console: Console | None = None) -> list[dict[str, Any]]:
    """Return one exact row for every degree 1..max_degree and l_max 1..max_l, with a progress bar on `console` if given.

    Raises
    ------
    InputError
        If a bound is not an integer of at least 1 or the largest pair is beyond exact tables.
    """
    require_int("--max-degree", max_degree, 1)
    require_int("--max-l", max_l, 1)
    require_affordable(max_degree, max_l)
    pairs = [(degree, l_max) for degree in range(1, max_degree + 1) for l_max in range(1, max_l + 1)]
    bar = track(
        pairs,
        "exact tables",
        console=console,
        disable=console is None or not console.is_terminal,
        transient=True,
    )
    return [_row(degree, l_max) for degree, l_max in bar]


def _row(degree: int, l_max: int) -> dict[str, Any]:
    theorem, formal, realised = (
        span(degree, l_max),
        formal_multiplicities(degree, l_max),
        realised_multiplicities(degree, l_max),
    )
    return {
        "degree": degree,
        "l_max": l_max,
        "boundary": Ceiling(degree, l_max).boundary,
        "dimension": theorem.dimension,
        "reachable": list(theorem.reachable),
        "stretched_coefficient": theorem.witnesses[-1].coefficient.to_json(),
        "formal_multiplicities": list(formal),
        "realised_multiplicities": list(realised),
        "relations": [one - other for one, other in zip(formal, realised, strict=True)],
        "boundary_multiplicity": boundary_multiplicity(degree),
    }


def _shortened(counts: list[int]) -> str:
    """Return the counts, of long lists the first and last ones."""
    shown = [str(count) for count in counts]
    return " ".join(shown if len(shown) <= 17 else [*shown[:5], "...", *shown[-6:]])


def _print_table(max_degree: int, max_l: int, rows: list[dict[str, Any]]) -> None:
    table = Table(
        title="Polynomials of degree d in the harmonics, l <= L, of one direction",
        caption="span: exactly l = 0..dL. c: (Y_LL)^d = c Y_ll at l = dL, component normalisation, not zero. "
        "mu(l): formal multiplicities, l = 0..dL; on the sphere each l occurs once; --json gives all of it.",
    )
    for name in ("d", "L", "dL", "dim"):
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    table.add_column("c", overflow="fold", max_width=30)
    table.add_column("mu(0) ... mu(dL)", overflow="fold", max_width=34)
    for row in rows:
        witness = span(row["degree"], row["l_max"]).witnesses[-1]
        table.add_row(
            *(str(row[key]) for key in ("degree", "l_max", "boundary", "dimension")),
            str(witness.coefficient),
            _shortened(row["formal_multiplicities"]),
            end_section=row["l_max"] == max_l and row["degree"] < max_degree,
        )
    Console().print(table)


def register(app: typer.Typer) -> None:
    """Add the command ``theory`` to the application."""
    theory = typer.Typer(
        help="Prove the span theorem for a grid of (degree, l_max), exactly.",
        epilog=_EPILOG,
        invoke_without_command=True,
    )

    @theory.callback()
    def table(
        context: typer.Context,
        max_degree: Annotated[int, typer.Option(help="Highest polynomial degree d.")] = 4,
        max_l: Annotated[int, typer.Option("--max-l", help="Highest feature degree L.")] = 4,
        out: Annotated[
            Path | None, typer.Option(help="Write one certificate per pair into this folder.")
        ] = None,
        figures: Annotated[Path | None, typer.Option(help="Write the two figures into this folder.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the data as JSON.")] = False,
    ) -> None:
        """Prove the span theorem for a grid of (degree, l_max), exactly, and write certificates of it."""
        if context.invoked_subcommand:
            return
        console = Console(stderr=True)
        rows = grid(max_degree, max_l, console)
        if out is not None:
            paths = write_certificates(max_degree, max_l, out, console)
            console.print(f"{len(paths)} certificates in {out}", highlight=False)
        if figures is not None:
            from .theory_figures import write_figures  # Matplotlib takes a second to import

            for path in write_figures(figures):
                console.print(path, highlight=False, soft_wrap=True)
        if as_json:
            typer.echo(json.dumps({"schema": "ceilings.theory/1", "rows": rows}, indent=1))
        else:
            _print_table(max_degree, max_l, rows)

    @theory.command("verify", epilog=_VERIFY_EPILOG)
    def verify(
        files: Annotated[list[Path], typer.Argument(help="Certificates written by ceilings theory --out.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    ) -> None:
        """Replay certificates with separate code; exit status 1 and the entry's name if anything does not hold."""
        findings = replay(files, Console(stderr=True))
        broken = sum(1 for found in findings.values() if found)
        if as_json:
            results = [
                {"file": str(path), "holds": not found, "findings": found} for path, found in findings.items()
            ]
            typer.echo(json.dumps({"schema": "ceilings.theory.verify/1", "results": results}, indent=1))
        else:
            for path, found in findings.items():
                for finding in found:
                    typer.echo(f"{path}: {finding}")
            typer.echo(f"{len(findings) - broken} of {len(findings)} certificates hold")
        if broken:
            raise typer.Exit(1)

    @theory.command("proof", epilog="Example: ceilings theory proof")
    def proof(
        as_json: Annotated[bool, typer.Option("--json", help="Print the steps as JSON.")] = False,
    ) -> None:
        """Prove the span theorem for all d and L at once; exit status 1 if a step does not hold."""
        steps = prove_span_theorem()
        if as_json:
            rows = [
                {
                    "name": step.name,
                    "statement": step.statement,
                    "formula": str(step.formula),
                    "holds": step.holds,
                }
                for step in steps
            ]
            typer.echo(json.dumps({"schema": "ceilings.theory.proof/1", "steps": rows}, indent=1))
        else:
            shown = Table(
                title="The span theorem with d, L, q, r, a, b, k as symbols",
                caption="decided by SymPy under integer assumptions",
            )
            shown.add_column("step")
            shown.add_column("statement")
            shown.add_column("", no_wrap=True)
            for step in steps:
                shown.add_row(
                    step.name,
                    Text(step.statement),
                    "holds" if step.holds else "DOES NOT HOLD",
                    end_section=True,
                )
            Console().print(shown)
        if not all(step.holds for step in steps):
            raise typer.Exit(1)

    app.add_typer(theory, name="theory")
