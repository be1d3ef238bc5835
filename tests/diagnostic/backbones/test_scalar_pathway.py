"""Modules of the scalar pathway: their formulas, and NequIP and Allegro networks that have them; MACE has a file of its own."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from e3nn import o3

from spectral_ceilings.diagnostic.backbones.nequip_model import energy_part, interaction_layers
from spectral_ceilings.diagnostic.backbones.scalar_pathway import (
    PAN,
    PATHWAYS,
    PGSEdge,
    PGSReadout,
    envelope,
    hidden_units,
    soft_threshold,
)
from spectral_ceilings.diagnostic.backbones.scalar_pathway_places import pathway_of
from spectral_ceilings.theory import InputError

from scalar_pathways import (
    VARIANTS,
    aspirin,
    check_forces,
    check_symmetry,
    independent_s,
    kept_outputs,
    network,
    same_weights,
    settings,
)

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
pytest.importorskip("allegro", reason="the extra 'allegro' is not installed")

KINDS = ("nequip", "allegro")


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def test_s_is_the_formula_and_has_finite_derivatives_at_zero() -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=200) + 1j * rng.normal(size=200)) * 10.0 ** rng.uniform(-4, 1, size=200)
    real, imaginary = soft_threshold(torch.tensor(values.real), torch.tensor(values.imag))
    np.testing.assert_allclose(real.numpy() + 1j * imaginary.numpy(), independent_s(values), rtol=1e-12)
    one, _ = soft_threshold(torch.ones(1), torch.zeros(1))
    assert abs(one.item() - 0.749) < 5e-4  # as it is printed, to three digits
    for start in (0.0, 1e-3, 0.5):
        z = torch.tensor([start, 0.0], requires_grad=True)
        total = soft_threshold(z[:1], z[1:])[0].sum() + soft_threshold(z[:1], z[1:])[1].sum()
        (slope,) = torch.autograd.grad(total, z, create_graph=True)
        (second,) = torch.autograd.grad(slope.sum(), z)
        assert torch.isfinite(slope).all()
        assert torch.isfinite(second).all()


def test_pan_gives_a_number_between_zero_and_one_by_its_formula() -> None:
    rng = np.random.default_rng(1)
    module = PAN(8, rng)
    e, x = torch.tensor(30 * rng.normal(size=(50, 8))), torch.tensor(rng.uniform(size=(50, 1)))
    gate = module.gate(e, x).detach()
    assert gate.min() > 0
    assert gate.max() < 1
    inner = np.hstack([e.numpy(), x.numpy()]) @ module.first.detach().numpy().T
    outer = (inner / (1 + np.exp(-inner))) @ module.second.detach().numpy().T
    np.testing.assert_allclose(gate.numpy(), 1 / (1 + np.exp(-outer)), rtol=1e-12)
    scalars = torch.tensor(rng.normal(size=(50, 3)))
    np.testing.assert_allclose(
        module(scalars, e, x).detach().numpy(), gate.numpy() * scalars.numpy(), rtol=1e-15
    )


def test_pgs_edge_is_its_formula_and_vanishes_at_the_cutoff() -> None:
    rng = np.random.default_rng(2)
    module = PGSEdge(8, rng)
    e, x = rng.normal(size=(40, 8)), rng.uniform(0.05, 0.999, size=(40, 1))
    weights = {name: p.detach().numpy() for name, p in module.named_parameters()}
    n = np.arange(1, 13)
    low = (1 - x) ** 5 * np.sin(n * np.pi * x) / (n * np.pi * x)
    high = independent_s(np.exp(1j * np.linspace(0, np.pi, 4) * x)).real
    b = np.hstack([low, high])
    sigmoid = lambda value: 1 / (1 + np.exp(-value))  # noqa: E731
    mixed = weights["up"] @ weights["down"] @ weights["map"] @ (sigmoid(b @ weights["gate"].T) * b).T
    u = 1 - 28 * x**6 + 48 * x**7 - 21 * x**8
    expected = e + u * sigmoid(e @ weights["open"].T - 2) * mixed.T
    tensor = torch.tensor(e)
    np.testing.assert_allclose(
        module(tensor, tensor, torch.tensor(x)).detach().numpy(), expected, rtol=1e-12, atol=1e-13
    )
    ends = torch.tensor([[1.0], [1.2]])
    assert torch.equal(module(tensor[:2], tensor[:2], ends), tensor[:2])
    near = torch.tensor([[1 - 1e-3]])
    assert 0 < envelope(near).item() < 60 * 1e-9  # (1 - x)^3 p (p + 1) (p + 2) / 6 = 56 (1 - x)^3


@pytest.mark.parametrize("channels", [5, 40])
def test_pgs_readout_is_its_formula_and_leaves_zero(channels: int) -> None:
    rng = np.random.default_rng(3)
    module = PGSReadout(channels, rng)
    x = rng.normal(size=(20, channels))
    weights = {name: p.detach().numpy() for name, p in module.named_parameters()}
    hidden = min(16, channels)
    t = np.exp(-1j * np.outer(np.linspace(0, np.pi, 4), np.arange(hidden))) / np.sqrt(hidden)
    local = x @ weights["local"].T
    back = (independent_s((x @ weights["spectral"].T) @ t.T) @ t.conj()).real
    f = (0.5 * local / (1 + np.exp(-local)) + 0.5 * back) @ weights["out"].T
    expected = x + 0.1 / (1 + np.exp(-(x.mean(axis=1, keepdims=True) - 2))) * f
    nothing = torch.empty(0)
    np.testing.assert_allclose(
        module(torch.tensor(x), nothing, nothing).detach().numpy(), expected, rtol=1e-12, atol=1e-13
    )
    zero = torch.zeros(3, channels)
    assert torch.equal(module(zero, nothing, nothing), zero)


def test_plain_residuals_have_as_many_parameters_as_the_modules() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        channels = [int(c) for c in rng.integers(1, 40, size=4)]
        targets = [int(t) for t in rng.integers(2 * max(channels), 3000, size=4)]
        units = hidden_units(targets, channels)
        had = sum(2 * c * h for c, h in zip(channels, units, strict=True))
        # half of the cheapest unit, 2 c / 2
        assert abs(had - sum(targets)) <= min(channels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("names", "control"), VARIANTS)
def test_networks_are_equivariant_and_their_forces_are_gradients(
    kind: str, names: tuple[str, ...], control: bool
) -> None:
    frames = aspirin()
    plain_model, plain = network(kind)
    model, backbone = network(kind, names, control)
    same_weights(model, plain_model)
    check_symmetry(backbone, frames)
    check_forces(backbone, frames)
    assert [layer.irreps for layer in backbone.layers()] == [layer.irreps for layer in plain.layers()]
    one, two = (b.respond(frames, [], forces=True).energies for b in (plain, backbone))
    assert not np.array_equal(one, two)
    pathway = pathway_of(model)
    assert pathway is not None
    count = sum(p.numel() for p in pathway.parameters())
    if control:
        assert abs(count - pathway.parameters_of_modules) <= 8  # one hidden unit of four scalars
    else:
        assert count == pathway.parameters_of_modules


def check_place(product: Any, seen: dict[str, Any], columns: slice) -> None:
    """Everything but the scalars passes bit for bit."""
    raw = product.forward(*seen["inputs"])  # without hooks
    changed = seen["output"]
    others = torch.ones(raw.shape[-1], dtype=torch.bool)
    others[columns] = False
    assert others.any()
    assert torch.equal(raw[..., others], changed[..., others])
    assert (raw[..., columns] != changed[..., columns]).any(dim=-1).all()


@pytest.mark.parametrize("control", [False, True])
def test_pan_changes_the_scalars_of_messages_alone(control: bool) -> None:
    frames = aspirin(1)
    for kind in KINDS:
        model, backbone = network(kind, ("pan",), control)
        if kind == "nequip":
            products = [layer.conv.tp_scatter.tp for layer in interaction_layers(model)]
        else:
            products = [energy_part(model).allegro._env_weighter]
        seen: list[dict[str, Any]] = []

        def keep(_m: Any, inputs: Any, output: Any, seen: list[dict[str, Any]] = seen) -> None:
            seen.append({"inputs": inputs, "output": output})

        for product in products:
            product.register_forward_hook(keep)
        backbone.respond(frames, [], forces=False)
        assert len(seen) == 2  # layers
        for k, place in enumerate(seen):
            product = products[k] if kind == "nequip" else products[0]
            if kind == "allegro":
                check_place(product, place, slice(0, 1))
                continue
            irreps = product.irreps_out
            even = [
                part for part, (_, ir) in zip(irreps.slices(), irreps, strict=True) if ir == o3.Irrep("0e")
            ]
            if k == 0:  # the last layer has messages with l = 0 alone
                check_place(product, place, slice(even[0].start, even[-1].stop))


@pytest.mark.parametrize(("kind", "harmonics", "radial"), [
    ("nequip", {"model.func.spharm": "edge_attrs"}, "model.func.factor"),
    ("allegro", {"model.func.tensor_embed.sh": ""}, "model.func.radial_chemical_embed.bessel_encode"),
])  # fmt: skip
def test_pgs_edge_changes_radial_features_and_no_harmonics(
    kind: str, harmonics: dict[str, str], radial: str
) -> None:
    frames = aspirin(1)
    kept = []
    for names in ((), ("pgs-edge",)):
        model, backbone = network(kind, names)
        run = partial(backbone.respond, frames, [], forces=False)
        kept.append(kept_outputs(model, {**harmonics, radial: "edge_embedding"}, run))
    plain, changed = kept
    assert all(torch.equal(plain[name], changed[name]) for name in harmonics)
    assert (plain[radial] != changed[radial]).any(dim=1).all()


def test_settings_hold_each_name_once_in_one_order() -> None:
    chosen = settings("nequip", ("pgs-readout", "pan", "pan"))
    assert chosen.scalar_pathway == ("pan", "pgs-readout")
    assert type(chosen).from_dict(chosen.to_dict()) == chosen
    assert "scalar_pathway" not in settings("nequip").to_dict()
    assert "scalar_pathway_control" not in settings("nequip").to_dict()
    with pytest.raises(
        InputError, match=r"scalar_pathway names 'pam', expected some of pan, pgs-edge, pgs-readout"
    ):
        settings("nequip", ("pam",))
    with pytest.raises(InputError, match="scalar_pathway_control is the control of the modules"):
        settings("nequip", (), True)
    assert settings("nequip", PATHWAYS, True).to_dict()["scalar_pathway_control"] is True
