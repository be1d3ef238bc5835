"""``ceilings learning-curve``: what limits the height below the ceiling."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table

from .console import check_new, integers, progress_bar
from .reading_options import AcceptUnits, Elements, ForceUnits, LengthUnits, reading_options

_EXAMPLE = "ceilings learning-curve --backbone runs/aspirin-l2 --data aspirin-xtb --out runs/curves"


def register(app: typer.Typer) -> None:
    """Add ``ceilings learning-curve``."""
    app.command("learning-curve", epilog=f"Example: {_EXAMPLE}")(learning_curve_command)


def learning_curve_command(
    out: Annotated[Path, typer.Option(help="Run directory to write.")],
    backbone: Annotated[
        str, typer.Option(help="A backbone, as 'ceilings diagnose' takes it.")
    ] = "aspirin-xtb-l2",
    data: Annotated[str, typer.Option(help="Frames, as 'ceilings diagnose' takes them.")] = "aspirin-xtb",
    held_out: Annotated[
        str | None, typer.Option(help="Held-out frames of the same molecule; default: held out of --data.")
    ] = None,
    units: Annotated[
        str | None, typer.Option(help="Units of the files, where they do not say them: kcal/mol or eV.")
    ] = None,
    force_units: ForceUnits = None,
    length_units: LengthUnits = None,
    elements: Elements = None,
    accept_units: AcceptUnits = False,
    layer: Annotated[str | None, typer.Option(help="Layer to tap; default: the last one with l > 0.")] = None,
    degree: Annotated[int, typer.Option(help="Degree of the readouts, 1 or 2.")] = 2,
    l: Annotated[
        int | None, typer.Option("--l", help="Degree of the signal; default: the ceiling, the hardest one.")
    ] = None,
    atoms: Annotated[
        str | None, typer.Option(help="Atoms to draw, such as 0,4; default: the best, the median, the worst.")
    ] = None,
    every_atom: Annotated[
        bool,
        typer.Option("--every-atom", help="Fit all features for every atom, not for the drawn ones only."),
    ] = False,
    frames: Annotated[int | None, typer.Option(help="Use at most this many frames.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split and the rotations.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take up --out where an earlier run stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Measure R² of one l against features, coefficients, frames and rotations, and say what limits each atom.

    Writes curves.json, curves.csv and figures/. Exit status 0, or 2 for wrong input.
    """
    from ..diagnostic.backbones.loading import load_backbone
    from ..diagnostic.curves.figure import write_learning_curves
    from ..diagnostic.curves.learning_curve import learning_curves
    from ..diagnostic.curves.plan import LearningCurveSettings
    from ..diagnostic.frames.reading import read_frames
    from ..diagnostic.records.plain import to_json

    settings = LearningCurveSettings(
        degree=degree,
        l=l,
        layer=layer,
        atoms=None if atoms is None else integers("--atoms", atoms),
        every_atom=every_atom,
        limit_frames=frames,
        seed=seed,
    )
    check_new(out, resume)
    reading = reading_options(units, force_units, length_units, elements, accept_units)
    table = read_frames(data, **reading)
    others = None if held_out is None else read_frames(held_out, **reading)
    model = load_backbone(backbone)
    with progress_bar(TextColumn("{task.fields[count]}")) as bar:
        task = bar.add_task("features", total=None, count="")

        def tell(what: str, done: int) -> None:
            bar.update(task, description=what, count=f"{done} points done" if done else "")

        result = learning_curves(
            table, model, settings, held_out=others, out=out, resume=resume, progress=tell
        )
    write_learning_curves(result, out)
    if as_json:
        typer.echo(to_json(result))
    else:
        _print(result, out)
    return 0


def _print(result: dict[str, Any], out: Path) -> None:
    console = Console(highlight=False, markup=False)
    steps = list(
        dict.fromkeys(
            p["label"] for p in sorted(result["points"], key=lambda p: p["step"]) if p["panel"] == "features"
        )
    )
    table = Table(
        title=f"R² at l = {result['l']}, degree {result['degree']}, held-out frames, by the features",
        caption="numbers: channels of each irrep of natural parity",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("atom", no_wrap=True)
    for step in steps:
        table.add_column(step, justify="right")
    for atom in result["atoms"]:
        heights = atom["heights"]
        cells = [f"{heights[step]:.3f}" if step in heights else "" for step in steps]
        table.add_row(f"{atom['element']}{atom['index']}", *cells)
    console.print(table)
    for atom in result["atoms"]:
        if atom["sentence"]:
            console.print(atom["sentence"])
    console.print(f"figure: {out / 'figures' / 'learning-curves.png'}", soft_wrap=True)
