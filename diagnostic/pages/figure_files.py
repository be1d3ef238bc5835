"""The one writer of figures: files in light, dark and narrow form, and drawings that a page inlines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from markupsafe import Markup, escape
from matplotlib.figure import Figure

from ..records.files import write_whole
from .axes import Layout
from .figure_style import DARK, LIGHT, Palette, figure_style, inline_svg, png_bytes, svg_text

#: The forms of a figure on disk: what follows its name, the palette, the layout, whether there is an SVG too.
_FORMS: tuple[tuple[str, Palette, Layout, bool], ...] = (
    ("", LIGHT, "wide", True),
    ("-dark", DARK, "wide", False),
    ("-narrow", LIGHT, "narrow", False),
)


@dataclass(frozen=True)
class Drawing:
    """A figure that can be drawn in any palette and layout.

    Attributes
    ----------
    name
        File name without an ending; identifies the figure in its page.
    draw
        Draws it; called inside :func:`~spectral_ceilings.diagnostic.pages.figure_style.figure_style`.
    layouts
        The layouts that it has; with both, a page shows the narrow one on a phone.
    """

    name: str
    draw: Callable[[Palette, Layout], Figure]
    layouts: tuple[Layout, ...] = ("wide", "narrow")


@dataclass(frozen=True)
class FigureSlot:
    """A figure in a page: inline SVG in one or two layouts, the caption, links to its files.

    Attributes
    ----------
    name
        Unique in the page: the element is ``figure-NAME``.
    forms
        Markup by layout; with both, a phone shows the narrow one.
    caption
        Plain text is escaped, ``Markup`` is not.
    files
        Pairs of words and a path relative to the page.
    """

    macro: ClassVar[str] = "figure"
    name: str
    forms: Mapping[Layout, Markup]
    caption: str
    files: Sequence[tuple[str, str]] = ()


def write_drawings(drawings: Iterable[Drawing], directory: str | Path) -> list[Path]:
    """Write figures into ``<directory>/figures``; return their paths.

    Of each figure: ``NAME.png`` and ``NAME.svg`` on white, ``NAME-dark.png`` for dark pages, and ``NAME-narrow.png`` for a
    column of text, where it has that layout. The same drawing gives the same bytes.
    """
    folder = Path(directory) / "figures"
    written = []
    for drawing in drawings:
        for suffix, palette, layout, vector in _FORMS:
            if layout not in drawing.layouts:
                continue
            with figure_style(palette):
                stem = f"{drawing.name}{suffix}"
                written.append(write_whole(folder / f"{stem}.png", png_bytes(drawing.draw(palette, layout))))
                if vector:
                    written.append(
                        write_whole(folder / f"{stem}.svg", svg_text(drawing.draw(palette, layout)))
                    )
    return written


def inline(drawing: Drawing, label: str, layouts: Sequence[Layout] | None = None) -> dict[Layout, Markup]:
    """Return a figure as SVG that a page inlines, by layout, coloured by the page's CSS variables.

    Parameters
    ----------
    drawing
        The figure.
    label
        What it shows in a sentence, plain text, for readers who do not see it.
    layouts
        With both, the page shows the narrow one on a phone; None: those that the drawing has.
    """
    forms: dict[Layout, Markup] = {}
    for layout in drawing.layouts if layouts is None else layouts:
        with figure_style(LIGHT):
            figure = drawing.draw(LIGHT, layout)
            figure.patch.set_visible(False)  # the page shows through
            text = svg_text(figure)
        forms[layout] = Markup(inline_svg(text, LIGHT, f"{drawing.name}-{layout}", escape(label)))
    return forms


def slot(drawing: Drawing, caption: str, label: str, *, files: bool = True) -> FigureSlot:
    """Return the figure of a page, with links to the files that :func:`write_drawings` writes."""
    links = [("PNG", f"figures/{drawing.name}.png"), ("SVG", f"figures/{drawing.name}.svg")] if files else []
    return FigureSlot(drawing.name, inline(drawing, label), caption, links)
