"""HDF5 layouts, CP2K's files and npz with cells: the numbers that were written come back in Å, eV and eV/Å."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.units import Bohr, Hartree, kcal, mol

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.frames.reading_any import read_data
from spectral_ceilings.diagnostic.frames.reading_structures import read_structures
from spectral_ceilings.theory.errors import InputError


@pytest.fixture(scope="module")
def molecules() -> tuple[Frames, Frames]:
    return read_frames("ethanol-xtb").select(range(40)), read_frames("malonaldehyde-xtb").select(range(40))


KEYS = ("numbers", "positions", "forces", "energies")
LAYOUTS: dict[str, tuple[dict[str, str], tuple[float, float, float]]] = {
    "SPICE": (
        dict(zip(KEYS, ("atomic_numbers", "conformations", "dft_total_gradient", "dft_total_energy"), strict=True)),
        (Bohr, -Hartree / Bohr, Hartree),
    ),
    "ANI-1x": (
        {"numbers": "atomic_numbers", "positions": "coordinates", "forces": "wb97x_dz.forces", "energies": "wb97x_dz.energy"},
        (1.0, Hartree, Hartree),
    ),
    "TorchANI": (
        {"numbers": "species", "positions": "coordinates", "forces": "forces", "energies": "energies"},
        (1.0, Hartree, Hartree),
    ),
    "rMD17": (
        {"numbers": "nuclear_charges", "positions": "coords", "forces": "forces", "energies": "energies"},
        (1.0, kcal / mol, kcal / mol),
    ),
}  # fmt: skip


def write_hdf5(path: Path, frames: tuple[Frames, ...], layout: str) -> None:
    h5py = pytest.importorskip("h5py", reason="the extra 'hdf5' is not installed")
    names, (length, force, energy) = LAYOUTS[layout]
    with h5py.File(path, "w") as file:
        for some in frames:
            group = file.create_group(some.formula)
            group[names["numbers"]] = some.numbers
            group[names["positions"]] = some.positions / length
            group[names["forces"]] = some.forces / force
            group[names["energies"]] = some.energies / energy


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hdf5_layouts_come_back_in_electronvolts(
    layout: str, molecules: tuple[Frames, Frames], tmp_path: Path
) -> None:
    write_hdf5(tmp_path / "a.h5", molecules, layout)
    read = read_structures(tmp_path / "a.h5")
    assert layout in read.units
    assert len(read) == 80
    parts = read.take([0, 41, 1, 79])
    for part in parts:
        true = next(some for some in molecules if some.formula == part.frames.formula)
        names = sorted(some.formula for some in molecules)
        rows = part.indices - 40 * names.index(true.formula)
        # a number is divided and multiplied by its unit: a few roundings
        np.testing.assert_allclose(part.frames.positions, true.positions[rows], rtol=1e-15, atol=0)
        np.testing.assert_allclose(part.frames.forces, true.forces[rows], rtol=2e-15, atol=0)
        assert part.frames.energies is not None
        assert true.energies is not None
        np.testing.assert_allclose(part.frames.energies, true.energies[rows], rtol=1e-15, atol=0)
    write_hdf5(tmp_path / "one.hdf5", molecules[:1], layout)
    data = read_data(tmp_path / "one.hdf5")
    assert isinstance(data, Frames)
    assert "stiffness of the bonds" in data.checks["forces"]


def test_what_is_wrong_with_an_hdf5_is_said(molecules: tuple[Frames, Frames], tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="the extra 'hdf5' is not installed")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["mine/x"] = np.zeros(3)
    with pytest.raises(
        InputError, match=r"a.h5: it has the arrays mine/x: expected those of SPICE: atomic_numbers, conf"
    ):
        read_structures(path)
    path.write_bytes(b"no file of this kind")
    with pytest.raises(InputError, match=r"a\.h5: it is damaged or no HDF5 file"):
        read_structures(path)
    write_hdf5(path, molecules, "SPICE")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.h5: it is damaged or no HDF5 file"):
        read_structures(path)
    with h5py.File(path, "w") as file:
        group = file.create_group("g")
        group["atomic_numbers"], group["conformations"] = [1, 8], np.zeros((3, 2, 3))
        group["dft_total_gradient"] = np.zeros((3, 3, 3))
    with pytest.raises(
        InputError, match=r"in /g conformations have shape \(3, 2, 3\) and dft_total_gradient \(3, 3, 3\)"
    ):
        read_structures(path)


def write_cp2k(folder: Path, frames: Frames, *, cell: float | None, steps: int) -> Path:
    lines: dict[str, list[str]] = {"pos": [], "frc": []}
    assert frames.energies is not None
    for k in range(steps):
        head = f" i = {k:8d}, time = {k * 0.5:12.3f}, E = {float(frames.energies[k] / Hartree)!r}"
        for name, values in (("pos", frames.positions[k]), ("frc", frames.forces[k] / Hartree * Bohr)):
            lines[name] += [str(len(frames.numbers)), head]
            lines[name] += [
                f"{symbol} " + " ".join(repr(float(v)) for v in row)
                for symbol, row in zip(frames.symbols, values, strict=True)
            ]
    for name, rows in lines.items():
        (folder / f"run-{name}-1.xyz").write_text("\n".join(rows) + "\n")
    if cell is not None:
        rows = [f"{k} {k * 0.5} {cell} 0 0 0 {cell} 0 0 0 {cell} {cell**3}" for k in range(steps)]
        (folder / "run-1.cell").write_text(
            "# Step Time Ax Ay Az Bx By Bz Cx Cy Cz Volume\n" + "\n".join(rows) + "\n"
        )
    return folder / "run-pos-1.xyz"


@pytest.mark.parametrize("cell", [None, 18.0])
def test_cp2k_writes_forces_and_cells_beside_the_positions(
    cell: float | None, molecules: tuple[Frames, Frames], tmp_path: Path
) -> None:
    path = write_cp2k(tmp_path, molecules[0], cell=cell, steps=30)
    frames = read_data(path)
    assert isinstance(frames, Frames)
    assert frames.units == "hartree, Å and hartree/bohr, as CP2K writes them"
    assert frames.pbc == (cell is not None,) * 3
    np.testing.assert_allclose(frames.forces, molecules[0].forces[:30], rtol=1e-15, atol=0)
    np.testing.assert_array_equal(frames.positions, molecules[0].positions[:30])
    assert frames.energies is not None
    assert molecules[0].energies is not None
    np.testing.assert_allclose(frames.energies, molecules[0].energies[:30], rtol=1e-15, atol=0)
    other = path.with_name("run-frc-1.xyz")
    other.write_text("\n".join(other.read_text().split("\n")[: 11 * 29]) + "\n")
    with pytest.raises(InputError, match=r"it has 30 steps and run-frc-1.xyz 29: expected the same"):
        read_data(path)
    other.unlink()
    with pytest.raises(InputError, match=r"has no forces .* put NAME-frc-1\.xyz beside"):
        read_data(path)


def test_an_npz_may_have_cells(molecules: tuple[Frames, Frames], tmp_path: Path) -> None:
    some = molecules[0]
    arrays: dict[str, Any] = {
        "numbers": some.numbers,
        "positions": some.positions,
        "forces": some.forces,
        "energies": some.energies,
    }
    cell = 20 * np.eye(3) + np.diag([1.0, 2.0], k=1)
    np.savez(
        tmp_path / "a.npz",
        cells=np.tile(cell, (40, 1, 1)),
        pbc=[True, True, False],
        stress=np.ones((40, 6)),
        **arrays,
    )
    for frames in (read_frames(tmp_path / "a.npz"), read_data(tmp_path / "a.npz")):
        assert isinstance(frames, Frames)
        assert frames.pbc == (True, True, False)
        assert frames.cells is not None
        assert (frames.cells == cell).all()
        assert frames.stress is not None
        assert (frames.stress == 1).all()
    np.savez(
        tmp_path / "b.npz",
        z=some.numbers,
        R=some.positions,
        F=some.forces,
        E=some.energies,
        lattice=cell.T,
        e_unit="eV",
    )
    cells = read_frames(tmp_path / "b.npz").cells
    assert cells is not None
    assert (cells == cell).all()
    np.savez(tmp_path / "c.npz", cells=np.ones((40, 2)), **arrays)
    with pytest.raises(InputError, match=r"its cells have shape \(40, 2\): expected \(frames, 3, 3\)"):
        read_frames(tmp_path / "c.npz")
    alone = read_data(tmp_path / "a.npz", select="structure < 30", isolated=True)
    assert isinstance(alone, Frames)
    assert (len(alone), alone.cells) == (30, None)
