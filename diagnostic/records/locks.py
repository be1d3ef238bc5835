"""One writer for each folder: a lock of the operating system, which ends with the process that holds it."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ...theory.errors import InputError

#: The lock inside a folder; it says who holds it, and it is gone when the folder is released.
LOCK_NAME = ".ceilings.lock"

_HELD: dict[Path, Hold] = {}
_GUARD = threading.RLock()


class Hold:
    """A folder that this process alone writes into, until :meth:`release`.

    The lock is one of the operating system: it ends with the process, however that ends, so a lock file that a killed run left
    blocks nobody. Where the file system knows no locks, the folder is used without one.

    A thread runs one job at a time. If it asks for a folder that it holds already, its earlier job has ended (its error may
    still be alive in a notebook), and the new job takes the folder over.

    Parameters
    ----------
    folder : Path
        An existing folder, or one to make with its parents.

    Attributes
    ----------
    disposable : dict
        Name and content of files that mean nothing by themselves, such as a run's settings. A folder that holds nothing else
        when it is released is removed if it was made here, and emptied of them if not; what anyone changed stays.
    made : bool
        Whether the folder was made for this hold.

    Raises
    ------
    InputError
        If another process, or another thread, holds the folder.
    OSError
        If the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._pid = folder, os.getpid()
        self.disposable: dict[str, bytes] = {}
        self._thread = threading.get_ident()
        self._key = folder.resolve()
        with _GUARD:
            earlier = _HELD.get(self._key)
            if earlier is not None and earlier._pid == self._pid:
                if earlier._thread != self._thread:
                    raise InputError(_sentence(folder, "another thread of this process"))
                earlier.release()
            self.made = not folder.is_dir()
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder)
            _HELD[self._key] = self

    def release(self) -> None:
        """Give the folder up; remove what was made and came to nothing. A second call does nothing."""
        with _GUARD:
            if _HELD.get(self._key) is not self or self._pid != os.getpid():
                return  # given up already, or the copy of a forked process
            del _HELD[self._key]
            with suppress(OSError):
                self._tidy()
            with suppress(OSError):
                (self.folder / LOCK_NAME).unlink(
                    missing_ok=True
                )  # while it is held: no one else can hold this file now
            if self._lock is not None:
                with suppress(OSError):
                    self._lock.release(force=True)
            if self.made:
                with suppress(OSError):
                    self.folder.rmdir()  # only where nothing is left in it

    def _tidy(self) -> None:
        if not came_to_nothing(self.folder, self.disposable):
            return
        there = {
            self.folder / name: content
            for name, content in self.disposable.items()
            if (self.folder / name).exists()
        }
        if any(path.read_bytes() != content for path, content in there.items()):
            return
        for path in there:
            path.unlink()
        if self.made:
            for entry in self.folder.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    entry.rmdir()


def came_to_nothing(folder: Path, disposable: Collection[str]) -> bool:
    """Whether a folder holds nothing but the files named ``disposable``, a lock and empty folders."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            if any(entry.iterdir()):
                return False
        elif entry.name not in (*disposable, LOCK_NAME):
            return False
    return True


@contextmanager
def held(folder: Path) -> Iterator[Hold]:
    """Hold a folder for the length of a ``with`` block; the parameters and errors are those of :class:`Hold`."""
    hold = Hold(folder)
    try:
        yield hold
    finally:
        hold.release()


def release_all() -> None:
    """Give up every folder that this process holds: its job has ended, well or badly."""
    with _GUARD:
        for hold in list(_HELD.values()):
            hold.release()


def _locked(folder: Path) -> FileLock | None:
    """Lock a folder and return the lock; None where the file system has no locks."""
    path = folder / LOCK_NAME
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(_sentence(folder, _holder(path))) from None
    except (OSError, NotImplementedError):
        return None
    with suppress(OSError):
        path.write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
    return lock


def _holder(path: Path) -> str:
    try:
        said = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        said = ""
    return said if said.startswith("process ") and len(said) < 200 else "another process"


def _sentence(folder: Path, who: str) -> str:
    return (
        f"{who} is writing into {str(folder)!r}: wait until it has ended, or name another folder with --out"
    )
