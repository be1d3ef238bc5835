"""Conventions of harmonics: each against a library that follows it, and each named when features follow it."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import sphericart
import torch
from e3nn import o3
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import sph_harm_y

from spectral_ceilings.diagnostic.backbones.conventions import (
    NORMS,
    ORDERS,
    SIGNS,
    Convention,
    ConventionFit,
    fitting_convention,
)
from spectral_ceilings.numerics import haar_rotations
from spectral_ceilings.numerics.wigner import wigner_d
from spectral_ceilings.theory import InputError

L_MAX = 4
VECTORS = np.random.default_rng(0).normal(size=(20, 3))
#: float64 harmonics of degree up to 4: a few dozen operations on numbers of order one.
ROUNDING = 1e-12


def e3nn_harmonics(vectors: np.ndarray, l: int) -> np.ndarray:
    return o3.spherical_harmonics(l, torch.tensor(vectors), normalize=True, normalization="norm").numpy()


def scipy_harmonics(l: int, condon_shortley: bool) -> np.ndarray:
    """Real harmonics with z as the polar axis from SciPy's complex ones, which carry the Condon-Shortley sign."""
    x, y, z = VECTORS.T
    theta, phi = np.arccos(z / np.linalg.norm(VECTORS, axis=1)), np.arctan2(y, x)
    columns = []
    for m in range(-l, l + 1):
        value = sph_harm_y(l, abs(m), theta, phi)
        part = value.real if m >= 0 else value.imag
        sign = 1.0 if condon_shortley else (-1.0) ** m
        columns.append(sign * part * (np.sqrt(2.0) if m else 1.0))
    return np.stack(columns, axis=1) * np.sqrt(4 * np.pi / (2 * l + 1))


Z_POLAR = (1, 2, 0)


@pytest.mark.parametrize("l", range(L_MAX + 1))
def test_a_polar_z_axis_is_scipys_and_sphericarts(l: int) -> None:
    ours = e3nn_harmonics(VECTORS, l) @ Convention(axes=Z_POLAR).matrix(l).T
    np.testing.assert_allclose(ours, scipy_harmonics(l, condon_shortley=False), atol=ROUNDING)
    theirs = sphericart.SphericalHarmonics(l_max=L_MAX).compute(VECTORS)[:, l * l : (l + 1) ** 2]
    np.testing.assert_allclose(ours, theirs * np.sqrt(4 * np.pi / (2 * l + 1)), atol=ROUNDING)


@pytest.mark.parametrize("l", range(L_MAX + 1))
def test_the_condon_shortley_sign_is_scipys(l: int) -> None:
    ours = e3nn_harmonics(VECTORS, l) @ Convention(axes=Z_POLAR, sign="odd m").matrix(l).T
    np.testing.assert_allclose(ours, scipy_harmonics(l, condon_shortley=True), atol=ROUNDING)


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("l", range(L_MAX + 1))
def test_axes_in_another_order_are_e3nns_harmonics_of_the_vector_in_that_order(
    axes: tuple[int, int, int], l: int
) -> None:
    ours = e3nn_harmonics(VECTORS, l) @ Convention(axes=axes).matrix(l).T
    theirs = e3nn_harmonics(VECTORS[:, axes], l)
    # An odd permutation is a rotation and the inversion, which is (-1)^l for the whole degree.
    odd = np.linalg.det(np.eye(3)[list(axes)]) < 0
    np.testing.assert_allclose(ours, theirs * ((-1.0) ** l if odd else 1.0), atol=ROUNDING)


def test_every_order_is_one_of_the_components_and_every_sign_differs() -> None:
    for l in range(L_MAX + 1):
        for order in ORDERS:
            matrix = Convention(order=order).matrix(l)
            assert sorted(np.argmax(matrix, axis=1)) == list(range(2 * l + 1))
            np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=ROUNDING)
    assert [m - 3 for m in np.argmax(Convention(order=ORDERS[2]).matrix(3), axis=1)] == [
        0,
        1,
        -1,
        2,
        -2,
        3,
        -3,
    ]
    assert [m - 2 for m in np.argmax(Convention(order=ORDERS[4]).matrix(2), axis=1)] == [2, -2, 1, -1, 0]
    assert len({tuple(np.diag(Convention(sign=sign).matrix(4))) for sign in SIGNS}) == len(SIGNS) == 8


IRREPS = "3x0e+3x1o+3x2e+3x3o"


def _turned(values: np.ndarray, rotations: np.ndarray, irreps: str = IRREPS) -> np.ndarray:
    """Turn features by e3nn's own Wigner matrices."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # e3nn takes angles in it
    try:
        matrices = o3.Irreps(irreps).D_from_matrix(torch.tensor(rotations)).numpy()
    finally:
        torch.set_default_dtype(before)
    return np.einsum("fij,faj->fai", matrices, values)


def features(seed: int = 0, irreps: str = IRREPS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features in e3nn's convention, of three frames of four atoms, turned by e3nn's own Wigner matrices."""
    rng = np.random.default_rng(seed)
    rotations = haar_rotations(3, rng)
    values = rng.normal(size=(3, 4, o3.Irreps(irreps).dim))
    return values, _turned(values, rotations, irreps), rotations


def written(
    values: np.ndarray, layout: str, by_degree: dict[int, Convention], irreps: str = IRREPS
) -> np.ndarray:
    """Write features of e3nn's convention and layout in another one."""
    parts = []
    parsed = o3.Irreps(irreps)
    for (mul, ir), where in zip(parsed, parsed.slices(), strict=True):
        part = values[..., where].reshape(*values.shape[:-1], mul, ir.dim)
        parts.append(part @ by_degree[ir.l].matrix(ir.l).T)
    if layout == "ir_mul":
        parts = [np.swapaxes(part, -1, -2) for part in parts]
    if layout == "channels outermost":
        return np.concatenate(parts, axis=-1).reshape(*values.shape[:-1], -1)
    return np.concatenate([part.reshape(*values.shape[:-1], -1) for part in parts], axis=-1)


SINGLE: list[tuple[str, dict[str, Any]]] = [
    ("ir_mul", {}),
    ("channels outermost", {}),
    *(("mul_ir", {"axes": axes}) for axes in ((1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0))),
    *(("mul_ir", {"order": order}) for order in ORDERS[1:]),
    *(("mul_ir", {"sign": sign}) for sign in SIGNS[1:]),
    *(("mul_ir", {"norm": norm}) for norm in NORMS[1:]),
]


@pytest.mark.parametrize(("layout", "kind"), SINGLE)
def test_each_convention_is_named_and_undone(layout: str, kind: dict[str, Any]) -> None:
    values, turned, rotations = features()
    everywhere = dict.fromkeys(range(4), Convention(**kind))
    given, given_turned = (written(v, layout, everywhere) for v in (values, turned))
    fit = fitting_convention(given, given_turned, rotations, IRREPS)
    assert fit is not None
    assert fit.layout == layout
    assert fit.error < 1e-12  # float64, matrices of at most 7 x 7
    assert {fit.by_degree[l] for l in (1, 2, 3)} == {Convention(**kind)}
    assert fit.words
    back = fit.to_e3nn(given)
    np.testing.assert_allclose(fit.to_e3nn(given_turned), _turned(back, rotations), atol=1e-12)


PAIRS = [
    (a, b)
    for a, b in combinations([{"axes": (1, 2, 0)}, {"order": ORDERS[2]}, {"sign": "odd m"}, {"sign": "negative m"},
                              {"norm": 2.0**0.5}], 2)
    if set(a) != set(b)
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("layout", ["mul_ir", "ir_mul"])
def test_two_at_once_are_named(one: dict[str, Any], other: dict[str, Any], layout: str) -> None:
    values, turned, rotations = features(1)
    kind = Convention(**one, **other)
    everywhere = dict.fromkeys(range(4), kind)
    fit = fitting_convention(*(written(v, layout, everywhere) for v in (values, turned)), rotations, IRREPS)
    assert fit is not None
    assert fit.layout == layout
    assert {fit.by_degree[l] for l in (1, 2, 3)} == {kind}


def test_vectors_as_x_y_z_beside_textbook_order_above_are_told_apart() -> None:
    values, turned, rotations = features(2)
    mixed = {0: Convention(), 1: Convention(), 2: Convention(axes=Z_POLAR), 3: Convention(axes=Z_POLAR)}
    fit = fitting_convention(*(written(v, "mul_ir", mixed) for v in (values, turned)), rotations, IRREPS)
    assert fit is not None
    assert {l: fit.by_degree[l] for l in (1, 2, 3)} == {l: mixed[l] for l in (1, 2, 3)}
    assert "l = 1: as e3nn has it; l = 2: harmonics are Y(y, z, x)" in fit.words


def test_a_transposed_rotation_is_named_and_cannot_be_undone() -> None:
    values, _, rotations = features(3)
    fit = fitting_convention(values, _turned(values, np.swapaxes(rotations, 1, 2)), rotations, IRREPS)
    assert fit is not None
    assert fit.transposed
    assert "transposed rotation" in fit.words
    with pytest.raises(InputError, match="correct the rotation in the model"):
        fit.to_e3nn(values)


def test_irreps_in_another_order_are_named() -> None:
    values, turned, rotations = features(4, "3x1o+3x0e+2x2e")
    fit = fitting_convention(values, turned, rotations, "3x0e+3x1o+2x2e")
    assert fit is not None
    assert fit.reordered
    assert fit.irreps == "3x1o+3x0e+2x2e"
    assert "declare 3x1o+3x0e+2x2e" in fit.words


def test_features_as_declared_are_e3nns_convention() -> None:
    values, turned, rotations = features(5)
    fit = fitting_convention(values, turned, rotations, IRREPS)
    assert fit == ConventionFit(IRREPS, "mul_ir", dict.fromkeys(range(4), Convention()), False, fit.error)
    assert fit.words == ""
    np.testing.assert_array_equal(fit.to_e3nn(values), values)


@given(seed=st.integers(0, 10_000), size=st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_features_that_follow_no_convention_are_given_none(seed: int, size: float) -> None:
    """Turned by an unrelated rotation, with a part that turns rightly: nothing known leaves a tenth of the miss."""
    values, turned, rotations = features(seed)
    other = _turned(values, haar_rotations(3, np.random.default_rng(seed + 1)))
    mixed = (1.0 - 0.6 * size) * other + 0.6 * size * turned
    assert fitting_convention(values, mixed, rotations, IRREPS) is None


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(SINGLE[2:]))
@settings(max_examples=30, deadline=None)
def test_a_convention_is_seen_through_an_approximate_symmetry(
    seed: int, kind: tuple[str, dict[str, Any]]
) -> None:
    values, turned, rotations = features(seed)
    everywhere = dict.fromkeys(range(4), Convention(**kind[1]))
    given_features, given_turned = (written(v, "mul_ir", everywhere) for v in (values, turned))
    noise = 5e-3 * np.random.default_rng(seed).normal(size=given_turned.shape)
    fit = fitting_convention(given_features, given_turned + noise, rotations, IRREPS)
    assert fit is not None
    assert {fit.by_degree[l] for l in (1, 2, 3)} == {Convention(**kind[1])}
    assert 1e-3 < fit.error < 1e-1


def test_the_matrices_are_of_our_own_wigner_convention() -> None:
    """The turned axes are a rotation of e3nn's: the group law of its matrices holds for them."""
    rotation = haar_rotations(1, np.random.default_rng(6))[0]
    for l in range(L_MAX + 1):
        q = Convention(axes=Z_POLAR).matrix(l)
        permutation = np.eye(3)[list(Z_POLAR)]
        expected = wigner_d(l, permutation @ rotation @ permutation.T)
        np.testing.assert_allclose(q @ wigner_d(l, rotation) @ q.T, expected, atol=ROUNDING)
