"""The registry of rMD17 files: names, downloads from a loopback server, wrong hashes, no server."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.diagnostic.frames import rmd17
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.theory.errors import InputError

FOLDER = Path(
    os.environ.get("SPECTRAL_CEILINGS_RMD17") or Path(__file__).parents[4] / "shared" / "data" / "rmd17"
)
needs_rmd17 = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="no rMD17 files: set SPECTRAL_CEILINGS_RMD17 to the folder of the upstream npz files",
)
NAME = "rmd17:aspirin:train:01"
FILE = "rmd17_aspirin_train_01.npz"


class Quiet(SimpleHTTPRequestHandler):
    requests: list[str]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.requests.append(self.path)
        super().do_GET()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path, list[str]]]:
    """A loopback server: its address, the folder it serves, the paths it was asked for."""
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(variable, "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    asked: list[str] = []
    handler = type("Handler", (Quiet,), {"requests": asked})
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/files/", folder / "files", asked
    http.shutdown()
    http.server_close()
    thread.join()


def serve(folder: Path, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_bytes(content)


def test_the_registry_names_the_hundred_upstream_files() -> None:
    names = rmd17.registry()
    assert len(names) == len(set(names.values())) == 100
    assert all(re.fullmatch(r"rmd17:[a-z]+:(train|test):0[1-5]", name) for name in names)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in names.values())
    assert len({name.split(":")[1] for name in names}) == 10
    assert rmd17.file_name(NAME) == FILE


@needs_rmd17
def test_files_at_hand_have_the_sums_of_the_registry() -> None:
    present = {name: path for name in rmd17.registry() if (path := FOLDER / rmd17.file_name(name)).exists()}
    assert present, f"{FOLDER} holds no file of the registry"
    for name, path in present.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == rmd17.registry()[name], name


@pytest.mark.parametrize(
    "name", ["rmd17:aspirine:train:01", "rmd17:aspirin:train:06", "rmd17:aspirin", "aspirin"]
)
def test_unknown_names_are_told_with_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match=r"not in the registry.*aspirin, azobenzene.*uracil"):
        rmd17.fetch(name)


def test_a_file_is_downloaded_once_and_verified(
    server: tuple[str, Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder, asked = server
    content = b"frames" * 1000
    serve(folder, content)
    monkeypatch.setattr(rmd17, "registry", lambda: {NAME: hashlib.sha256(content).hexdigest()})
    for _ in range(2):
        path = rmd17.fetch(NAME, cache=tmp_path / "cache", base_url=url)
        assert path.read_bytes() == content
    assert asked == [f"/files/{FILE}"]


def test_a_wrong_hash_is_an_error_and_leaves_nothing(
    server: tuple[str, Path, list[str]], tmp_path: Path
) -> None:
    url, folder, _ = server
    serve(folder, b"not the frames")
    cache = tmp_path / "cache"
    with pytest.raises(InputError, match=r"does not have the SHA-256 d460f0e43a1a… of the registry"):
        rmd17.fetch(NAME, cache=cache, base_url=url)
    assert list(cache.iterdir()) == []


def test_a_damaged_file_in_the_cache_is_replaced(
    server: tuple[str, Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder, _ = server
    content = b"frames" * 1000
    serve(folder, content)
    monkeypatch.setattr(rmd17, "registry", lambda: {NAME: hashlib.sha256(content).hexdigest()})
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / FILE).write_bytes(content[:-1])
    assert rmd17.fetch(NAME, cache=cache, base_url=url).read_bytes() == content


def test_a_missing_file_is_told_with_the_answer(server: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{FILE} answered with status 404"):
        rmd17.fetch(NAME, cache=tmp_path / "cache", base_url=server[0])


def test_an_unreachable_server_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=rf"{url}/{FILE} cannot be reached .*by hand and give its path"):
            rmd17.fetch(NAME, cache=tmp_path / "cache", base_url=url)
    assert not list((tmp_path / "cache").glob("*.npz"))


@needs_rmd17
def test_the_real_file_is_fetched_and_read_by_name(
    server: tuple[str, Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder, _ = server
    serve(folder, (FOLDER / FILE).read_bytes())
    monkeypatch.setattr(rmd17, "default_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(rmd17.fetch, "__kwdefaults__", rmd17.fetch.__kwdefaults__ | {"base_url": url})
    frames = read_frames(NAME)
    assert (frames.source, frames.formula, len(frames)) == (NAME, "C9H8O4", 1000)
    assert frames.sha256 == rmd17.registry()[NAME]
