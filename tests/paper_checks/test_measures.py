"""Recovered, lost, cliff: what claims read off a result."""

from __future__ import annotations

from typing import Any

import pytest

from spectral_ceilings.paper_checks import measures
from spectral_ceilings.paper_checks.backbones import joint_verdict, shipped
from spectral_ceilings.theory.errors import InputError

from synthetic_result import make_row, synthetic_result


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    made = synthetic_result()
    made["settings"]["l_top"] = 8
    return made


def of(low: float, high: float, null_high: float | None = 0.001) -> dict[str, Any]:
    return make_row(l=4, r2=(low + high) / 2, r2_low=low, r2_high=high, null_high=null_high)


@pytest.mark.parametrize(
    ("row", "recovered", "lost"),
    [
        (of(0.8, 0.9), True, False),
        (of(0.101, 0.9), True, False),
        (of(0.1, 0.9), False, False),  # not above the limit
        (of(0.2, 0.9, null_high=0.2), False, False),  # not above the null
        (of(0.2, 0.9, null_high=None), True, False),  # no null at l = 0
        (of(-0.01, 0.049), False, True),
        (of(-0.01, 0.05), False, False),  # undecided
        (of(-3.0, -2.0), False, True),
        (make_row(l=5), False, True),  # no path: theory says that nothing is there
        (None, False, False),  # not measured is neither
    ],
)
def test_recovered_and_lost_are_decided_by_the_ends_of_the_interval(
    row: dict[str, Any] | None, recovered: bool, lost: bool
) -> None:
    assert (measures.recovered(row), measures.lost(row)) == (recovered, lost)


@pytest.mark.parametrize("l_max", [1, 2])
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_cliff_is_found_where_it_is_and_nowhere_else(l_max: int, degree: int) -> None:
    result = synthetic_result(l_max)
    places = [l for l in range(1, 8) if measures.cliff(result, l, degree=degree)[0]]
    assert places == [degree * l_max]
    assert measures.last_recovered(result, degree=degree) == degree * l_max
    assert measures.last_recovered(result, degree=degree, readout="equivariant") == degree * l_max


def test_a_cliff_at_the_end_of_what_was_measured_is_none(result: dict[str, Any]) -> None:
    stands, inside, outside = measures.cliff(result, 8)
    assert (stands, outside) == (False, None)
    assert inside is not None


def test_rows_are_found_by_all_their_fields(result: dict[str, Any]) -> None:
    row = measures.row(result, 4, degree=3, scope="element:C")
    assert row is None  # the synthetic result has elements for the leading degree only
    row = measures.row(result, 4, scope="element:C")
    assert row is not None
    assert (row["degree"], row["readout"], row["injection"], row["direction"]) == (
        2,
        "free",
        "marked",
        "fixed",
    )
    assert measures.row(result, 4, direction="radial") is None


def test_values_carry_the_interval_and_say_why_there_is_none(result: dict[str, Any]) -> None:
    row = measures.row(result, 4)
    assert row is not None
    value = measures.value_of(row, "R2(4)", paper=0.9)
    assert (value.value, value.low, value.high, value.paper) == (
        row["r2"],
        row["r2_low"],
        row["r2_high"],
        0.9,
    )
    assert measures.value_of(row, "rho(4)", key="rho").value == row["rho"]
    assert measures.value_of(None, "R2").note == "not measured"
    assert measures.value_of(make_row(l=5), "R2").note == "no path"
    assert measures.interval(of(-0.0002, 0.0001)) == "0.000 [0.000, 0.000]"
    assert measures.interval(of(0.86, 0.95)) == "0.905 [0.860, 0.950]"
    assert measures.interval(None) == "not measured"


def test_a_line_has_every_degree_that_was_measured(result: dict[str, Any]) -> None:
    line = measures.line(result, "aspirin")
    assert list(line.x) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert line.low is not None
    assert line.high is not None
    for y, low, high in zip(line.y, line.low, line.high, strict=True):
        assert y is not None
        assert low is not None
        assert high is not None
        assert low <= y <= high
    equivariant = measures.line(result, "equivariant", readout="equivariant")
    assert list(equivariant.y)[4:] == [None] * 4


def test_atoms_are_those_with_a_row(result: dict[str, Any]) -> None:
    found = measures.atoms(result, 4)
    marked = [atom["index"] for atom in result["atoms"] if atom["marked_neighbour"] is not None]
    assert [index for index, _, _ in found] == marked
    assert {i: e for i, e, _ in found}[10] == "C"
    assert min(found, key=lambda one: one[2]["r2"])[0] == 10  # the low one of the synthetic molecule


def test_a_table_of_runs_says_whether_the_cliff_is_where_it_was_predicted(result: dict[str, Any]) -> None:
    right, wrong = measures.table_rows([("right", result, 4), ("wrong", result, 3)])
    assert (right["as predicted"], right["last recovered l"], right["predicted cliff"]) == ("yes", 4, "4/5")
    assert wrong["as predicted"] == "no"


@pytest.mark.parametrize(
    ("found", "broken", "verdict"),
    [
        ([True, True], [False, False], "holds"),
        ([True, True], [False, True], "holds"),
        ([True, False], [False, False], "holds in direction, number differs"),
        ([True, False], [False, True], "does not hold"),
    ],
)
def test_the_verdict_over_several_cases(found: list[bool], broken: list[bool], verdict: str) -> None:
    assert joint_verdict(found, broken) == verdict


def test_a_backbone_that_does_not_ship_is_named() -> None:
    with pytest.raises(InputError, match="the backbone aspirin-l9 does not ship"):
        shipped("aspirin-l9")
