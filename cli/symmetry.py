"""The part of ``ceilings audit`` that needs no features: how far any calculator depends on orientation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from .console import command_line, watched

#: Parts of an audit that any calculator can have.
PARTS = ("symmetry", "remedies")


def wanted(model: str, parts: Sequence[str] | None, trust: bool, benchmark: bool = False) -> bool:
    """Whether the audit is one of symmetry: its parts or the benchmark say so, or the model has no features.

    Raises
    ------
    InputError
        Parts of both kinds, which are runs of their own, or parts for which a calculator has no features.
    """
    from ..theory.errors import InputError

    symmetric = [part for part in parts or () if part in PARTS]
    others = [part for part in parts or () if part not in PARTS]
    if benchmark and others:
        raise InputError(
            f"--benchmark belongs to --parts symmetry, not to {others[0]}; leave out one of the two"
        )
    if symmetric and others:
        raise InputError(
            f"--parts has {symmetric[0]} and {others[0]}, which need separate runs; give one, then the other with another "
            "--out"
        )
    if symmetric or benchmark:
        return True
    if not _without_features(model, trust, others):
        return False
    if others:
        raise InputError(f"{model} has no features that rotate, so --parts can be symmetry,remedies only")
    return True


def _without_features(model: str, trust: bool, parts: Sequence[str]) -> bool:
    """Whether a source is a calculator alone; a function is called to see what it gives. ``parts`` need features."""
    from ..diagnostic.backbones.sources import call_function, is_calculator, is_function
    from ..diagnostic.backbones.unconstrained_files import is_unconstrained
    from ..diagnostic.symmetry.compiled_models import is_compiled
    from ..diagnostic.symmetry.installed_calculators import named_calculator

    if is_function(model):
        from ..diagnostic.backbones.backbone import Backbone
        from ..diagnostic.backbones.loading import becomes_backbone

        made = call_function(model, trust)
        if isinstance(made, Backbone):
            return not any(layer.declared for layer in made.layers())
        # what is neither is refused by the part that was asked for
        return is_calculator(made) if parts else not becomes_backbone(made)
    return named_calculator(model) or is_compiled(model) or is_unconstrained(model)


def audit_symmetry(
    model: str, structures: str, out: Path, *, parts: Sequence[str] | None, l_top: int | None, count: int | None, inversion: bool,
    tolerance: float, benchmark: bool, reading: Mapping[str, Any], trust: bool, seed: int, device: str, resume: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Run the audit, print its table, return the exit status."""
    from ..diagnostic.records.outcomes import exit_status
    from ..diagnostic.records.run_directory import check_new
    from ..diagnostic.symmetry.audit import symmetry_audit
    from ..diagnostic.symmetry.calculators import load_calculator, read_structures
    from ..diagnostic.symmetry.result import SymmetrySettings

    asked = {} if count is None else {"structures": count}
    settings = SymmetrySettings(
        parts=tuple(parts or ("symmetry",)), l_top=l_top, inversion=inversion, tolerance=tolerance, benchmark=benchmark,
        seed=seed, **asked
    )  # fmt: skip
    check_new(out, resume)
    images = read_structures(structures, **reading)
    named = load_calculator(model, trust=trust, device=device)
    with watched("structures") as watch:
        result = symmetry_audit(
            images, named, settings, out=out, resume=resume, command=command_line(), progress=watch
        )
    if as_json:
        said = {"schema": result["schema"], "report": str(out / "report.html"), "summary": result["summary"],
                 "fixed_benchmark": result["fixed_benchmark"], "verdict": result["verdict"]}  # fmt: skip
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        _print(result, out)
    return exit_status(result["verdict"])


def _print(result: dict[str, Any], out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)  # a path may hold square brackets
    console.print(f"{result['calculator']['source']}   {result['data']['source']}, structures "
                  + ", ".join(str(row["structure"]) for row in result["structures"]))  # fmt: skip
    style: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 1, 0, 0)}
    if not result["verdict"]["statements"][0]["held"]:  # what is within the tolerance is told in the sentence
        _print_deviations(console, result, style)
    if result["fixed_benchmark"]:
        _print_benchmark(console, result["fixed_benchmark"], style)
    if result["remedies"]:
        table = Table(title="Remedies: meV/Å; meV/atom/ps; hbar/ps of angular momentum", **style)
        for name in ("remedy", "evaluations", "F left", "E drift", "L drift"):
            table.add_column(name, justify="left" if name == "remedy" else "right")
        for row in result["remedies"]:
            cells = (row[key] for key in ("evaluations", "force_rms", "energy_drift", "momentum_drift"))
            table.add_row(row["name"], *("-" if cell is None else f"{cell:.3g}" for cell in cells))
        console.print(table)
    console.print(result["verdict"]["sentence"])
    console.print(f"report: {out / 'report.html'}", soft_wrap=True)


def _print_benchmark(console: Any, measured: dict[str, Any], style: dict[str, Any]) -> None:
    from rich.table import Table

    count = len(measured["structures"])
    title = f"Fixed benchmark: {measured['pairs']:,} pairs, {count} structure{'' if count == 1 else 's'}"
    table = Table(title=title, **style)
    for name in ("", "mean", "largest"):
        table.add_column(name, justify="right" if name else "left")
    for kind, text in (("energy", "|ΔE|, meV/atom"), ("total", "|ΔE|, eV"), ("force", "ΔF, meV/Å")):
        table.add_row(text, *(f"{measured[f'{kind}_{size}']:.3g}" for size in ("mean", "max")))
    console.print(table)


def _print_deviations(console: Any, result: dict[str, Any], style: dict[str, Any]) -> None:
    from rich.table import Table

    totals, quadrature = result["summary"], result["quadrature"]
    table = Table(title="Deviation from the rotational average", **style)
    for name in (
        "",
        "mean abs.",
        "RMS",
        "95 %",
        *(f"l = {l}" for l in range(1, quadrature["l_top"] + 1)),
        "error",
    ):
        table.add_column(name, no_wrap=True, justify="right" if name else "left")
    for quantity, text in (("energy", "E_rot, meV/atom"), ("force", "F_rot, meV/Å")):
        rms = totals[f"{quantity}_rms"]
        interval = "-" if rms["low"] is None else f"{rms['low']:.3g} to {rms['high']:.3g}"
        values = (f"{value:.2g}" for value in (*totals[f"{quantity}_by_degree"], totals[f"{quantity}_error"]))
        table.add_row(
            text, f"{totals[f'{quantity}_mad']['value']:.3g}", f"{rms['value']:.3g}", interval, *values
        )
    console.print(table)
