"""MACE's adapter against the real mace package: irreps, equivariance, energies and forces of its own calculator."""

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from ase.build import molecule

from spectral_ceilings.diagnostic import check_backbone
from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.backbones.mace_model import (
    MACEBackbone,
    build_mace,
    graph_batch,
    mace_session,
)
from spectral_ceilings.diagnostic.backbones.mace_settings import MACESettings, settings_of
from spectral_ceilings.diagnostic.backbones.responses import star
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.theory import InputError

if find_spec("mace") is None and "SPECTRAL_CEILINGS_REQUIRE_MACE" not in os.environ:
    pytest.skip(
        "the extra 'mace' is not installed (it needs an environment of its own)", allow_module_level=True
    )

SMALL = {
    "type_names": ("H", "C", "O"), "num_features": 4, "max_ell": 2, "correlation": (2,), "radial_mlp": (8,),
    "avg_num_neighbors": 8.0, "energy_scale": 1.5, "energy_shift": -0.5, "seed": 5,
}  # fmt: skip
ENERGIES = ((-13.0, -1000.0, -2000.0),)


def settings(**changed: Any) -> MACESettings:
    return MACESettings(**{**SMALL, **changed})


def ethanol(frames: int = 3, seed: int = 0) -> Frames:
    atoms = molecule("CH3CH2OH")
    rng = np.random.default_rng(seed)
    positions = atoms.get_positions() + 0.05 * rng.normal(size=(frames, len(atoms), 3))
    return Frames(
        np.array(atoms.numbers), positions, np.zeros_like(positions), None, "ethanol", "0" * 64, "eV"
    )


def backbone_of(one: MACESettings) -> MACEBackbone:
    return MACEBackbone(build_mace(one), one, BackboneInfo("test", "mace", trained=False))


@pytest.fixture(scope="module")
def three_layers() -> MACEBackbone:
    return backbone_of(settings(num_layers=3, max_ell=3, atomic_energies=ENERGIES))


def test_layers_carry_their_irreps_and_the_last_one_scalars_only(three_layers: MACEBackbone) -> None:
    found = {layer.name: layer.irreps for layer in three_layers.layers()}
    # A message reaches max_ell = 3, the features after the product basis l_max = 2, and the last ones keep scalars only.
    assert found == {
        "message0": "4x0e+4x1o+4x2e+4x3o",
        "message1": "4x0e+4x1o+4x2e+4x3o",
        "message2": "4x0e+4x1o+4x2e+4x3o",
        "layer0": "4x0e+4x1o+4x2e",
        "layer1": "4x0e+4x1o+4x2e",
        "layer2": "4x0e",
    }
    assert three_layers.choose_layer().name == "layer1"
    with pytest.raises(InputError, match="layer 'layer2' carries scalars"):
        three_layers.choose_layer("layer2")
    with pytest.raises(InputError, match="no layer 'layer3'"):
        three_layers.features(ethanol(1), "layer3")


@pytest.mark.parametrize("layer", ["message0", "message1", "message2", "layer0", "layer1", "layer2"])
def test_features_are_equivariant_to_round_off(three_layers: MACEBackbone, layer: str) -> None:
    # float64 sums over 9 atoms and 10^3 products: a few hundred units of 1.1e-16.
    assert equivariance_error(three_layers, ethanol(), layer, np.random.default_rng(1)) < 1e-12


def test_the_contract_is_kept(three_layers: MACEBackbone) -> None:
    report = check_backbone(three_layers, ethanol())
    assert report.held, report
    names = {finding.name for finding in report if finding.held is None}
    # one without weights to train on and built by hand: no forces of frames to compare with, and no twin
    assert names <= {"force units", "untrained"}, report


def test_layers_and_forces_come_in_one_pass_on_a_star_graph(three_layers: MACEBackbone) -> None:
    names = [layer.name for layer in three_layers.layers()]
    answer = three_layers.respond(ethanol(), names, edges=star(0), forces=True)
    for name in names:
        np.testing.assert_allclose(
            answer.features[name].values,
            three_layers.respond(ethanol(), [name], edges=star(0)).features[name].values,
            # the same float64 operations, with and without autograd
            atol=1e-12,
        )
    assert answer.forces is not None
    # Atoms 1 to 8 see atom 0 alone, so that atom 0 balances all of them.
    np.testing.assert_allclose(answer.forces.sum(axis=1), 0.0, atol=1e-10)
    assert not np.allclose(answer.forces, three_layers.forces(ethanol()))


def test_features_are_those_that_mace_returns_itself(three_layers: MACEBackbone) -> None:
    frames = ethanol(2)
    numbers = torch.tensor([["H", "C", "O"].index(s) for s in frames.to_ase()[0].get_chemical_symbols()])
    with mace_session():
        data = graph_batch(frames.positions, numbers, 3, 5.0)
        own = three_layers._model(data)["node_feats"].detach().numpy().reshape(2, 9, -1)
    tapped = [three_layers.features(frames, f"layer{k}").values for k in range(3)]
    np.testing.assert_array_equal(np.concatenate(tapped, axis=2), own)


def test_energies_and_forces_are_those_of_the_packages_own_calculator(three_layers: MACEBackbone) -> None:
    frames = ethanol()
    energies, forces = three_layers.energies_and_forces(frames)
    with mace_session():
        from mace.calculators import MACECalculator

        calculator = MACECalculator(models=three_layers._model, device="cpu", default_dtype="float64")
        for k, atoms in enumerate(frames.to_ase()):
            atoms.calc = calculator
            # The same float64 model on a batch and alone, with edges in another order: sums in another order.
            assert atoms.get_potential_energy() == pytest.approx(energies[k], rel=1e-12)
            np.testing.assert_allclose(atoms.get_forces(), forces[k], atol=1e-12 * np.abs(forces).max())


VARIANTS: dict[str, dict[str, Any]] = {
    "linear products": {"correlation": (1,)},
    "cubic products, natural parity up to 1": {"correlation": (3,), "l_max": 1},
    "an order for each layer": {"correlation": (3, 1), "max_ell": 1, "l_max": 1},
    "both parities": {"hidden_irreps": "4x0e+4x0o+4x1e+4x1o", "l_max": 1},
    "scalars only": {"l_max": 0},
    "the plain class": {"scaled": False, "energy_scale": 1.0, "energy_shift": 0.0},
    "densities and a screened nuclear repulsion": {
        "interaction": "RealAgnosticDensityResidualInteractionBlock",
        "interaction_first": "RealAgnosticDensityInteractionBlock",
        "pair_repulsion": True,
        "distance_transform": "Agnesi",
    },
    "gated messages": {
        "interaction": "RealAgnosticResidualNonLinearInteractionBlock",
        "interaction_first": "RealAgnosticResidualNonLinearInteractionBlock",
        "apply_cutoff": False,
        "use_agnostic_product": True,
    },
    "one layer": {
        "num_layers": 1,
        "l_max": 0,
        "num_polynomial_cutoff": 6,
        "interaction": "RealAgnosticInteractionBlock",
    },
    "all irreps in the last layer, another radial basis": {
        "keep_last_layer_irreps": True,
        "radial_type": "gaussian",
        "gate": "tanh",
        "mlp_irreps": "6x0e",
    },
    "two heads": {
        "heads": ("Default", "dft"),
        "atomic_energies": ENERGIES * 2,
        "scales": (1.5, 2.0),
        "shifts": (-0.5, 0.25),
    },
}


@pytest.mark.parametrize("changed", VARIANTS.values(), ids=VARIANTS.keys())
def test_arguments_read_off_a_model_are_those_it_was_built_with(changed: dict[str, Any]) -> None:
    first = settings(**{"atomic_energies": ENERGIES, **changed})
    model = build_mace(first)
    read = settings_of(model, "test")
    given = {"hidden_irreps": first.irreps, "seed": 0}
    assert read == settings(**{"atomic_energies": ENERGIES, **changed, **given})
    backbone = MACEBackbone(model, first, BackboneInfo("test", "mace", trained=False))
    for layer in backbone.layers():
        assert equivariance_error(backbone, ethanol(2), layer.name, np.random.default_rng(1)) < 1e-12
    assert MACESettings.from_dict(first.to_dict()) == first


def test_an_unknown_element_is_named(three_layers: MACEBackbone) -> None:
    atoms = molecule("CH3SH")
    positions = atoms.get_positions()[None]
    frames = Frames(
        np.array(atoms.numbers), positions, np.zeros_like(positions), None, "thiol", "0" * 64, "eV"
    )
    with pytest.raises(InputError, match="does not know the element S"):
        three_layers.check_elements(frames)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"correlation": (2, 2, 2)}, "expected one integer >= 1, or one for each of the 2 layers"),
        ({"gate": "relu"}, "gate is 'relu', expected one of silu"),
        ({"hidden_irreps": "4x0e+4x1o"}, r"reach l = 1, l_max is 2"),
        ({"num_bessel": 0}, "num_bessel is 0, expected an integer >= 1"),
    ],
)
def test_wrong_arguments_are_said(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        settings(**changed)
    with pytest.raises(InputError, match="this mace has no block 'os'"):
        build_mace(settings(interaction="os"))


def test_the_same_seed_gives_the_same_weights_and_the_callers_state_is_left_alone() -> None:
    before = (torch.get_default_dtype(), torch.get_rng_state().tolist())
    one, two, other = (build_mace(settings(seed=seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert (torch.get_default_dtype(), torch.get_rng_state().tolist()) == before


def test_importing_mace_does_not_make_torch_unpickle_anything() -> None:
    variable = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
    code = (
        "import os, sys; from spectral_ceilings.diagnostic.backbones.mace_model import mace_session\n"
        f"with mace_session(): print(os.environ[{variable!r}])\n"
        f"print(os.environ.get({variable!r}), 'mace' in sys.modules)\n"
        f"os.environ[{variable!r}] = '0'\n"
        "with mace_session(): pass\n"
        f"print(os.environ[{variable!r}])"
    )
    environment = {name: value for name, value in os.environ.items() if name != variable}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    # Nothing of mace's own chatter either: the output of a command may be JSON.
    assert (done.stdout.split("\n"), done.stderr) == (["1", "None True", "0", ""], "")
