"""The frame of every page and figure: one header, one style in light and dark, tables, axes, SVG that a page inlines.

Enters: text, numbers, Matplotlib figures. Leaves: HTML that needs nothing but itself, PNG and SVG.

``frame`` holds what a page is made of and :func:`~.frame.render_page`; ``tables`` its tables, ``figure_files`` the one writer of
figures, ``text`` the forms of numbers and sentences, ``templates`` the HTML.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .figure_files import Drawing as Drawing
    from .figure_style import Palette as Palette

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "figure_files": ["Drawing"],
        "figure_style": ["Palette"],
    },
)
