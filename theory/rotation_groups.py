r"""The groups of rotations about a point: axes, and the invariants of every l with their generating function.

The number of independent functions in :math:`H_l` that a finite group H of rotations leaves unchanged is
:math:`n_l = \frac{1}{|H|}\sum_{g \in H} \chi_l(g)`, :math:`\chi_l = \sum_{|m| \le l} e^{im\alpha}` for a rotation by
:math:`\alpha`. Rotations are collected axis by axis: over the n rotations about one n-fold axis the characters add up to
:math:`n (2\lfloor l/n \rfloor + 1)`, n times the number of orders m divisible by n. Hence for H with :math:`a_n` axes of
order n

.. math:: n_l = \frac{1}{|H|}\Bigl(2l+1 + \sum_n a_n \bigl(n(2\lfloor l/n \rfloor + 1) - (2l+1)\bigr)\Bigr),
    \qquad
    \sum_l n_l t^l = \frac{1}{|H|}\Bigl(M_1 + \sum_n a_n (n M_n - M_1)\Bigr), \quad
    M_n = \frac{1 + t^n}{(1-t)(1-t^n)}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["C", "D", "T", "O", "I", "K"]

#: Axes of the polyhedral groups: (order of the axis, how many of them).
_POLYHEDRA: dict[str, tuple[tuple[int, int], ...]] = {
    "T": ((3, 4), (2, 3)),
    "O": ((4, 3), (3, 4), (2, 6)),
    "I": ((5, 6), (3, 10), (2, 15)),
}


@dataclass(frozen=True)
class RotationGroup:
    """A group of rotations: C_n, D_n (D_1 is C_2 with its axis across), T, O, I, or K, all rotations.

    Attributes
    ----------
    kind
        C, D, T, O, I or K.
    fold
        Order n of the main axis of C and D; None for the continuous groups C∞ and D∞, and for the other kinds.
    """

    kind: Kind
    fold: int | None = None

    @property
    def order(self) -> int | None:
        """Number of rotations; None if there are infinitely many."""
        if self.kind in _POLYHEDRA:
            return 1 + sum(count * (n - 1) for n, count in _POLYHEDRA[self.kind])
        if self.fold is None:
            return None
        return self.fold if self.kind == "C" else 2 * self.fold

    @property
    def axes(self) -> tuple[tuple[int, int], ...]:
        """(n, count): `count` axes of order n, n >= 2; empty for a continuous group."""
        if self.kind in _POLYHEDRA:
            return _POLYHEDRA[self.kind]
        if self.fold is None:
            return ()
        main = ((self.fold, 1),) if self.fold > 1 else ()
        if self.kind == "C":
            return main
        return ((2, 3),) if self.fold == 2 else (*main, (2, self.fold))

    @property
    def is_uniaxial(self) -> bool:
        """Whether the group keeps an axis: C_n and D_n."""
        return self.kind in ("C", "D")

    def invariants(self, l: int) -> int:
        """Number of independent invariants in H_l, for an integer l >= 0."""
        if self.kind == "K":
            return int(l == 0)
        if self.is_uniaxial:
            turns = 0 if self.fold is None else l // self.fold
            # The two-fold axes across keep one of each pair of orders +-m, and order 0 for even l.
            return 2 * turns + 1 if self.kind == "C" else turns + int(l % 2 == 0)
        total = 2 * l + 1 + sum(count * (n * (2 * (l // n) + 1) - (2 * l + 1)) for n, count in self.axes)
        quotient, rest = divmod(total, self.order or 1)
        if rest:
            raise ArithmeticError(
                f"the characters of {self.kind} at l = {l} add up to {total}, no multiple of the order"
            )
        return quotient

    def molien_series(self, t: Any) -> Any:
        """The sum of `invariants` times t^l over all l, as a rational function of the SymPy symbol t."""
        import sympy

        if self.kind == "K":
            return sympy.Integer(1)
        if self.fold is None and self.is_uniaxial:
            return 1 / (1 - t) if self.kind == "C" else 1 / (1 - t**2)
        identity = (1 + t) / (1 - t) ** 2
        total = identity + sum(
            count * (n * (1 + t**n) / ((1 - t) * (1 - t**n)) - identity) for n, count in self.axes
        )
        return total / self.order

    def rotation_counts(self) -> dict[int, int]:
        """Order of a rotation -> how many rotations of the finite group have it; the identity has order 1."""
        from math import gcd

        counts = {1: 1}
        for n, count in self.axes:
            for k in range(1, n):
                order = n // gcd(k, n)
                counts[order] = counts.get(order, 0) + count
        return counts
