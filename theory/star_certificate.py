"""Certificates of what the energy of one layer on a star can hold, for one (correlation, l_max), as JSON.

Four things can be replayed: the table that excludes every l of one direction above the bound, an invariant that attains it, the
bounds of several layers and of unnatural parity, and exact shares of angular terms. A share is replayed without trust: its
energy is written out, and what is left of the term is orthogonal to every energy of the space (multigraphs are few), so that no
energy does better.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb
from typing import Any, Literal

from ._checks import require_int, require_l_max
from .angular_terms import PairTerm, ProductTerm, StarTerm, legendre
from .cosines import covariance, pairs
from .errors import InputError
from .graph_reach import reach_on_graph, unnatural_input_bound
from .shares import MAX_CORRELATION, MAX_FACTORS_DEGREE, Space, generators, projection

#: Name and version of the format; the verifier accepts this version only.
STAR_SCHEMA = "spectral-ceilings/star-certificate/1"

#: Products of two angles whose shares every certificate states.
PRODUCTS = ((1, 1), (1, 2), (2, 2))


@dataclass(frozen=True)
class CertifiedShare:
    """The best energy for one term, written out.

    Attributes
    ----------
    term, neighbours, alike
        As of `best_share`.
    energy
        (multigraph, coefficient, covariance with the term) of the functions that the energy adds up.
    gram
        Covariances of these functions.
    variance, share
        The term's variance, and the best R2.
    """

    term: StarTerm
    neighbours: int
    alike: bool
    energy: tuple[tuple[tuple[tuple[int, int, int], ...], Fraction, Fraction], ...]
    gram: tuple[tuple[Fraction, ...], ...]
    variance: Fraction
    share: Fraction

    def to_dict(self) -> dict[str, Any]:
        """Return the share as data for JSON."""
        term = self.term
        degrees = [term.l] if isinstance(term, PairTerm) else [term.l_first, term.l_second]
        return {
            "term": {"kind": "pair" if isinstance(term, PairTerm) else "product", "l": degrees},
            "neighbours": self.neighbours,
            "alike": int(self.alike),
            "energy": [
                {
                    "graph": [list(edge) for edge in graph],
                    "coefficient": str(value),
                    "covariance": str(overlap),
                }
                for graph, value, overlap in self.energy
            ],
            "gram": [[str(value) for value in row] for row in self.gram],
            "variance": str(self.variance),
            "share": str(self.share),
        }


@dataclass(frozen=True)
class CertifiedReach:
    """Bounds after some layers on a graph; arguments and values of `reach_on_graph`."""

    graph: Literal["star", "chain"]
    layers: int
    hidden_l_max: int | None
    message_l_max: int | None
    at_centre: int
    through_leaves: int

    def to_dict(self) -> dict[str, Any]:
        """Return the bounds as data for JSON; a cut that is not made is left out."""
        cuts = {"hidden_l_max": self.hidden_l_max, "message_l_max": self.message_l_max}
        return {
            "graph": self.graph,
            "layers": self.layers,
            **{name: cut for name, cut in cuts.items() if cut is not None},
            "bound": max(self.at_centre, self.through_leaves),
            "at_centre": self.at_centre,
            "through_leaves": self.through_leaves,
        }


@dataclass(frozen=True)
class StarCertificate:
    """What one layer's energy holds on a star, for one (correlation, l_max); made by `star_certificate`.

    Attributes
    ----------
    correlation, l_max, bound
        nu, L, and L floor(nu/2).
    witness
        Coefficients of the invariant that attains the bound, in powers of the cosine between two neighbours.
    component
        Its coefficient of P_b, not zero.
    unnatural
        Bounds of outputs of unnatural parity, for l_out = 0, 1, 2.
    reaches
        Bounds of several layers.
    shares
        Shares of angular terms.
    """

    correlation: int
    l_max: int
    bound: int
    witness: tuple[int, ...]
    component: Fraction
    unnatural: tuple[int, ...]
    reaches: tuple[CertifiedReach, ...]
    shares: tuple[CertifiedShare, ...]

    @property
    def name(self) -> str:
        """File name that the command line writes it under."""
        return f"star_nu{self.correlation}_L{self.l_max}.json"

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as data for JSON; the format is described by ``star_certificate.schema.json``."""
        nu, l_max = self.correlation, self.l_max
        return {
            "schema": STAR_SCHEMA,
            "correlation": nu,
            "l_max": l_max,
            "bound": self.bound,
            "exclusion": [
                {
                    "factors": k,
                    "from_neighbour": k * l_max,
                    "from_others": (nu - k) * l_max,
                    "allowed": min(k, nu - k) * l_max,
                }
                for k in range(nu + 1)
            ],
            "witness": {
                "graph": [[2 * i, 2 * i + 1, l_max] for i in range(nu // 2)] if l_max else [],
                "polynomial": [str(value) for value in self.witness],
                "component": str(self.component),
            },
            "unnatural": list(self.unnatural),
            "reaches": [reach.to_dict() for reach in self.reaches],
            "shares": [share.to_dict() for share in self.shares],
        }

    def to_json(self) -> str:
        """Return the certificate as JSON text, the same bytes every time."""
        return json.dumps(self.to_dict(), indent=1) + "\n"


def certified_share(term: StarTerm, space: Space) -> CertifiedShare:
    """Write out the best energy of a space for a term."""
    neighbours, alike = space.neighbours, space.kind == "alike"
    best = projection(term, space)
    target = term.polynomial(neighbours)
    chosen = [(generators(space)[index], value) for index, value in best.coefficients.items()]
    numbering = pairs(space.correlation if alike else neighbours)
    return CertifiedShare(
        term,
        neighbours,
        alike,
        tuple(
            (
                tuple(
                    (v, w, count) for (v, w), count in zip(numbering, generator.graph, strict=True) if count
                ),
                value,
                covariance(target, generator.polynomial, neighbours),
            )
            for generator, value in chosen
        ),
        tuple(
            tuple(covariance(left.polynomial, right.polynomial, neighbours) for right, _ in chosen)
            for left, _ in chosen
        ),
        best.variance,
        best.share,
    )


def certified_reaches(
    correlation: int, l_max: int, layers: int, hidden_l_max: int | None
) -> tuple[CertifiedReach, ...]:
    """Return the bounds of 1 to `layers` layers on stars and chains; with `hidden_l_max` messages are cut off at L, too."""
    message = None if hidden_l_max is None else l_max
    reaches = []
    graphs: tuple[Literal["star", "chain"], ...] = ("star", "chain")
    for graph, count in product(graphs, (*range(1, layers), layers)):
        reach = reach_on_graph(
            graph, correlation, l_max, count, hidden_l_max=hidden_l_max, message_l_max=message
        )
        centre, leaves = reach.at_centre or 0, reach.through_leaves or 0
        reaches.append(CertifiedReach(graph, count, hidden_l_max, message, centre, leaves))
    return tuple(reaches)


def star_certificate(
    correlation: int, l_max: int, neighbours: int = 3, *, layers: int = 2, hidden_l_max: int | None = None
) -> StarCertificate:
    """Build the certificate of one (correlation, l_max).

    Parameters
    ----------
    correlation, l_max
        Degree nu of the energy and highest l of its harmonics, L.
    neighbours
        Neighbours of the star on which shares are stated: of pair terms up to one above the bound, and of products of two angles.
    layers, hidden_l_max
        Bounds for 1 to this many layers, and the highest l of features between them (messages are then cut off at L, as in
        MACE); None: nothing is cut off.

    Raises
    ------
    InputError
        If an argument is wrong or the setting is beyond what is computed exactly.

    Examples
    --------
    >>> certificate = star_certificate(4, 1)
    >>> certificate.bound, certificate.witness, certificate.component
    (2, (4, 8, 4), Fraction(8, 3))
    """
    correlation, l_max = require_int("correlation", correlation, 1), require_l_max(l_max)
    _require_affordable(correlation, l_max, neighbours)
    reaches = certified_reaches(correlation, l_max, layers, hidden_l_max)
    half = correlation // 2 if l_max else 0
    bound = l_max * half
    # (M_L . M_L)^half of two neighbours: (2 + 2 c^L)^half.
    witness = [0] * (bound + 1)
    for i in range(half + 1):
        witness[i * l_max] += comb(half, i) * 2**half
    terms: list[StarTerm] = [PairTerm(l) for l in range(1, bound + 2)]
    terms += [ProductTerm(*degrees) for degrees in PRODUCTS]
    shares = tuple(
        certified_share(term, Space(kind, correlation, l_max, neighbours))
        for kind in ("alike", "apart")
        for term in terms
    )
    return StarCertificate(
        correlation,
        l_max,
        bound,
        tuple(witness),
        witness[bound] / legendre(bound)[bound],
        tuple(unnatural_input_bound(correlation, l_max, l_out) for l_out in range(3)),
        reaches,
        shares,
    )


def star_certificates(
    max_correlation: int,
    max_l: int,
    neighbours: int = 3,
    *,
    layers: int = 2,
    hidden_l_max: int | None = None,
) -> Iterator[StarCertificate]:
    """Build the certificates of all pairs up to (max_correlation, max_l), l_max from 1, one after the other.

    Raises
    ------
    InputError
        At once, if an argument is wrong or the largest pair is beyond what is computed exactly.
    """
    max_correlation, max_l = (
        require_int("max_correlation", max_correlation, 1),
        require_int("max_l", max_l, 1),
    )
    _require_affordable(max_correlation, max_l, neighbours)
    certified_reaches(
        max_correlation, max_l, layers, hidden_l_max
    )  # refuses what is wrong before the work begins
    return (
        star_certificate(correlation, l_max, neighbours, layers=layers, hidden_l_max=hidden_l_max)
        for correlation in range(1, max_correlation + 1)
        for l_max in range(1, max_l + 1)
    )


def _require_affordable(correlation: int, l_max: int, neighbours: object) -> None:
    if (
        require_int("neighbours", neighbours, 3) > 4
        or correlation > MAX_CORRELATION
        or correlation * l_max > MAX_FACTORS_DEGREE
    ):
        raise InputError(
            f"correlation = {correlation}, l_max = {l_max}, neighbours = {neighbours} take too long exactly: keep correlation at "
            f"or below {MAX_CORRELATION}, correlation * l_max at or below {MAX_FACTORS_DEGREE}, neighbours at or below 4"
        )
