"""HTML as text, for pages that are not data yet: every text must be escaped by its caller. New pages use :mod:`.frame`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from . import text as _text
from .text import MISSING as MISSING
from .text import architecture as architecture
from .text import fraction as fraction
from .text import interval as interval
from .text import seconds as seconds
from .text import significant as significant
from .text import subscripts as subscripts


def escape(text: object) -> str:
    """Return a text for HTML content or a quoted attribute; lone surrogates are replaced."""
    return html.escape(_text.readable(text), quote=True)


def prose(text: object) -> str:
    """Return a sentence for HTML, with the signs of print."""
    return str(_text.prose(text))


def setting(value: object) -> str:
    """Return any recorded value as escaped text."""
    return escape(_text.setting(value))


def table(
    caption: str, head: Sequence[str], body: Iterable[Sequence[str]], *, kind: str = "full", name: str
) -> str:
    """Return a table that scrolls sideways by itself, reachable by keyboard.

    Parameters
    ----------
    caption : str
        HTML; also names the scrolling region.
    head : sequence of str
        ``<th>`` elements of one row, or of several joined by ``</tr><tr>``; empty for a table of facts.
    body : iterable of sequences of str
        ``<th>`` and ``<td>`` elements, row by row.
    kind : str
        CSS class.
    name : str
        Unique in the page; identifies the caption.
    """
    rows = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in body)
    top = f"<thead><tr>{''.join(head)}</tr></thead>\n" if head else ""
    return (
        '<div class="table">\n<p class="more" aria-hidden="true"></p>\n'
        f'<div class="scroll" role="region" aria-labelledby="{name}" tabindex="0">\n<table class="{kind}">\n'
        f'<caption id="{name}">{caption}</caption>\n{top}<tbody>\n{rows}\n</tbody>\n</table>\n</div>\n</div>\n'
    )


def facts(caption: str, entries: Iterable[tuple[str, str]], name: str) -> str:
    """Return a table of (name, value); names are escaped here, values are HTML."""
    body = ((f'<th scope="row">{escape(key)}</th>', f"<td>{value}</td>") for key, value in entries)
    return table(caption, (), body, kind="facts", name=name)


def column(text: str, kind: str = "number") -> str:
    """Return a column head; `text` is HTML."""
    return f'<th scope="col" class="{kind}">{text}</th>'
