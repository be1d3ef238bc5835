r"""Certificates of what a convolution of SO(2) with orders up to m_max keeps of the couplings from l_in to l_out, as JSON.

The matrix :math:`\langle l_{in} m\, l_{out}\, {-m} | l\, 0 \rangle`, rows m and columns l, is written out. Replayed is that its
columns are eigenvectors of :math:`J^2` of length 1: it is orthogonal, so that its rows are independent and dimensions are
numbers of rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .errors import InputError
from .so2 import MOST_L, SO2Couplings, so2_couplings, so2_table

#: Name and version of the format; the verifier accepts this version only.
SO2_SCHEMA = "spectral-ceilings/so2-certificate/1"


@dataclass(frozen=True)
class SO2Certificate:
    """The couplings of one pair with the matrix that shows them; made by `so2_certificate`.

    Attributes
    ----------
    couplings
        The pair, m_max, and what is kept.
    """

    couplings: SO2Couplings

    @property
    def name(self) -> str:
        """File name that the command line writes it under."""
        pair = self.couplings
        return f"so2_in{pair.l_in}_out{pair.l_out}_m{pair.m_max}.json"

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as data for JSON; the format is described by ``so2_certificate.schema.json``."""
        pair = self.couplings
        rows = so2_couplings(pair.l_in, pair.l_out).basis()
        top = min(pair.l_in, pair.l_out)
        return {
            "schema": SO2_SCHEMA,
            "l_in": pair.l_in,
            "l_out": pair.l_out,
            "m_max": pair.m_max,
            "couplings": pair.full,
            "kept": pair.kept,
            "lost": pair.lost,
            "bandwidth": pair.bandwidth,
            "torsion_order": pair.torsion_order,
            "paths": list(pair.paths),
            "rows": [
                {"m": m, "entries": [value.to_json() for value in row]}
                for m, row in zip(range(-top, top + 1), rows, strict=True)
            ],
        }

    def to_json(self) -> str:
        """Return the certificate as JSON text, the same bytes every time."""
        return json.dumps(self.to_dict(), indent=1) + "\n"


def so2_certificate(l_in: int, l_out: int, m_max: int | None = None) -> SO2Certificate:
    """Build the certificate of one pair, l up to 16.

    Raises
    ------
    InputError
        If an argument is not an integer of at least 0, or an l is above 16.

    Examples
    --------
    >>> so2_certificate(6, 6, 2).to_dict()["kept"]
    5
    """
    couplings = so2_couplings(l_in, l_out, m_max)
    if max(couplings.l_in, couplings.l_out, couplings.m_max) > MOST_L:
        labels = (couplings.l_in, couplings.l_out, couplings.m_max)
        raise InputError(
            f"l_in, l_out, m_max = {labels} are beyond what is certified: give at most {MOST_L} for each"
        )
    return SO2Certificate(couplings)


def so2_certificates(l_max: int, m_max: int) -> Iterator[SO2Certificate]:
    """Build the certificates of all pairs up to l_max, one after the other.

    Raises
    ------
    InputError
        At once, if an argument is not an integer of at least 0, or above 16.
    """
    so2_certificate(l_max, l_max, m_max)
    return (SO2Certificate(couplings) for couplings in so2_table(l_max, m_max))
