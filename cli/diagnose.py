"""``ceilings diagnose``: what a trained backbone recovers, against its ceiling."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

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

if TYPE_CHECKING:
    from ..diagnostic.measurement.result_types import DiagnosisResult, RecoveryRow

_EXAMPLE = "ceilings diagnose --backbone runs/aspirin-l2 --data aspirin-xtb --out runs/diagnosis"


def register(app: typer.Typer) -> None:
    """Add ``ceilings diagnose``."""
    app.command("diagnose", epilog=f"Example: {_EXAMPLE}")(diagnose_command)


def diagnose_command(
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
        typer.Option(help="Layer to tap, or all; default: the last one that carries features of l > 0."),
    ] = None,
    degrees: Annotated[
        list[str] | None,
        choices.integers(
            "--degrees",
            "--degree",
            help="Polynomial degrees of the readouts, 1 to 12; above 3 only the free readout is fitted.",
            default="1,2,3",
        ),
    ] = None,
    l_top: Annotated[int, typer.Option("--l-top", help="Highest injected l.")] = 8,
    injection: Annotated[
        list[str] | None,
        choices.several(
            choices.INJECTIONS,
            "--injection",
            help="Fields to inject; the free readout uses the first.",
            default="marked,density",
        ),
    ] = None,
    readout: Annotated[
        list[str] | None,
        choices.several(
            choices.READOUTS,
            "--readout",
            help="Readouts to fit: free, equivariant or both; add network to train small networks, too.",
            default="free,equivariant",
        ),
    ] = None,
    direction: Annotated[
        list[str] | None,
        choices.several(
            choices.DIRECTIONS,
            "--direction",
            help="Directions of the field: fixed is required; add radial, gradient or solid, whose partial recovery theory "
            "predicts.",
            default="fixed",
        ),
    ] = None,
    network_atoms: Annotated[
        list[str] | None,
        choices.integers(
            "--network-atoms",
            help="Atoms to train networks for; default: one of each element, three at most.",
        ),
    ] = None,
    atoms: Annotated[
        list[str] | None,
        choices.integers("--atoms", help="Atoms to diagnose, such as 0,4,7; default: all."),
    ] = None,
    strength: Annotated[
        float, typer.Option(help="RMS of the injected field, as a fraction of the force RMS.")
    ] = 0.5,
    rotations: Annotated[
        int | None,
        typer.Option(
            min=1, help="Random rotations of each training frame.", show_default="20, with --turned 8"
        ),
    ] = None,
    turned: Annotated[
        bool,
        typer.Option(
            "--turned",
            help="Run the network on every turned frame: for models without declared symmetry, or with a grid in them.",
        ),
    ] = False,
    limit: options.Frames = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples behind each interval.")] = 1000,
    controls: Annotated[bool, typer.Option(help="Run the controls.")] = True,
    full_controls: Annotated[
        bool,
        typer.Option(
            "--full-controls", help="Also run shuffled targets, other seeds, widths and activations."
        ),
    ] = False,
    coefficients: Annotated[
        int | None,
        typer.Option(help="Largest number of coefficients of a readout; default: depends on its degree."),
    ] = None,
    by: options.By = None,
    select: options.SelectAtoms = None,
    environments: options.Environments = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    workers: options.Workers = None,
    resume: options.Resume = False,
    as_json: options.AsJson = False,
) -> int:
    """Inject a field of one angular frequency l and measure how much of it a bounded readout of frozen features recovers.

    Frames of one molecule are measured atom by atom; environments of crystals and mixed sets are pooled by element.

    Writes result.json, recovery.csv, figures/ and report.html. Exit status 0 if theory held, 1 if it was contradicted, if the
    features fall short of their ceiling or if the data do not decide; 0 with a line on standard error if nothing was tested.
    """
    source, frames_of = options.model_of(model, backbone), options.data_of(frames, data)
    from ..diagnostic.backbones.loading import load_backbone
    from ..diagnostic.diagnosis import diagnose
    from ..diagnostic.frames.reading_any import read_data
    from ..diagnostic.frames.selection import asks_more
    from ..diagnostic.measurement.settings import DiagnoseSettings
    from ..diagnostic.readouts.compute import Compute
    from ..diagnostic.records.outcomes import exit_status
    from ..diagnostic.records.run_directory import check_new

    settings = DiagnoseSettings(
        degrees=choices.whole(degrees) or (1, 2, 3),
        l_top=l_top,
        injections=tuple(injection or ("marked", "density")),  # type: ignore[arg-type]  # names, checked
        readouts=tuple(readout or (("free",) if turned else ("free", "equivariant"))),
        directions=tuple(direction or ("fixed",)),  # type: ignore[arg-type]  # names, checked
        network_atoms=choices.whole(network_atoms),
        layer=None if layer == "all" else layer,
        atoms=choices.whole(atoms),
        strength=strength,
        rotations=rotations or 0,
        frames=limit,
        bootstrap=bootstrap,
        controls=controls,
        full_controls=full_controls,
        coefficients=coefficients,
        seed=seed,
        turned=turned,
        by=by,  # type: ignore[arg-type]  # a name, checked
        select=tuple(select or ()),
        environments=environments,
    )
    compute = Compute.choose(device, workers)
    check_new(out, resume)
    reading = reading_options(
        units, force_units, length_units, elements, accept_units, forces_key=forces_key, energy_key=energy_key,
        stress_key=stress_key, isolated=isolated, group_key=group_key,
    )  # fmt: skip
    reading["keep_info"] = asks_more(settings.select)
    table = read_data(frames_of, **reading)
    others = None if held_out is None else read_data(held_out, **reading)
    loaded = load_backbone(source, trust=trust)
    runs = {out: settings}
    if layer == "all":
        usable = [
            shown.name for shown in loaded.layers() if shown.usable or (turned and not shown.declared)
        ] or [loaded.choose_layer(turned=turned).name]
        runs = {out / name: replace(settings, layer=name) for name in usable}
    results: dict[Path, DiagnosisResult] = {}
    with watched("features") as watch:
        for folder, asked in runs.items():
            where = f"{asked.layer}: " if layer == "all" else ""

            def tell(what: str, done: int, total: int, where: str = where) -> None:
                watch(where + what, done, total)

            diagnosis = diagnose(
                table,
                loaded,
                asked,
                held_out=others,
                out=folder,
                resume=resume,
                command=command_line(),
                progress=tell,
                compute=compute,
            )
            results[folder] = cast("DiagnosisResult", diagnosis)
    if as_json:
        said = [
            {
                "layer": result["model"]["layer"],
                "report": str(folder / "report.html"),
                "verdict": result["verdict"],
            }
            for folder, result in results.items()
        ]
        single = {key: said[0][key] for key in ("report", "verdict")}
        content = {"layers": said} if layer == "all" else single
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        _print(results)
    untested = [result for result in results.values() if result["verdict"]["outcome"] == "nothing tested"]
    if untested:
        which = (
            ""
            if len(results) == 1
            else f" in {', '.join(str(result['model']['layer']) for result in untested)}"
        )
        typer.echo(
            f"nothing was held against theory{which}; status 0 says only that the run finished"
            if len(untested) == len(results)
            else f"nothing was held against theory{which}",
            err=True,
        )
    return max((exit_status(result["verdict"]) for result in results.values()), default=0)


def _print(results: dict[Path, DiagnosisResult]) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..diagnostic.measurement.result import no_ceiling
    from ..diagnostic.report.first_screen import foreign, overruled, symmetric_sites
    from ..diagnostic.report.orientation import turned_sentence

    console = Console(highlight=False, markup=False)  # a path may hold square brackets
    pooled = any("environments" in result["data"] for result in results.values())
    for result in results.values():
        model, data = result["model"], result["data"]
        console.print(
            f"{model['source']}, layer {model['layer']}: {model['irreps'] or 'no symmetry declared'}   "
            f"{data['formula']} ({data['source']}), "
            f"{data['splits']['training']} training and {data['splits']['held_out']} held-out "
            f"{'environments of each element' if pooled else 'frames'}"
        )
    several = len(results) > 1
    rows = [_molecule(result) for result in results.values()]
    tops = sorted({row["l"] for part in rows for row in part})
    wide = console.width >= (110 if several else 100)
    table = Table(
        title="R² of the injection on held-out environments, median element and every element"
        if pooled
        else "R² of the injection on held-out frames, median atom",
        caption="no: no path, no polynomial of this degree reaches l",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for name in (
        *(["layer"] if several else []), *(["element"] if pooled else []), "injection", "readout", "d", "dL"
    ):  # fmt: skip
        table.add_column(name, no_wrap=True)
    for l in tops:
        table.add_column(f"l={l}", justify="right", no_wrap=True)
    for result, part in zip(results.values(), rows, strict=True):
        model = result["model"]
        for kind in dict.fromkeys(_kind(row) for row in part):
            scope, field, readout, degree = kind
            chosen = {row["l"]: row for row in part if _kind(row) == kind}
            first = [model["layer"]] if several else []
            first += ["median" if scope == "molecule" else scope.partition(":")[2]] if pooled else []
            ceiling = "none" if no_ceiling(result) else str(degree * model["l_max"])
            cells = (_cell(chosen[l], wide) if l in chosen else "" for l in tops)
            table.add_row(*first, field, readout, str(degree), ceiling, *cells)
    console.print(table)
    for folder, result in results.items():
        console.print(result["verdict"]["sentence"])
        if result["checks"]["parity"] != "declared":
            console.print(result["checks"]["parity_sentence"])
        sites = symmetric_sites(result).replace("ℓ", "l")
        if sites:
            console.print(sites)
        console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    # What follows speaks of the frames and the model, the same for every layer.
    unrun = "" if result["controls"] else "Controls were not run."
    for remark in (*foreign(result), *overruled(result), turned_sentence(result), unrun):
        if remark:
            console.print(remark)


def _molecule(result: DiagnosisResult) -> list[RecoveryRow]:
    """Return the rows of the table: the molecule's; of pools of environments also those of the leading measurement of each."""
    rows = [row for row in result["recovery"] if row["scope"] == "molecule"]
    if "environments" in result["data"]:
        leading, degree = result["recovery"][0]["injection"], result["ceiling"]["degree"]
        rows += [
            row
            for row in result["recovery"]
            if (row["injection"], row["degree"], row["direction"]) == (leading, degree, "fixed")
            and row["scope"] != "molecule"
        ]
    return rows


def _kind(row: RecoveryRow) -> tuple[str, str, str, int]:
    # A direction other than fixed takes the place of the injection, which is then marked.
    return (
        row["scope"],
        row["injection"] if row["direction"] == "fixed" else row["direction"],
        row["readout"],
        row["degree"],
    )


def _cell(row: RecoveryRow, wide: bool) -> str:
    if row["r2"] is None:
        return "no path" if wide else "no"
    return f"{row['r2']:.2f}".replace("-0.00", "0.00")
