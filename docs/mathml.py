r"""Hook of MkDocs: formulas become MathML when the site is built, so that a page asks no other server for anything.

arithmatex leaves ``\(...\)`` and ``\[...\]`` in elements of the class ``arithmatex``; every current browser shows MathML.
"""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


def on_page_content(content: str, **_: Any) -> str:
    """Return the page with every formula converted."""

    def mathml(match: re.Match[str]) -> str:
        display = "block" if match["tag"] == "div" else "inline"
        return convert(html.unescape(match["latex"]).strip(), display=display)

    return _FORMULA.sub(mathml, content)
