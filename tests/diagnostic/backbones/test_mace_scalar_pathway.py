"""MACE networks with modules on their scalar pathway."""

from functools import partial
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from spectral_ceilings.diagnostic.backbones.scalar_pathway_places import pathway_of

from scalar_pathways import (
    VARIANTS,
    aspirin,
    check_forces,
    check_symmetry,
    kept_outputs,
    network,
    same_weights,
)

if find_spec("mace") is None:
    pytest.skip("the extra 'mace' is not installed", allow_module_level=True)


@pytest.mark.parametrize(("names", "control"), VARIANTS)
def test_networks_are_equivariant_and_their_forces_are_gradients(
    names: tuple[str, ...], control: bool
) -> None:
    frames = aspirin()
    plain_model, plain = network("mace")
    model, backbone = network("mace", names, control)
    same_weights(model, plain_model)
    check_symmetry(backbone, frames)
    check_forces(backbone, frames)
    assert [layer.irreps for layer in backbone.layers()] == [layer.irreps for layer in plain.layers()]
    pathway = pathway_of(model)
    assert pathway is not None
    count = sum(p.numel() for p in pathway.parameters())
    assert abs(count - pathway.parameters_of_modules) <= (
        8 if control else 0
    )  # a hidden unit of four scalars


@pytest.mark.parametrize("control", [False, True])
def test_modules_change_scalars_alone(control: bool) -> None:
    frames = aspirin(1)
    model, backbone = network("mace", ("pan", "pgs-readout"), control)
    seen: dict[str, tuple[Any, Any]] = {}

    def keep(_module: Any, inputs: Any, output: Any, name: str) -> None:
        seen[name] = (inputs, output)

    names = ["interactions.0.conv_tp", "interactions.1.conv_tp", "products.0", "readouts.0"]
    for name in names:
        model.get_submodule(name).register_forward_hook(partial(keep, name=name))
    backbone.respond(frames, [], forces=False)
    for name in names[:2]:
        product = model.get_submodule(name)
        inputs, changed = seen[name]
        raw = product.forward(*inputs)  # without hooks
        irreps = product.irreps_out
        scalars = sum(
            mul for mul, ir in irreps if ir.l == 0
        )  # harmonics of natural parity: all of them 0e, and first
        assert 0 < scalars < irreps.dim
        assert torch.equal(raw[:, scalars:], changed[:, scalars:])
        assert (raw[:, :scalars] != changed[:, :scalars]).any(dim=1).all()
    features, read = seen["products.0"][1], seen["readouts.0"][0][0]
    assert torch.equal(features[:, 4:], read[:, 4:])
    assert (features[:, :4] != read[:, :4]).any(dim=1).all()


def test_pgs_edge_changes_radial_features_and_no_harmonics() -> None:
    frames = aspirin(1)
    kept = []
    for names in ((), ("pgs-edge",)):
        model, backbone = network("mace", names)
        run = partial(backbone.respond, frames, [], forces=False)
        kept.append(kept_outputs(model, {"spherical_harmonics": "", "radial_embedding": 0}, run))
    plain, changed = kept
    assert torch.equal(plain["spherical_harmonics"], changed["spherical_harmonics"])
    assert (plain["radial_embedding"] != changed["radial_embedding"]).any(dim=1).all()
