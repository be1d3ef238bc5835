"""The page and the figures of a diagnosis.

Enters: the content of ``result.json``. Leaves: ``report.html`` and ``figures/``. Measures nothing.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .figures import write_figures as write_figures
    from .report import render_report as render_report
    from .report import write_report as write_report
    from .result_object import Diagnosis as Diagnosis

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "figures": ["write_figures"],
        "report": ["render_report", "write_report"],
        "result_object": ["Diagnosis"],
    },
)
