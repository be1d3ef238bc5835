"""Peak memory and time of reading and checking a large file: python -m benchmarks.data_memory [ATOMS] [FRAMES].

Writes frames of a hydrocarbon chain with harmonic bonds, 370 atoms and 500 frames by default, reads and checks them in
a process of its own, and prints the peak of its resident memory and the peak of what Python allocated (MB).
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np


def chain(atoms: int, frames: int, path: Path) -> None:
    """Write an npz of a CH2 zigzag chain whose bonds are springs."""
    units = -(-atoms // 3)
    x0 = np.zeros((units, 3, 3))
    x0[:, 0] = np.stack([1.27 * np.arange(units), 0.87 * (np.arange(units) % 2), np.zeros(units)], axis=1)
    up = np.where(np.arange(units) % 2, 1.0, -1.0)
    for h, side in ((1, 0.89), (2, -0.89)):
        x0[:, h] = x0[:, 0] + np.stack([np.zeros(units), 0.63 * up, np.full(units, side)], axis=1)
    numbers = np.tile([6, 1, 1], units)[:atoms]
    flat = x0.reshape(-1, 3)[:atoms]
    pairs = [(3 * k, 3 * k + h) for k in range(units) for h in (1, 2)] + [
        (3 * k, 3 * k + 3) for k in range(units - 1)
    ]
    i, j = np.array([pair for pair in pairs if max(pair) < atoms]).T
    rest = np.linalg.norm(flat[i] - flat[j], axis=1)
    positions = flat + 0.03 * np.random.default_rng(0).standard_normal((frames, atoms, 3))
    apart = positions[:, i] - positions[:, j]
    length = np.linalg.norm(apart, axis=2)
    stretch = length - rest
    pull = -32.0 * (stretch / length)[:, :, None] * apart
    forces = np.zeros_like(positions)
    for n in range(frames):
        np.add.at(forces[n], i, pull[n])
        np.add.at(forces[n], j, -pull[n])
    energies = 16.0 * (stretch**2).sum(axis=1) - 1000.0
    np.savez(path, numbers=numbers, positions=positions, forces=forces, energies=energies)


def measure(path: Path) -> None:
    """Read and check a file, and print seconds, peak resident and peak allocated MB."""
    from spectral_ceilings.diagnostic.frames.reading import read_frames

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    read_frames(path)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tracemalloc.start()
    read_frames(path)
    allocated = tracemalloc.get_traced_memory()[1] / 1e6
    print(f"{seconds:.2f} s, resident {peak:.0f} MB ({before:.0f} MB before), allocated {allocated:.0f} MB")


def main() -> None:
    """Write the file, then measure in a fresh process."""
    if len(sys.argv) == 3 and sys.argv[1] == "--measure":
        measure(Path(sys.argv[2]))
        return
    atoms, frames = (int(word) for word in (*sys.argv[1:], *("370", "500")[len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.npz"
        chain(atoms, frames, path)
        print(f"{atoms} atoms, {frames} frames: ", end="", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.data_memory", "--measure", str(path)], check=True)


if __name__ == "__main__":
    main()
