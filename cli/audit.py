"""``ceilings audit``: exact spectra of a model under rotation, against the ceilings of theory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from . import choices, options
from .console import command_line, watched
from .reading_options import (
    AcceptUnits,
    Elements,
    EnergyKey,
    ForcesKey,
    ForceUnits,
    Isolated,
    LengthUnits,
    Select,
    StressKey,
    reading_options,
)

_EXAMPLE = "ceilings audit aspirin-xtb-l2 aspirin-xtb --out runs/audit"


def register(app: typer.Typer) -> None:
    """Add ``ceilings audit``."""
    app.command("audit", epilog=f"Example: {_EXAMPLE}")(audit_command)


def audit_command(
    out: options.Out,
    model: options.ModelArgument = None,
    frames: options.DataArgument = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            "--model",
            help="A backbone, as 'ceilings diagnose' takes it; or any ASE calculator: ase:emt, tblite:GFN2-xTB, "
            "sevenn:7net-0, a metatomic .pt, a .nequip.pt2, module:callable, FILE.py:FUNCTION.",
            show_default=options.MODEL,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "--structures",
            help="Frames of a molecule or crystal, or structures of any kind: a file, aspirin-xtb, or a name such as "
            "rmd17:aspirin:test:01.",
            show_default=options.DATA,
        ),
    ] = None,
    parts: Annotated[
        list[str] | None,
        choices.several(
            choices.PARTS,
            "--parts",
            help="Any of features, readouts, directions (default: all three); or symmetry, optionally with remedies (default "
            "of a model without features: symmetry).",
        ),
    ] = None,
    layer: Annotated[str, typer.Option(help="Layer to measure, or all.")] = "all",
    degrees: Annotated[
        list[str] | None,
        choices.integers(
            "--degrees", "--degree", help="Polynomial degrees of the random readouts.", default="1,2,3"
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("--frames", help="Frames to rotate, spread evenly; default: 1, for symmetry 5."),
    ] = None,
    atoms: Annotated[
        list[str] | None,
        choices.integers("--atoms", help="Atoms to read, such as 0,4,7; default: one of each element."),
    ] = None,
    l_top: Annotated[
        int | None,
        typer.Option(
            "--l-top", help="Highest l of the spectra; default: 12 for directions, automatic for symmetry."
        ),
    ] = None,
    inversion: Annotated[bool, typer.Option(help="For symmetry: also evaluate inverted structures.")] = True,
    tolerance: Annotated[
        float,
        typer.Option(
            help="Symmetry: E_rot (meV/atom) and F_rot (meV/Å) up to which symmetry counts as kept."
        ),
    ] = 0.1,
    benchmark: Annotated[
        bool,
        typer.Option(
            "--benchmark",
            help="Symmetry: also compare 115 fixed orientations of ten structures, as a published benchmark does (1,150 "
            "evaluations); --data rotation-benchmark takes its structures.",
        ),
    ] = False,
    centre: Annotated[
        int | None, typer.Option(help="Atom around which a neighbour moves; default: automatic.")
    ] = None,
    neighbour: Annotated[
        int | None, typer.Option(help="The neighbour that moves; default: automatic.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option(help="Also measure the same architecture with random weights.")
    ] = True,
    units: options.Units = None,
    force_units: ForceUnits = None,
    length_units: LengthUnits = None,
    elements: Elements = None,
    accept_units: AcceptUnits = False,
    forces_key: ForcesKey = None,
    energy_key: EnergyKey = None,
    stress_key: StressKey = None,
    select: Select = None,
    isolated: Isolated = False,
    trust: options.Trust = False,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    resume: options.Resume = False,
    as_json: options.AsJson = False,
) -> int:
    """Measure the power of a model's layers, readouts and outputs at every angular frequency l, against theory.

    Trains and fits nothing. Writes result.json, spectra.csv, figures/ and report.html. Exit status 0 if theory holds, 1 if not
    or undecided; where nothing is held against it, 0 and a line that says so. With --parts symmetry: how far energies and
    forces of any ASE calculator depend on orientation, by l; exit status 0 if they stay within --tolerance.
    """
    source, frames_of = options.model_of(model, backbone), options.data_of(frames, data)
    from .symmetry import audit_symmetry, wanted

    reading = reading_options(
        units, force_units, length_units, elements, accept_units, forces_key=forces_key, energy_key=energy_key,
        stress_key=stress_key, select=select, isolated=isolated,
    )  # fmt: skip
    if wanted(source, parts, trust, benchmark):
        return audit_symmetry(
            source, frames_of, out, parts=parts, l_top=l_top, count=count, inversion=inversion, tolerance=tolerance,
            benchmark=benchmark, reading=reading, trust=trust, seed=seed, device=device, resume=resume, as_json=as_json,
        )  # fmt: skip
    from ..diagnostic.auditing.audit import audit
    from ..diagnostic.auditing.direction_spectrum import LEAST_ATOMS
    from ..diagnostic.auditing.result import PARTS, AuditSettings
    from ..diagnostic.backbones.loading import load_backbone
    from ..diagnostic.frames.frames import Frames
    from ..diagnostic.frames.reading_any import read_data
    from ..diagnostic.records.outcomes import NOTHING_TESTED, exit_status
    from ..diagnostic.records.run_directory import check_new

    check_new(out, resume)
    table = read_data(frames_of, **reading)
    chosen = PARTS if parts is None else tuple(parts)
    if (
        parts is None
        and isinstance(table, Frames)
        and not table.periodic
        and len(table.numbers) < LEAST_ATOMS
    ):
        chosen = tuple(part for part in PARTS if part != "directions")
        typer.echo(
            f"{table.formula} has no third atom that a neighbour could move past: no directions.", err=True
        )
    settings = AuditSettings(
        parts=chosen,
        layer=layer,
        degrees=choices.whole(degrees) or (1, 2, 3),
        frames=1 if count is None else count,
        atoms=choices.whole(atoms),
        l_top=12 if l_top is None else l_top,
        centre=centre,
        neighbour=neighbour,
        untrained=untrained,
        seed=seed,
    )
    loaded = load_backbone(source, trust=trust)
    with watched("features") as watch:
        result = audit(
            table,
            loaded,
            settings,
            out=out,
            resume=resume,
            command=command_line(),
            progress=watch,
            device=device,
        )
    verdict = result["verdict"]
    if as_json:
        said = {"schema": result["schema"], "report": str(out / "report.html"), "verdict": verdict}
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        _print(result, out)
    if verdict["outcome"] == "nothing tested":
        typer.echo(NOTHING_TESTED, err=True)
    return exit_status(verdict)


def _print(result: dict[str, Any], out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

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
            same = [row for row in rows if (row["layer"], row["model"], row["degree"], row["ceiling"]) == key]
            at, above = min(row["at_ceiling"] for row in same), max(row["above"] for row in same)
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
