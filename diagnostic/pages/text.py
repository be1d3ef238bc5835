"""Numbers and words as a reader wants them: plain text, which a template escapes, and sentences in the signs of print."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

from ..backbones.backbone import ARCHITECTURES
from .axes import number

_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: A list of settings longer than this is told by its length.
_LONGEST_LIST = 12

#: What a cell says where there is no number and theory does not say why.
MISSING = "\N{EN DASH}"


def readable(text: object) -> str:
    """Return a text that can be encoded: lone surrogates, as in a file name that is not UTF-8, become question marks."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def prose(text: object) -> Markup:
    """Return a sentence for a page, escaped, with the signs of print: ℓ for the word l, R², ≤, ≥, × and minus.

    What is markup already stays as it is.
    """
    if isinstance(text, Markup):
        return text
    printed = re.sub(r"(?<![\w'’-])l(?![\w'’-])", "ℓ", readable(text)).replace("<=", "≤").replace(">=", "≥")
    printed = re.sub(r"(?<=\d) [x*] (?=\d)", " × ", re.sub(r"\bR2\b", "R²", printed))
    printed = re.sub(r"(?<![\w.-])-(?=\d)", "\N{MINUS SIGN}", printed)
    printed = re.sub(r"\N{MINUS SIGN}(0\.0+)(?!\d)", r"\1", printed)  # a rounded zero has no sign
    return escape(re.sub(r" ([=<>≤≥×]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", printed))


def powers_of_ten(text: str) -> str:
    """Return a text with ``3e-30`` written as ``3 × 10⁻³⁰``."""

    def power(match: re.Match[str]) -> str:
        return (
            f"{match[1]}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10{str(int(match[2])).translate(_SUPERSCRIPT)}"
        )

    return re.sub(r"\b(\d(?:\.\d+)?)e([-+]?\d+)\b", power, text)


def architecture(name: object) -> str:
    """Return an architecture's name as its authors write it."""
    return ARCHITECTURES.get(str(name).lower(), str(name))


def model_of(name: object) -> str:
    """Return what a title calls a model: by its architecture, where it has one and is not a function of the user's."""
    return "model" if name == "function" else f"{architecture(name)} model"


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


def thousands(value: int | None) -> str:
    """Return a number of things with commas between the thousands."""
    return MISSING if value is None else f"{int(value):,}"


def setting(value: object) -> str:
    """Return any recorded value as text; numbers keep their digits, long lists their length."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {setting(item)}" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        if len(value) > _LONGEST_LIST:
            return f"{len(value)} entries"
        return ", ".join(setting(item) for item in value) or "none"
    return readable(value)


def flat(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, value as text)."""
    entries: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            entries += flat(value, f"{prefix}{key}.")
        else:
            entries.append((f"{prefix}{key}", setting(value)))
    return entries


def code(value: object) -> Markup:
    """Return a digest, a layer's irreps or a command in the type of code; "none" where there is none."""
    return Markup("none") if value is None else Markup("<code>{}</code>").format(readable(value))
