"""Why an atom's recovery is low: what its features hold, how well they point at its mark, what they mix it with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...numerics.harmonics import real_harmonics
from ...theory.ceiling import Ceiling
from ..backbones.features import Block
from ..frames.frames import Frames
from ..frames.marks import Mark, bonds
from ..frames.splits import Split
from .near_symmetry import hidden_degrees, nearly_symmetric_words
from .result import LOW, NOTHING_TO_HOLD
from .result_types import (
    AtomAnalysis,
    AtomEntry,
    AtomExplanation,
    Cause,
    CauseShare,
    FeatureRank,
    LikeNeighbourEntry,
    MarkFit,
    RecoveryRow,
)

#: Eigenvalues of the covariance of the channels below this share of the largest do not count for the rank: values in
#: float64 leave 1e-30, values that went through float32 about 1e-14.
RANK_TOLERANCE = 1e-12
#: RMS of an irrep in roundings of the number format, relative to the largest, up to which it is rounding.
_EMPTY_ROUNDINGS = 500
#: Ridge of the linear fits, relative to the mean diagonal of the Gram matrix.
_RIDGE = 1e-8
#: A cause that accounts for less than this share of what is missing is not named.
_NAMED = 0.2


def analyse_atoms(
    frames: Frames,
    split: Split,
    blocks: Sequence[Block],
    marks: Sequence[Mark],
    cutoff: float,
    reference: NDArray[np.float64],
    *,
    precision: float = float(np.finfo(np.float64).eps),
) -> list[AtomAnalysis]:
    """Measure at every atom what decides how much a readout of its features can recover.

    Parameters
    ----------
    frames, split
        The frames of the diagnosis; fits are made on the training frames and judged on the held-out ones.
    blocks
        Features of these frames, by irrep.
    marks
        The atoms, with their marked neighbours.
    cutoff
        Radius (Å) within which the model sees neighbours.
    reference
        The geometry ``(atoms, 3)`` (Å) that the bonds are read off.
    precision
        Unit roundoff of the features' number format: an irrep that is rounding beside the others has rank 0.

    Returns
    -------
    One JSON-ready object for each mark:

    ``neighbours``, ``cutoff_A``
        Mean number of atoms within the cutoff.
    ``feature_rank``
        For each irrep: ``channels``, ``rank`` (eigenvalues of the channels' covariance above 1e-12 of the largest),
        ``effective`` = (sum of eigenvalues)^2 / sum of squares, and ``rms`` of a component.
    ``mark_r2``
        Held-out R2 of the best linear equivariant fit to Y_L of the direction to the mark, L the highest degree of the
        features of natural parity: the factor of which a readout of degree d makes Y_dL. None without a mark.
    ``like_neighbour``
        The fields of ``LikeNeighbourEntry`` (``result_types``), or None where no bonded neighbour has the element of the mark.
    """
    bonded = bonds(frames.numbers, reference)
    natural = [b for b in blocks if b.l > 0 and b.parity == (-1) ** b.l]
    finest = max(natural, key=lambda block: block.l, default=None)
    entries = []
    for mark in marks:
        ranks = feature_ranks(blocks, split.training, mark.atom, precision)
        fit = _mark_fit(frames, split, finest, mark, bonded[mark.atom])
        neighbours = _neighbours(frames, mark.atom, cutoff)
        entries.append(
            AtomAnalysis(
                neighbours=neighbours, cutoff_A=cutoff, feature_rank=ranks, mark_r2=fit["mark_r2"],
                like_neighbour=fit["like_neighbour"],
            )
        )  # fmt: skip
    return entries


def feature_ranks(
    blocks: Sequence[Block], rows: NDArray[np.int64], atom: int, precision: float
) -> dict[str, FeatureRank]:
    """Return what the channels of each irrep hold at an atom in some rows; see :func:`analyse_atoms`."""
    ranks = {f"{b.l}{'e' if b.parity > 0 else 'o'}": _rank(b.values[rows, atom], precision) for b in blocks}
    largest = max(rank["rms"] for rank in ranks.values())
    for rank in ranks.values():
        if rank["rms"] <= _EMPTY_ROUNDINGS * precision * largest:
            rank["rank"], rank["effective"] = 0, 0.0
    return ranks


def atoms_of_result(
    marks: Sequence[Mark],
    analysis: Sequence[AtomAnalysis],
    rows: Sequence[RecoveryRow],
    *,
    injection: str,
    ceiling: Ceiling,
    numbers: Sequence[int],
    scopes: Mapping[int, str] | None = None,
) -> list[AtomEntry]:
    """Return ``atoms`` of ``result.json``: mark, analysis, recovery at the ceiling and the reason where it is low.

    Parameters
    ----------
    marks, analysis
        The atoms and what :func:`analyse_atoms` found at them.
    rows
        The recovery table.
    injection, ceiling
        What leads the report.
    numbers
        Atomic numbers of the molecule.
    scopes
        Where pools of environments stand in the place of atoms, the scope of each.
    """
    heights: dict[str, dict[str, float]] = {"free": {}, "equivariant": {}}
    symmetric: set[str] = set()
    for row in rows:
        leading = (row["injection"], row["direction"], row["degree"]) == (injection, "fixed", ceiling.degree)
        if leading and row["l"] == ceiling.boundary and row["r2"] is not None and row["readout"] in heights:
            if row["verdict"] == NOTHING_TO_HOLD:
                symmetric.add(row["scope"])
            else:
                heights[row["readout"]][row["scope"]] = row["r2"]
    free = bool(heights["free"])
    atoms = []
    for mark, measured in zip(marks, analysis, strict=True):
        scope = f"atom:{mark.atom}" if scopes is None else scopes[mark.atom]
        equivariant = heights["equivariant"].get(scope)
        at_ceiling = heights["free"].get(scope) if free else equivariant
        why = explain(mark, measured, at_ceiling, equivariant, free, ceiling.l_max, numbers)
        if scope in symmetric:
            why["reason"] = f"the symmetry of its site leaves nothing to hold at l = {ceiling.boundary}"
        entry: dict[str, Any] = {
            "index": mark.atom,
            "element": mark.element,
            "marked_neighbour": mark.neighbour,
            "why": mark.why,
            **measured,
            **why,
        }
        if scopes is not None:
            entry["scope"] = scope
        atoms.append(cast(AtomEntry, entry))
    return atoms


def explain(
    mark: Mark,
    analysis: AtomAnalysis,
    at_ceiling: float | None,
    equivariant: float | None,
    free: bool,
    l_max: int,
    numbers: Sequence[int],
) -> AtomExplanation:
    """Say why an atom's recovery is low, from measured quantities.

    What is missing at the ceiling, 1 - R2, is divided: the part that an equivariant readout with all channels gives
    back is lost by the free *readout*; the rest is lost in the features, and there divided as the error of the linear
    fit to the mark is, between the exchange with a *like neighbour* and all else.

    Parameters
    ----------
    mark, analysis
        The atom's mark, and what :func:`analyse_atoms` measured at it.
    at_ceiling
        R2 at l = C of the readout that leads the report; None where it was not measured.
    equivariant
        The same of this atom's own equivariant readout; None where there is none.
    free
        Whether `at_ceiling` is of the free readout.
    l_max
        Highest degree of the features.
    numbers
        Atomic numbers of the molecule, for the names of atoms.

    Returns
    -------
    ``r2_ceiling``, ``low``, ``reason`` (one sentence or None) and ``causes``: ``{cause, share}`` by descending share.
    """
    explanation = AtomExplanation(r2_ceiling=at_ceiling, low=False, reason=None, causes=[])
    if mark.neighbour is None and at_ceiling is None:
        explanation["reason"] = f"no distinguishable neighbour: {mark.why}"
    if at_ceiling is None or at_ceiling >= LOW:
        return explanation
    missing = 1.0 - at_ceiling
    readout = 0.0
    if free and equivariant is not None:
        readout = min(1.0, max(0.0, (equivariant - at_ceiling) / missing))
    like = analysis["like_neighbour"]
    exchange = (1.0 - readout) * (like["share"] if like else 0.0)
    shares: dict[Cause, float] = {
        "readout": readout,
        "like neighbour": exchange,
        "features": 1.0 - readout - exchange,
    }
    causes = [
        (cause, share)
        for cause, share in sorted(shares.items(), key=lambda item: -item[1])
        if share >= _NAMED
    ]
    several = len(causes) > 1
    parts = [
        (f"{100 * share:.0f} % of what is missing: " if several else "")
        + _sentence(cause, mark, analysis, equivariant, l_max, numbers)
        for cause, share in causes
    ]
    explanation["low"] = True
    explanation["causes"] = [CauseShare(cause=cause, share=share) for cause, share in causes]
    explanation["reason"] = "; ".join(parts)
    return explanation


def _sentence(
    cause: Cause,
    mark: Mark,
    analysis: AtomAnalysis,
    equivariant: float | None,
    l_max: int,
    numbers: Sequence[int],
) -> str:
    if cause == "readout":
        assert equivariant is not None
        return (
            "the free readout keeps some combinations of the channels only (the equivariant one, same features: "
            f"R2 = {equivariant:.3f})"
        )
    like = analysis["like_neighbour"]
    if cause == "like neighbour":
        assert like is not None
        assert mark.neighbour is not None
        marked, other = _name(numbers, mark.neighbour), _name(numbers, like["neighbour"])
        return (
            f"{marked} and {other} look nearly alike at this atom (linear fit at l = {l_max}: R2 = {like['r2_sum']:.3f} "
            f"of their sum, {like['r2_difference']:.3f} of their difference)"
        )
    few = _few(analysis)
    if few:
        return few
    hidden = hidden_degrees(analysis)
    if hidden:
        return nearly_symmetric_words(analysis, hidden)
    if analysis["mark_r2"] is None:
        return "the features at this atom"
    finest = analysis["feature_rank"].get(f"{l_max}{'e' if l_max % 2 == 0 else 'o'}")
    spread = "" if finest is None else f", {finest['effective']:.1f} effective channels"
    return f"the l = {l_max} features themselves (linear fit to the mark: R2 = {analysis['mark_r2']:.3f}{spread})"


def _few(atom: AtomAnalysis) -> str | None:
    """Say that there is little to see or to see it with, where that is so."""
    if atom["neighbours"] < 2:
        return f"few neighbours: {atom['neighbours']:.1f} on average within {atom['cutoff_A']:g} Å"
    short = [
        f"{irrep} has rank {entry['rank']} of {entry['channels']}"
        for irrep, entry in atom["feature_rank"].items()
        if entry["rank"] < min(3, entry["channels"]) or (entry["channels"] < 3 and irrep[0] != "0")
    ]
    return f"few independent features: {', '.join(short)}" if short else None


def _name(numbers: Sequence[int], index: int) -> str:
    return f"{chemical_symbols[numbers[index]]}{index}"


def _neighbours(frames: Frames, atom: int, cutoff: float) -> float:
    distances = np.linalg.norm(frames.positions - frames.positions[:, atom : atom + 1], axis=2)
    return float(np.mean(np.sum(distances < cutoff, axis=1) - 1))


def _rank(values: NDArray[np.float64], precision: float) -> FeatureRank:
    """Return channels, rank, effective dimension and RMS of ``(frames, channels, 2l+1)``."""
    frames, channels, width = values.shape
    inside = values - values.mean(axis=0) if width == 1 else values
    covariance = np.einsum("ncm,ndm->cd", inside, inside) / (frames * width)
    eigenvalues = np.maximum(np.linalg.eigvalsh(covariance), 0.0)
    total = float(eigenvalues.sum())
    return FeatureRank(
        channels=channels,
        rank=int(np.sum(eigenvalues > max(RANK_TOLERANCE, (5.0 * precision) ** 2) * eigenvalues.max()))
        if total > 0.0
        else 0,
        effective=total**2 / float(np.sum(eigenvalues**2)) if total > 0.0 else 0.0,
        rms=float(np.sqrt(np.mean(values**2))),
    )


def _mark_fit(
    frames: Frames, split: Split, block: Block | None, mark: Mark, bonded: Sequence[int]
) -> MarkFit:
    if block is None or mark.neighbour is None:
        return MarkFit(mark_r2=None, like_neighbour=None)
    l = block.l
    features = block.values[:, mark.atom]
    numbers = frames.numbers

    def direction(other: int) -> NDArray[np.float64]:
        vectors = frames.positions[:, other] - frames.positions[:, mark.atom]
        return np.asarray(real_harmonics(l, vectors)[:, l * l : (l + 1) ** 2])

    to_mark = direction(mark.neighbour)
    alike = [k for k in bonded if k != mark.neighbour and numbers[k] == numbers[mark.neighbour]]
    targets = [to_mark]
    for k in alike:
        other = direction(k)
        targets += [to_mark + other, to_mark - other]
    missed, power = _linear_errors(features, np.stack(targets), split)
    r2 = 1.0 - missed / power
    like: LikeNeighbourEntry | None = None
    for index, k in enumerate(alike):
        total, difference = missed[1 + 2 * index], missed[2 + 2 * index]
        share = max(0.0, float((difference - total) / (difference + total))) if difference > 0.0 else 0.0
        if like is None or share > like["share"]:
            like = LikeNeighbourEntry(
                neighbour=k,
                r2_difference=float(r2[2 + 2 * index]),
                r2_sum=float(r2[1 + 2 * index]),
                share=share,
            )
    return MarkFit(mark_r2=float(r2[0]), like_neighbour=like)


def _linear_errors(
    features: NDArray[np.float64], targets: NDArray[np.float64], split: Split
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit each target ``(frames, 2l+1)`` by one coefficient for each channel; return held-out (error, power)."""
    scale = np.sqrt(np.mean(features[split.training] ** 2, axis=(0, 2)))
    scaled = features / np.where(scale > 0.0, scale, 1.0)[:, None]
    channels = scaled.shape[1]

    def rows(frames: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x = scaled[frames].transpose(0, 2, 1).reshape(-1, channels)
        return x, targets[:, frames].reshape(len(targets), -1).T

    x, y = rows(split.training)
    gram = x.T @ x
    ridge = _RIDGE * float(np.trace(gram)) / channels
    weights = np.linalg.solve(gram + max(ridge, np.finfo(np.float64).tiny) * np.eye(channels), x.T @ y)
    x, y = rows(split.held_out)
    return np.sum((y - x @ weights) ** 2, axis=0), np.sum(y**2, axis=0)
