"""Fields with the symmetry of a point group: harmonic, of one degree, invariant under generators, not axial."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from spectral_ceilings.theory import InputError, orbit, point_group, symmetric_field

_AXES = sp.symbols("x y z", real=True)
X, Y, Z = _AXES


def _turned(field: Any, image: tuple[Any, Any, Any]) -> Any:
    """The field after the substitution (x, y, z) -> image."""
    return sp.expand(field.subs(dict(zip(_AXES, image, strict=True)), simultaneous=True))


def _about_y(n: int) -> tuple[Any, Any, Any]:
    c, s = sp.cos(2 * sp.pi / n), sp.sin(2 * sp.pi / n)
    return (c * X + s * Z, Y, -s * X + c * Z)


def _same(first: Any, second: Any) -> bool:
    difference = sp.Poly(sp.expand(first - second), *_AXES)
    return all(sp.simplify(c) == 0 for c in difference.coeffs())


_GENERATORS: dict[str, list[tuple[Any, Any, Any]]] = {
    "C1": [],
    "C1v": [(-X, Y, Z)],
    "Cs": [(X, -Y, Z)],
    "Ci": [(-X, -Y, -Z)],
    "C2h": [_about_y(2), (X, -Y, Z)],
    "C3h": [_about_y(3), (X, -Y, Z)],
    "S4": [(Z, -Y, -X)],
    "S6": [_about_y(3), (-X, -Y, -Z)],
    "D2d": [(Z, -Y, -X), (-X, -Y, Z)],
    "D3h": [_about_y(3), (-X, -Y, Z), (X, -Y, Z)],
    "D3d": [_about_y(3), (-X, -Y, Z), (-X, -Y, -Z)],
    "D6h": [_about_y(6), (-X, -Y, Z), (X, -Y, Z)],
    "C3": [_about_y(3)],
    "C5": [_about_y(5)],
    "C4v": [_about_y(4), (-X, Y, Z)],
    "D3": [_about_y(3), (-X, -Y, Z)],
    "D4": [_about_y(4), (-X, -Y, Z)],
    "D5": [_about_y(5), (-X, -Y, Z)],
    "T": [(Y, Z, X), (-X, -Y, Z)],
    "Td": [(Y, Z, X), (-X, -Y, Z), (Y, X, Z)],
    "Th": [(Y, Z, X), (-X, -Y, Z), (-X, -Y, -Z)],
    "O": [(Y, Z, X), (Y, -X, Z)],
    "Oh": [(Y, Z, X), (Y, -X, Z), (-X, -Y, -Z)],
}


@pytest.mark.parametrize("symbol", _GENERATORS)
@pytest.mark.parametrize("above", [0, 1, 2])
def test_fields_are_invariant_under_the_generators(symbol: str, above: int) -> None:
    degree = point_group(symbol).smallest_distinct_l() + above
    try:
        field = symmetric_field(symbol, degree)
    except InputError:
        assert above  # the smallest degree always has one
        return
    for image in _GENERATORS[symbol]:
        assert _same(_turned(field, image), field)
    # Turns by the angle of the 3-4-5 triangle, which is no part of a full turn: invariance would mean a continuous axis.
    three, four = sp.Rational(3, 5), sp.Rational(4, 5)
    assert not _same(_turned(field, (X, three * Y - four * Z, four * Y + three * Z)), field)
    assert not _same(_turned(field, (three * X + four * Z, Y, three * Z - four * X)), field)
    # About no axis: the three derivatives by rotations are independent.
    gradient = [sp.diff(field, axis) for axis in _AXES]
    turns = [
        sp.expand(p * gradient[j] - q * gradient[i])
        for i, j, p, q in ((1, 2, Y, Z), (2, 0, Z, X), (0, 1, X, Y))
    ]
    monomials = sorted(set().union(*(sp.Poly(t, *_AXES).monoms() for t in turns)))
    table = sp.Matrix([[sp.Poly(t, *_AXES).coeff_monomial(m) for m in monomials] for t in turns])
    assert table.rank(simplify=True) == 3


@pytest.mark.parametrize("symbol", [*_GENERATORS, "I"])
def test_fields_are_harmonic_and_of_their_degree(symbol: str) -> None:
    field = symmetric_field(symbol)
    polynomial = sp.Poly(sp.expand(field), *_AXES)
    assert polynomial.is_homogeneous
    assert polynomial.total_degree() == point_group(symbol).smallest_distinct_l()
    assert _same(sum(sp.diff(field, axis, 2) for axis in _AXES), sp.Integer(0))


def test_the_icosahedral_field_has_its_five_fold_axis() -> None:
    """A rotation by 2 pi/5 about a corner permutes the others, by Rodrigues' formula with exact numbers."""
    corners = orbit("I")
    (a, b, c), cosine = corners[0], (sp.sqrt(5) - 1) / 4
    sine = sp.sqrt(10 + 2 * sp.sqrt(5)) / 4
    cross = sp.Matrix([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    rotation = (
        cosine * sp.eye(3) + sine * cross + (1 - cosine) * sp.Matrix([a, b, c]) * sp.Matrix([[a, b, c]])
    )
    known = [[x.n(30) for x in corner] for corner in corners]
    hits = []
    for corner in corners:
        turned = [x.n(30) for x in rotation * sp.Matrix(corner)]
        # Evaluated to 30 digits; different corners are more than 1 apart.
        hits += [
            i
            for i, other in enumerate(known)
            if max(abs(x - y) for x, y in zip(turned, other, strict=True)) < 10**-20
        ]
    assert sorted(hits) == list(range(12))
    assert hits != list(range(12))


def test_corners_are_unit_vectors() -> None:
    for symbol, count in (("T", 4), ("Td", 4), ("Th", 6), ("O", 6), ("I", 12), ("Ih", 12)):
        corners = orbit(symbol)
        assert len(set(corners)) == count
        assert all(sp.simplify(sum(x**2 for x in corner)) == 1 for corner in corners)


@pytest.mark.parametrize(
    ("symbol", "degree"),
    [
        ("C1", 1),
        ("C1v", 1),
        ("Cs", 1),
        ("Ci", 3),
        ("D6h", 7),
        ("C∞v", 2),
        ("Kh", 0),
        ("C5", 4),
        ("T", 1),
        ("O", 3),
        ("O", 0),
        ("I", 5),
        ("C5", -1),
        ("C5", 65),
        ("K", 3),
        ("O", 4.0),
    ],
)
def test_fields_that_do_not_exist_are_refused(symbol: str, degree: int) -> None:
    with pytest.raises(InputError):
        symmetric_field(symbol, degree)


def test_uniaxial_groups_have_no_corners() -> None:
    with pytest.raises(InputError, match="permutes no corners"):
        orbit("C5")
