"""Certificates of convolutions of SO(2): valid by the reference JSON Schema implementation, replayed, broken by any change."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spectral_ceilings.theory.verify_so2 as verify_module
from spectral_ceilings.theory import InputError, so2_certificate, so2_certificates, verify_certificate
from spectral_ceilings.theory.schema_check import load_schema

_VALIDATOR = jsonschema.Draft202012Validator(load_schema("so2_certificate.schema.json"))
_DATA = so2_certificate(2, 3, 1).to_dict()


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    if isinstance(data, int | str):
        yield path
    for key, value in items:
        yield from _leaves(value, (*path, key))


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 8))
def test_every_certificate_is_valid_and_replayed(l_in: int, l_out: int, m_max: int) -> None:
    data = json.loads(so2_certificate(l_in, l_out, m_max).to_json())
    assert list(_VALIDATOR.iter_errors(data)) == []
    assert verify_certificate(data) == []
    assert data["kept"] == 2 * min(l_in, l_out, m_max) + 1


def test_a_large_one_is_replayed() -> None:
    assert verify_certificate(so2_certificate(16, 16, 4).to_dict()) == []


def test_changing_any_entry_is_found() -> None:
    for path in _leaves(_DATA):
        data = copy.deepcopy(_DATA)
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        value = parent[path[-1]]
        for change in [value + 1, value - 1, -value] if isinstance(value, int) else ["7/3", "0", "1/7"]:
            if change == value:
                continue
            parent[path[-1]] = change
            assert verify_certificate(data), (path, change)
    for key in _DATA:
        assert verify_certificate({other: value for other, value in _DATA.items() if other != key})


def test_the_sign_of_a_whole_column_is_a_convention_and_that_of_a_row_is_not() -> None:
    column, row = copy.deepcopy(_DATA), copy.deepcopy(_DATA)
    for line in column["rows"]:
        line["entries"][2]["sign"] *= -1
    for entry in row["rows"][1]["entries"]:
        entry["sign"] *= -1
    assert verify_certificate(column) == []
    assert verify_certificate(row)


def test_two_columns_that_change_places_are_found() -> None:
    data = copy.deepcopy(_DATA)
    for line in data["rows"]:
        line["entries"][1], line["entries"][3] = line["entries"][3], line["entries"][1]
    assert any("no eigenvector" in finding for finding in verify_certificate(data))


def test_the_verifier_imports_nothing_that_builds() -> None:
    tree = ast.parse(Path(verify_module.__file__).read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]


@pytest.mark.parametrize("arguments", [(17, 2, 1), (2, 17, 1), (2, 2, 17), (2, -1, 1)])
def test_what_cannot_be_certified_is_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(InputError):
        so2_certificate(*arguments)


def test_tables_are_refused_before_work() -> None:
    with pytest.raises(InputError, match="17"):
        so2_certificates(17, 2)
    assert len(list(so2_certificates(2, 1))) == 9
