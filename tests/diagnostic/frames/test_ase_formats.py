"""Files of VASP, CP2K, LAMMPS and ASE: read to the digits that each keeps, described by ``data inspect``, refused when bad."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.db import connect
from ase.units import Bohr, GPa, Hartree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structure_files import copper
from typer.testing import CliRunner

from spectral_ceilings.cli.data_inspect import register
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading_any import read_data
from spectral_ceilings.diagnostic.frames.reading_structures import read_structures
from spectral_ceilings.theory.errors import InputError

Write = Callable[[Path, Sequence[Atoms]], Path]
VASP_FILES = Path(ase.__file__).parent / "test" / "testdata" / "vasp"


def rows(values: Any) -> str:
    """Return an array as VASP writes it in XML, with every digit."""
    return "".join(f"<v>{' '.join(repr(float(x)) for x in row)}</v>" for row in np.atleast_2d(values))


def vasprun(folder: Path, images: Sequence[Atoms]) -> Path:
    """Write what of a ``vasprun.xml`` says where atoms are and what pulls at them."""

    def structure(atoms: Atoms, name: str = "") -> str:
        return (
            f'<structure{name}><crystal><varray name="basis">{rows(atoms.cell.array)}</varray></crystal>'
            f'<varray name="positions">{rows(atoms.get_scaled_positions(wrap=False))}</varray></structure>\n'
        )

    def energy(atoms: Atoms) -> str:
        value = repr(float(atoms.get_potential_energy()))
        return f'<energy><i name="e_fr_energy">{value}</i><i name="e_0_energy">{value}</i></energy>\n'

    atoms = "".join(f"<rc><c>{symbol} </c><c>   1</c></rc>" for symbol in images[0].symbols)
    lines = ['<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n']
    lines += [
        '<kpoints><varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights"><v>1</v></varray></kpoints>\n'
    ]
    lines += [f'<atominfo><array name="atoms"><set>{atoms}</set></array></atominfo>\n']
    lines += [structure(images[0], ' name="initialpos"')]
    for image in images:
        # kilobars, and pressure where ASE has stress
        stress = image.get_stress(voigt=False) / (-0.1 * GPa)
        lines += ["<calculation>\n<scstep>", energy(image), "</scstep>\n", structure(image)]
        lines += [f'<varray name="forces">{rows(image.get_forces())}</varray>\n']
        lines += [f'<varray name="stress">{rows(stress)}</varray>\n', energy(image), "</calculation>\n"]
    (folder / "vasprun.xml").write_text("".join([*lines, "</modeling>\n"]))
    return folder / "vasprun.xml"


def outcar(folder: Path, images: Sequence[Atoms]) -> Path:
    """Write the lines of an OUTCAR that say where atoms are and what pulls at them."""
    lines = [
        " vasp.6.3.0 20Jan22 (build) complex",
        " POTCAR:    PAW_PBE Cu 22Jun2005",
        " POTCAR:    PAW_PBE Cu 22Jun2005",
    ]
    lines += [f"   ions per type =              {len(images[0])}", ""]
    for k, image in enumerate(images):
        lines += [f"----- Iteration {k + 1:6d}(   1)  -----"]
        xx, yy, zz, yz, xz, xy = image.get_stress() / (-0.1 * GPa)
        lines += ["  in kB " + " ".join(f"{x:12.5f}" for x in (xx, yy, zz, xy, yz, xz))]
        lines += ["      direct lattice vectors                 reciprocal lattice vectors"]
        lines += [" ".join(f"{x:15.9f}" for x in (*row, 0, 0, 0)) for row in image.cell.array]
        lines += [" POSITION                                       TOTAL-FORCE (eV/Angst)", " " + "-" * 83]
        both = np.concatenate([image.positions, image.get_forces()], axis=1)
        lines += [" ".join(f"{x:13.6f}" for x in row) for row in both]
        value = f"{image.get_potential_energy():16.8f}"
        lines += ["  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)", "  " + "-" * 50]
        lines += [f"  free  energy   TOTEN  = {value} eV", ""]
        lines += [f"  energy  without entropy= {value}  energy(sigma->0) = {value}"]
    lines += [
        " General timing and accounting informations for this job:",
        " Voluntary context switches:            0",
    ]
    (folder / "OUTCAR").write_text("\n".join(lines) + "\n")
    return folder / "OUTCAR"


def cp2k(folder: Path, images: Sequence[Atoms]) -> Path:
    """Write CP2K's files of positions, forces and cells."""
    text: dict[str, list[str]] = {"pos": [], "frc": []}
    for k, image in enumerate(images):
        head = f" i = {k:8d}, time = {k * 0.5:12.3f}, E = {float(image.get_potential_energy() / Hartree)!r}"
        for name, values in (("pos", image.positions), ("frc", image.get_forces() / Hartree * Bohr)):
            text[name] += [str(len(image)), head]
            text[name] += [
                f"{s} {' '.join(repr(float(x)) for x in row)}"
                for s, row in zip(image.symbols, values, strict=True)
            ]
    for name, lines in text.items():
        (folder / f"run-{name}-1.xyz").write_text("\n".join(lines) + "\n")
    cells = [f"{k} {k * 0.5} {' '.join(repr(float(x)) for x in image.cell.array.ravel())} {image.get_volume()}"
             for k, image in enumerate(images)]  # fmt: skip
    (folder / "run-1.cell").write_text(
        "# Step Time Ax Ay Az Bx By Bz Cx Cy Cz Volume\n" + "\n".join(cells) + "\n"
    )
    return folder / "run-pos-1.xyz"


def dump(folder: Path, images: Sequence[Atoms]) -> Path:
    """Write a dump of LAMMPS with elements, in a box whose edges are along x, y and z."""
    lines = []
    for step, image in enumerate(images):
        lines += [
            "ITEM: TIMESTEP",
            str(step),
            "ITEM: NUMBER OF ATOMS",
            str(len(image)),
            "ITEM: BOX BOUNDS pp pp pp",
        ]
        lines += [f"0.0 {float(edge)!r}" for edge in np.diag(image.cell.array)]
        lines += ["ITEM: ATOMS id element x y z fx fy fz"]
        lines += [
            f"{k + 1} {s} {' '.join(repr(float(x)) for x in (*at, *pull))}"
            for k, (s, at, pull) in enumerate(
                zip(image.symbols, image.positions, image.get_forces(), strict=True)
            )
        ]
    (folder / "run.lammpstrj").write_text("\n".join(lines) + "\n")
    return folder / "run.lammpstrj"


def trajectory(folder: Path, images: Sequence[Atoms]) -> Path:
    """Write a trajectory of ASE."""
    ase.io.write(folder / "run.traj", images)
    return folder / "run.traj"


def database(folder: Path, images: Sequence[Atoms]) -> Path:
    """Write a database of ASE."""
    (folder / "run.db").unlink(missing_ok=True)
    with connect(folder / "run.db") as base:
        for image in images:
            base.write(image)
    return folder / "run.db"


def poscar(folder: Path, images: Sequence[Atoms]) -> Path:
    """Write one structure of VASP."""
    ase.io.write(folder / "POSCAR", images[0], format="vasp")
    return folder / "POSCAR"


def xdatcar(folder: Path, images: Sequence[Atoms]) -> Path:
    """Write a trajectory of VASP."""
    ase.io.write(folder / "XDATCAR", images, format="vasp-xdatcar")
    return folder / "XDATCAR"


#: Largest rounding of (positions and cells, energies, forces, stress); None: the format has none.
LABELLED: dict[Write, tuple[float, float | None, float, float | None]] = {
    trajectory: (0.0, 0.0, 0.0, 0.0),
    database: (1e-15, 1e-15, 1e-15, 1e-15),  # JSON keeps sixteen digits
    vasprun: (1e-14, 1e-14, 0.0, 1e-17),  # fractions of a cell, energies by way of a difference
    # six decimals of positions and forces, nine of cells, eight of energies, five of kilobars
    outcar: (0.51e-6, 0.51e-8, 0.51e-6, 0.51e-5 * 0.1 * GPa),
    cp2k: (0.0, 1e-14, 1e-14, None),
    dump: (0.0, None, 0.0, None),
}
UNLABELLED: dict[Write, float] = {poscar: 1e-13, xdatcar: 1e-7}  # XDATCAR: eight digits of a fraction
EVERY = [*LABELLED, *UNLABELLED]


def box(count: int = 6) -> list[Atoms]:
    """Copper in cells of one shape, as trajectories have."""
    return copper(count)


def inspect(path: Path, command: str = "inspect", *more: str) -> tuple[int, dict[str, Any], str]:
    """Run ``data inspect`` or ``data check``: status, the JSON, the sentence."""
    import typer

    application = typer.Typer()
    register(application)
    done = CliRunner().invoke(application, [command, str(path), "--json", *more])
    if isinstance(done.exception, InputError):
        return 2, {}, str(done.exception)
    assert done.exception is None or done.exit_code == 2, done.exception
    return done.exit_code, json.loads(done.stdout) if done.stdout.startswith("{") else {}, done.stderr


@pytest.mark.parametrize("write", LABELLED, ids=lambda write: write.__name__)
def test_labels_come_back_to_the_last_digit_that_the_format_keeps(write: Write, tmp_path: Path) -> None:
    made = box()
    path = write(tmp_path, made)
    of_positions, of_energies, of_forces, of_stress = LABELLED[write]
    frames = read_data(path)
    assert isinstance(frames, Frames)
    assert (frames.formula, frames.pbc) == ("Cu4", (True, True, True))
    assert frames.cells is not None
    for read, expected, atol in (
        (frames.positions, [atoms.positions for atoms in made], of_positions),
        (frames.cells, [atoms.cell.array for atoms in made], of_positions),
        (frames.forces, [atoms.get_forces() for atoms in made], of_forces),
        (frames.energies, [atoms.get_potential_energy() for atoms in made], of_energies),
        (frames.stress, [atoms.get_stress() for atoms in made], of_stress),
    ):
        assert (read is None) == (atol is None)
        if read is not None:
            np.testing.assert_allclose(read, expected, rtol=0, atol=atol)
    code, facts, said = inspect(path)
    assert (code, said) == (0, "")
    assert (facts["formula"], facts["frames"]) == ("Cu4", len(made))
    assert inspect(path, "check")[0] == 0


@pytest.mark.parametrize("write", UNLABELLED, ids=lambda write: write.__name__)
def test_files_without_forces_are_described_and_not_diagnosed(write: Write, tmp_path: Path) -> None:
    made = box(1 if write is poscar else 6)
    path = write(tmp_path, made)
    structures = read_structures(path, everything=True)
    (part,) = structures.take(range(len(structures)))
    expected = [atoms.positions for atoms in made]
    np.testing.assert_allclose(part.frames.positions, expected, rtol=0, atol=UNLABELLED[write] * 4)
    code, facts, _ = inspect(path)
    assert code == 0
    assert facts["structures"] == len(made)
    assert facts["labels"]["forces"]["count"] == 0
    with pytest.raises(InputError, match=rf"^{path.name}: .*has no forces"):
        read_data(path)


def test_an_outcar_of_vasp_itself_is_read() -> None:
    """ASE's own example: its forces add up to zero to the digits that VASP prints."""
    read = read_structures(VASP_FILES / "OUTCAR_example_1")
    (part,) = read.take([0])
    assert len(part.frames.numbers) == 18
    # 18 roundings of 0.5e-6
    np.testing.assert_allclose(part.frames.forces.sum(axis=1), 0.0, rtol=0, atol=18 * 0.5e-6)


#: Formats of which the whole steps before a cut can be told, and those that say that they end early.
STEPS = {vasprun, outcar, dump, xdatcar}
SAYS = {vasprun, outcar}


@pytest.mark.parametrize("write", EVERY, ids=lambda write: write.__name__)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(share=st.floats(0, 0.999))
def test_a_file_that_is_cut_is_one_sentence_or_its_whole_steps(
    write: Write, share: float, tmp_path: Path
) -> None:
    """A run that still goes on may be looked at: its whole steps are read. Nobody can tell a number that lost its last digits."""
    made = box(3)
    path = write(tmp_path, made)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    said = ""
    try:
        read = read_structures(path, everything=True)
    except InputError as error:
        said = str(error)
    if said:
        assert path.name in said
        assert "\n" not in said
        return
    assert write in STEPS | {poscar, cp2k}
    count = len(read)
    if write in SAYS and not any(end in path.read_bytes() for end in (b"</modeling>", b"Voluntary context")):
        assert any("ends before" in note for note in read.notes)
    unbroken = not path.read_bytes().endswith(b"\n")
    if unbroken and write not in SAYS and write is not cp2k:
        assert any("has no line break" in note for note in read.notes)
    whole = count - 1 if unbroken else count
    if whole:
        (part,) = read.take(range(whole))
        expected = [atoms.positions for atoms in made[:whole]]
        np.testing.assert_allclose(part.frames.positions, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("write", EVERY, ids=lambda write: write.__name__)
@pytest.mark.parametrize("share", [0.0, 0.05])
def test_a_file_without_one_whole_step_ends_the_command_with_status_two(
    write: Write, share: float, tmp_path: Path
) -> None:
    path = write(tmp_path, box(6))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for command in ("inspect", "check"):
        code, _, said = inspect(path, command)
        assert code == 2
        assert path.name in said
        assert "\n" not in said.strip()


def test_a_database_that_lost_its_last_page_is_refused(tmp_path: Path) -> None:
    path = database(tmp_path, box())
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(InputError, match=rf"{len(content) - 100:,} bytes of the {len(content):,}"):
        read_structures(path, everything=True)


def test_a_dump_that_lost_its_last_rows_is_refused(tmp_path: Path) -> None:
    path = dump(tmp_path, box())
    path.write_text("\n".join(path.read_text().split("\n")[:-3]) + "\n")
    with pytest.raises(InputError, match="says that it has 4 atoms and 2 follow: the file is cut short"):
        read_structures(path, everything=True)


@pytest.mark.parametrize("write", EVERY, ids=lambda write: write.__name__)
@pytest.mark.parametrize(
    "content", [b"<html><body>404 Not Found</body></html>\n", b"\x00\x01\x02\xff" * 300, b"\n" * 40]
)
def test_a_file_of_something_else_is_one_sentence(write: Write, content: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, box(2))
    path.write_bytes(content)
    for command in ("inspect", "check"):
        code, _, said = inspect(path, command)
        assert code == 2
        assert path.name in said
        assert "\n" not in said.strip()
    with pytest.raises(InputError, match=path.name):
        read_data(path)
