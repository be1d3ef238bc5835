r"""Replays the bounds of several layers, and those of unnatural parity, with code that shares no function with what made them.

For every d, from 0 to the most there can be, the largest e is tabulated that goes with it (the producer keeps the largest pairs
only): d and e are the degrees of the moving direction and of all others on a star, the orders about the inner bond on a chain.
Products add, an edge adds L to one of the two, and a feature with output l holds pairs with :math:`|d - e| \le l`.

Nothing here imports the modules that build certificates.
"""

from __future__ import annotations

from typing import Any

# Item d: the largest e; -1 where no e goes with d.
_Table = list[int]

#: Largest total degree of all factors that is replayed.
_MOST = 1024

# For every atom its partners, each with what the edge adds to d and to e in units of L; the inner atoms stand first.
_GRAPHS: dict[str, tuple[int, list[list[tuple[int, int, int]]]]] = {
    "star": (1, [[(1, 1, 0), (2, 0, 1)], [(0, 1, 0)], [(0, 0, 1)]]),
    "chain": (2, [[(1, 0, 0), (2, 1, 0)], [(0, 0, 0), (3, 0, 1)], [(0, 1, 0)], [(1, 0, 1)]]),
}


def reach_findings(where: str, reach: dict[str, Any], correlation: int, l_max: int) -> list[str]:
    """Replay the bounds of one entry; return a sentence for every number that does not hold."""
    layers = reach["layers"]
    factors = 0
    for _ in range(layers):
        factors = correlation * (factors + 1)
        if factors * l_max > _MOST:
            return [
                f"{where}.layers: {layers} layers multiply harmonics beyond degree {_MOST}, what is replayed"
            ]
    most = factors * l_max
    hidden, message = reach.get("hidden_l_max", most), reach.get("message_l_max", most)
    inner, partners = _GRAPHS[reach["graph"]]
    features: list[_Table] = [[0] for _ in partners]
    best = [0] * len(partners)
    for _ in range(layers):
        following = []
        for atom, edges in enumerate(partners):
            arriving = _joined(
                [_within(_shifted(features[other], d * l_max, e * l_max), message) for other, d, e in edges]
            )
            outputs: _Table = [0]
            for _ in range(correlation):
                outputs = _summed(outputs, arriving)
            best[atom] = max(best[atom], len(_within(outputs, 0)) - 1)
            following.append(_joined([_within(outputs, hidden), features[atom]]))
        features = following
    expected = {
        "at_centre": max(best[:inner]),
        "through_leaves": max(best[inner:]),
        "bound": max(best),
    }
    return [
        f"{where}.{key}: {value} is expected, {reach[key]} is found"
        for key, value in expected.items()
        if reach[key] != value
    ]


def unnatural_findings(given: list[int], correlation: int, l_max: int) -> list[str]:
    """Replay the bounds of unnatural parity, for l_out = 0, 1, ..., by listing what couples.

    k factors of the moving direction make natural parity with any d <= kL; the others must have unnatural parity or the coupling
    must take a step off the stretched one, so d is at most one less than the triangle rule allows, and something else takes part.
    """
    findings = []
    for l_out, value in enumerate(given):
        allowed = [0]
        for k in range(1, correlation):
            others = correlation - k
            if l_out == 0 and others < 2:
                continue  # no pseudoscalar comes from two directions
            allowed += [
                d
                for d in range(k * l_max + 1)
                if d <= others * l_max + l_out - 1 and l_out <= correlation * l_max - 1
            ]
        if value != max(allowed):
            findings.append(f"unnatural[{l_out}]: {max(allowed)} is expected, {value} is found")
    return findings


def _shifted(table: _Table, more_d: int, more_e: int) -> _Table:
    return [-1] * more_d + [e + more_e if e >= 0 else -1 for e in table]


def _joined(tables: list[_Table]) -> _Table:
    longest = max(len(table) for table in tables)
    return [max(table[d] if d < len(table) else -1 for table in tables) for d in range(longest)]


def _summed(left: _Table, right: _Table) -> _Table:
    result = [-1] * (len(left) + len(right) - 1)
    for d, e in enumerate(left):
        for other, more in enumerate(right):
            if e >= 0 and more >= 0:
                result[d + other] = max(result[d + other], e + more)
    return result


def _within(table: _Table, l: int) -> _Table:
    """Return the largest e for every d' <= d with abs(d' - e') <= l, e' <= e."""
    result = [-1] * len(table)
    above = -1
    for d in range(len(table) - 1, -1, -1):
        above = max(above, table[d])
        e = min(above, d + l)
        result[d] = e if e >= max(d - l, 0) else -1
    while len(result) > 1 and result[-1] < 0:
        result.pop()
    return result
