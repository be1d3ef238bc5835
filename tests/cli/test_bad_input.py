"""Every mistake that people make gets one sentence, exit status 2, and leaves nothing behind."""

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_ceilings.diagnostic.frames.reading import read_frames

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")


def arrays() -> dict[str, Any]:
    frames = read_frames("aspirin-xtb").select(range(100))
    return {
        "numbers": frames.numbers,
        "positions": frames.positions,
        "forces": frames.forces,
        "energies": frames.energies,
    }


def truncated(path: Path) -> None:
    np.savez(path, **arrays())
    path.write_bytes(path.read_bytes()[:5000])


def pickled(path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
            return (pytest.fail, ("a pickle inside the file was executed",))

    np.savez(path, **{**arrays(), "forces": np.array([Attack()], dtype=object)})


def ev_as_kcal(path: Path) -> None:
    """Forces in eV/Å under the names that rMD17 uses for kcal/mol."""
    data = arrays()
    np.savez(
        path,
        nuclear_charges=data["numbers"],
        coords=data["positions"],
        forces=data["forces"],
        energies=data["energies"],
    )


def nan_forces(path: Path) -> None:
    data = arrays()
    data["forces"][3, 2, 1] = np.nan
    np.savez(path, **data)


def unknown_element(path: Path) -> None:
    data = arrays()
    numbers = data["numbers"].copy()
    numbers[2] = 16  # the carbonyl oxygen becomes sulphur
    np.savez(path, **{**data, "numbers": numbers})


def overlapping(path: Path) -> None:
    data = arrays()
    data["positions"][5, 1] = data["positions"][5, 0]
    np.savez(path, **data)


def wrong_shape(path: Path) -> None:
    data = arrays()
    np.savez(path, **{**data, "forces": data["forces"][:, :-1]})


CASES = {
    truncated: ("data.npz", "cut short"),
    pickled: ("data.npz", "pickle"),
    ev_as_kcal: ("data.npz", "eV"),
    nan_forces: ("data.npz", "not finite"),
    unknown_element: ("aspirin-xtb-l2", "does not know the element S"),
    overlapping: ("data.npz", "lie on the same point"),
    wrong_shape: ("data.npz", "shape"),
}


@pytest.mark.parametrize(
    ("command", "make"),
    [("diagnose", make) for make in CASES]
    + [("train", make) for make in CASES if make is not unknown_element],
)
def test_bad_frames(command: str, make: Callable[[Path], None], ceilings, tmp_path: Path) -> None:
    make(tmp_path / "data.npz")
    where, said = CASES[make]
    sentence = ceilings(command, "--data", "data.npz", "--out", "run").sentence()
    assert where in sentence
    assert said in sentence
    assert not (tmp_path / "run").exists()


def test_a_missing_extra_is_named(ceilings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "nequip.utils.global_state", None)
    for command in ("diagnose", "train"):
        sentence = ceilings(command, "--out", f"run-{command}").sentence()
        assert "pip install 'spectral-ceilings[nequip]'" in sentence
        assert not (tmp_path / f"run-{command}").exists()


def test_an_existing_run_directory_is_left_as_it_is(ceilings, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text("precious")
    assert "exists already" in ceilings("diagnose", "--out", "run").sentence()
    assert "not a training run" in ceilings("train", "--out", "run").sentence()
    assert "holds files but no settings.json" in ceilings("diagnose", "--out", "run", "--resume").sentence()
    assert (tmp_path / "run" / "result.json").read_text() == "precious"


def test_pickled_models_are_refused_unread(ceilings, tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(pickle.dumps({"a": 1}))
    sentence = ceilings("diagnose", "--backbone", "model.pth", "--out", "run").sentence()
    assert "can run code when read" in sentence
