"""Who works on a cell: a lock of the operating system on its ``claim.json``, which ends with the last process that holds it.

A worker opens the file before it forks the cell's process, so both hold the lock: it is free only when neither is alive. Where
machines share a file system that keeps locks apart, the age of the file decides as well: a worker touches it every few seconds.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: A worker says that it is alive this often, seconds.
HEARTBEAT = 10.0
#: A claim of another machine is given up after this long without a sign of life, seconds.
SILENCE = 120.0
NAME = "claim.json"


def lock(descriptor: int) -> bool:
    """Try to lock an open file; return whether it is ours now. File systems without locks say yes."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: the age decides
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def host() -> str:
    """Return the name of this machine."""
    return platform.node()


def _job() -> str:
    """Return the Slurm job that this process runs in; the same one again after it was requeued."""
    job = os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ.get("SLURM_JOB_ID", "")
    return f"{job}_{os.environ.get('SLURM_ARRAY_TASK_ID', '')}" if job else ""


def _alive_elsewhere(path: Path, content: dict[str, Any]) -> bool:
    """Say whether a claim of another machine has shown a sign of life lately."""
    if content.get("host") in (None, host()) or (content.get("slurm") and content["slurm"] == _job()):
        return False
    try:
        return time.time() - path.stat().st_mtime < SILENCE
    except OSError:
        return False


def _read(descriptor: int) -> dict[str, Any]:
    try:
        content = json.loads(os.pread(descriptor, 1 << 16, 0).decode())
    except (ValueError, OSError):
        return {}
    return content if isinstance(content, dict) else {}


@dataclass
class Claim:
    """A cell that this process works on, until :meth:`release`.

    Attributes
    ----------
    attempts
        How often the cell was begun, this time included.
    crashes
        How often its process was killed by a signal while its worker lived on.
    interrupted
        Whether an earlier attempt ended before the cell did.
    """

    folder: Path
    descriptor: int
    attempts: int = 1
    crashes: int = 0
    interrupted: bool = False
    _content: dict[str, Any] = field(default_factory=dict)

    def write(self, **content: Any) -> None:
        """Record who works here."""
        self._content |= content
        text = json.dumps({"attempts": self.attempts, "crashes": self.crashes, **self._content}).encode()
        os.pwrite(self.descriptor, text.ljust(512), 0)
        os.ftruncate(self.descriptor, max(512, len(text)))

    def beat(self) -> None:
        """Show a sign of life."""
        os.utime(self.descriptor)

    def release(self, finished: bool = True) -> None:
        """Give the cell up."""
        try:
            self.write(host=None, finished=finished)
        finally:
            os.close(self.descriptor)


def claim(folder: Path) -> Claim | None:
    """Take a cell, or return None where somebody else works on it.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    content = _read(descriptor) if lock(descriptor) else None
    if content is None or _alive_elsewhere(path, content):
        os.close(descriptor)
        return None
    taken = Claim(
        folder, descriptor, int(content.get("attempts", 0)) + 1, int(content.get("crashes", 0)),
        bool(content) and not content.get("finished", False),
    )  # fmt: skip
    try:
        taken.write(host=host(), slurm=_job(), pid=os.getpid(), since=time.time(), finished=False)
    except BaseException:
        os.close(descriptor)
        raise
    return taken


def is_held(folder: Path) -> bool:
    """Say whether somebody works on a cell now."""
    path = folder / NAME
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not lock(descriptor) or _alive_elsewhere(path, _read(descriptor))
    finally:
        os.close(descriptor)


def holder(folder: Path) -> dict[str, Any]:
    """Return who works on a cell, empty where nobody is known."""
    try:
        content = json.loads((folder / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
