"""Follow every internal link of a built site, from the files."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value is None:
                continue
            if name == "id" or (name == "name" and tag == "a"):
                self.ids.add(value)
            elif name in ("href", "src"):
                self.targets.append(value)


def broken_links(site: Path) -> list[str]:
    """Return 'page: target' of every link to a file or an anchor of the site that is not there."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        if path.name == "404.html":  # its links start at the server's root
            continue
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = path
            if parts.path:
                file = (path.parent / unquote(parts.path)).resolve()
                file = file / "index.html" if file.is_dir() else file
            anchor = unquote(parts.fragment)
            lost = not file.is_file() or (
                bool(anchor) and anchor != "__top" and file in pages and anchor not in pages[file].ids
            )
            if lost:
                broken.append(f"{path.relative_to(site)}: {target}")
    return broken


def foreign_requests(site: Path) -> list[str]:
    """Return 'page: source' of every script, picture, style sheet or frame that comes from another server."""
    found = []
    for path in sorted(site.rglob("*.html")):
        found += [
            f"{path.relative_to(site)}: {one}" for one in _Sources(path.read_text(encoding="utf-8")).foreign
        ]
    return found


class _Sources(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.foreign: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        loaded = given.get("src") if tag in ("script", "img", "iframe", "source") else None
        if tag == "link" and given.get("rel") in ("stylesheet", "preload", "icon"):
            loaded = given.get("href")
        if loaded and urlsplit(loaded).netloc:
            self.foreign.append(loaded)
