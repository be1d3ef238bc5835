"""The look of the figures: one palette in a light and a dark form, and SVG that a page can inline.

The hues are those of Okabe and Ito (2008, "Color universal design"), which stay apart for colour-blind
readers; lines also differ by marker. The dark form lightens them for contrast on a dark page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

import matplotlib.style
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Palette:
    """The colours of a figure by role; no two roles of one palette share a colour."""

    paper: str = "#ffffff"
    ink: str = "#1b2128"
    muted: str = "#59636e"
    rule: str = "#c9d0d8"
    band: str = "#e3e7ec"
    degree_1: str = "#b34700"
    degree_2: str = "#0067a6"
    degree_3: str = "#00785a"
    degree_4: str = "#9c4a82"
    fill: str = "#005f96"
    on_fill: str = "#fdfeff"

    def of_degree(self, degree: int) -> str:
        """Return the colour of a readout degree; degrees above four share the last colour."""
        return (self.degree_1, self.degree_2, self.degree_3, self.degree_4)[min(max(degree, 1), 4) - 1]


LIGHT = Palette()
DARK = Palette(
    paper="#12161b",
    ink="#eef2f6",
    muted="#a3aeba",
    rule="#434d58",
    band="#29313a",
    degree_1="#ff9e4f",
    degree_2="#62bdf2",
    degree_3="#3fcf9f",
    degree_4="#e59bcb",
    fill="#56b4e9",
    on_fill="#06121c",
)

#: One marker per readout degree, so that lines differ without colour.
MARKERS = {1: "s", 2: "o", 3: "^"}


def shade(value: float | None, low: float = 0.9) -> tuple[float, bool]:
    """Return (opacity of ``fill`` over ``paper``, whether text on it is ``on_fill`` instead of ``ink``) of an R2.

    One hue from 0 to 1, with a step at ``low``: so text has the contrast of WCAG AA on every shade of either palette, which
    no scale without a step can give, and low values part from the others at a glance.
    """
    level = 0.0 if value is None else min(1.0, max(0.0, float(value)))
    if level < low:
        return 0.56 * (level / low) ** 1.3, False
    return 0.86 + 0.14 * (level - low) / (1.0 - low), True


def css_variables(palette: Palette) -> str:
    """Return the palette as CSS declarations, ``--figure-ink: #...;`` and so on."""
    return " ".join(
        f"--figure-{field.name.replace('_', '-')}: {getattr(palette, field.name)};"
        for field in fields(palette)
    )


@contextmanager
def figure_style(palette: Palette) -> Iterator[None]:
    """Set all that a figure needs of Matplotlib, whatever the user's matplotlibrc says, then restore it."""
    settings: dict[str, object] = {
        "font.family": "DejaVu Sans",  # ships with Matplotlib: the same on every machine
        "font.size": 8.5,
        "text.color": palette.ink,
        "axes.edgecolor": palette.muted,
        "axes.facecolor": "none",
        "axes.labelcolor": palette.ink,
        "axes.linewidth": 0.7,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.facecolor": palette.paper,
        "xtick.color": palette.muted,
        "ytick.color": palette.muted,
        "xtick.labelcolor": palette.ink,
        "ytick.labelcolor": palette.ink,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "axes.labelsize": 8.5,
        "hatch.linewidth": 0.6,
        "svg.fonttype": "path",
        "svg.hashsalt": "spectral-ceilings",
        "path.simplify": False,
    }
    with matplotlib.style.context(["default", settings]):
        yield


def png_bytes(figure: Figure, dpi: int = 220) -> bytes:
    """Return the figure as PNG, without date or version, so that equal input gives equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def svg_text(figure: Figure) -> str:
    """Return the figure as a stand-alone SVG document without date, version or random identifiers."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None})
    text = re.sub(r"<!--.*?-->\s*", "", buffer.getvalue(), flags=re.DOTALL)
    return re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)


def inline_svg(text: str, palette: Palette, prefix: str, label: str) -> str:
    """Turn a stand-alone SVG into an element that a page inlines and colours.

    Parameters
    ----------
    text : str
        A document from :func:`svg_text`, drawn with `palette`.
    palette : Palette
        Every colour of it becomes ``var(--figure-<role>)``; the page gives the values, light or dark.
    prefix : str
        Put before every identifier, so that several figures live in one page.
    label : str
        What the figure shows, for readers who do not see it. Already escaped for an attribute.
    """
    body = text[text.index("<svg") :]
    # Its rule for every element would reach the whole page, which has the same rule for figures.
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'href="#{prefix}-\2"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", body)
    for field in fields(palette):
        body = body.replace(getattr(palette, field.name), f"var(--figure-{field.name.replace('_', '-')})")
    head, rest = body.split(">", 1)
    size = re.search(r'viewBox="[^"]+"', head)
    width = re.search(r'width="([\d.]+)pt"', head)
    assert size is not None
    assert width is not None
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size.group(0)} role="img" aria-label="{label}" '
        f'style="max-width: {float(width.group(1)) * 1.6:.0f}px"'
    )
    return f"{opening}>{rest}".strip()
