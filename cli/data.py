"""``ceilings data``: fetch, generate, inspect and check frames."""

from __future__ import annotations

import typer

from . import data_fetch, data_generate, data_inspect


def register(app: typer.Typer) -> None:
    """Add ``ceilings data`` and its commands."""
    data = typer.Typer(
        name="data",
        help="Fetch, generate, inspect and check frames of a molecule.",
        epilog="Example: ceilings data inspect aspirin-xtb",
        no_args_is_help=True,
        rich_markup_mode="rich",
    )
    for module in (data_fetch, data_inspect, data_generate):
        module.register(data)
    app.add_typer(data)
