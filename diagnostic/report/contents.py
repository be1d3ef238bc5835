"""The sections of the report in their order; a new one is one more entry of :func:`sections_of`."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from ..measurement.result import Result, degree_outcome, no_ceiling, pooled
from ..pages.figure_files import FigureSlot
from ..pages.frame import OUTCOME_MARKS, Heading, Paragraph, Part, Section
from ..pages.rendering import render
from ..pages.text import fraction
from . import further, pools, sections, subject
from .atoms import atoms_section, pattern, rank_table, summary
from .cells import by_l
from .figures import control_rows
from .method import method, not_claimed
from .orientation import orientation, ratio_table

#: The figures of the page by name; one that a result lacks is missing.
Figures = Mapping[str, FigureSlot]

#: The controls, and what is not tested where one of them was left out.
_CONTROLS = {
    "untrained": "an untrained backbone: whether training moves the cliff",
    "no random rotations": "frames as they are stored: whether the cliff needs the random rotations",
    "zero injection": "nothing injected: how much of the model’s own error the readout fits",
}


def sections_of(result: Result, figures: Figures) -> list[Section]:
    """Return the page from top to bottom, after its header; a section without parts is left out of the page."""
    return [
        Section("measured", "The measurement", _measured(result, figures)),
        Section("plateaus", "Fields with a direction of their own", further.plateaus(result, figures)),
        Section("networks", "Trained networks", further.networks(result)),
        Section("controls", "Controls", _controls(result, figures)),
        Section("atoms", *_atoms(result, figures)),
        Section("subject", "What was measured", _subject(result, figures)),
        Section("method", "Method and definitions", [method(result)]),
        Section("limits", "What is not claimed", [not_claimed(result)]),
        Section("repeat", "Repeat it", [subject.repetition(result)]),
    ]


def _measured(result: Result, figures: Figures) -> list[Part]:
    return [
        figures.get("cliff", ""),
        _per_degree(result),
        sections.measured_table(result),
        ratio_table(result) or "",
        sections.full_tables(result),
        *sections.other_tables(result),
    ]


def _per_degree(result: Result) -> Markup:
    entries = [
        (*OUTCOME_MARKS[degree_outcome(result, entry)], entry) for entry in result["verdict"]["per_degree"]
    ]
    return render("per_degree.html.j2", __package__, entries=entries) if entries else Markup()


def _controls(result: Result, figures: Figures) -> list[Part]:
    run = {str(control["name"]) for control in result["controls"]}
    absent = [words for name, words in _CONTROLS.items() if name not in run]
    parts: list[Part] = [
        (
            ""
            if no_ceiling(result)
            else "A cliff means something only if it stays where theory puts it and disappears when it should. "
        )
        + (training_sentence(result) if run else "No control was run here.")
    ]
    if absent:
        parts.append(Paragraph(f"Not run, and not tested: {'; '.join(absent)}."))
    return [*parts, figures.get("controls", ""), *sections.controls(result)]


def _atoms(result: Result, figures: Figures) -> tuple[str, list[Part]]:
    if pooled(result):
        return f"{pools.unit(result).capitalize()}s and environments", [
            pools.pattern(result),
            summary(result),
            figures.get("elements", ""),
            *pools.pools_section(result),
            figures.get("environments", ""),
            figures.get("structures", ""),
            rank_table(result) or "",
        ]
    return "Atoms", [
        pattern(result),
        summary(result),
        figures.get("molecule", ""),
        figures.get("atoms", ""),
        *atoms_section(result),
    ]


def _subject(result: Result, figures: Figures) -> list[Part]:
    return [
        *subject.model_facts(result),
        subject.data_facts(result),
        Heading("Checks before the measurement"),
        *subject.checks(result),
        *orientation(result, figures.get("isotropy", "")),
    ]


def training_sentence(result: Result) -> str:
    """Say what training changes, with the numbers that the untrained control has: at the ceiling and just above it."""
    if no_ceiling(result):
        return "Where recovery ends is a matter of training here: no theorem says where."
    edge = int(result["ceiling"]["boundary"])
    for control in result["controls"]:
        if control["name"] != "untrained":
            continue
        rows, of_run, _ = control_rows(result, control)
        before, after = by_l(rows), by_l(of_run)
        if not all(edge in at and at[edge]["r2"] is not None for at in (before, after)):
            continue
        heights = f"{fraction(after[edge]['r2'])} here and {fraction(before[edge]['r2'])} untrained"
        if any(before[l]["verdict"] == "recovered" for l in before if l > edge):
            if result["ceiling"].get("kind") == "approximate":
                return f"At ℓ = {edge}, R² is {heights}; missed equivariance lets something pass the ceiling untrained, too."
            return f"At ℓ = {edge}, R² is {heights}; but the untrained backbone recovers something above the ceiling too."
        return f"Training moves the height below the ceiling, not the place of the ceiling: at ℓ = {edge}, R² is {heights}."
    return "According to theory, training moves the height below the ceiling, not its place."
