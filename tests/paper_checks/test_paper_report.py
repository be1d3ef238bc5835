"""The report of the claims: needs nothing but itself, escapes every text, and leads to every claim."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.paper_checks import registry
from spectral_ceilings.paper_checks.ahead import shares_diagnoses
from spectral_ceilings.paper_checks.outcome import VERDICTS, Outcome, Value
from spectral_ceilings.paper_checks.registry import choose
from spectral_ceilings.paper_checks.report import (
    RunFacts,
    command_for,
    summary,
    to_html,
    to_json,
    to_markdown,
    write_reports,
)
from spectral_ceilings.paper_checks.run import Checked

from made_up_claims import HARMFUL, claim, everything

FACTS = RunFacts("embedded", False, 0, f"ceilings paper --out '{HARMFUL}'", {"torch": "2.4"})
#: Elements of HTML that need no end.
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Everything of a page that can ask for something, and whether its elements are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.wanted: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "srcset", "action", "data", "xlink:href") and value is not None:
                (self.links if tag == "a" else self.wanted).append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked() -> list[Checked]:
    return [
        Checked(claim("first"), everything(), 12.0, False),
        Checked(claim("second", caution=HARMFUL), Outcome("does not hold", "Two."), 0.1, True),
        Checked(claim("third"), Outcome(VERDICTS[3], "No.", reason=HARMFUL), 0.0, False),
    ]


@pytest.fixture(scope="module")
def text() -> str:
    return to_html(checked(), FACTS)


def test_the_page_asks_for_nothing(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert all(link.startswith("#") for link in page.links)
    # Parts of the page's own drawings, and the empty icon.
    assert {wanted for wanted in page.wanted if not wanted.startswith("#")} == {"data:,"}
    assert not page.tags & {"script", "img", "iframe", "object", "embed", "form"}
    assert re.findall(r"url\((?!#)|@import", text) == []
    assert "default-src 'none'" in text


def test_every_text_is_escaped(text: str) -> None:
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 5


def test_every_link_leads_to_its_place_and_every_id_is_one(text: str) -> None:
    page = Page(text)
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert {"first", "second", "third", "verdicts"} <= set(page.ids)
    assert {wanted.removeprefix("#") for wanted in page.wanted if wanted.startswith("#")} <= set(page.ids)


def test_each_claim_has_everything_that_decides_it(text: str) -> None:
    plain = re.sub(r"<[^>]+>", " ", text)
    for words in ("Criterion", "Refuted by", "Procedure", "Code", "Repeat it", "It must hold."):
        assert plain.count(words) >= 3, words
    assert "ceilings paper --only first --out runs/first" in text
    assert "paper_checks/made_up.py, function first" in text
    assert text.count("<svg") == 4
    assert text.count("taken from an earlier run") == 1
    for number in ("0.921 [0.860, 0.950]", "0.913", "at least 20"):
        assert number in plain, number


def test_verdicts_are_told_apart_by_sign_and_word(text: str) -> None:
    for sign, verdict in (("✓", "holds"), ("✗", "does not hold"), ("?", "cannot be checked here")):
        assert f'<span aria-hidden="true">{sign}</span> {verdict}</span>' in text


def test_the_summary_counts() -> None:
    assert summary(checked()) == (
        "Of 3 claims 1 holds, 1 does not hold, 1 cannot be checked here. Of those that must hold, second fails."
    )
    assert summary(checked()[:1]) == "Of 1 claim 1 holds. Every claim that must hold, holds."
    two = [Checked(claim(name), Outcome("does not hold", "x"), 0.0, False) for name in ("a", "b")]
    assert "2 do not hold" in summary(two)


def test_markdown_has_tables_of_equal_rows_and_its_figures(tmp_path: Path) -> None:
    write_reports(checked(), FACTS, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text == to_markdown(checked(), FACTS)
    for table in re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table
    figures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(figures) == 4
    for name in figures:
        assert (tmp_path / name).read_text(encoding="utf-8").rstrip().endswith("</svg>")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == to_html(checked(), FACTS)


@pytest.mark.parametrize(
    ("facts", "options"),
    [
        ({"data": "rmd17"}, "--data rmd17 "),
        ({"data": "somewhere"}, "--data FOLDER "),
        ({"quick": True}, "--quick "),
        ({"seed": 3}, "--seed 3 "),
    ],
)
def test_the_command_of_one_claim_has_the_settings_of_the_run(facts: dict[str, Any], options: str) -> None:
    given: dict[str, Any] = {"data": "embedded", "quick": False, "seed": 0, "command": "", **facts}
    assert command_for(claim("a"), RunFacts(**given)) == f"ceilings paper --only a {options}--out runs/a"


def test_json_says_whether_it_held() -> None:
    assert to_json(checked(), FACTS)["held"] is False
    assert to_json(checked()[:1], FACTS)["held"] is True


def test_the_time_of_a_claim_says_what_it_leaves_out() -> None:
    outcome = Outcome("holds", "Yes.")
    shared = to_html([Checked(claim("a", check="seeds:four_backbones"), outcome, 0.3, False)], FACTS)
    alone = to_html([Checked(claim("a", check="cost:coupling_cost"), outcome, 0.3, False)], FACTS)
    words = "Took 0.3 s, without the diagnoses that it shares with other claims."
    assert words in shared
    assert words not in alone
    assert "Took 0.3 s." in alone


def test_checks_that_share_diagnoses_are_those_that_ask_for_one() -> None:
    for one in choose(None):
        source = (
            Path(registry.__file__).with_name(one.check.partition(":")[0] + ".py").read_text(encoding="utf-8")
        )
        assert shares_diagnoses(one) == bool("from .effort import" in source), one.id


def test_the_table_shows_a_claim_s_first_numbers_and_those_of_the_paper_before_them() -> None:
    values = [
        Value("R2(6), L = 3", 0.9),
        Value("R2(7), L = 3", 0.01, expected=0.0),
        Value("R2(5), L = 2", 0.02, expected=0.0),
    ]
    for more, shown in (
        ([], ("R²(6), L", "R²(7), L")),
        ([Value("given", 1.0, paper=1.0)], ("given", "R²(6), L")),
    ):
        page = to_html(
            [Checked(claim("a"), Outcome("holds", "Yes.", values=(*values, *more)), 0.1, False)], FACTS
        )
        table = page[page.index('id="table-verdicts"') : page.index('id="a"')]
        assert [name for name in ("given", "R²(6), L", "R²(7), L", "R²(5), L") if name in table] == list(
            shown
        )
