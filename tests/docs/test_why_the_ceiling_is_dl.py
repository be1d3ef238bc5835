"""The page "Why the ceiling is dL": its computed blocks are what the package computes, and its figures are there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

_DOCS = Path(__file__).parents[2] / "docs"
_PAGE = _DOCS / "why-the-ceiling-is-dL.md"


@pytest.fixture(scope="module")
def computed() -> ModuleType:
    spec = importlib.util.spec_from_file_location("computed", _DOCS / "computed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_blocks_hold_what_the_package_computes(computed: ModuleType) -> None:
    text = _PAGE.read_text(encoding="utf-8")
    assert text.count("<!-- computed:") == text.count("<!-- end -->") > 10
    assert computed.fill(text) == text
    assert computed.on_page_markdown(text, page=None) == text


def test_a_changed_number_would_be_noticed(computed: ModuleType) -> None:
    text = _PAGE.read_text(encoding="utf-8")
    assert r"\sqrt{\tfrac{10}{7}}" in text
    assert computed.fill(text.replace(r"\tfrac{10}{7}", r"\tfrac{11}{7}")) == text


def test_every_step_of_the_proof_holds_on_the_page() -> None:
    assert "does not hold" not in _PAGE.read_text(encoding="utf-8")


def test_an_unknown_computation_is_an_error(computed: ModuleType) -> None:
    with pytest.raises(ValueError, match="'nothing' is unknown"):
        computed.fill("<!-- computed: nothing 1 -->\n<!-- end -->")


def test_figures_and_tables_are_whole() -> None:
    text = _PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text):
        assert (_DOCS / name).read_text(encoding="utf-8").rstrip().endswith("</svg>")
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(columns) == 1
