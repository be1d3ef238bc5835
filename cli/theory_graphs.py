"""``ceilings theory graphs``: what an energy can hold of an angular term on stars and chains, exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .console import watched

if TYPE_CHECKING:
    from ..theory import StarCertificate

_EPILOG = (
    "Examples: ceilings theory graphs --max-correlation 4 --max-l 3   |   "
    "ceilings theory graphs --layers 3 --hidden-l 1 --out proofs/"
)


def register_graphs(theory: typer.Typer) -> None:
    """Add the command ``graphs`` to ``ceilings theory``."""

    @theory.command("graphs", epilog=_EPILOG)
    def graphs(
        max_correlation: Annotated[
            int, typer.Option("--max-correlation", help="Highest correlation nu of the energy, 1 to 6.")
        ] = 4,
        max_l: Annotated[int, typer.Option("--max-l", help="Highest l of the harmonics, L.")] = 3,
        layers: Annotated[int, typer.Option(help="Bounds for 1 to this many layers.")] = 2,
        hidden_l: Annotated[
            int | None,
            typer.Option(
                "--hidden-l",
                help="Highest l of the features between layers; messages are then cut off at L, as in MACE. Without it "
                "nothing is cut off.",
                show_default="nothing cut off",
            ),
        ] = None,
        neighbours: Annotated[int, typer.Option(help="Neighbours on the star of the shares, 3 or 4.")] = 3,
        out: Annotated[
            Path | None, typer.Option("--out", help="Write one certificate per pair into this folder.")
        ] = None,
        as_json: options.AsJson = False,
    ) -> None:
        """State what the energy of a polynomial model can hold of an angle on a star, and of a torsion on a chain, exactly.

        Bounds for several layers, the best R2 on terms P_l as fractions, and certificates that 'ceilings theory verify' replays.
        """
        from .. import theory as exact
        from .theory_certificates import write_certificates

        pending = exact.star_certificates(
            max_correlation, max_l, neighbours, layers=layers, hidden_l_max=hidden_l
        )
        number = max_correlation * max_l
        with watched("exact shares") as watch:
            certificates = []
            for certificate in pending:
                certificates.append(certificate)
                watch("exact shares", len(certificates), number)
            rows = [_row(certificate) for certificate in certificates]
            paths = [] if out is None else write_certificates(certificates, number, out, watch)
        if out is not None:
            typer.echo(f"{len(paths)} certificates in {out}", err=True)
        if as_json:
            content = {
                "schema": "ceilings.theory.graphs/1",
                "neighbours": neighbours,
                "layers": layers,
                "hidden_l": hidden_l,
                "rows": rows,
            }
            typer.echo(json.dumps(content, indent=1))
        else:
            _print_table(rows, max_l, layers, hidden_l, neighbours)


def _row(certificate: StarCertificate) -> dict[str, Any]:
    """Return what is known of one (correlation, l_max)."""
    reaches = {
        graph: [
            {key: reach.to_dict()[key] for key in ("layers", "bound", "at_centre", "through_leaves")}
            for reach in certificate.reaches
            if reach.graph == graph
        ]
        for graph in ("star", "chain")
    }
    return {
        "correlation": certificate.correlation,
        "l_max": certificate.l_max,
        "bound": certificate.bound,
        "pseudoscalar_bound": certificate.unnatural[0],
        **reaches,
        "shares": [
            {"term": share.term.name, "alike": share.alike, "share": str(share.share)}
            for share in certificate.shares
        ],
    }


def _print_table(
    rows: list[dict[str, Any]], max_l: int, layers: int, hidden_l: int | None, neighbours: int
) -> None:
    from rich.console import Console
    from rich.table import Table

    cut = (
        "nothing is cut off" if hidden_l is None else f"features are cut off at l = {hidden_l}, messages at L"
    )
    table = Table(
        title=f"Energies of correlation nu and harmonics up to L; shares for {neighbours} neighbours on a star",
        caption=f"b: highest l of one direction in the energy of 1 to {layers} layers on a star (every step polynomial, {cut}); "
        "torsion: the same for cos(l phi) on a chain. Shares: best R2 on a sum of P_l(cos theta) over pairs, l = 1, 2, ..., "
        "and on products of two angles (1,1) (1,2) (2,2), over independent uniform directions. Told apart: other species or "
        "distances, enough channels. No bound where neighbours see each other, with gates or an activated readout.",
    )
    for name in ("nu", "L", "b", "torsion"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("P_l, alike", "P_l, told apart", "products, alike", "products, told apart"):
        table.add_column(name, overflow="fold")
    for row in rows:
        shares: dict[tuple[str, bool], list[str]] = {}
        for share in row["shares"]:
            kind = share["term"].partition("(")[0]
            shares.setdefault((kind, share["alike"]), []).append(share["share"])
        table.add_row(
            str(row["correlation"]),
            str(row["l_max"]),
            " ".join(str(reach["bound"]) for reach in row["star"]),
            " ".join(str(reach["bound"]) for reach in row["chain"]),
            *(" ".join(shares[kind, alike]) for kind in ("pair", "product") for alike in (True, False)),
            end_section=row["l_max"] == max_l,
        )
    Console().print(table)
