"""``ceilings advise --data``: which knob holds most of the forces, or of the error of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .console import command_line, watched

if TYPE_CHECKING:
    from ..diagnostic.advice.result_object import AdviceResult
    from ..diagnostic.advice.settings import AdviceSettings


def measure(
    data: str,
    backbone: str | None,
    settings: AdviceSettings,
    reading: dict[str, Any],
    out: Path | None,
    *,
    trust: bool,
    device: str,
    as_json: bool,
) -> None:
    """Measure the knobs, print them, and write a run directory where one is named."""
    from ..diagnostic.advice.advise import advise_data
    from ..diagnostic.advice.report import write_advice
    from ..diagnostic.backbones.loading import load_backbone
    from ..diagnostic.frames.reading_any import read_data
    from ..diagnostic.records.plain import to_json
    from ..diagnostic.records.run_directory import check_new

    if out is not None:
        check_new(out)
    structures = read_data(data, **reading)
    model = None if backbone is None else load_backbone(backbone, trust=trust)
    with watched("densities") as watch:
        result = advise_data(structures, model, settings, progress=watch, device=device)
    if out is not None:
        write_advice(result, out, command_line())
    if as_json:
        typer.echo(to_json(result))
    else:
        _print(result, out)


def _print(result: AdviceResult, out: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..diagnostic.advice.settings import KNOB_NAMES

    target, basis, together = result["target"], result["basis"], result["together"]
    console = Console(highlight=False, markup=False)
    what = "force error" if result["question"] == "limit" else "forces"
    console.print(
        f"{what}: {1000 * target['rms_eV_A']:.4g} meV/\N{ANGSTROM SIGN} (RMS); order 2 with l \N{LESS-THAN OR EQUAL TO} "
        f"{basis['l_max']} within {basis['cutoff']:g} \N{ANGSTROM SIGN} leaves {1000 * target['base_rms_eV_A']:.4g}, with all "
        f"knobs {1000 * target['all_rms_eV_A']:.4g}"
    )
    table = Table(
        title="What each knob holds of the squared error that the base leaves",
        caption=f"gain: added alone; unique: what nothing else can; {basis['coefficients']} coefficients a knob and element",
        box=None, pad_edge=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for name in ("knob", "gain", "95 %", "unique", "95 %", "null band"):
        table.add_column(name, justify="left" if name == "knob" else "right", no_wrap=True)
    for row in result["knobs"]:
        table.add_row(
            KNOB_NAMES[row["knob"]], f"{row['gain']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}", f"{row['unique']:.3f}",
            f"{row['unique_low']:.3f} to {row['unique_high']:.3f}", f"{max(row['null_gain'], row['null_unique']):.3f}",
        )  # fmt: skip
    table.add_row(
        "all together", f"{together['gain']:.3f}", f"{together['low']:.3f} to {together['high']:.3f}", "", "",
        f"{together['null_gain']:.3f}",
    )  # fmt: skip
    console.print(table)
    console.print(result["verdict"]["sentence"], soft_wrap=True)
    if result["choice"] is not None:
        console.print(result["choice"]["sentence"], soft_wrap=True)
    if result["verdict"]["data_sentence"]:
        console.print(result["verdict"]["data_sentence"], soft_wrap=True)
    if result["verdict"]["reliability"]:
        console.print(result["verdict"]["reliability"], soft_wrap=True)
    for note in result["data"]["notes"]:
        console.print(note, soft_wrap=True)
    if out is not None:
        console.print(f"report: {out / 'report.html'}", soft_wrap=True)
