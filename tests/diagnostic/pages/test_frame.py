"""A page made of data is a sound document: escaped, with its verdict first, folded where it is long, the same bytes each time."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup

from spectral_ceilings.diagnostic.pages.frame import (
    MARKS,
    STATES,
    Banner,
    Fold,
    Heading,
    KeyNumber,
    Page,
    Paragraph,
    Repeat,
    Section,
    State,
    render_page,
)
from spectral_ceilings.diagnostic.pages.rendering import environment, render
from spectral_ceilings.diagnostic.pages.tables import LONGEST_OPEN, Cell, Column, Facts, Table, numbers

NASTY = "<script>alert('x')</script>\"&amp;"
VOID = {"meta", "link", "br"}


class Reader(HTMLParser):
    """Reads a page strictly; keeps its elements and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words += data


def page_of(*parts: object, **fields: object) -> str:
    given_fields = {"kind": "Audit", "title": "A model", "banner": Banner("held", "It held."), **fields}
    return render_page(Page(sections=[Section("first", "First", list(parts))], **given_fields))  # type: ignore[arg-type]


def test_every_text_is_escaped() -> None:
    text = page_of(
        NASTY, Paragraph(NASTY), Heading(NASTY), Fold(NASTY, [Facts("facts", NASTY, [(NASTY, NASTY)], fold=NASTY)]),
        Table("table", NASTY, [NASTY, Column(NASTY)], [[NASTY, Cell(NASTY, NASTY, sign=NASTY, said=NASTY, title=NASTY)]]),
        Repeat(NASTY, 1, [(NASTY, NASTY)], {NASTY: {NASTY: NASTY}}, {NASTY: NASTY}, {NASTY: 1.0}, [(NASTY, NASTY)]),
        kind=NASTY, title=NASTY, banner=Banner("held", NASTY, NASTY, [NASTY]), findings=[NASTY], advice=[NASTY],
        numbers=[KeyNumber(NASTY, NASTY, [NASTY])], lead=[NASTY], version=NASTY,
    )  # fmt: skip
    assert "<script" not in text
    reader = Reader(text)
    assert "script" not in {tag for tag, _ in reader.elements}
    assert reader.words.count("<script>") >= 34


def test_markup_stands_as_it_is() -> None:
    assert "<p>a <b>b</b></p>" in page_of(Markup("<p>a <b>b</b></p>"))


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_any_text_reads_back(text: str) -> None:
    reader = Reader(
        str(render("macros.html.j2", "spectral_ceilings.diagnostic.pages"))
        + "<p>"
        + str(Markup.escape(text))
        + "</p>"
    )
    assert reader.words.strip("\n") == text.strip("\n")


@pytest.mark.parametrize("state", list(MARKS))
def test_each_state_is_told_by_words_too(state: State) -> None:
    words = Reader(page_of("x", banner=Banner(state, "S."))).words
    assert words.index(MARKS[state]) < words.index("S.") < words.index("First")


def test_a_verdict_with_a_remark_is_not_plainly_green() -> None:
    assert Banner("held", "It held.").classes == "verdict held"
    assert Banner("held", "It held.", remarks=["No control was run."]).classes == "verdict held qualified"
    assert Banner("failed", "No.", remarks=["x"]).classes == "verdict failed"


def test_every_outcome_of_a_verdict_has_its_state_and_its_words() -> None:
    assert set(STATES.values()) == set(MARKS)
    assert Banner(STATES["falls short"], "It reaches l = 3.").title == "◑ Falls short"
    assert "verdict short" in page_of(banner=Banner(STATES["falls short"], "It reaches l = 3."))


def test_the_answer_comes_before_the_sections() -> None:
    words = Reader(page_of("body", findings=["Found this."], advice=["Do that."])).words
    places = [
        words.index(text)
        for text in ("It held.", "What was found", "Found this.", "What to do", "Do that.", "body")
    ]
    assert places == sorted(places)


def test_a_section_without_content_is_left_out_of_the_contents_too() -> None:
    text = render_page(
        Page(
            "Audit",
            "A model",
            Banner("held", "."),
            [Section("empty", "Nothing", ["", Markup()]), Section("full", "All", ["x"])],
        )
    )
    assert "Nothing" not in text
    assert '<a href="#full">All</a>' in text


@pytest.mark.parametrize(
    ("rows", "fold", "folded"),
    [
        (LONGEST_OPEN, None, False),
        (LONGEST_OPEN + 1, None, True),
        (LONGEST_OPEN + 1, "", False),
        (1, "Show it", True),
    ],
)
def test_long_tables_are_folded(rows: int, fold: str | None, folded: bool) -> None:
    text = page_of(Table("t", "C.", ["l"], [[str(k)] for k in range(rows)], fold))
    assert ('<details class="printed">' in text) is folded
    assert len(re.findall('<th scope="row">', text)) == rows


def test_cells_take_the_kind_of_their_column() -> None:
    made = Table(
        "t", "C.", ["name", *numbers("a", "b", "c")], [["x", Cell("no path", kind="none", span=2), "3"]]
    )
    assert [cell.kind for cell in made.body[0]] == ["", "none", "number"]
    text = page_of(made)
    assert '<td class="none" colspan="2">no path</td><td class="number">3</td>' in text


def test_repeating_says_all_that_was_recorded() -> None:
    words = Reader(
        page_of(
            Repeat(
                "ceilings audit",
                7,
                [("SHA-256", "ab")],
                {"a": {"b": 1}},
                {"torch": "2"},
                {"x": 1.0, "y": 2.0},
            )
        )
    ).words
    for text in ("ceilings audit", "Seed 7.", "SHA-256", "a.b", "torch", "sum", "3.0 s"):
        assert text in words
    assert "Inputs." not in Reader(page_of(Repeat("c"))).words


def test_a_page_may_load_nothing_and_is_the_same_each_time() -> None:
    text = page_of("x")
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["data:,", "#first"]
    assert text == page_of("x")
    assert text.startswith("<!DOCTYPE html>")


def test_a_name_that_a_template_misses_is_an_error() -> None:
    template = environment("spectral_ceilings.diagnostic.pages").from_string("{{ missing }}")
    with pytest.raises(UndefinedError):
        template.render()
