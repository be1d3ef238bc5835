"""Make the water sets that the broken-symmetry models are trained on: one molecule, a pair, boxes of 16 and ices of 16.

python -m benchmarks.water_sets OUT

Energies and forces from GFN1-xTB through tblite; about two minutes on one core. Into OUT go the structures that start
each set (``pair.xyz``, ``ice-K.extxyz``, ``box-K.extxyz``), the sets (by ``ceilings data generate``, with their records) and
``water.extxyz``, which is all of them beside the box that ships with the package.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import make_supercell, molecule
from ase.io import read, write

from spectral_ceilings.diagnostic.frames.neighbours import neighbours
from spectral_ceilings.diagnostic.frames.reading import read_frames

#: Lattice of ice Ih (Å), and its internal parameter for equal bonds.
A, C, U = 4.5, 7.35, 0.375
OH = 0.97


def oxygens(repeat: tuple[int, int, int]) -> Atoms:
    """Return the oxygens of ice Ih (the wurtzite net of one element) in orthorhombic cells of eight."""
    hexagonal = Atoms(
        "O4",
        cell=[[A, 0, 0], [-A / 2, A * np.sqrt(3) / 2, 0], [0, 0, C]],
        scaled_positions=[[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0.5], [1 / 3, 2 / 3, U], [2 / 3, 1 / 3, 0.5 + U]],
        pbc=True,
    )
    cell = make_supercell(hexagonal, [[1, 0, 0], [1, 2, 0], [0, 0, 1]])
    atoms: Atoms = cell.repeat(repeat)
    atoms.wrap()
    return atoms


def ice(repeat: tuple[int, int, int], seed: int) -> Atoms:
    """Return a cell of ice Ih with random protons that obey the ice rules: each oxygen gives two bonds and takes two.

    A random walk over the directions of the bonds: a flip is taken where it does not raise the sum of squares of what each
    oxygen gives beyond two. Cells with a dipole are drawn again.
    """
    rng = np.random.default_rng(seed)
    frame = oxygens(repeat)
    listed = neighbours(frame.positions, 3.0, np.asarray(frame.cell), (True, True, True))
    forward = [
        k
        for k, (i, j, s) in enumerate(zip(listed.first, listed.second, listed.shifts, strict=True))
        if (i, *([0] * 3)) < (j, *s)
        if i != j or tuple(s) > (0, 0, 0)
    ]
    if len(forward) != 2 * len(frame):
        raise ValueError(f"{len(forward)} bonds of {len(frame)} oxygens, expected two each")
    first, second, vectors = (values[forward] for values in (listed.first, listed.second, listed.vectors))
    while True:
        gives = rng.random(len(forward)) < 0.5  # from first to second
        given = np.bincount(np.where(gives, first, second), minlength=len(frame))
        while (given != 2).any():
            k = int(rng.integers(len(forward)))
            giver, taker = (first[k], second[k]) if gives[k] else (second[k], first[k])
            # (g - 1)^2 + (t + 1)^2 <= g^2 + t^2
            if given[taker] + 1 <= given[giver]:
                gives[k] = not gives[k]
                given[giver] -= 1
                given[taker] += 1
        signed = np.where(gives[:, None], vectors, -vectors)
        unit = signed / np.linalg.norm(signed, axis=1, keepdims=True)
        if np.linalg.norm(unit.sum(axis=0)) < 1e-6 * len(unit):
            break
    owner = np.where(gives, first, second)
    positions, symbols = [], []
    for o in range(len(frame)):
        positions += [frame.positions[o], *(frame.positions[o] + OH * unit[owner == o])]
        symbols += ["O", "H", "H"]
    return Atoms(symbols, positions=positions, cell=frame.cell, pbc=True)


def pair() -> Atoms:
    """Return two molecules with a hydrogen bond, O to O 2.9 Å."""
    giver, taker = molecule("H2O"), molecule("H2O")
    giver.rotate(giver.positions[1] - giver.positions[0], [1, 0, 0], center=giver.positions[0])
    giver.positions -= giver.positions[0]
    taker.positions -= taker.positions[0]
    taker.rotate(taker.positions[1] + taker.positions[2], [1, 0, 0])
    taker.positions += [2.9, 0, 0]
    return giver + taker


def generate(out: Path, name: str, *more: str) -> None:
    """Run ``ceilings data generate`` in ``out``."""
    command = ["data", "generate", "--calculator", "tblite:GFN1-xTB", *more, "--out", name]
    print("ceilings", *command, flush=True)
    program = "from spectral_ceilings.cli.app import main; main()"
    subprocess.run([sys.executable, "-c", program, *command], cwd=out, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    shipped = read_frames("water-box-xtb").to_ase()
    write(out / "pair.xyz", pair())
    ices = [f"ice-{k}.extxyz" for k in range(6)]
    for k, name in enumerate(ices):
        write(out / name, ice((2, 1, 1), k))
    boxes = [f"box-{k}.extxyz" for k in range(20)]
    for k, name in enumerate(boxes):
        write(
            out / name,
            Atoms(shipped[5 * k].symbols, shipped[5 * k].positions, cell=shipped[5 * k].cell, pbc=True),
        )
    several = [part for name in ices for part in ("--structure", name)]
    more = [part for name in boxes for part in ("--structure", name)]
    md = ("--kind", "md", "--timestep", "0.5", "--spacing", "20", "--equilibration", "0.5")
    generate(
        out,
        "one.extxyz",
        "--structure",
        "molecule:H2O",
        *md,
        "--temperature",
        "400",
        "--frames",
        "300",
        "--seed",
        "1",
    )
    generate(
        out,
        "hot.extxyz",
        "--structure",
        "molecule:H2O",
        *md,
        "--temperature",
        "900",
        "--frames",
        "100",
        "--seed",
        "2",
    )
    generate(
        out,
        "pair.extxyz",
        "--structure",
        "pair.xyz",
        *md,
        "--temperature",
        "150",
        "--frames",
        "200",
        "--seed",
        "3",
    )
    generate(out, "ice.extxyz", *several, "--kind", "rattle", "--amplitude", "0.03", "--amplitude", "0.06", "--frames", "12",
             "--seed", "4")  # fmt: skip
    generate(out, "box.extxyz", *more, "--kind", "rattle", "--amplitude", "0.03", "--amplitude", "0.06", "--amplitude", "0.1",
             "--frames", "6", "--seed", "5")  # fmt: skip
    every = list(shipped)
    for name in ("one", "hot", "pair", "ice", "box"):
        every += read(out / f"{name}.extxyz", ":")
    write(out / "water.extxyz", every)
    print(len(every), "structures")


if __name__ == "__main__":
    main()
