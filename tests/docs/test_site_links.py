"""The follower of links sees what is broken, in a site of two pages."""

from pathlib import Path

from site_links import broken_links, foreign_requests


def site(folder: Path, body: str) -> Path:
    (folder / "sub").mkdir()
    (folder / "index.html").write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    (folder / "sub" / "index.html").write_text('<h1 id="here">x</h1><a href="../">up</a>', encoding="utf-8")
    return folder.resolve()


def test_what_leads_somewhere_is_fine(tmp_path: Path) -> None:
    body = '<a href="sub/#here">a</a><a href="sub/index.html">b</a><a href="https://a.b/c">c</a><a href="#__top">d</a>'
    assert broken_links(site(tmp_path, body)) == []


def test_what_does_not_is_named(tmp_path: Path) -> None:
    body = '<a href="sub/#there">a</a><a href="gone/">b</a><img src="gone.png"><a href="#nowhere">c</a>'
    assert broken_links(site(tmp_path, body)) == [
        "index.html: sub/#there",
        "index.html: gone/",
        "index.html: gone.png",
        "index.html: #nowhere",
    ]


def test_other_servers_are_named(tmp_path: Path) -> None:
    body = '<script src="//a.b/c.js"></script><img src="x.png"><link rel="stylesheet" href="https://a.b/c.css"><a href="https://a.b">d</a>'
    assert foreign_requests(site(tmp_path, body)) == [
        "index.html: //a.b/c.js",
        "index.html: https://a.b/c.css",
    ]
