"""The report of the paper's claims in a real browser, from a small run: two theorems, and one claim with every kind of chart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.paper_checks.context import Context
from spectral_ceilings.paper_checks.outcome import Outcome
from spectral_ceilings.paper_checks.report import RunFacts, write_reports
from spectral_ceilings.paper_checks.run import Checked, run_claims

from made_up_claims import claim, everything
from real_browser import check_page, keep, launched, opened

SIZES = [(390, 844), (1280, 900)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as one:
        yield one


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    checked = run_claims(Context(folder, quick=True), ["span-theorem", "multiplicity-one"])
    checked += [
        Checked(claim("made-up"), everything(), 3.0, False),
        Checked(claim("refuted"), Outcome("does not hold", "It is two."), 0.1, True),
        Checked(
            claim("open"), Outcome("cannot be checked here", "No.", reason="It is not there."), 0.1, False
        ),
    ]
    facts = RunFacts(
        "embedded", True, 0, f"ceilings paper --quick --out {'a-long-name/' * 20}", {"torch": "2"}
    )
    return write_reports(checked, facts, folder)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_page_opens(
    browser: Any, report: Path, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    page, trouble = opened(browser, report, width, height, scheme)
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")

    # Every figure is drawn, about as wide as its column, with ink in it; there is no picture from elsewhere.
    figures = page.locator("figure svg[role=img]")
    assert figures.count() == page.locator("figure").count() == 4
    boxes = figures.evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(b => [b.width, b.height])"
    )
    assert all(w > 150 and h > 80 for w, h in boxes), boxes
    for number in range(4):
        assert figures.nth(number).get_attribute("aria-label")
        ink = (
            figures.nth(number)
            .locator(":is(path, use)")
            .evaluate_all("all => all.filter(one => one.getBoundingClientRect().width > 0).length")
        )
        assert ink > 10
    assert page.locator("img").evaluate_all("all => all.every(i => i.complete && i.naturalWidth > 0)")

    # Nothing stands out of the page; what is too wide scrolls in its own box.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """width => [...document.querySelectorAll('body *')].filter(one => !one.closest('.scroll, svg')
            && one.getBoundingClientRect().right > width + 0.5).map(one => one.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []

    # Light is light and dark is dark.
    colours = page.evaluate(
        """() => { const style = getComputedStyle(document.body);
            return [style.backgroundColor, style.color].map(
                text => text.match(/\\d+/g).slice(0, 3).map(Number).reduce((sum, x) => sum + x, 0)); }"""
    )
    paper, ink_of_text = colours
    assert (paper > 700 > 150 > ink_of_text) if scheme == "light" else (paper < 100 < 600 < ink_of_text)

    # A text that is harmful as markup is a text.
    assert page.get_by_text("<script>alert(1)</script>").count() >= 1
    assert trouble == []
    assert keep(page, f"paper-{width}-{scheme}", tmp_path).stat().st_size > 50_000
    page.context.close()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_keyboard_reaches_every_link_and_every_table(
    browser: Any, report: Path, width: int, height: int
) -> None:
    page, _ = opened(browser, report, width, height, "light")
    wanted = page.locator("a[href], .scroll, summary").count()
    assert page.locator(".scroll:not([tabindex='0'])").count() == 0
    reached = set()
    for _ in range(3 * wanted):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const one = document.activeElement;
                const all = [...document.querySelectorAll('a[href], .scroll, summary')];
                return [all.indexOf(one), getComputedStyle(one).outlineStyle]; }"""
        )
        if at[0] >= 0:
            assert at[1] != "none", "what has the focus shows it"
            reached.add(at[0])
    hidden = page.locator("details:not([open]) .scroll").count()  # reached once they are unfolded
    assert len(reached) == wanted - hidden
    page.context.close()


def test_links_lead_to_their_claims(browser: Any, report: Path) -> None:
    page, trouble = opened(browser, report, 1280, 900, "light")
    links = page.locator("table.verdicts a")
    assert links.count() == 5
    for number in range(5):
        page.evaluate("scrollTo(0, 0)")
        links.nth(number).focus()
        page.keyboard.press("Enter")
        assert -1 <= page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top") <= 900
    # Moving inside a page is no request to anywhere; Chromium reports it under the page's own address.
    assert [line for line in trouble if not line.startswith(f"request: {report.as_uri()}#")] == []
    page.context.close()


def test_the_page_passes(browser: Any, report: Path, tmp_path: Path) -> None:
    check_page(browser, report, "paper", tmp_path)
