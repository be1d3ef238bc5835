"""Whole models on synthetic graphs: what an architecture learns of an angular term, beside what theory lets it.

Enters: settings only; every configuration is drawn. Leaves: one row for each term, beside an exact share, and a page.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .calibrate import calibrate_models as calibrate_models
    from .plan import ModelPlan as ModelPlan
    from .result_object import ModelCalibration as ModelCalibration

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "calibrate": ["calibrate_models"],
        "plan": ["ModelPlan"],
        "result_object": ["ModelCalibration"],
    },
)
