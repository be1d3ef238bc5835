"""Finished diagnoses side by side: seeds, architectures, molecules.

Enters: run directories. Leaves: intervals over backbones, exact tests, the cliff ratio, a page.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .report import render_comparison as render_comparison
    from .report import write_comparison as write_comparison
    from .result_object import Comparison as Comparison

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "report": ["render_comparison", "write_comparison"],
        "result_object": ["Comparison"],
    },
)
