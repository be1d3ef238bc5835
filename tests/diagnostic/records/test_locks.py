"""One writer for each folder: a second process is refused at once, a dead one blocks nobody, nothing of a user is lost."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.diagnostic.records import locks
from spectral_ceilings.diagnostic.records.locks import LOCK_NAME, Hold, held, release_all
from spectral_ceilings.diagnostic.records.run_directory import RunDirectory, check_new
from spectral_ceilings.theory.errors import InputError

#: Holds a run directory, says so, and waits for a line before it ends.
WRITER = """
import sys
from spectral_ceilings.diagnostic.records.run_directory import RunDirectory
run = RunDirectory.create(sys.argv[1], {"seed": 0}, resume=True)
run.save_cell("one", {"x": 1})
print("holding", flush=True)
sys.stdin.readline()
"""


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def writer(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


def test_a_second_process_is_refused_at_once_and_told_who_writes(tmp_path: Path) -> None:
    process = writer(tmp_path / "run")
    try:
        with pytest.raises(InputError, match=rf"process {process.pid} on .* is writing into .*--out"):
            RunDirectory.create(tmp_path / "run", {"seed": 0}, resume=True)
    finally:
        process.communicate("\n")
    run = RunDirectory.create(tmp_path / "run", {"seed": 0}, resume=True)
    assert run.load_cell("one") == {"x": 1}
    run.close()
    assert not (tmp_path / "run" / LOCK_NAME).exists()


def test_the_lock_of_a_killed_process_blocks_nobody(tmp_path: Path) -> None:
    process = writer(tmp_path / "run")
    process.kill()
    process.communicate()
    assert (tmp_path / "run" / LOCK_NAME).exists()
    assert RunDirectory.create(tmp_path / "run", {"seed": 0}, resume=True).load_cell("one") == {"x": 1}


def test_another_thread_is_refused_and_a_later_job_of_the_same_thread_is_not(tmp_path: Path) -> None:
    kept = RunDirectory.create(tmp_path / "run", {"seed": 0})  # as an error in a notebook keeps it alive
    kept.save_cell("one", {})
    refused: list[InputError] = []

    def other() -> None:
        try:
            RunDirectory.create(tmp_path / "run", {"seed": 0}, resume=True)
        except InputError as error:
            refused.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert "another thread of this process is writing" in str(refused[0])
    assert RunDirectory.create(tmp_path / "run", {"seed": 0}, resume=True).resumed


def test_a_run_without_a_finished_part_leaves_no_folder(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", {"seed": 0})
    assert names(tmp_path / "run") == {"settings.json", LOCK_NAME}
    run.close()
    run.close()
    assert not (tmp_path / "run").exists()
    RunDirectory.create(tmp_path / "run", {"seed": 0})  # dropped: nobody holds it any more
    assert not (tmp_path / "run").exists()
    run = RunDirectory.create(tmp_path / "run", {"seed": 1})
    release_all()
    assert not (tmp_path / "run").exists()


def test_a_killed_run_without_a_finished_part_blocks_no_corrected_command(tmp_path: Path) -> None:
    ended = "import os, sys; run = RunDirectory.create(sys.argv[1], {'seed': 0}); os._exit(9)"
    code = f"from spectral_ceilings.diagnostic.records.run_directory import RunDirectory; {ended}"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False)
    assert names(tmp_path / "run") == {"settings.json", LOCK_NAME}
    check_new(tmp_path / "run")
    run = RunDirectory.create(tmp_path / "run", {"seed": 1})
    assert run.settings == {"seed": 1}
    run.save_cell("one", {})
    run.close()
    with pytest.raises(InputError, match="exists already"):
        check_new(tmp_path / "run")
    with pytest.raises(InputError, match="seed = 1, this run asks for 2"):
        RunDirectory.create(tmp_path / "run", {"seed": 2}, resume=True)


@pytest.mark.parametrize("name", ["notes.txt", "figures/mine.png", ".hidden"])
def test_what_a_user_put_there_stays(tmp_path: Path, name: str) -> None:
    run = RunDirectory.create(tmp_path / "run", {"seed": 0})
    path = tmp_path / "run" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    run.close()
    assert path.read_text() == "mine"
    assert (tmp_path / "run" / "settings.json").exists()


def test_a_folder_that_was_there_stays_and_so_do_settings_that_were_edited(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    RunDirectory.create(tmp_path / "empty", {"seed": 0}, resume=True).close()
    assert names(tmp_path / "empty") == set()
    run = RunDirectory.create(tmp_path / "run", {"seed": 0})
    (tmp_path / "run" / "settings.json").write_text("edited")
    run.close()
    assert (tmp_path / "run" / "settings.json").read_text() == "edited"


def test_a_forked_copy_gives_nothing_up(tmp_path: Path) -> None:
    with held(tmp_path / "run") as hold:
        hold._pid += 1  # what a child process sees: its own number is another one
        hold.release()
        assert (tmp_path / "run" / LOCK_NAME).exists()
        hold._pid -= 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("error", [OSError(errno.ENOLCK, "No locks available"), NotImplementedError()])
def test_a_file_system_without_locks_is_used_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class NoLocks:
        def __init__(self, *_arguments: Any, **_options: Any) -> None: ...

        def acquire(self, timeout: float) -> None:
            raise error

    monkeypatch.setattr(locks, "FileLock", NoLocks)
    hold = Hold(tmp_path / "run")
    (tmp_path / "run" / "result").write_text("kept")
    hold.release()
    assert names(tmp_path / "run") == {"result"}


def test_a_folder_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be made \(Not a directory\).*--out"):
        RunDirectory.create(tmp_path / "file" / "run", {"seed": 0})
    if os.geteuid() != 0:  # the administrator may write anywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(InputError, match="cannot be made"):
            RunDirectory.create(tmp_path / "closed" / "run", {"seed": 0})
