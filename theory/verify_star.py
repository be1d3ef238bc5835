r"""Replays certificates of stars with code that shares no function with what built them.

- The table of the triangle rule is made again, and the witness is expanded by assigning two neighbours to its factors; its
  coefficient of P_b comes from an integral, :math:`\frac{2b+1}{2} \int_{-1}^1 f P_b`, with P_b by its explicit sum.
- Means of cosines come from coordinates: the first direction is the pole, cosines are expanded in x, y, z of the others, and
  :math:`\langle x^a y^b z^c \rangle = (a-1)!!\,(b-1)!!\,(c-1)!! / (a+b+c+1)!!` for even a, b, c.
- A share holds if its energy lies in the space, what is left of the term is orthogonal to **every** energy of the space (all
  multigraphs are listed again, by adding edges), and the variances give the fraction.
- Bounds of several layers are replayed in `verify_reach`.

Nothing here imports the modules that build certificates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, permutations, product
from math import comb, factorial, prod
from typing import Any

from .verify_reach import reach_findings, unnatural_findings

# Exponent of every pair of neighbours, in the order of `combinations` -> coefficient.
_Polynomial = dict[tuple[int, ...], Fraction]
# Sorted (first vertex, second vertex, multiplicity).
_Graph = tuple[tuple[int, int, int], ...]

_MOST_FACTORS_DEGREE = 16


def star_findings(data: dict[str, Any]) -> list[str]:
    """Replay a certificate that conforms to its schema; return one sentence for every entry that does not hold."""
    nu, l_max = data["correlation"], data["l_max"]
    if nu * l_max > _MOST_FACTORS_DEGREE:
        return [
            f"correlation: correlation * l_max = {nu * l_max} is beyond {_MOST_FACTORS_DEGREE}, what is replayed"
        ]
    bound = max(min(k * l_max, (nu - k) * l_max) for k in range(nu + 1))
    findings = _compare("bound", data["bound"], bound)
    findings += _compare("exclusion", len(data["exclusion"]), nu + 1)
    for k, split in enumerate(data["exclusion"][: nu + 1]):
        expected = {
            "factors": k,
            "from_neighbour": l_max * k,
            "from_others": l_max * (nu - k),
            "allowed": min(l_max * k, l_max * (nu - k)),
        }
        for key, value in expected.items():
            findings += _compare(f"exclusion[{k}].{key}", split[key], value)
    findings += _witness_findings(data["witness"], nu, l_max, bound)
    findings += unnatural_findings(data["unnatural"], nu, l_max)
    for i, reach in enumerate(data["reaches"]):
        findings += reach_findings(f"reaches[{i}]", reach, nu, l_max)
    for i, share in enumerate(data["shares"]):
        findings += _share_findings(f"shares[{i}]", share, nu, l_max)
    return findings


def _compare(where: str, given: object, expected: object) -> list[str]:
    return [] if given == expected else [f"{where}: {expected} is expected, {given} is found"]


# Graphs and polynomials in cosines.


def _graph_problem(graph: list[list[int]], vertices: int) -> str:
    """Say what keeps a list of edges from being a multigraph; empty if nothing does."""
    for edge in graph:
        if len(edge) != 3 or not edge[0] < edge[1] < vertices or edge[2] < 1:
            return f"{edge} is no edge (first < second < {vertices}, multiplicity of at least 1)"
    if len({tuple(edge[:2]) for edge in graph}) < len(graph):
        return "an edge is listed twice"
    return ""


def _vertex_degrees(graph: _Graph, vertices: int) -> list[int]:
    counts = [0] * vertices
    for v, w, count in graph:
        counts[v] += count
        counts[w] += count
    return counts


@lru_cache(maxsize=4096)
def _assigned(graph: _Graph, vertices: int, neighbours: int) -> _Polynomial:
    """Sum over all assignments of neighbours to vertices of the product of cosines over the edges."""
    places = {pair: i for i, pair in enumerate(combinations(range(neighbours), 2))}
    total: defaultdict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    used = sorted({vertex for v, w, _ in graph for vertex in (v, w)})
    for chosen in product(range(neighbours), repeat=len(used)):
        where = dict(zip(used, chosen, strict=True))
        exponents = [0] * len(places)
        for v, w, count in graph:
            if where[v] != where[w]:
                exponents[places[min(where[v], where[w]), max(where[v], where[w])]] += count
        total[tuple(exponents)] += neighbours ** (vertices - len(used))
    return dict(total)


@lru_cache(maxsize=4096)
def _renumbered(graph: _Graph, neighbours: int) -> _Polynomial:
    """Sum of the monomials of all distinct renumberings of a graph on the neighbours."""
    places = {pair: i for i, pair in enumerate(combinations(range(neighbours), 2))}
    images = set()
    for order in permutations(range(neighbours)):
        exponents = [0] * len(places)
        for v, w, count in graph:
            exponents[places[min(order[v], order[w]), max(order[v], order[w])]] += count
        images.add(tuple(exponents))
    return dict.fromkeys(images, Fraction(1))


def _all_graphs(vertices: int, allowed: Callable[[_Graph], bool]) -> set[_Graph]:
    """List all allowed multigraphs up to numbering by adding edges one by one; with a graph its parts must be allowed."""
    listed: set[_Graph] = {()}
    recent: set[_Graph] = {()}
    while recent:
        following = set()
        for graph in recent:
            for pair in combinations(range(vertices), 2):
                edges = {(a, b): count for a, b, count in graph}
                edges[pair] = edges.get(pair, 0) + 1
                if allowed(tuple((a, b, count) for (a, b), count in edges.items())):
                    following.add(_numbered(edges, vertices))
        recent = following - listed
        listed |= recent
    return listed


def _numbered(edges: dict[tuple[int, int], int], vertices: int) -> _Graph:
    """Number vertices by what is the same in every numbering, ties by trying all orders of the tied ones."""
    around: dict[int, list[int]] = {v: [] for v in range(vertices)}
    for (a, b), count in edges.items():
        around[a].append(count)
        around[b].append(count)
    kinds = {v: tuple(sorted(counts, reverse=True)) for v, counts in around.items()}
    groups = [
        [v for v in range(vertices) if kinds[v] == kind] for kind in sorted(set(kinds.values()), reverse=True)
    ]
    best: _Graph | None = None
    for orders in product(*(permutations(group) for group in groups)):
        place = {v: i for i, v in enumerate(v for order in orders for v in order)}
        graph = tuple(
            sorted(
                (min(place[a], place[b]), max(place[a], place[b]), count) for (a, b), count in edges.items()
            )
        )
        if best is None or graph > best:
            best = graph
    return best or ()


@lru_cache(maxsize=16)
def _space(nu: int, l_max: int, neighbours: int, alike: bool) -> list[_Polynomial]:
    """List functions that span the energies which permutations of neighbours leave unchanged."""
    if l_max == 0:
        return []
    if alike:
        graphs = _all_graphs(nu, lambda graph: max(_vertex_degrees(graph, nu)) <= l_max)
        return [_assigned(graph, nu, neighbours) for graph in graphs]
    graphs = _all_graphs(neighbours, lambda graph: _factors(graph, l_max, neighbours) <= nu)
    return [_renumbered(graph, neighbours) for graph in graphs]


def _factors(graph: _Graph, l_max: int, neighbours: int) -> int:
    """How many factors a product of cosines takes: every neighbour's degree over l_max, rounded up."""
    return sum((count + l_max - 1) // l_max for count in _vertex_degrees(graph, neighbours))


# Means over directions, in coordinates.


def _odd_factorial(n: int) -> int:
    return prod(range(n, 0, -2))


def _moment(a: int, b: int, c: int) -> Fraction:
    if a % 2 or b % 2 or c % 2:
        return Fraction(0)
    above = _odd_factorial(a - 1) * _odd_factorial(b - 1) * _odd_factorial(c - 1)
    return Fraction(above, _odd_factorial(a + b + c + 1))


@lru_cache(maxsize=1 << 17)
def _mean(exponents: tuple[int, ...], neighbours: int) -> Fraction:
    """Mean of a product of cosines; direction 0 is the pole, so its cosines are coordinates z of the others."""
    pairs = list(combinations(range(neighbours), 2))
    counts = [0] * neighbours
    for (j, k), count in zip(pairs, exponents, strict=True):
        counts[j] += count
        counts[k] += count
    if any(count % 2 for count in counts):
        return Fraction(0)  # turning one direction round changes the sign
    inner = [(pair, count) for pair, count in zip(pairs, exponents, strict=True) if pair[0] > 0 and count]
    along_pole = {
        pair[1]: count for pair, count in zip(pairs, exponents, strict=True) if pair[0] == 0 and count
    }
    total = Fraction(0)
    for splits in product(*(_splits(count) for _, count in inner)):
        powers = {j: [0, 0, along_pole.get(j, 0)] for j in range(1, neighbours)}
        weight = 1
        for ((j, k), count), split in zip(inner, splits, strict=True):
            weight *= factorial(count) // prod(factorial(part) for part in split)
            for axis, part in enumerate(split):
                powers[j][axis] += part
                powers[k][axis] += part
        total += weight * prod((_moment(*power) for power in powers.values()), start=Fraction(1))
    return total


@lru_cache(maxsize=64)
def _splits(count: int) -> list[tuple[int, int, int]]:
    return [(a, b, count - a - b) for a in range(count + 1) for b in range(count + 1 - a)]


class _Overlaps:
    """Covariances of one polynomial with others; that with each monomial is worked out once."""

    def __init__(self, polynomial: _Polynomial, neighbours: int) -> None:
        self.polynomial, self.neighbours = polynomial, neighbours
        self.mean = sum((a * _mean(key, neighbours) for key, a in polynomial.items()), start=Fraction(0))
        self.known: dict[tuple[int, ...], Fraction] = {}

    def __call__(self, other: _Polynomial) -> Fraction:
        total = Fraction(0)
        for right, b in other.items():
            if right not in self.known:
                together = (
                    a * _mean(tuple(x + y for x, y in zip(left, right, strict=True)), self.neighbours)
                    for left, a in self.polynomial.items()
                )
                self.known[right] = sum(together, start=Fraction(0)) - self.mean * _mean(
                    right, self.neighbours
                )
            total += b * self.known[right]
        return total


# Terms, the witness, and shares.


def _legendre(l: int) -> dict[int, Fraction]:
    """P_l by its explicit sum: power -> coefficient."""
    return {
        l - 2 * k: Fraction((-1) ** k * comb(l, k) * comb(2 * l - 2 * k, l), 2**l) for k in range(l // 2 + 1)
    }


def _term(kind: str, degrees: list[int], neighbours: int) -> _Polynomial:
    pairs = list(combinations(range(neighbours), 2))
    total: defaultdict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    if kind == "pair":
        for pair, (power, value) in product(pairs, _legendre(degrees[0]).items()):
            total[tuple(power if other == pair else 0 for other in pairs)] += value
        return dict(total)
    for j, k, m in permutations(range(neighbours), 3):
        for (power, value), (other, factor) in product(
            _legendre(degrees[0]).items(), _legendre(degrees[1]).items()
        ):
            exponents = dict.fromkeys(pairs, 0)
            exponents[min(j, k), max(j, k)] += power
            exponents[min(j, m), max(j, m)] += other
            total[tuple(exponents.values())] += value * factor
    return dict(total)


def _witness_findings(witness: dict[str, Any], nu: int, l_max: int, bound: int) -> list[str]:
    problem = _graph_problem(witness["graph"], nu)
    if problem:
        return [f"witness.graph: {problem}"]
    graph = tuple(sorted(tuple(edge) for edge in witness["graph"]))
    if max(_vertex_degrees(graph, nu)) > l_max:
        return [f"witness.graph: a vertex has more than l_max = {l_max} edges"]
    polynomial = {power: value for (power,), value in _assigned(graph, nu, 2).items()}
    # Factors without an edge are numbers of neighbours; a certificate leaves them out.
    spare = 2 ** (nu - len({vertex for v, w, _ in graph for vertex in (v, w)}))
    written = [str(polynomial.get(power, Fraction(0)) / spare) for power in range(bound + 1)]
    findings = _compare("witness.polynomial", witness["polynomial"], written)
    component = Fraction(0)
    for power, value in polynomial.items():
        for other, factor in _legendre(bound).items():
            if (power + other) % 2 == 0:  # half the integral of c^n over [-1, 1] is 1 / (n + 1)
                component += value * factor * Fraction(2 * bound + 1, power + other + 1) / spare
    findings += _compare("witness.component", witness["component"], str(component))
    if not component:
        findings.append(f"witness.component: the invariant has no part P_{bound}, the bound is not attained")
    return findings


def _share_findings(where: str, share: dict[str, Any], nu: int, l_max: int) -> list[str]:
    kind, degrees, neighbours = share["term"]["kind"], share["term"]["l"], share["neighbours"]
    alike = share["alike"] == 1
    if len(degrees) != (1 if kind == "pair" else 2) or (kind == "product" and neighbours < 3):
        return [f"{where}.term: {kind} with l = {degrees} on {neighbours} neighbours is no term"]
    vertices = nu if alike else neighbours
    functions: list[_Polynomial] = []
    for i, part in enumerate(share["energy"]):
        name = f"{where}.energy[{i}].graph"
        problem = _graph_problem(part["graph"], vertices)
        if problem:
            return [f"{name}: {problem}"]
        graph = tuple(sorted(tuple(edge) for edge in part["graph"]))
        if alike and max(_vertex_degrees(graph, nu)) > l_max:
            return [f"{name}: a vertex has more than l_max = {l_max} edges"]
        if not alike and (l_max == 0 or _factors(graph, l_max, neighbours) > nu):
            return [f"{name}: its degrees take more than {nu} factors"]
        functions.append(_assigned(graph, nu, neighbours) if alike else _renumbered(graph, neighbours))
    term = _term(kind, degrees, neighbours)
    with_term = _Overlaps(term, neighbours)
    variance = with_term(term)
    findings = _compare(f"{where}.variance", share["variance"], str(variance))
    rows = [_Overlaps(function, neighbours) for function in functions]
    gram = [[str(row(function)) for function in functions] for row in rows]
    findings += _compare(f"{where}.gram", share["gram"], gram)
    residual = defaultdict(Fraction, term)
    for i, (part, function) in enumerate(zip(share["energy"], functions, strict=True)):
        overlap = str(with_term(function))
        findings += _compare(f"{where}.energy[{i}].covariance", part["covariance"], overlap)
        for key, value in function.items():
            residual[key] -= Fraction(part["coefficient"]) * value
    left = {key: value for key, value in residual.items() if value}
    with_left = _Overlaps(left, neighbours)
    if any(with_left(energy) for energy in _space(nu, l_max, neighbours, alike)):
        findings.append(
            f"{where}.energy: what is left of the term is not orthogonal to all energies, so another energy does better"
        )
    best = 1 - with_left(left) / variance
    return findings + _compare(f"{where}.share", share["share"], str(best))
