"""Statistics of the forces of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from .frames import Frames


def force_statistics(frames: Frames) -> list[dict[str, Any]]:
    """RMS and largest magnitude of the force components (eV/Å), of all atoms and by element.

    Returns
    -------
    list of dict
        Rows ``{"atoms": "all" or a symbol, "count": atoms per frame, "rms": ..., "largest": ...}``;
        elements in the order of their first atom.
    """
    symbols = np.array(frames.symbols)
    groups = {"all": np.ones(len(symbols), dtype=bool)}
    groups |= {symbol: symbols == symbol for symbol in dict.fromkeys(frames.symbols)}
    rows = []
    for name, chosen in groups.items():
        forces = frames.forces[:, chosen]
        rows.append(
            {
                "atoms": name,
                "count": int(chosen.sum()),
                "rms": float(np.sqrt((forces**2).mean())),
                "largest": float(np.abs(forces).max()),
            }
        )
    return rows
