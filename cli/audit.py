"""``ceilings audit``: exact spectra of a model under rotation, against the ceilings of theory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table

from .console import check_new, command_line, integers, progress_bar
from .reading_options import AcceptUnits, Elements, ForceUnits, LengthUnits, reading_options

_EXAMPLE = "ceilings audit aspirin-xtb-l2 aspirin-xtb --out runs/audit"


def register(app: typer.Typer) -> None:
    """Add ``ceilings audit``."""
    app.command("audit", epilog=f"Example: {_EXAMPLE}")(audit_command)


def audit_command(
    model: Annotated[
        str,
        typer.Argument(
            help="A backbone: its file, a directory of 'ceilings train', or the embedded one; or any ASE calculator: "
            "FILE.py:FUNCTION, tblite:GFN2-xTB, ase:emt."
        ),
    ],
    structures: Annotated[
        str,
        typer.Argument(
            help="Frames of one molecule: a file, aspirin-xtb, or a name such as rmd17:aspirin:test:01. For symmetry: "
            "anything that ASE reads, periodic too."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Run directory to write.")],
    parts: Annotated[
        str | None,
        typer.Option(
            help="features,readouts,directions or some of them (default); or symmetry or symmetry,remedies, the default of a "
            "model without features."
        ),
    ] = None,
    layer: Annotated[str, typer.Option(help="Layer to measure, or all.")] = "all",
    degrees: Annotated[str, typer.Option(help="Degrees of the random polynomials.")] = "1,2,3",
    frames: Annotated[
        int | None,
        typer.Option(help="Frames that are turned, spread evenly; default: 1, for symmetry 5."),
    ] = None,
    atoms: Annotated[
        str | None, typer.Option(help="Atoms to read, such as 0,4,7; default: one of each element.")
    ] = None,
    l_top: Annotated[
        int | None,
        typer.Option(
            "--l-top", help="Highest l of the spectra; default: 12 in one direction, for symmetry chosen."
        ),
    ] = None,
    inversion: Annotated[bool, typer.Option(help="Symmetry: evaluate inverted structures too.")] = True,
    tolerance: Annotated[
        float, typer.Option(help="Symmetry: E_rot (meV/atom) and F_rot (meV/Å) that count as kept.")
    ] = 0.1,
    centre: Annotated[
        int | None, typer.Option(help="Atom around which a neighbour moves; default: chosen.")
    ] = None,
    neighbour: Annotated[int | None, typer.Option(help="The neighbour that moves; default: chosen.")] = None,
    untrained: Annotated[bool, typer.Option(help="Measure the same architecture untrained, too.")] = True,
    units: Annotated[
        str | None, typer.Option(help="Units of the file, where it does not say them: kcal/mol or eV.")
    ] = None,
    force_units: ForceUnits = None,
    length_units: LengthUnits = None,
    elements: Elements = None,
    accept_units: AcceptUnits = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Read a pickled model: it can run any code that is stored in it.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take up --out where an earlier run stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the path and the verdict as JSON.")] = False,
) -> int:
    """Measure which angular frequencies a model's layers, readouts and outputs hold, against theory.

    No training and no fit. Writes result.json, spectra.csv, figures/ and report.html. Exit status 0 if theory
    holds, 1 if not, 2 for wrong input. With --parts symmetry: how far energies and forces of any ASE calculator
    depend on orientation, by l; exit status 0 if they stay within --tolerance.
    """
    from .symmetry import audit_symmetry, wanted

    if wanted(model, parts, trust):
        return audit_symmetry(
            model, structures, out, parts=parts, l_top=l_top, count=frames, inversion=inversion, tolerance=tolerance,
            units=units, trust=trust, seed=seed, resume=resume, as_json=as_json,
        )  # fmt: skip
    from ..diagnostic.auditing.audit import audit
    from ..diagnostic.auditing.result import PARTS, AuditSettings
    from ..diagnostic.backbones.loading import load_backbone
    from ..diagnostic.frames.reading import read_frames

    settings = AuditSettings(
        parts=PARTS if parts is None else tuple(parts.split(",")),
        layer=layer,
        degrees=integers("--degrees", degrees),
        frames=1 if frames is None else frames,
        atoms=None if atoms is None else integers("--atoms", atoms),
        l_top=12 if l_top is None else l_top,
        centre=centre,
        neighbour=neighbour,
        untrained=untrained,
        seed=seed,
    )
    check_new(out, resume)
    reading = reading_options(units, force_units, length_units, elements, accept_units)
    table = read_frames(structures, **reading)
    backbone = load_backbone(model, trust=trust)
    with progress_bar(TextColumn("{task.fields[count]}")) as bar:
        task = bar.add_task("features", total=None, count="")

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None,
                       count=f"{done} of {total}" if total else "")  # fmt: skip

        result = audit(
            table, backbone, settings, out=out, resume=resume, command=command_line(), progress=tell
        )
    verdict = result["verdict"]
    if as_json:
        found = {"schema": result["schema"], "report": str(out / "report.html"), "verdict": verdict}
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _print(result, out)
    return 0 if verdict["held"] else 1


def _print(result: dict[str, Any], out: Path) -> None:
    console = Console(highlight=False, markup=False)  # a path may hold square brackets
    model, data = result["model"], result["data"]
    console.print(f"{model['source']}   {data['formula']} ({data['source']})")
    style: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 1, 0, 0)}
    rows = [row for row in result["readouts"] if row["ceiling"] is not None]
    if rows:
        table = Table(title="Random polynomials: share of the power above the ceiling, worst atom", **style)
        for name in ("layer", "model", "degree", "ceiling", "at it", "above it"):
            table.add_column(name, no_wrap=True, justify="left" if name in ("layer", "model") else "right")
        for key in dict.fromkeys((row["layer"], row["model"], row["degree"], row["ceiling"]) for row in rows):
            own = [row for row in rows if (row["layer"], row["model"], row["degree"], row["ceiling"]) == key]
            at, above = min(row["at_ceiling"] for row in own), max(row["above"] for row in own)
            table.add_row(key[0], key[1], str(key[2]), str(key[3]), f"{at:.0e}", f"{above:.0e}")
        console.print(table)
    rows = [row for row in result["directions"] if row["model"] == "given"]
    if rows:
        table = Table(
            title="One neighbour's direction: bandwidth", caption="+: goes on beyond --l-top", **style
        )
        for name in ("quantity", "graph", "theory", "measured", "99 %", "99.99 %"):
            table.add_column(name, no_wrap=True, justify="left" if name in ("quantity", "graph") else "right")
        for row in rows:
            irrep = "" if row["l_out"] is None else f" {row['l_out']}{'e' if row['parity'] > 0 else 'o'}"
            table.add_row(
                row["quantity"] + irrep, row["graph"], "none" if row["predicted"] is None else str(row["predicted"]),
                f"{row['measured']}{'+' if row['open'] else ''}", *(str(row[name] or "-") for name in ("l99", "l9999")),
            )  # fmt: skip
        console.print(table)
    console.print(result["verdict"]["sentence"])
    console.print(f"report: {out / 'report.html'}", soft_wrap=True)
