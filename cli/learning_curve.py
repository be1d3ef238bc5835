"""``ceilings learning-curve``: what limits the height below the ceiling."""

from __future__ import annotations

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
    GroupKey,
    Isolated,
    LengthUnits,
    StressKey,
    reading_options,
)

_EXAMPLE = "ceilings learning-curve --backbone runs/aspirin-l2 --data aspirin-xtb --out runs/curves"


def register(app: typer.Typer) -> None:
    """Add ``ceilings learning-curve``."""
    app.command("learning-curve", epilog=f"Example: {_EXAMPLE}")(learning_curve_command)


def learning_curve_command(
    out: options.Out,
    model: options.ModelArgument = None,
    frames: options.DataArgument = None,
    backbone: options.ModelOption = None,
    data: options.DataOption = None,
    held_out: options.HeldOut = None,
    units: options.Units = None,
    force_units: ForceUnits = None,
    length_units: LengthUnits = None,
    elements: Elements = None,
    accept_units: AcceptUnits = False,
    forces_key: ForcesKey = None,
    energy_key: EnergyKey = None,
    stress_key: StressKey = None,
    isolated: Isolated = False,
    group_key: GroupKey = None,
    trust: options.Trust = False,
    layer: Annotated[
        str | None,
        typer.Option(help="Layer to tap; default: the last one that carries features of l > 0."),
    ] = None,
    degree: Annotated[
        int, typer.Option("--degrees", "--degree", help="Polynomial degree of the readouts, 1 or 2.")
    ] = 2,
    l: Annotated[
        int | None,
        typer.Option("--l", help="Angular frequency l of the field; default: the ceiling, the hardest l."),
    ] = None,
    atoms: Annotated[
        list[str] | None,
        choices.integers(
            "--atoms", help="Atoms to draw, such as 0,4; default: the best, the median and the worst."
        ),
    ] = None,
    every_atom: Annotated[
        bool,
        typer.Option("--every-atom", help="Fit all features for every atom, not only for the drawn ones."),
    ] = False,
    limit: options.Frames = None,
    by: options.By = None,
    select: options.SelectAtoms = None,
    environments: options.Environments = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    resume: options.Resume = False,
    as_json: options.AsJson = False,
) -> int:
    """Measure R² at one l against features, coefficients, frames and rotations, and say what limits each atom or element.

    Frames of one molecule are measured atom by atom; environments of crystals and mixed sets are pooled by element.

    Writes report.html, curves.json, curves.csv and figures/. Nothing is compared with theory: exit status 0 says that the run
    is complete.
    """
    source, frames_of = options.model_of(model, backbone), options.data_of(frames, data)
    from ..diagnostic.backbones.loading import load_backbone
    from ..diagnostic.curves.learning_curve import learning_curves
    from ..diagnostic.curves.plan import LearningCurveSettings
    from ..diagnostic.curves.report import write_learning_curves
    from ..diagnostic.frames.reading_any import read_data
    from ..diagnostic.frames.selection import asks_more
    from ..diagnostic.records.plain import to_json
    from ..diagnostic.records.run_directory import check_new

    settings = LearningCurveSettings(
        degree=degree,
        l=l,
        layer=layer,
        atoms=choices.whole(atoms),
        every_atom=every_atom,
        limit_frames=limit,
        seed=seed,
        by=by,  # type: ignore[arg-type]  # a name, checked
        select=tuple(select or ()),
        environments=environments,
    )
    check_new(out, resume)
    reading = reading_options(
        units, force_units, length_units, elements, accept_units, forces_key=forces_key, energy_key=energy_key,
        stress_key=stress_key, isolated=isolated, group_key=group_key,
    )  # fmt: skip
    reading["keep_info"] = asks_more(settings.select)
    table = read_data(frames_of, **reading)
    others = None if held_out is None else read_data(held_out, **reading)
    loaded = load_backbone(source, trust=trust)
    with watched("features") as watch:
        result = learning_curves(
            table, loaded, settings, held_out=others, out=out, resume=resume, progress=watch, device=device
        )
    write_learning_curves(result, out, command_line())
    if as_json:
        typer.echo(to_json(result))
    else:
        _print(result, out)
    return 0


def _print(result: Any, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..diagnostic.curves.wording import label_of, pooled, words_of

    words = words_of(pooled(result))
    console = Console(highlight=False, markup=False)
    steps = list(
        dict.fromkeys(
            p["label"] for p in sorted(result["points"], key=lambda p: p["step"]) if p["panel"] == "features"
        )
    )
    table = Table(
        title=f"R² at l = {result['l']}, degree {result['degree']}, held-out {words['rows']}, by number of features",
        caption="columns: channels of each irrep of natural parity",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column(words["who"], no_wrap=True)
    for step in steps:
        table.add_column(step, justify="right")
    for atom in result["atoms"]:
        heights = atom["heights"]
        cells = [f"{heights[step]:.3f}" if step in heights else "" for step in steps]
        table.add_row(label_of(atom), *cells)
    console.print(table)
    for atom in result["atoms"]:
        if atom["sentence"]:
            console.print(atom["sentence"])
    console.print(f"report: {out / 'report.html'}", soft_wrap=True)
