"""What runs, what does not run twice, what is found changed, and what is said where something is in the way."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.diagnostic.readouts.compute import available_cores
from spectral_ceilings.sweeps import run_sweep
from spectral_ceilings.sweeps.claims import claim, is_held
from spectral_ceilings.sweeps.executors import share_cores
from spectral_ceilings.sweeps.gather import collect
from spectral_ceilings.sweeps.run_sweep import retry
from spectral_ceilings.sweeps.store import Store, damage
from spectral_ceilings.sweeps.sweep_result import SweepResult
from spectral_ceilings.theory.errors import InputError

Run = Callable[..., SweepResult]
COUNT = {"name": "first", "job": "count", "grid": {"number": [1, 2, 3]}}
SUPPORT = Path(__file__).parents[1] / "support"


def values(result: SweepResult) -> dict[str, int]:
    """Return the value that each cell has written."""
    return {
        cell.label: json.loads((cell.out / "result.json").read_text())["value"]
        for cell in result.cells()
        if cell.state == "done"
    }


def test_cells_run_after_those_that_they_need(run: Run) -> None:
    result = run(COUNT, {"name": "second", "job": "count", "after": "first", "options": {"start": "{first}"}})
    assert result.complete
    assert result.counts.total == 6
    by_label = {cell.label: cell for cell in result.cells()}
    for number in (1, 2, 3):
        first, second = by_label[f"first number={number}"], by_label[f"second number={number}"]
        assert first.record["started"] + first.record["wall_s"] <= second.record["started"] + 0.1
        assert "step 5" in first.log.read_text()
    assert len(set(values(result).values())) == 6


def test_nothing_finished_is_computed_again(run: Run, tmp_path: Path) -> None:
    stage = {**COUNT, "options": {"record": str(tmp_path / "finished")}}
    first = run(stage)
    again = run(stage)
    assert [cell.record for cell in again.cells()] == [cell.record for cell in first.cells()]
    more = run({**stage, "grid": {"number": [0, 1, 2, 3]}})  # the file grew: the old cells are kept
    assert more.complete
    assert Counter((tmp_path / "finished").read_text().split()) == {"1": 1, "2": 1, "3": 1, "0": 1}


def test_a_cell_that_fails_is_named_with_its_error_and_log(run: Run) -> None:
    result = run(
        {"job": "break", "grid": {"number": [1, 2]}, "options": {"words": "error: no such thing"}},
        {"name": "next", "job": "count", "after": "break", "options": {"start": "{break}"}},
        COUNT,
    )
    assert (result.counts.done, result.counts.failed, result.counts.blocked) == (3, 2, 2)
    assert not result.complete
    for cell in result.failed:
        assert cell.error == "error: no such thing"
        assert cell.exit_status == 2
        assert "no such thing" in cell.log.read_text()
    assert {cell.state for cell in result.cells() if cell.stage == "next"} == {"waiting"}


@pytest.mark.parametrize(("status", "state"), [(0, "done"), (1, "done"), (2, "failed"), (3, "failed")])
def test_a_verdict_is_a_result_and_an_error_is_none(run: Run, status: int, state: str) -> None:
    result = run({"job": "break", "options": {"status": status}}, workers=1)
    assert [(cell.state, cell.exit_status) for cell in result.cells()] == [(state, status)]


def test_failed_cells_run_again_when_that_is_asked(run: Run, tmp_path: Path) -> None:
    stage = {"job": "break", "grid": {"number": [1, 2]}}
    failed = run(stage)
    assert run(stage).counts.failed == 2  # not by itself
    assert [cell.attempts for cell in failed.cells()] == [1, 1]
    again = retry(tmp_path / "sweep", jobs="quick_jobs:QuickJobs", workers=1)
    assert again.counts.failed == 2
    assert all(cell.log.read_text().count("broken on purpose") == 2 for cell in again.cells())


def test_retry_computes_what_failed_and_nothing_else(run: Run, tmp_path: Path) -> None:
    """A sweep of which only the first cells were asked for: the others stay open, and so do other stages' failures."""
    broken = {"job": "break", "grid": {"number": [1, 2]}}
    run({**broken, "name": "one"}, {**broken, "name": "two", "options": {"words": "x"}}, COUNT, first=1)
    result = retry(tmp_path / "sweep", "one", jobs="quick_jobs:QuickJobs", workers=1)
    assert {cell.label: cell.attempts for cell in result.cells() if cell.state != "open"} == {
        "one number=1": 1, "two number=1": 1, "first number=1": 1,
    }  # fmt: skip
    assert result.cells()[0].log.read_text().count("$ ceilings") == 2
    assert (result.counts.done, result.counts.failed, result.counts.open) == (1, 2, 4)
    nothing = retry(tmp_path / "sweep", "first", jobs="quick_jobs:QuickJobs", workers=1)
    assert nothing.counts == result.counts
    for wrong in ({"workers": 1000}, {"workers": 0}, {"cluster": "cloud"}):
        with pytest.raises(InputError):
            retry(tmp_path / "sweep", jobs="quick_jobs:QuickJobs", **wrong)
    assert [cell.state for cell in nothing.cells()] == [cell.state for cell in result.cells()]
    assert len(nothing.failed) == 2, "a refusal left the records of failed cells as they were"
    with pytest.raises(InputError, match=r"no stage 'on'; did you mean 'one'\?"):
        retry(tmp_path / "sweep", "on", jobs="quick_jobs:QuickJobs")


def test_ctrl_c_stops_everything_quietly_and_leaves_cells_open(tmp_path: Path) -> None:
    """A terminal sends it to every process of the group; only the sweep answers."""
    stage = {"job": "count", "grid": {"number": [1, 2]}, "options": {"steps": 1000, "pause": 0.1}}
    code = (
        "import json, sys; from spectral_ceilings.sweeps.run_sweep import sweep\n"
        "try: sweep({'stages': [json.loads(sys.argv[1])]}, sys.argv[2], jobs='quick_jobs:QuickJobs', workers=1)\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    out = tmp_path / "sweep"
    process = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(stage), str(out)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell that starts the tests in the background lets them ignore Ctrl-C, and their children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    end = time.monotonic() + 60
    while not list(out.glob("cells/*/*/out/progress.json")):
        assert time.monotonic() < end
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    store = Store(out)
    while any(cell.state == "running" for cell in store):
        assert time.monotonic() < end, "a cell outlived the sweep"
        time.sleep(0.1)
    assert {cell.state for cell in store} == {"open"}


def test_a_process_that_the_system_kills_is_tried_three_times(run: Run) -> None:
    result = run({"job": "hog"}, workers=1)
    (cell,) = result.failed
    assert cell.error is not None
    assert "killed by SIGKILL 3 times" in cell.error
    assert "memory" in cell.error


def test_a_changed_cell_is_found_moved_aside_and_computed_again(run: Run) -> None:
    before = run(COUNT)
    undisturbed = values(before)
    changed, record_gone, file_gone = before.cells()
    (changed.out / "result.json").write_text('{"value": 0}')
    (record_gone.folder / "status.json").write_text("{}")
    (file_gone.out / "result.json").unlink()
    after = run(COUNT)
    assert after.complete
    assert values(after) == undisturbed
    told = {label: what for label, what, _ in after.damaged}
    assert told == {
        changed.label: "out/result.json was changed",
        record_gone.label: "status.json is damaged",
        file_gone.label: "out/result.json is missing",
    }
    for _, _, place in after.damaged:
        assert (after.root / place / "cell.json").exists(), "what was moved aside is whole"
    assert all(damage(cell.folder) is None for cell in after.cells())


def test_a_changed_result_does_not_reach_the_table(tmp_path: Path) -> None:
    """The rows of a file that is not the one its cell wrote are left out, and the cell is named."""
    definition = {"stages": [{"job": "advise", "grid": {"l": [2, 3]}}]}
    result = run_sweep.sweep(definition, tmp_path / "sweep", workers=1)
    table = Path(collect(result.root, page=False).table)
    whole = table.read_text()
    changed = result.cells()[0]
    path = changed.out / "choices.json"
    path.write_text(path.read_text().replace('"degree": 2', '"degree": 7'))
    made = collect(result.root, page=False)
    assert [(cell.key, cell.error) for cell in made.failed] == [
        (
            changed.key,
            "out/choices.json was changed since it was finished; run the sweep again to compute it anew",
        )
    ]
    assert ",7,1," not in table.read_text()
    assert len(table.read_text().splitlines()) < len(whole.splitlines())
    assert run_sweep.sweep(definition, tmp_path / "sweep", workers=1).complete
    collect(result.root, page=False)
    assert table.read_text() == whole


def test_a_file_that_somebody_added_is_no_damage(run: Run) -> None:
    first = run(COUNT)
    (first.cells()[0].out / "notes.txt").write_text("mine")
    assert run(COUNT).damaged == ()


def test_two_sweeps_on_one_directory_share_the_work(tmp_path: Path, run: Run) -> None:
    record = tmp_path / "finished"
    stage = {
        "job": "count",
        "grid": {"number": list(range(12))},
        "options": {"pause": 0.05, "record": str(record)},
    }
    code = (
        "import json, sys; from spectral_ceilings.sweeps.run_sweep import sweep; "
        "sweep({'stages': [json.loads(sys.argv[1])]}, sys.argv[2], jobs='quick_jobs:QuickJobs', workers=1)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, json.dumps(stage), str(tmp_path / "sweep")])
    result = run(stage, workers=1)
    assert other.wait(60) == 0
    assert result.complete
    assert Counter(record.read_text().split()) == {str(n): 1 for n in range(12)}


def test_a_claimed_cell_is_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "cell"
    first = claim(folder)
    assert first is not None
    assert is_held(folder)
    asked = (
        "import pathlib, sys, spectral_ceilings.sweeps.claims as c; print(c.claim(pathlib.Path(sys.argv[1])))"
    )
    other = subprocess.run(
        [sys.executable, "-c", asked, str(folder)], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == "None"
    first.release(finished=False)
    second = claim(folder)
    assert second is not None
    assert (second.attempts, second.interrupted) == (2, True)
    second.release()
    third = claim(folder)
    assert third is not None
    assert not third.interrupted
    third.release()


def test_a_claim_of_another_machine_counts_while_it_shows_signs_of_life(tmp_path: Path) -> None:
    taken = claim(tmp_path)
    assert taken is not None
    taken.release(finished=False)
    path = tmp_path / "claim.json"
    content = json.loads(path.read_text()) | {"host": "another"}
    path.write_text(json.dumps(content))
    assert claim(tmp_path) is None
    long_ago = time.time() - 1000
    os.utime(path, (long_ago, long_ago))
    late = claim(tmp_path)
    assert late is not None
    late.release()


def test_only_the_first_cells_of_each_stage(run: Run) -> None:
    second = {"name": "second", "job": "count", "after": "first", "options": {"start": "{first}"}}
    result = run(COUNT, second, first=1)
    assert result.complete
    assert [cell.label for cell in result.cells() if cell.state == "done"] == [
        "first number=1",
        "second number=1",
    ]
    assert run(COUNT, second).counts.total == 6


def test_a_folder_of_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds files but no plan"):
        run(COUNT)
    assert [path.name for path in (tmp_path / "sweep").iterdir()] == ["thesis.tex"]
    with pytest.raises(InputError, match="is a file"):
        run(COUNT, out=tmp_path / "sweep" / "thesis.tex")


def test_a_wrong_definition_leaves_earlier_results_as_they_were(run: Run) -> None:
    first = run(COUNT)
    plan = (first.root / "plan.jsonl").read_bytes()
    with pytest.raises(InputError):
        run(COUNT, {"job": "nothing of the kind"})
    assert (first.root / "plan.jsonl").read_bytes() == plan
    assert first.complete


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"workers": 1000}, "1000 workers of 1 threads ask for 1000 cores"),
        ({"workers": 0}, "workers is 0"),
        ({"first": 0}, "first is 0"),
        ({"cluster": "cloud"}, "the cluster is 'cloud'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path, settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        run(COUNT, **settings)
    assert not (tmp_path / "sweep").exists()


def test_workers_and_threads_fill_the_cores_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{run_sweep.__package__}.executors.available_cores", lambda: 16)
    assert share_cores(None, None, 100) == (16, 1)
    assert share_cores(4, None, 100) == (4, 4)
    assert share_cores(None, 4, 100) == (4, 4)
    assert share_cores(None, None, 3) == (3, 5)
    for workers, threads in ((17, 1), (5, 4)):
        with pytest.raises(InputError):
            share_cores(workers, threads, 100)


def test_commands_take_no_more_than_their_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECTRAL_CEILINGS_CORES", "1")
    assert available_cores() == 1
    monkeypatch.setenv("SPECTRAL_CEILINGS_CORES", "100000")
    assert available_cores() == len(os.sched_getaffinity(0))


def test_a_worker_tells_its_libraries_how_many_threads_they_have(run: Run) -> None:
    (cell,) = run({"job": "threads"}, threads=1).cells()
    assert cell.log.read_text().splitlines()[-1] == "1 1 1"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named_unprivileged(run: Run, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(InputError, match="cannot be written"):
        run(COUNT, out=locked / "sweep")


def test_a_folder_that_cannot_be_made_is_named(run: Run) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        run(COUNT, out=Path("/proc/sweep"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of one and a half megabytes."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a file system is mounted by root")
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("this machine does not let a file system be mounted")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_stops_the_sweep_and_loses_nothing(run: Run, small_disk: Path) -> None:
    """The cells that did not fit are open, not failed: with room, the same command finishes them."""
    stage = {"job": "count", "grid": {"number": list(range(6))}}
    out = small_disk / "sweep"
    first = run({**stage, "grid": {"number": [0, 1]}}, out=out)
    assert first.complete
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(1 << 21))
    with contextlib.suppress(InputError):  # where not even the plan has room
        stopped = run(stage, out=out)
        assert "no room" in stopped.trouble
        assert stopped.counts.failed == 0
    filler.unlink()
    after = run(stage, out=out)
    assert after.complete
    assert {name: values(after)[name] for name in values(first)} == values(first)
