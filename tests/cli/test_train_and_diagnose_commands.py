"""``ceilings train`` and ``ceilings diagnose`` as a user types them: exit status and one sentence for wrong input."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer

from spectral_ceilings.diagnostic.frames.reading import read_frames

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")


def test_train_then_diagnose(ceilings, tmp_path: Path) -> None:
    frames = read_frames("aspirin-xtb").select(range(120))
    np.savez(
        tmp_path / "few.npz",
        numbers=frames.numbers,
        positions=frames.positions,
        forces=frames.forces,
        energies=frames.energies,
    )
    trained = ceilings(
        "train", "--data", "few.npz", "--out", "run", "--l-max", 1, "--features", 4, "--steps", 6,
        "--validate-every", 3, "--json",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    record = json.loads(trained.stdout)
    assert record["builder"]["l_max"] == 1
    assert record["force_mae_eV_A"] > 0
    assert str(tmp_path) not in trained.stdout
    again = ceilings("train", "--data", "few.npz", "--out", "run", "--l-max", 1)
    assert "add --resume to continue where it stopped" in again.sentence()
    found = ceilings(
        "diagnose", "--backbone", "run", "--data", "few.npz", "--out", "diagnosis", "--degrees", "1", "--l-top", 3,
        "--atoms", "2,15", "--injection", "marked", "--no-controls", "--bootstrap", 100, "--json",
    )  # fmt: skip
    assert found.returncode in (0, 1), found.stderr
    verdict = json.loads(found.stdout)["verdict"]
    assert found.returncode == (0 if verdict["held"] else 1)
    assert (tmp_path / "diagnosis" / "report.html").exists()
    assert (
        "--backbone run --data few.npz"
        in json.loads((tmp_path / "diagnosis" / "result.json").read_text())["command"]
    )


def test_wrong_input_is_said_in_one_sentence(ceilings, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    cases = [
        (("diagnose", "--out", "there"), "'there' exists already"),
        (
            ("diagnose", "--out", "x", "--backbone", "nothing.safetensors"),
            "no backbone at nothing.safetensors",
        ),
        (("diagnose", "--out", "x", "--data", "nothing.npz"), "nothing.npz"),
        (("diagnose", "--out", "x", "--degrees", "two"), "'two' is not an integer"),
        (("diagnose", "--out", "x", "--layer", "layer2"), "carries scalars (l = 0) only"),
        (("train", "--out", "x", "--steps", "0"), "steps is 0"),
        (("train", "--out", "x", "--seed", "-1"), "seed is -1"),
        (("train", "--out", "/dev/null"), "'/dev/null' is a file"),
        (("train", "--out", "/dev/null/run"), "cannot be made"),
        (("diagnose", "--out", "/dev/null/run"), "cannot be made"),
        (("train", "--out", "x", "--cutoff", "0.1"), "no atom has a neighbour within r_max = 0.1"),
        (
            ("train", "--out", "x", "--angular-term", "P4"),
            "--angular-term is 'P4', expected degrees such as 4",
        ),
        (
            ("train", "--out", "x", "--angular-term", "4", "--term-cutoff", "0.1"),
            "no atom has two neighbours within",
        ),
        (
            ("train", "--out", "x", "--angular-term", "4", "--architecture", "unconstrained"),
            "--angular-term is for nequip",
        ),
        (("train", "--out", "x", "--max-ell", "2"), "--max-ell is for mace"),
    ]
    for arguments, said in cases:
        assert said in ceilings(*arguments).sentence(), arguments
        assert not (tmp_path / "x").exists(), arguments


def test_an_unknown_option_is_exit_status_2(ceilings) -> None:
    done = ceilings("diagnose", "--colour", "red")
    assert done.returncode == 2
    assert "--colour" in done.stderr


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), typer.Exit(130)])
def test_an_interrupt_says_how_to_go_on(
    ceilings, monkeypatch: pytest.MonkeyPatch, raised: BaseException
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise raised

    monkeypatch.setattr("spectral_ceilings.diagnostic.diagnosis.diagnose", interrupted)
    done = ceilings("diagnose", "--out", "x")
    assert done.returncode == 130
    assert "finished parts are kept" in done.stderr
    assert "--resume" in done.stderr
