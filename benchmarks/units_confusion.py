"""How often right units are refused and wrong ones pass: python -m benchmarks.units_confusion [FOLDER of rMD17 files].

Random frames of real molecules (GFN2-xTB frames that ship, and PBE frames of rMD17 where a folder is given) are written
in one combination of units and declared as another, for every pair of combinations whose numbers differ. Printed: the
right declarations that were refused, the wrong ones that passed, and how often the suggestion is the truth.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from spectral_ceilings.diagnostic.frames.checks import check_frames
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import embedded_frames, read_frames
from spectral_ceilings.diagnostic.frames.unit_search import suggest
from spectral_ceilings.diagnostic.frames.units import COMBINATIONS, Units
from spectral_ceilings.theory.errors import InputError


def misread(frames: Frames, true: Units, declared: Units) -> Frames:
    """Return frames whose file has ``true`` units, read as ``declared`` ones."""
    energies = frames.energies
    return replace(
        frames,
        positions=frames.positions * (declared.length_factor / true.length_factor),
        forces=frames.forces * (declared.force_factor / true.force_factor),
        energies=None if energies is None else energies * (declared.energy_factor / true.energy_factor),
        read_as=declared,
        units=f"{declared}, declared",
    )


def passes(frames: Frames) -> bool:
    """Whether every check is passed."""
    try:
        check_frames(frames)
    except InputError:
        return False
    return True


def confusion(
    sources: list[str], counts: tuple[int, ...], energies: bool = True, suggestions: bool = False
) -> Counter[tuple[str, int, str]]:
    """Count outcomes by kind, number of frames and, for wrong ones that pass, what was taken for what."""
    tally: Counter[tuple[str, int, str]] = Counter()
    for source in sources:
        whole = read_frames(source)
        for count in counts:
            chosen = np.random.default_rng(count).permutation(len(whole))[:count]
            frames = whole.select(chosen)
            frames = frames if energies else replace(frames, energies=None)
            for true in COMBINATIONS:
                right = misread(frames, true, true)
                tally["right", count, ""] += 1
                tally["right refused", count, ""] += not passes(right)
            # only the factors between two combinations matter, so the truth runs over those of different kind
            for true in COMBINATIONS[:20]:
                for declared in COMBINATIONS[:20]:
                    wrong = misread(frames, true, declared)
                    if (
                        np.allclose(wrong.forces, frames.forces, rtol=1e-6)
                        and true.length == declared.length
                        and (not energies or true.energy == declared.energy)
                    ):
                        continue
                    tally["wrong", count, ""] += 1
                    if passes(wrong):
                        tally["wrong passed", count, f"{true} declared {declared}"] += 1
                    elif suggestions:
                        tally["suggested right", count, ""] += suggest(wrong) == true
    return tally


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    sources = list(embedded_frames())
    if folder is not None:
        sources += [str(path) for path in sorted(folder.glob("*_train_01.npz"))]
    for energies in (True, False):
        tally = confusion(sources, (30, 100, 300), energies, suggestions=energies)
        print(f"{len(sources)} data sets, {'with' if energies else 'without'} energies")
        for count in (30, 100, 300):
            wrong_passed = sum(n for key, n in tally.items() if key[:2] == ("wrong passed", count))
            print(
                f"  {count:4} frames: right refused {tally['right refused', count, '']} of {tally['right', count, '']}, "
                f"wrong passed {wrong_passed} of {tally['wrong', count, '']}"
                + (f", suggestion right {tally['suggested right', count, '']}" if energies else "")
            )
        for key, n in sorted(tally.items(), key=lambda item: -item[1]):
            if key[0] == "wrong passed":
                print(f"       {n} at {key[1]} frames: {key[2]}")


if __name__ == "__main__":
    main()
