"""``ceilings diagnose``: what a trained backbone recovers, against its ceiling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table

from ..theory.errors import InputError
from .console import command_line, progress_bar

_EXAMPLE = "ceilings diagnose --backbone runs/aspirin-l2 --data aspirin-xtb --out runs/diagnosis"


def register(app: typer.Typer) -> None:
    """Add ``ceilings diagnose``."""
    app.command("diagnose", epilog=f"Example: {_EXAMPLE}")(diagnose_command)


def diagnose_command(
    out: Annotated[Path, typer.Option(help="Run directory to write.")],
    backbone: Annotated[
        str,
        typer.Option(help="A .safetensors backbone, a directory of 'ceilings train', or the embedded one."),
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
    layer: Annotated[str | None, typer.Option(help="Layer to tap; default: the last one with l > 0.")] = None,
    degrees: Annotated[str, typer.Option(help="Polynomial degrees of the readouts, among 1,2,3.")] = "1,2,3",
    l_top: Annotated[int, typer.Option("--l-top", help="Highest injected l.")] = 8,
    injection: Annotated[
        str, typer.Option(help="marked,density or one of them; the first is tested freely.")
    ] = "marked,density",
    readout: Annotated[str, typer.Option(help="free,equivariant or one of them.")] = "free,equivariant",
    atoms: Annotated[str | None, typer.Option(help="Atoms to diagnose, such as 0,4,7; default: all.")] = None,
    strength: Annotated[
        float, typer.Option(help="RMS of the injected field, as a fraction of the force RMS.")
    ] = 0.5,
    rotations: Annotated[int, typer.Option(help="Haar-random rotations of each training frame.")] = 20,
    frames: Annotated[int | None, typer.Option(help="Use at most this many frames.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples behind each interval.")] = 1000,
    controls: Annotated[bool, typer.Option(help="Run the controls.")] = True,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take up --out where an earlier run stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the path and the verdict as JSON.")] = False,
) -> int:
    """Inject a field of pure angular grade l and see whether a bounded readout of frozen features gives it back.

    Writes result.json, recovery.csv, figures/ and report.html. Exit status 0 if theory holds, 1 if not, 2 for
    wrong input.
    """
    from ..diagnostic.checkpoint import load_backbone
    from ..diagnostic.diagnosis import diagnose
    from ..diagnostic.reading import read_frames
    from ..diagnostic.settings import DiagnoseSettings

    settings = DiagnoseSettings(
        degrees=_integers("--degrees", degrees),
        l_top=l_top,
        injections=tuple(injection.split(",")),  # type: ignore[arg-type]  # checked by the settings
        readouts=tuple(readout.split(",")),
        layer=layer,
        atoms=None if atoms is None else _integers("--atoms", atoms),
        strength=strength,
        rotations=rotations,
        frames=frames,
        bootstrap=bootstrap,
        controls=controls,
        seed=seed,
    )
    if out.exists() and not resume:
        raise InputError(
            f"{out} exists already; give another --out, or --resume to take it up where it stopped"
        )
    table = read_frames(data, units=units)
    others = None if held_out is None else read_frames(held_out, units=units)
    model = load_backbone(backbone)
    with progress_bar(TextColumn("{task.fields[count]}")) as bar:
        task = bar.add_task("features", total=None, count="")

        def tell(what: str, done: int, _total: int) -> None:
            bar.update(task, description=what, count=f"{done} parts done" if done else "")

        result = diagnose(
            table,
            model,
            settings,
            held_out=others,
            untrained=lambda number: load_backbone(backbone, untrained_seed=number),
            out=out,
            resume=resume,
            command=command_line(),
            progress=tell,
        )
    verdict = result["verdict"]
    if as_json:
        typer.echo(
            json.dumps({"report": str(out / "report.html"), "verdict": verdict}, indent=1, ensure_ascii=False)
        )
    else:
        _print(result, out)
    return 0 if verdict["held"] else 1


def _integers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{option} is {text!r}, expected integers separated by commas, such as 1,2,3"
        ) from error


def _print(result: dict[str, Any], out: Path) -> None:
    console = Console(highlight=False, markup=False)  # a path may hold square brackets
    model, data = result["model"], result["data"]
    console.print(
        f"{model['source']}, layer {model['layer']}: {model['irreps']}   {data['formula']} ({data['source']}), "
        f"{data['splits']['training']} training and {data['splits']['held_out']} held-out frames"
    )
    rows = [row for row in result["recovery"] if row["scope"] == "molecule"]
    kinds = list(dict.fromkeys((row["injection"], row["readout"], row["degree"]) for row in rows))
    tops = sorted({row["l"] for row in rows})
    wide = console.width >= 100
    table = Table(
        title="R² of the injection on held-out frames, median atom",
        caption="no: no path, no polynomial of this degree reaches l",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for name in ("injection", "readout", "d", "dL"):
        table.add_column(name, no_wrap=True)
    for l in tops:
        table.add_column(f"l={l}", justify="right", no_wrap=True)
    for injection, readout, degree in kinds:
        kind = (injection, readout, degree)
        chosen = {row["l"]: row for row in rows if (row["injection"], row["readout"], row["degree"]) == kind}
        ceiling = str(degree * model["l_max"])
        table.add_row(injection, readout, str(degree), ceiling, *(_cell(chosen[l], wide) for l in tops))
    console.print(table)
    console.print(result["verdict"]["sentence"])
    console.print(f"report: {out / 'report.html'}", soft_wrap=True)


def _cell(row: dict[str, Any], wide: bool) -> str:
    if row["r2"] is None:
        return "no path" if wide else "no"
    return f"{row['r2']:.2f}".replace("-0.00", "0.00")
