"""The report opens from disk in a real browser: figures seen, nothing requested, no sideways scrolling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.diagnostic.report.report import write_report

from real_browser import keep, launched, opened
from synthetic_result import synthetic_result


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as one:
        yield one


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(synthetic_result(), tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 780), (1280, 900)])
def test_the_report_opens(
    browser: Any, report: Path, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    page, trouble = opened(browser, report, width, height, scheme)
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")

    # Each figure shows one of its two forms, as wide as its column and not empty.
    shown = page.locator("figure svg").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).filter(box => box.width > 0).map(b => [b.width, b.height])"
    )
    assert len(shown) == page.locator("figure").count() >= 3
    assert all(w > min(width, 800) * 0.7 and h > 120 for w, h in shown), shown
    ink = page.locator("figure svg :is(path, use)").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().width > 0).length"
    )
    assert ink > 300
    assert (
        page.get_by_role("img", name="Line chart of R²").count() == 1
    )  # the hidden form is hidden from readers too

    # The page does not scroll sideways; what is too wide scrolls in its own box, which the keyboard reaches.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """width => [...document.querySelectorAll('body *')].filter(one => !one.closest('.scroll, pre, svg, .formula')
            && one.getBoundingClientRect().right > width + 0.5).map(one => one.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []
    assert page.locator(".scroll:not([tabindex='0'])").count() == 0

    # Light is light and dark is dark, figures included.
    colours = page.evaluate(
        """() => { const style = getComputedStyle(document.body); const box = document.createElement('i');
            box.style.color = 'var(--figure-ink)'; document.body.append(box);
            return [style.backgroundColor, style.color, getComputedStyle(box).color].map(
                text => text.match(/\\d+/g).slice(0, 3).map(Number).reduce((sum, x) => sum + x, 0)); }"""
    )
    paper, ink_of_text, ink_of_figure = colours
    if scheme == "light":
        assert paper > 700 > 150 > max(ink_of_text, ink_of_figure)
    else:
        assert paper < 100 < 600 < min(ink_of_text, ink_of_figure)

    assert trouble == []
    picture = keep(page, f"report-{width}-{scheme}", tmp_path)
    assert picture.stat().st_size > 50_000
    page.context.close()


def test_the_page_prints_on_white_also_from_a_dark_screen(browser: Any, report: Path) -> None:
    page, trouble = opened(browser, report, 680, 1000, "dark")  # A4 within margins of 15 mm
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("nav").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert trouble == []
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
