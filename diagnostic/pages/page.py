"""The frame of every page that the package writes: one HTML document that needs nothing but itself."""

from __future__ import annotations

from ..records.assets import assets
from .figure_style import DARK, LIGHT, css_variables

#: A page may load nothing: no script, no font, no picture from anywhere, not even from its own folder.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(title: str, body: str, *, more_style: str = "") -> str:
    """Return a document with the common style, in light and dark.

    Parameters
    ----------
    title
        Title of the document, already escaped.
    body
        HTML of the body: header, main and footer.
    more_style
        CSS after the common one.
    """
    style = (assets() / "report.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
:root {{ {css_variables(LIGHT)} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {css_variables(DARK)} }} }}
{style}{more_style}</style>
</head>
<body>
{body}</body>
</html>
"""
