"""One cell in a process of its own: forked, or started anew where forking is not safe; never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from quick_jobs import QuickJobs

from spectral_ceilings.sweeps.one_cell import last_line, start

JOBS = "quick_jobs:QuickJobs"


@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_the_exit_status_and_the_output_arrive(tmp_path: Path, fork: bool, status: int) -> None:
    log = tmp_path / "log.txt"
    arguments = ["break", "--status", str(status), "--words", "a b ü", "--out", str(tmp_path / "out")]
    pid = start(arguments, log, JOBS, QuickJobs().run, fork=fork)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
    assert last_line(log) == "a b ü"


@pytest.mark.parametrize("fork", [True, False])
def test_a_cell_dies_with_its_worker(tmp_path: Path, fork: bool) -> None:
    log = str(tmp_path / "log")
    code = (
        "import sys, time; from pathlib import Path; from quick_jobs import QuickJobs; "
        "from spectral_ceilings.sweeps.one_cell import start; "
        f"pid = start(sys.argv[1:], Path({log!r}), {JOBS!r}, QuickJobs().run, fork={fork}); "
        "print(pid, flush=True); time.sleep(60)"
    )
    slow = ["count", "--steps", "1000", "--pause", "0.1", "--out", str(tmp_path / "out")]
    worker = subprocess.Popen([sys.executable, "-c", code, *slow], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    with worker.stdout:
        cell = int(worker.stdout.readline())
        end = time.monotonic() + 60
        while not (tmp_path / "out" / "progress.json").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        while Path(f"/proc/{cell}").exists() and "zombie" not in Path(f"/proc/{cell}/status").read_text():
            assert time.monotonic() < end, "the cell outlived its worker"
            time.sleep(0.05)


def test_the_last_line_of_a_log_is_the_last_with_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_line(log) == ""
    log.write_bytes(b"first\n" + 5000 * b"x" + b"\nlast \xff line  \n\n  \n")
    assert last_line(log) == "last \N{REPLACEMENT CHARACTER} line"
