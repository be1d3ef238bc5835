r"""The rotation spectrum of a backbone's features and of readouts of them, by really turning the molecule.

Features up to l = L make every polynomial readout of degree d a function on SO(3) of band dL: g(R) = p(h(Rx)) has
power at l <= dL and none above, whatever the molecule, the depth and the training. Two routes to g:

- ``network``: the network is run on the molecule turned to every rotation of a quadrature;
- ``wigner``: it is run once, and its features are turned with Wigner matrices, h(Rx) = D(R) h(x).

Their difference e(R) = h(Rx) - D(R) h(x) is the equivariance error; its spectrum says at which l the symmetry is
missed. From the mean square E_l at l, with the norm taken over the components of an irrep,

.. math:: \max_k \|e(R_k)\| \;\le\; \sup_R \|e(R)\| \;\le\; \sum_l (2l+1) \sqrt{E_l} + \sup_R \|t(R)\|,

t being what lies above the highest l measured: a maximum over some rotations bounds the supremum from below, the
spectrum bounds it from above.

**Error of a spectrum.** A quadrature exact to degree q gives P_l exactly for functions of band B <= q - l. For others, what
is aliased is measured: with g' the sum of the measured parts at l <= l_top, every l obeys

.. math:: \sum_l \left(\sqrt{\hat P_l} - \sqrt{P_l}\right)^2 \le \int |g - g'|^2 \, dR,

because projecting on one l does not lengthen a function; the right side is estimated without bias at independent random
rotations, and is given with every spectrum.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...numerics.ring_spectrum import RingSpectrum
from ...numerics.rotations import SO3Quadrature, haar_rotations, so3_quadrature
from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.features import Block, Features
from ..frames.frames import Frames
from ..frames.motions import at_positions
from .random_readouts import RandomReadout
from .rounding import at_rotations

#: Rotated copies run at a time: two hundred atoms or so, whatever the molecule.
_ATOMS_AT_A_TIME = 240
#: Independent random rotations that measure the error of a spectrum.
CHECK_ROTATIONS = 40
#: Rotations at a time where features are turned with Wigner matrices.
_WIGNER_BATCH = 256


def rotation_degree(l_top: int, band: int | None = None) -> int:
    """Degree of the quadrature that a spectrum to `l_top` needs.

    For functions of known band B it is B + l_top, which is exact; for others 2 l_top, the least for which the matrix elements
    reported are orthonormal in the quadrature (Bessel's inequality then bounds what is aliased by what lies above l_top).
    The larger of the two is taken when `band` is given.

    Examples
    --------
    >>> rotation_degree(12, band=2), rotation_degree(8, band=10), rotation_degree(6)
    (14, 18, 12)
    """
    if l_top < 0 or (band is not None and band < 0):
        raise InputError(f"l_top is {l_top} and the band {band}: give zero or more")
    return 2 * l_top if band is None else l_top + band


@dataclass(frozen=True)
class BlockError:
    """Equivariance error of one irrep of one layer, over all atoms of a frame.

    Attributes
    ----------
    l, parity, channels
        The irrep.
    size
        Root mean square, over atoms and channels, of the norm of the features over their 2l+1 components.
    by_degree
        ``(l_top+1,)``: mean square error at each l divided by the mean square of the features; their sum is the
        squared relative error, root-mean-square over rotations.
    rms
        That relative error, counting what lies above l_top too.
    largest
        Largest error at a rotation of the quadrature, of any atom and channel, relative to `size`: a lower bound of the
        supremum, as any maximum over some rotations is.
    bound
        Upper bound of the same over all rotations, relative, without what lies above l_top.
    inversion
        Relative error under the inversion, (-1)^l or the opposite by parity, root-mean-square.
    translation
        Relative error under a shift of the molecule, root-mean-square.
    """

    l: int
    parity: int
    channels: int
    size: float
    by_degree: NDArray[np.float64]
    rms: float
    largest: float
    bound: float
    inversion: float
    translation: float


@dataclass(frozen=True)
class ReadoutSpectrum:
    """Rotation spectrum of random readouts of one atom's features, by one route.

    Attributes
    ----------
    layer, atom, readout
        What was read.
    route
        ``network`` or ``wigner``.
    power
        ``(l_top+1,)``: P_l over the mean square, averaged over the readouts drawn.
    error
        Root mean square of what the spectrum leaves of the function at independent random rotations, relative: no
        sqrt(P_l) is off by more (relative to the root of the mean square).
    """

    layer: str
    atom: int
    readout: RandomReadout
    route: str
    power: NDArray[np.float64]
    error: float

    def above(self, ceiling: int) -> float:
        """Power above a degree, relative to the total, of the degrees measured."""
        return float(self.power[ceiling + 1 :].sum())


def one_frame(frame: Frames, positions: NDArray[np.float64]) -> Frames:
    """Return frames at other positions ``(n, atoms, 3)``, Å, in the cell of the first; they carry no forces of their own."""
    return at_positions(frame.select([0]), positions)


def turned(
    backbone: Backbone, frame: Frames, layers: Sequence[str], rotations: NDArray[np.float64]
) -> Iterator[tuple[slice, dict[str, Features]]]:
    """Yield (rows, features by layer) of a frame turned to each rotation, a batch at a time."""
    size = max(1, _ATOMS_AT_A_TIME // len(frame.numbers))
    for start in range(0, len(rotations), size):
        rows = slice(start, min(start + size, len(rotations)))
        yield rows, backbone.respond(at_rotations(frame, rotations[rows]), layers).features


@dataclass(frozen=True)
class RotationAudit:
    """What turning one frame shows: errors of every irrep of every layer, spectra of every readout by both routes."""

    errors: dict[str, list[BlockError]]
    readouts: list[ReadoutSpectrum]
    quadrature: SO3Quadrature
    l_top: int


def rotation_audit(
    backbone: Backbone,
    frame: Frames,
    layers: Sequence[str],
    readouts: Sequence[tuple[str, int, RandomReadout]],
    l_top: int,
    rng: np.random.Generator,
    *,
    network: bool = True,
    degree: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RotationAudit:
    """Measure the rotation spectrum of layers and readouts on one frame.

    Rotations are streamed: what is held is a batch of features and the coefficients of the spectra, whatever the number
    of rotations.

    Parameters
    ----------
    backbone
        The model, in float64.
    frame
        Frames of which the first is turned.
    layers
        Names of the layers whose equivariance error is measured.
    readouts
        (layer, atom, readout): what to read.
    l_top
        Highest degree measured.
    rng
        Draws the rotations and the shift of the checks.
    network
        Whether to run the network on the turned frames; without, readouts are measured by Wigner matrices alone.
    degree
        Degree of the quadrature; None: ``rotation_degree(l_top)``.
    progress
        Called with (rotations done, rotations).

    Raises
    ------
    InputError
        If a readout's layer is unknown, or l_top is out of range.
    """
    quadrature = so3_quadrature(rotation_degree(l_top) if degree is None else degree, "lebedev")
    names = list(dict.fromkeys([*layers, *(layer for layer, _, _ in readouts)]))
    still = one_frame(frame, frame.positions[:1])
    base = backbone.respond(still, names).features
    checks = haar_rotations(CHECK_ROTATIONS, rng)
    spectra = _by_wigner(base, _SpectrumMeter("wigner", readouts, quadrature, l_top), checks)
    if not network:
        return RotationAudit({}, spectra, quadrature, l_top)
    meters = {name: _ErrorMeter(base[name], quadrature, l_top) for name in layers}
    reader = _SpectrumMeter("network", readouts, quadrature, l_top)
    for rows, measured in turned(backbone, frame, names, quadrature.rotations):
        expected = _rotated(base, quadrature.rotations[rows]) if meters else {}
        for name, meter in meters.items():
            meter.add(measured[name], expected[name])
        reader.add(measured)
        if progress:
            progress(rows.stop, len(quadrature))
    for rows, measured in turned(backbone, frame, names, checks) if readouts else ():
        reader.check(checks[rows], measured)
    errors: dict[str, list[BlockError]] = {}
    if meters:
        inverted = backbone.respond(one_frame(frame, -still.positions), layers).features
        shift = rng.normal(size=3)
        shifted = backbone.respond(one_frame(frame, still.positions + shift), layers).features
        errors = {name: meter.result(inverted[name], shifted[name]) for name, meter in meters.items()}
    return RotationAudit(errors, spectra + reader.result(), quadrature, l_top)


def _by_wigner(
    base: dict[str, Features], reader: _SpectrumMeter, checks: NDArray[np.float64]
) -> list[ReadoutSpectrum]:
    """Return the spectra of readouts of the features at rest, turned with Wigner matrices."""
    rotations = reader.quadrature.rotations
    for start in range(0, len(rotations) if reader.readouts else 0, _WIGNER_BATCH):
        reader.add(_rotated(base, rotations[start : start + _WIGNER_BATCH], reader.atoms), reader.atoms)
    if reader.readouts:
        reader.check(checks, _rotated(base, checks, reader.atoms), reader.atoms)
    return reader.result()


def _rotated(
    base: dict[str, Features], rotations: NDArray[np.float64], atoms: Sequence[int] | None = None
) -> dict[str, Features]:
    """Return the features of one frame turned by each rotation, D(R) h(x), of some atoms or of all."""
    same = np.zeros(len(rotations), dtype=np.int64)
    some = slice(None) if atoms is None else atoms
    return {
        name: replace(features, values=features.values[same][:, some]).rotated(rotations)
        for name, features in base.items()
    }


class _SpectrumMeter:
    """Collects the rotation spectrum of readouts by one route, rotation by rotation.

    Attributes
    ----------
    route
        ``network`` or ``wigner``.
    readouts
        (layer, atom, readout).
    atoms
        Atoms that are read.
    """

    def __init__(
        self, route: str, readouts: Sequence[tuple[str, int, RandomReadout]], quadrature: SO3Quadrature, l_top: int
    ) -> None:  # fmt: skip
        self.route, self.readouts, self.quadrature = route, readouts, quadrature
        self.atoms = sorted({atom for _, atom, _ in readouts})
        self._spectrum = RingSpectrum(quadrature, l_top)
        self._left = np.zeros(len(readouts))
        self._checked = 0

    def add(self, features: dict[str, Features], atoms: Sequence[int] | None = None) -> None:
        """Take in the next rotations of the quadrature; ``atoms`` are those that the features hold, None: all."""
        if self.readouts:
            self._spectrum.add(self._read(features, atoms))

    def check(
        self,
        rotations: NDArray[np.float64],
        features: dict[str, Features],
        atoms: Sequence[int] | None = None,
    ) -> None:
        """Hold the spectrum against the function itself at other rotations."""
        difference = self._read(features, atoms) - self._spectrum.interpolate(rotations)
        self._left += (difference**2).mean(axis=2).sum(axis=0)
        self._checked += len(rotations)

    def _read(self, features: dict[str, Features], atoms: Sequence[int] | None) -> NDArray[np.float64]:
        """Return the values of all readouts, ``(rotations, readouts, outputs)``."""
        values = [
            readout(features[layer].values[:, atom if atoms is None else atoms.index(atom)])
            for layer, atom, readout in self.readouts
        ]
        return np.stack(values, axis=1)

    def result(self) -> list[ReadoutSpectrum]:
        """Return the spectrum of every readout."""
        if not self.readouts:
            return []
        power, total = self._spectrum.power(), self._spectrum.total().mean(axis=1)
        return [
            ReadoutSpectrum(
                layer, atom, readout, self.route, power[:, k].mean(axis=1) / total[k],
                error=float(np.sqrt(self._left[k] / self._checked / total[k])),
            )
            for k, (layer, atom, readout) in enumerate(self.readouts)
        ]  # fmt: skip


class _ErrorMeter:
    """Collects h(Rx) - D(R) h(x) of one layer, rotation by rotation."""

    def __init__(self, base: Features, quadrature: SO3Quadrature, l_top: int) -> None:
        self._base = base
        self._spectrum = RingSpectrum(quadrature, l_top)
        self._largest = np.zeros(len(list(base.blocks())))

    def add(self, measured: Features, expected: Features) -> None:
        error = replace(measured, values=measured.values - expected.values)
        self._spectrum.add(error.values)
        for k, block in enumerate(error.blocks()):
            self._largest[k] = max(self._largest[k], float(np.sqrt((block.values**2).sum(axis=3)).max()))

    def result(self, inverted: Features, shifted: Features) -> list[BlockError]:
        # Rows of the spectrum are sorted into irreps by the class that knows the layout.
        power = list(replace(self._base, values=self._spectrum.power()).blocks())
        total = list(replace(self._base, values=self._spectrum.total()[None]).blocks())
        errors = []
        for k, (block, by, whole, turned_over, moved) in enumerate(
            zip(self._base.blocks(), power, total, inverted.blocks(), shifted.blocks(), strict=True)
        ):
            square = float((block.values**2).sum(axis=3).mean())  # of the norm over components
            unit = square if square > 0 else 1.0
            # for each l, the worst atom and channel: its norm bounds its supremum
            norms = np.sqrt(by.values.sum(axis=3))
            weights = 2 * np.arange(len(norms)) + 1
            errors.append(
                BlockError(
                    l=block.l,
                    parity=block.parity,
                    channels=block.channels,
                    size=float(np.sqrt(square)),
                    by_degree=by.values.sum(axis=3).mean(axis=(1, 2)) / unit,
                    rms=float(np.sqrt(whole.values.sum(axis=3).mean() / unit)),
                    largest=float(self._largest[k] / np.sqrt(unit)),
                    bound=float((weights[:, None, None] * norms).sum(axis=0).max() / np.sqrt(unit)),
                    inversion=_relative(turned_over.values - block.parity * block.values, unit),
                    translation=_relative(moved.values - block.values, unit),
                )
            )
        return errors


def _relative(difference: NDArray[np.float64], unit: float) -> float:
    return float(np.sqrt((difference**2).sum(axis=3).mean() / unit))


def feature_shares(features: Features) -> list[tuple[Block, float, float]]:
    """Return (block, share, rms) of every irrep: its part of the power of the features, and its RMS per component.

    Under global rotation the 2l+1 components of an irrep of l are functions of this one l, so that the share of an
    irrep is the rotation spectrum of the features, exactly: no rotation is needed. Averaged over frames and atoms.
    """
    blocks = list(features.blocks())
    power = [float((block.values**2).sum(axis=(2, 3)).mean()) for block in blocks]
    total = sum(power) or 1.0
    return [
        (block, part / total, float(np.sqrt(np.mean(block.values**2))))
        for block, part in zip(blocks, power, strict=True)
    ]


def component_scale(
    features: Features, counted: Collection[tuple[int, int]] | None = None
) -> NDArray[np.float64]:
    """Return the RMS of each irrep at each of its components, ``(dim,)``, over frames and atoms.

    Parameters
    ----------
    counted
        (l, parity) of the irreps that hold more than rounding; None: all. The others get the largest scale of the layer: their
        own would make as much of rounding as of features.
    """
    index = np.arange(features.values.shape[2], dtype=np.float64)[None, None]
    scale = np.ones(features.values.shape[2])
    empty = np.zeros(len(scale), dtype=bool)
    for block, columns in zip(features.blocks(), replace(features, values=index).blocks(), strict=True):
        where = columns.values.astype(np.int64).ravel()
        scale[where] = np.sqrt(np.mean(block.values**2))
        empty[where] = counted is not None and (block.l, block.parity) not in counted
    if empty.any():
        scale[empty] = scale.max()
    return scale
