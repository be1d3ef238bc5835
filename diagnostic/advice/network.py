"""What the knobs cost, and the ceilings of a network's layers: exact numbers beside the measured ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from ase import Atoms

from ...theory import knob_costs, layer_ceilings, wiring
from ...theory.errors import InputError
from ..backbones.backbone import ARCHITECTURES, Backbone
from ..backbones.wirings import model_wiring
from ..frames.neighbours import neighbours
from .result_types import KnobCostRow, NetworkFacts
from .settings import Basis

#: The example where no model is given: channels and layers of a NequIP.
EXAMPLE_CHANNELS, EXAMPLE_LAYERS = 32, 3
#: Structures in which neighbours are counted.
_COUNTED = 20


def network_facts(
    backbone: Backbone | None, structures: Sequence[Atoms], basis: Basis, held: dict[str, float]
) -> NetworkFacts:
    """Return costs and ceilings of the model; of a NequIP with 32 channels and 3 layers where its layers are not known.

    Parameters
    ----------
    backbone
        The model, or None.
    structures
        Where neighbours are counted, within the base's cutoff and within that of the knob ``cutoff``.
    basis
        L and the cutoffs.
    held
        For each knob the share of the whole target that it holds.
    """
    near, far = (_neighbours(structures, radius) for radius in (basis.cutoff, basis.farther))
    example = (
        f"a NequIP with l_max {max(1, basis.l_max)}, {EXAMPLE_CHANNELS} channels and {EXAMPLE_LAYERS} layers"
    )
    network = wiring("nequip", l_max=max(1, basis.l_max), channels=EXAMPLE_CHANNELS, layers=EXAMPLE_LAYERS)
    words, ceilings = f"for example {example}", False
    if backbone is not None:
        try:
            network, ceilings = model_wiring(backbone), True
            words = f"this {ARCHITECTURES.get(backbone.info.architecture, backbone.info.architecture)}"
        except (InputError, KeyError, ValueError):
            words = f"the layers of this model are not known to the tables; instead {example}"
    costs: list[KnobCostRow] = []
    for cost in knob_costs(network, near, further=far):
        factor = float(cost.factor)
        costs.append({
            "knob": cost.knob,  # type: ignore[typeddict-item]
            "step": cost.step, "before": cost.before, "after": cost.after, "factor": factor,
            "per_cost": max(0.0, held[cost.knob]) / (factor - 1) if factor > 1 else None,
        })  # fmt: skip
    rows = [asdict(row) for row in layer_ceilings(network)] if ceilings else []
    return {
        "of": words, "neighbours": near, "farther_neighbours": far, "costs": costs,
        "ceilings": rows,  # type: ignore[typeddict-item]
    }  # fmt: skip


def _neighbours(structures: Sequence[Atoms], radius: float) -> int:
    """Return the mean number of neighbours of an atom, rounded, at least 1."""
    few = structures[:: max(1, len(structures) // _COUNTED)]
    pairs = 0
    for atoms in few:
        cell = np.asarray(atoms.cell) if atoms.pbc.any() else None
        table = neighbours(
            atoms.positions, radius, cell, (bool(atoms.pbc[0]), bool(atoms.pbc[1]), bool(atoms.pbc[2]))
        )
        pairs += len(table.first)
    return max(1, round(pairs / sum(len(atoms) for atoms in few)))
