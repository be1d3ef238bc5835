"""What the calibration's figures share: a figure of a size in inches, and its heading, broken to the width that it has."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..pages.figure_style import Palette

#: Width of a figure for a phone or a column of text, inches.
NARROW = 3.6
#: Characters of a title and of a note that an inch holds, on the safe side for their font sizes.
_TITLE_CHARACTERS, _NOTE_CHARACTERS = 11.5, 17.0
#: Distances in inches: the first line from the edge, a title's and a note's lines from the one before.
_FIRST, _TITLE_LINE, _NOTE_LINE = 0.2, 0.19, 0.15


@dataclass(frozen=True)
class Heading:
    """A title and a note above the axes of a figure, in lines that fit its width."""

    title: tuple[str, ...]
    note: tuple[str, ...]

    @property
    def inches(self) -> float:
        """Height from the upper edge of the figure to below the last line."""
        return _FIRST + _TITLE_LINE * len(self.title) + _NOTE_LINE * len(self.note)

    def write(self, figure: Figure, palette: Palette) -> None:
        """Write the lines at the upper left."""
        height = figure.get_figheight()
        for k, line in enumerate(self.title):
            at = 1 - (_FIRST + k * _TITLE_LINE) / height
            figure.text(0.02, at, line, fontsize=10.5, fontweight="bold", va="center")
        below = _FIRST + (len(self.title) - 1) * _TITLE_LINE + 0.21
        for k, line in enumerate(self.note):
            at = 1 - (below + k * _NOTE_LINE) / height
            figure.text(0.02, at, line, fontsize=8, color=palette.muted, va="center")


def heading(title: str, note: str, width: float) -> Heading:
    """Return a heading for a figure of this width in inches."""
    return Heading(
        tuple(textwrap.wrap(title, int(_TITLE_CHARACTERS * width))),
        tuple(textwrap.wrap(note, int(_NOTE_CHARACTERS * width))),
    )


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of this size in inches that no window shows."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure
