"""``ceilings --version``, which prints the version and stops."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add ``--version`` to the command itself."""
    app.callback()(root)


def _print(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"ceilings {version('spectral-ceilings')}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Prove, verify and measure the spectral ceilings of equivariant force fields."""
