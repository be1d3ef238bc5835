"""Certificates: valid by the reference JSON Schema implementation, replayed, and broken by any change."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spectral_ceilings.theory.verify as verify_module
from spectral_ceilings.theory import (
    InputError,
    build_certificate,
    build_certificates,
    verify_certificate,
    verify_file,
)
from spectral_ceilings.theory.schema_check import load_schema, schema_findings

_SCHEMA = load_schema("span_certificate.schema.json")
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    yield path
    for key, value in items:
        yield from _leaves(value, (*path, key))


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


_CERTIFICATE: dict[str, Any] = build_certificate(3, 2).to_dict()
_PATHS = [path for path in _leaves(_CERTIFICATE) if path]


@pytest.fixture
def certificate() -> dict[str, Any]:
    return copy.deepcopy(_CERTIFICATE)


def test_all_64_certificates_are_built_and_replayed_in_time() -> None:
    start = process_time()
    texts = [certificate.to_json() for certificate in build_certificates(8, 8)]
    built = process_time()
    assert len(texts) == 64
    assert [verify_certificate(json.loads(text)) for text in texts] == [[]] * 64
    assert built - start < 15
    assert process_time() - built < 30


def test_the_format_is_the_shipped_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(_SCHEMA)
    for certificate in build_certificates(4, 3):
        assert list(_VALIDATOR.iter_errors(certificate.to_dict())) == []
    assert list(_VALIDATOR.iter_errors(build_certificate(2, 0).to_dict())) == []


def test_the_verifier_imports_nothing_that_builds() -> None:
    tree = ast.parse(Path(verify_module.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level}
    assert imported == {"errors", "schema_check", "verify_grid", "verify_so2", "verify_star"}


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: ".".join(map(str, path)))
def test_changing_any_entry_is_found_and_named(certificate: dict[str, Any], path: tuple[Any, ...]) -> None:
    parent, key = _at(certificate, path[:-1]), path[-1]
    value = parent[key]
    if isinstance(value, int):
        parent[key] = value + 1
    elif isinstance(value, str):
        parent[key] = "7/3" if path[-1] == "square" else "something else"
    else:
        parent[key] = None
    findings = verify_certificate(certificate)
    assert findings
    entry = "degree" if path[0] in ("degree", "l_max") else str(path[0])
    assert any(entry in finding for finding in findings) or path[0] in ("degree", "l_max")


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: ".".join(map(str, path)))
def test_removing_any_entry_is_found(certificate: dict[str, Any], path: tuple[Any, ...]) -> None:
    del _at(certificate, path[:-1])[path[-1]]
    assert verify_certificate(certificate)


def test_what_was_tampered_with_is_named(certificate: dict[str, Any]) -> None:
    certificate["witnesses"][5]["coefficient"]["square"] = "1"
    (finding,) = verify_certificate(certificate)
    assert "witnesses[5] (l = 5).coefficient" in finding


def test_a_missing_degree_is_named(certificate: dict[str, Any]) -> None:
    del certificate["witnesses"][4]
    assert "witnesses: l = 4 has 0 witnesses, one is expected" in verify_certificate(certificate)


def test_another_version_is_named(certificate: dict[str, Any]) -> None:
    certificate["schema"] = "spectral-ceilings/span-certificate/2"
    (finding,) = verify_certificate(certificate)
    assert "certificate.schema" in finding


def test_a_flipped_sign_is_found_everywhere(certificate: dict[str, Any]) -> None:
    signs = [path for path in _PATHS if path[-1] == "sign"]
    assert len(signs) > 10
    for path in signs:
        tampered = copy.deepcopy(certificate)
        _at(tampered, path[:-1])["sign"] = -1
        (finding,) = verify_certificate(tampered)
        assert f"witnesses[{path[1]}]" in finding


def test_booleans_are_no_integers(certificate: dict[str, Any]) -> None:
    ones = [
        path
        for path in _PATHS
        if _at(certificate, path) in (0, 1) and isinstance(_at(certificate, path), int)
    ]
    assert len(ones) > 20
    for path in ones:
        tampered = copy.deepcopy(certificate)
        _at(tampered, path[:-1])[path[-1]] = bool(_at(certificate, path))
        assert verify_certificate(tampered)


def test_a_negative_zero_or_unreduced_root_is_refused(certificate: dict[str, Any]) -> None:
    for value in ("-1", "2/2", "01", "9/7 ", "1.0"):
        certificate["witnesses"][1]["coefficient"]["square"] = value
        assert verify_certificate(certificate)


def test_an_honest_certificate_of_another_pair_does_not_pass_under_a_wrong_label() -> None:
    data = build_certificate(2, 3).to_dict()
    data["degree"], data["l_max"] = 3, 2  # the same boundary
    assert verify_certificate(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=10,
    ),
    st.sampled_from(_PATHS),
)
def test_the_schema_check_agrees_with_jsonschema(value: Any, path: tuple[Any, ...]) -> None:
    data = copy.deepcopy(_CERTIFICATE)
    _at(data, path[:-1])[path[-1]] = value
    ours, theirs = schema_findings(data, _SCHEMA), list(_VALIDATOR.iter_errors(data))
    # The reference takes 3.0 for an integer, as JSON Schema does; a certificate holds integers only, so ours does not.
    if not any(isinstance(_at(data, leaf), float) for leaf in _leaves(data)):
        assert bool(ours) == bool(theirs)
    assert ours or not theirs
    assert ours or value == _at(_CERTIFICATE, path) or verify_certificate(data)


def test_a_keyword_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(NotImplementedError, match="maxLength"):
        schema_findings("text", {"type": "string", "maxLength": 3})


def test_files_that_are_no_certificates(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        verify_file(tmp_path / "missing.json")
    (tmp_path / "broken.json").write_text('{"schema": ', encoding="utf-8")
    with pytest.raises(InputError, match="is not JSON"):
        verify_file(tmp_path / "broken.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        verify_file(tmp_path / "binary.json")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    assert verify_file(tmp_path / "list.json") == ["certificate: object is expected, [] is found"]


@pytest.mark.parametrize(("degree", "l_max"), [(0, 2), (2, -1), (2.0, 2), (17, 16), (257, 1)])
def test_pairs_that_cannot_be_certified_are_refused(degree: int, l_max: int) -> None:
    with pytest.raises(InputError, match=r"degree|l_max"):
        build_certificate(degree, l_max)
    with pytest.raises(InputError, match=r"degree|l_max"):
        build_certificates(degree, l_max)


def test_the_largest_certificates_are_replayed() -> None:
    for degree, l_max in ((16, 16), (1, 256), (64, 4)):
        assert verify_certificate(build_certificate(degree, l_max).to_dict()) == []
