"""Certificates of grids: valid by the reference JSON Schema implementation, replayed, and broken by any change."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spectral_ceilings.theory.verify_grid as verify_module
from spectral_ceilings.theory import InputError, SphereGrid, grid_certificate, verify_certificate
from spectral_ceilings.theory.schema_check import load_schema

_SCHEMA = load_schema("grid_certificate.schema.json")
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)
_POLAR = grid_certificate(SphereGrid("gauss", 3, 9), 2, 2).to_dict()
_AZIMUTH = grid_certificate(SphereGrid("fejer", 8, 5), 2, 2).to_dict()
_EXACT = grid_certificate(SphereGrid("fejer", 8, 7), 2, 2).to_dict()
_EDGE = grid_certificate(SphereGrid("fejer", 14, 5), 2, 2, frame="edges").to_dict()
_ALL = {"polar": _POLAR, "azimuth": _AZIMUTH, "exact": _EXACT, "edge": _EDGE}


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    if isinstance(data, int | str):
        yield path
    for key, value in items:
        yield from _leaves(value, (*path, key))


def _honest(data: dict[str, Any]) -> dict[str, Any]:
    grid = SphereGrid(data["rule"], data["polar"], data["azimuthal"])
    return grid_certificate(grid, data["degree"], data["band"], data["band_out"], data["frame"]).to_dict()


@given(
    st.sampled_from(["gauss", "fejer"]), st.integers(1, 14), st.integers(1, 20), st.integers(1, 4),
    st.integers(0, 4), st.integers(0, 6), st.sampled_from(["atoms", "edges"]),
)  # fmt: skip
def test_every_certificate_is_valid_and_replayed(
    rule: str, polar: int, azimuthal: int, degree: int, band: int, band_out: int, frame: str
) -> None:
    grid = SphereGrid(rule, polar, azimuthal)
    certificate = grid_certificate(grid, degree, band, band_out, frame)
    data = json.loads(certificate.to_json())
    assert list(_VALIDATOR.iter_errors(data)) == []
    assert verify_certificate(data) == []
    exact_to = grid.degree if frame == "atoms" else azimuthal - 1
    assert certificate.exact == (exact_to >= degree * band + band_out)
    if certificate.witness is not None:
        assert certificate.witness.leak > 0
        assert sum(certificate.witness.factors) + certificate.witness.output == certificate.witness.l


def test_the_four_kinds_are_what_they_are_called() -> None:
    causes = {name: [w["cause"] for w in data["witnesses"]] for name, data in _ALL.items()}
    assert causes == {"polar": ["polar"], "azimuth": ["azimuth"], "exact": [], "edge": ["azimuth"]}
    # T_3 of three Gauss nodes: 1/7 - Q[t^6] = (8 * 36 / 720)^2 / 7 = 4/175.
    assert _POLAR["witnesses"][0]["leak"] == str(Fraction(4, 175))


@pytest.mark.parametrize("name", _ALL)
def test_changing_any_entry_is_found(name: str) -> None:
    for path in _leaves(_ALL[name]):
        data = copy.deepcopy(_ALL[name])
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        value = parent[path[-1]]
        if isinstance(value, int):
            changes: list[Any] = [value + 1, value - 1]
        elif path[-1] in ("rule", "frame", "verdict", "cause"):
            others = {"gauss": "fejer", "fejer": "gauss", "atoms": "edges", "edges": "atoms", "exact": "not exact",
                      "not exact": "exact", "polar": "azimuth", "azimuth": "polar"}  # fmt: skip
            changes = [others[value], "other"]
        else:
            changes = ["7/3", "-1"] if value != "-1" else ["7/3"]
        for change in changes:
            parent[path[-1]] = change
            # A change may make another true certificate: the same grid of the other rule, say.
            assert verify_certificate(data) or data == _honest(data), (path, change)
        parent[path[-1]] = value
        assert verify_certificate(data) == []


@pytest.mark.parametrize("name", _ALL)
def test_removing_any_entry_is_found(name: str) -> None:
    for key in _ALL[name]:
        data = {other: value for other, value in _ALL[name].items() if other != key}
        assert verify_certificate(data)


def test_a_grid_that_fails_does_not_pass_as_exact() -> None:
    data = copy.deepcopy(_AZIMUTH)
    data["verdict"], data["witnesses"] = "exact", []
    findings = verify_certificate(data)
    assert any("verdict" in finding for finding in findings)
    data = copy.deepcopy(_EXACT)
    data["verdict"], data["witnesses"] = "not exact", _AZIMUTH["witnesses"]
    assert any("verdict: exact is expected" in finding for finding in verify_certificate(data))


def test_the_verifier_imports_nothing_that_builds() -> None:
    tree = ast.parse(Path(verify_module.__file__).read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]


@pytest.mark.parametrize(
    "arguments",
    [
        (SphereGrid("fejer", 300, 9), 1, 1),
        (SphereGrid("fejer", 8, 600), 1, 1),
        (SphereGrid("fejer", 8, 9), 100, 3),
        (SphereGrid("fejer", 8, 9), 0, 3),
        (SphereGrid("fejer", 8, 9), 1, 3, -1),
        (SphereGrid("fejer", 8, 9), 1, 3, 3, "faces"),
    ],
)
def test_what_cannot_be_certified_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InputError):
        grid_certificate(*arguments)


def test_what_is_too_large_to_replay_is_named() -> None:
    data = copy.deepcopy(_EXACT)
    data["degree"], data["band"] = 100, 200
    (finding,) = verify_certificate(data)
    assert "beyond 256" in finding
