"""Coefficients, harmonics and Wigner matrices of real packages and of SymPy; conventions are named, damage is found."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import sph_harm_y
from sympy.physics.quantum.cg import CG
from sympy.physics.wigner import gaunt, real_gaunt, wigner_3j

from spectral_ceilings.diagnostic.implementations.bases import (
    ORDERS,
    complex_to_real,
    e3x_basis,
    order_matrix,
    triples,
)
from spectral_ceilings.diagnostic.implementations.coupling_values import CouplingVerdict, judge_couplings
from spectral_ceilings.diagnostic.implementations.exact_couplings import FAMILIES, exact_coupling
from spectral_ceilings.diagnostic.implementations.harmonic_values import judge_harmonics
from spectral_ceilings.diagnostic.implementations.package_values import sources
from spectral_ceilings.diagnostic.implementations.packages import PACKAGES, package_of
from spectral_ceilings.diagnostic.implementations.values import Source, judge_sources
from spectral_ceilings.diagnostic.implementations.wigner_values import judge_wigner
from spectral_ceilings.numerics import real_harmonics, wigner_d
from spectral_ceilings.theory import InputError

Array = NDArray[Any]
Tables = Mapping[tuple[int, int, int], Array]
L = 2
Y_POLAR = "real harmonics, m = -l..l, polar axis y, m = 1 along z"


@cache
def exact_tables(family: str = "real", l_max: int = L) -> dict[tuple[int, int, int], Array]:
    return {labels: np.array(exact_coupling(family, *labels)) for labels in triples(l_max)}


def filled(function: Callable[..., Any], labels: tuple[int, int, int]) -> Array:
    """Return the array of a function of all six labels."""
    values = np.zeros([2 * l + 1 for l in labels])
    for place in np.ndindex(*values.shape):
        values[place] = float(function(*labels, *(index - l for index, l in zip(place, labels, strict=True))))
    return values


def sympy_tables(function: Callable[..., Any]) -> Tables:
    return {labels: filled(function, labels) for labels in triples(1)} | {
        labels: filled(function, labels) for labels in ((1, 1, 2), (1, 2, 1), (2, 1, 1), (2, 2, 0), (1, 2, 2))
    }


@pytest.mark.parametrize(
    ("function", "family", "law"),
    [
        (wigner_3j, "complex 3j", "3j: sum of squares 1"),
        (
            lambda a, b, c, x, y, z: CG(a, x, b, y, c, z).doit(),
            "complex Clebsch-Gordan",
            "Clebsch-Gordan: sum of squares 2 l3 + 1",
        ),
        (gaunt, "complex 3j", "Gaunt of harmonics with integral 1"),
        (real_gaunt, "real", "Gaunt of harmonics with integral 1"),
    ],
    ids=["wigner_3j", "CG", "gaunt", "real_gaunt"],
)
def test_sympys_tables_are_right_and_named(function: Callable[..., Any], family: str, law: str) -> None:
    verdict = judge_couplings(sympy_tables(function))
    assert verdict.findings == ()
    assert (verdict.family, verdict.normalisation, verdict.precision) == (family, law, "double")
    assert verdict.basis.startswith(f"{family.split()[0]} harmonics, m = -l..l")


@pytest.mark.parametrize("name", ["e3nn", "sphericart", "wigners", "cuequivariance", "e3x"])
def test_packages_are_right_in_double_and_in_single_precision(name: str) -> None:
    pytest.importorskip(PACKAGES[name].module, reason=f"{name} is not installed")
    rows = judge_sources(sources(package_of(name)), L)
    assert rows
    for row in rows:
        assert row["right"], row["findings"]
        assert row["precision"] == {"float64": "double", "float32": "single"}[row["numbers"]] or (
            row["error"] == 0 and row["kind"] == "coefficients"
        )
    if name in ("e3nn", "cuequivariance"):
        assert {row["basis"] for row in rows} == {Y_POLAR}
    if name == "e3x":
        assert "m = l, -l, l-1, ..., 0, polar axis z, m = 1 along x" in rows[0]["basis"]


DAMAGED = [(1, 1, 0), (1, 1, 2), (2, 1, 1), (1, 2, 2), (2, 2, 2)]


def damage(kind: str, values: Array) -> Array:
    """Return a table with one thing wrong."""
    values = values.copy()
    place = tuple(np.argwhere(np.abs(values) > 1e-9)[-1])
    if kind == "coefficient":
        values[place] *= 1.001
    elif kind == "sign":
        values[place] *= -1
    elif kind == "missing":
        values[:] = 0
    else:
        values = values[:, [1, 0, *range(2, values.shape[1])]]
    return values


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["coefficient", "sign", "missing", "axis swap"])
@pytest.mark.parametrize("labels", DAMAGED, ids=str)
def test_twenty_of_twenty_damaged_tables_are_named(
    kind: str, labels: tuple[int, int, int], family: str
) -> None:
    tables = exact_tables(family)
    assert judge_couplings(tables).right
    verdict = judge_couplings({**tables, labels: damage(kind, tables[labels])})
    assert [(finding.kind, finding.labels) for finding in verdict.findings] == [(kind, labels)]
    assert str(labels)[:-1] in verdict.findings[0].sentence


def turned(tables: Tables, bases: Mapping[int, Array]) -> Tables:
    """Return couplings in other bases."""
    return {
        labels: np.einsum("ia,jb,kc,abc->ijk", *(bases[l] for l in labels), values)
        for labels, values in tables.items()
    }


def reordered(order: str) -> Callable[[Tables], Tables]:
    return lambda tables: turned(tables, {l: order_matrix(order, l) for l in range(L + 1)})


def sign_of_one_coupling(tables: Tables) -> Tables:
    return {**tables, (1, 1, 2): -tables[1, 1, 2], (2, 2, 1): -tables[2, 2, 1]}


def sign_of_one_component(tables: Tables) -> Tables:
    return turned(tables, {0: np.eye(1), 1: np.eye(3), 2: np.diag([1.0, 1, 1, -1, 1])})


def cartesian_vectors(tables: Tables) -> Tables:
    return turned(tables, {0: np.eye(1), 1: np.eye(3)[[2, 0, 1]], 2: np.eye(5)})


def clebsch_gordan_norm(tables: Tables) -> Tables:
    return {labels: values * np.sqrt(2 * labels[2] + 1) for labels, values in tables.items()}


def scaled(tables: Tables) -> Tables:
    return {labels: 0.3 * values for labels, values in tables.items()}


def own_norms(tables: Tables) -> Tables:
    return {labels: values * (1 + 0.1 * number) for number, (labels, values) in enumerate(tables.items())}


@pytest.mark.parametrize(
    "convention",
    [
        *map(reordered, ORDERS), sign_of_one_coupling, sign_of_one_component, cartesian_vectors, clebsch_gordan_norm,
        scaled, own_norms,
    ],
)  # fmt: skip
def test_a_mere_convention_is_no_error(convention: Callable[[Tables], Tables]) -> None:
    verdict = judge_couplings(convention(exact_tables()))
    assert verdict.findings == ()
    assert verdict.precision == "double"


def judged(convention: Callable[[Tables], Tables]) -> CouplingVerdict:
    return judge_couplings(convention(exact_tables()))


def test_conventions_are_named() -> None:
    assert set(judged(sign_of_one_coupling).minus) == {(1, 1, 2), (2, 2, 1)}
    assert "minus at l = 2, m = 1" in judged(sign_of_one_component).basis
    assert "for l = 1" in judged(cartesian_vectors).basis
    assert judged(scaled).normalisation == "3j: sum of squares 1, times 0.3 everywhere"
    assert judged(own_norms).normalisation == "each coupling has a normalisation of its own"
    assert judged(reordered("m = l, -l, l-1, ..., 0")).basis == "real harmonics, m = l, -l, l-1, ..., 0"


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_is_a_permutation_of_all_m(order: str) -> None:
    for l in range(4):
        assert sorted(ORDERS[order](l)) == list(range(-l, l + 1))


def test_e3x_puts_x_y_z_in_this_order() -> None:
    # with the polar axis z the harmonics m = 1, -1, 0 of l = 1 are x, y, z
    assert np.array_equal(e3x_basis(1)[1:, 1:], np.eye(3)[[2, 0, 1]])


def scipy_harmonics(l: int, points: Array) -> Array:
    x, y, z = (points / np.linalg.norm(points, axis=1, keepdims=True)).T
    return np.stack(
        [sph_harm_y(l, m, np.arccos(np.clip(z, -1, 1)), np.arctan2(y, x)) for m in range(-l, l + 1)], axis=1
    )


def ours(l: int, points: Array) -> Array:
    return real_harmonics(l, points)[:, l * l :]


def z_polar(l: int, points: Array) -> Array:
    return ours(l, points[:, [1, 2, 0]])


def test_scipys_harmonics_are_complex_with_the_polar_axis_z() -> None:
    verdict = judge_harmonics(scipy_harmonics, 3)
    assert verdict.right
    assert verdict.basis == "complex harmonics, m = -l..l, polar axis z, m = 1 along x"
    assert verdict.normalisation.startswith("integral 1")


def test_the_axes_of_harmonics_are_named() -> None:
    assert judge_harmonics(ours, 3).basis == Y_POLAR
    assert judge_harmonics(z_polar, 3).basis == "real harmonics, m = -l..l, polar axis z, m = 1 along x"


def changed(l: int, points: Array, kind: str) -> Array:
    values = ours(l, points).copy()
    if l == 2:
        if kind == "coefficient":
            values[:, 3] *= 1.001
        elif kind == "missing":
            values[:, 3] = 0
        elif kind == "polynomial":
            values[:, 3] += 0.1 * points[:, 0]
        elif kind == "norm":
            values *= 2
        elif kind == "sign":
            values[:, 3] *= -1
        else:
            values[:, [0, 1]] = values[:, [1, 0]]
    return values


@pytest.mark.parametrize("kind", ["coefficient", "missing", "polynomial", "norm"])
def test_wrong_harmonics_are_named(kind: str) -> None:
    (finding,) = judge_harmonics(partial(changed, kind=kind), 3).findings
    assert finding.sentence.startswith("l = 2")
    assert finding.kind == {"polynomial": "other"}.get(kind, kind)


@pytest.mark.parametrize("kind", ["sign", "axis swap"])
def test_a_sign_or_order_of_harmonics_alone_is_a_convention_but_must_fit_the_other_tables(kind: str) -> None:
    harmonics = partial(changed, kind=kind)
    assert judge_harmonics(harmonics, L).right
    rows = judge_sources(
        [
            Source("harmonics", "harmonics", "float64", harmonics),
            Source("coefficients", "coefficients", "float64", lambda *labels: exact_tables()[labels]),
            Source("wigner", "wigner", "float64", wigner_d),
        ],
        L,
    )
    assert [row["right"] for row in rows] == [True, False, False]
    assert "another basis than the harmonics" in rows[1]["findings"][0]["sentence"]
    assert rows[2]["findings"][0]["labels"] == [2]


def test_complex_tables_fit_complex_harmonics() -> None:
    rows = judge_sources(
        [
            Source("harmonics", "harmonics", "complex128", scipy_harmonics),
            *(
                Source("coefficients", family, "float64", lambda *labels, f=family: exact_tables(f)[labels])
                for family in FAMILIES[1:]
            ),
        ],
        L,
    )
    assert all(row["right"] for row in rows)
    assert {row["basis"] for row in rows} == {"complex harmonics, m = -l..l, polar axis z, m = 1 along x"}


def complex_wigner(l: int, rotation: Array) -> Array:
    basis = complex_to_real(l).conj().T
    return basis @ wigner_d(l, rotation) @ basis.conj().T


def test_wigner_matrices_are_named() -> None:
    plain, inverse = judge_wigner(wigner_d, L), judge_wigner(lambda l, rotation: wigner_d(l, rotation).T, L)
    assert plain.right
    assert inverse.right
    assert (plain.direction, plain.basis) == ("D(R1 R2) = D(R1) D(R2)", Y_POLAR)
    assert inverse.direction.endswith("the inverse")
    assert judge_wigner(complex_wigner, L).basis.startswith("complex harmonics, m = -l..l, polar axis y")


@pytest.mark.parametrize("kind", ["coefficient", "sign", "axis swap"])
def test_wrong_wigner_matrices_are_named(kind: str) -> None:
    def wrong(l: int, rotation: Array) -> Array:
        values = wigner_d(l, rotation).copy()
        if l == 2:
            if kind == "axis swap":
                return values[[1, 0, 2, 3, 4]]
            values[1, 3] *= -1 if kind == "sign" else 1.01
        return values

    (finding,) = judge_wigner(wrong, L).findings
    assert finding.labels == (2,)


def test_what_is_no_table_is_refused() -> None:
    for function, words in (
        (lambda *_: "no", "array of numbers"),
        (lambda *_: np.zeros(3), "has shape"),
        (lambda *labels: np.full([2 * l + 1 for l in labels], np.nan), "no finite number"),
        (lambda *labels: np.zeros([2 * l + 1 for l in labels]), "nothing to judge"),
    ):
        with pytest.raises(InputError, match=words):
            judge_sources([Source("coefficients", "mine", "float64", function)], L)
