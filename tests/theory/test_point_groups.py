"""Invariants of point groups against Molien series in closed form, and against averages over matrices by SciPy and e3nn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from e3nn import o3
from point_group_matrices import SYMBOLS, elements
from scipy.spatial.transform import Rotation

from spectral_ceilings.theory import InputError, invariant_table, minimal_pairs, point_group, reaches

_T = sp.Symbol("t")
_TOP = 30


def _series(expression: Any) -> tuple[int, ...]:
    numerator, denominator = sp.fraction(sp.together(expression))
    top, bottom = sp.Poly(numerator, _T), sp.Poly(sp.expand(denominator), _T)
    coefficients: list[int] = []
    for n in range(_TOP + 1):
        value = top.coeff_monomial(_T**n) - sum(
            bottom.coeff_monomial(_T**k) * coefficients[n - k] for k in range(1, n + 1)
        )
        coefficients.append(int(value / bottom.coeff_monomial(1)))
    return tuple(coefficients)


# Harmonic Molien series (B. Meyer, Can. J. Math. 6, 135 (1954)).
_CLOSED = {
    "T": (1 + _T**6) / ((1 - _T**3) * (1 - _T**4)),
    "O": (1 + _T**9) / ((1 - _T**4) * (1 - _T**6)),
    "I": (1 + _T**15) / ((1 - _T**6) * (1 - _T**10)),
    "Td": 1 / ((1 - _T**3) * (1 - _T**4)),
    "Th": (1 + _T**6) / ((1 - _T**4) * (1 - _T**6)),
    "Oh": 1 / ((1 - _T**4) * (1 - _T**6)),
    "Ih": 1 / ((1 - _T**6) * (1 - _T**10)),
}
for _n in range(1, 8):
    _CLOSED[f"C{_n}"] = (1 + _T**_n) / ((1 - _T) * (1 - _T**_n))
    _CLOSED[f"C{_n}v"] = 1 / ((1 - _T) * (1 - _T**_n))
    if _n > 1:
        _CLOSED[f"D{_n}"] = (1 + _T ** (_n + 1)) / ((1 - _T**2) * (1 - _T**_n))


@pytest.mark.parametrize("symbol", _CLOSED)
def test_the_molien_series_have_their_closed_forms(symbol: str) -> None:
    assert invariant_table(symbol, _TOP) == _series(_CLOSED[symbol])


@pytest.mark.parametrize(
    ("symbol", "name"), [("C5", "C5"), ("D3", "D3"), ("D6", "D6"), ("T", "T"), ("O", "O"), ("I", "I")]
)
def test_averages_over_scipys_groups_agree(symbol: str, name: str) -> None:
    group = Rotation.create_group(name)
    angles = group.magnitude()
    assert len(angles) == point_group(symbol).order
    for degree in range(16):
        orders = np.arange(-degree, degree + 1)
        average = np.cos(orders[:, None] * angles).sum() / len(angles)
        # A mean of 2l+1 <= 31 cosines, each good to l times the rounding of an angle.
        assert abs(average - point_group(symbol).invariants(degree)) < 31 * 16 * 8 * np.finfo(np.float64).eps


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_averages_of_e3nns_characters_over_explicit_matrices_agree(symbol: str) -> None:
    matrices, group = torch.from_numpy(elements(symbol)), point_group(symbol)
    assert group.order == len(matrices)
    assert group.improper == bool((torch.linalg.det(matrices) < 0).any())
    assert group.inversion == bool((matrices + torch.eye(3)).abs().amax(dim=(1, 2)).min() < 0.1)
    for degree in range(9):
        for parity in (1, -1):
            turned = o3.Irrep(degree, parity).D_from_matrix(matrices)
            average = float(torch.einsum("nii->", turned)) / len(matrices)
            # Traces of 2l+1 <= 17 entries, which e3nn gives to 1e-7 at worst (its tables of J are float32 in part).
            assert abs(average - group.invariants(degree, parity)) < 17e-6
        assert group.invariants(degree) == group.invariants(degree, (-1) ** degree)


@pytest.mark.parametrize("symbol", [*SYMBOLS, "C∞v", "D∞h", "C∞", "Kh"])
def test_the_molien_series_generates_the_invariants(symbol: str) -> None:
    assert _series(point_group(symbol).molien_series()) == invariant_table(symbol, _TOP)


def _is_zonal(coefficients: np.ndarray, l: int) -> bool:
    """Whether some rotation leaves the harmonic with these coefficients unchanged to first order: J f = 0 for some J."""
    turned = []
    for axis in np.eye(3):
        generators = [Rotation.from_rotvec(sign * 1e-4 * axis).as_matrix() for sign in (1, -1)]
        forward, back = (
            o3.Irrep(l, (-1) ** l).D_from_matrix(torch.from_numpy(m)).numpy() for m in generators
        )
        turned.append((forward - back) @ coefficients / 2e-4)
    singular = np.linalg.svd(np.array(turned), compute_uv=False)
    # Derivatives by differences are good to l^3 1e-8 of singular values of order l.
    return bool(singular[-1] < 1e-3 * singular[0])


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_smallest_field_of_no_continuous_symmetry(symbol: str) -> None:
    """Random invariants, by averaging over explicit matrices: below the smallest l all are zonal, at it they are not."""
    matrices, smallest = torch.from_numpy(elements(symbol)), point_group(symbol).smallest_distinct_l()
    random = np.random.default_rng(0)
    for l in range(1, min(smallest, 8) + 1):
        projector = o3.Irrep(l, (-1) ** l).D_from_matrix(matrices).mean(dim=0).numpy()
        invariant = projector @ random.normal(size=2 * l + 1)
        if np.linalg.norm(invariant) > 1e-3:
            assert _is_zonal(invariant, l) == (l < smallest)
        else:
            assert l < smallest


@pytest.mark.parametrize("fold", range(2, 13))
def test_cyclic_fields_start_at_their_fold(fold: int) -> None:
    assert point_group(f"C{fold}").smallest_distinct_l() == fold
    assert point_group(f"C{fold}v").smallest_distinct_l() == fold
    assert point_group(f"C{fold}").smallest_l() == 1
    assert point_group(f"D{fold}").smallest_distinct_l() == fold
    assert point_group(f"D{fold}").smallest_l() == 2


def test_without_an_axis_it_takes_two() -> None:
    """Every field of degree 1 is a . r, axially symmetric about a."""
    for symbol in ("C1", "C1v", "C1h", "Cs", "Ci"):
        assert point_group(symbol).smallest_distinct_l() == 2


def test_all_that_is_of_degree_one_has_a_continuous_symmetry() -> None:
    for symbol in SYMBOLS:
        group = point_group(symbol)
        assert group.continuous_invariants(1) == group.invariants(1)
        assert all(group.continuous_invariants(l) <= min(1, group.invariants(l)) for l in range(2, 9))
    # The zonal harmonics of C∞v and D∞h, where the group keeps the direction of its axis and where it does not.
    assert [point_group("C4v").continuous_invariants(l) for l in range(6)] == list(invariant_table("C∞v", 5))
    assert [point_group("D4").continuous_invariants(l) for l in range(6)] == list(invariant_table("D∞h", 5))
    assert [point_group("S4").continuous_invariants(l) for l in range(6)] == list(invariant_table("D∞h", 5))


def test_benzene_is_d6h() -> None:
    assert invariant_table("D6h", 8) == (1, 0, 1, 0, 1, 0, 2, 0, 2)
    assert point_group("D6h").order == 24
    assert [point_group(s).smallest_distinct_l() for s in ("D6h", "D5h", "D5d", "D4d", "D3d", "D2d", "C3h", "S4")] == [
        6, 5, 6, 5, 4, 3, 3, 3,
    ]  # fmt: skip


def test_continuous_groups() -> None:
    assert invariant_table("C∞v", 5) == invariant_table("Cinfv", 5) == (1,) * 6
    assert invariant_table("D∞h", 5) == (1, 0) * 3
    assert invariant_table("C∞v", 4, 1) == (1, 0, 1, 0, 1)  # no pseudovector
    assert invariant_table("Kh", 3) == (1, 0, 0, 0)
    assert point_group("Kh").smallest_l() is None
    for symbol in ("C∞v", "Kh"):
        assert point_group(symbol).order is None
        with pytest.raises(InputError, match="is continuous"):
            point_group(symbol).smallest_distinct_l()
        with pytest.raises(InputError, match="infinitely many"):
            point_group(symbol).operation_counts()


def test_the_polyhedral_groups_start_where_known() -> None:
    starts = {
        symbol: point_group(symbol).smallest_distinct_l()
        for symbol in ("T", "Td", "Th", "O", "Oh", "I", "Ih")
    }
    assert starts == {"T": 3, "Td": 3, "Th": 4, "O": 4, "Oh": 4, "I": 6, "Ih": 6}
    assert all(point_group(symbol).smallest_l() == l for symbol, l in starts.items())


def test_axes_account_for_every_rotation() -> None:
    for symbol in ("C4", "C6", "D2", "D5", "T", "O", "I"):
        group = point_group(symbol)
        assert 1 + sum(count * (n - 1) for n, count in group.axes) == group.order


def test_the_five_fold_field_needs_a_ceiling_of_five() -> None:
    assert [reaches("C5", *pair) for pair in ((2, 2), (2, 3), (3, 2), (5, 1), (1, 5))] == [
        False,
        True,
        True,
        True,
        True,
    ]
    assert reaches("I", 3, 2)
    assert not reaches("I", 5, 1)


@pytest.mark.parametrize("degree", range(1, 40))
def test_minimal_pairs_are_all_and_only_the_minimal_ones(degree: int) -> None:
    every = {(d, n) for d in range(1, degree + 1) for n in range(1, degree + 1) if d * n >= degree}
    minimal = {(d, n) for d, n in every if (d - 1) * n < degree and d * (n - 1) < degree}
    assert set(minimal_pairs(degree)) == minimal
    assert minimal_pairs(0) == ((1, 0),)


@pytest.mark.parametrize(
    "symbol",
    ["", "C0", "C", "D1", "D1h", "D3v", "C3d", "S3", "S4h", "c5", "Cn", "C5 ", "C99999", "C1001", "Ts", 5],
)
def test_unknown_groups_are_refused(symbol: str) -> None:
    with pytest.raises(InputError, match="point group"):
        point_group(symbol)


@pytest.mark.parametrize("l_top", [-1, 2.0, True, 10**6])
def test_degrees_out_of_range_are_refused(l_top: int) -> None:
    with pytest.raises(InputError, match="l = "):
        invariant_table("T", l_top)
