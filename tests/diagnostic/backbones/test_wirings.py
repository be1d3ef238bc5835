"""The wiring of real models: what their own modules say of irreps, degrees and weights."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.backbones.architecture import architecture
from spectral_ceilings.diagnostic.backbones.backbone import Backbone, BackboneInfo
from spectral_ceilings.diagnostic.backbones.features import Features, Layer
from spectral_ceilings.diagnostic.backbones.wirings import model_wiring
from spectral_ceilings.diagnostic.frames import Frames
from spectral_ceilings.theory import (
    InputError,
    Wiring,
    knob_costs,
    layer_ceilings,
    model_cost,
    parse_irreps,
    wiring,
)


class Listed(Backbone):
    """A backbone that says what it is, and computes nothing."""

    def __init__(self, kind: str, layers: dict[str, str], **builder: Any) -> None:
        self.info = BackboneInfo("listed", kind, None, builder=builder)
        self._layers = [Layer(name, irreps) for name, irreps in layers.items()]

    def layers(self) -> list[Layer]:
        return self._layers

    def features(self, frames: Frames, layer: str) -> Features:
        raise NotImplementedError

    def forces(self, frames: Frames) -> NDArray[np.float64]:
        raise NotImplementedError


def built(kind: str, **arguments: Any) -> tuple[Any, Backbone]:
    """Return a model of the real package with random weights, and its backbone."""
    made = architecture(kind)
    settings = made.settings(type_names=("H", "O"), r_max=4.0, **arguments)
    model = made.build(settings, "float64")
    return model, made.wrap(model, settings, BackboneInfo("test", kind, False, builder=settings.to_dict()))


def same(first: Wiring, second: Wiring) -> None:
    """Compare, whatever the order of terms within the irreps of a layer."""
    for name in (
        "kind",
        "edges",
        "embedding",
        "correlations",
        "messages",
        "width",
        "scalars",
        "linear_readout",
    ):
        assert getattr(first, name) == getattr(second, name), name
    for one, other in zip(first.layers, second.layers, strict=True):
        assert sorted(parse_irreps(one)) == sorted(parse_irreps(other))


@pytest.mark.parametrize(
    ("kind", "l_max", "layers", "parity"),
    [("nequip", 1, 2, True), ("nequip", 2, 3, True), ("nequip", 2, 3, False), ("nequip", 1, 1, True),
     ("allegro", 1, 2, True), ("allegro", 2, 3, True), ("allegro", 2, 2, False)],
)  # fmt: skip
def test_hyper_parameters_give_the_layers_that_the_package_builds(
    kind: str, l_max: int, layers: int, parity: bool
) -> None:
    pytest.importorskip({"nequip": "nequip", "allegro": "allegro"}[kind])
    _, backbone = built(kind, l_max=l_max, num_layers=layers, num_features=4, parity=parity)
    same(
        model_wiring(backbone),
        wiring(kind, l_max=l_max, channels=4, layers=layers, parity=parity),  # type: ignore[arg-type]
    )


def test_networks_on_distances_are_those_of_the_model() -> None:
    pytest.importorskip("nequip")
    model, backbone = built("nequip", l_max=2, num_layers=3, num_features=4, radial_mlp_width=16)
    counted = 0
    for module in model.modules():
        if type(module).__name__ == "ConvNetLayer":
            sizes = module.conv.edge_mlp.dims
            counted += sum(a * b for a, b in pairwise(sizes))
    assert model_cost(model_wiring(backbone), 6).networks == 6 * counted > 0


def test_linear_maps_are_those_of_the_model() -> None:
    pytest.importorskip("nequip")
    model, backbone = built("nequip", l_max=2, num_layers=2, num_features=4)
    counted = 0
    for module in model.modules():
        if type(module).__name__ == "ConvNetLayer":
            for linear in (module.conv.linear_1, module.conv.linear_2):
                for path in linear.instructions:
                    counted += int(np.prod(path.path_shape)) * linear.irreps_out[path.i_out].ir.dim
            if (
                module.conv.sc is not None
            ):  # with the chemical element as the second operand: one of its channels
                for path in module.conv.sc.instructions:
                    counted += (
                        path.path_shape[0] * path.path_shape[2] * module.conv.sc.irreps_out[path.i_out].ir.dim
                    )
            else:  # a self-connection in the first layer is counted, which this release leaves out
                counted += 4 * (4 + 8)
    assert model_cost(model_wiring(backbone), 6).mixing == counted


@pytest.mark.parametrize(("l_max", "max_ell", "correlation"), [(1, 3, 3), (2, 2, 2)])
def test_mace(l_max: int, max_ell: int, correlation: int) -> None:
    pytest.importorskip("mace", reason="mace-torch is not installed: it needs an environment of its own")
    _, backbone = built(
        "mace", l_max=l_max, num_layers=2, num_features=4, max_ell=max_ell, correlation=(correlation,)
    )
    expected = wiring("mace", l_max=l_max, channels=4, layers=2, l_edge=max_ell, correlation=correlation)
    same(model_wiring(backbone), expected)


def test_what_a_mace_lists_is_enough() -> None:
    layers = {
        "message0": "4x0e+4x1o+4x2e",
        "message1": "4x0e+4x1o+4x2e",
        "layer0": "4x0e+4x1o",
        "layer1": "4x0e",
    }
    listed = Listed("mace", layers, max_ell=2, correlation=[2, 2], radial_mlp=[64, 64, 64], gate="silu")
    same(model_wiring(listed), wiring("mace", l_max=1, channels=4, layers=2, l_edge=2, correlation=2))


def test_sevennet() -> None:
    pytest.importorskip("sevenn")
    from spectral_ceilings.diagnostic import load_backbone

    network = model_wiring(load_backbone("sevenn:7net-0"))
    assert network.edges == "1x0e+1x1e+1x2e"  # built for SO(3)
    assert network.layers[0] == "128x0e+64x1e+32x2e"
    assert [row.ceiling for row in layer_ceilings(network)][:3] == [2, 2, 4]
    assert [cost.knob for cost in knob_costs(network, 30, further=50)] == [
        "degree",
        "radial",
        "order",
        "cutoff",
    ]


def test_a_network_in_the_frame_of_the_edge() -> None:
    irreps = "8x0e+8x1o+8x2e"
    listed = Listed(
        "uma",
        {"layer0": irreps, "layer1": irreps},
        l_max=2,
        mmax=1,
        sphere_channels=8,
        hidden_channels=6,
        edge_channels=5,
    )
    network = model_wiring(listed)
    assert (network.layers, network.m_max, network.hidden, network.width) == ((irreps, irreps), 1, 6, 5)
    assert {row.name: row.ceiling for row in layer_ceilings(network)}["readout of degree 2 of layer 1"] == 4


def test_another_builder_of_nequip() -> None:
    layers = {"layer0": "4x0e+4x1o", "layer1": "4x0e"}
    assert model_wiring(Listed("nequip", layers, irreps_edge_sh="1x0e + 1x1o + 1x2e")).l_edge == 2
    assert model_wiring(Listed("nequip", layers, irreps_edge_sh=3)).l_edge == 3
    assert model_wiring(Listed("nequip", layers)).l_edge == 1


@pytest.mark.parametrize(
    "backbone", [Listed("callable", {"layer0": "4x0e"}), Listed("nequip", {"layer0": ""})]
)
def test_other_models_are_refused(backbone: Backbone) -> None:
    with pytest.raises(InputError, match="ceilings of single layers are known of NequIP"):
        model_wiring(backbone)
