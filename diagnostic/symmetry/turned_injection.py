r"""The injection diagnostic for models whose features do not turn by Wigner matrices: every use of a frame is really run turned.

A field of one pure l is injected, the components :math:`Y_{lm}` of the direction from an atom to its marked neighbour in the
laboratory, and a free polynomial of bounded degree of that atom's features is fitted to give it back. Equivariant
features up to l = L end at :math:`l = dL` whatever they are. Those of a model without symmetry are arbitrary functions
of the orientation: a polynomial of them has power at every l, so there is no ceiling, and how much comes back is a matter
of how much of each l the training left in them.

The same code serves both kinds: features are reduced to principal components of all their numbers together (a linear map, so a
polynomial of them stays one of the same degree), standardised, and fitted in closed form; validation uses choose the ridge
strength, held-out frames give the R2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.unconstrained_model import UnconstrainedNetwork
from ..frames.frames import Frames
from ..frames.marks import Mark, marked_neighbours
from ..frames.motions import turned
from ..frames.splits import Split
from ..injection.fields import l_slice, signals
from ..readouts.monomials import Monomials
from ..readouts.ridge import ridge_solutions

Array = NDArray[np.float64]
#: Gives the features of frames turned by rotations, one each: ``(uses, atoms, dim)``.
TurnedFeatures = Callable[[Frames, Array], Array]
_BATCH = 25


def features_of_network(network: UnconstrainedNetwork) -> TurnedFeatures:
    """Return the features of a model without symmetry, run on every turned frame."""

    def run(frames: Frames, rotations: Array) -> Array:
        positions = torch.tensor(turned(frames, rotations).positions)
        types = network.types(frames.numbers)
        with torch.no_grad():
            parts = [
                network.features(positions[k : k + _BATCH], types) for k in range(0, len(positions), _BATCH)
            ]
        return torch.cat(parts).numpy()

    return run


def features_of_backbone(backbone: Backbone, layer: str) -> TurnedFeatures:
    """Return the features of a layer; each frame is run once and turned by Wigner matrices, which is exact."""
    known: dict[bytes, Array] = {}

    def run(frames: Frames, rotations: Array) -> Array:
        each = [x.tobytes() for x in frames.positions]
        new = [k for k, key in enumerate(each) if key not in known and key not in each[:k]]
        irreps = backbone.choose_layer(layer).irreps
        if new:
            features = backbone.features(frames.select(new), layer)
            known.update({each[k]: features.values[n] for n, k in enumerate(new)})
        from ..backbones.features import Features

        return Features(np.stack([known[key] for key in each]), irreps, layer).rotated(rotations).values

    return run


@dataclass(frozen=True)
class TurnedRecovery:
    """What a free polynomial in the features recovers of fields of one pure l.

    Attributes
    ----------
    atoms
        Atoms measured.
    r2
        ``(atoms, l_top)``: R2 on held-out frames for l = 1, 2, ...
    degree
        Of the polynomial.
    components
        Principal components kept.
    coefficients
        Of the polynomial.
    uses
        Training uses: frames times rotations.
    """

    atoms: tuple[int, ...]
    r2: Array
    degree: int
    components: int
    coefficients: int
    uses: int

    @property
    def mean(self) -> Array:
        """R2 by l, mean over atoms."""
        return np.asarray(self.r2.mean(axis=0))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {"atoms": list(self.atoms), "r2": self.r2.tolist(), "degree": self.degree, "components": self.components,
                "coefficients": self.coefficients, "uses": self.uses}  # fmt: skip


def turned_recovery(
    frames: Frames,
    split: Split,
    features: TurnedFeatures,
    *,
    degree: int = 2,
    l_top: int = 6,
    components: int = 28,
    times: tuple[int, int, int] = (4, 2, 2),
    atoms: Sequence[int] | None = None,
    seed: int = 0,
) -> TurnedRecovery:
    """Measure R2 by l of a free readout of degree ``degree`` of any features of turned frames.

    Parameters
    ----------
    times
        Uses of each training, validation and held-out frame, each with its own Haar-random rotation.
    components
        Principal components kept of the features of one atom, fitted on training uses.
    atoms
        Atoms that have a marked neighbour; None: all of them.

    Raises
    ------
    InputError
        More coefficients than half of the training uses, or an atom without a marked neighbour.
    """
    basis = Monomials.of(components, degree)
    uses = len(split.training) * times[0]
    if 2 * basis.count > uses:
        raise InputError(
            f"{basis.count} coefficients for {uses} training uses are too many, expected at most half; keep fewer components "
            "or give more rotations"
        )
    marks = {mark.atom: mark for mark in marked_neighbours(frames) if mark.neighbour is not None}
    chosen = sorted(marks) if atoms is None else list(atoms)
    for atom in chosen:
        if atom not in marks:
            raise InputError(f"atom {atom} has no marked neighbour; leave it out")
    rng = np.random.default_rng([seed, 11])
    parts = []
    for indices, count in zip((split.training, split.validation, split.held_out), times, strict=True):
        rotations = haar_rotations(len(indices) * count, rng)
        some = frames.select(np.repeat(indices, count))
        positions = turned(some, rotations).positions
        wanted: list[Mark] = [marks[atom] for atom in chosen]
        targets = signals(len(frames.numbers), positions, l_top, "marked", wanted)[:, :, 1:]
        parts.append((features(some, rotations), targets))
    rows = [
        _recover([(f[:, atom], t[:, k]) for f, t in parts], basis, l_top) for k, atom in enumerate(chosen)
    ]
    return TurnedRecovery(tuple(chosen), np.array(rows), degree, components, basis.count, uses)


def _recover(parts: Sequence[tuple[Array, Array]], basis: Monomials, l_top: int) -> list[float]:
    """Return R2 by l of one atom; ``parts`` are (features, targets) of training, validation and held-out uses."""
    training = parts[0][0]
    centre = training.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(training - centre, rowvar=False))
    keep = vectors[:, ::-1][:, : basis.variables]
    scale = np.sqrt(np.maximum(values[::-1][: basis.variables], 1e-12 * values[-1]))
    designs = [basis.evaluate(torch.tensor(((f - centre) @ keep / scale).T)).T for f, _ in parts]
    middle, spread = designs[0].mean(dim=0), designs[0].std(dim=0)
    middle[0], spread[0] = 0.0, 1.0
    designs = [(x - middle) / torch.where(spread > 1e-9, spread, torch.inf) for x in designs]
    targets = [torch.tensor(t) for _, t in parts]
    solutions = ridge_solutions(designs[0].T @ designs[0], designs[0].T @ targets[0])
    errors = [((targets[1] - designs[1] @ w) ** 2).sum(dim=0) for w in solutions]
    out = []
    for l in range(1, l_top + 1):
        # Targets start at l = 1: the constant was left out.
        columns = slice(l_slice(l).start - 1, l_slice(l).stop - 1)
        best = int(np.argmin([float(error[columns].sum()) for error in errors]))
        left = targets[2][:, columns] - designs[2] @ solutions[best][:, columns]
        out.append(1.0 - float((left**2).sum() / (targets[2][:, columns] ** 2).sum()))
    return out
