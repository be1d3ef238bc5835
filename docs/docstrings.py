"""Extension of griffe: the mathematics and cross-references of the docstrings in the form that Markdown has for them.

Docstrings are written with the roles of Sphinx, ``:math:`` and ``:func:``, which editors and ``help`` show well; the site is
Markdown.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_DISPLAY = re.compile(
    r"^(?P<indent>[ ]*)\.\. math::(?P<first>[^\n]*)\n(?P<more>(?:(?P=indent)[ ]+\S[^\n]*\n|[ ]*\n(?=(?P=indent)[ ]+\S))*)",
    re.MULTILINE,
)
_INLINE = re.compile(r":math:`([^`]+)`")
_ROLE = re.compile(r":(?:func|class|meth|mod|data):`~?(?:[\w.]+\.)?(\w+)`")


def to_markdown(text: str) -> str:
    r"""Return a docstring with ``:math:`x``` as ``\(x\)``, ``.. math::`` as a display, and roles as code."""

    def display(match: re.Match[str]) -> str:
        formula = " ".join(f"{match['first']} {match['more']}".split())
        return f"\n{match['indent']}$${formula}$$\n"

    text = _DISPLAY.sub(display, text + "\n")
    text = _INLINE.sub(lambda match: "$" + " ".join(match[1].split()) + "$", text)
    return _ROLE.sub(r"`\1`", text).rstrip("\n")


class MarkdownDocstrings(griffe.Extension):
    """Rewrites every docstring when its object is read."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value)
