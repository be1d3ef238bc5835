"""What a check of an adapter says of rotations, the inversion, translations and the cell, from one measurement of each layer."""

from __future__ import annotations

from collections.abc import Sequence

from .check_report import Finding
from .equivariance import EQUIVARIANCE_TOLERANCE, Equivariance, why_refused


def symmetry_findings(
    measured: Sequence[Equivariance], source: str, approximation: str = ""
) -> list[Finding]:
    """Return the findings ``rotation``, ``inversion``, ``translation`` and, of periodic frames, ``cell``.

    Each is of the layer that is worst in it; ``source`` and ``approximation`` are the backbone's.
    """
    turning = max(measured, key=lambda layer_result: layer_result.rotation)
    rotates = turning.rotation <= EQUIVARIANCE_TOLERANCE
    if not rotates:
        said = why_refused(turning, source, approximation)
    else:
        said = f"features turn as declared, to {turning.rotation:.0e} (worst: {turning.worst.irreps} of {turning.layer})"
    shifting = max(measured, key=lambda layer_result: layer_result.translation)
    stays = shifting.translation <= EQUIVARIANCE_TOLERANCE
    shifted = f"a shift changes features by {shifting.translation:.0e}" + (
        "" if stays else f" at layer {shifting.layer!r}: give the model relative positions"
    )
    return [
        Finding("rotation", rotates, said, turning.rotation),
        _inversion(measured),
        Finding("translation", stays, shifted, shifting.translation),
        *_cell(measured, source),
    ]


def _cell(measured: Sequence[Equivariance], source: str) -> list[Finding]:
    """Say whether the model knows the cell; nothing where no direction is periodic."""
    worst = max(measured, key=lambda measured_layer: measured_layer.lattice or 0.0)
    if worst.lattice is None:
        return []
    if not worst.knows_the_cell:
        return [Finding("cell", False, why_refused(worst, source), worst.lattice)]
    sentence = f"moving atoms by cell vectors changes features by {worst.lattice:.0e}"
    return [Finding("cell", True, sentence, worst.lattice)]


def _inversion(measured: Sequence[Equivariance]) -> Finding:
    """Say what inversion does: wrong declared parities are a mistake, features of SO(3) are none."""
    of_kind = {
        kind: [measured_layer for measured_layer in measured if measured_layer.parity == kind]
        for kind in ("none", "other", "declared")
    }
    for kind, held in (("other", False), ("none", None), ("declared", True)):
        if of_kind[kind]:
            worst = max(of_kind[kind], key=lambda measured_layer: measured_layer.inversion)
            return Finding("inversion", held, worst.parity_words, worst.inversion)
    return Finding("inversion", None, "no layer was measured")
