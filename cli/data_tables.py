"""Tables of ``ceilings data inspect`` and ``ceilings data check`` for files of structures."""

from __future__ import annotations

from typing import Any

import typer

#: Rows of a list that are printed; JSON has all.
_SHOWN = 10


def print_facts(facts: dict[str, Any]) -> None:
    """Print what a file of structures holds."""
    from rich.console import Console
    from rich.table import Table

    atoms, cells, labels = facts["atoms"], facts["cells"], facts["labels"]
    sizes = (
        str(atoms["fewest"]) if atoms["fewest"] == atoms["most"] else f"{atoms['fewest']} to {atoms['most']}"
    )
    typer.echo(
        f"{'atoms':10} {sizes} in a structure, {atoms['total']} in all: {', '.join(facts['elements'])}"
    )
    typer.echo(f"{'periodic':10} {cells['periodic']} of {facts['structures']}{_cell_words(cells)}")
    for what in ("forces", "energy", "stress"):
        label = labels[what]
        words = (
            "none"
            if label["name"] is None
            else f"{label['count']} of {facts['structures']} ({label['name']})"
        )
        typer.echo(f"{what:10} {words}")
    energy = facts["energy_eV"]
    if energy is not None:
        left = energy["left_per_atom_eV"]
        typer.echo(
            f"{'':10} {left['rms']:.3g} eV for each atom are left after a sum over elements, {left['largest']:.3g} at most"
        )
    for why, count in facts["left_out"].items():
        typer.echo(f"{'left out':10} {count} {why}")
    for note in facts["notes"]:
        typer.echo(f"{'note':10} {note}")
    console = Console(highlight=False)
    table = Table(title=f"compositions: {facts['compositions']['count']}", title_justify="left")
    table.add_column("formula")
    table.add_column("structures", justify="right")
    for row in facts["compositions"]["most_frequent"][:_SHOWN]:
        table.add_row(row["formula"], str(row["count"]))
    console.print(table)
    sample = f"a sample of {facts['looked_at']} structures"
    if facts["nearest_A"]:
        table = Table(title=f"nearest distances (Å), {sample}", title_justify="left")
        table.add_column("pair")
        table.add_column("nearest", justify="right")
        for row in facts["nearest_A"][:_SHOWN]:
            table.add_row(row["pair"], f"{row['nearest']:.3f}")
        console.print(table)
    if facts["forces_eV_A"]:
        table = Table(title=f"force components (eV/Å), {sample}", title_justify="left")
        for column in ("atoms", "count", "RMS", "largest"):
            table.add_column(column, justify="left" if column == "atoms" else "right")
        for row in facts["forces_eV_A"]:
            table.add_row(row["atoms"], str(row["count"]), f"{row['rms']:.3f}", f"{row['largest']:.2f}")
        console.print(table)
    net = facts["net_force_eV_A"]
    if net is not None:
        typer.echo(
            f"net force for each atom: {1e3 * net['median']:.2g} meV/Å typically, {1e3 * net['largest']:.2g} at most"
        )


def _cell_words(cells: dict[str, Any]) -> str:
    words = ""
    if cells.get("volume_A3"):
        words += f"; volumes {cells['volume_A3'][0]:.4g} to {cells['volume_A3'][1]:.4g} Å³"
    if cells.get("nearest_image_A"):
        words += f"; an atom's own image is {cells['nearest_image_A'][0]:.3g} Å away or more"
    return words


def print_judgement(judged: dict[str, Any]) -> None:
    """Print how many structures are ok, and the first of those that are not."""
    counts, rows = judged["structures"], judged["judged"]
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("ok", "doubtful", "unusable"))
    sampled = (
        "" if counts["looked_at"] == counts["total"] else f" ({counts['looked_at']} were read to be judged)"
    )
    typer.echo(f"  structures  {words}{sampled}")
    for row in rows[:_SHOWN]:
        typer.echo(f"    {row['structure']:>8}  {row['verdict']}: {row['why']}")
    if len(rows) > _SHOWN:
        typer.echo(f"    and {len(rows) - _SHOWN} others; --json lists them")
