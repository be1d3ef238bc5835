"""The report is a sound page that stands alone, says what was measured, and escapes all that it was given."""

from __future__ import annotations

import copy
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.diagnostic.pages.frame import markup
from spectral_ceilings.diagnostic.pages.tables import Cell
from spectral_ceilings.diagnostic.report import figures, report
from spectral_ceilings.diagnostic.report import sections as report_sections
from spectral_ceilings.diagnostic.report.captions import describe
from spectral_ceilings.diagnostic.report.cells import measured_cell

from synthetic_result import make_row, synthetic_result

VOID = {"meta", "link", "br", "img", "hr", "input", "wbr"}
MINUS = "\N{MINUS SIGN}"


class Page(HTMLParser):
    """Reads a page strictly: every element that is opened is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.stack, f"<{tag}/> outside a figure"
        self.handle_starttag(tag, attrs)
        self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.stack):
            self.text.append(data)

    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.text).replace("\N{NO-BREAK SPACE}", " "))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    made: dict[str, Any] = synthetic_result()
    return made


@pytest.fixture(scope="module")
def text(result: dict[str, Any]) -> str:
    return report.render_report(result)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words alone: drawing takes most of the time."""
    monkeypatch.setattr(report, "page_figures", lambda *_: {})


# -------------------- the page


def test_the_page_is_well_formed_and_identifiers_are_unique(page: Page) -> None:
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    referred = [
        attributes[name]
        for _, attributes in page.elements
        for name in ("aria-labelledby",)
        if name in attributes
    ]
    referred += [a["href"][1:] for a in page.all("a") if a["href"].startswith("#")]
    assert referred
    assert set(referred) <= set(identifiers)
    assert page.all("html")[0]["lang"] == "en"


def test_the_page_needs_nothing_but_itself(text: str, page: Page) -> None:
    for tag in ("script", "iframe", "object", "embed", "img", "base", "form"):
        assert page.all(tag) == []
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                beside = tag == "a" and re.fullmatch(
                    r"(figures/[a-z]*(\.png|\.svg)?|result\.json|recovery\.csv)", value
                )
                assert beside or value.startswith("#") or value == "data:,", (tag, name, value)
            assert not name.startswith("on")
    assert "@import" not in text
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_headings_come_in_order_and_tables_have_names(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(page.all("caption")) == len(page.all("table")) >= 8
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.all("th"))
    for attributes in page.all("div"):
        if "scroll" in attributes.get("class", ""):
            assert attributes["tabindex"] == "0"
            assert attributes["role"] == "region"


def test_every_figure_is_there_twice_with_a_text_for_those_who_do_not_see_it(
    page: Page, result: dict[str, Any]
) -> None:
    figures_in_page = page.all("svg")
    available = [kind for kind in figures.FIGURES if kind.available(result)]
    assert len(page.all("figure")) == len(available) >= 3
    assert len(figures_in_page) == 2 * len(available)
    assert all(len(attributes["aria-label"]) > 40 for attributes in figures_in_page)
    assert "0.965" in figures_in_page[0]["aria-label"]
    assert "no path" in figures_in_page[0]["aria-label"]


def test_the_report_is_written_beside_the_result(tmp_path: Path, result: dict[str, Any], text: str) -> None:
    path = report.write_report(result, tmp_path)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8") == text  # the same result gives the same bytes
    assert len(path.read_bytes()) < 1_500_000


# -------------------- what it says


def test_the_verdict_comes_first(page: Page, result: dict[str, Any]) -> None:
    words = page.words()
    assert (
        words.index("Theory held")
        < words.index("up to ℓ = 4 and nothing at ℓ = 5")
        < words.index("R² at the ceiling")
    )
    assert words.index("R² at the ceiling") < words.index("The measurement")


@pytest.mark.parametrize(
    "needed",
    [
        "0.965",
        "NequIP",
        "67,136",
        "68.2 meV/Å",
        "layer1_convnet",
        "a1" * 32,
        "3b" * 32,
        "700 training, 100 validation, 200 held out",
        "GFN2-xTB",
        "Untrained backbone",
        "No random rotations",
        "the cliff vanishes",
        "Nothing injected",
        "not the place",
        "no path",
        "What is not claimed",
        "Null band",
        "ceilings diagnose --out runs/demo --seed 0",
        "What was found",
        "the free readout recovers 96 %; of the next finer one, ℓ = 5, nothing.",
        "What to do",
        "Seed 0",
        "2.13.0",
        "2 min 5 s",
        "4.1 × 10⁻¹⁵",
        "left out",
        "a hydrogen of the methyl group",
        "scalars only",
        "interval.level",
        "Interval of 95 %",
        "97.5 % of such fits",
        "C, equivariant",
    ],
)
def test_the_report_says(page: Page, needed: str) -> None:
    assert needed in page.words()


def test_a_theory_that_did_not_hold_is_said_as_plainly(without_figures: None, result: dict[str, Any]) -> None:
    failed = copy.deepcopy(result)
    failed["verdict"].update(
        held=False, outcome="contradicted", sentence="Something was recovered above the ceiling."
    )
    failed["verdict"]["per_degree"][1].update(
        held=False, outcome="contradicted", above=[5], short=[], undecided=[], nothing_to_hold=[]
    )
    words = Page(report.render_report(failed)).words()
    assert "✗ Theory contradicted Something was recovered above the ceiling." in words
    assert words.count("✗ contradicts theory") == 1
    assert words.count("✓ held") == 2


def test_no_path_is_never_a_number(result: dict[str, Any]) -> None:
    cells = re.findall(r"<tr>(.*?)</tr>", str(markup(report_sections.measured_table(result))))
    body = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in cells][1:]
    # Columns: l, free 1, 2, 3, equivariant 1, 2, 3; features up to l = 2.
    assert len(body) == 9
    for row in body:
        degree_l = int(row[0])
        for column, degree in ((4, 1), (5, 2), (6, 3)):
            assert (row[column] == "no path") is (degree_l > 2 * degree)
        for column in (1, 2, 3):
            assert "no path" not in row[column]
            assert re.match(rf"{MINUS}?\d\.\d{{3,4}} ", row[column])
    assert measured_cell(make_row()) == Cell("no path", kind="none")


def test_verdicts_are_signs_beside_colours(result: dict[str, Any]) -> None:
    row = next(r for r in result["recovery"] if r["verdict"] == "recovered")
    cell, unclear = measured_cell(row), measured_cell({**row, "verdict": "undecided"})
    assert (cell.said, cell.sign, cell.kind) == ("recovered", "●", "number yes")
    assert (unclear.said, unclear.sign, unclear.kind) == ("undecided", "◐", "number")


def test_plateaus_are_shown_beside_what_theory_allows(result: dict[str, Any]) -> None:
    more = copy.deepcopy(result)
    row = next(r for r in result["recovery"] if (r["readout"], r["degree"], r["l"]) == ("free", 2, 4))
    more["recovery"].append({**row, "direction": "radial", "r2": 0.418, "predicted": 4 / 9})
    shown = markup(*report_sections.other_tables(more))
    assert "marked, radial; free, degree 2" in shown
    assert "0.418" in shown
    assert "theory allows" in shown
    assert "0.444" in shown


def test_little_is_enough(without_figures: None, result: dict[str, Any]) -> None:
    """No controls, atoms, training or free readout; an untrained model without force error; a SiLU network."""
    bare = copy.deepcopy(result)
    bare["model"].update(
        trained=False, training=None, force_mae_eV_A=None, sha256=None, layers=[], parameters=None
    )
    bare.update(controls=[], atoms=[], timings_s={}, versions={})
    bare["checks"]["purity"] = []
    bare["verdict"]["per_degree"] = []
    bare["recovery"] = [row for row in result["recovery"] if row["readout"] == "equivariant"]
    row = next(r for r in result["recovery"] if r["readout"] == "free")
    bare["recovery"].append({**row, "readout": "network", "degree": None})
    words = Page(report.render_report(bare)).words()
    assert "an untrained NequIP model" in words
    assert "Force error (MAE)not known" in words
    assert "network, not polynomial" in words
    assert "R² just above it, ℓ = 5no path" in words


# -------------------- escaping

NASTY = "<script>alert('x')</script>\"&amp;\N{RIGHT-TO-LEFT OVERRIDE}"


def _spoiled(value: Any, keep: frozenset[str], name: str = "") -> Any:
    """Put the nasty text into every free text of a result."""
    if isinstance(value, dict):
        return {key: _spoiled(item, keep, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_spoiled(item, keep, name) for item in value]
    return f"{value}{NASTY}" if isinstance(value, str) and name not in keep else value


def test_every_text_is_escaped(result: dict[str, Any]) -> None:
    keep = frozenset({"injection", "direction", "readout", "scope", "verdict", "name"})
    spoiled = _spoiled(result, keep)
    spoiled["settings"][NASTY] = NASTY
    spoiled["versions"][NASTY] = NASTY
    spoiled["timings_s"][NASTY] = 1.0
    made = report.render_report(spoiled)
    page = Page(made)
    assert page.all("script") == []
    assert "<script" not in made
    assert page.words().count("<script>alert('x')</script>") > 30


def test_every_available_figure_is_described(result: dict[str, Any]) -> None:
    for kind in figures.FIGURES:
        assert describe(result, kind.name).endswith(".")
        assert (
            describe(result, kind.name) != f"Figure: {kind.name}."
        )  # the sentence of a figure without its own
