"""``ceilings data``: what is printed, and exit status 2 with one sentence for wrong input."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import units as ase_units

from spectral_ceilings.cli.failures import in_options
from spectral_ceilings.diagnostic.frames import rmd17
from spectral_ceilings.diagnostic.frames.reading import EMBEDDED, embedded_path, read_frames

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("command", ["fetch", "inspect", "check", "generate"])
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Example: ceilings data {command}" in out


def test_inspect_prints_what_the_file_holds(run: Run) -> None:
    code, out, _ = run("inspect", EMBEDDED)
    assert code == 0
    for words in ("C9H8O4", "1000", "eV and Å", hashlib.sha256(embedded_path().read_bytes()).hexdigest()):
        assert words in out


def test_inspect_as_json_agrees_with_python(run: Run) -> None:
    code, out, _ = run("inspect", EMBEDDED, "--json")
    assert code == 0
    facts = json.loads(out)
    frames = read_frames(EMBEDDED)
    assert (facts["frames"], facts["formula"], facts["sha256"]) == (
        len(frames),
        frames.formula,
        frames.sha256,
    )
    rows = {row["atoms"]: row for row in facts["forces_eV_A"]}
    assert list(rows) == ["all", "C", "O", "H"]
    assert rows["all"]["rms"] == np.sqrt((frames.forces**2).mean())
    hydrogen = frames.forces[:, frames.numbers == 1]
    assert rows["H"] == {
        "atoms": "H",
        "count": 8,
        "rms": np.sqrt((hydrogen**2).mean()),
        "largest": np.abs(hydrogen).max(),
    }


def test_check_passes_sound_data(run: Run) -> None:
    code, out, _ = run("check", EMBEDDED)
    assert code == 0
    names = ["finite", "distances", "forces", "constraints", "energies", "labels", "copies"]
    for name in names:
        assert f"  {name}" in out
    code, out, _ = run("check", "--json")
    assert code == 0
    assert list(json.loads(out)["checks"]) == names


def test_check_refuses_a_unit_mistake_with_one_sentence(run: Run, tmp_path: Path) -> None:
    frames = read_frames(EMBEDDED)
    path = tmp_path / "mistake.npz"
    kcal = ase_units.kcal / ase_units.mol
    np.savez(path, numbers=frames.numbers, positions=frames.positions, forces=frames.forces / kcal)
    code, out, err = run("check", str(path))
    assert (code, out) == (2, "")
    assert err.startswith("mistake.npz: force magnitudes are out of physical range, read as eV and Å")
    assert err.endswith(
        "they look like kcal/mol read as eV, so declare units='kcal/mol'; or overrule this check with accept_units=True, "
        "which the result records."
    )
    code, out, _ = run("check", str(path), "--units", "kcal/mol")
    assert code == 0
    assert "kcal/mol and Å, declared" in out


def test_wrong_input_ends_with_status_2(run: Run, tmp_path: Path) -> None:
    for arguments, words in (
        (("inspect", str(tmp_path / "none.npz")), "there is no file"),
        (("inspect", EMBEDDED, "--units", "stone"), "units are 'stone'"),
        (("fetch",), "no name was given"),
        (("fetch", "rmd17:aspirin:train:09"), "not in the registry"),
        (("generate", "--smiles", "C(", "--out", str(tmp_path / "a.npz")), "cannot be read"),
        (
            ("generate", "--smiles", "C", "--temperature", "0", "--out", str(tmp_path / "a.npz")),
            "temperature is",
        ),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), arguments
        assert words in err
        assert "\n" not in err


def test_fetch_lists_the_registry(run: Run) -> None:
    code, out, _ = run("fetch", "--list")
    assert code == 0
    assert out.split() == list(rmd17.registry())
    code, out, _ = run("fetch", "--list", "--json")
    assert json.loads(out) == rmd17.registry()


def test_fetch_finds_a_file_in_the_cache(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"frames"
    name = "rmd17:uracil:test:05"
    (tmp_path / "rmd17_uracil_test_05.npz").write_bytes(content)
    monkeypatch.setattr(rmd17, "registry", lambda: {name: hashlib.sha256(content).hexdigest()})
    code, out, _ = run("fetch", name, "--cache", str(tmp_path), "--json")
    assert code == 0
    assert json.loads(out) == {name: str(tmp_path / "rmd17_uracil_test_05.npz")}


def test_generate_writes_the_npz_and_its_sidecar(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("rdkit", reason="the extra 'generate' is not installed")
    pytest.importorskip("tblite", reason="the extra 'generate' is not installed")
    path = tmp_path / "water.npz"
    arguments = ["generate", "--smiles", "O", "--frames", "3", "--seed", "2", "--equilibration", "0.1"]
    arguments += ["--pilot", "0.1", "--longest-lag", "10", "--longest-spacing", "6", "--out", str(path)]
    code, out, _ = run(*arguments)
    assert code == 0
    assert "water.npz: 3 frames" in out
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["command"].startswith(
        "ceilings data generate --smiles O --temperature 500 --frames 3 --seed 2"
    )
    frames = read_frames(path)
    assert (len(frames), frames.formula) == (3, "H2O")
    # the recorded command makes the same file again, elsewhere
    words = record["command"].split()[2:]
    words[words.index("--out") + 1] = str(tmp_path / "again.npz")
    code, _, _ = run(*words)
    assert code == 0
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


def test_a_missing_extra_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "tblite"] + ["tblite"]:
        monkeypatch.setitem(sys.modules, name, None)
    code, _, err = run("generate", "--smiles", "O", "--out", str(tmp_path / "a.npz"))
    assert code == 2
    assert "'tblite' is not installed" in err
    assert "pip install 'spectral-ceilings[generate]'" in err


def test_forces_of_their_own_unit_are_declared_or_overruled(run: Run, tmp_path: Path) -> None:
    """Å, hartree and hartree/bohr, as quantum chemistry prints: refused as hartree/Å with the declaration that then works."""
    frames = read_frames("ethanol-xtb").select(range(100))
    assert frames.energies is not None
    path = tmp_path / "au.npz"
    np.savez(
        path,
        numbers=frames.numbers,
        positions=frames.positions,
        forces=frames.forces / ase_units.Hartree * ase_units.Bohr,
        energies=frames.energies / ase_units.Hartree,
    )
    code, _, err = run("check", str(path), "--units", "hartree")
    assert code == 2
    assert in_options(err).count("--units hartree --force-units hartree/bohr") == 1
    assert "--accept-units" in in_options(err)
    code, out, _ = run("check", str(path), "--units", "hartree", "--force-units", "hartree/bohr", "--json")
    assert code == 0
    assert json.loads(out)["overruled"] == {}
    code, out, _ = run("check", str(path), "--units", "hartree", "--accept-units", "--json")
    assert code == 0
    assert "expected 1 within" in json.loads(out)["overruled"]["energies"]


def test_copies_and_types_are_said(run: Run, tmp_path: Path) -> None:
    frames = read_frames("ethanol-xtb").select(list(range(30)) * 3)
    path = tmp_path / "copies.npz"
    types = [{6: 1, 1: 2, 8: 3}[int(z)] for z in frames.numbers]
    np.savez(path, numbers=types, positions=frames.positions, forces=frames.forces, energies=frames.energies)
    code, _, err = run("check", str(path))
    assert code == 2
    assert "types without elements" in err
    code, out, _ = run("check", str(path), "--elements", "C,H,O")
    assert code == 0
    assert "30 frames of C2H6O" in out
    assert "60 of the 90 frames are copies of others and are left out" in out
