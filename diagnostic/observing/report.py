"""The report of an observation: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..pages.frame import STATES, Banner, Page, Repeat, Section, render_page
from ..pages.tables import Cell, Table
from ..pages.text import code
from ..records.files import write_whole
from ..symmetry.result import calculator_title

Result = Mapping[str, Any]


def write_observing_report(result: Result, directory: Path) -> Path:
    """Write ``report.html`` into a run directory; return its path."""
    judged, structure = result["verdict"], result["structure"]
    inputs = [
        ("Model", str(result["model"]["source"])),
        ("SHA-256", code(result["model"]["sha256"])),
        ("Structure", f"{structure['source']}, {structure['formula']}"),
    ]
    files = (("result.json", "every number, for programs"),)
    page = Page(
        kind="Observables",
        title=f"{calculator_title(result['model']['kind'])} on {structure['formula']}",
        banner=Banner(STATES[judged["outcome"]], _banner(judged)),
        overview=[_statements(judged)],
        sections=[Section("repeat", "Repeat it", [Repeat.of(result, inputs, files)])],
        version=str(result["versions"].get("spectral-ceilings", "")),
    )
    return write_whole(directory / "report.html", render_page(page))


def _banner(judged: Mapping[str, Any]) -> str:
    by: dict[str, list[str]] = {}
    for statement in judged["statements"]:
        by.setdefault(statement["outcome"], []).append(statement["name"])
    return "; ".join(f"{outcome}: {', '.join(names)}" for outcome, names in by.items()).capitalize() + "."


def _statements(judged: Mapping[str, Any]) -> Table:
    rows: list[list[Cell | str]] = [[s["name"], s["outcome"], s["sentence"]] for s in judged["statements"]]
    caption = "Each observable and what was found."
    return Table("table-statements", caption, ["observable", "outcome", "what was measured"], rows)
