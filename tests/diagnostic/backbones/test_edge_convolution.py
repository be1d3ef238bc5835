"""The cheaper convolution against e3nn's tensor product, whose values and gradients it has to have."""

from __future__ import annotations

import pytest
import torch

from spectral_ceilings.diagnostic.backbones.edge_convolution import EdgeConvolution, fits
from spectral_ceilings.diagnostic.backbones.irreps import o3
from spectral_ceilings.theory import InputError


def product(first: str, second: str, outputs: str, **options: bool) -> torch.nn.Module:
    """All paths between two irreps, as SevenNet and NequIP convolve: one weight a channel."""
    given, harmonics, allowed = o3.Irreps(first), o3.Irreps(second), o3.Irreps(outputs)
    paths = [
        (mul, ir, i, j)
        for i, (mul, ir_in) in enumerate(given)
        for j, (_, ir_edge) in enumerate(harmonics)
        for ir in ir_in * ir_edge
        if ir in allowed
    ]
    out, places, _ = o3.Irreps([(mul, ir) for mul, ir, _, _ in paths]).sort()
    instructions = [(i, j, places[k], "uvu", True) for k, (_, _, i, j) in enumerate(paths)]
    chosen = {"shared_weights": False, "internal_weights": False, **options}
    return o3.TensorProduct(given, harmonics, out, instructions, **chosen)


@pytest.fixture(autouse=True)
def _float64() -> object:
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(default)


@pytest.mark.parametrize(
    ("first", "second", "outputs"),
    [
        ("3x0e+2x1e+4x2e+1x3e", "1x0e+1x1e+1x2e+1x3e", "0e+1e+2e+3e"),
        ("3x0e+2x0o+2x1o+2x1e", "1x0e+1x1o+1x2e", "0e+0o+1e+1o+2e+2o"),
        ("4x0e", "1x0e+1x1o", "0e+1o"),
        ("4x0e+2x1o", "1x0e", "0e"),  # an entry that no path leaves
    ],
)
def test_sums_and_gradients_are_those_of_the_tensor_product(first: str, second: str, outputs: str) -> None:
    reference = product(first, second, outputs)
    convolution = EdgeConvolution(reference)
    torch.manual_seed(0)
    atoms, edges = 5, 17
    inputs = [
        torch.randn(atoms, o3.Irreps(first).dim, requires_grad=True),
        torch.randn(edges, o3.Irreps(second).dim, requires_grad=True),
        torch.randn(edges, reference.weight_numel, requires_grad=True),
    ]
    source, target = torch.randint(atoms, (edges,)), torch.randint(atoms, (edges,))
    messages = reference(inputs[0][source], inputs[1], inputs[2])
    expected = torch.zeros(atoms, messages.shape[1]).index_add(0, target, messages)
    computed = convolution(*inputs, source, target)
    # At most 7 x 7 products of order one and 17 edges are summed.
    assert torch.allclose(computed, expected, rtol=0.0, atol=1e-13)
    turned = torch.randn_like(expected)
    pairs = [torch.autograd.grad((value * turned).sum(), inputs) for value in (computed, expected)]
    for mine, theirs in zip(*pairs, strict=True):
        assert torch.allclose(mine, theirs, rtol=0.0, atol=1e-12)
    assert expected.abs().max() > 0.1


def test_many_edges_are_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a gradient too, which computes the messages again."""
    reference = product("3x0e+2x1o", "1x0e+1x1o", "0e+1o+1e")
    convolution = EdgeConvolution(reference)
    x = torch.randn(4, 9, requires_grad=True)
    harmonics, weights = torch.randn(25, 4, requires_grad=True), torch.randn(25, reference.weight_numel)
    source, target = torch.randint(4, (25,)), torch.randint(4, (25,))

    def answers() -> list[torch.Tensor]:
        value = convolution(x, harmonics, weights, source, target)
        with torch.no_grad():
            plain = convolution(x, harmonics, weights, source, target)
        return [value, plain, *torch.autograd.grad(value.square().sum(), (x, harmonics))]

    whole = answers()
    monkeypatch.setattr("spectral_ceilings.diagnostic.backbones.edge_convolution._EDGES_AT_A_TIME", 7)
    for part, expected in zip(answers(), whole, strict=True):
        assert torch.allclose(
            part, expected, rtol=0.0, atol=1e-12
        )  # sums of 25 terms of order one, in another order


def test_products_of_another_kind_are_refused() -> None:
    shared = product("2x0e+1x1o", "1x0e+1x1o", "0e+1o", shared_weights=True)
    two_channels = o3.FullyConnectedTensorProduct("2x0e", "2x0e", "2x0e")
    for other in (shared, two_channels):
        assert not fits(other)
        with pytest.raises(InputError, match="no product of features with one harmonic"):
            EdgeConvolution(other)
