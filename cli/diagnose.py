"""``ceilings diagnose``: what a trained backbone recovers, against its ceiling."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table

from .console import check_new, command_line, integers, progress_bar
from .reading_options import AcceptUnits, Elements, ForceUnits, LengthUnits, reading_options

_EXAMPLE = "ceilings diagnose --backbone runs/aspirin-l2 --data aspirin-xtb --out runs/diagnosis"


def register(app: typer.Typer) -> None:
    """Add ``ceilings diagnose``."""
    app.command("diagnose", epilog=f"Example: {_EXAMPLE}")(diagnose_command)


def diagnose_command(
    out: Annotated[Path, typer.Option(help="Run directory to write.")],
    backbone: Annotated[
        str,
        typer.Option(
            help="A file (.safetensors, .ckpt, .nequip.zip, .model), a directory of 'ceilings train', a name that "
            "'ceilings layers' lists, or FILE.py:FUNCTION."
        ),
    ] = "aspirin-xtb-l2",
    data: Annotated[
        str,
        typer.Option(
            help="Frames: a file, aspirin-xtb (embedded), or a name such as rmd17:aspirin:train:01."
        ),
    ] = "aspirin-xtb",
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
    trust: Annotated[
        bool, typer.Option("--trust", help="Open a --backbone that can run code: a pickle or a .py file.")
    ] = False,
    layer: Annotated[
        str | None, typer.Option(help="Layer to tap, or all; default: the last one with l > 0.")
    ] = None,
    degrees: Annotated[
        str, typer.Option(help="Polynomial degrees of the readouts; above 3 the free readout alone.")
    ] = "1,2,3",
    l_top: Annotated[int, typer.Option("--l-top", help="Highest injected l.")] = 8,
    injection: Annotated[
        str, typer.Option(help="marked,density or one of them; the first is tested freely.")
    ] = "marked,density",
    readout: Annotated[
        str, typer.Option(help="free,equivariant or one of them; with network, trained by Adam, beside.")
    ] = "free,equivariant",
    direction: Annotated[
        str, typer.Option(help="fixed, and besides it radial,gradient,solid: fields with predicted plateaus.")
    ] = "fixed",
    network_atoms: Annotated[
        str | None,
        typer.Option(help="Atoms to train networks for; default: one of each element, three at most."),
    ] = None,
    atoms: Annotated[str | None, typer.Option(help="Atoms to diagnose, such as 0,4,7; default: all.")] = None,
    strength: Annotated[
        float, typer.Option(help="RMS of the injected field, as a fraction of the force RMS.")
    ] = 0.5,
    rotations: Annotated[int, typer.Option(help="Haar-random rotations of each training frame.")] = 20,
    frames: Annotated[int | None, typer.Option(help="Use at most this many frames.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples behind each interval.")] = 1000,
    controls: Annotated[bool, typer.Option(help="Run the controls.")] = True,
    full_controls: Annotated[
        bool,
        typer.Option("--full-controls", help="Also shuffled targets, other seeds, widths and activations."),
    ] = False,
    coefficients: Annotated[
        int | None, typer.Option(help="Largest number of coefficients of a readout; default: by degree.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="Device of features and fits, such as cuda.")] = "cpu",
    workers: Annotated[
        int | None, typer.Option(help="Atoms fitted at a time; default: one for each available core.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take up --out where an earlier run stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the path and the verdict as JSON.")] = False,
) -> int:
    """Inject a field of pure angular grade l and see whether a bounded readout of frozen features gives it back.

    Writes result.json, recovery.csv, figures/ and report.html. Exit status 0 if theory holds, 1 if not, 2 for
    wrong input.
    """
    from ..diagnostic.backbones.loading import load_backbone
    from ..diagnostic.diagnosis import diagnose
    from ..diagnostic.frames.reading import read_frames
    from ..diagnostic.measurement.settings import DiagnoseSettings
    from ..diagnostic.readouts.compute import Compute

    settings = DiagnoseSettings(
        degrees=integers("--degrees", degrees),
        l_top=l_top,
        injections=tuple(injection.split(",")),  # type: ignore[arg-type]  # checked by the settings
        readouts=tuple(readout.split(",")),
        directions=tuple(direction.split(",")),  # type: ignore[arg-type]  # checked by the settings
        network_atoms=None if network_atoms is None else integers("--network-atoms", network_atoms),
        layer=None if layer == "all" else layer,
        atoms=None if atoms is None else integers("--atoms", atoms),
        strength=strength,
        rotations=rotations,
        frames=frames,
        bootstrap=bootstrap,
        controls=controls,
        full_controls=full_controls,
        coefficients=coefficients,
        seed=seed,
    )
    compute = Compute.choose(device, workers)
    check_new(out, resume)
    reading = reading_options(units, force_units, length_units, elements, accept_units)
    table = read_frames(data, **reading)
    others = None if held_out is None else read_frames(held_out, **reading)
    model = load_backbone(backbone, trust=trust)
    runs = {out: settings}
    if layer == "all":
        usable = [one.name for one in model.layers() if one.usable] or [model.choose_layer().name]
        runs = {out / name: replace(settings, layer=name) for name in usable}
    results: dict[Path, dict[str, Any]] = {}
    with progress_bar(TextColumn("{task.fields[count]}")) as bar:
        task = bar.add_task("features", total=None, count="")
        for folder, asked in runs.items():
            where = f"{asked.layer}: " if layer == "all" else ""

            def tell(what: str, done: int, _total: int, where: str = where) -> None:
                bar.update(task, description=where + what, count=f"{done} parts done" if done else "")

            results[folder] = diagnose(
                table,
                model,
                asked,
                held_out=others,
                out=folder,
                resume=resume,
                command=command_line(),
                progress=tell,
                compute=compute,
            )
    if as_json:
        said = [
            {"layer": one["model"]["layer"], "report": str(folder / "report.html"), "verdict": one["verdict"]}
            for folder, one in results.items()
        ]
        single = {key: said[0][key] for key in ("report", "verdict")}
        content = {"layers": said} if layer == "all" else single
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        _print(results)
    return 0 if all(one["verdict"]["held"] for one in results.values()) else 1


def _print(results: dict[Path, dict[str, Any]]) -> None:
    console = Console(highlight=False, markup=False)  # a path may hold square brackets
    for result in results.values():
        model, data = result["model"], result["data"]
        console.print(
            f"{model['source']}, layer {model['layer']}: {model['irreps']}   {data['formula']} ({data['source']}), "
            f"{data['splits']['training']} training and {data['splits']['held_out']} held-out frames"
        )
    several = len(results) > 1
    rows = [_molecule(result) for result in results.values()]
    tops = sorted({row["l"] for part in rows for row in part})
    wide = console.width >= (110 if several else 100)
    table = Table(
        title="R² of the injection on held-out frames, median atom",
        caption="no: no path, no polynomial of this degree reaches l",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for name in (*(["layer"] if several else []), "injection", "readout", "d", "dL"):
        table.add_column(name, no_wrap=True)
    for l in tops:
        table.add_column(f"l={l}", justify="right", no_wrap=True)
    for result, part in zip(results.values(), rows, strict=True):
        model = result["model"]
        for kind in dict.fromkeys(_kind(row) for row in part):
            field, readout, degree = kind
            chosen = {row["l"]: row for row in part if _kind(row) == kind}
            first = [model["layer"]] if several else []
            ceiling = str(degree * model["l_max"])
            cells = (_cell(chosen[l], wide) if l in chosen else "" for l in tops)
            table.add_row(*first, field, readout, str(degree), ceiling, *cells)
    console.print(table)
    for folder, result in results.items():
        console.print(result["verdict"]["sentence"])
        console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    orientations = result["checks"]["orientations"]  # of the frames, so the same for every layer
    if orientations["verdict"] == "far from isotropic":
        console.print(f"{orientations['sentence']} {_why_turned(result)}")


def _molecule(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in result["recovery"] if row["scope"] == "molecule"]


def _kind(row: dict[str, Any]) -> tuple[str, str, int]:
    # A direction other than fixed takes the place of the injection, which is then marked.
    return (
        row["injection"] if row["direction"] == "fixed" else row["direction"],
        row["readout"],
        row["degree"],
    )


def _why_turned(result: dict[str, Any]) -> str:
    """Say why frames are turned at random, with what a fit without it gives where the control was run."""
    above = result["ceiling"]["boundary"] + 1
    for control in result["controls"]:
        for row in control["rows"] if control["name"] == "no random rotations" else ():
            if row["scope"] == "molecule" and row["l"] == above and row["r2"] is not None:
                return f"Every use of a frame was turned at random; without, R² at l = {above} would be {row['r2']:.2f}."
    return f"Every use of a frame was turned at random; without, R² at l = {above} could be anything."


def _cell(row: dict[str, Any], wide: bool) -> str:
    if row["r2"] is None:
        return "no path" if wide else "no"
    return f"{row['r2']:.2f}".replace("-0.00", "0.00")
