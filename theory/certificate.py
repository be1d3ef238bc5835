"""Certificates of the span theorem: everything a sceptic needs to replay it for one (degree, l_max), as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import Any

from ._checks import require_degree, require_l_max
from .couplings import stretched_coefficient
from .errors import InputError
from .multiplicity import formal_multiplicities, realised_multiplicities, relation_multiplicities
from .span import Span, Witness, span

#: Largest degree * l_max that is certified and replayed: seconds for each.
MAX_CERTIFIED = 256

#: Name and version of the format; `spectral_ceilings.theory.verify` accepts this one only.
SCHEMA = "spectral-ceilings/span-certificate/1"


@dataclass(frozen=True)
class SpanCertificate:
    """The span theorem for one (degree, l_max), with witnesses, exclusion and counts; made by `build_certificate`.

    Attributes
    ----------
    degree, l_max
        Polynomial degree d and highest l of the features, L.
    theorem
        Reachable degrees with witnesses, and the closure that excludes all others.
    formal, realised, relations
        Multiplicities at l = 0..dL: among abstract polynomials, on the sphere, and their difference.
    """

    degree: int
    l_max: int
    theorem: Span
    formal: tuple[int, ...]
    realised: tuple[int, ...]
    relations: tuple[int, ...]

    @property
    def name(self) -> str:
        """File name that the command line writes it under."""
        return f"span_d{self.degree}_L{self.l_max}.json"

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as data for JSON; the format is described by ``span_certificate.schema.json``."""
        variables = (self.l_max + 1) ** 2
        return {
            "schema": SCHEMA,
            "degree": self.degree,
            "l_max": self.l_max,
            "boundary": self.degree * self.l_max,
            "dimension": self.theorem.dimension,
            "normalisation": "component",
            "witnesses": [_witness(witness) for witness in self.theorem.witnesses],
            "exclusion": {"closure": [list(degrees) for degrees in self.theorem.closure]},
            "counts": {
                "formal": list(self.formal),
                "realised": list(self.realised),
                "relations": list(self.relations),
                "formal_dimension": comb(variables + self.degree - 1, self.degree),
            },
        }

    def to_json(self) -> str:
        """Return the certificate as JSON text, the same bytes every time."""
        return json.dumps(self.to_dict(), indent=1) + "\n"


def _witness(witness: Witness) -> dict[str, Any]:
    return {
        "l": witness.l,
        "factors": list(witness.factors),
        "chain": [
            {
                "left": step.left,
                "right": step.right,
                "result": step.result,
                "zero_coupling": stretched_coefficient(step.left, step.right).to_json(),
                "coefficient": step.coefficient.to_json(),
            }
            for step in witness.chain
        ],
        "coefficient": witness.coefficient.to_json(),
    }


def _certified(degree: int, l_max: int) -> tuple[int, int]:
    """Return (degree, l_max) as ints; refuse what is beyond `MAX_CERTIFIED`."""
    degree, l_max = require_degree(degree), require_l_max(l_max)
    if degree * l_max > MAX_CERTIFIED:
        raise InputError(
            f"degree * l_max = {degree} * {l_max} is beyond what is certified: keep the product at or below {MAX_CERTIFIED}"
        )
    return degree, l_max


def build_certificate(degree: int, l_max: int) -> SpanCertificate:
    """Build the certificate of the span theorem for one pair.

    Parameters
    ----------
    degree, l_max
        Polynomial degree d >= 1 and highest l of the features, L >= 0.

    Raises
    ------
    InputError
        If an argument is not an integer, too small, or degree * l_max is beyond exact tables.

    Examples
    --------
    >>> certificate = build_certificate(2, 2)
    >>> certificate.theorem.reachable, certificate.formal
    ((0, 1, 2, 3, 4), (3, 2, 4, 1, 1))
    """
    degree, l_max = _certified(degree, l_max)
    return SpanCertificate(
        degree,
        l_max,
        span(degree, l_max),
        formal_multiplicities(degree, l_max),
        realised_multiplicities(degree, l_max),
        relation_multiplicities(degree, l_max),
    )


def build_certificates(max_degree: int, max_l: int) -> Iterator[SpanCertificate]:
    """Build the certificates of all pairs up to (max_degree, max_l), l_max from 1, one after the other.

    Raises
    ------
    InputError
        At once, if a bound is not an integer of at least 1 or the largest pair is beyond exact tables.
    """
    max_degree, max_l = _certified(max_degree, max_l)
    if max_l < 1:
        raise InputError("max_l = 0 leaves no pair: give at least 1")
    return (
        build_certificate(degree, l_max)
        for degree in range(1, max_degree + 1)
        for l_max in range(1, max_l + 1)
    )
