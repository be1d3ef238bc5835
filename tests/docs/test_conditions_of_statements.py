"""Statements that hold under conditions give them wherever they stand: in the pages, the report and the sentences of theory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spectral_ceilings.diagnostic.auditing import bandwidth, report
from spectral_ceilings.theory import Ceiling, composed_input_bounds, input_ceiling, predicted_recovery

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n- ", text)]


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_that_energies_see_everything_is_said_with_its_conditions(page: Path) -> None:
    for paragraph in _paragraphs(page.read_text(encoding="utf-8")):
        if re.search(r"arbitrarily (fine|high)", paragraph):
            # an edge beside the one to the centre, or the reference to the place where both statements stand together
            assert re.search(r"third atom|third side|other edges|under these conditions", paragraph), (
                paragraph
            )


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_that_energies_see_little_is_said_with_its_conditions(page: Path) -> None:
    for paragraph in _paragraphs(page.read_text(encoding="utf-8")):
        if re.search(r"(energy|energies) .*sees? .*(l \\le|l = )", paragraph):
            assert re.search(
                r"star graph|only edge|where neither is the case|under these conditions", paragraph
            ), paragraph


def test_the_sentences_of_theory_and_audit_give_them() -> None:
    assert "third atom" in input_ceiling(2, 2).explanation
    assert "third atom" in Ceiling(2, 2).explanation
    assert "third atom" in " ".join(report._LIMITS.split())
    for text in (composed_input_bounds.__doc__, bandwidth.predicted_bandwidth.__doc__):
        assert "star graph" in (text or "")
        assert "on any graph" not in (text or "")


def test_a_plateau_says_which_r2_it_is() -> None:
    assert "uncentred" in (predicted_recovery.__doc__ or "")
    for name in ("plateaus-and-height.md", "why-the-ceiling-is-dL.md", "conventions-and-pitfalls.md"):
        assert "uncentred" in (_ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_order_of_a_field_is_a_multiple_of_its_fold() -> None:
    text = (_ROOT / "docs" / "why-the-ceiling-is-dL.md").read_text(encoding="utf-8")
    assert "nonzero multiple of $n$" in text
    assert "$|m| = n$" not in text
