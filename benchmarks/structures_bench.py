"""Reading a large extended XYZ lazily, held against ``ase.io.read`` of the same file in the same run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .harness import Measurement, Registry

#: Structures, atoms of each, and how many are taken.
_COUNT, _ATOMS, _TAKEN = 10_000, 100, 500


def write_file(path: Path, count: int = _COUNT, atoms: int = _ATOMS, kinds: int = 3) -> None:
    """Write rattled boxes of oxygen and silicon with energies, random forces and stress, as ASE does, of three compositions."""
    rng = np.random.default_rng(0)
    side = round(atoms ** (1 / 3) + 0.5)
    grid = np.array(np.meshgrid(*[np.arange(side)] * 3, indexing="ij")).reshape(3, -1).T[:atoms] * 2.2
    with path.open("w", encoding="utf-8") as stream:
        for k in range(count):
            symbols = np.where(np.arange(atoms) % (2 + k % kinds), "O ", "Si")
            x = grid + 0.1 * rng.standard_normal((atoms, 3))
            f = rng.standard_normal((atoms, 3))
            f -= f.mean(axis=0)
            length = 2.2 * side
            stream.write(
                f'{atoms}\nLattice="{length} 0.0 0.0 0.0 {length} 0.0 0.0 0.0 {length}" '
                f"Properties=species:S:1:pos:R:3:forces:R:3 energy={-4.0 * atoms + rng.standard_normal():.8f} "
                'stress="1 0 0 0 1 0 0 0 1" pbc="T T T"\n'
            )
            stream.writelines(
                f"{s}       {row[0]:.8f}       {row[1]:.8f}       {row[2]:.8f}       {row[3]:.8f}       {row[4]:.8f}       "
                f"{row[5]:.8f}\n"
                for s, row in zip(symbols, np.hstack([x, f]), strict=True)
            )


def peak_mb() -> float:
    """Highest resident memory of this process (MB); what ``getrusage`` says of a child includes its parent's before exec."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(what: str, path: Path) -> None:
    """Read a file in this process, and print seconds and the growth of its resident memory (MB)."""
    import ase.io

    from spectral_ceilings.diagnostic.frames.reading_structures import read_structures

    # both have their modules loaded before the clock starts
    small = path.with_name("small.xyz")
    if what == "ase":
        ase.io.read(small, index=":")
    else:
        structures = read_structures(small)
        structures.take([0])
    before = peak_mb()
    start = time.perf_counter()
    if what == "ase":
        images = ase.io.read(path, index=":")
        chosen = [images[k] for k in np.linspace(0, len(images) - 1, _TAKEN).astype(int)]
        assert len(chosen) == _TAKEN
    else:
        structures = read_structures(path)
        if what == "take":
            start = time.perf_counter()
        taken = structures.take(np.linspace(0, len(structures) - 1, _TAKEN).astype(int))
        assert sum(len(part.indices) for part in taken) == _TAKEN
    seconds = time.perf_counter() - start
    print(seconds, peak_mb() - before)


def _run(what: str, path: Path) -> tuple[float, float]:
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.structures_bench", what, str(path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds, memory = made.stdout.split()[-2:]
    return float(seconds), float(memory)


def lazy_reading() -> Iterator[Measurement]:
    """Index, check and take 500 of 10,000 structures of 100 atoms; ASE reads all of them to give the same 500."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.xyz"
        write_file(path)
        write_file(path.with_name("small.xyz"), 3)
        size = f"{_COUNT} structures of {_ATOMS} atoms, {path.stat().st_size / 1e6:.0f} MB"
        peer, peer_memory = _run("ase", path)
        ours, memory = _run("all", path)
        yield Measurement(
            "structures-open-and-take-500",
            f"{size}; ase grows by {peer_memory:.0f} MB",
            1,
            ours,
            "ase.io.read",
            peer,
            peer / ours,
            memory,
        )
        taken, memory = _run("take", path)
        yield Measurement("structures-take-500", size, 1, taken, "ase.io.read", peer, peer / taken, memory)


BENCHMARKS: Registry = {"structures": lazy_reading}

if __name__ == "__main__":
    measure(sys.argv[1], Path(sys.argv[2]))
