"""The frame of every page: what was run, the verdict, what was found and what to do, sections, how to repeat it.

A page is data (:class:`Page`), and :func:`render_page` turns it into one HTML document that needs nothing but itself. Texts are
plain, and escaped, unless they are ``Markup``: from :func:`~spectral_ceilings.diagnostic.pages.text.prose` for a sentence, or
from a room's own template through :func:`~spectral_ceilings.diagnostic.pages.rendering.render`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from markupsafe import Markup

from ..records.assets import assets
from .figure_files import FigureSlot
from .figure_style import DARK, LIGHT, css_variables
from .rendering import environment, render
from .tables import Facts, Table
from .text import flat, readable, seconds, setting

#: What a run says of theory: it held, it did not, features do not reach what theory lets them, the data do not tell, or
#: nothing was held against it.
State = Literal["held", "failed", "short", "undecided", "unjudged"]

#: The words of each state, with a sign, so that colour alone tells nothing.
MARKS: Mapping[State, str] = {
    "held": "✓ Theory held",
    "failed": "✗ Theory not confirmed",
    "short": "◑ Falls short",
    "undecided": "◐ Undecided",
    "unjudged": "– Nothing was held against theory",
}

#: The state of each outcome that a verdict can have.
STATES: Mapping[str, State] = {
    "held": "held",
    "contradicted": "failed",
    "falls short": "short",
    "undecided": "undecided",
    "nothing tested": "unjudged",
}

#: CSS class and words of each outcome where several stand side by side: of a readout degree, of a run.
OUTCOME_MARKS: Mapping[str, tuple[str, str]] = {
    "held": ("held", "✓ held"),
    "contradicted": ("broken", "✗ contradicts theory"),
    "falls short": ("open", "◑ falls short"),
    "undecided": ("open", "◐ undecided"),
    "nothing tested": ("idle", "– nothing tested"),
}

#: A verdict with more letters than this is set smaller.
_LONG = 160


@dataclass(frozen=True)
class Banner:
    """The box at the top of a page.

    Attributes
    ----------
    state
        Gives the colour, and the mark where none is given.
    sentence
        The verdict.
    mark
        Words with a sign over the sentence; those of ``MARKS`` when empty.
    remarks
        What qualifies the verdict, such as controls that were not run: with a remark the box is no longer plainly green.
    """

    state: State
    sentence: str
    mark: str = ""
    remarks: Sequence[str] = ()

    @property
    def title(self) -> str:
        """The words over the sentence."""
        return self.mark or MARKS[self.state]

    @property
    def classes(self) -> str:
        """CSS classes of the box."""
        qualified = " qualified" if self.remarks and self.state == "held" else ""
        return f"verdict {self.state}{qualified}{' long' if len(self.sentence) > _LONG else ''}"


@dataclass(frozen=True)
class KeyNumber:
    """A number of the first screen: its name, its value in large type, and lines below it."""

    name: str
    value: str
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Fold:
    """Parts that are folded away under a summary; on paper they stand open unless ``printed`` is False."""

    macro: ClassVar[str] = "fold"
    summary: str
    parts: Sequence[Part]
    printed: bool = True


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    macro: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; plain text is set with the signs of print (``prose``)."""

    macro: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Files:
    """A list of files beside the page: pairs of a path relative to the page and what it holds."""

    macro: ClassVar[str] = "files"
    entries: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Repeat:
    """How a run is repeated: command, seed, inputs with their hashes, settings, versions, timings, files.

    Attributes
    ----------
    command
        The command line.
    seed
        The seed; None where nothing is drawn.
    inputs
        Pairs of a name and a value, such as the SHA-256 of a file.
    settings, versions
        As recorded; settings may be nested.
    timings
        Seconds by part.
    files
        The files beside the page.
    """

    macro: ClassVar[str] = "repeat"
    command: str
    seed: int | None = None
    inputs: Sequence[tuple[str, str]] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, object] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    files: Sequence[tuple[str, str]] = ()

    @classmethod
    def of(
        cls,
        result: Mapping[str, Any],
        inputs: Sequence[tuple[str, str]],
        files: Sequence[tuple[str, str]],
    ) -> Repeat:
        """Return how a run is repeated whose result records its command, seed, settings, versions and timings."""
        settings = {key: value for key, value in result["settings"].items() if key != "seed"}
        timings = {key: float(value) for key, value in result["timings_s"].items()}
        return cls(
            result["command"], int(result["seed"]), inputs, settings, result["versions"], timings, files
        )

    @property
    def tables(self) -> list[Facts]:
        """The recorded facts, those that are empty left out."""
        times = [(key, seconds(float(value))) for key, value in self.timings.items()]
        if times and "total" not in self.timings:
            times.append(("sum", seconds(sum(float(value) for value in self.timings.values()))))
        given = (
            Facts("table-inputs", "Inputs.", list(self.inputs)),
            Facts("table-settings", "Settings.", flat(self.settings)),
            Facts("table-versions", "Versions.", [(key, setting(value)) for key, value in self.versions.items()]),
            Facts("table-timings", "Time taken.", times),
        )  # fmt: skip
        return [facts for facts in given if facts.entries]


#: What a section is made of, from top to bottom. A plain string is a paragraph as it is; ``Markup`` stands as it is.
Part = str | Paragraph | Heading | Table | Facts | FigureSlot | Fold | Files | Repeat


@dataclass(frozen=True)
class Section:
    """A section of the page; one without parts is left out, of the contents too.

    Attributes
    ----------
    anchor
        Identifier of the heading; the contents lead to it.
    title
        The heading.
    parts
        From top to bottom.
    listed
        Whether the contents list it.
    """

    anchor: str
    title: str
    parts: Sequence[Part]
    listed: bool = True


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes
    ----------
    kind
        What kind of page it is, in small type over the title: "Spectral-injection diagnosis".
    title
        What was run, on what.
    banner
        The verdict.
    findings
        What was found in plain words, a paragraph each.
    advice
        What to do, a paragraph each.
    numbers
        The key numbers of the first screen.
    overview
        What else the first screen shows, such as a small table.
    lead
        Paragraphs before the contents that say what is measured.
    sections
        In order.
    version
        Version of this package, for the foot.
    style
        CSS after the common one.
    """

    kind: str
    title: str
    banner: Banner
    sections: Sequence[Section]
    findings: Sequence[str] = ()
    advice: Sequence[str] = ()
    numbers: Sequence[KeyNumber] = ()
    overview: Sequence[Part] = ()
    lead: Sequence[str] = ()
    version: str = ""
    style: str = ""


def markup(*parts: Part) -> Markup:
    """Return pieces of a page as they stand in it, for a room's own template or a notebook."""
    macros = environment(__package__).get_template("macros.html.j2").module
    return Markup(readable(macros.parts(list(parts))))  # type: ignore[attr-defined]


def render_page(page: Page) -> str:
    """Return a page as one HTML document: light and dark, on a phone, in print, without anything from anywhere."""
    shown = [section for section in page.sections if any(section.parts)]
    text = render(
        "page.html.j2",
        __package__,
        content=page,
        sections=shown,
        light=css_variables(LIGHT),
        dark=css_variables(DARK),
        style=(assets() / "report.css").read_text(encoding="utf-8") + page.style,
    )
    return str(text)
