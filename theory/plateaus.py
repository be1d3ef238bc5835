r"""At which l a directional field has power, and the fraction of it that a ceiling lets through.

A field on the sphere with values in :math:`\mathbb{R}^3`, seen through its Cartesian components, splits into
several l: those of the scalar harmonics in which its components expand. Powers below are
fractions of the total, averaged over the sphere and over the field's m. The part at l = 0 is a constant: it counts as power
here, and not as variance.

``fixed``
    :math:`Y_{lm}(\hat r)\, e` with a fixed vector e: l alone.
``radial``
    :math:`Y_{lm}(\hat r)\, \hat r`. As :math:`\hat r` is a harmonic with l = 1, it couples to l-1 and
    l+1 with weights :math:`\langle l 0\, 1 0 | l\mp 1\, 0\rangle^2`: :math:`l/(2l+1)` and
    :math:`(l+1)/(2l+1)`.
``gradient``
    :math:`r \nabla Y_{lm}`, tangential. From :math:`\nabla (r^l Y_l) = r^{l-1} (l Y_l \hat r + r\nabla Y_l)`,
    of pure l-1, and :math:`\nabla (r^{-l-1} Y_l) = r^{-l-2} (-(l+1) Y_l \hat r + r\nabla Y_l)`, of pure
    grade l+1, with :math:`\int |r\nabla Y_l|^2 = l(l+1)`: the combination is :math:`[(l+1) A_{l-1} + l\,
    B_{l+1}] / (2l+1)` with :math:`|A|^2 = l^2 + l(l+1)` and :math:`|B|^2 = (l+1)^2 + l(l+1)`, which gives
    weights :math:`(l+1)/(2l+1)` and :math:`l/(2l+1)`.
``solid``
    :math:`\nabla (r^{l+1} Y_{l+1,m})`, conservative and, by the same identity, of pure l.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, get_args

from ._checks import require_int
from .errors import InputError

Direction = Literal["fixed", "radial", "gradient", "solid"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


def grade_weights(direction: Direction, l: int) -> dict[int, Fraction]:
    """Exact fraction of the power of a directional field, made of Y_l, at each l of its rotation spectrum.

    Parameters
    ----------
    direction
        ``fixed``, ``radial``, ``gradient`` or ``solid``, as described at the top of this module.
    l
        Degree of the injected field, at least 0 (at least 1 for ``gradient``).

    Returns
    -------
    dict
        l -> weight; the weights add up to exactly 1, every l of weight zero is left out.

    Raises
    ------
    InputError
        If the direction is unknown, `l` is not an integer or too small, or the field is zero (``gradient`` at
        l = 0).

    Examples
    --------
    >>> grade_weights("radial", 4)
    {3: Fraction(4, 9), 5: Fraction(5, 9)}
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction {direction!r} is unknown: use one of {', '.join(DIRECTIONS)}")
    l = require_int("l", l, 0)
    if direction in ("fixed", "solid"):
        return {l: Fraction(1)}
    if direction == "gradient" and l == 0:
        raise InputError(
            "direction 'gradient' at l = 0 is the gradient of a constant, which is zero: use l of at least 1"
        )
    below, above = Fraction(l, 2 * l + 1), Fraction(l + 1, 2 * l + 1)
    if direction == "gradient":
        below, above = above, below
    return {grade: weight for grade, weight in ((l - 1, below), (l + 1, above)) if weight}


def predicted_recovery(direction: Direction, l: int, boundary: int, *, centred: bool = False) -> Fraction:
    r"""Largest fraction of the field's power (population R2) that a readout of ceiling `boundary` can recover.

    R2 is uncentred by default, :math:`1 - \langle |F - P|^2 \rangle / \langle |F|^2 \rangle`, as the diagnostic reports it. Grade
    0 is the same at every orientation, a constant, and any readout has it: radial and gradient fields of l = 1 are given back
    to 1/3 and 2/3 at a ceiling of 0 or 1 by their mean alone. A centred R2, with the variance below, does not count it.

    Parameters
    ----------
    direction, l
        As in `grade_weights`.
    boundary
        The ceiling d * L, at least 0.
    centred
        Whether R2 is taken relative to the variance: the part at l = 0 is left out of both the field and what is recovered.

    Returns
    -------
    Fraction
        The power at l <= `boundary`.

    Raises
    ------
    InputError
        As in `grade_weights`, and if `boundary` is not an integer of at least 0, or the field has no variance (grade 0 alone) and
        a centred R2 is asked for.

    Examples
    --------
    >>> [str(predicted_recovery("radial", l, 4)) for l in range(3, 7)]
    ['1', '4/9', '5/11', '0']
    >>> [str(predicted_recovery("radial", 1, 1, centred=centred)) for centred in (False, True)]
    ['1/3', '0']
    """
    boundary = require_int("boundary", boundary, 0)
    weights = grade_weights(direction, l)
    if centred:
        weights = {grade: weight for grade, weight in weights.items() if grade}
        if not weights:
            raise InputError(
                f"direction {direction!r} at l = {l} is a constant and has no variance: ask for the uncentred R2, "
                "or l of at least 1"
            )
    kept = sum((weight for grade, weight in weights.items() if grade <= boundary), Fraction(0))
    return kept / sum(weights.values())
