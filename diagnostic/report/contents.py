"""The sections of the report in their order; a new one is one more entry of ``SECTIONS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..measurement.result import Result
from ..pages.html import fraction, prose
from . import further, sections
from .atoms import atoms_section, pattern, summary
from .cells import by_l
from .figures import control_rows
from .method import method, not_claimed
from .orientation import orientation, ratio_table

#: Places a figure by its name: the HTML with both layouts and the caption, or nothing where it was not drawn.
PlaceFigure = Callable[[str], str]


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes
    ----------
    anchor
        Identifier of the heading; the contents lead to it.
    title
        The heading.
    body
        Returns the HTML after the heading; figures are placed by name.
    available
        Whether the result holds what the section shows; otherwise it is left out, of the contents too.
    """

    anchor: str
    title: str
    body: Callable[[Result, PlaceFigure], str]
    available: Callable[[Result], bool] = lambda _result: True

    def render(self, result: Result, place: PlaceFigure) -> str:
        """Return the section as HTML."""
        return (
            f'<section aria-labelledby="{self.anchor}">\n<h2 id="{self.anchor}">{self.title}</h2>\n'
            f"{self.body(result, place)}\n</section>"
        )


def _measured(result: Result, place: PlaceFigure) -> str:
    return "\n".join(
        (
            place("cliff"),
            _per_degree(result),
            sections.measured_table(result),
            ratio_table(result),
            sections.full_tables(result),
            sections.other_tables(result),
        )
    )


def _controls(result: Result, place: PlaceFigure) -> str:
    shown = training_sentence(result) if result["controls"] else "No control was run here."
    return (
        "<p>A cliff means something only if it stays where theory puts it, and goes away when it should.\n"
        f"{shown}</p>\n{place('controls')}\n{sections.controls(result)}"
    )


def _atoms(result: Result, place: PlaceFigure) -> str:
    return f"<p>{pattern(result)}</p>\n{summary(result)}{place('molecule')}\n{place('atoms')}\n{atoms_section(result)}"


def _subject(result: Result, place: PlaceFigure) -> str:
    return (
        f"{sections.model_facts(result)}\n{sections.data_facts(result)}\n"
        f"<h3>Checks before the measurement</h3>\n{sections.checks(result)}{orientation(result, place('isotropy'))}"
    )


#: The page from top to bottom, after its header.
SECTIONS = (
    Section("measured", "The measurement", _measured),
    Section("plateaus", "Fields with a direction of their own", further.plateaus, further.has_plateaus),
    Section("networks", "Trained networks", further.networks, further.has_networks),
    Section("controls", "Controls", _controls),
    Section("atoms", "Atoms", _atoms),
    Section("subject", "What was measured", _subject),
    Section("method", "Method and definitions", lambda result, _place: method(result)),
    Section("limits", "What is not claimed", lambda result, _place: not_claimed(result)),
    Section("repeat", "Repeat it", lambda result, _place: sections.repetition(result)),
)


def _per_degree(result: Result) -> str:
    entries = "".join(
        f'<li><span class="{"held" if entry["held"] else "broken"}">{"✓ held" if entry["held"] else "✗ not confirmed"}'
        f"</span>: {prose(entry['sentence'])}</li>"
        for entry in result["verdict"]["per_degree"]
    )
    return f"<ul>{entries}</ul>" if entries else ""


def training_sentence(result: Result) -> str:
    """Say what training changes, with the two numbers where the untrained control has them."""
    text = "Training moves the height below the ceiling, not the place of the ceiling"
    edge = int(result["ceiling"]["boundary"])
    for control in result["controls"]:
        if control["name"] == "untrained":
            rows, own, _ = control_rows(result, control)
            before, after = by_l(rows).get(edge), by_l(own).get(edge)
            if before and after and before["r2"] is not None and after["r2"] is not None:
                heights = f"{fraction(after['r2'])} here and {fraction(before['r2'])} untrained"
                return f"{text}: at ℓ = {edge}, R² is {heights}."
    return f"{text}."
