"""Writes ``formal/Certificates.v``: the numbers of the package's certificates, as facts that Coq checks by computation.

``python -m spectral_ceilings.theory.formal_certificates FILE`` writes the file again, the same bytes every time. What must
hold of the numbers stands in ``formal/Computation.v``, which shares no code with what made them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from .certificate import build_certificate
from .couplings import stretched_coefficient
from .harmonics import HarmonicPolynomial, real_harmonic

#: Pairs (d, L) of which all counts are checked, and those of which ranks are.
COUNTED = tuple((d, l_max) for d in range(1, 5) for l_max in range(1, 5))
RANKED = ((1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (2, 2), (3, 2), (1, 3))
#: A prime, and the most points that a rank is taken at.
MODULUS = 10007
_HIGHEST = max(d * l_max for d, l_max in RANKED)

Point = tuple[int, int, int, int]

_HEADER = """(* Written by theory/formal_certificates.py; a test writes it again and compares. Do not edit.

   The numbers of the package's certificates of the span theorem; Coq computes that each holds, in the sense of Computation.v. *)
From Coq Require Import ZArith List.
From Ceilings Require Import Computation.
Import ListNotations.
Local Open Scope Z_scope.
"""

_THEOREM = """
(* STATEMENT {name}: {words} *)
Theorem {name} : {formal}.
(* END *)
Proof. vm_compute. reflexivity. Qed.
"""


def _listed(name: str, kind: str, entries: list[str]) -> str:
    return f"\nDefinition {name} : list {kind} := [\n  " + ";\n  ".join(entries) + "].\n"


def _pair(value: Fraction) -> str:
    return f"({value.numerator}, {value.denominator})"


def _steps() -> list[str]:
    """Every stretched coupling in the certificates of `COUNTED`, once."""
    squares = {
        (step.left, step.right): step.coefficient.square
        for pair in COUNTED
        for witness in build_certificate(*pair).theorem.witnesses
        for step in witness.chain
    }
    return [
        f"Step {a} {b} {_pair(square)} {_pair(stretched_coefficient(a, b).square)}"
        for (a, b), square in sorted(squares.items())
    ]


def _counts() -> list[str]:
    return [
        f"Counts {d} {l_max} [{'; '.join(map(str, build_certificate(d, l_max).formal))}]"
        for d, l_max in COUNTED
    ]


def _integer(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def _features() -> list[str]:
    """The real harmonics of every l that `RANKED` needs, without their norms."""
    harmonics = (
        (l, real_harmonic(l, m)) for l in range(max(l for _, l in RANKED) + 1) for m in range(-l, l + 1)
    )
    return [f"({l}%nat, [{_terms(harmonic)}])" for l, harmonic in harmonics]


def _terms(harmonic: HarmonicPolynomial) -> str:
    return "; ".join(f"({i}%nat, {j}%nat, {k}%nat, {_integer(c)})" for (i, j, k), c in harmonic.terms.items())


def _pool() -> Iterator[Point]:
    """Rational points (x, y, z)/r of the sphere, from the stereographic projection of integers."""
    reach = 0
    while True:
        ring = [(s, t) for s in range(-reach, reach + 1) for t in range(-reach, reach + 1)]
        for s, t in ring:
            if max(abs(s), abs(t)) == reach:
                yield 2 * s, 2 * t, s * s + t * t - 1, s * s + t * t + 1
        reach += 1


def _values(point: Point, n: int) -> list[int]:
    """Values of x^i y^j z^e, e = 0 or 1 and i + j + e <= n, times r^n: a basis of what restricts to the sphere."""
    x, y, z, r = point
    return [
        pow(x, i) * pow(y, j) * pow(z, e) * pow(r, n - i - j - e) % MODULUS
        for e in (0, 1)
        for i in range(n + 1 - e)
        for j in range(n + 1 - e - i)
    ]


def _points() -> list[Point]:
    """Points of which the first (n+1)^2 tell all functions in A_n apart, for every n up to `_HIGHEST`."""
    chosen: list[Point] = []
    pool: list[Point] = []
    source = _pool()
    for n in range(_HIGHEST + 1):
        reduced: list[list[int]] = []
        for point in chosen:
            _independent(_values(point, n), reduced)
        position = 0
        while len(chosen) < (n + 1) ** 2:
            if position == len(pool):
                pool.append(next(source))
            point = pool[position]
            position += 1
            if point not in chosen and point[3] % MODULUS and _independent(_values(point, n), reduced):
                chosen.append(point)
    return chosen


def _independent(row: list[int], reduced: list[list[int]]) -> bool:
    """Reduce a row by those before it; keep it, scaled to begin with 1, if something is left."""
    for other in reduced:
        lead = next(i for i, value in enumerate(other) if value)
        factor = row[lead]
        row = [(a - factor * b) % MODULUS for a, b in zip(row, other, strict=True)]
    lead = next((i for i, value in enumerate(row) if value), None)
    if lead is None:
        return False
    inverse = pow(row[lead], -1, MODULUS)
    reduced.append([value * inverse % MODULUS for value in row])
    return True


def certificates_file() -> str:
    """Return the text of ``formal/Certificates.v``."""
    pairs = ", ".join(f"({d}, {l_max})" for d, l_max in RANKED)
    return "".join(
        (
            _HEADER,
            _listed("stretched_steps", "step", _steps()),
            _THEOREM.format(
                name="stretched_coefficients",
                words="every stretched coefficient in the certificates for d, L <= 4 is what the moments of the sphere and\n"
                "   Legendre polynomials give; none is zero.",
                formal="forallb step_holds stretched_steps = true",
            ),
            _listed("formal_counts", "counts", _counts()),
            _THEOREM.format(
                name="formal_multiplicities",
                words="the multiplicities in the certificates for d, L <= 4 are those that counting states gives, and\n"
                "   one at the ceiling.",
                formal="forallb counts_hold formal_counts = true",
            ),
            _listed("harmonics", "(nat * polynomial)", _features()),
            _listed(
                "sphere_points",
                "point",
                [f"({', '.join(_integer(value) for value in point)})" for point in _points()],
            ),
            "\nDefinition ranked : list (nat * nat) := ["
            + "; ".join(f"({d}, {l_max})%nat" for d, l_max in RANKED)
            + "].\n",
            _THEOREM.format(
                name="ranks",
                words="products of d of the package's real harmonics with l <= L have rank (dL+1)^2 on the sphere,\n"
                f"   for (d, L) = {pairs}.",
                formal=f"forallb (fun p => rank_holds {MODULUS} harmonics sphere_points (fst p) (snd p)) ranked = true",
            ),
        )
    )


def main(path: str) -> None:
    """Write the file."""
    Path(path).write_text(certificates_file(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
