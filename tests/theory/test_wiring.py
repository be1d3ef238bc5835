"""Ceilings of layers and their costs: against e3nn's own tensor products, and against counts by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from spectral_ceilings.theory import (
    InputError,
    Wiring,
    harmonics_cost,
    knob_costs,
    layer_ceilings,
    model_cost,
    wiring,
)
from spectral_ceilings.theory.model_costs import doubled, multiplied, paths, raised

o3 = pytest.importorskip("e3nn").o3

NETWORKS = {
    "nequip": wiring("nequip", l_max=2, channels=4, layers=3),
    "nequip-1": wiring("nequip", l_max=1, channels=4, layers=1),
    "natural": wiring("nequip", l_max=3, channels=2, layers=4, parity=False),
    "sevennet": replace(
        wiring("sevennet", l_max=2, channels=4, layers=3),
        edges="1x0e+1x1e+1x2e",
        layers=("8x0e+4x1e+2x2e", "8x0e+4x1e+2x2e", "8x0e"),
    ),
    "mace": wiring("mace", l_max=1, channels=4, layers=2),
    "mace-3": wiring("mace", l_max=2, channels=4, layers=3, l_edge=2, correlation=2),
    "allegro": wiring("allegro", l_max=2, channels=4, layers=3),
    "escn": wiring("escn", l_max=3, channels=4, layers=2, m_max=2),
}


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "escn"])
def test_a_message_reaches_what_the_tensor_product_of_e3nn_holds(name: str) -> None:
    network = NETWORKS[name]
    rows = [
        row for row in layer_ceilings(network) if row.name.startswith("layer") and "product" not in row.name
    ]
    assert len(rows) == len(network.layers)
    for row, entering in zip(rows, network.inputs, strict=True):
        product = o3.FullTensorProduct(o3.Irreps(entering), o3.Irreps(network.edges)).irreps_out
        assert row.ceiling == product.lmax
        assert row.takes_in == f"{entering} and {network.edges}"
        assert row.l_out == o3.Irreps(row.gives_back).lmax <= row.ceiling
        # nothing is given back that the product does not hold
        assert {ir for _, ir in o3.Irreps(row.gives_back)} <= {ir for _, ir in product}


@pytest.mark.parametrize("name", ["mace", "mace-3"])
def test_products_and_readouts_reach_what_symmetric_powers_hold(name: str) -> None:
    network = NETWORKS[name]
    for row in layer_ceilings(network, degrees=(1, 2, 3)):
        if row.name.startswith(("readout", "layer 0: product")):
            assert row.degree is not None
            once = o3.Irreps([(1, ir) for _, ir in o3.Irreps(row.takes_in)])
            power = once
            for _ in range(row.degree - 1):
                power = o3.Irreps(
                    [(1, ir) for _, ir in o3.FullTensorProduct(power, once).irreps_out.simplify()]
                )
            assert row.ceiling == power.lmax


def test_what_is_seen_of_one_direction() -> None:
    rows = {row.name: row for row in layer_ceilings(wiring("mace", l_max=2, channels=4, layers=2, l_edge=2))}
    # correlation 3: scalars see L floor(3/2), l = 2 sees 4; of two layers L floor(3 (3 + 1) / 2)
    assert rows["layer 0: product"].sees == 4
    assert rows["layer 1: product"].sees == 12
    assert rows["energy"].sees is None  # the last readout is a network
    assert (
        layer_ceilings(replace(wiring("mace", l_max=0, channels=4, layers=1, l_edge=2), linear_readout=True))[
            -1
        ].sees
        == 2
    )
    gated = {row.name: row for row in layer_ceilings(NETWORKS["nequip"])}
    assert (gated["layer 0"].sees, gated["layer 1"].sees, gated["layer 1"].degree) == (2, None, None)


@pytest.mark.parametrize("name", ["nequip", "nequip-1", "natural", "sevennet", "mace"])
def test_products_and_networks_are_counted_as_e3nn_lists_them(name: str) -> None:
    """The same with a TensorProduct of e3nn: its instructions, and its weights."""
    network = NETWORKS[name]
    products = weights = 0
    for entering, given in zip(network.inputs, network.messages or network.layers, strict=True):
        first, second = o3.Irreps(entering), o3.Irreps(network.edges)
        out, kept = [], {ir for _, ir in o3.Irreps(given)}
        instructions = []
        for i, (mul, ir) in enumerate(first):
            for j, (_, other) in enumerate(second):
                for ir_out in ir * other:
                    if ir_out in kept:
                        instructions.append((i, j, len(out), "uvu", True))
                        out.append((mul, ir_out))
        product = o3.TensorProduct(
            first, second, o3.Irreps(out), instructions, shared_weights=False, internal_weights=False
        )
        weights += product.weight_numel
        for path in product.instructions:
            (mul, a), (_, b), (_, c) = first[path.i_in1], second[path.i_in2], product.irreps_out[path.i_out]
            products += mul * a.dim * b.dim * c.dim
    cost = model_cost(network, 7)
    assert cost.products == 7 * products
    depth = {"nequip": 1, "sevennet": 2, "mace": 3}[network.kind]
    assert cost.networks == 7 * (len(network.layers) * (8 * 64 + (depth - 1) * 64**2) + 64 * weights)
    assert cost.harmonics == 7 * harmonics_cost(network.l_edge)


def test_a_small_mace_by_hand() -> None:
    """One channel, L = 1, correlation 2, one layer: messages 0e + 1o, D = 4, scalars kept."""
    cost = model_cost(wiring("mace", l_max=0, channels=1, layers=1, l_edge=1, correlation=2), 1)
    assert cost.products == 1 * 1 * 1 + 1 * 3 * 3
    assert cost.contractions == 4 + 16
    # before: 1; after: 0e 1, 1o 3; self-connection 1; after the product 1
    assert cost.mixing == 1 + 4 + 1 + 1
    assert cost.total == 3 + (8 * 64 + 2 * 64**2 + 64 * 2) + 10 + 20 + 7


def test_a_convolution_in_the_frame_of_the_edge_mixes_the_orders_that_it_keeps() -> None:
    """What its matrices hold, filled in by hand: m = 0 once, each other m as a complex number."""
    network, channels = NETWORKS["escn"], 4
    entries = 0
    for m in range(3):
        rows = columns = 3 - m + 1
        block = torch.ones(rows * 2 * channels, columns * channels)
        entries += int(block.numel()) * (1 if m == 0 else 4)
    back = entries // 2
    turned = sum((2 * l + 1) ** 2 for l in range(4))
    assert model_cost(network, 5).products == 2 * 5 * (3 * channels * turned + entries + back)


def test_knobs_change_what_they_are_named_for() -> None:
    for network in NETWORKS.values():
        assert raised(network).l_max == network.l_max + (1 if network.l_max else 0)
        assert raised(network).l_edge == network.l_edge + (2 if network.kind == "escn" else 1)
        assert {t.ir for t in o3.Irreps(network.layers[0])} <= {
            t.ir for t in o3.Irreps(raised(network).layers[0])
        }
        assert o3.Irreps(doubled(network).layers[0]).dim == 2 * o3.Irreps(network.layers[0]).dim
        wider = multiplied(network)
        assert len(wider.layers) == len(network.layers) + (network.kind != "mace")
        costs = {cost.knob: cost for cost in knob_costs(network, 12, cutoff=4)}
        assert list(costs) == ["degree", "radial", "order", "cutoff"]
        assert all(cost.factor == Fraction(cost.after, cost.before) > 1 for cost in costs.values())
    # as a network of that size is built
    for kind in ("nequip", "allegro", "mace", "escn"):
        built = wiring(kind, l_max=2, channels=4, layers=3, l_edge=None if kind != "mace" else 2)
        lower = wiring(kind, l_max=1, channels=4, layers=3, l_edge=None if kind != "mace" else 1)
        assert model_cost(raised(lower), 9).total == model_cost(built, 9).total
        assert doubled(lower).layers == wiring(kind, l_max=1, channels=8, layers=3).layers


def test_neighbours_within_a_longer_cutoff() -> None:
    network = NETWORKS["nequip"]
    (cost,) = [each for each in knob_costs(network, 10, cutoff=4) if each.knob == "cutoff"]
    assert cost.step == "10 to 20 neighbours"  # 10 (5/4)^3 = 19.5
    assert cost.after == model_cost(network, 20).total
    assert knob_costs(network, 10, further=13)[-1].after == model_cost(network, 13).total
    assert [each.knob for each in knob_costs(network, 10)] == ["degree", "radial", "order"]


def test_paths_keep_parity() -> None:
    assert not list(paths("4x1e", "1x1o", "1x0e"))
    assert [c for _, _, c in paths("4x1o", "1x1o", "1x0e+1x1e+1x1o")] == [(0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Wiring("gnn", "1x0e", "1x0e", ("1x0e",)), "kind = 'gnn'"),  # type: ignore[arg-type]
        (lambda: Wiring("nequip", "1x0e", "1x0e", ()), "no layers"),
        (lambda: Wiring("nequip", "0e?", "1x0e", ("1x0e",)), "not an irrep"),
        (lambda: Wiring("mace", "1x0e", "1x0e", ("1x0e",)), "a correlation"),
        (lambda: wiring("nequip", l_max=-1, channels=1, layers=1), "l_max = -1"),
        (lambda: wiring("nequip", l_max=1, channels=0, layers=1), "channels = 0"),
        (lambda: wiring("mace", l_max=1, channels=1, layers=1, correlation=0), "correlation = 0"),
        (lambda: layer_ceilings(NETWORKS["nequip"], degrees=(0,)), "degree = 0"),
        (lambda: model_cost(NETWORKS["nequip"], 0), "neighbours = 0"),
        (lambda: knob_costs(NETWORKS["nequip"], 5, cutoff=0), "cutoff = 0"),
        (lambda: knob_costs(NETWORKS["nequip"], 5, further=4), "further = 4"),
    ],
)
def test_wrong_input_is_named(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
