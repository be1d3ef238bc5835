"""The check that holds results against their types finds what is wrong; results of every job pass it (``result_laws``)."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

import pytest
from typed_results import departures


class Inner(TypedDict):
    l: int
    r2: float | None


class Outer(TypedDict):
    name: Literal["a", "b"]
    rows: list[Inner]
    more: NotRequired[dict[str, float]]


RIGHT: dict[str, Any] = {"name": "a", "rows": [{"l": 2, "r2": 0.5}, {"l": 3, "r2": None}], "more": {"x": 1}}


def test_a_right_value_departs_nowhere() -> None:
    assert list(departures(RIGHT, Outer)) == []
    assert list(departures({"name": "b", "rows": []}, Outer)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "c"}, "result.name is 'c', not one of ('a', 'b')"),
        ({"rows": {}}, "result.rows is a dict, not a list"),
        ({"rows": [{"l": 2}]}, "result.rows[0] lacks r2"),
        ({"rows": [{"l": True, "r2": 0.1}]}, "result.rows[0].l is a bool, not a int"),
        ({"rows": [{"l": 2, "r2": "much"}]}, "result.rows[0].r2 is a str, not a float"),
        ({"more": {"x": "y"}}, "result.more.x is a str, not a float"),
        ({"extra": 1}, "result has extra, which Outer does not know"),
    ],
)
def test_every_departure_is_named(change: dict[str, Any], sentence: str) -> None:
    assert list(departures({**RIGHT, **change}, Outer)) == [sentence]
