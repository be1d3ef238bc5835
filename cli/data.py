"""``ceilings data``: fetch, generate, inspect and check frames."""

from __future__ import annotations

import typer

from . import data_generate


def register(app: typer.Typer) -> None:
    """Add ``ceilings data`` and its commands."""
    data = typer.Typer(
        name="data",
        help="Fetch, generate, inspect and check frames.",
        no_args_is_help=True,
        rich_markup_mode="rich",
    )
    data_generate.register(data)
    app.add_typer(data)
