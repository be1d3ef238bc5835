"""A user's own MACE: ``.model`` files, calculators, heads, our own files, and training; all with the real package."""

import json
import os
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from ase.build import molecule

from spectral_ceilings.diagnostic.backbones.checkpoint import save_backbone
from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.mace_loading import from_mace, load_mace
from spectral_ceilings.diagnostic.backbones.mace_model import build_mace, graph_batch, mace_session
from spectral_ceilings.diagnostic.backbones.mace_settings import MACESettings
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.splits import Split
from spectral_ceilings.diagnostic.training.data import TrainingData
from spectral_ceilings.diagnostic.training.mace import MACETrainer
from spectral_ceilings.diagnostic.training.train import TrainingSettings, builder_settings
from spectral_ceilings.theory import InputError

if find_spec("mace") is None and "SPECTRAL_CEILINGS_REQUIRE_MACE" not in os.environ:
    pytest.skip(
        "the extra 'mace' is not installed (it needs an environment of its own)", allow_module_level=True
    )

SETTINGS = MACESettings(
    ("H", "C", "O"), num_features=4, max_ell=2, correlation=(2,), radial_mlp=(8,), avg_num_neighbors=8.0,
    energy_scale=1.5, heads=("dft", "cc"), atomic_energies=((-13.0, -1000.0, -2000.0), (-14.0, -1001.0, -2001.0)),
    scales=(1.5, 2.0), shifts=(0.0, 0.25), seed=5,
)  # fmt: skip
ROTATION = np.random.default_rng


def ethanol(frames: int = 2, seed: int = 0) -> Frames:
    atoms = molecule("CH3CH2OH")
    rng = np.random.default_rng(seed)
    positions = atoms.get_positions() + 0.05 * rng.normal(size=(frames, len(atoms), 3))
    return Frames(
        np.array(atoms.numbers), positions, rng.normal(size=positions.shape), rng.normal(size=frames),
        "ethanol", "0" * 64, "eV",
    )  # fmt: skip


@pytest.fixture(scope="module")
def single() -> torch.nn.Module:
    """A float32 model in the state in which people have it."""
    return build_mace(
        MACESettings(("H", "C", "O"), num_features=4, max_ell=2, correlation=(2,), seed=5), "float32"
    )


@pytest.fixture(scope="module")
def two_heads() -> torch.nn.Module:
    return build_mace(SETTINGS)


def calculator(model: torch.nn.Module, dtype: str, **arguments: Any) -> Any:
    with mace_session():
        from mace.calculators import MACECalculator

        return MACECalculator(models=model, device="cpu", default_dtype=dtype, **arguments)


def test_a_float32_model_is_rebuilt_with_exact_coupling_tensors(single: torch.nn.Module) -> None:
    backbone = from_mace(single)
    assert backbone.layers()[-2].irreps == "4x0e+4x1o+4x2e"
    assert equivariance_error(backbone, ethanol(), "layer0", ROTATION(1)) < 1e-12
    # The mere cast keeps tensors that were rounded to 24 bits, and the check sees it.
    with mace_session():
        cast = from_mace(single)
        cast._model.load_state_dict(single.state_dict())
    assert equivariance_error(cast, ethanol(), "layer0", ROTATION(1)) > 1e-10
    assert next(single.parameters()).dtype == torch.float32  # the user's model is as it was
    assert single.training


def test_energies_and_forces_are_those_of_the_calculator_in_float32(single: torch.nn.Module) -> None:
    frames = ethanol()
    theirs = calculator(single, "float32")
    backbone = from_mace(theirs)
    energies, forces = backbone.energies_and_forces(frames)
    with mace_session(torch.float32):
        for k, atoms in enumerate(frames.to_ase()):
            atoms.calc = theirs
            # float32: some thousand products rounded at 6e-8 each.
            assert atoms.get_potential_energy() == pytest.approx(energies[k], rel=1e-4)
            np.testing.assert_allclose(atoms.get_forces(), forces[k], atol=1e-4 * np.abs(forces).max())
    assert (backbone.info.architecture, backbone.info.trained, backbone.info.sha256) == (
        "mace",
        None,
        None,
    )  # a model in memory does not say


@pytest.mark.parametrize("head", ["dft", "cc"])
def test_a_head_is_chosen_by_name_and_has_the_calculators_energies(
    two_heads: torch.nn.Module, head: str
) -> None:
    frames = ethanol()
    theirs = calculator(two_heads, "float64", head=head)
    energies, forces = from_mace(two_heads, head=head).energies_and_forces(frames)
    again, _ = from_mace(theirs).energies_and_forces(frames)
    np.testing.assert_array_equal(again, energies)
    with mace_session():
        for k, atoms in enumerate(frames.to_ase()):
            atoms.calc = theirs
            assert atoms.get_potential_energy() == pytest.approx(energies[k], rel=1e-12)
            np.testing.assert_allclose(atoms.get_forces(), forces[k], atol=1e-12 * np.abs(forces).max())


def test_a_model_of_several_heads_asks_which(two_heads: torch.nn.Module) -> None:
    with pytest.raises(InputError, match="has several heads; name one of dft, cc with head="):
        from_mace(two_heads)
    with pytest.raises(InputError, match="has no head 'mp'; name one of dft, cc"):
        from_mace(two_heads, head="mp")


@pytest.mark.filterwarnings("ignore:.*torch.jit.save:DeprecationWarning")  # mace's modules pickle TorchScript
def test_model_files_are_pickles_and_need_trust(two_heads: torch.nn.Module, tmp_path: Path) -> None:
    single = build_mace(
        MACESettings(("H", "C", "O"), num_features=4, max_ell=1, l_max=1, radial_mlp=(8,), seed=3)
    )
    path = tmp_path / "mine.model"
    torch.save(single, path)
    with pytest.raises(InputError, match="a pickle, which can run any code when it is read; add --trust"):
        load_backbone(path)
    backbone = load_backbone(path, trust=True)
    frames = ethanol()
    expected = from_mace(single).features(frames, "layer0").values
    np.testing.assert_array_equal(backbone.features(frames, "layer0").values, expected)
    assert backbone.info.source == "mine.model"
    assert backbone.info.sha256 is not None
    fresh = load_backbone(path, trust=True, untrained_seed=9)
    assert [layer.irreps for layer in fresh.layers()] == [layer.irreps for layer in backbone.layers()]
    assert not np.allclose(fresh.features(frames, "layer0").values, expected)
    assert (fresh.info.source, fresh.info.trained) == ("mine.model (untrained, seed 9)", False)
    torch.save(two_heads, path)
    with pytest.raises(InputError, match="has several heads"):
        load_backbone(path, trust=True)
    assert load_mace(path, head="cc")._head == 1


def test_what_is_no_energy_model_of_mace_is_said(single: torch.nn.Module, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.model"
    damaged.write_bytes(b"not a pickle")
    with pytest.raises(InputError, match=r"damaged\.model cannot be read as a MACE model"):
        load_mace(damaged)
    torch.save({"a": 1}, damaged)
    with pytest.raises(InputError, match="is a dict, expected a MACE or ScaleShiftMACE module"):
        load_mace(damaged)
    with pytest.raises(InputError, match="is a Linear, expected a MACE"):
        from_mace(torch.nn.Linear(2, 2))
    committee = calculator([single, single], "float32")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"a committee of 2 models; give one of them"):
        from_mace(committee)
    with pytest.raises(InputError, match=r"converts units by 27\.2"):
        from_mace(calculator(single, "float32", energy_units_to_eV=27.2))
    with pytest.raises(InputError, match=r"a sum of calculators, expected MACE alone; give its part \.mixer"):
        from_mace(SimpleNamespace(mixer=None))


def test_a_model_whose_arguments_are_misread_is_refused(single: torch.nn.Module) -> None:
    changed = from_mace(single)._model
    changed.radial_embedding.cutoff_fn.p += 1  # read off and rebuilt: the same
    from_mace(changed)
    changed.interactions[
        1
    ].avg_num_neighbors = 3.0  # only the first layer's is read, mace's constructor takes one
    with pytest.raises(InputError, match="cannot be rebuilt: its node_energy and those of the rebuilt"):
        from_mace(changed)


def test_coupling_tensors_of_another_basis_are_refused(single: torch.nn.Module) -> None:
    changed = from_mace(single)._model
    contraction = changed.products[0].symmetric_contractions.contractions[1]
    with torch.no_grad():
        contraction.U_matrix_2 *= -1.0
    with pytest.raises(InputError, match=r"coupling tensor 'products\.0.*U_matrix_2' is in another basis"):
        from_mace(changed)


def test_graphs_joined_one_by_one_are_the_graph_of_all() -> None:
    frames = ethanol(3)
    trainer = object.__new__(MACETrainer)
    trainer.model_settings = MACESettings(("H", "C", "O"))
    trainer.settings, trainer.data = TrainingSettings(), TrainingData.of(frames)
    with mace_session(torch.float32):
        joined = trainer.batch(trainer.graphs(frames))
        types = joined["node_attrs"][:9].argmax(dim=1)
        together = graph_batch(frames.positions, types, 3, 5.0)
    for name, expected in together.items():
        assert torch.equal(joined[name], expected), name
    np.testing.assert_allclose(joined["forces"].numpy().reshape(3, 9, 3), frames.forces, rtol=1e-7)


def test_training_lowers_the_error_and_writes_files_that_load_without_a_pickle(tmp_path: Path) -> None:
    frames = ethanol(16)
    with mace_session():  # forces that a MACE model can have
        target = from_mace(
            build_mace(MACESettings(("H", "C", "O"), num_features=2, max_ell=1, l_max=1, seed=8))
        )
    energies, forces = target.energies_and_forces(frames)
    frames = Frames(frames.numbers, frames.positions, forces, energies, "target", "0" * 64, "eV")
    parts = Split(np.arange(8), np.arange(8, 12), np.arange(12, 16))
    model = builder_settings(
        frames, parts, "mace", num_features=4, max_ell=2, correlation=(2,), radial_mlp=(8,), seed=1
    )
    assert isinstance(model, MACESettings)
    settings = TrainingSettings(steps=12, batch_size=4, validate_every=4, seed=1)
    out = tmp_path / "run"
    trainer = MACETrainer(frames, parts, model, settings, out, kind="mace")
    trainer.prepare(resume=False)
    error = trainer.run()
    record = json.loads((out / "backbone.json").read_text())
    log = [entry["validation_force_mae_eV_A"] for entry in record["training"]["log"]]
    assert log[-1] < log[0]
    assert record["architecture"] == "mace"
    assert set(record["training"]["versions"]) == {"mace-torch", "torch", "e3nn", "numpy"}
    backbone = load_backbone(out)
    held_out = frames.select([12, 13, 14, 15])
    # The trainer measured in float32.
    assert np.abs(backbone.forces(held_out) - held_out.forces).mean() == pytest.approx(error, rel=1e-3)
    assert equivariance_error(backbone, held_out, "layer0", ROTATION(2)) < 1e-12
    fresh = load_backbone(out, untrained_seed=3)
    assert not np.allclose(
        fresh.features(held_out, "layer0").values, backbone.features(held_out, "layer0").values
    )
    save_backbone(out / "again.safetensors", backbone._model, model, record["training"], error, "mace")  # type: ignore[attr-defined]
    np.testing.assert_array_equal(
        load_backbone(out / "again.safetensors").features(held_out, "layer0").values,
        backbone.features(held_out, "layer0").values,
    )
