"""Which degrees a site allows: by name, by exact generators, and from the numbers of operations."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from spectral_ceilings.theory import (
    InputError,
    allowed_degrees,
    group_of_operations,
    point_group,
    site_group,
    site_invariants,
)

_CYCLE, _HALF = [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]
_QUARTER, _INVERSION = [[0, -1, 0], [1, 0, 0], [0, 0, 1]], [[-1, 0, 0], [0, -1, 0], [0, 0, -1]]
_MIRROR, _EXCHANGE = [[-1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
_GOLD = (1 + sp.sqrt(5)) / 2
#: A five-fold rotation of the icosahedron with corners (0, +-1, +-golden ratio) and their cyclic permutations.
_FIFTH = [
    [sp.Rational(1, 2), -_GOLD / 2, (_GOLD - 1) / 2],
    [_GOLD / 2, (_GOLD - 1) / 2, -sp.Rational(1, 2)],
    [(_GOLD - 1) / 2, sp.Rational(1, 2), _GOLD / 2],
]


def _turn(n: int) -> list[list[Any]]:
    c, s = sp.cos(2 * sp.pi / n), sp.sin(2 * sp.pi / n)
    return [[c, -s, 0], [s, c, 0], [0, 0, 1]]


def _times(first: Any, second: Any) -> Any:
    return (sp.Matrix(first) * sp.Matrix(second)).tolist()


_ABOVE, _ACROSS = [[1, 0, 0], [0, 1, 0], [0, 0, -1]], [[1, 0, 0], [0, -1, 0], [0, 0, -1]]

#: Generators from the tables of Altmann and Herzig, Point-Group Theory Tables (1994).
_GENERATED = {
    "C1": [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]],
    "Cs": [_MIRROR],
    "Ci": [_INVERSION],
    "C5": [_turn(5)],
    "C3v": [_turn(3), _MIRROR],
    "C5v": [_turn(5), _MIRROR],
    "C3h": [_turn(3), _ABOVE],
    "C4h": [_turn(4), _ABOVE],
    "S4": [_times(_ABOVE, _turn(4))],
    "S6": [_times(_ABOVE, _turn(6))],
    "D2": [_ACROSS, _HALF],
    "D3h": [_turn(3), _ACROSS, _ABOVE],
    "D6h": [_turn(6), _ACROSS, _ABOVE],
    "D2d": [_times(_ABOVE, _turn(4)), _ACROSS],
    "D3d": [_turn(3), _ACROSS, _INVERSION],
    "D5d": [_turn(5), _ACROSS, _INVERSION],
    "T": [_CYCLE, _HALF],
    "Td": [_CYCLE, _HALF, _EXCHANGE],
    "Th": [_CYCLE, _HALF, _INVERSION],
    "O": [_CYCLE, _QUARTER],
    "Oh": [_CYCLE, _QUARTER, _INVERSION],
    "I": [_CYCLE, _FIFTH],
    "Ih": [_CYCLE, _FIFTH, _INVERSION],
}


@pytest.mark.parametrize("symbol", _GENERATED)
def test_exact_generators_give_their_group(symbol: str) -> None:
    group = site_group(_GENERATED[symbol])
    assert group == point_group(symbol)
    assert site_invariants(_GENERATED[symbol], 8) == site_invariants(symbol, 8)


def test_operation_counts_tell_all_groups_apart() -> None:
    symbols = [
        *("Cs", "Ci", "C1", "T", "Td", "Th", "O", "Oh", "I", "Ih"),
        *(f"C{n}{s}" for n in range(2, 13) for s in ("", "v", "h")),
        *(f"D{n}{s}" for n in range(2, 13) for s in ("", "d", "h")),
        *(f"S{n}" for n in range(4, 25, 2)),
    ]
    counts = {repr(point_group(symbol).operation_counts()) for symbol in symbols}
    assert len(counts) == len(symbols)
    for symbol in symbols:
        assert group_of_operations(*point_group(symbol).operation_counts()).name == symbol
        assert (
            sum(sum(part.values()) for part in point_group(symbol).operation_counts())
            == point_group(symbol).order
        )


def test_what_a_site_forbids() -> None:
    """Known cases: dipole and quadrupole vanish at Td, all below 4 at Oh; C3v has a vector and no pseudovector."""
    assert allowed_degrees("Td", 6) == (0, 3, 4, 6)
    assert allowed_degrees("Oh", 8) == (0, 4, 6, 8)
    assert allowed_degrees("C3v", 1) == (0, 1)
    assert allowed_degrees("C3v", 1, 1) == (0,)
    assert allowed_degrees("Ci", 3) == (0, 2)
    assert allowed_degrees("Ci", 3, 1) == (0, 1, 2, 3)
    assert allowed_degrees("Ci", 3, -1) == ()
    assert allowed_degrees("Kh", 5) == (0,)
    assert allowed_degrees("D∞h", 4) == (0, 2, 4)


def test_a_model_without_inversion_is_bound_by_the_rotations() -> None:
    assert allowed_degrees(point_group("Td").proper, 6) == (0, 3, 4, 6)
    assert point_group("Td").invariants(3, 1) == 0
    assert point_group("Td").proper.invariants(3, 1) == 1  # T cannot tell the two parities apart
    assert [point_group(s).proper.name for s in ("Ci", "D3d", "Oh", "C1v", "D∞h")] == [
        "C1",
        "D3",
        "O",
        "C1",
        "D∞",
    ]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("Q", "point group 'Q'"),
        ([], r"group = \[\] is none"),
        (5, "group = 5 is none"),
        ([[[1, 0], [0, 1]]], "has shape"),
        ([[[2, 0, 0], [0, 1, 0], [0, 0, 1]]], "is not orthogonal"),
        ([[[0.5, 0, 0], [0, 1, 0], [0, 0, 1]]], "no exact real number"),
        ([[[sp.I, 0, 0], [0, 1, 0], [0, 0, 1]]], "no exact real number"),
        ([["x", [1], 0]], "none of exact numbers"),
        ([[[sp.Rational(3, 5), sp.Rational(-4, 5), 0], [sp.Rational(4, 5), sp.Rational(3, 5), 0], [0, 0, 1]]], "more than 480"),
    ],
)  # fmt: skip
def test_wrong_groups_are_named(group: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        site_invariants(group, 2)


def test_numbers_of_no_group_are_named() -> None:
    with pytest.raises(InputError, match="no point group has 4 rotations"):
        group_of_operations({1: 1, 3: 3}, {})
    with pytest.raises(InputError, match="l_top = -1"):
        allowed_degrees("Td", -1)
    with pytest.raises(InputError, match="parity = 0"):
        allowed_degrees("Td", 2, 0)
