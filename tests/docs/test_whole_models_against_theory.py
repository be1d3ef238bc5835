"""The page of whole models against theory: its tables are those of the file that the command wrote, and the file is whole."""

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from spectral_ceilings.diagnostic.whole_models.cell import ModelCellSettings, TermRow
from spectral_ceilings.diagnostic.whole_models.exact import predicted
from spectral_ceilings.diagnostic.whole_models.plan import ModelPlan
from spectral_ceilings.diagnostic.whole_models.terms import term_of

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def computed() -> ModuleType:
    """The script that fills the blocks of the pages."""
    specification = importlib.util.spec_from_file_location("computed", DOCS / "computed.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _recorded(computed: ModuleType) -> list[dict[str, str]]:
    with computed.WHOLE_MODELS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _row(line: dict[str, str]) -> TermRow:
    numbers = {
        name: float(line[name])
        for name in ("closed_form", "closed_form_error", "trained", "trained_error", "allowance")
    }
    return TermRow(line["term"], line["share"] or None, line["reason"], rank=int(line["rank"]), **numbers)


def test_the_tables_of_the_page_are_those_of_the_recorded_run(computed: ModuleType) -> None:
    page = (DOCS / "whole-models-against-theory.md").read_text(encoding="utf-8")
    assert computed.fill(page) == page, "run: python docs/computed.py docs/whole-models-against-theory.md"
    assert page.count("<!-- computed: whole_models") == 7


def test_the_recorded_run_has_every_cell_of_the_default_plan_and_every_term_of_each(
    computed: ModuleType,
) -> None:
    def told(cell: ModelCellSettings, term: str) -> tuple[str, ...]:
        data = {**cell.to_dict(), "term": term}
        names = (
            "architecture",
            "l_max",
            "correlation",
            "layers",
            "channels",
            "graph",
            "alike",
            "cutoff",
            "seed",
            "term",
        )
        return tuple("" if data[name] is None else str(data[name]) for name in names)

    wanted = [told(cell, term) for cell in ModelPlan().cells() for term in cell.terms]
    assert [tuple(line.values())[:10] for line in _recorded(computed)] == wanted


def test_what_theory_says_today_is_what_the_recorded_numbers_were_held_against(computed: ModuleType) -> None:
    lines = iter(_recorded(computed))
    for cell in ModelPlan().cells():
        for term in cell.terms:
            line = next(lines)
            share = predicted(term_of(term), cell.model, cell.layout).share
            assert line["share"] == ("" if share is None else str(share)), (cell.title, term)
            assert line["verdict"] == _row(line).verdict, (cell.title, term)
            assert line["verdict"] not in ("contradicted", "undecided")
