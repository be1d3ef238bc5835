"""Rotation, translation and inversion are three statements; rounding is named; what is small needs no larger rule."""

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
from spectral_ceilings.diagnostic.symmetry.result import SymmetrySettings, symmetry_schema


def ethanol() -> AuditStructures:
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=1)
    return AuditStructures((atoms,), "ethanol", "0" * 64)


def statements(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    jsonschema.validate(result, symmetry_schema())
    return {one["name"]: one for one in result["verdict"]["statements"]}


def test_inversion_is_a_finding_of_its_own_and_decides_nothing_about_rotations() -> None:
    result = symmetry_audit(ethanol(), named(Pairs(chiral=1.0)), SymmetrySettings())
    said = statements(result)
    assert result["verdict"]["held"]
    assert said["rotation"]["held"]
    assert not said["inversion"]["held"]
    assert not said["inversion"]["decides"]
    # A triple product changes its sign: the energy by twice itself, whatever the orientation, which is 0o.
    x = ethanol().images[0].positions
    triple = abs(np.linalg.det(x[1:4] - x[0]))
    assert said["inversion"]["energy"] == pytest.approx(1e3 * 2 * triple / 9, rel=1e-10)
    row = result["structures"][0]
    assert row["inversion_energy_power"][0] == pytest.approx(triple**2, rel=1e-10)
    assert said["inversion"]["worst"] == "0o"
    # Roundings of energies of some 10 eV, in meV.
    assert max(said["rotation"]["energy"], said["rotation"]["force"]) < 1e-10
    assert "keeps rotational symmetry" in result["verdict"]["sentence"]
    assert "It breaks inversion" in result["verdict"]["sentence"]


def test_inversion_not_measured_is_not_spoken_of() -> None:
    result = symmetry_audit(ethanol(), named(Pairs(chiral=1.0)), SymmetrySettings(inversion=False))
    assert list(statements(result)) == ["rotation", "translation"]
    assert "inver" not in result["verdict"]["sentence"]


def test_translation_is_a_statement_that_decides() -> None:
    result = symmetry_audit(ethanol(), named(Pairs(place=0.5)), SymmetrySettings(l_top=2))
    said = statements(result)
    assert not result["verdict"]["held"]
    assert said["rotation"]["held"]
    assert not said["translation"]["held"]
    assert said["translation"]["force"] < 1e-9 < 1.0 < said["translation"]["energy"]


def test_rounding_is_named_early_and_a_fine_field_is_none() -> None:
    single = symmetry_audit(ethanol(), named(Pairs(np.float32)), SymmetrySettings())
    said = statements(single)["rotation"]
    assert [row["l_top"] for row in single["quadrature"]["tried"]] == [2]
    assert single["quadrature"]["resolved"]
    assert said["held"]
    assert said["rounding"]
    assert said["worst"] is None
    assert "rounding" in said["sentence"]
    # Positions of 1 to 4 Å in float32 are off by up to 2e-7 Å, at forces below 1e4 meV/Å and hundreds of terms.
    assert 1e-7 < said["force"] < 1e-1
    # A field of l = 5 leaves all of itself to the rules of l = 2 to 4 and is smooth: nothing stops there.
    fine = symmetry_audit(AuditStructures((WATER,), "water", "0" * 64), named(Outside({5: 0.1})),
                          SymmetrySettings(inversion=False))  # fmt: skip
    assert [row["stopped"] for row in fine["quadrature"]["tried"]][:-1] == [None, None, None]
    assert not statements(fine)["rotation"]["held"]
    assert not statements(fine)["rotation"]["rounding"]
    assert statements(fine)["rotation"]["worst"] == "l = 5"


def test_what_is_far_below_the_tolerance_needs_no_larger_rule() -> None:
    # A field of l = 5 of 1e-8 eV: all of it is left by the rule of l = 2, and 1e-5 meV decides nothing at 0.1 meV.
    tiny = symmetry_audit(AuditStructures((WATER,), "water", "0" * 64), named(Outside({5: 1e-6}, springs=1e-3)),
                          SymmetrySettings(inversion=False))  # fmt: skip
    assert [row["stopped"] for row in tiny["quadrature"]["tried"]] == ["tolerance"]
    assert tiny["verdict"]["held"]
