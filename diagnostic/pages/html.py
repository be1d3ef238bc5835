"""Pieces of the report: numbers as a reader wants them, and HTML in which every text is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from ..backbones.backbone import ARCHITECTURES
from .axes import number

_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


#: What a cell says where there is no number and theory does not say why.
MISSING = "\N{EN DASH}"


def escape(text: object) -> str:
    """Return a text for HTML content or a quoted attribute; lone surrogates are replaced."""
    readable = str(text).encode("utf-8", "replace").decode("utf-8")
    return html.escape(readable, quote=True)


def prose(text: object) -> str:
    """Return a sentence for HTML, with the signs of print: ℓ for the word l, R², ≤, ≥, × and minus."""
    readable = re.sub(r"(?<![\w'’-])l(?![\w'’-])", "ℓ", str(text)).replace("<=", "≤").replace(">=", "≥")
    readable = re.sub(r"(?<=\d) [x*] (?=\d)", " × ", re.sub(r"\bR2\b", "R²", readable))
    readable = re.sub(r"(?<![\w.-])-(?=\d)", "\N{MINUS SIGN}", readable)
    readable = re.sub(r"\N{MINUS SIGN}(0\.0+)(?!\d)", r"\1", readable)
    return escape(re.sub(r" ([=<>≤≥×]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", readable))


def architecture(name: object) -> str:
    """Return an architecture's name as its authors write it."""
    return ARCHITECTURES.get(str(name).lower(), str(name))


def subscripts(formula: str) -> str:
    """Return a chemical formula with its counts as subscripts."""
    return formula.translate(_SUBSCRIPT)


def fraction(value: float | None, near_zero: int = 4) -> str:
    """Return an R2 or a recovery fraction: three decimals; `near_zero` below 0.01, four just below one."""
    if value is None:
        return MISSING
    if abs(value) < 0.00995:
        return number(value, near_zero)
    if 0.9995 <= value < 0.99995:
        return number(value, 4)
    return number(value, 3)


def interval(low: float | None, high: float | None) -> str:
    """Return ``low to high``, or nothing where there is no interval."""
    if low is None or high is None:
        return ""
    return f"{fraction(low)} to {fraction(high)}"


def significant(value: float | None, digits: int = 2) -> str:
    """Return a number with so many significant digits, with a power of ten when it is very small or large."""
    if value is None:
        return MISSING
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    if -3 <= power < 5:
        return number(value, max(0, digits - 1 - power))
    return f"{mantissa.replace('-', chr(0x2212))} × 10{str(power).translate(_SUPERSCRIPT)}"


def seconds(value: float) -> str:
    """Return a duration in words: ``0.4 s``, ``15 s``, ``2 min 5 s``."""
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def setting(value: object) -> str:
    """Return any recorded value as escaped text; numbers keep their digits, long lists their length."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return escape(f"{value:.6g}")
    if isinstance(value, Mapping):
        return ", ".join(f"{escape(key)} {setting(item)}" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        if len(value) > 12:
            return f"{len(value)} entries"
        return ", ".join(setting(item) for item in value) or "none"
    return escape(value)


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
        f'<div class="scroll" role="region" aria-labelledby="{name}" tabindex="0">\n<table class="{kind}">\n'
        f'<caption id="{name}">{caption}</caption>\n{top}<tbody>\n{rows}\n</tbody>\n</table>\n</div>\n'
    )


def facts(caption: str, entries: Iterable[tuple[str, str]], name: str) -> str:
    """Return a table of (name, value); names are escaped here, values are HTML."""
    body = ((f'<th scope="row">{escape(key)}</th>', f"<td>{value}</td>") for key, value in entries)
    return table(caption, (), body, kind="facts", name=name)


def column(text: str, kind: str = "number") -> str:
    """Return a column head; `text` is HTML."""
    return f'<th scope="col" class="{kind}">{text}</th>'
