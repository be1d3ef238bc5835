"""``ceilings data generate --structure``: what it writes, and bad input in one sentence with exit status 2."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

COPPER = ["--structure", "bulk:Cu:2x1x1:cubic", "--calculator", "ase:emt", "--frames", "3"]


def test_a_crystal_is_written_with_its_record(tmp_path: Path, ceilings: Callable[..., Any]) -> None:
    path = tmp_path / "cu.npz"
    done = ceilings("data", "generate", *COPPER, "--kind", "strain", "--seed", "4", "--out", str(path))
    assert done.returncode == 0, done.stderr
    assert "bulk:Cu:2x1x1:cubic: Cu8, 8 atoms, 3 frames with energies, forces, stress" in done.stdout
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["schema"] == "spectral-ceilings/generated-structures/1"
    assert record["versions"].keys() == {"python", "numpy", "ase"}
    with np.load(path) as archive:
        assert archive["cells"].shape == (3, 3, 3)
        assert archive["stress"].shape == (3, 6)
    # the recorded command makes the same file
    words = shlex.split(record["command"])[3:]
    again = tmp_path / "again"
    again.mkdir()
    done = ceilings("data", "generate", *words[:-1], str(again / "cu.npz"))
    assert done.returncode == 0, done.stderr
    assert (again / "cu.npz").read_bytes() == path.read_bytes()


def test_a_function_of_a_file_is_a_calculator(tmp_path: Path, ceilings: Callable[..., Any]) -> None:
    (tmp_path / "mine.py").write_text("from ase.calculators.emt import EMT\ndef make():\n    return EMT()\n")
    arguments = [*COPPER[:2], "--calculator", f"{tmp_path / 'mine.py'}:make", "--frames", "3"]
    assert "--trust" in ceilings("data", "generate", *arguments, "--out", str(tmp_path / "a.npz")).sentence()
    done = ceilings("data", "generate", *arguments, "--trust", "--out", str(tmp_path / "a.npz"))
    assert done.returncode == 0, done.stderr
    done = ceilings("data", "generate", *COPPER, "--out", str(tmp_path / "b.npz"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert "mine.py" in json.loads((tmp_path / "a.json").read_text())["inputs"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either --smiles, for a molecule, or --structure with --calculator"),
        (["--smiles", "CCO", *COPPER], "give either --smiles"),
        (COPPER[:2], "--structure needs a --calculator"),
        ([*COPPER, "--pilot", "3"], "--pilot belongs to --smiles"),
        (["--smiles", "CCO", "--kind", "md"], "--kind belongs to --structure"),
        ([*COPPER, "--kind", "melt"], "'melt' is none of rattle, strain, md"),
        ([*COPPER, "--amplitude", "-1"], "amplitude is -1"),
        (["--structure", "bulk:Xx", *COPPER[2:]], "cannot be built by ase.build"),
        (["--structure", "bulk:Cu:2by2", *COPPER[2:]], "'2by2' in 'bulk:Cu:2by2' is not understood"),
        (["--structure", "box:H2O", *COPPER[2:]], "expected box:NAME:COUNT"),
        ([*COPPER[:2], "--calculator", "ase:nothing"], "is not a known calculator"),
        (["--structure", "bulk:Si", *COPPER[2:]], "ase:emt failed for bulk:Si at frame 0"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    arguments: list[str], said: str, tmp_path: Path, ceilings: Callable[..., Any]
) -> None:
    done = ceilings("data", "generate", *arguments, "--out", tmp_path / "out.npz")
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert not list(tmp_path.glob("out*"))
