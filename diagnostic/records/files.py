"""Write files whole or not at all, and hash them."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def _beside(path: Path) -> Iterator[Path]:
    """Yield names of temporary files in the folder of ``path``, told apart by process and number."""
    return (path.with_name(f".{path.name}.{os.getpid()}-{number}") for number in itertools.count())


def _new_file(path: Path) -> tuple[int, Path]:
    """Create a temporary file beside ``path``, with the permissions of any new file; return its descriptor and path."""
    for name in _beside(path):
        try:
            return os.open(
                name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
            ), name
        except FileExistsError:  # left by a killed process of the same number, or of another machine
            continue
    raise AssertionError  # the names never end


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a temporary file in the same folder, then move it onto ``path`` in one step.

    Raises
    ------
    OSError
        With the file's name in it, also for a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = _new_file(path)
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException as error:
        name.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)  # a write to a full disk does not say which file
        raise


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``folder`` at the end of the block: it appears whole or not at all.

    Raises
    ------
    InputError
        The folder exists.
    """
    check_absent(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for made in _beside(folder):
        try:
            made.mkdir()
            break
        except FileExistsError:
            continue
    try:
        yield made
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
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
