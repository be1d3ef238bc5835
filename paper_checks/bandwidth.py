"""How much angular bandwidth a reference force field has around an atom."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..diagnostic.frames.frames import Frames
from ..numerics.harmonics import real_harmonics
from ..theory.advise import advise
from ..theory.errors import InputError
from .context import Context
from .outcome import Chart, Line, Outcome, Value

#: Highest degree, cutoff (Å), wanted share, smearing (Å) of the figure and of its sensitivity.
TOP, CUTOFF, SHARE, WIDTH, OTHER_WIDTHS = 24, 5.0, 0.95, 0.5, (0.3, 0.8)


def smearing(distances: NDArray[np.float64], width: float, top: int) -> NDArray[np.float64]:
    r"""Return the Legendre factors of a Gaussian seen on the sphere of directions, ``(..., top + 1)``.

    A Gaussian of ``width`` s at distance r, cut by the sphere of radius r, is exp(k (cos t - 1)) with k = (r / s)^2; by
    the plane-wave expansion its coefficient at l is i_l(k) e^-k, the modified spherical Bessel function of the first
    kind, relative to that of degree 0.
    """
    k = (distances / width) ** 2
    # i_l(k) e^-k by downward recurrence (Miller): the upward one loses all digits where l > k.
    # exp(-l^2 / k), the share of what is forgotten at the start, has to be below round-off there.
    start = top + 40 + int(np.ceil(6.5 * np.sqrt(k.max())))
    values = np.zeros((start + 2, *k.shape))
    values[start] = 1e-250
    for l in range(start, 0, -1):
        values[l - 1] = values[l + 1] + (2 * l + 1) / k * values[l]
        values[:, values[l - 1] > 1e250] *= 1e-250
    ratios = values[: top + 1] / values[0]
    return np.asarray(np.moveaxis(ratios, 0, -1))


def local_frames(frames: Frames, atom: int) -> NDArray[np.float64] | None:
    """Return rotations ``(frames, 3, 3)`` into the local frame of an atom, or None where three atoms do not make one.

    First axis to the nearest heavy neighbour (nearest in the mean over frames), second in the plane of the next one.
    """
    distances = np.linalg.norm(frames.positions - frames.positions[:, atom : atom + 1], axis=2).mean(axis=0)
    heavy = [j for j in np.argsort(distances) if j != atom and frames.numbers[j] > 1]
    light = [j for j in np.argsort(distances) if j != atom and frames.numbers[j] == 1]
    order = [int(j) for j in (*heavy, *light)]
    if len(order) < 2:
        return None
    first, second = (frames.positions[:, j] - frames.positions[:, atom] for j in order[:2])
    x = first / np.linalg.norm(first, axis=1, keepdims=True)
    y = second - np.sum(second * x, axis=1, keepdims=True) * x
    length = np.linalg.norm(y, axis=1, keepdims=True)
    if float(length.min()) < 1e-6:
        return None
    y = y / length
    return np.stack([x, y, np.cross(x, y)], axis=1)


def force_bandwidth(frames: Frames, width: float, top: int = TOP) -> NDArray[np.float64]:
    """Return w(l) of every atom with a local frame and a field that varies, ``(atoms, top + 1)``; each row sums to 1.

    The field of an atom is the sum over neighbours within 5 Å of f_cut(r) F_j smeared over ``width`` Å around the neighbour's
    direction; its three components are taken in the local frame. w(l) is the variance over frames of the coefficients
    at l, summed over m and components, as a share of the variance of all l <= top.

    Raises
    ------
    InputError
        No atom has a local frame.
    """
    shares = []
    for atom in range(len(frames.numbers)):
        turns = local_frames(frames, atom)
        if turns is None:
            continue
        others = [j for j in range(len(frames.numbers)) if j != atom]
        vectors = np.einsum(
            "nij,naj->nai", turns, frames.positions[:, others] - frames.positions[:, atom : atom + 1]
        )
        forces = np.einsum("nij,naj->nai", turns, frames.forces[:, others])
        distances = np.linalg.norm(vectors, axis=2)
        fade = np.where(distances < CUTOFF, 0.5 * (1.0 + np.cos(np.pi * distances / CUTOFF)), 0.0)
        near = np.flatnonzero(fade.max(axis=0) > 0.0)
        if len(near) == 0:
            continue
        vectors, forces, distances, fade = (
            vectors[:, near],
            forces[:, near],
            distances[:, near],
            fade[:, near],
        )
        directions = (vectors / distances[..., None]).reshape(-1, 3)
        harmonics = real_harmonics(top, directions).reshape(*distances.shape, -1)
        factors = np.repeat(smearing(distances, width, top), 2 * np.arange(top + 1) + 1, axis=-1)
        coefficients = np.einsum("na,nam,nai->nmi", fade, harmonics * factors, forces, optimize=True)
        variance = coefficients.var(axis=0).sum(axis=1)
        by_degree = np.add.reduceat(variance, np.arange(top + 1) ** 2)
        if by_degree.sum() > 0.0:
            shares.append(by_degree / by_degree.sum())
    if not shares:
        raise InputError(
            f"no atom of {frames.source} has two neighbours that make a local frame; give a molecule of three atoms or more"
        )
    return np.array(shares)


def sufficient_degree(weights: NDArray[np.float64], share: float = SHARE) -> int:
    """Return l*, the smallest l with cumulative weight of at least ``share``."""
    return int(np.argmax(np.cumsum(weights) >= share - 1e-12))


def input_bandwidth(context: Context) -> Outcome:
    """l* for every molecule and for a peptide, at three widths of the smearing."""
    from ..diagnostic.frames.reading import embedded_frames

    systems = [(name, context.source(name)[0]) for name in context.molecules()]
    if "peptide-xtb" in embedded_frames():
        systems.append(("capped alanine", "peptide-xtb"))
    rows: list[dict[str, Any]] = []
    values: list[Value] = []
    lines: list[Line] = []
    shift = 0
    for name, source in systems:
        frames = context.frames(source)
        step = max(1, len(frames) // (60 if context.quick else 200))
        few = frames.select(np.arange(0, len(frames), step))
        stars: dict[float, int] = {}
        for width in (*OTHER_WIDTHS, WIDTH):
            weights = force_bandwidth(few, width)
            each = [sufficient_degree(row) for row in weights]
            stars[width] = int(np.median(each))
            if width == WIDTH:
                mean = weights.mean(axis=0)
                low, high = min(each), max(each)
                choices = advise({l: Fraction(float(w)) for l, w in enumerate(mean)}, share=Fraction(19, 20))
                best = ", ".join(f"({c.degree}, {c.l_max})" for c in choices)
                rows.append(
                    {
                        "system": name,
                        "atoms": len(weights),
                        "l*": stars[width],
                        "least": low,
                        "most": high,
                        "(d, L) that reach 95 %": best,
                    }
                )
                values.append(
                    Value(f"l* of {name}", stars[width], low, high, note="median and range over atoms")
                )
                x = tuple(float(l) for l in range(len(mean)))
                lines.append(Line(name, x, tuple(np.cumsum(mean).tolist()), style="line"))
        rows[-1].update({f"l* at {w} Å": stars[w] for w in OTHER_WIDTHS})
        shift = max(shift, max(stars.values()) - min(stars.values()))
    depends = (
        f"It changes by up to {shift} between smearings of {OTHER_WIDTHS[0]} and {OTHER_WIDTHS[1]} Å: l* depends on the "
        "smearing as much as on the field."
        if shift > 1
        else "It hardly depends on the smearing."
    )
    return Outcome(
        "cannot be checked here",
        "l*, up to which 95 % of the variance of the neighbours' reference forces around an atom lies: "
        + ", ".join(f"{row['system']} {row['l*']}" for row in rows)
        + f" (median atom, {WIDTH} Å). {depends}",
        reason="The paper's number and its definition of the reference field are not known to us.",
        values=values,
        tables={"l* and the choices that reach it": rows},
        charts=(
            Chart(
                "Cumulative share of variance by l",
                "angular frequency l",
                "cumulative w",
                "Cumulative share of variance against l, one line for each system.",
                lines=lines,
            ),
        ),
        inputs={name: source.rpartition("/")[2] for name, source in systems},
    )
