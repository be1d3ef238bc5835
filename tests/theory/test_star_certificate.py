"""Certificates of stars: valid by the reference JSON Schema implementation, replayed, and broken by any change that matters."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import legendre as numpy_legendre

import spectral_ceilings.theory.verify_reach as reach_module
import spectral_ceilings.theory.verify_star as verify_module
from spectral_ceilings.theory import (
    InputError,
    input_ceiling,
    star_certificate,
    star_certificates,
    verify_certificate,
)
from spectral_ceilings.theory.schema_check import load_schema
from spectral_ceilings.theory.star_certificate import certified_reaches
from spectral_ceilings.theory.verify_reach import reach_findings

_SCHEMA = load_schema("star_certificate.schema.json")
_CERTIFICATE: dict[str, Any] = star_certificate(4, 1).to_dict()


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    if isinstance(data, int | str):
        yield path
    for key, value in items:
        yield from _leaves(value, (*path, key))


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


#: What stays true when it is changed is left out: a graph numbered in another way is the same function, and a share of 0 may
#: hold for neighbours alike and told apart.
_VALUES = [
    path for path in _leaves(_CERTIFICATE) if ("graph" not in path or path[-1] == 2) and path[-1] != "alike"
]


@pytest.fixture
def certificate() -> dict[str, Any]:
    return copy.deepcopy(_CERTIFICATE)


def test_a_grid_of_certificates_is_replayed_by_separate_code() -> None:
    """The verifier takes means in coordinates and lists the energies again; every fraction agrees."""
    for built in (
        *star_certificates(4, 2),
        star_certificate(3, 3),
        star_certificate(2, 0),
        star_certificate(3, 1, 4),
    ):
        data = json.loads(built.to_json())
        assert list(jsonschema.Draft202012Validator(_SCHEMA).iter_errors(data)) == []
        assert verify_certificate(data) == []
        assert built.bound == input_ceiling(built.correlation, built.l_max).boundary


def test_bounds_of_layers_are_replayed_by_tables_of_all_pairs() -> None:
    """The verifier tabulates every d, the producer keeps the largest pairs: 3 layers, all cuts, they agree."""
    for nu, l_max, hidden in product(range(1, 4), range(1, 4), (None, 0, 1, 2)):
        reaches = certified_reaches(nu, l_max, 3, hidden)
        assert [reach_findings("reach", reach.to_dict(), nu, l_max) for reach in reaches] == [[]] * 6


def test_the_witness_has_the_degree_of_the_bound() -> None:
    """Against NumPy's change to Legendre polynomials: coefficients are below 1e3, so rounding is below 1e-10."""
    for built in star_certificates(4, 2):
        series = numpy_legendre.poly2leg([float(value) for value in built.witness])
        assert len(series) == built.bound + 1
        assert built.component > 0
        assert abs(series[-1] - float(built.component)) < 1e-10


def test_the_shares_of_a_certificate_are_the_known_ones() -> None:
    shares = {(share.term.name, share.alike): share.share for share in star_certificate(4, 1).shares}
    assert shares["pair(2)", True] == Fraction(3, 13)
    assert shares["pair(2)", False] == 1
    assert shares["pair(3)", True] == shares["pair(3)", False] == 0


def test_the_verifier_imports_nothing_that_builds() -> None:
    for module, imported in ((verify_module, {"verify_reach"}), (reach_module, set())):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        assert {
            node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level
        } == imported


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(_VALUES))
def test_changing_any_value_is_found_and_named(path: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(_CERTIFICATE)
    parent, key = _at(changed, path[:-1]), path[-1]
    value = parent[key]
    if isinstance(value, int):
        parent[key] = value + 1
    else:
        parent[key] = {"pair": "product", "product": "pair", "star": "chain", "chain": "star"}.get(
            value, "22/7"
        )
    findings = verify_certificate(changed)
    assert findings
    if path[0] in ("shares", "reaches"):
        assert any(f"{path[0]}[{path[1]}]" in finding for finding in findings)
    elif path[0] not in ("correlation", "l_max"):  # these two change what every other entry should be
        assert any(str(path[0]) in finding for finding in findings)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(list(_leaves(_CERTIFICATE))), st.sampled_from([None, -1, 10**9, "x", 0.5, [], {}]))
def test_nonsense_is_named_and_never_ends_in_an_error(path: tuple[Any, ...], nonsense: Any) -> None:
    changed = copy.deepcopy(_CERTIFICATE)
    _at(changed, path[:-1])[path[-1]] = nonsense
    assert verify_certificate(changed)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([path for path in _leaves(_CERTIFICATE) if "graph" not in path or len(path) > 1]))
def test_removing_any_entry_is_found(path: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(_CERTIFICATE)
    del _at(changed, path[:-1])[path[-1]]
    assert verify_certificate(changed)


def test_a_worse_energy_does_not_pass_for_the_best(certificate: dict[str, Any]) -> None:
    """Leaving the energy away and stating the share that is left keeps every number right; that another does better is seen."""
    (share,) = [
        share
        for share in certificate["shares"]
        if share["term"] == {"kind": "pair", "l": [2]} and share["alike"]
    ]
    share.update(energy=[], gram=[], share="0")
    (finding,) = verify_certificate(certificate)
    assert "another energy does better" in finding


def test_neighbours_alike_are_not_taken_for_neighbours_told_apart(certificate: dict[str, Any]) -> None:
    (index,) = [
        i
        for i, share in enumerate(certificate["shares"])
        if share["term"] == {"kind": "pair", "l": [2]} and share["alike"]
    ]
    certificate["shares"][index]["alike"] = 0
    findings = verify_certificate(certificate)
    assert findings
    assert all(finding.startswith(f"shares[{index}]") for finding in findings)


def test_an_energy_outside_the_space_is_named(certificate: dict[str, Any]) -> None:
    share = certificate["shares"][1]
    share["energy"][0]["graph"] = [[0, 1, 2]]
    (finding,) = verify_certificate(certificate)
    assert finding.startswith("shares[1].energy[0].graph: a vertex has more than l_max = 1 edges")
    share["energy"][0]["graph"] = [[0, 4, 1]]
    (finding,) = verify_certificate(certificate)
    assert "is no edge" in finding


def test_another_version_is_named(certificate: dict[str, Any]) -> None:
    certificate["schema"] = "spectral-ceilings/star-certificate/2"
    (finding,) = verify_certificate(certificate)
    assert "certificate.schema" in finding


@pytest.mark.parametrize("arguments", [(0, 1, 3), (7, 1, 3), (6, 3, 3), (2, 1, 2), (2, 1, 5)])
def test_wrong_settings_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match=r"correlation = |neighbours = "):
        star_certificate(*arguments)
    with pytest.raises(InputError, match=r"correlation = |neighbours = "):
        star_certificates(*arguments)
