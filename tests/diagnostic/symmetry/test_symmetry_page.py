"""The page and the words of a symmetry audit: built from the statement that failed, open where rounding hides the answer."""

from __future__ import annotations

from typing import Any

import jsonschema
import numpy as np
import pytest
from ase.build import molecule
from outer_fields import WATER, Outside, named
from pair_repulsion import Pairs

from spectral_ceilings.diagnostic.symmetry.audit import symmetry_audit
from spectral_ceilings.diagnostic.symmetry.calculators import AuditStructures
from spectral_ceilings.diagnostic.symmetry.report import render_symmetry_report
from spectral_ceilings.diagnostic.symmetry.result import SymmetrySettings, symmetry_schema

ETHANOL = molecule("CH3CH2OH")
ETHANOL.rattle(0.05, seed=1)


def audited(calculator: Any, **settings: Any) -> tuple[dict[str, Any], str]:
    """Return the verdict and the first screen of an audit, without markup."""
    result = symmetry_audit(
        AuditStructures((ETHANOL,), "ethanol", "0" * 64),
        named(calculator),
        SymmetrySettings(l_top=2, **settings),
    )
    jsonschema.validate(result, symmetry_schema())
    page = render_symmetry_report(result)
    return result["verdict"], page[page.index("<header>") : page.index("</header>")]


def test_what_is_symmetric_gets_one_line() -> None:
    verdict, screen = audited(Pairs())
    assert (verdict["held"], verdict["outcome"]) == (True, "held")
    assert verdict["sentence"].count(".  ") == 0
    assert verdict["sentence"].startswith(
        "Pairs keeps rotational symmetry, translations and inversion within 0.1 meV: "
    )
    assert verdict["sentence"].endswith("all of it rounding.")
    assert "✓ Symmetric" in screen
    assert "<table" not in screen


def test_a_model_that_keeps_rotations_and_breaks_translations_is_told_so() -> None:
    verdict, screen = audited(Pairs(place=0.5))
    assert verdict["outcome"] == "contradicted"
    assert "✗ Not symmetric: depends on place" in screen
    assert "Shifting a structure changes its energy by" in screen
    assert "leaves its forces as they are" in screen
    assert "Turning a structure changes" not in screen
    assert "depends on orientation" not in screen
    assert "average over rotations" not in screen


def test_a_model_that_depends_on_orientation_is_told_so() -> None:
    result = symmetry_audit(
        AuditStructures((WATER,), "water", "0" * 64), named(Outside({2: 0.1})), SymmetrySettings(l_top=2)
    )
    page = render_symmetry_report(result)
    assert "✗ Not symmetric: depends on orientation" in page
    assert "Turning a structure changes its energy by" in page
    assert "Shifting a structure changes" not in page
    assert result["verdict"]["statements"][0]["worst"] == "l = 2"
    assert "The energy of the worst orientation is off by" in page
    # forces alone that depend on orientation leave no worst energy to name
    result["summary"]["worst"]["worst_energy"] = 1e-12
    assert "worst orientation" not in render_symmetry_report(result)


def test_broken_inversion_is_on_the_first_screen_and_not_red() -> None:
    verdict, screen = audited(Pairs(chiral=1.0))
    assert verdict["outcome"] == "held"
    assert "verdict held" in screen
    assert "✓ Symmetric under rotations and translations" in screen
    number = f"{verdict['statements'][2]['force']:.3g}"
    assert number[:3] in screen
    assert "It breaks inversion" in screen
    assert screen.count("<tr>") == 4  # a head, and three statements
    assert 'class="broken"' not in screen
    assert "trust the symmetry" not in screen


def test_rounding_beyond_the_tolerance_is_open_and_says_what_would_decide() -> None:
    verdict, screen = audited(Pairs(dtype=np.float16))
    assert (verdict["held"], verdict["outcome"]) == (None, "undecided")
    assert "verdict undecided" in screen
    assert "Rounding hides whether Pairs keeps rotational symmetry within 0.1 meV" in verdict["sentence"]
    assert "finer number format" in screen
    assert "does not keep" not in screen


def test_what_may_lie_beyond_the_rule_is_open() -> None:
    # A field of l = 7: the rule for l <= 2 finds less than the tolerance, its check rotations more.
    def verdict_of(l_top: int) -> dict[str, Any]:
        result = symmetry_audit(AuditStructures((WATER,), "water", "0" * 64), named(Outside({7: 0.004})),
                                SymmetrySettings(l_top=l_top, tolerance=5.0, inversion=False))  # fmt: skip
        assert ("Run it again with a larger --l-top" in render_symmetry_report(result)) == (l_top == 2)
        return dict(result["verdict"])

    verdict = verdict_of(2)
    assert (verdict["outcome"], verdict["held"]) == ("undecided", None)
    assert "A larger --l-top would decide." in verdict["sentence"]
    assert verdict_of(7)["held"] is not None


@pytest.mark.parametrize("inversion", [True, False])
def test_what_was_not_measured_is_not_spoken_of(inversion: bool) -> None:
    result = symmetry_audit(AuditStructures((ETHANOL,), "ethanol", "0" * 64), named(Pairs(place=0.5)),
                            SymmetrySettings(l_top=2, inversion=inversion))  # fmt: skip
    page = render_symmetry_report(result)
    assert {row["inversion"] for row in result["convergence"]} == ({False, True} if inversion else {False})
    assert ("Inversion was not measured" in page) != inversion
    assert ("energy under inversion" in page) == inversion
    # False since shifts are measured and deviations are over proper rotations.
    assert "translations are not measured" not in page
    assert "counts inversion too" not in page
    assert "yes, this audit" not in page
    assert "energy under shifts" in page
