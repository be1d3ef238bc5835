"""One cell in a process of its own: forked from a worker that has everything imported, so that it costs milliseconds."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..diagnostic.records.files import write_whole
from ..diagnostic.records.plain import to_json
from ..diagnostic.records.versions import audit_versions
from .claims import HEARTBEAT, Claim
from .jobs import EMPTY, Jobs, command_lines
from .plan import Cell
from .store import write_status

#: A process that a signal killed this often, while its worker lived, has failed: most of the time memory ran out.
CRASHES = 3
#: Exit status of a command that Ctrl-C stopped: its cell stays open.
INTERRUPTED = 130
#: Whether a process that has PyTorch loaded may be copied: not on macOS, whose libraries forbid it.
FORK = sys.platform == "linux"
#: Free space below which a failed write means a full disk, bytes.
_ROOM = 1 << 20


class DiskFull(Exception):
    """Nothing can be written any more; what is finished is kept."""


@dataclass(frozen=True)
class Ended:
    """How the process of a cell ended."""

    status: int | None  # None where a signal ended it
    signal: int
    wall_s: float
    cpu_s: float
    peak_mb: float


def _die_with(parent: int) -> None:
    """Let this process be killed when its worker is: nobody would wait for it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def start(
    arguments: list[str], log: Path, jobs: str, run: Callable[[list[str]], int], fork: bool = FORK
) -> int:
    """Start a command line in a process of its own and return its number.

    Parameters
    ----------
    arguments, log
        The command line, and the file that its output is added to.
    jobs, run
        Where the commands are, and what runs one.
    fork
        Copy this process, which costs milliseconds; otherwise start Python anew, which costs what the imports cost.
    """
    parent = os.getpid()
    if fork:
        pid = os.fork()
        if pid == 0:
            _child(arguments, log, run, parent)
        return pid
    code = "import sys; from spectral_ceilings.sweeps.one_cell import spawned; spawned(sys.argv[1:])"
    given = [sys.executable, "-c", code, str(parent), str(log), jobs, *arguments]
    return os.posix_spawn(sys.executable, given, os.environ)


def spawned(given: list[str]) -> None:
    """Run a command line in a process that was started for it; nothing returns."""
    parent, log, jobs, *arguments = given
    run = command_lines(jobs).run if arguments else _nothing
    _child(arguments, Path(log), run, int(parent))


def _nothing(_: list[str]) -> int:
    return 0


def _child(arguments: list[str], log: Path, run: Callable[[list[str]], int], parent: int) -> None:
    """Run a command line with its output in a file, and end this process; nothing returns."""
    status = 3
    try:
        _die_with(parent)
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, descriptor), (2, descriptor)):
            os.dup2(source, target)
        sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
        status = run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BaseException:  # whatever it is, this process must not go on as a second worker
        import traceback

        with contextlib.suppress(Exception):
            traceback.print_exc()
    finally:
        os._exit(status & 0xFF)


def _wait(pid: int, claim: Claim, alive: Callable[[], bool]) -> Ended:
    """Wait for a process, with signs of life; kill it where nobody waits for its result any more."""
    start = beat = time.monotonic()
    watch = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    try:
        while True:
            if watch is not None:
                select.select([watch], [], [], 0.5)
            ended, code, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                status = os.waitstatus_to_exitcode(code)
                return Ended(
                    status if status >= 0 else None, max(-status, 0), time.monotonic() - start,
                    usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (1024 if sys.platform == "linux" else 2**20),
                )  # fmt: skip
            if watch is None:
                time.sleep(0.02)
            if not alive():
                os.kill(pid, signal.SIGKILL)
            if time.monotonic() - beat > HEARTBEAT:
                beat = time.monotonic()
                claim.beat()
    except BaseException:  # the worker is being stopped: so is its cell
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        raise
    finally:
        if watch is not None:
            os.close(watch)


def run_cell(
    cell: Cell, root: Path, claim: Claim, jobs: Jobs, alive: Callable[[], bool], worker: str, where: str
) -> str | None:
    """Run a claimed cell and record its end.

    Returns
    -------
    str or None
        ``done`` or ``failed``; None where it was killed and stays open.

    Raises
    ------
    DiskFull
        The disk has no room left; the cell stays open.
    """
    try:
        return _run(cell, root, claim, jobs, alive, worker, where)
    except OSError as error:
        if _full(claim.folder):
            raise DiskFull(f"the disk has no room left ({error})") from error
        raise


def _run(
    cell: Cell, root: Path, claim: Claim, jobs: Jobs, alive: Callable[[], bool], worker: str, where: str
) -> str | None:
    folder, out, log = claim.folder, claim.folder / "out", claim.folder / "log.txt"
    write_whole(folder / "cell.json", to_json(cell.__dict__))
    arguments = cell.command(root) if cell.job != EMPTY else []
    if cell.job != EMPTY:
        arguments += ["--out", str(out)]
        if cell.resumable:
            arguments.append("--resume")
        elif out.exists():
            shutil.rmtree(out)
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"$ ceilings {' '.join(arguments)}  # attempt {claim.attempts}\n")
    began = time.time()
    pid = start(arguments, log, where, _nothing if cell.job == EMPTY else jobs.run)
    ended = _wait(pid, claim, alive)
    if ended.status == INTERRUPTED:
        return None
    if ended.status is None:
        if not alive():
            return None
        claim.crashes += 1
        if claim.crashes < CRASHES:
            return None
    state = "done" if ended.status in (0, 1) else "failed"
    if state == "failed" and _full(folder):
        raise DiskFull("the disk has no room left")
    write_status(folder, {
        "key": cell.key, "state": state, "exit_status": ended.status, "signal": ended.signal,
        "error": None if state == "done" else _reason(ended, log), "attempts": claim.attempts, "started": began,
        "wall_s": round(ended.wall_s, 3), "cpu_s": round(ended.cpu_s, 3), "peak_mb": round(ended.peak_mb, 1),
        "host": os.uname().nodename, "worker": worker, "versions": _versions(),
    })  # fmt: skip
    return state


@cache
def _versions() -> dict[str, str]:
    return audit_versions()


def _reason(ended: Ended, log: Path) -> str:
    """Say in one line why a cell failed."""
    if ended.status is None:
        name = signal.Signals(ended.signal).name
        advice = (
            "; most of the time memory ran out: give it more, or fewer workers" if name == "SIGKILL" else ""
        )
        return f"killed by {name} {CRASHES} times{advice}"
    line = last_line(log)
    return line if line else f"ended with exit status {ended.status}"


def last_line(log: Path, size: int = 4096) -> str:
    """Return the last line of a log that is not empty."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - size))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _full(folder: Path) -> bool:
    """Say whether a disk has no room left, by writing to it."""
    probe = folder / f".room-{os.getpid()}"
    try:
        probe.write_bytes(bytes(_ROOM))
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return False
