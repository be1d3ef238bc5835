"""Where a sweep stands: the time left, and what a terminal, a pipe and the log are told."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.sweeps.progress import (
    LOG_NAME,
    CellState,
    Progress,
    StageCount,
    counts_line,
    duration,
    time_left,
)

STAGE = st.builds(
    StageCount,
    st.just("stage"),
    st.integers(0, 50),
    st.integers(0, 5),
    st.integers(0, 50),
    st.floats(0.0, 1e5),
)


@given(st.lists(STAGE, max_size=5), st.integers(1, 64))
def test_the_time_left_is_the_mean_of_each_stage_times_its_open_cells(
    stages: list[StageCount], workers: int
) -> None:
    left = time_left(stages, workers)
    waiting = [stage for stage in stages if stage.open]
    if any(stage.done + stage.failed == 0 for stage in waiting):
        assert left is None
        return
    assert left is not None
    means = [stage.wall_s / (stage.done + stage.failed) for stage in waiting]
    work = sum(mean * stage.open for mean, stage in zip(means, waiting, strict=True))
    # sums of at most five terms in another order: five roundings
    assert left >= work / workers * (1 - 1e-14)
    assert left <= max([work / workers, *means]) * (1 + 1e-14)


def test_nothing_is_left_where_nothing_is_open() -> None:
    assert time_left([StageCount("train", 3, 0, 0, 30.0)], 2) == 0.0
    assert time_left([], 2) == 0.0


def test_one_open_cell_takes_its_whole_time_however_many_workers() -> None:
    assert time_left([StageCount("train", 2, 1, 1, 36.0)], 16) == 12.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (99.4, "99 s"), (720.0, "12 min"), (11_100.0, "3 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts() -> None:
    stages = [StageCount("train", 2, 0, 2, 20.0), StageCount("diagnose", 1, 1, 4, 8.0)]
    assert counts_line(stages, 2) == "3 of 10 done, 1 failed, about 18 s left"


def test_a_pipe_and_the_log_get_one_line_for_each_change(tmp_path: Path) -> None:
    stream = io.StringIO()
    stages = [StageCount("train", 1, 0, 1, 8.0)]
    with Progress(tmp_path, 1, stream=stream) as progress:
        progress.update([("train seed 0", "running", 1.0, "step 1"), ("train seed 1", "open", 0.0, "")])
        progress.update([("train seed 0", "running", 2.0, "step 2")])  # nothing changed
        progress.update(
            [("train seed 0", "done", 8.0, "step 3"), ("train seed 1", "running", 0.0, "")], stages
        )
        progress.update([("train seed 1", "failed", 3.0, "error: no such file")])
        progress.note("one failed")
    said = stream.getvalue().splitlines()
    assert said == [
        "running: train seed 0",
        "done: train seed 0, 8 s",
        "running: train seed 1 (1 of 2 done, about 8 s left)",
        "failed: train seed 1, 3 s: error: no such file",
        "one failed",
    ]
    logged = (tmp_path / LOG_NAME).read_text().splitlines()
    assert [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", "", line) for line in logged] == said


def test_many_changes_at_once_are_counted_but_logged_singly(tmp_path: Path) -> None:
    stream = io.StringIO()
    cells = [CellState(f"cell {k}", "failed" if k == 50 else "done", 0.1) for k in range(100)]
    with Progress(tmp_path, stream=stream) as progress:
        progress.update(cells, [StageCount("only", 99, 1, 0, 10.0)])
    assert stream.getvalue().splitlines() == [
        "failed: cell 50, 0 s",
        "100 cells changed: 99 of 100 done, 1 failed",
    ]
    assert len((tmp_path / LOG_NAME).read_text().splitlines()) == 100


def test_two_sweeps_share_a_log_line_by_line(tmp_path: Path) -> None:
    first, second = (Progress(tmp_path, stream=io.StringIO()) for _ in range(2))
    for k in range(20):
        for who, progress in (("a", first), ("b", second)):
            progress.update([(f"{who}{k}", "done", 0.0, "")])
    assert len((tmp_path / LOG_NAME).read_text().splitlines()) == 40


@given(st.text(), st.text())
def test_no_label_or_log_can_steer_the_terminal_or_break_a_line(label: str, line: str) -> None:
    stream = io.StringIO()
    with Progress("no such folder", stream=stream) as progress:
        progress.update([(label, "failed", 0.0, line)])
    told = stream.getvalue()
    assert "\x1b" not in told
    assert len([row for row in told.split("\n") if row.startswith("failed")]) == 1
    assert all(sign.isprintable() or sign == "\n" for sign in told)


def test_a_terminal_shows_a_line_for_each_running_cell(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Progress(tmp_path, 2, stream=stream, terminal=True) as progress:
        progress.update(
            [("train [red]x[/red]", "running", 75.0, "step 7 of 9"), ("train y", "failed", 2.0, "why")],
            [StageCount("train", 1, 1, 2, 10.0)],
        )
        shown = stream.getvalue()
    assert "train [red]x[/red]" in shown  # a name is no markup
    assert "75 s" in shown
    assert "step 7 of 9" in shown
    assert "1 of 4 done, 1 failed, about 5 s left" in shown
    assert "failed: train y" in shown
    assert "done" in shown
    assert "failed: train y" in (tmp_path / LOG_NAME).read_text()


def test_more_running_cells_than_lines_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "10")
    stream = io.StringIO()
    with Progress(tmp_path, 20, stream=stream, terminal=True) as progress:
        progress.update([(f"cell {k}", "running", 1.0, "") for k in range(20)])
        assert "and 13 more running" in stream.getvalue()


def test_a_log_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / LOG_NAME).mkdir()
    stream = io.StringIO()
    with Progress(tmp_path, stream=stream) as progress:
        progress.update([("a", "running", 0.0, "")])
        progress.update([("a", "done", 0.0, "")])
    assert stream.getvalue().count("cannot be written") == 1
    assert "done: a" in stream.getvalue()
