"""SevenNet with the weights that ship inside ``sevenn``: models of SO(3) that declare 1e and break inversion."""

from __future__ import annotations

import random
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk

from spectral_ceilings.diagnostic import (
    AuditSettings,
    Backbone,
    DiagnoseSettings,
    Frames,
    SymmetrySettings,
    audit,
    check_backbone,
    diagnose,
    load_backbone,
    measure_equivariance,
    read_frames,
    symmetry_audit,
)
from spectral_ceilings.diagnostic.backbones.equivariance import measured_layer
from spectral_ceilings.diagnostic.backbones.responses import star
from spectral_ceilings.diagnostic.backbones.sevennet_files import load_sevennet_name, sevennet_names
from spectral_ceilings.diagnostic.symmetry.calculators import (
    AuditStructures,
    BackboneCalculator,
    NamedCalculator,
)
from spectral_ceilings.numerics import haar_rotations
from spectral_ceilings.theory import InputError

pytest.importorskip("sevenn", reason="the extra 'sevennet' is not installed")

LAYER = "3_equivariant_gate"


def own_calculator(name: str, modal: str | None = None) -> Any:
    """SevenNet's own ASE calculator, float32; building it warns of kernels that are absent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sevenn.calculator import SevenNetCalculator

        return SevenNetCalculator(name, device="cpu", modal=modal)


@pytest.fixture(scope="module")
def zero() -> Backbone:
    return load_backbone("sevenn:7net-0")


@pytest.fixture(scope="module")
def aspirin() -> Frames:
    return read_frames("aspirin-xtb")


@pytest.fixture(scope="module")
def molecule() -> Frames:
    return read_frames("ethanol-xtb")


@pytest.fixture(scope="module")
def ethanol(molecule: Frames) -> Frames:
    return molecule.select(range(3))


def crystal() -> Frames:
    """Displaced rock salt in a sheared cell so small that atoms are neighbours of their own images."""
    atoms = bulk("LiF", "rocksalt", a=4.03, cubic=True)
    cell = np.array(atoms.cell) @ (
        np.eye(3) + np.array([[0.02, 0.05, 0.0], [0.0, -0.01, 0.03], [0.01, 0.0, 0.0]])
    )
    rng = np.random.default_rng(1)
    positions = atoms.get_scaled_positions() @ cell + 0.08 * rng.normal(size=(2, len(atoms), 3))
    return Frames(
        np.array(atoms.numbers), positions, np.zeros_like(positions), None, "LiF", "0" * 64, "eV",
        cells=np.stack([cell, 1.01 * cell]), pbc=(True, True, True),
    )  # fmt: skip


# -------------------- the network rebuilt


@pytest.mark.parametrize(
    ("name", "modal"), [("7net-0", None), ("7net-l3i5", None), ("7net-mf-0", "R2SCAN"), ("7net-mf-0", "PBE")]
)
def test_energies_and_forces_are_those_of_the_packages_own_calculator(
    name: str, modal: str | None, ethanol: Frames
) -> None:
    """On a molecule and on a crystal.

    The package computes in float32, unit roundoff u = 6e-8. An energy is the sum of atomic terms of 5 eV, each rounded after a
    few hundred operations on numbers of that size that scatter: sqrt(300) * 5 eV * u = 5e-6 eV an atom. A force adds up 20 edges
    of up to 20 eV/Å each, whose gradients passed five layers: sqrt(20 * 300) * 20 * u = 9e-5 eV/Å.
    """
    backbone = load_backbone(f"sevenn:{name}" + (f":{modal}" if modal else ""))
    calculator = own_calculator(name, modal)
    for frames in (ethanol, crystal()):
        energies, forces = backbone.energies_and_forces(frames)
        for k, atoms in enumerate(frames.to_ase()):
            atoms.calc = calculator
            assert energies[k] == pytest.approx(atoms.get_potential_energy(), abs=5e-6 * len(atoms))
            assert np.abs(forces[k] - atoms.get_forces()).max() < 9e-5
    assert np.abs(forces).max() > 0.1  # so that the comparison says something
    stress = backbone.stress(frames)
    assert stress is not None
    # A sum over the edges of forces, rounded by 9e-5 eV/Å in all, times 5 Å, over a volume of 65 Å³.
    assert np.abs(stress[-1] - atoms.get_stress()).max() < 9e-5 * 5 / 65
    assert np.abs(stress).max() > 1e-3
    assert backbone.stress(ethanol) is None


def test_the_contract_is_kept_but_for_the_parity_that_the_first_layer_declares(
    zero: Backbone, ethanol: Frames
) -> None:
    report = check_backbone(zero, ethanol)
    wrong = [finding for finding in report if finding.held is False]
    assert [finding.name for finding in wrong] == ["inversion"]
    assert (
        "'0_equivariant_gate' is not 128x0e+64x1e+32x2e as declared but 128x0e+64x1o+32x2e"
        in wrong[0].sentence
    )


@pytest.mark.parametrize("name", ["7net-0", "7net-l3i5"])
def test_tables_are_exact_in_float64_and_parity_is_measured_as_none(name: str, aspirin: Frames) -> None:
    backbone = load_backbone(f"sevenn:{name}")
    names = [layer.name for layer in backbone.layers()]
    measured = measure_equivariance(backbone, aspirin.select(range(2)), names, np.random.default_rng(0))
    for layer in backbone.layers():
        said = measured[layer.name]
        # Thousands of products of order one, twenty roundings of 1e-16 deep; tables rounded to float32 leave 1e-8.
        assert said.rotation < 1e-13
        assert said.translation < 1e-12  # positions that moved by 1 Å are rounded to 2e-16 Å
    # Each 1e of the first layer is a harmonic of l = 1 times scalars, hence 1o; products of two of them mix both.
    assert [measured[name].parity for name in names] == ["other", *["none"] * 4]
    top = backbone.choose_layer()
    assert top.name == LAYER
    assert top.irreps == "128x0e+64x1e+32x2e" + ("+32x3e" if name == "7net-l3i5" else "")
    # Readouts of vectors take every block of the right l, since no inversion sorts them.
    assert measured_layer(top, measured[LAYER]).irreps.startswith("128x0e+64x1o+32x2e")


def test_float32_features_turn_to_its_precision(aspirin: Frames) -> None:
    backbone = load_sevennet_name("7net-0", torch.float32)
    few = aspirin.select(range(3))
    measured = measure_equivariance(backbone, few, [LAYER], np.random.default_rng(0))[LAYER]
    assert measured.held
    assert measured.rotation > 1e-9
    assert measured.parity == "none"


def test_a_batch_changes_nothing_and_one_pass_gives_all(zero: Backbone, aspirin: Frames) -> None:
    few, names = aspirin.select(range(5)), [layer.name for layer in zero.layers()]
    together = zero.respond(few, names, forces=True)
    for name in names:
        alone = np.concatenate([zero.features(few.select([k]), name).values for k in range(5)])
        # The same sums of some hundred terms in another order.
        assert np.abs(together.features[name].values - alone).max() < 1e-13 * np.abs(alone).max()
    energies, forces = zero.energies_and_forces(few)
    assert together.energies is not None
    assert np.abs(together.energies - energies).max() < 1e-10  # hundreds of eV
    # Forces are the gradient: central differences of step h leave h² times the third derivative, some 100 eV/Å³.
    step, direction = 1e-3, np.random.default_rng(0).normal(size=(1, 21, 3))
    moved = [
        zero.energies_and_forces(
            Frames(few.numbers, few.positions[:1] + s * step * direction, 0 * direction, None, "moved", "0" * 64, "eV")
        )[0][0]
        for s in (1, -1)
    ]  # fmt: skip
    slope = (moved[0] - moved[1]) / (2 * step)
    assert -np.sum(forces[0] * direction[0]) == pytest.approx(slope, abs=1e-2)
    assert abs(slope) > 1


def test_a_supercell_has_the_features_of_its_cell(zero: Backbone) -> None:
    small = crystal()
    atoms = small.to_ase()[0].repeat((2, 1, 1))
    large = Frames(
        np.array(atoms.numbers), atoms.positions[None], 0 * atoms.positions[None], None, "LiF", "0" * 64, "eV",
        cells=np.array(atoms.cell)[None], pbc=(True, True, True),
    )  # fmt: skip
    expected = zero.features(small.select([0]), LAYER).values[0]
    features = zero.features(large, LAYER).values[0]
    for copy in (features[:8], features[8:]):
        assert np.abs(copy - expected).max() < 1e-12 * np.abs(expected).max()
    assert zero.energies_and_forces(large)[0] == pytest.approx(
        2 * zero.energies_and_forces(small)[0][0], abs=1e-9
    )


def test_a_star_graph_sees_neighbours_only_and_far_atoms_none(zero: Backbone, ethanol: Frames) -> None:
    def at_centre(positions: Any, edges: Any) -> Any:
        frames = Frames(ethanol.numbers, positions, 0 * positions, None, "star", "0" * 64, "eV")
        return (
            zero.respond(frames, ["1_equivariant_gate"], edges=edges)
            .features["1_equivariant_gate"]
            .values[0, 0]
        )

    # Two layers of a star graph: what a neighbour sends depends on the centre's distance and nothing else of it.
    first = at_centre(ethanol.positions[:1], star(0))
    assert np.abs(first - at_centre(ethanol.positions[:1], None)).max() > 1e-3 * np.abs(first).max()
    assert zero.can_filter_edges
    assert zero.cutoff == 5.0
    apart = np.zeros((1, 9, 3))
    apart[0, :, 0] = 50.0 * np.arange(9)
    alone = zero.respond(
        Frames(ethanol.numbers, apart, 0 * apart, None, "apart", "0" * 64, "eV"), [LAYER], forces=True
    )
    assert np.abs(alone.features[LAYER].values[..., 128:]).max() == 0.0  # no direction to point in
    assert alone.forces is not None
    assert np.abs(alone.forces).max() == 0.0


def test_the_untrained_twin_follows_its_seed_and_keeps_the_statistics(
    zero: Backbone, ethanol: Frames
) -> None:
    assert zero.untrained is not None
    one, same, other = (zero.untrained(seed) for seed in (3, 3, 4))
    features = [each.features(ethanol, LAYER).values for each in (one, same, other, zero)]
    assert np.array_equal(features[0], features[1])
    for others in features[2:]:
        assert np.abs(features[0] - others).max() > 0.1 * np.abs(others).max()
    assert one.info.trained is False
    assert zero.info.trained is True
    assert one.info.parameters == zero.info.parameters == 842_623
    kept = [
        {k: p for k, p in each._model.named_parameters() if "denominator" in k or "rescale" in k}  # type: ignore[attr-defined]
        for each in (one, zero)
    ]
    assert len(kept[0]) == 7
    for key, value in kept[0].items():
        assert torch.equal(value, kept[1][key])
    measured = measure_equivariance(one, ethanol, [LAYER], np.random.default_rng(0))[LAYER]
    assert measured.rotation < 1e-13


def test_the_caller_keeps_dtype_and_generators(ethanol: Frames) -> None:
    torch.manual_seed(1)
    before = (torch.get_default_dtype(), torch.get_rng_state(), random.getstate())
    load_backbone("sevenn:7net-0", untrained_seed=5).features(ethanol, LAYER)
    assert torch.get_default_dtype() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert random.getstate() == before[2]


# -------------------- names and files


def test_every_shipped_name_is_listed_and_a_wrong_one_is_told_in_one_sentence() -> None:
    shipped = sevennet_names()
    assert {"7net-0", "7net-0_22may2024", "7net-l3i5", "7net-mf-0"} <= set(shipped)
    for wrong in ("sevenn:7net-1", "sevenn:", "sevenn:7net-omni"):
        with pytest.raises(InputError, match=r"sevenn:7net-0, .*sevenn:7net-l3i5, sevenn:7net-mf-0") as said:
            load_backbone(wrong)
        assert "\n" not in str(said.value)
    for wrong in ("sevenn:7net-mf-0", "sevenn:7net-mf-0:r3scan"):
        with pytest.raises(InputError, match=r"expected sevenn:7net-mf-0:R2SCAN, sevenn:7net-mf-0:PBE"):
            load_backbone(wrong)
    with pytest.raises(InputError, match="one modality only, got 'PBE'"):
        load_backbone("sevenn:7net-0:PBE")


def test_an_absent_package_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sevenn.model_build", None)
    with pytest.raises(InputError, match=r"pip install 'spectral-ceilings\[sevennet\]'"):
        load_backbone("sevenn:7net-0")


def test_a_checkpoint_is_a_pickle_that_needs_trust(zero: Backbone, ethanol: Frames, tmp_path: Path) -> None:
    shutil.copy(sevennet_names()["7net-0"], tmp_path / "mine.pth")
    shutil.copy(sevennet_names()["7net-mf-0"], tmp_path / "several.pth")
    with pytest.raises(InputError, match=r"mine\.pth is a SevenNet checkpoint, a pickle"):
        load_backbone(tmp_path / "mine.pth")
    mine = load_backbone(tmp_path / "mine.pth", trust=True)
    assert np.array_equal(mine.forces(ethanol), zero.forces(ethanol))
    assert mine.info.sha256 == zero.info.sha256
    several = load_backbone(f"{tmp_path / 'several.pth'}:PBE", trust=True)
    assert np.array_equal(several.forces(ethanol), load_backbone("sevenn:7net-mf-0:PBE").forces(ethanol))
    with pytest.raises(InputError, match=r"several\.pth has several modalities.*several\.pth:PBE"):
        load_backbone(tmp_path / "several.pth", trust=True)
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pth")
    (tmp_path / "torn.pth").write_bytes(b"PK\x03\x04")
    for name in ("other.pth", "torn.pth"):
        with pytest.raises(InputError, match="no SevenNet checkpoint that sevenn can read"):
            load_backbone(tmp_path / name, trust=True)
    positions = np.eye(3)[None, :2]
    polonium = Frames(np.array([84, 1]), positions, 0 * positions, None, "PoH", "0" * 64, "eV")
    with pytest.raises(InputError, match="does not know the element Po"):
        zero.features(polonium, LAYER)


# -------------------- what the instruments say of it


def test_the_diagnosis_stops_at_four(zero: Backbone, molecule: Frames) -> None:
    settings = DiagnoseSettings(
        degrees=(2,), l_top=6, injections=("marked",), readouts=("free",), layer=LAYER, atoms=(0,), frames=300,
        rotations=10, bootstrap=200, controls=False,
    )  # fmt: skip
    result = diagnose(molecule, zero, settings, untrained=False)
    assert result["verdict"]["outcome"] == "held"
    verdicts = {row["l"]: row["verdict"] for row in result.rows(scope="molecule")}
    assert [l for l, said in verdicts.items() if said == "recovered"] == [0, 1, 2, 3, 4]
    assert verdicts[5] == verdicts[6] == "not recovered"
    assert result["checks"]["parity"] == "none"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_audit_holds_the_ceilings_and_reports_inversion(dtype: torch.dtype, molecule: Frames) -> None:
    settings = AuditSettings(
        parts=("features", "readouts"), layer=LAYER, degrees=(1, 2), atoms=(0,), untrained=False
    )  # fmt: skip
    backbone = load_sevennet_name("7net-0", dtype)
    verdict = audit(molecule.select(range(2)), backbone, settings)["verdict"]
    assert verdict["outcome"] == "held"
    held = {statement["name"]: statement["held"] for statement in verdict["statements"]}
    assert held["polynomial readouts"]
    assert held["equivariance"]
    assert held["inversion"] is False


def test_the_audit_of_forces_keeps_rotation_and_tells_inversion(zero: Backbone, molecule: Frames) -> None:
    images = (Atoms(molecule.numbers, molecule.positions[0]),)
    named = NamedCalculator(BackboneCalculator(zero), "SevenNet-0", "SevenNet", None)
    settings = SymmetrySettings(structures=1, l_top=2, checks=4)
    result = symmetry_audit(AuditStructures(images, "ethanol", "0" * 64), named, settings)
    assert result["verdict"]["held"] is True
    statements = {statement["name"]: statement for statement in result["verdict"]["statements"]}
    assert statements["rotation"]["held"]
    assert statements["rotation"]["force"] < 1e-9  # meV/Å
    assert statements["translation"]["held"]
    assert statements["inversion"]["held"] is False
    assert statements["inversion"]["force"] > 1.0


def test_the_packages_own_forces_break_inversion_by_as_much(zero: Backbone, ethanol: Frames) -> None:
    """What is said of the rebuilt network is true of the one that people run."""
    calculator = own_calculator("7net-0")

    def forces(positions: Any) -> Any:
        return np.array(calculator.get_property("forces", Atoms(ethanol.numbers, positions)))

    turn, *_ = haar_rotations(1, np.random.default_rng(0))
    still = ethanol.positions[0]
    rest = forces(still)
    assert (
        np.abs(forces(still @ turn.T) - rest @ turn.T).max() < 9e-5
    )  # eV/Å; the rounding of float32 derived above
    changed = np.abs(forces(-still) + rest).max()
    assert changed > 1e-3
    mine = zero.forces(replace(ethanol, positions=np.stack([still, -still, still])))
    assert changed == pytest.approx(np.abs(mine[1] + mine[0]).max(), abs=2 * 9e-5)
