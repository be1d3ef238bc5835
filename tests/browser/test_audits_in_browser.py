"""The pages of both audits in a real browser, from small runs: every width, light, dark, printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

from spectral_ceilings.diagnostic.auditing.audit import audit
from spectral_ceilings.diagnostic.auditing.result import AuditSettings
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.symmetry.audit import symmetry_audit
from spectral_ceilings.diagnostic.symmetry.calculators import AuditStructures, NamedCalculator
from spectral_ceilings.diagnostic.symmetry.result import SymmetrySettings

from real_browser import check_page, launched, opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


class Tilted(EMT):  # type: ignore[misc]
    """EMT in a uniform field along z, which couples to the first atom: its energy depends on orientation."""

    def calculate(self, *given: Any) -> None:
        """Add the field."""
        super().calculate(*given)
        self.results["energy"] += 0.1 * self.atoms.positions[0, 2]
        self.results["forces"][0, 2] -= 0.1


def test_the_page_of_an_audit_passes(browser: Any, tmp_path: Path) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    settings = AuditSettings(degrees=(1,), activations=("silu",), l_top=4, untrained=False)
    audit(read_frames("aspirin-xtb"), load_backbone(), settings, out=tmp_path / "run")
    check_page(browser, tmp_path / "run" / "report.html", "audit", tmp_path)


def test_the_page_of_a_calculator_without_symmetry_passes(browser: Any, tmp_path: Path) -> None:
    water = molecule("H2O")
    calculator = NamedCalculator(
        Tilted(), "a-calculator-with-a-name-as-people-give-them.py:make", "Tilted", None
    )
    settings = SymmetrySettings(parts=("symmetry", "remedies"), checks=2, l_top=2, steps=8)
    symmetry_audit(
        AuditStructures((water, water), "waters", "0" * 64), calculator, settings, out=tmp_path / "run"
    )
    check_page(browser, tmp_path / "run" / "report.html", "symmetry", tmp_path)


def test_a_symmetric_calculator_gets_one_line(browser: Any, tmp_path: Path) -> None:
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.05, seed=1)
    settings = SymmetrySettings(checks=2, l_top=1, inversion=False)
    named = NamedCalculator(EMT(), "ase:emt", "EMT", None)
    symmetry_audit(AuditStructures((copper,), "copper", "0" * 64), named, settings, out=tmp_path / "run")
    path = tmp_path / "run" / "report.html"
    check_page(browser, path, "symmetry-held", tmp_path)
    page, _ = opened(browser, path, 1200, 900, "light")
    assert page.locator("figure, #table-summary").evaluate_all(
        "all => all.every(node => !node.checkVisibility())"
    )
    page.context.close()
