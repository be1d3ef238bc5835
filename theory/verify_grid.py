r"""Replays certificates of grids with code that shares no function with what built them.

- Both polar rules are interpolatory at the roots of a known polynomial p, :math:`P_N` or :math:`T_N`: what they make of a
  polynomial is the mean of its remainder modulo p. Remainders of powers of t are followed with fractions, one after the other.
- Phases are listed, :math:`kj \bmod M`; two or more add up to zero, because turning them by the first one permutes them.
- That a witness of the azimuth leaks needs positive weights: Gauss weights are quadratures of squares; Fejér's are at least
  :math:`\frac2N \left(1 - \sum_{k \le (N-1)/2} \frac{2}{4k^2-1}\right)`, added up here. For l odd
  :math:`\sin^l \ge \sin^{l+1}` then bounds the leak from below.

Nothing here imports the modules that build certificates.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

_MOST = 256


def grid_findings(data: dict[str, Any]) -> list[str]:
    """Replay a certificate that conforms to its schema; return one sentence for every entry that does not hold."""
    degree, band, band_out = data["degree"], data["band"], data["band_out"]
    needed = degree * band + band_out
    if needed > _MOST:
        return [f"needed: degree * band + band_out = {needed} is beyond {_MOST}, what is replayed"]
    findings = _compare("needed", data["needed"], needed)
    polar, azimuthal, on_edges = data["polar"], data["azimuthal"], data["frame"] == "edges"
    # The 2N-th power is the last that a rule of N nodes could integrate: the square of p is positive between its roots.
    powers = max(2 * polar, needed + 1)
    moments = _moments(_nodes(data["rule"], polar), powers)
    polar_first = next(k for k in range(2 * polar + 1) if moments[k] != _mean(k))
    exact_to = azimuthal - 1 if on_edges else min(polar_first, azimuthal) - 1
    findings += _compare("exact_to", data["exact_to"], exact_to)
    findings += _compare("verdict", data["verdict"], "exact" if exact_to >= needed else "not exact")
    last = min(needed, polar_first)
    written = [] if on_edges else [str(moment) for moment in moments[: last + 1]]
    findings += _compare("moments", data["moments"], written)
    phases = [len({order * j % azimuthal for j in range(azimuthal)}) for order in range(1, needed + 1)]
    findings += _compare("phases", data["phases"], phases)
    if exact_to >= needed:
        if min(phases, default=2) < 2 or (
            not on_edges and any(moments[k] != _mean(k) for k in range(needed + 1))
        ):
            findings.append("verdict: a harmonic up to needed is integrated wrongly")
        return findings + _compare("witnesses", data["witnesses"], [])
    findings += _compare("witnesses (length)", len(data["witnesses"]), 1)
    for witness in data["witnesses"][:1]:
        findings += _witness_findings(data, witness, moments)
    return findings


def _compare(where: str, given: object, expected: object) -> list[str]:
    return [] if given == expected else [f"{where}: {expected} is expected, {given} is found"]


def _mean(power: int) -> Fraction:
    """Mean of t^power over the sphere, t uniform on [-1, 1]."""
    return Fraction(0) if power % 2 else Fraction(1, power + 1)


def _nodes(rule: str, size: int) -> list[Fraction]:
    """Return the monic polynomial whose roots are the nodes, lowest power first."""
    before, current = [Fraction(1)], [Fraction(0), Fraction(1)]
    for k in range(1, size):
        weight = Fraction(k * k, 4 * k * k - 1) if rule == "gauss" else Fraction(1, 2 if k == 1 else 4)
        following = [Fraction(0), *current]
        for j, value in enumerate(before):
            following[j] -= weight * value
        before, current = current, following
    return current


def _moments(nodes: list[Fraction], highest: int) -> list[Fraction]:
    """Means of the remainders of t^0, ..., t^highest modulo a monic polynomial."""
    size = len(nodes) - 1
    remainder = [Fraction(1)] + [Fraction(0)] * (size - 1)
    moments = []
    for _ in range(highest + 1):
        moments.append(
            sum((value * _mean(j) for j, value in enumerate(remainder) if value), start=Fraction(0))
        )
        top = remainder[-1]
        remainder = [Fraction(0), *remainder[:-1]]
        if top:
            remainder = [a - top * b for a, b in zip(remainder, nodes[:-1], strict=True)]
    return moments


def _witness_findings(data: dict[str, Any], witness: dict[str, Any], moments: list[Fraction]) -> list[str]:
    where, l, factors = "witnesses[0]", witness["l"], witness["factors"]
    findings = _compare(f"{where}.factors (length)", len(factors), data["degree"])
    if any(factor > data["band"] for factor in factors) or witness["output"] > data["band_out"]:
        findings.append(
            f"{where}.factors: {factors} and output {witness['output']} go beyond band or band_out"
        )
    findings += _compare(f"{where}.l", l, sum(factors) + witness["output"])
    if witness["cause"] == "polar":
        if data["frame"] == "edges":
            return [*findings, f"{where}.cause: the polar rule does not matter in the frame of an edge"]
        quadrature, mean = moments[l] if l < len(moments) else _mean(l), _mean(l)
    else:
        if l % data["azimuthal"]:
            return [*findings, f"{where}.l: {data['azimuthal']} azimuths annihilate order {l}"]
        half = (l + 1) // 2
        if 2 * half >= len(moments):
            return [*findings, f"{where}.l: {l} is beyond what is replayed"]
        quadrature = sum(
            (comb(half, k) * (-1) ** k * moments[2 * k] for k in range(half + 1)), start=Fraction(0)
        )
        mean = Fraction(0)
        if data["rule"] == "fejer":
            least = 1 - sum(
                (Fraction(2, 4 * k * k - 1) for k in range(1, (data["polar"] + 1) // 2)), start=Fraction(0)
            )
            if least <= 0:
                findings.append(f"{where}.cause: weights are not shown to be positive")
    if quadrature == mean:
        findings.append(f"{where}.leak: the grid makes of the product what the sphere does, nothing leaks")
    expected = {"quadrature": quadrature, "mean": mean, "leak": abs(quadrature - mean)}
    for key, value in expected.items():
        findings += _compare(f"{where}.{key}", witness[key], str(value))
    return findings
