"""fairchem's checkpoints, configurations and objects in memory: read, rebuilt in float64, refused."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic.backbones.check import check_backbone
from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.backbones.fairchem_loading import (
    from_fairchem,
    load_fairchem,
    random_checkpoint,
)
from spectral_ceilings.diagnostic.backbones.fairchem_model import fairchem_session
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.theory import InputError

from fairchem_models import SMALL, WHY, absent, ethanol, named

if absent():
    pytest.skip(WHY, allow_module_level=True)

SPECTRAL = named("ff_type=spectral,seed=3,lmax=5")
#: Sums of a few hundred products of float64, Wigner matrices of l <= 5 between them.
ROUNDING = 1e-12


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the package's own format, with random weights: published ones cannot be shipped."""
    path = tmp_path_factory.mktemp("fairchem") / "model.pt"
    torch.save(random_checkpoint(SPECTRAL), path)
    return path


def unit(path: Path, dtype: torch.dtype = torch.float32) -> Any:
    with fairchem_session(torch.float32):
        from fairchem.core.units.mlip_unit import InferenceSettings, load_predict_unit

        return load_predict_unit(path, InferenceSettings(base_precision_dtype=dtype), device="cpu")


def test_a_checkpoint_gives_the_model_that_it_was_made_of(checkpoint: Path) -> None:
    frames = ethanol(2)
    random, stored = load_backbone(SPECTRAL), load_backbone(checkpoint, trust=True)
    assert np.array_equal(random.features(frames, "layer1").values, stored.features(frames, "layer1").values)
    assert stored.info.source == "model.pt"
    assert stored.info.sha256 is not None
    assert stored.info.trained is True
    assert random.info.trained is False
    assert "seed" not in stored.info.builder
    again = load_backbone(f"fairchem:{checkpoint}:task=omol,charge=-1,spin=2", trust=True)
    assert (again.info.builder["charge"], again.info.builder["spin"]) == (-1, 2)
    assert not np.array_equal(
        again.features(frames, "layer1").values, stored.features(frames, "layer1").values
    )


def test_the_seed_draws_the_weights(checkpoint: Path) -> None:
    frames = ethanol(1)
    third, fourth = (
        load_backbone(SPECTRAL.replace("seed=3", f"seed={k}")).features(frames, "layer0").values
        for k in (3, 4)
    )
    assert not np.allclose(third, fourth)
    twin = load_backbone(checkpoint, trust=True, untrained_seed=4)
    assert np.array_equal(twin.features(frames, "layer0").values, fourth)
    assert twin.info.trained is False
    assert twin.info.source == "model.pt (untrained, seed 4)"
    assert check_backbone(load_backbone(checkpoint, trust=True), frames)["untrained"].held
    with pytest.raises(InputError, match="leave out that control"):  # random weights are their own control
        load_backbone(SPECTRAL, untrained_seed=4)


def test_a_model_in_memory_is_copied_and_its_tables_made_exact(checkpoint: Path) -> None:
    """A float32 model that is merely cast keeps rounded tables of Wigner matrices at l = 5; the copy has exact ones."""
    frames, predictor = ethanol(2), unit(checkpoint)
    reference = load_backbone(checkpoint, trust=True).features(frames, "layer1").values
    with fairchem_session(torch.float32):
        from fairchem.core.calculate.ase_calculator import FAIRChemCalculator

        calculator = FAIRChemCalculator(predictor)
    atoms = frames.to_ase()[0]
    atoms.calc = calculator
    atoms.get_potential_energy()  # the unit prepares its model at the first call
    held = predictor.model.module
    before = copy.deepcopy(held.state_dict())
    for given in (predictor, calculator, held, held.backbone):
        backbone = from_fairchem(given)
        # weights are those of float32; what is computed from them is not
        assert (
            np.abs(backbone.features(frames, "layer1").values - reference).max()
            < ROUNDING * np.abs(reference).max()
        )
        assert equivariance_error(backbone, frames, "node_embedding", rng()) < ROUNDING
        assert backbone.info.trained is None
        assert backbone.has_forces == (given is not held.backbone)
    assert all(torch.equal(value, before[name]) for name, value in held.state_dict().items())
    assert next(held.parameters()).dtype == torch.float32
    assert held.backbone.SO3_grid["lmax_lmax"].to_grid_mat.dtype == torch.float32
    with pytest.raises(InputError, match="has no heads for energies and forces"):
        from_fairchem(held.backbone).energies_and_forces(frames)
    assert not from_fairchem(held.backbone).forces(frames).any()


def test_scales_and_energies_of_the_elements_are_put_back(tmp_path: Path) -> None:
    """As a trained model has them: the package's calculator, read by its own loader, is the measure."""
    stored, path, frames = (
        random_checkpoint(named("ff_type=spectral")),
        tmp_path / "lr=1:model.pt",
        ethanol(2),
    )
    table = {"_target_": "torch.tensor", "data": [-0.5 * number for number in range(100)]}
    home = "fairchem.core.modules.normalization.element_references.ElementReferences"
    for task in stored.tasks_config:
        task["normalizer"]["rmsd"] = 2.5
        if task["property"] == "energy":
            task["element_references"] = {"_target_": home, "element_references": table}
    torch.save(stored, path)
    backbone = load_backbone(path, trust=True)  # a colon and an equals sign belong to the path
    energies, forces = backbone.energies_and_forces(frames)
    plain, unscaled = load_backbone(named("ff_type=spectral")).energies_and_forces(frames)
    assert np.allclose(energies, 2.5 * plain - 0.5 * frames.numbers.sum(), rtol=1e-12)
    assert np.allclose(forces, 2.5 * unscaled, rtol=0, atol=1e-12)
    with fairchem_session(torch.float32):
        from fairchem.core.calculate.ase_calculator import FAIRChemCalculator

        calculator = FAIRChemCalculator(unit(path, torch.float64))
    for index, atoms in enumerate(frames.to_ase()):
        atoms.calc = calculator
        assert abs(atoms.get_potential_energy() - energies[index]) < 1e-9 * abs(energies[index])
        assert np.abs(atoms.get_forces() - forces[index]).max() < 1e-9 * np.abs(forces).max()


def test_a_class_for_experts_without_any_is_the_plain_model() -> None:
    """As eSEN's published files are."""
    frames = ethanol(1)
    plain, without = (load_backbone(named(f"ff_type=spectral{more}")) for more in ("", ",num_experts=0"))
    assert np.array_equal(plain.features(frames, "layer1").values, without.features(frames, "layer1").values)
    assert without.info.architecture == "escn-md"


def test_a_function_may_return_the_packages_own_object(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from fairchem.core.units.mlip_unit import load_predict_unit\n"
        f"def unit():\n    return load_predict_unit({str(checkpoint)!r}, 'batch', device='cpu')\n"
    )
    with fairchem_session(torch.float32):
        backbone = load_backbone(f"{path}:unit", trust=True)
    assert (backbone.info.source, backbone.info.architecture) == ("mine.py:unit", "escn-md")
    assert backbone.has_energies


def test_a_model_with_other_tables_is_refused(checkpoint: Path) -> None:
    module = unit(checkpoint).model.module
    module.backbone.SO3_grid["lmax_lmax"].to_grid_mat.mul_(1.001)
    with pytest.raises(InputError, match=r"another table 'SO3_grid\.lmax_lmax\.to_grid_mat'"):
        from_fairchem(module)


def test_merged_experts_are_the_model_of_one_composition(tmp_path: Path) -> None:
    path, frames = tmp_path / "uma.pt", ethanol(2)
    torch.save(random_checkpoint(named("num_experts=2,num_layers=1,regress_stress=true", "uma")), path)
    with pytest.raises(InputError, match=r"uma\.pt was made for the tasks"):
        load_backbone(path, trust=True)
    plain = load_backbone(f"fairchem:{path}:task=omol", trust=True)
    with fairchem_session(torch.float32):
        from fairchem.core.calculate.ase_calculator import FAIRChemCalculator
        from fairchem.core.units.mlip_unit import InferenceSettings, load_predict_unit

        predictor = load_predict_unit(path, InferenceSettings(merge_mole=True), device="cpu")
        calculator = FAIRChemCalculator(predictor, task_name="omol")
        atoms = frames.to_ase()[0]
        atoms.calc = calculator
        atoms.get_potential_energy()
    merged = from_fairchem(calculator)
    assert merged.info.architecture == "escn-md"  # one expert is left
    energies, others = plain.energies_and_forces(frames)[0], merged.energies_and_forces(frames)[0]
    # experts were mixed in float32
    assert np.abs(energies - others).max() < 1e-5 * np.abs(energies).max()


def test_a_configuration_of_heads_and_experts_is_built(tmp_path: Path) -> None:
    lines = "\n".join(part.replace("=", ": ") for part in SMALL.split(","))
    path = tmp_path / "mine.yaml"
    path.write_text(f"{lines}\nmodel: escnmd_backbone\nff_type: spectral\nlmax: 1\nmmax: 1\n")
    backbone = load_fairchem(f"fairchem:{path}:seed=2")
    assert backbone.layers()[-1].irreps == "4x0e+4x1o"
    assert backbone.info.source == "fairchem:mine.yaml:seed=2"
    assert backbone.info.sha256 is not None
    inner = "\n".join("  " + line for line in lines.splitlines())
    heads = "heads: {efs: {module: fairchem.core.models.uma.escn_md.MLP_EFS_Head}}"
    path.write_text(f"backbone:\n{inner}\n  model: escnmd_backbone\n{heads}\n")
    assert load_fairchem(f"fairchem:{path}").has_energies


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (named("colour=3"), "'colour' is no argument of fairchem's eSCNMDBackbone; it takes .*lmax"),
        (named("colour=3,task=omol", "uma"), "'colour' is no argument of fairchem's eSCNMDMoeBackbone"),
        (named("lmax=-1"), "cannot be built by fairchem"),
        (named("norm_type=none_such"), "cannot be built by fairchem"),
        (named("model=none_such"), "names a backbone that fairchem does not have"),
        ("fairchem:none-such", r"no model known here, expected escn-md, esen, uma \(random weights\).*uma-s"),
        ("fairchem:uma-s-1p2:lmax=3", "'lmax' is no option of a model with weights"),
    ],
)
def test_a_wrong_source_is_one_sentence(source: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        load_backbone(source)


def test_a_model_of_another_kind_has_no_features_to_turn() -> None:
    with pytest.raises(InputError, match="a EScAIPBackbone, expected an eSCNMDBackbone"):
        load_backbone("fairchem:escn-md:model=fairchem.core.models.escaip.EScAIP.EScAIPBackbone")
    with pytest.raises(InputError, match="a Linear, expected an eSCNMDBackbone"):
        from_fairchem(torch.nn.Linear(2, 2))


def test_a_published_model_is_fetched_by_the_package_and_needs_trust(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fairchem_session():
        from fairchem.core.calculate import pretrained_mlip

    def fetched(name: str) -> str:
        if name == "uma-s-1p1":
            raise OSError("no network")
        return str(checkpoint)

    monkeypatch.setattr(pretrained_mlip, "pretrained_checkpoint_path_from_name", fetched)
    with pytest.raises(InputError, match="a pickle"):
        load_backbone("fairchem:esen-sm-direct-all-omol")
    backbone = load_backbone("fairchem:esen-sm-direct-all-omol:task=omol", trust=True)
    assert backbone.info.source == "fairchem:esen-sm-direct-all-omol:task=omol"
    assert backbone.info.trained is True
    with pytest.raises(InputError, match=r"uma-s-1p1 could not be downloaded \(OSError: no network\)"):
        load_backbone("fairchem:uma-s-1p1", trust=True)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"a": 1}, path)
    with pytest.raises(InputError, match="holds a dict, expected an inference checkpoint"):
        load_backbone(path, trust=True)
    path.write_bytes(b"no file of torch")
    with pytest.raises(InputError, match="cannot be read as a fairchem checkpoint"):
        load_backbone(path, trust=True)
    with fairchem_session():
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), path)
    with pytest.raises(InputError, match="a compiled model"):
        load_backbone(path, trust=True)


def test_a_checkpoint_of_weights_is_no_configuration(checkpoint: Path) -> None:
    with pytest.raises(InputError, match="has weights, expected a configuration"):
        random_checkpoint(f"fairchem:{checkpoint}")
