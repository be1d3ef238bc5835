"""Irreps of O(3) written as e3nn writes them ("16x0e+16x1o"), parsed exactly and without e3nn."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import InputError

_TERM = re.compile(r"(?:(?P<copies>[0-9]+)x)?(?P<l>[0-9]+)(?P<parity>[eo])")
_SHAPE = 'write terms such as "16x0e" or "1o" joined by "+", e for even and o for odd parity'

#: Largest degree and number of channels accepted in an irreps string: beyond any network, and affordable.
_MAX_L, _MAX_COPIES = 256, 10**9


@dataclass(frozen=True, slots=True, order=True)
class Irrep:
    """`copies` channels of the irrep of O(3) with degree `l` and `parity` +1 (even) or -1 (odd)."""

    copies: int
    l: int
    parity: int

    def __str__(self) -> str:
        return f"{self.copies}x{self.l}{'e' if self.parity == 1 else 'o'}"


def parse_irreps(irreps: str) -> tuple[Irrep, ...]:
    """Read an irreps string.

    Parameters
    ----------
    irreps
        Terms ``COPIESxDEGREEPARITY`` joined by ``+``, as e3nn prints them; copies are 1 if left out. Terms
        with zero copies are dropped.

    Returns
    -------
    tuple of Irrep
        In the order of the string.

    Raises
    ------
    InputError
        If the text is not of that form, or nothing is left.

    Examples
    --------
    >>> [str(term) for term in parse_irreps("16x0e + 1o")]
    ['16x0e', '1x1o']
    """
    if not isinstance(irreps, str):
        raise InputError(f"irreps = {irreps!r} is not text: {_SHAPE}")
    terms = []
    for text in irreps.split("+"):
        match = _TERM.fullmatch(text.strip())
        if match is None:
            raise InputError(f"irreps {irreps!r}: {text.strip()!r} is not an irrep; {_SHAPE}")
        digits = match["copies"] or "1"
        if len(digits) > 10 or len(match["l"]) > 4 or int(digits) > _MAX_COPIES or int(match["l"]) > _MAX_L:
            raise InputError(
                f"irreps term {text.strip()!r} is too large: at most {_MAX_COPIES} channels with l at "
                f"most {_MAX_L}"
            )
        if copies := int(digits):
            terms.append(Irrep(copies, int(match["l"]), 1 if match["parity"] == "e" else -1))
    if not terms:
        raise InputError(f"irreps {irreps!r} holds no channel: {_SHAPE}")
    return tuple(terms)


def format_irreps(terms: Iterable[Irrep]) -> str:
    """Return the irreps string of `terms`, the inverse of `parse_irreps`."""
    return "+".join(str(term) for term in terms)
