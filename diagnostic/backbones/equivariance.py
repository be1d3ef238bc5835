r"""How exactly features turn with the frames: rotations, the inversion, translations and lattice vectors, each for itself.

For every irrep of the layer, with h the features and D the real Wigner matrices,

- rotation: :math:`\|h(Rx) - D(R) h(x)\| \,/\, \|h(x)\|`, which decides whether a ceiling means anything;
- inversion: :math:`\|h(-x) - p\, h(x)\| \,/\, \|h(x)\|` with the declared parity p and with the other one. It decides nothing:
  ceilings are statements about SO(3), and 1e and 1o turn alike;
- translation: :math:`\|h(x + t) - h(x)\| \,/\, \|h(x)\|`;
- lattice, where frames are periodic: the same with each atom moved by cell vectors of its own, which leaves the crystal as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.motions import at_positions, by_lattice_vectors, inverted, turned
from .backbone import Backbone
from .conventions import ConventionFit, fitting_convention
from .features import Features, Layer
from .irreps import o3

Array = NDArray[np.float64]
#: Relative error up to which features count as equivariant: a hundred roundings of float32, which models and the tables
#: in them are stored in more often than not.
EQUIVARIANCE_TOLERANCE = 1e-5
#: Beyond this the features do not turn as declared; below, they do so approximately.
APPROXIMATE = 0.3
#: Beyond this, features change with the cell that an atom is written in. Positions two cells away are rounded by a few 1e-6 Å
#: in float32, where a model that ignores the cell loses neighbours altogether.
_LATTICE = 1e-3
#: Norm of a block, relative to all features, below which it is rounding: MACE's 1e of natural parity only, for one.
_EMPTY = 1e-13
#: The same in roundings of the features' number format.
_EMPTY_ROUNDINGS = 500


@dataclass(frozen=True)
class IrrepSymmetry:
    """Errors of one entry of the irreps of a layer.

    Attributes
    ----------
    irreps
        The entry as declared, such as ``8x1o``.
    l, parity
        Its degree and declared parity, +1 or -1.
    share
        Its norm relative to that of all features.
    rotation
        Relative error under proper rotations; None where the entry is zero but for rounding.
    inversion
        Relative error under the inversion with the declared parity; None likewise.
    parities
        Measured parity of every channel: +1, -1, or 0 where the channel has none; the declared one where it is zero.
    """

    irreps: str
    l: int
    parity: int
    share: float
    rotation: float | None
    inversion: float | None
    parities: tuple[int, ...]


@dataclass(frozen=True)
class Equivariance:
    """What was measured of one layer.

    Attributes
    ----------
    layer, irreps
        The layer and its declared irreps.
    entries
        By entry of the irreps.
    translation
        Relative error under a shift of the frame, of the worst entry.
    precision
        Unit roundoff of the features' number format.
    convention
        Where rotations miss by more than the tolerance: the known convention that fits, or None.
    zero
        Whether all features are zero.
    lattice
        Relative error when atoms are moved by cell vectors, of the worst entry; None where no direction is periodic.
    """

    layer: str
    irreps: str
    entries: tuple[IrrepSymmetry, ...]
    translation: float
    precision: float
    convention: ConventionFit | None
    zero: bool
    lattice: float | None = None

    @property
    def rotation(self) -> float:
        """Relative error under proper rotations, of the worst entry."""
        return max((entry.rotation for entry in self.entries if entry.rotation is not None), default=0.0)

    @property
    def inversion(self) -> float:
        """Relative error under the inversion with the declared parities, of the worst entry."""
        return max((entry.inversion for entry in self.entries if entry.inversion is not None), default=0.0)

    @property
    def worst(self) -> IrrepSymmetry:
        """The entry that misses rotations most."""
        return max(self.entries, key=lambda entry: entry.rotation or 0.0)

    @property
    def held(self) -> bool:
        """Whether features turn and stay under shifts to the tolerance."""
        turns = max(self.rotation, self.translation) <= EQUIVARIANCE_TOLERANCE
        return not self.zero and turns and self.knows_the_cell

    @property
    def knows_the_cell(self) -> bool:
        """Whether features stay when atoms are moved by cell vectors; True where no direction is periodic."""
        return self.lattice is None or self.lattice <= _LATTICE

    @property
    def parity(self) -> Literal["declared", "other", "none"]:
        """Whether the inversion acts as declared, with other parities than declared, or is no symmetry of the features."""
        if self.measured_irreps is None:
            return "none"
        natural = all(p == entry.parity for entry in self.entries for p in entry.parities)
        return "declared" if natural else "other"

    @property
    def measured_irreps(self) -> str | None:
        """The irreps with the measured parity of every channel, in the order of the features; None where one has none."""
        parts: list[tuple[int, tuple[int, int]]] = []
        for entry in self.entries:
            for p in entry.parities:
                if p == 0:
                    return None
                if parts and parts[-1][1] == (entry.l, p):
                    parts[-1] = (parts[-1][0] + 1, (entry.l, p))
                else:
                    parts.append((1, (entry.l, p)))
        return str(o3.Irreps(parts)).replace(" ", "")

    @property
    def parity_words(self) -> str:
        """One sentence on the inversion."""
        if self.parity == "declared":
            how = f"to {self.inversion:.0e}" if self.inversion else "exactly"
            return f"under inversion, layer {self.layer!r} has the declared parities, {how}"
        if self.parity == "other":
            return (
                f"under inversion, layer {self.layer!r} is not {self.irreps} as declared but {self.measured_irreps}: declare "
                "that; no ceiling changes"
            )
        lost = ", ".join(entry.irreps for entry in self.entries if 0 in entry.parities)
        return (
            f"inversion is no symmetry of layer {self.layer!r} ({lost} are neither even nor odd): these are features of SO(3), "
            "and all blocks of one l count together; no ceiling changes"
        )

    @property
    def errors_words(self) -> str:
        """Errors under rotations by entry, as text."""
        return ", ".join(
            f"{entry.irreps} {entry.rotation:.0e}" for entry in self.entries if entry.rotation is not None
        )


def measure_equivariance(
    backbone: Backbone, frames: Frames, layers: Sequence[str], rng: np.random.Generator
) -> dict[str, Equivariance]:
    """Measure layers on frames that are turned, inverted and shifted: four runs of the model for all layers together.

    Cells turn with the frames. Periodic frames take a fifth run, with atoms moved by cell vectors.

    Parameters
    ----------
    backbone
        The model.
    frames
        A few frames; errors are over all their atoms.
    layers
        Names of layers.
    rng
        Draws a Haar-random rotation and a shift (1 Å, normal) for each frame.
    """
    rotations = haar_rotations(len(frames), rng)
    shifts = rng.normal(size=(len(frames), 1, 3))

    def at(moved: Frames) -> dict[str, Features]:
        if len(layers) == 1:
            return {layers[0]: backbone.features(moved, layers[0])}
        return backbone.respond(moved, layers).features

    base, rotated, mirrored = at(frames), at(turned(frames, rotations)), at(inverted(frames))
    shifted = at(at_positions(frames, frames.positions + shifts))
    measured = {
        name: _compared(base[name], rotated[name], mirrored[name], shifted[name], rotations)
        for name in layers
    }
    if not frames.periodic:
        return measured
    elsewhere = at(by_lattice_vectors(frames, rng))
    return {
        name: replace(layer, lattice=_worst_change(base[name], elsewhere[name]))
        for name, layer in measured.items()
    }


def equivariance_error(backbone: Backbone, frames: Frames, layer: str, rng: np.random.Generator) -> float:
    """Return the largest relative error of a layer under proper rotations and translations, over irreps.

    Each frame gets its own Haar-random rotation and a random shift. An irrep that is zero but for rounding (below 1e-13 of
    all features together) counts as zero. :func:`measure_equivariance` gives the parts, and the inversion.
    """
    measured = measure_equivariance(backbone, frames, [layer], rng)[layer]
    return max(measured.rotation, measured.translation)


def check_equivariance(
    backbone: Backbone,
    frames: Frames,
    layers: Sequence[str],
    rng: np.random.Generator,
    *,
    approximate: bool = False,
) -> dict[str, Equivariance]:
    """Return what :func:`measure_equivariance` measures, and refuse what cannot be held against a ceiling.

    Parameters
    ----------
    approximate
        Let through layers that miss equivariance without following another convention: what measures the miss wants them.

    Raises
    ------
    InputError
        A layer is zero, follows another convention than e3nn's, or does not turn as declared; the sentence says which, by how
        much, and what to do.
    """
    measured = measure_equivariance(backbone, frames, layers, rng)
    for layer in measured.values():
        sentence = why_refused(layer, backbone.info.source, backbone.approximation)
        if sentence and not (approximate and not layer.zero and layer.convention is None):
            raise InputError(sentence)
    return measured


def measured_layer(layer: Layer, measured: Equivariance) -> Layer:
    """Return the layer with the parities that were measured; where inversion is no symmetry of it, with those of Y_l.

    Readouts then take every block of the right l, whatever parity was declared.
    """
    if measured.parity == "declared":
        return layer
    irreps = measured.measured_irreps
    return layer.without_parity() if irreps is None else replace(layer, irreps=irreps)


def why_refused(measured: Equivariance, source: str, approximation: str = "") -> str:
    """Return one sentence on why a layer cannot be held against a ceiling; empty where it can.

    ``approximation`` is what the adapter knows of it, :attr:`.backbone.Backbone.approximation`.
    """
    head = f"the features of {source} at layer {measured.layer!r}"
    if measured.zero:
        return (
            f"{head} are all zero on these frames, expected numbers; check the model's weights and its input"
        )
    if measured.held:
        return ""
    if not measured.knows_the_cell:
        return (
            f"{source} ignores the cell: moving atoms by cell vectors changes the features at layer {measured.layer!r} by "
            f"{measured.lattice:.1e} of their size, expected no change; let it use the cells and pbc of the frames"
        )
    if measured.rotation <= EQUIVARIANCE_TOLERANCE:
        return (
            f"{head} change by {measured.translation:.1e} of their size when a frame is shifted, expected at most "
            f"{EQUIVARIANCE_TOLERANCE:.0e}: they depend on where the molecule stands; give the model relative positions"
        )
    miss = f"{head} miss equivariance by {measured.rotation:.1e} relative (proper rotations: {measured.errors_words})"
    if measured.convention is not None:
        left = (
            "exactly"
            if measured.convention.error <= EQUIVARIANCE_TOLERANCE
            else f"to {measured.convention.error:.0e}"
        )
        return f"{miss}; another convention fits {left}: {measured.convention.words}"
    if measured.rotation > APPROXIMATE:
        return (
            f"{miss}, expected at most {EQUIVARIANCE_TOLERANCE:.0e}; {measured.worst.irreps} does not turn as declared, nor in "
            "any convention known here: check the declared irreps and their order"
        )
    if measured.precision > 1e-4:
        return f"{miss}: rounding of a number format of precision {measured.precision:.0e}; run the model in float64 or float32"
    cause = (
        f": {approximation}"
        if approximation
        else ", as a nonlinearity on a grid of the sphere, a coarse number format or a learnt symmetry leaves them"
    )
    return (
        f"{miss}: they are equivariant only approximately, worst at l = {measured.worst.l}{cause}. "
        "A ceiling is a statement about exact equivariance "
        f"(here {EQUIVARIANCE_TOLERANCE:.0e}): `ceilings audit` measures the miss by l, and `ceilings diagnose --turned` "
        "(DiagnoseSettings(turned=True)) runs the network on every turned frame and says what it lets through"
    )


def _compared(
    base: Features, rotated: Features, mirrored: Features, shifted: Features, rotations: Array
) -> Equivariance:
    everything = float(np.linalg.norm(base.values))
    empty = max(_EMPTY, _EMPTY_ROUNDINGS * base.precision) * everything
    expected = base.rotated(rotations)
    parsed = o3.Irreps(base.irreps)
    rotation: list[float | None] = []
    translation = 0.0
    for where in parsed.slices():
        size = float(np.linalg.norm(base.values[..., where]))
        counts = size > empty
        rotation.append(_distance(rotated, expected, where) / size if counts else None)
        translation = max(translation, _distance(shifted, base, where) / size if counts else 0.0)
    worst = max((block_error for block_error in rotation if block_error is not None), default=0.0)
    tolerance = max(EQUIVARIANCE_TOLERANCE, 3.0 * worst) if worst <= APPROXIMATE else EQUIVARIANCE_TOLERANCE
    entries = []
    for (mul, ir), where, error in zip(parsed, parsed.slices(), rotation, strict=True):
        size = float(np.linalg.norm(base.values[..., where]))
        block = base.values[..., where]
        even, odd = mirrored.values[..., where] - block, mirrored.values[..., where] + block
        parities = _parities(block, even, odd, (mul, ir.dim), ir.p, empty, tolerance)
        miss = float(np.linalg.norm(even if ir.p == 1 else odd)) / size if error is not None else None
        share = size / everything if everything else 0.0
        entries.append(IrrepSymmetry(f"{mul}x{ir}", int(ir.l), int(ir.p), share, error, miss, parities))
    convention = None
    if worst > EQUIVARIANCE_TOLERANCE:
        convention = fitting_convention(base.values, rotated.values, rotations, base.irreps)
    return Equivariance(
        base.layer, base.irreps, tuple(entries), translation, base.precision, convention, everything == 0.0
    )


def _worst_change(base: Features, moved: Features) -> float:
    """Return the largest relative change of an entry that is not empty."""
    empty = max(_EMPTY, _EMPTY_ROUNDINGS * base.precision) * float(np.linalg.norm(base.values))
    changes = [
        (_distance(moved, base, where), float(np.linalg.norm(base.values[..., where])))
        for where in o3.Irreps(base.irreps).slices()
    ]
    return max((change / size for change, size in changes if size > empty), default=0.0)


def _distance(features: Features, other: Features, where: slice) -> float:
    return float(np.linalg.norm(features.values[..., where] - other.values[..., where]))


def _parities(
    values: Array,
    even: Array,
    odd: Array,
    shape: tuple[int, int],
    declared: int,
    empty: float,
    tolerance: float,
) -> tuple[int, ...]:
    """Return the parity of every channel of an entry, from h, h(-x) - h(x) and h(-x) + h(x); ``shape`` is (channels, 2l+1)."""
    sizes, to_even, to_odd = (
        np.linalg.norm(array.reshape(-1, *shape), axis=(0, 2)) for array in (values, even, odd)
    )
    allowed = np.maximum(tolerance * sizes, empty)
    measured = np.where(to_even <= allowed, 1, np.where(to_odd <= allowed, -1, 0))
    return tuple(int(p) for p in np.where(sizes <= 10.0 * empty, declared, measured))
