"""Metatomic models in an audit, and our numbers beside those of metatomic's own symmetrisation on the same grid."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.symmetry.audit import symmetry_audit
from spectral_ceilings.diagnostic.symmetry.breaking import Orientations, over_orientations, summarise
from spectral_ceilings.diagnostic.symmetry.calculators import AuditStructures, load_calculator
from spectral_ceilings.diagnostic.symmetry.compiled_models import MetatomicModel, let_script_compile
from spectral_ceilings.diagnostic.symmetry.result import SymmetrySettings
from spectral_ceilings.numerics.rotations import SO3Quadrature
from spectral_ceilings.theory.errors import InputError

pytest.importorskip("metatomic_ase", reason="the extra 'metatomic' is not installed")
let_script_compile()

import torch  # noqa: E402
from metatomic.torch import ModelOutput  # noqa: E402
from metatomic.torch.o3 import SymmetrizedModel  # noqa: E402
from metatomic_ase import MetatomicCalculator, SymmetrizedCalculator  # noqa: E402
from metatomic_models import metatomic_model, save_metatomic  # noqa: E402

ETHANOL = molecule("CH3CH2OH")
ETHANOL.rattle(0.05, seed=1)
#: Highest l of the character projections; grids are exact to twice this.
L_TOP = 4


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with an octupole (l = 3) and a tanh (every odd l) that know the axes."""
    return save_metatomic(tmp_path_factory.mktemp("metatomic") / "pairs.pt", octupole=0.02, tanh=0.01)


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    """Average, variance and character projections of the energy by ``SymmetrizedModel``, and its grid."""
    wrapped = SymmetrizedModel.wrap(
        metatomic_model(octupole=0.02, tanh=0.01), max_angular_momentum_character=L_TOP
    )
    names = ("energy", "o3::variance::energy", "o3::character_projection::energy")
    outputs = {name: ModelOutput(sample_kind="system") for name in names}
    seen: dict[str, Any] = {}

    class Recording(MetatomicCalculator):
        """Lets metatomic's own calculator make the system, its neighbour list among it."""

        def __init__(self) -> None:
            super().__init__(metatomic_model(octupole=0.02, tanh=0.01), neighbor_skin=0.0)
            self._model = wrapped

    with torch.no_grad():
        made = Recording().run_model(ETHANOL, outputs)
    seen["mean"] = float(made["energy"].block().values)
    seen["variance"] = float(made["o3::variance::energy"].block().values)
    seen["projection"] = {
        (int(key["chi_lambda"]), int(key["chi_sigma"])): float(block.values)
        for key, block in made["o3::character_projection::energy"].items()
    }
    batches = wrapped.module._batches
    seen["grid"] = SO3Quadrature(
        np.concatenate([batch.matrices.numpy() for batch in batches]),
        wrapped.module._rotation_weights.numpy(),
        2 * L_TOP,
    )
    return seen


def test_average_variance_and_projections_are_those_of_symmetrized_model(theirs: dict[str, Any]) -> None:
    calculator = MetatomicModel(metatomic_model(octupole=0.02, tanh=0.01))
    evaluated = over_orientations(calculator, ETHANOL, theirs["grid"], inversion=True)
    both = summarise(evaluated, L_TOP, improper=True)
    # Rounding: sums of some hundred energies of 10 eV in float64.
    assert both.energy_mean == pytest.approx(theirs["mean"], abs=1e-11)
    assert (both.energy_rms * 1e-3 * len(ETHANOL)) ** 2 == pytest.approx(theirs["variance"], rel=1e-9)
    assert both.inversion_energy_power is not None
    inverted = Orientations(evaluated.quadrature, evaluated.inverted_energies, evaluated.inverted_forces)
    proper, improper = (summarise(one, L_TOP).energy_power for one in (replace_none(evaluated), inverted))
    for l in range(L_TOP + 1):
        odd = theirs["projection"][l, -1 if l % 2 == 0 else 1]
        even = theirs["projection"][l, 1 if l % 2 == 0 else -1]
        # chi_sigma = (-1)^(l+1): the part that changes sign under inversion, which we give as a symmetry of its own.
        assert both.inversion_energy_power[l] == pytest.approx(odd, rel=1e-9, abs=1e-20)
        if l > 0:
            # Both parts together: the mean of the powers over proper and over improper orientations.
            assert 0.5 * (proper[l] + improper[l]) == pytest.approx(even + odd, rel=1e-9, abs=1e-20)
    assert theirs["projection"][3, 1] > 1e-4 > theirs["projection"][2, 1]


def replace_none(evaluated: Orientations) -> Orientations:
    """Return the proper orientations alone."""
    return replace(evaluated, inverted_energies=None, inverted_forces=None)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # theirs, of the stress of a molecule
@pytest.mark.parametrize("inversion", [False, True])
@pytest.mark.parametrize("structure", [ETHANOL, bulk("Cu", cubic=True)], ids=["molecule", "crystal"])
def test_energies_forces_and_deviations_are_those_of_symmetrized_calculator(
    exported: Path, structure: Atoms, inversion: bool
) -> None:
    inner = load_calculator(str(exported), trust=True).calculator.inner  # a MetatomicCalculator
    averaging = SymmetrizedCalculator(
        inner, l_max=L_TOP, include_inversion=inversion, store_rotational_std=True
    )
    structure = structure.copy()
    structure.rattle(0.03, seed=2)
    averaging.calculate(structure.copy(), ["energy", "forces"], ["positions"])
    count = len(averaging.quadrature_weights) // (2 if inversion else 1)
    weights = averaging.quadrature_weights[:count]
    grid = SO3Quadrature(averaging.quadrature_rotations[:count], weights / weights.sum(), L_TOP)
    evaluated = over_orientations(MetatomicModel(exported), structure, grid, inversion=inversion)
    ours = summarise(evaluated, 0, improper=inversion)
    scale = 1e3 / len(structure)
    # Rounding of sums of some hundred energies of 10 eV and forces of 1 eV/Å in float64.
    assert ours.energy_mean == pytest.approx(averaging.results["energy"], abs=1e-11)
    assert ours.energy_rms == pytest.approx(scale * averaging.results["energy_rot_std"], rel=1e-6, abs=1e-8)
    spread = 1e3 * np.sqrt(np.mean(averaging.results["forces_rot_std"] ** 2))
    assert ours.force_rms == pytest.approx(spread, rel=1e-6, abs=1e-8)
    mean = np.einsum("q,qai->ai", grid.weights, evaluated.forces)
    if inversion:
        mean = 0.5 * (mean + np.einsum("q,qai->ai", grid.weights, evaluated.inverted_forces))
    np.testing.assert_allclose(mean, averaging.results["forces"], rtol=0, atol=1e-11)


def test_an_exported_model_is_audited_like_any_calculator(tmp_path: Path) -> None:
    named = load_calculator(str(save_metatomic(tmp_path / "octupole.pt")), trust=True)
    assert (named.kind, named.source, named.has_features) == ("metatomic", "octupole.pt", False)
    crystal = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    crystal.rattle(0.1, seed=3)
    structures = AuditStructures((ETHANOL, crystal), "two", "0" * 64)
    result = symmetry_audit(structures, named, SymmetrySettings(checks=4))
    assert [row["periodic"] for row in result["structures"]] == [False, True]
    assert result["quadrature"]["l_top"] == 3  # an octupole has l = 3 alone
    energy, force = result["summary"]["energy_by_degree"], result["summary"]["force_by_degree"]
    # Rounding is white over l, of 1e-15 of 10 eV.
    assert max(*energy[:2], *force[:2]) < 1e-9 * min(energy[2], force[2])
    assert result["verdict"]["sentence"].startswith("A metatomic model does not keep rotational symmetry")


def test_the_stress_of_a_crystal_is_that_of_metatomics_own_calculator(exported: Path) -> None:
    ours: Any = load_calculator(str(exported), trust=True).calculator
    crystal: Any = bulk("Cu", cubic=True)
    crystal.rattle(0.03, seed=2)
    crystal.calc = ours
    stress = crystal.get_stress()
    crystal.calc = ours.inner
    np.testing.assert_allclose(stress, crystal.get_stress(), rtol=0, atol=1e-12)
    assert np.abs(stress).max() > 1e-6
    molecule_alone: Any = ETHANOL.copy()
    molecule_alone.calc = ours
    molecule_alone.get_potential_energy()
    assert "stress" not in ours.results


def test_float32_models_are_read_as_they_are(tmp_path: Path) -> None:
    path = save_metatomic(tmp_path / "single.pt", octupole=0.0, dtype="float32")
    result = symmetry_audit(
        AuditStructures((ETHANOL,), "one", "0" * 64),
        load_calculator(str(path), trust=True),
        SymmetrySettings(l_top=1),
    )
    assert result["verdict"]["held"]
    assert result["verdict"]["statements"][0]["rounding"]
    assert result["summary"]["energy_rounding"]["value"] > 1e-6  # meV/atom; float64 has 1e-12


def test_what_is_wrong_with_a_file_is_told_in_one_sentence(tmp_path: Path, exported: Path) -> None:
    with pytest.raises(
        InputError, match=r"pairs\.pt is a metatomic model, which holds code that is run; add --trust"
    ):
        load_calculator(str(exported))
    with pytest.raises(InputError, match=r"it has no features; 'ceilings audit pairs\.pt --parts symmetry'"):
        load_backbone(exported, trust=True)
    damaged = tmp_path / "damaged.pt"
    with zipfile.ZipFile(exported) as whole, zipfile.ZipFile(damaged, "w") as part:
        for name in whole.namelist():
            if not name.endswith("data.pkl"):
                part.writestr(name, whole.read(name))
    with pytest.raises(InputError, match=r"damaged\.pt cannot be read as a metatomic model"):
        load_calculator(str(damaged), trust=True)
    other = tmp_path / "other.pt"
    torch.save({"a": torch.zeros(1)}, other)
    with pytest.raises(InputError, match="fairchem"):  # whose checkpoints have that ending too
        load_calculator(str(other), trust=True)
