"""Calibration: numbers that an implementation must show, and networks trained where the answer is 0 or 1.

Enters: settings only; every field is synthetic. Leaves: tables beside theory, figures and a page.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .calibrate import calibrate_trained as calibrate_trained
    from .plan import CalibrationPlan as CalibrationPlan
    from .result_object import Calibration as Calibration
    from .result_object import SpanCalibration as SpanCalibration
    from .result_object import TrainedCalibration as TrainedCalibration

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "calibrate": ["calibrate_trained"],
        "plan": ["CalibrationPlan"],
        "result_object": ["Calibration", "SpanCalibration", "TrainedCalibration"],
    },
)
