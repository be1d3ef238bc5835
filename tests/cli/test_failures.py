"""Every command and every way to fail: the exit status, one sentence, no traceback on the terminal, earlier results untouched."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule
from ase.io import write

from spectral_ceilings.cli.app import run
from spectral_ceilings.cli.failures import explain, keep_traceback, place_of
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.theory.errors import InputError

from failing_code import CALCULATORS, MODELS

Run = Callable[..., Any]

#: The job that each command calls, and a call of it with every input right.
JOBS = {
    "diagnose": ("diagnostic.diagnosis.diagnose", ("models.py:right", "few.npz", "--trust", "--out")),
    "audit": ("diagnostic.auditing.audit.audit", ("models.py:right", "few.npz", "--trust", "--parts", "features", "--out")),
    "audit of symmetry": ("diagnostic.symmetry.audit.symmetry_audit", ("ase:emt", "water.xyz", "--l-top", "1", "--out")),
    "learning-curve": ("diagnostic.curves.learning_curve.learning_curves", ("models.py:right", "few.npz", "--trust", "--out")),
    "compare": ("diagnostic.comparison.compare.compare", ("kept", "--out")),
    "train": ("diagnostic.training.data.split_of", ("few.npz", "--out")),
    "layers": ("diagnostic.backbones.loading.load_backbone", ("models.py:right", "--trust")),
    "calibrate": ("diagnostic.calibration.calibrate.span_rows", ("--max-degree", "1", "--max-l", "1", "--out")),
    "calibrate --trained": ("diagnostic.calibration.calibrate.run_cells", ("--quick", "--out")),
    "data inspect": ("diagnostic.frames.reading_any.read_data", ("few.npz",)),
    "data check": ("diagnostic.frames.reading_any.read_data", ("few.npz",)),
    "data fetch": ("diagnostic.frames.rmd17.fetch", ("rmd17:aspirin:train:01",)),
    "data generate": ("diagnostic.generation.generate.generate", ("--smiles", "O", "--out")),
    "theory": ("cli.theory_tables.grid", ("--max-degree", "1", "--max-l", "1", "--out")),
    "theory verify": ("cli.theory_certificates.replay", ("few.npz",)),
    "theory proof": ("theory.prove_span_theorem", ()),
    "advise": ("theory.advise", ("--l", "4")),
    "paper": ("paper_checks.paper.check_paper", ("--only", "span-theorem", "--out")),
}  # fmt: skip


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    frames = read_frames("aspirin-xtb").select(range(120))
    np.savez(
        tmp_path / "few.npz",
        numbers=frames.numbers,
        positions=frames.positions,
        forces=frames.forces,
        energies=frames.energies,
    )
    write(tmp_path / "water.xyz", molecule("H2O"), format="extxyz")
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "calculators.py").write_text(CALCULATORS)
    (tmp_path / "syntax.py").write_text("def model() return 1\n")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "result.json").write_text("precious")
    return tmp_path


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file but tracebacks and what Python keeps of a module."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "traceback" not in path.name and "__pycache__" not in path.parts
    }


def command(name: str, out: str = "out") -> list[str]:
    words = [*name.replace(" of symmetry", "").split(), *JOBS[name][1]]
    return [*words, f"{out}.npz" if name == "data generate" else out] if words[-1] == "--out" else words


def told(done: Any, status: int) -> str:
    """Return the one sentence that a failed command says, after checking that it is all there is."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    return str(done.stderr)


def traceback_of(folder: Path, sentence: str) -> str:
    """Return the traceback in the file that a sentence names."""
    names = [word.rstrip(";:") for word in sentence.split() if "traceback" in word and ".txt" in word]
    assert len(names) == 1
    return (folder / names[0]).read_text()


# -------------------- errors of ours


@pytest.mark.parametrize("name", JOBS)
def test_an_error_of_ours_is_status_3(
    ceilings: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = snapshot(inputs)
    monkeypatch.setattr(f"spectral_ceilings.{JOBS[name][0]}", divmod)  # raises TypeError however it is called
    sentence = told(ceilings(*command(name)), 3)
    assert "internal error of spectral-ceilings; this is not a verdict (TypeError: " in sentence
    assert "please report it with that file" in sentence
    text = traceback_of(inputs, sentence)
    assert "TypeError" in text
    assert f"command: ceilings {command(name)[0]}" in text
    assert "spectral-ceilings 0." in text
    assert snapshot(inputs) == before


def test_tracebacks_are_written_beside_out_and_never_overwritten(
    ceilings: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inputs / "runs").mkdir()
    monkeypatch.setattr("spectral_ceilings.diagnostic.diagnosis.diagnose", divmod)
    for name in ("runs/a-traceback.txt", "runs/a-traceback-2.txt"):
        done = ceilings("diagnose", "models.py:right", "few.npz", "--trust", "--out", "runs/a")
        assert f" in {name}:" in told(done, 3)
    assert (inputs / "runs" / "a-traceback.txt").read_text() == (
        inputs / "runs" / "a-traceback-2.txt"
    ).read_text()


def test_a_traceback_that_no_folder_takes_is_printed(
    ceilings: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectral_ceilings.cli.failures.keep_traceback", lambda *_: None)
    monkeypatch.setattr("spectral_ceilings.theory.advise", divmod)
    done = ceilings("advise", "--l", "4")
    assert done.returncode == 3
    assert "the traceback is below, for no folder can be written" in done.stderr
    assert "Traceback (most recent call last)" in done.stderr


# -------------------- a machine that fails


def fail(error: BaseException) -> Callable[..., None]:
    def raising(*_arguments: object, **_options: object) -> None:
        raise error

    return raising


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk has no room left (No space left on device)"),
        (OSError(errno.ENOSPC, "No space left on device", "figures/a.png"), "left while figures/a.png was written"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "the disk has no room left"),
        (MemoryError("Unable to allocate 3 TiB"), "memory ran out: take fewer frames"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "--device cpu"),
        (RuntimeError("CUDA error: unspecified launch failure"), "the GPU stopped answering (CUDA error: unspecified launch"),
    ],
    ids=["full disk", "full disk with a file", "full disk of another package", "memory", "memory of a GPU", "a lost GPU"],
)  # fmt: skip
def test_a_machine_that_fails_is_status_2(
    ceilings: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, said: str
) -> None:
    before = snapshot(inputs)
    monkeypatch.setattr(f"spectral_ceilings.{JOBS[name][0]}", fail(error))
    assert said in told(ceilings(*command(name)), 2)
    assert snapshot(inputs) == before
    assert not list(inputs.glob("*traceback*"))


def test_a_disk_that_fills_while_figures_are_written(tmp_path: Path) -> None:
    """A real limit: the tables fit into it, the first figure does not."""
    code = "from spectral_ceilings.cli.app import main; main()"
    arguments = ["theory", "--max-degree", "1", "--max-l", "1", "--figures", "figures"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": str(tmp_path / "mpl")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "the disk has no room left while figures/" in last
    assert "Traceback" not in done.stderr
    assert not [path for path in (tmp_path / "figures").iterdir() if path.stat().st_size == 4000]


@pytest.mark.parametrize("name", [name for name in JOBS if command(name)[-2:-1] == ["--out"]])
def test_an_out_that_cannot_be_written_is_status_2(ceilings: Run, inputs: Path, name: str) -> None:
    if name == "compare":
        pytest.skip("it reads the runs first, and these are none")
    before = snapshot(inputs)
    sentence = told(ceilings(*command(name, out="few.npz/out")), 2)
    assert "few.npz" in sentence
    assert "Not a directory" in sentence
    assert snapshot(inputs) == before


def test_a_reader_that_is_gone_is_no_verdict(tmp_path: Path) -> None:
    code = "from spectral_ceilings.cli.app import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "layers"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert said == ""


def test_a_full_device_for_the_output_is_status_2() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    code = "from spectral_ceilings.cli.app import main; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "layers"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no room left" in done.stderr


# -------------------- a user's model, module or calculator that fails


@pytest.mark.parametrize("name", ["diagnose", "audit", "learning-curve", "layers"])
@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("models.py:raises", "raised RuntimeError: weights {missing} (line"),
        ("models.py:exits", "ended the program (exit status 0)"),
        ("models.py:exits_as_if_not_held", "ended the program (exit status 1)"),
        ("models.py:ends_of_file", "raised EOFError: checkpoint cut short"),
        ("models.py:breaks_a_pipe", "raised BrokenPipeError: Broken pipe"),
        ("syntax.py:model", "syntax.py raised SyntaxError: expected ':' (line 1"),
    ],
)
def test_a_model_that_fails_while_it_is_built_is_status_2(
    ceilings: Run, inputs: Path, name: str, model: str, said: str
) -> None:
    before = snapshot(inputs)
    words = [model if word == "models.py:right" else word for word in command(name)]
    sentence = told(ceilings(*words), 2)
    assert said in sentence
    assert model.split(":")[0] in sentence
    assert "correct it and run the command again" in sentence
    assert model.split(":")[0] in traceback_of(inputs, sentence)
    assert snapshot(inputs) == before


@pytest.mark.parametrize("name", ["diagnose", "audit", "learning-curve"])
def test_a_model_that_fails_while_it_is_evaluated_is_status_2(ceilings: Run, inputs: Path, name: str) -> None:
    before = snapshot(inputs)
    words = [
        "models.py:raises_when_evaluated" if word == "models.py:right" else word for word in command(name)
    ]
    sentence = told(ceilings(*words), 2)
    assert "no weights for oxygen" in sentence
    assert "KeyError" in traceback_of(inputs, sentence)
    assert snapshot(inputs) == before  # and so no run directory blocks the corrected command


@pytest.mark.parametrize("name", ["diagnose", "audit", "learning-curve"])
@pytest.mark.parametrize(
    ("model", "said"), [("wrong_shape", "shape"), ("no_model", "returned int, expected")]
)
def test_what_is_no_model_is_status_2(ceilings: Run, inputs: Path, name: str, model: str, said: str) -> None:
    before = snapshot(inputs)
    words = [f"models.py:{model}" if word == "models.py:right" else word for word in command(name)]
    assert said in told(ceilings(*words), 2)
    assert snapshot(inputs) == before


@pytest.mark.parametrize(
    ("calculator", "said"),
    [
        ("Flat", "Flat gave forces of shape (9,), expected (3, 3)"),
        ("EnergyArray", "EnergyArray gave an energy of shape (1,), expected a plain number"),
        ("Words", "Words gave an energy that is text, expected real numbers"),
        ("NotFinite", "NotFinite gave forces that are not finite"),
        ("NoOxygen", "calculators.py raised KeyError: 8"),
    ],
)
def test_a_calculator_that_fails_is_status_2(ceilings: Run, inputs: Path, calculator: str, said: str) -> None:
    before = snapshot(inputs)
    done = ceilings(
        "audit", f"calculators.py:{calculator}", "water.xyz", "--trust", "--l-top", "1", "--out", "out"
    )
    assert said in told(done, 2)
    assert snapshot(inputs) == before


def test_the_same_calculator_unspoiled_is_measured(ceilings: Run, inputs: Path) -> None:
    words = (
        "calculators.py:Spring",
        "water.xyz",
        "--trust",
        "--l-top",
        "1",
        "--no-inversion",
        "--out",
        "out",
    )
    assert ceilings("audit", *words).returncode == 0


# -------------------- wrong words


@pytest.mark.parametrize("name", JOBS)
def test_an_unknown_option_is_status_2(ceilings: Run, inputs: Path, name: str) -> None:
    before = snapshot(inputs)
    sentence = told(ceilings(*command(name), "--colour", "red"), 2)
    assert "No such option: --colour" in sentence
    assert "--help'" in sentence
    assert snapshot(inputs) == before


@pytest.mark.parametrize(
    "name", ["diagnose", "audit", "audit of symmetry", "learning-curve", "train", "data inspect", "data check", "theory verify"]
)  # fmt: skip
def test_a_file_that_is_not_there_is_status_2(ceilings: Run, inputs: Path, name: str) -> None:
    before = snapshot(inputs)
    words = ["nothing.xyz" if word in ("few.npz", "water.xyz") else word for word in command(name)]
    assert "nothing.xyz" in told(ceilings(*words), 2)
    assert snapshot(inputs) == before


@pytest.mark.parametrize("name", ["diagnose", "audit", "audit of symmetry", "learning-curve", "train"])
def test_a_folder_with_other_things_is_left_alone(ceilings: Run, inputs: Path, name: str) -> None:
    before = snapshot(inputs)
    for more in ((), ("--resume",)):
        assert "kept" in told(ceilings(*command(name, out="kept"), *more), 2)
        assert snapshot(inputs) == before


# -------------------- what an error means


def test_an_error_caused_by_a_users_code_keeps_its_traceback(tmp_path: Path) -> None:
    def wrapped(cause: Callable[[], object]) -> InputError:
        try:
            try:
                cause()
            except Exception as error:
                raise InputError("the model fails.") from error
        except InputError as error:
            return error
        raise AssertionError

    theirs = wrapped(lambda: {}["x"])  # this file is a user's, seen from the package
    assert explain(theirs).keep_traceback
    assert explain(theirs).told("in a.txt") == "the model fails; the traceback is in a.txt"
    ours = InputError("the value is wrong.")
    ours.__cause__ = ValueError("without a frame of anyone's")
    assert not explain(ours).keep_traceback
    written = keep_traceback(theirs, ["diagnose", "--out", str(tmp_path / "run")])
    assert written == str(tmp_path / "run-traceback.txt")
    assert "KeyError: 'x'" in Path(written).read_text()


def test_the_place_of_an_error_is_the_innermost_line_of_the_users() -> None:
    def own(call: Callable[..., object], *arguments: object) -> BaseException:
        try:
            call(*arguments)
        except Exception as error:
            return error
        raise AssertionError

    place = place_of(own(lambda: np.ones(3).reshape(2, 2)))
    assert place is not None
    assert (place.name, place.innermost) == ("test_failures.py", True)
    below = place_of(own(run, 3))  # a function of ours fails on what this file gave it
    assert below is not None
    assert not below.innermost
