r"""Replays certificates; those of the span theorem with code that shares no function with what built them.

- A witness is multiplied out: the polynomials :math:`(x+iy)^b` are expanded in x and y, checked to be harmonic, multiplied
  exactly, and compared with :math:`(x+iy)^l`; their norms come from the moments of monomials on the sphere.
- The coupling at order 0 of a step comes from Legendre polynomials made by Bonnet's recursion:
  :math:`P_a P_b = \dots + \langle a0\,b0|(a+b)\,0\rangle^2 P_{a+b}`.
- The exclusion is replayed with the selection rule, factor by factor.
- Formal multiplicities are counted a second way, by Newton's identity for the characters of symmetric powers,
  :math:`n h_n = \sum_{k=1}^n p_k h_{n-k}` with :math:`p_k(q) = \sum_{l \le L} \sum_m q^{km}`.

Nothing here imports the modules that build certificates.
"""

from __future__ import annotations

import json
from fractions import Fraction
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from .errors import InputError
from .schema_check import load_schema, schema_findings
from .verify_grid import grid_findings
from .verify_so2 import so2_findings
from .verify_star import star_findings

_MAX_BOUNDARY = 256
#: How the format's name of a certificate of a star begins; such a one is replayed by `verify_star`.
_STAR = "spectral-ceilings/star-certificate/"
#: The same for a grid of the sphere, which `verify_grid` replays.
_GRID = "spectral-ceilings/grid-certificate/"
#: The same for a convolution of SO(2), which `verify_so2` replays.
_SO2 = "spectral-ceilings/so2-certificate/"

# Exponents of x and y -> real and imaginary part of the coefficient.
_Polynomial = dict[tuple[int, int], tuple[int, int]]


def verify_certificate(data: object) -> list[str]:
    """Replay one certificate, of the span theorem, of a star, of a grid or of a convolution of SO(2).

    Parameters
    ----------
    data
        The decoded JSON.

    Returns
    -------
    list of str
        One sentence for every entry that does not hold, naming the entry; empty if the certificate holds.
    """
    if isinstance(data, dict) and str(data.get("schema")).startswith(_STAR):
        return schema_findings(data, load_schema("star_certificate.schema.json")) or star_findings(data)
    if isinstance(data, dict) and str(data.get("schema")).startswith(_GRID):
        return schema_findings(data, load_schema("grid_certificate.schema.json")) or grid_findings(data)
    if isinstance(data, dict) and str(data.get("schema")).startswith(_SO2):
        return schema_findings(data, load_schema("so2_certificate.schema.json")) or so2_findings(data)
    findings = schema_findings(data, load_schema("span_certificate.schema.json"))
    if findings or not isinstance(data, dict):
        return findings
    degree, l_max = data["degree"], data["l_max"]
    if degree * l_max > _MAX_BOUNDARY:
        return [
            f"certificate.degree: degree * l_max = {degree * l_max} is beyond {_MAX_BOUNDARY}, what is replayed"
        ]
    boundary = degree * l_max
    findings += _compare("boundary", data["boundary"], boundary)
    findings += _compare("dimension", data["dimension"], sum(2 * l + 1 for l in range(boundary + 1)))
    findings += _witness_findings(data["witnesses"], degree, l_max)
    findings += _exclusion_findings(data["exclusion"]["closure"], degree, l_max)
    findings += _count_findings(data["counts"], degree, l_max)
    return findings


def verify_file(path: str | Path) -> list[str]:
    """Replay the certificate in a file; see `verify_certificate`.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as a certificate ({error}): give a file written by ceilings theory --out"
        ) from None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not JSON ({error}): give a file written by ceilings theory --out"
        ) from None
    return verify_certificate(data)


def _compare(where: str, given: object, expected: object) -> list[str]:
    return [] if given == expected else [f"{where}: {expected} is expected, {given} is found"]


def _root_findings(where: str, root: dict[str, Any], square: Fraction) -> list[str]:
    """Compare a root with the positive root of `square`."""
    if root["sign"] == 1 and root["square"] == str(square):
        return []
    return [
        f"{where}: sign 1 and square {square} are expected, sign {root['sign']} and square {root['square']} are found"
    ]


# Witnesses: exact multiplication on the sphere.


def _times(f: _Polynomial, g: _Polynomial) -> _Polynomial:
    result: _Polynomial = {}
    for (i, j), (a, b) in f.items():
        for (k, m), (c, d) in g.items():
            re, im = result.get((i + k, j + m), (0, 0))
            result[i + k, j + m] = (re + a * c - b * d, im + a * d + b * c)
    return {key: value for key, value in result.items() if value != (0, 0)}


_top_orders: list[_Polynomial] = [{(0, 0): (1, 0)}]


def _top_order(l: int) -> _Polynomial:
    """Expand (x+iy)^l and check that it is harmonic, so that its restriction is in H_l."""
    while len(_top_orders) <= l:
        polynomial = _times(_top_orders[-1], {(1, 0): (1, 0), (0, 1): (0, 1)})
        laplacian: dict[tuple[int, int], list[int]] = {}
        for (i, j), (a, b) in polynomial.items():
            for key, factor in (((i - 2, j), i * (i - 1)), ((i, j - 2), j * (j - 1))):
                if factor:
                    total = laplacian.setdefault(key, [0, 0])
                    total[0] += factor * a
                    total[1] += factor * b
        if any(value != [0, 0] for value in laplacian.values()):
            raise ArithmeticError(f"(x+iy)^{len(_top_orders)} came out not harmonic")
        _top_orders.append(polynomial)
    return _top_orders[l]


def _odd_product(n: int) -> int:
    return prod(range(1, n + 1, 2))


@lru_cache(maxsize=2048)
def _norm_square(l: int) -> Fraction:
    """Mean over the sphere of |(x+iy)^l|^2, from the moments of x^2a y^2b: (2a-1)!! (2b-1)!! / (2a+2b+1)!!."""
    conjugate = {key: (a, -b) for key, (a, b) in _top_order(l).items()}
    total = 0
    for (i, j), (a, b) in _times(_top_order(l), conjugate).items():
        if b:
            raise ArithmeticError(f"|(x+iy)^{l}|^2 came out complex")
        if i % 2 == 0 and j % 2 == 0:
            total += a * _odd_product(i - 1) * _odd_product(j - 1)
    return Fraction(total, _odd_product(2 * l + 1))


@lru_cache(maxsize=4096)
def _expanded(factors: tuple[int, ...]) -> _Polynomial:
    """Multiply out Y_bb of every given b; at most 256 of them."""
    if not factors:
        return {(0, 0): (1, 0)}
    return _times(_expanded(factors[:-1]), _top_order(factors[-1]))


@lru_cache(maxsize=2048)
def _legendre_leading(n: int) -> Fraction:
    """Leading coefficient of P_n from Bonnet's recursion (n+1) P_(n+1) = (2n+1) t P_n - n P_(n-1)."""
    return prod((Fraction(2 * k - 1, k) for k in range(1, n + 1)), start=Fraction(1))


def _witness_findings(witnesses: list[dict[str, Any]], degree: int, l_max: int) -> list[str]:
    findings: list[str] = []
    boundary = degree * l_max
    degrees = [witness["l"] for witness in witnesses]
    for l in range(boundary + 1):
        if degrees.count(l) != 1:
            findings.append(f"witnesses: l = {l} has {degrees.count(l)} witnesses, one is expected")
    findings += [f"witnesses: l = {l} is above the boundary {boundary}" for l in degrees if l > boundary]
    for i, witness in enumerate(witnesses):
        if witness["l"] <= boundary:
            findings += _one_witness_findings(f"witnesses[{i}] (l = {witness['l']})", witness, degree, l_max)
    return findings


def _one_witness_findings(where: str, witness: dict[str, Any], degree: int, l_max: int) -> list[str]:
    l, factors, chain = witness["l"], tuple(witness["factors"]), witness["chain"]
    if len(factors) > degree:
        return [f"{where}.factors: {len(factors)} factors are more than the degree {degree}"]
    if factors and max(factors) > l_max:
        return [f"{where}.factors: degree {max(factors)} is no feature, l_max is {l_max}"]
    if sum(factors) != l or _expanded(factors) != _top_order(l):
        return [
            f"{where}.factors: the product of Y_bb, b in {list(factors)}, is not a multiple of Y_ll, l = {l}"
        ]
    # Y_bb = (-1)^b p_b / |p_b| with p_b = (x+iy)^b; the signs cancel as the degrees add up to l.
    square = _norm_square(l) / prod((_norm_square(b) for b in factors), start=Fraction(1))
    findings = _root_findings(f"{where}.coefficient", witness["coefficient"], square)
    if len(chain) != max(len(factors) - 1, 0):
        return [*findings, f"{where}.chain: {len(chain)} steps are found for {len(factors)} factors"]
    left = factors[0] if factors else 0
    for k, step in enumerate(chain):
        name, right = f"{where}.chain[{k}]", factors[k + 1]
        result = left + right
        findings += _compare(f"{name}.left", step["left"], left)
        findings += _compare(f"{name}.right", step["right"], right)
        findings += _compare(f"{name}.result", step["result"], result)
        coupling = _legendre_leading(left) * _legendre_leading(right) / _legendre_leading(result)
        findings += _root_findings(f"{name}.zero_coupling", step["zero_coupling"], coupling)
        square = _norm_square(result) / (_norm_square(left) * _norm_square(right))
        findings += _root_findings(f"{name}.coefficient", step["coefficient"], square)
        if square * (2 * result + 1) != coupling * (2 * left + 1) * (2 * right + 1):
            findings.append(f"{name}: the coupling and the product of polynomials disagree")
        left = result
    return findings


# Exclusion: the selection rule.


def _exclusion_findings(closure: list[list[int]], degree: int, l_max: int) -> list[str]:
    findings = _compare("exclusion.closure", len(closure), degree + 1)
    reached = {0}
    for k, listed in enumerate(closure[: degree + 1]):
        if k:
            reached |= {
                l
                for a in tuple(reached)
                for b in range(l_max + 1)
                for l in range(abs(a - b), a + b + 1)
                if (a + b + l) % 2 == 0
            }
        findings += _compare(f"exclusion.closure[{k}]", listed, sorted(reached))
    return findings


# Counts: Newton's identity for characters.


@lru_cache(maxsize=64)
def _symmetric_characters(l_max: int) -> list[dict[int, int]]:
    """Characters of Sym^n(V_0 + ... + V_L) found so far, n = 0, 1, ...; longer ones are appended."""
    return [{0: 1}]


def _symmetric_character(degree: int, l_max: int) -> dict[int, int]:
    """Character of Sym^d(V_0 + ... + V_L): weight -> number of states."""
    characters = _symmetric_characters(l_max)
    for n in range(len(characters), degree + 1):
        total: dict[int, int] = {}
        for k in range(1, n + 1):
            for weight, count in characters[n - k].items():
                for m in range(-l_max, l_max + 1):
                    shifted = weight + k * m
                    total[shifted] = total.get(shifted, 0) + count * (l_max + 1 - abs(m))
        if any(count % n for count in total.values()):
            raise ArithmeticError(f"Newton's identity failed for Sym^{n}, L = {l_max}")
        characters.append({weight: count // n for weight, count in total.items()})
    return characters[degree]


def _count_findings(counts: dict[str, Any], degree: int, l_max: int) -> list[str]:
    boundary = degree * l_max
    character = _symmetric_character(degree, l_max)
    formal = [character.get(l, 0) - character.get(l + 1, 0) for l in range(boundary + 1)]
    expected = {
        "formal": formal,
        "realised": [1] * (boundary + 1),
        "relations": [count - 1 for count in formal],
    }
    findings: list[str] = []
    for name, values in expected.items():
        given = counts[name]
        findings += _compare(f"counts.{name} (length)", len(given), len(values))
        for l, (given_count, other) in enumerate(zip(given, values, strict=False)):
            findings += _compare(f"counts.{name}[{l}]", given_count, other)
    findings += _compare("counts.formal_dimension", counts["formal_dimension"], sum(character.values()))
    if l_max and formal[boundary] != 1:
        findings.append(f"counts.formal[{boundary}]: the boundary is not saturated with multiplicity one")
    return findings
