"""How symmetric any calculator is, what averaging over rotations leaves, and models without symmetry.

Enters: an ASE calculator and structures. Leaves: E_rot and F_rot for every l with errors, remedies with their cost.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .audit import symmetry_audit as symmetry_audit
    from .calculators import load_calculator as load_calculator
    from .calculators import read_structures as read_structures
    from .result import SymmetrySettings as SymmetrySettings
    from .result_object import SymmetryAudit as SymmetryAudit

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "audit": ["symmetry_audit"],
        "calculators": ["load_calculator", "read_structures"],
        "result": ["SymmetrySettings"],
        "result_object": ["SymmetryAudit"],
    },
)
