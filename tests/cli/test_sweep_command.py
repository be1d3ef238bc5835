"""``ceilings sweep``: what it prints, with which exit status, and what it refuses."""

import json
from pathlib import Path

import pytest
import yaml

from spectral_ceilings.cli.app import run
from spectral_ceilings.theory.errors import InputError

EXAMPLE = Path(__file__).parents[2] / "examples" / "sweep.yaml"


def sweep_file(folder: Path, cells: int = 3, **top: object) -> Path:
    """Write a sweep of cells that do nothing, and as many that come after them."""
    path = folder / "nothing.yaml"
    stages = [
        {"name": "first", "job": "empty", "grid": {"number": list(range(cells))}},
        {"name": "second", "job": "empty", "after": "first"},
    ]
    path.write_text(yaml.safe_dump({"out": str(folder / "sweep"), "stages": stages, **top}))
    return path


def test_the_example_runs_dry(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["sweep", str(EXAMPLE), "--dry-run", "--out", str(tmp_path / "x")]) == 0
    out = capsys.readouterr().out
    assert "8 cells" in out
    assert out.count("ceilings train") == out.count("ceilings diagnose") == 4
    assert "diagnose l-max=2 seed=1  (after train l-max=2 seed=1)" in out
    assert "cost: unknown until a cell of each stage is finished" in out
    assert not (tmp_path / "x").exists()


def test_the_example_as_json_lists_every_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["sweep", "--dry-run", str(EXAMPLE), "--json", "--out", str(tmp_path / "x")]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["total"] == len(plan["cells"]) == 8
    keys = {cell["key"] for cell in plan["cells"]}
    assert all(set(cell["needs"]) <= keys for cell in plan["cells"])
    assert plan["cells"][4]["command"][:4] == [
        "ceilings",
        "diagnose",
        "--backbone",
        plan["cells"][0]["command"][-1],
    ]


def test_run_status_and_cost(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = sweep_file(tmp_path)
    assert run(["sweep", str(file), "--workers", "1", "--first", "1"]) == 0
    capsys.readouterr()
    assert run(["sweep", str(file), "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["stages"]["first"]["done"] == plan["stages"]["second"]["done"] == 1
    each = [stage["seconds_each"] for stage in plan["stages"].values()]
    assert plan["seconds_left"] == pytest.approx(2 * sum(each) / plan["workers"])
    assert run(["sweep", "run", str(file), "--workers", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["done"], result["total"], result["open"]) == (6, 6, 0)
    assert run(["sweep", "status", str(tmp_path / "sweep"), "--json", "--state", "done"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert [cell["state"] for cell in status["cells"]] == 6 * ["done"]
    assert run(["sweep", "status", str(file)]) == 0
    assert "first" in capsys.readouterr().out
    assert "done: second number=2" in (tmp_path / "sweep" / "sweep.log").read_text()
    assert run(["sweep", "status", str(file), "--check"]) == 0
    folder = Path(status["cells"][0]["out"]).parent
    (folder / "status.json").write_text("{}")
    capsys.readouterr()
    assert run(["sweep", "status", str(file), "--check"]) == 2
    assert "damaged: first number=0: status.json is damaged" in capsys.readouterr().out


def test_a_cell_that_fails_gives_status_2_and_its_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A command that refuses its data: the sweep says why, and ends with neither 0 nor the status of a verdict."""
    data = tmp_path / "broken.xyz"
    data.write_text("this is no file of atoms\n")
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump({"stages": [{"job": "train", "options": {"data": str(data)}}]}))
    out = str(tmp_path / "sweep")
    assert run(["sweep", str(path), "--out", out, "--workers", "1"]) == 2
    told = capsys.readouterr().out
    assert "0 of 1 cells done, 1 failed" in told
    assert "error: " in told
    assert "broken.xyz" in told
    assert run(["sweep", "status", out]) == 2
    assert "broken.xyz" in capsys.readouterr().out
    assert run(["sweep", "retry", out, "--workers", "1", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["failures"][0]["exit_status"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sweep", "nowhere.yaml"], "there is no file 'nowhere.yaml'"),
        (["sweep", "status", "nowhere"], "there is no file 'nowhere'"),
        (["sweep", "status", "."], "no directory of a sweep"),
        (["sweep", "retry", "."], "no directory of a sweep"),
    ],
)
def test_what_is_not_there_is_said(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=sentence):
        run(arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--partition", "gpu"], ["--no-wait"], ["--cluster", "slrum"], ["--workers", "many"], ["--gpus", "99"],
        ["--gpus", "0,99"], ["--gpus", "0,1", "--cluster", "slurm"],
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused(options: list[str], tmp_path: Path) -> None:
    with pytest.raises(
        Exception, match=r"add --cluster slurm|did you mean slurm|integer|this machine shows|number of GPUs"
    ):
        run(["sweep", str(sweep_file(tmp_path)), *options])
    assert not (tmp_path / "sweep").exists()
