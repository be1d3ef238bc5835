"""``ceilings layers``: what can be tapped in a backbone, and which backbones ship with the package."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options

if TYPE_CHECKING:
    from rich.console import Console

    from ..diagnostic.backbones.features import IrrepSlice

_EXAMPLE = "ceilings layers aspirin-xtb-l2"


def register(app: typer.Typer) -> None:
    """Add ``ceilings layers``."""
    app.command("layers", epilog=f"Example: {_EXAMPLE}")(layers_command)


def layers_command(
    model: options.ModelArgument = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            "--model",
            help="A backbone, as 'ceilings diagnose' takes it; default: list those that ship with the package.",
        ),
    ] = None,
    trust: options.Trust = False,
    as_json: options.AsJson = False,
) -> None:
    """List the interaction layers of a backbone with their irreps, or the backbones that ship with the package.

    Channels are counted by angular frequency l and parity (e even, o odd); slices say where each stands in the features of an
    atom. A layer that has scalars only cannot be diagnosed, and one without declared symmetry only with --turned.
    """
    from ..diagnostic.backbones.loading import load_backbone

    source = options.either(model, backbone, "MODEL and --backbone", "")
    if not source:
        _print_shipped(as_json)
        return
    loaded = load_backbone(source, trust=trust)
    layers = loaded.layers()
    if as_json:
        content = {
            "source": loaded.info.source,
            "architecture": loaded.info.architecture,
            "layers": [
                {
                    "name": tapped.name,
                    "irreps": tapped.irreps,
                    "l_max": tapped.l_max,
                    "usable": tapped.usable,
                    "why": tapped.why,
                    "channels": [
                        {"l": l, "parity": parity, "channels": count}
                        for (l, parity), count in tapped.channels().items()
                    ],
                    "slices": [asdict(part) for part in tapped.slices],
                }
                for tapped in layers
            ],
        }
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"{loaded.info.source}: {loaded.info.architecture}, {loaded.info.parameters or 'unknown'} parameters"
    )
    top = max((tapped.l_max for tapped in layers), default=0)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("layer", no_wrap=True)
    for l in range(top + 1):
        table.add_column(f"l={l}", no_wrap=True)
    table.add_column("use")
    default = next((tapped.name for tapped in reversed(layers) if tapped.usable), None)
    for tapped in layers:
        counts = tapped.channels()
        cells = [
            " ".join(f"{counts[l, p]}{p}" for p in ("e", "o") if (l, p) in counts) for l in range(top + 1)
        ]
        use = "scalars only" if not tapped.usable else "default" if tapped.name == default else ""
        table.add_row(tapped.name, *cells, use if tapped.declared else "no symmetry declared: --turned")
    console.print(table)
    parts = [(tapped.name, part) for tapped in layers for part in tapped.slices]
    if parts:
        _print_slices(console, parts)


def _print_slices(console: Console, parts: Sequence[tuple[str, IrrepSlice]]) -> None:
    """Print where every irrep stands in the features of an atom, so that descriptors can be cut by l."""
    from rich.table import Table

    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        caption="features.values[..., slice]",
        caption_justify="left",
    )
    table.add_column("layer", no_wrap=True)
    for title in ("slice", "l", "parity", "channels", "2l+1"):
        table.add_column(title, no_wrap=True, justify="right")
    before = ""
    for name, part in parts:
        cells = (f"{part.start}:{part.stop}", part.l, part.parity, part.channels, 2 * part.l + 1)
        table.add_row(name if name != before else "", *map(str, cells))
        before = name
    console.print()
    console.print(table)


def _print_shipped(as_json: bool) -> None:
    from ..diagnostic.backbones.checkpoint import embedded_names, embedded_record

    shipped: list[dict[str, Any]] = []
    for name in embedded_names():
        record = embedded_record(name)
        builder, training = record["builder"], record["training"]
        shipped.append(
            {
                "name": name,
                "architecture": record["architecture"],
                "l_max": builder["l_max"],
                "num_layers": builder["num_layers"],
                "num_features": builder["num_features"],
                "parameters": record["parameters"],
                "force_mae_eV_A": record["force_mae_eV_A"],
                "seed": builder["seed"],
                "data": training["data"]["source"],
            }
        )
    if as_json:
        typer.echo(json.dumps(shipped, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in (
        "backbone",
        "architecture",
        "l_max",
        "layers",
        "channels",
        "parameters",
        "force MAE (meV/Å)",
    ):
        table.add_column(
            title, no_wrap=True, justify="left" if title in ("backbone", "architecture") else "right"
        )
    table.add_column("trained on", no_wrap=True)
    for entry in shipped:
        error = "" if entry["force_mae_eV_A"] is None else f"{1e3 * entry['force_mae_eV_A']:.1f}"
        counts = (entry[key] for key in ("l_max", "num_layers", "num_features", "parameters"))
        table.add_row(entry["name"], entry["architecture"], *map(str, counts), error, entry["data"])
    Console(soft_wrap=True, highlight=False, markup=False, width=130).print(table)
