"""The report of the artefacts: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..pages.figure_files import slot
from ..pages.frame import STATES, Banner, Page, Paragraph, Part, Repeat, Section, render_page
from ..pages.tables import Cell, Column, Table, number_cell, numbers
from ..pages.text import code
from ..records.files import write_whole
from ..symmetry.result import calculator_title
from .figures import artefact_drawings

Result = Mapping[str, Any]
_TITLES = {"repulsion": "Repulsion", "phonons": "Frequencies", "drift": "Drift", "liquid": "Liquid"}
_CAPTIONS = {
    "repulsion": "Energy above the minimum of the reference: solid the model, dashed the reference. Dotted: the shortest pairs "
    "of the training data; left of it the model was never told.",
    "phonons": "Each vibration at the wave vectors that fit the supercell. Below the line: too soft.",
    "drift": "Total energy from the same positions and velocities. The reference's slope is the time step's own.",
    "liquid": "Radial distribution from the same start.",
}
_LIMITS = (
    "The numbers are those of this structure, these short runs and this seed. Reproduced means within the tolerances of the "
    "settings. The reference is the calculator of the data, not nature."
)


def write_artefact_report(result: Result, directory: Path) -> Path:
    """Write ``report.html`` into a run directory; return its path."""
    return write_whole(directory / "report.html", render_artefact_report(result))


def render_artefact_report(result: Result) -> str:
    """Return the report as an HTML document; every text of the result is escaped."""
    figures = {d.name: slot(d, _CAPTIONS[d.name], _CAPTIONS[d.name]) for d in artefact_drawings(result)}
    sections = []
    for name, row in result["artefacts"].items():
        parts: list[Part] = [Paragraph(row["sentence"])]
        if name in figures:
            parts.append(figures[name])
        if name == "repulsion":
            parts.append(_walls(row))
        sections.append(Section(name, _TITLES[name], parts))
    judged = result["verdict"]
    return render_page(
        Page(
            kind="Artefacts",
            title=f"{calculator_title(result['model']['kind'])} against {result['reference']['source']}",
            banner=Banner(STATES[judged["outcome"]], _banner(judged)),
            overview=[_statements(judged)],
            sections=[
                *sections,
                Section("limits", "What is not claimed", [Paragraph(_LIMITS)]),
                Section("repeat", "Repeat it", [_repeat(result)]),
            ],
            version=str(result["versions"].get("spectral-ceilings", "")),
        )
    )


def _banner(judged: Mapping[str, Any]) -> str:
    by: dict[str, list[str]] = {}
    for statement in judged["statements"]:
        by.setdefault(statement["verdict"], []).append(_TITLES[statement["name"]].lower())
    return "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in by.items()).capitalize() + "."


def _statements(judged: Mapping[str, Any]) -> Table:
    rows: list[list[Cell | str]] = [
        [_TITLES[s["name"]], s["verdict"], s["sentence"]] for s in judged["statements"]
    ]
    return Table(
        "table-statements",
        "Each artefact and its verdict.",
        ["artefact", "verdict", "what was measured"],
        rows,
    )


def _walls(row: Mapping[str, Any]) -> Table:
    columns = [
        Column("scan"),
        *numbers("energy, eV", "at", "model", "reference", "softening, %"),
        Column("data"),
    ]
    words = {True: "covered", False: "beyond", None: "unknown"}
    body: list[list[Cell | str]] = [
        [scan["name"], number_cell(wall["energy"]), number_cell(wall["x"], 3), number_cell(wall["model"], 3),
         number_cell(wall["reference"], 3), number_cell(100 * wall["softening"]), words[wall["covered"]]]
        for scan in row["scans"] for wall in scan["rows"]
    ]  # fmt: skip
    caption = (
        "Wall force where the reference is so far above its minimum: eV/Å at a distance in Å, of the compressed cell eV/Å³ at "
        "Å³ of each atom, energies of each atom."
    )
    return Table("table-walls", caption, columns, body)


def _repeat(result: Result) -> Repeat:
    inputs = [
        ("Model", str(result["model"]["source"])),
        ("SHA-256", code(result["model"]["sha256"])),
        ("Reference", str(result["reference"]["source"])),
        ("Structure", f"{result['structure']['source']}, {result['structure']['formula']}"),
    ]
    if result["data"]:
        inputs.append(("Data", f"{result['data']['source']}, {result['data']['structures']:,}"))
    return Repeat.of(result, inputs, (("result.json", "every number, for programs"),))
