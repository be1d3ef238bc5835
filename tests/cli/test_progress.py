"""A log gets a line for each finished part, with steps and seconds; a terminal a bar; a second process is told at once."""

import io
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.cli import console
from spectral_ceilings.cli.console import watched
from spectral_ceilings.diagnostic.records.locks import Hold

Run = Callable[..., Any]


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(console, "time", clock)
    return clock


def test_each_finished_part_is_a_line_with_steps_and_seconds(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with watched("features") as watch:
        watch("features", 0, 21)
        clock.now = 5
        watch("free readout of degree 1", 1, 21)
        assert capsys.readouterr().err == "[1/21] features, 5 s\n"
        clock.now = 17
        for done in (2, 3):
            watch("free readout of degree 1", done, 21)
        watch("free readout of degree 2", 3, 21)
        assert capsys.readouterr().err == "[3/21] free readout of degree 1, 12 s\n"
        clock.now = 117
        watch("free readout of degree 2", 10, 21)
        assert capsys.readouterr().err == "[10/21] free readout of degree 2, 100 s so far\n"
        clock.now = 118
        watch("free readout of degree 2", 20, 21)
    said = capsys.readouterr()
    assert said.err == "[21/21] free readout of degree 2, 101 s\n"
    assert said.out == ""


def test_parts_with_steps_of_their_own_and_steps_of_unknown_number(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with watched("") as watch:
        watch("rotations", 0, 100)
        clock.now = 3
        watch("rotations", 60, 100)
        watch("curves", 0, 0)
        clock.now = 4
        watch("curves", 7, 0)
        watch.note("validation force MAE 40.0 meV/Å")
    assert capsys.readouterr().err.splitlines() == [
        "[100/100] rotations, 3 s",
        "[7] validation force MAE 40.0 meV/Å, 4 s",
        "[7] curves, 1 s",
    ]


def test_a_quick_job_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with watched("") as watch:
        watch("one", 0, 2)
        clock.now = 1.9
        watch("two", 1, 2)
    assert capsys.readouterr().err == ""


def test_a_part_that_failed_is_not_called_finished(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    def job() -> None:
        with watched("") as watch:
            watch("one", 0, 2)
            clock.now = 60
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        job()
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar_with_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with watched("features") as watch:
        watch("free readout of degree 2", 3, 21)
        watch.note("40.0 meV/Å")
    assert "free readout of degree 2" in terminal.getvalue()
    assert "3/21" in terminal.getvalue()


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        (("calibrate", "--max-degree", "1", "--max-l", "1", "--out", "run"), "run"),
        (("calibrate", "--trained", "--quick", "--resume", "--out", "run"), "run"),
        (("paper", "--only", "span-theorem", "--out", "run"), "run"),
        (("audit", "ase:emt", "water.xyz", "--l-top", "1", "--resume", "--out", "run"), "run"),
    ],
)
def test_a_folder_that_someone_writes_into_is_refused_at_once(
    ceilings: Run, tmp_path: Path, words: tuple[str, ...], folder: str
) -> None:
    from ase.build import molecule
    from ase.io import write

    write(tmp_path / "water.xyz", molecule("H2O"), format="extxyz")
    holds: list[Hold] = []
    thread = threading.Thread(target=lambda: holds.append(Hold(tmp_path / folder)))
    thread.start()
    thread.join()
    try:
        assert "another thread of this process is writing into" in ceilings(*words).sentence()
    finally:
        holds[0].release()
    done = ceilings(*words)
    assert done.returncode in (0, 1), done.stderr


def test_a_generation_that_someone_else_makes_is_refused(ceilings: Run, tmp_path: Path) -> None:
    pytest.importorskip("rdkit", reason="the extra 'generate' is not installed")
    pytest.importorskip("tblite", reason="the extra 'generate' is not installed")
    holds: list[Hold] = []
    thread = threading.Thread(target=lambda: holds.append(Hold(tmp_path / "water.npz.partial")))
    thread.start()
    thread.join()
    try:
        words = ("data", "generate", "--smiles", "O", "--frames", "2", "--out", "water.npz")
        assert "is writing into" in ceilings(*words).sentence()
    finally:
        holds[0].release()
    assert list(tmp_path.iterdir()) == []
