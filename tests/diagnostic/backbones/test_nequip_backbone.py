"""The adapter against the real nequip package, and our files against damage."""

import json
import shutil
import sys
from pathlib import Path

import e3nn
import numpy as np
import pytest
import torch
from ase.build import molecule

from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.checkpoint import EMBEDDED, resolve_backbone, save_backbone
from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.backbones.features import Features
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.nequip_model import (
    NequIPBackbone,
    NequIPSettings,
    build_nequip,
    graph,
    nequip_session,
)
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.numerics import haar_rotations
from spectral_ceilings.theory import InputError

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")

SETTINGS = NequIPSettings(
    ("H", "C", "O"), l_max=2, num_features=4, avg_num_neighbors=8.0, energy_shift=-3.0, seed=5
)


def ethanol(frames: int = 3, seed: int = 0) -> Frames:
    atoms = molecule("CH3CH2OH")
    rng = np.random.default_rng(seed)
    positions = atoms.get_positions() + 0.05 * rng.normal(size=(frames, len(atoms), 3))
    return Frames(
        np.array(atoms.numbers), positions, np.zeros_like(positions), None, "ethanol", "0" * 64, "eV"
    )


@pytest.fixture(scope="module")
def backbone() -> NequIPBackbone:
    return NequIPBackbone(
        build_nequip(SETTINGS),
        SETTINGS.type_names,
        SETTINGS.r_max,
        BackboneInfo("test", "nequip", trained=False),
    )


def test_layers_carry_their_irreps_and_the_last_one_scalars_only(backbone: NequIPBackbone) -> None:
    layers = backbone.layers()
    assert [layer.name for layer in layers] == ["layer0", "layer1", "layer2"]
    assert layers[0].irreps == "4x0e+4x1o+4x2e"
    assert layers[1].irreps == "4x0e+4x1e+4x1o+4x2e+4x2o"
    assert layers[2].irreps == "4x0e"
    assert [layer.usable for layer in layers] == [True, True, False]
    assert backbone.choose_layer().name == "layer1"
    with pytest.raises(InputError, match="layer 'layer2' carries scalars"):
        backbone.choose_layer("layer2")
    with pytest.raises(InputError, match="no layer 'conv9'"):
        backbone.choose_layer("conv9")


@pytest.mark.parametrize("layer", ["layer0", "layer1", "layer2"])
def test_features_are_equivariant_to_round_off(backbone: NequIPBackbone, layer: str) -> None:
    # float64 sums over 9 atoms and 10^3 products: a few hundred units of 1.1e-16.
    assert equivariance_error(backbone, ethanol(), layer, np.random.default_rng(1)) < 1e-12


def test_a_wrong_declaration_of_irreps_fails_the_check(backbone: NequIPBackbone) -> None:
    class Mislabelled(NequIPBackbone):
        def features(self, frames: Frames, layer: str) -> Features:
            true = super().features(frames, layer)
            return Features(true.values, "4x0e+4x2e+4x1o", layer)

    wrong = Mislabelled(backbone._model, SETTINGS.type_names, SETTINGS.r_max, backbone.info)
    assert equivariance_error(wrong, ethanol(), "layer0", np.random.default_rng(1)) > 0.1
    with pytest.raises(InputError, match=r"expected \(frames, atoms, 9\)"):
        Features(np.zeros((2, 9, 36)), "1x0e+1x1o+1x2e", "layer0")


def test_energies_and_forces_are_those_of_the_packages_own_calculator(backbone: NequIPBackbone) -> None:
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
    from nequip.integrations.ase import NequIPCalculator

    frames = ethanol()
    energies, forces = backbone.energies_and_forces(frames)
    with nequip_session():
        transforms = [
            ChemicalSpeciesToAtomTypeMapper(list(SETTINGS.type_names)),
            NeighborListTransform(r_max=SETTINGS.r_max),
        ]
        calculator = NequIPCalculator(backbone._model, device="cpu", transforms=transforms)
        for k, atoms in enumerate(frames.to_ase()):
            atoms.calc = calculator
            # The same float64 model on a batch and alone: sums in another order.
            assert atoms.get_potential_energy() == pytest.approx(energies[k], rel=1e-12)
            np.testing.assert_allclose(atoms.get_forces(), forces[k], atol=1e-12)


def test_forces_are_minus_the_gradient(backbone: NequIPBackbone) -> None:
    frames = ethanol(1)
    step = 1e-4
    moved = np.repeat(frames.positions, 2, axis=0)
    moved[0, 2, 1] += step
    moved[1, 2, 1] -= step
    twice = Frames(frames.numbers, moved, np.zeros_like(moved), None, "moved", "0" * 64, "eV")
    energies, _ = backbone.energies_and_forces(twice)
    slope = (energies[0] - energies[1]) / (2 * step)
    # Central difference: error of order step^2 times a third derivative of order 10 to 100 eV/Å^3.
    assert -slope == pytest.approx(backbone.forces(frames)[0, 2, 1], abs=1e-5)


def test_an_unknown_element_is_named(backbone: NequIPBackbone) -> None:
    atoms = molecule("CH3SH")
    positions = atoms.get_positions()[None]
    frames = Frames(
        np.array(atoms.numbers), positions, np.zeros_like(positions), None, "thiol", "0" * 64, "eV"
    )
    with pytest.raises(InputError, match="does not know the element S"):
        backbone.check_elements(frames)


def test_the_callers_global_state_is_left_alone() -> None:
    before = (torch.get_default_dtype(), torch.get_rng_state().tolist())
    defaults = dict(e3nn.get_optimization_defaults())
    build_nequip(SETTINGS)
    assert torch.get_default_dtype() == before[0]
    assert torch.get_rng_state().tolist() == before[1]
    assert e3nn.get_optimization_defaults() == defaults


def test_the_same_seed_gives_the_same_weights() -> None:
    one, two = build_nequip(SETTINGS), build_nequip(SETTINGS)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_turned_features_are_those_of_the_turned_frames(backbone: NequIPBackbone) -> None:
    frames = ethanol(2)
    turns = haar_rotations(2, np.random.default_rng(3))
    moved = np.einsum("nij,naj->nai", turns, frames.positions)
    other = Frames(frames.numbers, moved, np.zeros_like(moved), None, "turned", "0" * 64, "eV")
    expected = backbone.features(other, "layer1")
    found = backbone.features(frames, "layer1").rotated(turns)
    np.testing.assert_allclose(found.values, expected.values, atol=1e-12 * np.abs(expected.values).max())
    assert [(b.l, b.parity, b.channels) for b in found.blocks()] == [
        (0, 1, 4),
        (1, -1, 4),
        (1, 1, 4),
        (2, -1, 4),
        (2, 1, 4),
    ]


@pytest.fixture
def saved(tmp_path: Path, backbone: NequIPBackbone) -> Path:
    path = tmp_path / "run" / "backbone.safetensors"
    save_backbone(path, backbone._model, SETTINGS, {"data": {"sha256": "x"}}, 0.1)
    return path


def test_a_saved_backbone_comes_back(saved: Path) -> None:
    again = load_backbone(saved)
    assert again.info.trained
    assert again.info.force_mae == 0.1
    rounded = build_nequip(SETTINGS)
    with torch.no_grad():
        for p in rounded.parameters():
            p.copy_(p.to(torch.float32).to(torch.float64))  # weights are stored in float32
    expected = NequIPBackbone(rounded, SETTINGS.type_names, SETTINGS.r_max, again.info).forces(ethanol())
    assert np.array_equal(load_backbone(saved.parent).forces(ethanol()), expected)


def test_the_untrained_control_has_other_weights_and_the_same_layers(saved: Path) -> None:
    trained, control = load_backbone(saved), load_backbone(saved, untrained_seed=9)
    assert not control.info.trained
    assert control.layers() == trained.layers()
    assert not np.allclose(control.forces(ethanol()), trained.forces(ethanol()))


def test_damage_and_foreign_files_are_refused(saved: Path, tmp_path: Path) -> None:
    beside = saved.with_suffix(".json")
    record = json.loads(beside.read_text())

    def write(**changes: object) -> None:
        beside.write_text(json.dumps({**record, **changes}))

    write(schema="other/1")
    with pytest.raises(InputError, match="schema 'other/1'"):
        load_backbone(saved)
    write(architecture="schnet")
    with pytest.raises(InputError, match="architecture is 'schnet', expected one of nequip, allegro, mace"):
        load_backbone(saved)
    write(builder={**record["builder"], "colour": "red"})
    with pytest.raises(InputError, match="unknown builder argument 'colour'"):
        load_backbone(saved)
    write(builder={**record["builder"], "num_features": 8})
    with pytest.raises(InputError, match="weights do not fit the architecture"):
        load_backbone(saved)
    beside.write_text("{")
    with pytest.raises(InputError, match="not readable JSON"):
        load_backbone(saved)
    write()
    content = bytearray(saved.read_bytes())
    content[-1] ^= 1
    saved.write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged or was replaced"):
        load_backbone(saved)
    beside.unlink()
    with pytest.raises(InputError, match=r"has no backbone\.json"):
        load_backbone(saved)
    pickled = tmp_path / "model.pt"
    shutil.copy(saved, pickled)
    with pytest.raises(InputError, match="can run code when read"):
        resolve_backbone(pickled)
    with pytest.raises(InputError, match="no backbone at"):
        resolve_backbone(tmp_path / "nothing.safetensors")


def test_without_nequip_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nequip.utils.global_state", None)
    with pytest.raises(InputError, match=r"pip install 'spectral-ceilings\[nequip\]'"):
        build_nequip(SETTINGS)


def test_the_graph_has_every_pair_within_the_cutoff() -> None:
    frames = ethanol(1)
    with nequip_session():
        data = graph(frames.positions[0], torch.zeros(9, dtype=torch.long), 3.0)
    distances = np.linalg.norm(frames.positions[0][:, None] - frames.positions[0], axis=-1)
    assert data["edge_index"].shape[1] == int((distances < 3.0).sum()) - 9


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match="l_max is -1"):
        NequIPSettings(("H",), l_max=-1)
    with pytest.raises(InputError, match=r"r_max is 0\.1"):
        NequIPSettings(("H",), r_max=0.1)
    assert NequIPSettings.from_dict(SETTINGS.to_dict()) == SETTINGS


def test_the_embedded_name_resolves_to_a_shipped_file() -> None:
    assert resolve_backbone(EMBEDDED).name == f"{EMBEDDED}.safetensors"


def test_a_record_that_lacks_something_is_refused(tmp_path: Path) -> None:
    record = json.loads(resolve_backbone(EMBEDDED).with_suffix(".json").read_text())
    del record["weights_sha256"]
    (tmp_path / "backbone.safetensors").write_bytes(b"")
    (tmp_path / "backbone.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"backbone\.json has no 'weights_sha256'"):
        load_backbone(tmp_path)
