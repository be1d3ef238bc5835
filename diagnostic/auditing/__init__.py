"""The audit of a backbone: rotation spectra of layers, random readouts and outputs; nothing is fitted.

Enters: frames and a backbone. Leaves: power by l, equivariance errors with bounds, verdicts against exact ceilings.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .result import AuditSettings as AuditSettings
    from .result_object import Audit as Audit

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "result": ["AuditSettings"],
        "result_object": ["Audit"],
    },
)
