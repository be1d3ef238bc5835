"""Cells that ask for a GPU have one to themselves; no two cells at a time, no GPU idle, none lost with a cell that crashed."""

import json
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.sweeps import executors, run_sweep
from spectral_ceilings.sweeps.definition import read_definition
from spectral_ceilings.sweeps.gpus import chosen_gpus, gpus, lease
from spectral_ceilings.sweeps.sweep_result import SweepResult
from spectral_ceilings.theory.errors import InputError

Run = Callable[..., SweepResult]


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (executors, run_sweep):
        monkeypatch.setattr(module, "available_cores", lambda: 4)


def cards(tmp_path: Path, number: int, device: str = "cuda", **options: Any) -> dict[str, Any]:
    """Return a stage of ``number`` cells that write down which GPUs they see."""
    (tmp_path / "record").touch()
    options = {"record": str(tmp_path / "record"), "device": device, **options}
    return {
        "name": f"on-{device[:4]}",
        "job": "card",
        "grid": {"number": list(range(number))},
        "options": options,
    }


def recorded(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]


def overlapping(lines: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    """Return pairs of cells that were on one GPU at the same time."""
    return [
        (a, b) for a, b in combinations(lines, 2)
        if a["gpus"] == b["gpus"] and a["begin"] < b["end"] and b["begin"] < a["end"]
    ]  # fmt: skip


def test_each_gpu_has_one_cell_at_a_time_and_all_have_some(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, four_cores: None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,5")
    # The first three wait for each other, so that they end only where three run at a time; the fourth worker waits for a GPU.
    assert run(cards(tmp_path, 8, together=3), workers=4).complete
    lines = recorded(tmp_path)
    assert len(lines) == 8
    assert {line["gpus"] for line in lines} == {"2", "3", "5"}
    assert not overlapping(lines)


def test_a_crashed_cell_frees_its_gpu(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    result = run(cards(tmp_path, 4, crash=1), workers=2)
    assert (result.counts.done, result.counts.failed) == (3, 1)
    lines = recorded(tmp_path)
    assert Counter(line["number"] for line in lines) == {"0": 1, "1": 3, "2": 1, "3": 1}
    assert {line["gpus"] for line in lines} == {"7"}
    assert not overlapping(lines)


def test_cells_of_the_cpu_wait_for_no_gpu(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, four_cores: None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    # Whichever cell has the GPU first keeps it until the three of the CPU have ended.
    assert run(cards(tmp_path, 2, until=3), cards(tmp_path, 3, "cpu"), workers=2).complete
    lines = recorded(tmp_path)
    assert [line["device"] for line in lines] == ["cpu", "cpu", "cpu", "cuda", "cuda"]
    assert [line["gpus"] for line in lines] == ["", "", "", "0", "0"]


def test_a_gpu_that_is_named_twice_takes_two_cells(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, four_cores: None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert run(cards(tmp_path, 5, together=2), workers=3, gpus=[1, 1]).complete
    lines = recorded(tmp_path)
    assert {line["gpus"] for line in lines} == {"1"}
    assert max(sum(a["begin"] <= b["begin"] < a["end"] for a in lines) for b in lines) == 2


def test_where_every_cell_asks_for_a_gpu_there_are_as_many_workers(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, four_cores: None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert run(cards(tmp_path, 4, together=2), workers=None, gpus=2).complete
    assert {line["gpus"] for line in recorded(tmp_path)} == {"0", "1"}
    assert len(list((tmp_path / "sweep" / "workers").glob("*.jsonl"))) == 2


@pytest.mark.parametrize(("asked", "seen"), [(None, None), (0, "")])
def test_without_gpus_nothing_is_set_unless_none_is_wanted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int | None, seen: str | None
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("_DEVICES", "_DRIVER"):
        monkeypatch.setattr(f"spectral_ceilings.sweeps.gpus.{name}", tmp_path / "none")
    assert run(cards(tmp_path, 2, "auto"), gpus=asked).complete
    assert [line["gpus"] for line in recorded(tmp_path)] == [seen, seen]


def test_the_gpus_of_a_machine_are_counted_without_its_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("_DEVICES", "_DRIVER"):
        monkeypatch.setattr(f"spectral_ceilings.sweeps.gpus.{name}", tmp_path / name)
    assert gpus() == []
    for k in range(4):
        (tmp_path / "_DRIVER" / f"0000:{k}").mkdir(parents=True)
    assert gpus() == ["0", "1", "2", "3"]
    (tmp_path / "_DEVICES").mkdir()
    for node in ("nvidia3", "nvidiactl", "nvidia-uvm", "null"):  # a container that was given the last of four
        (tmp_path / "_DEVICES" / node).touch()
    assert gpus() == ["0"]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [(None, "0,1,2"), (2, "0,1"), ("2", "0,1"), ("2,", "2"), ("0,2", "0,2"), ([2, 2], "2,2"), (0, ""), (["GPU-8f"], "GPU-8f")],
)  # fmt: skip
def test_gpus_are_a_number_or_names(monkeypatch: pytest.MonkeyPatch, asked: Any, chosen: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert ",".join(chosen_gpus(asked)) == chosen


@pytest.mark.parametrize(
    ("visible", "asked", "said"),
    [("0,1", 3, "gpus is 3, and this machine shows 2"), ("0,1", "0,4", "names GPU 4"), ("", 1, "shows 0"), ("", "0,", "shows 0"),
     ("0", ",", "names no GPU"), ("0", -1, "gpus is -1")],
)  # fmt: skip
def test_gpus_that_are_not_there_are_refused_before_anything_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str, asked: Any, said: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(InputError, match=said):
        run(cards(tmp_path, 1), gpus=asked)
    assert not (tmp_path / "sweep").exists()


def test_a_cell_names_no_gpu_itself(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(InputError, match=r"on-cuda number=0 has device cuda:1.*as cuda:0"):
        run(cards(tmp_path, 1, "cuda:1"), gpus=2)


def test_the_file_of_a_sweep_says_which_gpus() -> None:
    stages = {"stages": [{"job": "empty"}]}
    assert read_definition({"gpus": 2, **stages}).gpus == 2
    assert read_definition({"gpus": [0, "GPU-8f"], **stages}).gpus == (0, "GPU-8f")
    assert read_definition(stages).gpus is None
    with pytest.raises(InputError, match=r"gpus is \"two\".*a number, or names"):
        read_definition({"gpus": "two", **stages})


def test_what_the_file_says_counts_and_an_argument_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    source = {"gpus": [2], "stages": [cards(tmp_path, 2)]}
    jobs = {"jobs": "quick_jobs:QuickJobs", "workers": 1}
    assert run_sweep.sweep(source, tmp_path / "first", **jobs).complete  # type: ignore[arg-type]
    assert run_sweep.sweep(source, tmp_path / "second", gpus="1,", **jobs).complete  # type: ignore[arg-type]
    assert [line["gpus"] for line in recorded(tmp_path)] == ["2", "2", "1", "1"]


def _hold(folder: Path, ready: Any) -> None:
    with lease(folder, ["0"]) as held:
        assert held == "0"
        ready.set()
        signal.pause()


def test_a_lease_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    other = spawn.Process(target=_hold, args=(tmp_path, ready))
    other.start()
    try:
        assert ready.wait(120)
        with lease(tmp_path, ["0"]) as taken:
            assert taken is None
        with lease(tmp_path, ["0", "1"]) as taken:
            assert taken == "1"
            assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
    finally:
        other.kill()
        other.join()
    with lease(tmp_path, ["0"]) as taken:
        assert taken == "0"


@pytest.mark.parametrize(
    ("device", "slurm", "gpus_per_node"),
    [
        ("cuda", {}, 1),
        ("auto", {}, None),
        ("cpu", {}, None),
        ("cuda", {"gpus": 2}, 2),
        ("cuda", {"gpus": 0}, None),
    ],
)
def test_a_slurm_stage_whose_cells_need_a_gpu_asks_for_one(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    slurm: dict[str, Any],
    gpus_per_node: int | None,
) -> None:
    asked: list[dict[str, Any]] = []

    class Submitted:
        def __init__(self, folder: Path, stages: list[dict[str, Any]], threads: int) -> None:
            for stage in stages:
                asked.append(executors.parameters(stage["name"], stage["slurm"], threads, []))
                assert all(worker.gpus == () for worker in stage["workers"])  # Slurm shares them out

    monkeypatch.setattr(run_sweep, "SlurmWorkers", Submitted)
    run({**cards(tmp_path, 2, device), "slurm": slurm}, cluster="slurm", wait=False)
    assert [each.get("gpus_per_node") for each in asked] == [gpus_per_node]
