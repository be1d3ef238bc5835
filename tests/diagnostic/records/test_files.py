"""Files and folders appear whole or not at all, with the permissions that the user asked for, and errors name the file."""

import errno
import os
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from spectral_ceilings.diagnostic.records.files import whole_folder, write_atomically, write_whole
from spectral_ceilings.theory.errors import InputError


def full_disk(_stream: BinaryIO) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a write says it: without the file


def test_a_full_disk_is_told_with_the_file_and_leaves_the_old_one(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "figure.png", "old")
    with pytest.raises(OSError, match=r"No space left on device: '.*figure\.png'") as told:
        write_atomically(path, full_disk)
    assert told.value.filename == str(path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["figure.png"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_files_and_folders_have_the_permissions_of_any_new_one(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        (tmp_path / "plain").write_text("")
        (tmp_path / "plain-folder").mkdir()
        write_whole(tmp_path / "ours", "")
        with whole_folder(tmp_path / "ours-folder"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "ours-folder").stat().st_mode == (tmp_path / "plain-folder").stat().st_mode


def test_the_process_umask_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread would make its files with the umask of the moment."""
    monkeypatch.setattr(os, "umask", lambda _mask: pytest.fail("the umask of the whole process was changed"))
    write_whole(tmp_path / "file", "")


def test_threads_that_write_the_same_file_leave_one_whole(tmp_path: Path) -> None:
    texts = [str(number) * 200_000 for number in range(8)]
    threads = [threading.Thread(target=write_whole, args=(tmp_path / "file", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_text() in texts
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_leftovers_of_a_killed_process_of_the_same_number_are_stepped_over(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f".file.{os.getpid()}-{number}").write_text("cut short")
    assert write_whole(tmp_path / "file", "whole").read_text() == "whole"
    assert (tmp_path / f".file.{os.getpid()}-0").read_text() == "cut short"


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def interrupted() -> None:
        with whole_folder(tmp_path / "a" / "made") as folder:
            write_whole(folder / "part", "half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list((tmp_path / "a").iterdir()) == []
    with whole_folder(tmp_path / "a" / "made") as folder:
        write_whole(folder / "part", "all")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["a", "a/made", "a/made/part"]
    with pytest.raises(InputError, match="exists already"), whole_folder(tmp_path / "a" / "made"):
        pass
