"""Write files whole or not at all, and hash them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ...theory.errors import InputError


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a temporary file in the same folder, then move it onto ``path`` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_absent(folder: Path) -> None:
    """Raise InputError where a folder to be made exists already."""
    if folder.exists():
        raise InputError(f"{str(folder)!r} exists already: give another --out; nothing in it was touched")


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file (text as UTF-8) that always holds its old content or its new one; return its path."""
    data = content.encode("utf-8") if isinstance(content, str) else content

    def fill(stream: BinaryIO) -> None:
        stream.write(data)

    write_atomically(path, fill)
    return path


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON atomically, refusing NaN and infinity."""
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
