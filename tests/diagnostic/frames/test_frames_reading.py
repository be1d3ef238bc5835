"""Reading: every layout gives the same frames, every bad file gives one sentence."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import units as ase_units
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import EMBEDDED, embedded_path, read_frames
from spectral_ceilings.theory.errors import InputError

KCAL = ase_units.kcal / ase_units.mol


@pytest.fixture(scope="module")
def aspirin() -> Frames:
    return read_frames(EMBEDDED).select(range(60))


def rmd17_arrays(frames: Frames) -> dict[str, np.ndarray]:
    assert frames.energies is not None
    return {
        "nuclear_charges": frames.numbers.astype(np.uint8),
        "coords": frames.positions,
        "forces": frames.forces / KCAL,
        "energies": frames.energies / KCAL,
    }


def sgdml_arrays(frames: Frames) -> dict[str, np.ndarray]:
    own = rmd17_arrays(frames)
    return {
        "z": own["nuclear_charges"],
        "R": own["coords"],
        "F": own["forces"],
        "E": own["energies"][:, None],
    }


def own_arrays(frames: Frames) -> dict[str, np.ndarray]:
    assert frames.energies is not None
    return {
        "numbers": frames.numbers,
        "positions": frames.positions,
        "forces": frames.forces,
        "energies": frames.energies,
    }


def save(path: Path, arrays: dict[str, Any]) -> Path:
    np.savez(path, **arrays)
    return path


def assert_same(found: Frames, expected: Frames) -> None:
    """Equal up to the two roundings of dividing and multiplying by a unit: 2 eps relative."""
    np.testing.assert_array_equal(found.numbers, expected.numbers)
    np.testing.assert_allclose(found.positions, expected.positions, rtol=4.5e-16, atol=0)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=4.5e-16, atol=0)
    assert found.energies is not None
    assert expected.energies is not None
    np.testing.assert_allclose(found.energies, expected.energies, rtol=4.5e-16, atol=0)


# ----------------------------------------------------------------------------------------------- layouts


def test_the_embedded_default_is_read_by_name() -> None:
    frames = read_frames(EMBEDDED)
    assert frames.formula == "C9H8O4"
    assert frames.source == EMBEDDED
    assert frames.sha256 == hashlib.sha256(embedded_path().read_bytes()).hexdigest()
    assert frames.units.startswith("eV and Å")


def test_our_own_layout(tmp_path: Path, aspirin: Frames) -> None:
    found = read_frames(save(tmp_path / "own.npz", own_arrays(aspirin)))
    np.testing.assert_array_equal(found.forces, aspirin.forces)
    np.testing.assert_array_equal(found.positions, aspirin.positions)
    assert found.source == "own.npz"


def test_energies_may_be_absent(tmp_path: Path, aspirin: Frames) -> None:
    arrays = own_arrays(aspirin)
    del arrays["energies"]
    assert read_frames(save(tmp_path / "own.npz", arrays)).energies is None


def test_the_rmd17_layout_is_in_kcal_per_mol(tmp_path: Path, aspirin: Frames) -> None:
    extra = {"old_indices": np.arange(60), "old_forces": aspirin.forces}
    found = read_frames(save(tmp_path / "rmd17.npz", rmd17_arrays(aspirin) | extra))
    assert_same(found, aspirin)
    assert found.units == "kcal/mol and Å, as in every file of rMD17"


@pytest.mark.parametrize(
    "kind", [np.array, lambda word: np.array(word.encode()), lambda word: np.array([word])]
)
def test_an_sgdml_file_may_say_its_units(tmp_path: Path, aspirin: Frames, kind: Any) -> None:
    words = {"r_unit": kind("Ang"), "e_unit": kind("kcal/mol"), "type": np.array("d"), "name": np.array("x")}
    found = read_frames(save(tmp_path / "sgdml.npz", sgdml_arrays(aspirin) | words))
    assert_same(found, aspirin)
    assert found.units == "kcal/mol and Å, as the file says"


@pytest.mark.parametrize(("factor", "unit"), [(1.0, "kcal/mol"), (KCAL, "eV")])
def test_units_of_an_sgdml_file_are_recognised(
    tmp_path: Path, aspirin: Frames, factor: float, unit: str
) -> None:
    arrays = sgdml_arrays(aspirin)
    arrays |= {"F": arrays["F"] * factor, "E": arrays["E"] * factor}
    found = read_frames(save(tmp_path / "sgdml.npz", arrays))
    # three roundings: to kcal/mol, by the factor, and back
    np.testing.assert_allclose(found.forces, aspirin.forces, rtol=7e-16, atol=0)
    assert found.units.startswith(f"{unit} and Å, recognised by the stiffness")


def test_units_that_cannot_be_recognised_must_be_declared(tmp_path: Path, aspirin: Frames) -> None:
    path = save(tmp_path / "one.npz", sgdml_arrays(aspirin.select([0])))
    with pytest.raises(InputError, match="declare them"):
        read_frames(path)
    assert_same(read_frames(path, units="kcal/mol"), aspirin.select([0]))


def test_atomic_units_are_converted(tmp_path: Path, aspirin: Frames) -> None:
    force = ase_units.Hartree / ase_units.Bohr
    arrays = own_arrays(aspirin)
    arrays |= {
        "positions": aspirin.positions / ase_units.Bohr,
        "forces": aspirin.forces / force,
        "energies": arrays["energies"] / ase_units.Hartree,
    }
    found = read_frames(save(tmp_path / "au.npz", arrays), units="hartree,bohr")
    assert found.units == "hartree and bohr, declared"
    # forces carry one rounding more, of Hartree / Bohr on either side
    np.testing.assert_allclose(found.forces, aspirin.forces, rtol=9e-16, atol=0)
    np.testing.assert_allclose(found.positions, aspirin.positions, rtol=4.5e-16, atol=0)


@pytest.mark.parametrize("name", ["frames.extxyz", "frames.xyz", "frames.traj", "frames.json"])
def test_whatever_ase_writes_is_read(tmp_path: Path, aspirin: Frames, name: str) -> None:
    few = aspirin.select(range(5))
    ase.io.write(tmp_path / name, few.to_ase())
    found = read_frames(tmp_path / name)
    # extended XYZ prints eight decimals; the others are exact
    atol = 0.51e-8 if name.endswith("xyz") else 0.0
    np.testing.assert_allclose(found.positions, few.positions, rtol=0, atol=atol)
    np.testing.assert_allclose(found.forces, few.forces, rtol=0, atol=atol)
    assert found.energies is not None
    np.testing.assert_allclose(found.energies, few.energies, rtol=1e-12, atol=atol)
    assert found.units == "eV and Å, as ASE has them"


def test_the_same_composition_may_be_given_for_every_frame(tmp_path: Path, aspirin: Frames) -> None:
    arrays = own_arrays(aspirin) | {"numbers": np.tile(aspirin.numbers, (60, 1)).astype(float)}
    np.testing.assert_array_equal(read_frames(save(tmp_path / "n.npz", arrays)).numbers, aspirin.numbers)


# ---------------------------------------------------------------------------------------------- bad input


def bad_arrays(frames: Frames) -> dict[str, tuple[dict[str, Any], str]]:
    own = own_arrays(frames)
    nan_force = frames.forces.copy()
    nan_force[7, 3, 1] = np.nan
    infinite = frames.positions.copy()
    infinite[2, 0, 0] = np.inf
    nan_energy = own["energies"].copy()
    nan_energy[5] = np.nan
    duplicate = frames.positions.copy()
    duplicate[4, 6] = duplicate[4, 2]
    overlap = frames.positions.copy()
    overlap[4, 6] = overlap[4, 2] + [0.3, 0, 0]
    mixed = np.tile(frames.numbers, (60, 1))
    mixed[9, 0] = 7
    return {
        "NaN force": (own | {"forces": nan_force}, "forces are not finite, the first in frame 7, atom 3"),
        "infinite position": (own | {"positions": infinite}, "positions are not finite, the first in frame 2"),
        "NaN energy": (own | {"energies": nan_energy}, "energies are not finite, the first in frame 5"),
        "duplicate atom": (
            own | {"positions": duplicate},
            r"atoms 2 \(O\) and 6 \(C\) of frame 4 lie on the same point",
        ),
        "overlap": (own | {"positions": overlap}, "of frame 4 overlap, 0.300 Å apart"),
        "wrong shape": (own | {"positions": frames.positions.transpose(1, 0, 2)}, "positions have shape"),
        "too few forces": (own | {"forces": frames.forces[:-1]}, r"forces have shape \(59, 21, 3\)"),
        "scalar positions": (own | {"positions": np.float64(1.0)}, "positions have shape"),
        "no frames": ({k: v if k == "numbers" else v[:0] for k, v in own.items()}, "holds no frames"),
        "strings": (own | {"forces": np.array(["a", "b"])}, "'forces' holds <U1 values"),
        "complex": (own | {"forces": frames.forces + 0j}, "'forces' holds complex128 values"),
        "broken numbers": (own | {"numbers": frames.numbers + 0.5}, "no whole numbers"),
        "unknown element": (own | {"numbers": frames.numbers + 200}, "206 is no atomic number"),
        "mixed compositions": (own | {"numbers": mixed}, "frame 9 has other atoms than frame 0"),
        "zero forces": (own | {"forces": 0 * frames.forces}, "all its forces are zero"),
        "gradients": (own | {"forces": -frames.forces}, "the sign is that of gradients"),
        "energies in kcal/mol": (own | {"energies": own["energies"] / KCAL}, "so declare units='kcal/mol', force_units='eV/Å'"),
        "unknown keys": ({"X": frames.positions, "y": frames.forces}, "it has the keys X, y: expected those of"),
        "no forces": ({k: v for k, v in own.items() if k != "forces"}, "it has the keys energies, numbers"),
        "single atom": ({k: v[:1] if k == "numbers" else v[:, :1] for k, v in own.items() if k != "energies"}, "single atom"),
        "unknown unit": (sgdml_arrays(frames) | {"e_unit": np.array("stone")}, "units are 'stone,Å'"),
    }  # fmt: skip


@pytest.mark.parametrize("case", list(bad_arrays(read_frames(EMBEDDED).select(range(60)))))
def test_a_bad_npz_gets_one_sentence(tmp_path: Path, aspirin: Frames, case: str) -> None:
    arrays, words = bad_arrays(aspirin)[case]
    path = save(tmp_path / "bad.npz", arrays)
    with pytest.raises(InputError, match=words) as caught:
        read_frames(path)
    message = str(caught.value)
    assert message.startswith("bad.npz: ")
    assert message.endswith(".")
    assert "\n" not in message
    assert str(tmp_path) not in message


class Bomb:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (Path.touch, (Path(self.path),))  # type: ignore[return-value]


@pytest.mark.parametrize("where", ["needed key", "bare pickle", "npy"])
def test_pickles_are_never_loaded(tmp_path: Path, aspirin: Frames, where: str) -> None:
    trace = tmp_path / "trace"
    bomb = np.empty(1, dtype=object)
    bomb[0] = Bomb(trace)
    path = tmp_path / "bomb.npz"
    if where == "needed key":
        np.savez(path, **(own_arrays(aspirin) | {"forces": bomb}))
    elif where == "bare pickle":
        path.write_bytes(pickle.dumps(Bomb(trace)))
    else:
        with path.open("wb") as stream:
            np.save(stream, bomb)
    with pytest.raises(InputError, match=r"pickled Python objects|not an npz archive"):
        read_frames(path)
    assert not trace.exists()
    # the bomb works: the test would have seen it
    pickle.loads(pickle.dumps(Bomb(trace)))
    assert trace.exists()


def test_a_bare_array_is_no_archive(tmp_path: Path) -> None:
    with (tmp_path / "a.npz").open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(InputError, match="one bare array"):
        read_frames(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["empty.npz", "empty.xyz", "empty.extxyz"])
def test_an_empty_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=f"{name}: the file is empty"):
        read_frames(tmp_path / name)


def test_a_path_that_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*nowhere.npz"):
        read_frames(tmp_path / "nowhere.npz")
    with pytest.raises(InputError, match="is a folder"):
        read_frames(tmp_path)


def test_units_that_are_not_known_are_told_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"units are 'kcal': expected an energy \(eV, meV, kcal/mol"):
        read_frames(tmp_path / "nowhere.npz", units="kcal")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=40,
)
@given(fraction=st.floats(0, 1, exclude_max=True))
@example(fraction=4.7e-6)  # two or three bytes are left
def test_an_npz_cut_anywhere_is_refused(tmp_path: Path, fraction: float) -> None:
    content = embedded_path().read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(
        InputError, match=r"cut.npz: (the npz is damaged or cut short|the file is empty|it is not)"
    ):
        read_frames(path)


def small_npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **own_arrays(read_frames(EMBEDDED).select(range(3))))
    return buffer.getvalue()


SMALL = small_npz()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=150,
)
@given(at=st.integers(0, len(SMALL) - 1), value=st.integers(0, 255))
def test_a_damaged_byte_is_an_input_error_or_harmless(tmp_path: Path, at: int, value: int) -> None:
    content = bytearray(SMALL)
    content[at] = value
    path = tmp_path / "flip.npz"
    path.write_bytes(content)
    try:
        frames = read_frames(path)
    except InputError:
        return
    assert np.isfinite(frames.forces).all()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)
@given(
    text=st.text(alphabet=st.characters(codec="utf-8"), min_size=1)
    | st.from_regex(r"[0-9]{1,2}\n[^\n]*\n(H [0-9. -]+\n)*")
)
def test_any_text_is_an_input_error_as_extxyz(tmp_path: Path, text: str) -> None:
    path = tmp_path / "text.extxyz"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"^text.extxyz: "):
        read_frames(path)


def test_extxyz_of_several_molecules_is_refused(tmp_path: Path, aspirin: Frames) -> None:
    images = aspirin.select([0, 1]).to_ase()
    # an oxygen and a carbon change places: the same formula, another order
    swapped = images[1][[2, 1, 0, *range(3, 21)]]
    swapped.calc = None
    swapped.arrays["forces"] = aspirin.forces[1][[2, 1, 0, *range(3, 21)]]
    ase.io.write(tmp_path / "mixed.extxyz", [images[0], swapped])
    with pytest.raises(InputError, match=r"frame 1 is .* or orders its atoms otherwise"):
        read_frames(tmp_path / "mixed.extxyz")


def test_extxyz_without_forces_says_what_it_has(tmp_path: Path, aspirin: Frames) -> None:
    images = aspirin.select([0]).to_ase()
    images[0].calc = None
    images[0].arrays["MACE_forces"] = aspirin.forces[0]
    ase.io.write(tmp_path / "none.extxyz", images)
    with pytest.raises(
        InputError, match=r"frame 0 has no forces \(it has MACE_forces.* a model's prediction"
    ):
        read_frames(tmp_path / "none.extxyz")
    named = read_frames(tmp_path / "none.extxyz", forces_key="MACE_forces")
    # eight decimals of the file
    np.testing.assert_allclose(named.forces, aspirin.forces[:1], rtol=0, atol=0.51e-8)


def test_energies_of_some_frames_only_are_refused(tmp_path: Path, aspirin: Frames) -> None:
    images = aspirin.select([0, 1]).to_ase()
    del images[1].calc.results["energy"]
    ase.io.write(tmp_path / "some.extxyz", images)
    with pytest.raises(InputError, match="frame 1 has no energy and others have"):
        read_frames(tmp_path / "some.extxyz")


def test_a_molecule_in_a_box_is_read_with_its_cell(tmp_path: Path, aspirin: Frames) -> None:
    images = aspirin.select(range(30)).to_ase()
    for image in images:
        image.set_cell([20, 20, 20])
        image.pbc = True
    ase.io.write(tmp_path / "cell.extxyz", images)
    frames = read_frames(tmp_path / "cell.extxyz")
    assert frames.pbc == (True, True, True)
    assert frames.cells is not None
    assert (frames.cells == 20 * np.eye(3)).all()
    images[3].pbc = (True, True, False)
    ase.io.write(tmp_path / "cell.extxyz", images)
    with pytest.raises(InputError, match="frame 3 has pbc='T T F' and frame 0 'T T T'"):
        read_frames(tmp_path / "cell.extxyz")
