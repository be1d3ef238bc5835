"""Polynomials of bounded degree of frozen features: free, equivariant, and trained networks; ridge in closed form.

Enters: blocks of features, signals, orientations. Leaves: ``ErrorSums`` for every l, and the number of coefficients.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .compute import Compute as Compute
    from .equivariant import fit_equivariant as fit_equivariant
    from .free import fit_free as fit_free

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "compute": ["Compute"],
        "equivariant": ["fit_equivariant"],
        "free": ["fit_free"],
    },
)
