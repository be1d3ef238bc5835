r"""Replays certificates of convolutions of SO(2) with code that shares no function with what built them.

A column v of the matrix has to be an eigenvector: :math:`J^2 v = l(l+1)\, v` on the states
:math:`|l_1 m\rangle |l_3\, {-m}\rangle`. With :math:`v_m = w_m / \sqrt{B_m}`,
:math:`B_m = \binom{2l_1}{l_1+m} \binom{2l_3}{l_3+m}`, that is a recursion with integers,

.. math:: [l_1(l_1{+}1) + l_3(l_3{+}1) - 2m^2 - l(l{+}1)]\, w_m + (l_1{-}m{+}1)(l_3{-}m{+}1)\, w_{m-1}
    + (l_1{+}m{+}1)(l_3{+}m{+}1)\, w_{m+1} = 0,

for numbers w that are a common root times rational ones. Eigenvectors of different l are orthogonal, and there is an l for
every m: with squares that add up to 1 the matrix is orthogonal, so any set of rows is independent.

Nothing here imports the modules that build certificates.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, isqrt
from typing import Any


def so2_findings(data: dict[str, Any]) -> list[str]:
    """Replay a certificate that conforms to its schema; return one sentence for every entry that does not hold."""
    first, second, m_max = data["l_in"], data["l_out"], data["m_max"]
    orders = [m for m in range(-first, first + 1) if abs(m) <= second]
    paths = [l for l in range(first + second + 1) if l >= abs(first - second)]
    inside = [m for m in orders if abs(m) <= m_max]
    findings = _compare("paths", data["paths"], paths)
    findings += _compare("rows", [row["m"] for row in data["rows"]], orders)
    expected = {
        "couplings": len(orders),
        "kept": len(inside),
        "lost": len(orders) - len(inside),
        "bandwidth": first + second,
        "torsion_order": max(inside),
    }
    for key, value in expected.items():
        findings += _compare(key, data[key], value)
    for row in data["rows"]:
        if len(row["entries"]) != len(paths):
            findings.append(
                f"rows (m = {row['m']}): {len(paths)} entries are expected, {len(row['entries'])} are found"
            )
    if findings:
        return findings
    for i, l in enumerate(paths):
        column = {row["m"]: row["entries"][i] for row in data["rows"]}
        findings += _column_findings(f"rows (l = {l})", column, (first, second, l))
    top = next(row for row in data["rows"] if row["m"] == 0)["entries"][-1]
    if not top["sign"]:
        findings.append("rows (m = 0): the last entry is 0, so the bandwidth is not attained")
    return findings


def _compare(where: str, given: object, expected: object) -> list[str]:
    return [] if given == expected else [f"{where}: {expected} is expected, {given} is found"]


def _column_findings(
    where: str, column: dict[int, dict[str, Any]], labels: tuple[int, int, int]
) -> list[str]:
    """Check one eigenvector, entry by entry."""
    first, second, l = labels
    squares = {m: Fraction(entry["square"]) for m, entry in column.items()}
    wrong = [m for m, entry in column.items() if (entry["sign"] == 0) != (squares[m] == 0)]
    if wrong:
        return [f"{where}: sign and square of m = {wrong[0]} contradict each other"]
    if sum(squares.values()) != 1:
        return [f"{where}: squares add up to {sum(squares.values())}, 1 is expected"]
    scaled = {
        m: square * comb(2 * first, first + m) * comb(2 * second, second + m) for m, square in squares.items()
    }
    unit = next(value for value in scaled.values() if value)
    numbers: dict[int, Fraction] = {}
    for m, value in scaled.items():
        ratio = value / unit
        root = Fraction(isqrt(ratio.numerator), isqrt(ratio.denominator))
        if root * root != ratio:
            return [f"{where}: the square of m = {m} has no common root with the others"]
        numbers[m] = column[m]["sign"] * root
    for m, value in numbers.items():
        left = first * (first + 1) + second * (second + 1) - 2 * m * m - l * (l + 1)
        total = left * value
        total += (first - m + 1) * (second - m + 1) * numbers.get(m - 1, Fraction(0))
        total += (first + m + 1) * (second + m + 1) * numbers.get(m + 1, Fraction(0))
        if total:
            return [f"{where}: at m = {m} it is no eigenvector of the angular momentum"]
    return []
