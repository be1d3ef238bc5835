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
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...numerics.rotations import SO3Quadrature, haar_rotations, so3_quadrature
from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.features import Block, Features
from ..frames.frames import Frames
from ..frames.motions import at_positions
from ..records.devices import halving, items_at_once, placed, slices
from .random_readouts import RandomReadout
from .rotation_meters import BlockError as BlockError
from .rotation_meters import ErrorMeter, SpectrumMeter, rotated_tensor
from .rotation_meters import ReadoutSpectrum as ReadoutSpectrum
from .rounding import at_rotations

_Read = TypeVar("_Read")
#: Errors of a layer at some rotations, and the largest square norm of each irrep among them.
_Errors = tuple[torch.Tensor, list[torch.Tensor]]
#: Errors by layer, and the values of all readouts.
_Measured = tuple[dict[str, _Errors], torch.Tensor | None]

#: Rotated copies run at a time: two hundred atoms or so, whatever the molecule.
_ATOMS_AT_A_TIME = 240
#: Bytes of an atom's features in a batch on a card: a few layers of some thousand numbers, with copies.
_ATOM_BYTES = 4e5
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


def one_frame(frame: Frames, positions: NDArray[np.float64]) -> Frames:
    """Return frames at other positions ``(n, atoms, 3)``, Å, in the cell of the first; they carry no forces of their own."""
    return at_positions(frame.select([0]), positions)


def turned(
    backbone: Backbone,
    frame: Frames,
    layers: Sequence[str],
    rotations: NDArray[np.float64],
    read: Callable[[slice, dict[str, torch.Tensor]], _Read],
    device: str | torch.device = "cpu",
) -> Iterator[tuple[slice, _Read]]:
    """Yield (rows, ``read(rows, features by layer)``) of a frame turned to each rotation, a batch at a time.

    Where memory runs out, be it in the network or in ``read``, the batch is halved and made again.
    """
    atoms = len(frame.numbers)
    size = max(1, items_at_once(device, _ATOM_BYTES * atoms, _ATOMS_AT_A_TIME // atoms))

    def run(rows: slice) -> _Read:
        answer = backbone.respond(at_rotations(frame, rotations[rows]), layers).features
        return read(rows, {name: placed(features.values, device) for name, features in answer.items()})

    yield from halving(run, slices(len(rotations), size))


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
    device: str | torch.device = "cpu",
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
    device
        Where features are turned, read and projected; the backbone's own, so that a batch goes there once.

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
    still_on = {name: placed(features.values[0], device) for name, features in base.items()}
    irreps = {name: features.irreps for name, features in base.items()}
    spectra = _by_wigner(still_on, irreps, SpectrumMeter("wigner", readouts, quadrature, l_top), checks)
    if not network:
        return RotationAudit({}, spectra, quadrature, l_top)
    meters = {name: ErrorMeter(base[name], quadrature, l_top) for name in layers}
    reader = SpectrumMeter("network", readouts, quadrature, l_top)

    def error(name: str, rows: slice, features: torch.Tensor) -> _Errors:
        missed = features - rotated_tensor(still_on[name], irreps[name], quadrature.rotations[rows])
        return missed, meters[name].largest(missed)

    def measured(rows: slice, features: dict[str, torch.Tensor]) -> _Measured:
        return {name: error(name, rows, features[name]) for name in meters}, reader.read(features)

    def read(_: slice, features: dict[str, torch.Tensor]) -> torch.Tensor | None:
        return reader.read(features)

    for rows, (by_layer, values) in turned(backbone, frame, names, quadrature.rotations, measured, device):
        for name, meter in meters.items():
            meter.add(*by_layer[name])
        reader.add(values)
        if progress:
            progress(rows.stop, len(quadrature))
    for rows, values in turned(backbone, frame, names, checks, read, device) if readouts else ():
        reader.check(checks[rows], values)
    errors = _errors(meters, backbone, still, rng) if meters else {}
    return RotationAudit(errors, spectra + reader.result(), quadrature, l_top)


def _errors(
    meters: dict[str, ErrorMeter], backbone: Backbone, still: Frames, rng: np.random.Generator
) -> dict[str, list[BlockError]]:
    """Return the errors of every layer, with those of the inverted frame and of the frame moved by a random shift."""
    inverted = backbone.respond(one_frame(still, -still.positions), list(meters)).features
    shift = rng.normal(size=3)
    shifted = backbone.respond(one_frame(still, still.positions + shift), list(meters)).features
    return {name: meter.result(inverted[name], shifted[name]) for name, meter in meters.items()}


def _by_wigner(
    still: dict[str, torch.Tensor],
    irreps: dict[str, str],
    reader: SpectrumMeter,
    checks: NDArray[np.float64],
) -> list[ReadoutSpectrum]:
    """Return the spectra of readouts of the features at rest, turned with Wigner matrices."""
    if not reader.readouts:
        return reader.result()
    atoms = np.asarray(reader.atoms, dtype=np.int64)
    some = {name: values[placed(atoms, values.device)] for name, values in still.items()}
    rotations = reader.quadrature.rotations

    def at(rows: NDArray[np.float64]) -> torch.Tensor | None:
        turned_there = {name: rotated_tensor(values, irreps[name], rows) for name, values in some.items()}
        return reader.read(turned_there, reader.atoms)

    for _, values in halving(lambda rows: at(rotations[rows]), slices(len(rotations), _WIGNER_BATCH)):
        reader.add(values)
    reader.check(checks, at(checks))
    return reader.result()


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
