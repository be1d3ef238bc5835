"""Whether the neighbours of a pool stand so symmetrically that low l hold little but displacements.

At a site of an exact symmetry the density of neighbours is zero at the l that the group forbids, and so is every feature of these
l. In a rattled crystal it is what the displacements leave. Its power says so: in units of that of as many neighbours in random
directions it is 1 in disorder, and of the order of l (l + 1) (displacement / distance)^2 where symmetry forbids l.
"""

from __future__ import annotations

import numpy as np

from ...numerics.harmonics import real_harmonics
from ..frames.surroundings import Surroundings
from ..injection.fields import smooth_cutoff
from .result_types import AtomAnalysis

#: Below this part of the power of random directions, l holds little but displacements. Crystals of Si, LiF and Ag with atoms
#: displaced by thermal motion have at most 0.035 at the l that their sites forbid; water, ethanol and aspirin at least 0.33 at
#: l = 1 and 2.
NEARLY_SYMMETRIC = 0.1


def neighbour_power(around: Surroundings, cutoff: float, l_max: int) -> dict[str, float]:
    """Return the power of the neighbour density at l = 1 to ``l_max``, relative to neighbours in random directions.

    ``sum_i sum_s |sum_j f(r_ij) Y_l(r_ij)|^2 / ((2l + 1) sum_ij f(r_ij)^2)`` over the neighbours j of each element s by
    itself, so that species do not cancel; f is the smooth cutoff and Y_l has unit mean square. Empty without neighbours.
    """
    inside = around.distances < cutoff
    weights = smooth_cutoff(around.distances[inside], cutoff)
    random = float(np.sum(weights**2))
    if random == 0.0:
        return {}
    keys = np.stack([around.rows[inside], around.numbers[inside]], axis=1)
    _, group = np.unique(keys, axis=0, return_inverse=True)
    harmonics = real_harmonics(l_max, around.vectors[inside]) * weights[:, None]
    density = np.zeros((int(group.max()) + 1, harmonics.shape[1]))
    np.add.at(density, group.ravel(), harmonics)
    squares = np.sum(density**2, axis=0)
    return {
        str(l): float(np.sum(squares[l * l : (l + 1) ** 2])) / ((2 * l + 1) * random)
        for l in range(1, l_max + 1)
    }


def hidden_degrees(analysis: AtomAnalysis) -> list[int]:
    """Return l = 1 to L where nearly symmetric sites leave all of them little but displacements; else nothing."""
    power = analysis.get("neighbour_power", {})
    hidden = [int(l) for l, value in power.items() if value < NEARLY_SYMMETRIC]
    return hidden if len(hidden) == len(power) else []


def listed_degrees(degrees: list[int]) -> str:
    """Return ``l = 1 and 2``."""
    names = [str(l) for l in degrees]
    return f"l = {' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}"


def nearly_symmetric_words(analysis: AtomAnalysis, hidden: list[int]) -> str:
    """Say what the sites leave to features of these l, and where there is more."""
    power = analysis["neighbour_power"]
    shares = ", ".join(f"{power[str(l)]:.2g}" for l in hidden)
    return (
        f"at nearly symmetric sites the neighbours within {analysis['cutoff_A']:g} Å leave little but their displacements to "
        f"{listed_degrees(hidden)} ({shares} of the power of random directions); larger displacements or sites of lower symmetry "
        "leave more"
    )
