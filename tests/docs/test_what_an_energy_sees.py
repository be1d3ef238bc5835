"""The pages on what an energy sees: computed blocks, examples and the numbers in their sentences."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import re
from fractions import Fraction
from pathlib import Path

import pytest

from spectral_ceilings.theory import ProductTerm, best_share, direction_share, input_ceiling

_DOCS = Path(__file__).parents[2] / "docs"
_PAGES = ("what-an-energy-sees.md", "when-does-l-max-matter.md")


def _text(name: str) -> str:
    return (_DOCS / name).read_text(encoding="utf-8")


def test_the_blocks_hold_what_the_package_computes() -> None:
    """After a change: ``python docs/computed.py docs/what-an-energy-sees.md``."""
    spec = importlib.util.spec_from_file_location("computed", _DOCS / "computed.py")
    assert spec is not None
    assert spec.loader is not None
    computed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(computed)
    text = _text(_PAGES[0])
    assert text.count("<!-- computed:") == text.count("<!-- end -->") == 3
    assert computed.fill(text) == text


@pytest.mark.parametrize("name", _PAGES)
def test_the_examples_run(name: str) -> None:
    (code,) = re.findall(r"(?:^    (?:from|print|side).*\n|^\n(?=    ))+", _text(name), re.MULTILINE)[:1]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec("\n".join(line[4:] for line in code.splitlines()), {})
    lines = printed.getvalue().splitlines()
    for line, stated in zip(lines, re.findall(r"# (\S+)$", code, re.MULTILINE), strict=False):
        assert line == stated
    assert lines


def test_the_numbers_of_the_sentences() -> None:
    assert direction_share(ProductTerm(2, 2), 4, 1) == Fraction(37, 55)
    assert best_share(ProductTerm(2, 2), 4, 1) == Fraction(7, 55)
    text = _text(_PAGES[1])
    for l_max in (1, 2, 3):
        assert (
            f"| {l_max} | {input_ceiling(2, l_max).boundary} | {input_ceiling(4, l_max).boundary} |" in text
        )
    row = re.search(r"\| angles below \|(.*)\|", text)
    assert row is not None
    angles = [round(math.degrees(math.acos(1 - c * c / 2))) for c in (1.0, 1.2, 1.4, 1.6, 1.8, 2.0)]
    assert [int(cell.strip(" °")) for cell in row[1].split("|")] == angles
