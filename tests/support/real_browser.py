"""A real browser for pages on disk: found or told to be absent, with ears for everything that goes wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _absent(reason: str) -> None:
    """Skip, or fail where the environment says that a browser must be there."""
    if os.environ.get("SPECTRAL_CEILINGS_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason}, and SPECTRAL_CEILINGS_REQUIRE_BROWSER is 1")
    pytest.skip(reason)


@contextmanager
def launched() -> Iterator[Any]:
    """Yield a headless Chromium."""
    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        _absent(f"no Chromium on this machine (looked for {', '.join(NAMES)}; or name it in CHROMIUM)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _absent("the package playwright is not installed (extra: dev)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


def opened(browser: Any, path: Path, width: int, height: int, scheme: str) -> tuple[Any, list[str]]:
    """Open a page from disk; return it and the list that gathers everything that goes wrong."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: trouble.append(f"page error: {error}"))
    page.on("requestfailed", lambda request: trouble.append(f"failed: {request.url}"))
    url = path.as_uri()
    page.on(
        "request", lambda request: None if request.url == url else trouble.append(f"request: {request.url}")
    )
    page.goto(url, wait_until="load")
    return page, trouble


#: Widths at which every page must stand: a phone, a tablet, a desktop.
WIDTHS = (360, 768, 1200)

_OUTSIDE = """width => [...document.querySelectorAll('body *')].filter(node => !node.closest('.scroll, pre, svg, .formula')
    && node.getBoundingClientRect().right > width + 0.5).map(node => node.outerHTML.slice(0, 80))"""
#: Of every table: its name, whether it scrolls sideways, whether a visible line says so.
_HINTS = """() => [...document.querySelectorAll('.scroll')].filter(node => node.clientWidth > 0).map(node =>
    [node.getAttribute('aria-labelledby'), node.scrollWidth > node.clientWidth + 1,
     node.parentElement.querySelector('.more').getBoundingClientRect().height > 8])"""
_COLOURS = """() => { const style = getComputedStyle(document.body); const box = document.createElement('i');
    box.style.color = 'var(--figure-ink)'; document.body.append(box);
    const colours = [style.backgroundColor, style.color, getComputedStyle(box).color].map(
        text => text.match(/\\d+/g).slice(0, 3).map(Number).reduce((sum, x) => sum + x, 0));
    box.remove(); return colours; }"""


def check_page(browser: Any, path: Path, name: str, folder: Path) -> None:
    """Hold a page to what every page must do: quiet, within its width, light and dark, hints at what scrolls, print on white.

    It opens from disk at every one of ``WIDTHS`` in light and in dark, everything folded out; nothing is requested, no console
    message and no error appears. Screenshots are kept as ``NAME-WIDTH-SCHEME.png``.
    """
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            page, trouble = opened(browser, path, width, 900, scheme)
            page.locator("details").evaluate_all("all => all.forEach(node => node.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(_OUTSIDE, width) == []
            assert page.locator(".scroll:not([tabindex='0'])").count() == 0
            hints = page.evaluate(_HINTS)
            assert [found for found in hints if found[1] != found[2]] == []
            shown = page.locator("figure svg").evaluate_all(
                "all => all.map(node => node.getBoundingClientRect()).filter(b => b.width > 0).map(b => [b.width, b.height])"
            )
            assert len(shown) == page.locator("figure").count()  # each figure shows one of its forms
            assert all(w > 150 and h > 80 for w, h in shown), shown
            paper, *inks = page.evaluate(_COLOURS)
            assert paper > 700 > 250 > max(inks) if scheme == "light" else paper < 100 < 600 < min(inks)
            assert trouble == []
            keep(page, f"{name}-{width}-{scheme}", folder)
            page.context.close()
    check_print(browser, path, name, folder)


def check_print(browser: Any, path: Path, name: str, folder: Path) -> None:
    """Hold a page to what it must do on A4 paper, also from a dark screen: black on white, folds open, no table cut."""
    page, trouble = opened(browser, path, 680, 1000, "dark")  # A4 within margins of 15 mm
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("nav, summary, .more").evaluate_all(
        "all => all.every(node => !node.checkVisibility())"
    )
    assert page.locator("details.printed .table").evaluate_all(
        "all => all.every(node => node.checkVisibility())"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    cut = page.locator(".scroll").evaluate_all(
        "all => all.filter(node => node.checkVisibility() && node.scrollWidth > node.clientWidth + 1)"
        ".map(node => node.getAttribute('aria-labelledby'))"
    )
    assert cut == []  # what scrolls on a screen has no end on paper
    assert trouble == []
    keep(page, f"{name}-print", folder)
    page.context.close()


def keep(page: Any, name: str, folder: Path) -> Path:
    """Take a picture of the whole page, into the folder that SPECTRAL_CEILINGS_SCREENSHOTS names, or into ``folder``."""
    kept = Path(os.environ.get("SPECTRAL_CEILINGS_SCREENSHOTS") or folder)
    kept.mkdir(parents=True, exist_ok=True)
    picture = kept / f"{name}.png"
    page.screenshot(path=picture, full_page=True)
    return picture
