"""``ceilings theory``: the span theorem, exactly, for a grid of pairs (degree, l_max)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .console import watched
from .theory_architectures import register_architectures
from .theory_graphs import register_graphs
from .theory_grids import register_grids
from .theory_packages import register_tables
from .theory_proof import register_proof
from .theory_so2 import register_so2

_EPILOG = "Examples: ceilings theory --max-degree 4 --max-l 4   |   ceilings theory --max-degree 8 --max-l 8 --out proofs/"
_VERIFY_EPILOG = "Example: ceilings theory verify proofs/span_d2_L2.json proofs/span_d3_L2.json"


def register(app: typer.Typer) -> None:
    """Add the command ``theory`` to the application."""
    theory = typer.Typer(
        help="Prove the span theorem for a grid of pairs (degree, l_max), exactly.",
        epilog=_EPILOG,
        invoke_without_command=True,
    )

    @theory.callback()
    def table(
        context: typer.Context,
        max_degree: Annotated[int, typer.Option(help="Highest polynomial degree d.")] = 4,
        max_l: Annotated[
            int, typer.Option("--max-l", help="Highest angular frequency of the features, L.")
        ] = 4,
        out: Annotated[
            Path | None, typer.Option("--out", help="Write one certificate per pair into this folder.")
        ] = None,
        figures: Annotated[Path | None, typer.Option(help="Write the two figures into this folder.")] = None,
        as_json: options.AsJson = False,
    ) -> None:
        """Prove the span theorem for a grid of pairs (degree, l_max), exactly, and write certificates."""
        if context.invoked_subcommand:
            return
        from .. import theory as exact
        from .theory_certificates import write_certificates
        from .theory_tables import grid, print_table

        with watched("exact tables") as watch:
            rows = grid(max_degree, max_l, watch)
            pending = exact.build_certificates(max_degree, max_l)
            paths = [] if out is None else write_certificates(pending, max_degree * max_l, out, watch)
        if out is not None:
            typer.echo(f"{len(paths)} certificates in {out}", err=True)
        if figures is not None:
            from ..diagnostic.calibration.theory_figures import (
                write_figures,
            )  # Matplotlib takes a second to import

            for path in write_figures(figures):
                typer.echo(path, err=True)
        if as_json:
            typer.echo(json.dumps({"schema": "ceilings.theory/1", "rows": rows}, indent=1))
        else:
            print_table(max_degree, max_l, rows)

    @theory.command("verify", epilog=_VERIFY_EPILOG)
    def verify(
        files: Annotated[
            list[Path],
            typer.Argument(
                help="Certificates that --out of 'ceilings theory' or of its commands graphs, grids and so2 wrote."
            ),
        ],
        as_json: options.AsJson = False,
    ) -> None:
        """Replay certificates with separate code. An entry that does not hold is named; the exit status is then 1."""
        from .theory_certificates import replay

        with watched("replaying") as watch:
            findings = replay(files, watch)
        broken = sum(1 for problems in findings.values() if problems)
        if as_json:
            results = [
                {"file": str(path), "holds": not problems, "findings": problems}
                for path, problems in findings.items()
            ]
            typer.echo(json.dumps({"schema": "ceilings.theory.verify/1", "results": results}, indent=1))
        else:
            for path, problems in findings.items():
                for finding in problems:
                    typer.echo(f"{path}: {finding}")
            typer.echo(f"{len(findings) - broken} of {len(findings)} certificates hold")
        if broken:
            raise typer.Exit(1)

    register_proof(theory)
    register_graphs(theory)
    register_tables(theory)
    register_grids(theory)
    register_so2(theory)
    register_architectures(theory)
    app.add_typer(theory, name="theory")
