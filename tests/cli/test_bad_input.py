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
    assert "exists already" in ceilings("train", "--out", "run").sentence()
    assert "holds files but no settings.json" in ceilings("diagnose", "--out", "run", "--resume").sentence()
    assert (tmp_path / "run" / "result.json").read_text() == "precious"


def test_pickled_models_are_refused_unread(ceilings, tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(pickle.dumps({"a": 1}))
    sentence = ceilings("diagnose", "--backbone", "model.pth", "--out", "run").sentence()
    assert "which can run any code when it is read; add --trust" in sentence


def test_relabelled_or_copied_held_out_frames_are_refused(
    ceilings: Callable[..., Any], tmp_path: Path
) -> None:
    """Ethanol with two hydrogens exchanged, and with frames of --data, held out: one sentence before any work."""

    frames = read_frames("ethanol-xtb")
    order = np.array([0, 1, 2, 8, 4, 5, 6, 7, 3])

    def save(name: str, chosen: slice, order: np.ndarray) -> str:
        part = frames.select(chosen)
        np.savez(
            tmp_path / name, numbers=part.numbers[order], positions=part.positions[:, order],
            forces=part.forces[:, order], energies=part.energies,
        )  # fmt: skip
        return name

    data = save("data.npz", slice(0, 100), np.arange(9))
    for held_out, words in (
        (
            save("exchanged.npz", slice(100, 200), order),
            "the like atoms 3 (H) and 8 (H) have exchanged their places",
        ),
        # the very frames of --data with two labels exchanged: the labels are what to mend first
        (
            save("both.npz", slice(0, 100), order),
            "the like atoms 3 (H) and 8 (H) have exchanged their places",
        ),
        (save("copied.npz", slice(90, 150), np.arange(9)), "10 of the 60 held-out frames"),
    ):
        said = ceilings(
            "train", "--data", data, "--held-out", held_out, "--out", f"run-{held_out}", "--steps", "1"
        ).sentence()
        assert words in said


def test_a_dump_of_types_is_refused_in_an_audit_of_symmetry(
    ceilings: Callable[..., Any], tmp_path: Path
) -> None:
    lines = ["ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", "3", "ITEM: BOX BOUNDS ff ff ff", *["-9 9"] * 3]
    lines += ["ITEM: ATOMS id type x y z", "1 1 0 0 0", "2 2 0.96 0 0", "3 2 0 0.96 0"]
    (tmp_path / "water.lammpstrj").write_text("\n".join(lines) + "\n")
    sentence = ceilings("audit", "ase:emt", "water.lammpstrj", "--out", "run").sentence()
    assert "types 1, 2, which are types without elements" in sentence
    assert "--elements" in sentence
