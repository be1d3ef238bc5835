"""What a readout may cost: its coefficients against the frames and against the memory, before any long work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...theory.ceiling import Ceiling
from ...theory.errors import InputError
from ..backbones.features import Block
from ..readouts.compute import Compute, available_memory
from ..readouts.equivariant import COEFFICIENTS, channels_for, polynomials
from ..readouts.free import channels_kept, coefficient_count, coefficient_limit
from .settings import HIGHEST_EQUIVARIANT, DiagnoseSettings

#: Square matrices of coefficients that a fit holds at once: Gram matrix, its map, a shifted copy, a factor, a spare.
_MATRICES = 5
#: Targets of a fit, solved at five strengths: the fields, two sets of unrelated ones, the residual.
_STRENGTHS = 6
#: Memory beside the readouts: the program, frames, features and orientations, bytes.
_BESIDE = 1.2e9


def free_limit(
    blocks: Sequence[Block], degree: int, asked: int | None, uses: int, usual: int | None = None
) -> int:
    """Return the largest number of coefficients of a free readout.

    The number asked for, else the usual one (None: the default of the degree), raised where one channel of each irrep needs
    more, and never more than the uses of training frames.

    Raises
    ------
    InputError
        One channel of each irrep has more coefficients than asked for, or than there are uses of training frames.
    """
    fewest = coefficient_count(blocks, degree)
    if asked is not None and fewest > asked:
        channels_kept(blocks, degree, asked)
    if fewest > uses:
        raise InputError(
            f"a free readout of degree {degree} of these features has at least {fewest} coefficients, more than the {uses} "
            "uses of training frames (frames times rotations); give more frames or leave this degree out"
        )
    limit = max(coefficient_limit(degree) if usual is None else usual, fewest) if asked is None else asked
    return max(fewest, min(limit, uses))


def equivariant_limit(blocks: Sequence[Block], degree: int, settings: DiagnoseSettings, frames: int) -> int:
    """Return the largest number of coefficients of an equivariant readout for one l.

    Raises
    ------
    InputError
        One channel of each irrep has more coefficients than asked for, or than ``frames`` training frames have
        components.
    """
    reach = min(settings.l_top, Ceiling(degree, max(block.l for block in blocks)).boundary)
    kinds = tuple((b.l, b.parity, 1) for b in blocks if b.parity == (-1) ** b.l)
    counts = [len(polynomials(kinds, degree, l)) for l in range(reach + 1)]
    for l, count in enumerate(counts):
        if count > frames * (2 * l + 1):
            raise InputError(
                f"an equivariant readout of degree {degree} of these features has at least {count} coefficients at l = {l}, "
                f"more than the {frames * (2 * l + 1)} components of T in {frames} training frames; give at least "
                f"{-(-count // (2 * l + 1))} or leave this degree out"
            )
    if settings.coefficients is not None:
        channels_for(blocks, degree, reach, settings.coefficients)
        return settings.coefficients
    return max(COEFFICIENTS, *counts)


def check_readouts(
    blocks: Sequence[Block],
    settings: DiagnoseSettings,
    frames: int,
    compute: Compute,
    usual: int | None = None,
) -> Compute:
    """Check every readout that is asked for against the frames and the memory.

    Parameters
    ----------
    blocks
        The kinds of features; their values are not looked at.
    frames
        Number of training frames.
    usual
        As for :func:`free_limit`.

    Returns
    -------
    Compute
        ``compute``, with fewer workers where so many readouts at once would not fit into memory.

    Raises
    ------
    InputError
        Too few frames for the coefficients, or too little memory for a single readout: how much it needs and how much
        there is.
    """
    most = 0.0
    which = ""
    free = set(settings.degrees if "free" in settings.readouts else ())
    for degree in sorted(free | ({settings.main_degree} if settings.controls else set())):
        limit = free_limit(blocks, degree, settings.coefficients, frames * settings.rotations, usual)
        count = coefficients_kept(blocks, degree, limit)
        needed = _bytes(count, 1 + 3 * (settings.l_top + 1) ** 2)
        if needed > most:
            most, which = needed, f"a free readout of degree {degree} with {count} coefficients"
    for degree in settings.degrees if "equivariant" in settings.readouts else ():
        if degree > HIGHEST_EQUIVARIANT:
            continue
        limit = equivariant_limit(blocks, degree, settings, frames)
        needed = _bytes(limit, 4) + 8.0 * limit * frames * (2 * min(settings.l_top, 2) + 1)
        if needed > most:
            most, which = needed, f"an equivariant readout of degree {degree} with {limit} coefficients"
    free_bytes = available_memory()
    if free_bytes is None or not most:
        return compute
    if most + _BESIDE > free_bytes:
        raise InputError(
            f"{which} needs about {(most + _BESIDE) / 1e9:.1f} GB of memory and {free_bytes / 1e9:.1f} GB are free; lower "
            "--coefficients or leave this degree out"
        )
    return replace(compute, workers=max(1, min(compute.workers, int((free_bytes - _BESIDE) / most))))


def coefficients_kept(blocks: Sequence[Block], degree: int, limit: int) -> int:
    """Return how many coefficients a free readout has under a limit."""
    keep = channels_kept(blocks, degree, limit)
    return coefficient_count(blocks, degree, keep)


def _bytes(count: int, targets: int) -> float:
    return 8.0 * (_MATRICES * count * count + _STRENGTHS * 2 * count * targets)
