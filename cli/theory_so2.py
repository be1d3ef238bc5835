"""``ceilings theory so2``: what convolutions of SO(2) with orders up to m_max lose, and what they keep, exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .console import watched

if TYPE_CHECKING:
    from ..theory import SO2Couplings

_EPILOG = "Examples: ceilings theory so2 --l-max 6 --m-max 2   |   ceilings theory so2 --l-max 4 --m-max 0 --out proofs/"


def register_so2(theory: typer.Typer) -> None:
    """Add the command ``so2`` to ``ceilings theory``."""

    @theory.command("so2", epilog=_EPILOG)
    def so2(
        l_max: Annotated[int, typer.Option("--l-max", help="Highest l of the features, L.")],
        m_max: Annotated[int, typer.Option("--m-max", help="Highest order m in the frames of edges.")],
        out: Annotated[
            Path | None,
            typer.Option("--out", help="Write one certificate per pair (l_in, l_out) into this folder."),
        ] = None,
        as_json: options.AsJson = False,
    ) -> None:
        """State what a convolution of SO(2) with orders up to m_max loses (eSCN, EquiformerV2, eSEN, UMA), with exact ranks.

        Symmetry, the ceiling and the bandwidth in the edge's direction stay; couplings are tied together, and torsion about the
        edge is carried up to m_max only.
        """
        from .. import theory as exact
        from .theory_certificates import write_certificates

        pending = exact.so2_certificates(l_max, m_max)
        table = exact.so2_table(l_max, m_max)
        with watched("exact ranks") as watch:
            rows = []
            for couplings in table:
                rows.append(_row(couplings))
                watch("exact ranks", len(rows), len(table))
            paths = [] if out is None else write_certificates(pending, len(table), out, watch)
        if out is not None:
            typer.echo(f"{len(paths)} certificates in {out}", err=True)
        summary = {
            "schema": "ceilings.theory.so2/1",
            "l_max": l_max,
            "m_max": m_max,
            "components": exact.so2_components(l_max, l_max),
            "components_kept": exact.so2_components(l_max, m_max),
            "couplings": sum(row["couplings"] for row in rows),
            "couplings_kept": sum(row["kept"] for row in rows),
            "bandwidth": 2 * l_max,
            "torsion_order": exact.so2_torsion_order(l_max, m_max),
            "torsion_order_full": exact.so2_torsion_order(l_max, l_max),
            "rows": rows,
        }
        if as_json:
            typer.echo(json.dumps(summary, indent=1))
        else:
            _print(summary)


def _row(couplings: SO2Couplings) -> dict[str, Any]:
    """Return what is known of one pair (l_in, l_out), by exact ranks."""
    full, kept, lost = couplings.ranks()
    return {
        "l_in": couplings.l_in,
        "l_out": couplings.l_out,
        "couplings": full,
        "kept": kept,
        "lost": lost,
        "bandwidth": couplings.bandwidth,
        "bandwidth_witness": couplings.bandwidth_witness.to_json(),
        "torsion_order": couplings.torsion_order,
    }


def _print(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    l_max, m_max = summary["l_max"], summary["m_max"]
    table = Table(
        title=f"Independent couplings of a message from l_in to l_out: kept with m <= {m_max} / all",
        caption="Exact ranks of Clebsch-Gordan coefficients <l_in m l_out -m | l 0> over the paths l.",
    )
    table.add_column("l_in", justify="right", no_wrap=True)
    for l_out in range(l_max + 1):
        table.add_column(f"l_out {l_out}", justify="right", no_wrap=True)
    for l_in in range(l_max + 1):
        cells = [f"{row['kept']}/{row['couplings']}" for row in summary["rows"] if row["l_in"] == l_in]
        table.add_row(str(l_in), *cells)
    console = Console()
    console.print(table)
    kept, full = summary["torsion_order"], summary["torsion_order_full"]
    torsion = f"torsion about the edge: a linear convolution carries cos(k phi) for k <= {kept}" + (
        f"; lost are k = {kept + 1} to {full}" if full > kept else ", as with every order"
    )
    for line in (
        f"couplings: {summary['couplings_kept']} of {summary['couplings']} kept; components: "
        f"{summary['components_kept']} of {summary['components']} in the frame of an edge",
        "unchanged: exact equivariance, so the ceiling d L of a readout of degree d",
        f"unchanged: the bandwidth, l <= {summary['bandwidth']} of the edge's direction in one message, with m = 0 alone",
        "unchanged: messages from scalars, to scalars, and from atoms without other neighbours",
        torsion,
    ):
        typer.echo(line)
