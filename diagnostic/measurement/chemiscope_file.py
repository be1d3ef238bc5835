"""A dataset for chemiscope: the measured atoms as points of a map, beside their structures."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..injection.fields import DENSITY_CUTOFF
from .result import Result
from .structure_values import ShownStructure, atom_arrays

_DESCRIPTIONS = {
    "ceiling": "highest l that a readout of this degree can reach",
    "recovered_up_to": "highest l that is recovered, -1: none",
    "reason": "what limits the atom most where it is low at the ceiling",
}


def chemiscope_bytes(result: Result, shown: Sequence[ShownStructure]) -> bytes:
    """Return the dataset that chemiscope's ``write_input`` writes, compressed; the same result gives the same bytes.

    Its environments are the atoms that were measured. Properties: ``r2_l0``, ... (those that all of them have), ``ceiling``,
    ``recovered_up_to``, ``reason`` and ``element``. The map opens with R2 at l = 1 and at the ceiling.
    """
    from chemiscope import write_input

    places = [(s, int(i)) for s, of in enumerate(shown) for i in np.flatnonzero(of.values.measured)]
    arrays = [atom_arrays(of.values) for of in shown]
    properties: dict[str, dict[str, Any]] = {}
    for name in arrays[0]:
        column = [arrays[s][name][i].item() for s, i in places]
        if name == "reason_code" or any(value != value for value in column):
            continue
        said = _DESCRIPTIONS.get(name, f"R2 of the injected force at l = {name.removeprefix('r2_l')}")
        properties[name] = {"target": "atom", "values": column, "description": said}
    elements = [shown[s].atoms.symbols[i] for s, i in places]
    properties["element"] = {"target": "atom", "values": elements, "description": "chemical element"}
    heights = [name for name in properties if name.startswith("r2_l")]
    edge = min(int(result["ceiling"]["boundary"]), len(heights) - 1)
    axes = {"x": heights[min(1, len(heights) - 1)], "y": heights[edge], "color": heights[edge]}
    look = {
        "color": {"property": heights[edge]},
        "unitCell": bool(shown[0].atoms.pbc.any()),
        "environments": {"activated": True, "cutoff": DENSITY_CUTOFF},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chemiscope.json"
        write_input(
            str(path),
            [of.atoms for of in shown],
            metadata={
                "name": f"Recovery on {result['data']['source']}",
                "description": result["verdict"]["sentence"],
            },
            properties=properties,
            environments=[(s, i, DENSITY_CUTOFF) for s, i in places],
            settings={
                "target": "atom",
                "map": {**{axis: {"property": name} for axis, name in axes.items()}, "symbol": "element"},
                "structure": [look],
            },
        )
        return gzip.compress(path.read_bytes(), mtime=0)
