"""``ceilings theory architectures``: what is known of each architecture exactly, as a table."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import choices, options

if TYPE_CHECKING:
    from ..theory import ArchitectureFacts

_EPILOG = (
    "Examples: ceilings theory architectures --degree 2   |   ceilings theory architectures tensornet --json"
)


def register_architectures(theory: typer.Typer) -> None:
    """Add the command ``architectures`` to ``ceilings theory``."""

    @theory.command("architectures", epilog=_EPILOG)
    def architectures(
        names: Annotated[
            list[str] | None,
            typer.Argument(help="Architectures; all without one.", show_default=False),
        ] = None,
        degree: Annotated[int, typer.Option(help="Degree d of a readout of the features.")] = 2,
        l_max: Annotated[
            int, typer.Option("--l-max", help="Highest l of the features, where the design does not fix it.")
        ] = 2,
        as_json: options.AsJson = False,
    ) -> None:
        """Say what the layers of an architecture couple, what they leave out, and the ceiling of a readout of its features."""
        from .. import theory as exact

        wanted = names or list(choices.KNOWN_ARCHITECTURES)
        for name in wanted:
            if name not in choices.KNOWN_ARCHITECTURES:
                raise choices.refuse(name, choices.KNOWN_ARCHITECTURES)
        rows = [_row(exact.architecture_facts(name), degree, l_max) for name in wanted]  # type: ignore[arg-type]
        if as_json:
            content = {"schema": "ceilings.theory.architectures/1", "degree": degree, "rows": rows}
            typer.echo(json.dumps(content, indent=1))
        else:
            _print_table(rows, degree)


def _row(facts: ArchitectureFacts, degree: int, l_max: int) -> dict[str, Any]:
    from .. import theory as exact

    top = l_max if facts.l_max is None else facts.l_max
    return {
        **asdict(facts),
        "l_max": top,
        "l_max_is_fixed": facts.l_max is not None,
        "ceiling": exact.architecture_ceiling(facts.name, degree, top),
        "polynomial_layers": "all"
        if exact.polynomial_layers(facts.name, 2) == 2
        else exact.polynomial_layers(facts.name, 2),
        "steps": [asdict(step) for step in exact.layer_steps(facts.name)],
    }


def _print_table(rows: list[dict[str, Any]], degree: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"What layers couple, and the ceiling of a readout of degree {degree} of their features",
        caption="l_max: of the features; * where the design fixes it. The ceiling is the degree times l_max, whatever made the "
        "features. Polynomial layers: how many of the first layers give features polynomial in the directions of edges.",
    )
    for name in ("", "l_max", "ceiling", "polynomial layers"):
        table.add_column(name, justify="right" if name else "left", no_wrap=not name)
    for name in ("products", "left out"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            row["written"],
            f"{row['l_max']}{'*' if row['l_max_is_fixed'] else ''}",
            str(row["ceiling"]),
            str(row["polynomial_layers"]),
            row["products"],
            row["lost"] or "nothing",
            end_section=True,
        )
    Console().print(table)
