"""The report opens from disk in a real browser: figures seen, nothing requested, no sideways scrolling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.diagnostic.report.report import write_report

from real_browser import check_page, launched, opened
from synthetic_result import synthetic_result


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as one:
        yield one


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(synthetic_result(), tmp_path_factory.mktemp("run"))


def test_the_report_passes_at_every_width_in_light_dark_and_print(
    browser: Any, report: Path, tmp_path: Path
) -> None:
    check_page(browser, report, "report", tmp_path)
    page, _ = opened(browser, report, 360, 800, "light")
    ink = "all => all.filter(node => node.getBoundingClientRect().width > 0).length"
    assert page.locator("figure").count() >= 3
    assert page.locator("figure svg :is(path, use)").evaluate_all(ink) > 300
    # The hidden form of a figure is hidden from readers too.
    assert page.get_by_role("img", name="Line chart of R²").count() == 1
    page.context.close()


def test_the_first_screen_of_a_phone_holds_the_verdict_and_what_was_found(browser: Any, report: Path) -> None:
    page, _ = opened(browser, report, 360, 800, "light")
    for words in ("Theory held", "What was found"):
        box = page.get_by_text(words).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 800, words
    page.context.close()


def test_a_run_without_controls_says_so_in_its_banner(browser: Any, tmp_path: Path) -> None:
    path = write_report({**synthetic_result(), "controls": []}, tmp_path)
    check_page(browser, path, "report-without-controls", tmp_path)
    page, _ = opened(browser, path, 1200, 900, "light")
    colour = "node => getComputedStyle(node).backgroundColor"
    held = page.locator(".verdict").evaluate(colour)
    assert "Controls were not run" in page.locator(".verdict").inner_text()
    page.locator(".verdict").evaluate("node => node.classList.remove('qualified')")
    assert page.locator(".verdict").evaluate(colour) != held
    page.context.close()


def test_the_contents_lead_to_their_sections(browser: Any, report: Path) -> None:
    page, trouble = opened(browser, report, 1280, 900, "light")
    links = page.locator("nav a")
    assert links.count() == page.locator("main h2").count() >= 7
    for number in range(links.count()):
        page.evaluate("scrollTo(0, 0)")
        links.nth(number).focus()
        page.keyboard.press("Enter")
        target = page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")
        assert -1 <= target <= 900
    # Moving inside a page is no request to anywhere; Chromium reports it under the page's own address.
    assert [line for line in trouble if not line.startswith(f"request: {report.as_uri()}#")] == []
    page.context.close()


def test_the_browser_would_see_trouble(browser: Any, report: Path, tmp_path: Path) -> None:
    """The listeners work: a page with a foreign picture, an error and a wide line is noticed."""
    broken = report.read_text(encoding="utf-8")
    broken = broken.replace("default-src 'none'; ", "").replace("img-src data:", "")
    intruder = "<img src='missing.png' alt=''><script>console.error('oh'); throw new Error('no')</script>"
    wide = "<p style='width: 3000px'>wide</p>"
    path = tmp_path / "broken.html"
    path.write_text(broken.replace("<main>", f"<main>{intruder}{wide}"), encoding="utf-8")
    page, trouble = opened(browser, path, 360, 780, "light")
    seen = " ".join(trouble)
    assert "missing.png" in seen
    assert "console error: oh" in seen
    assert "page error: no" in seen
    assert page.evaluate("document.documentElement.scrollWidth") > 360
    page.context.close()
