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


def keep(page: Any, name: str, folder: Path) -> Path:
    """Take a picture of the whole page, into the folder that SPECTRAL_CEILINGS_SCREENSHOTS names, or into ``folder``."""
    kept = Path(os.environ.get("SPECTRAL_CEILINGS_SCREENSHOTS") or folder)
    kept.mkdir(parents=True, exist_ok=True)
    picture = kept / f"{name}.png"
    page.screenshot(path=picture, full_page=True)
    return picture
