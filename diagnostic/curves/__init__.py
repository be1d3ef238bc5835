"""Learning curves: what limits the height below the ceiling, by features, coefficients, frames and rotations.

Enters: frames and a backbone. Leaves: R2 against each resource, and a sentence about what limits.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .learning_curve import learning_curves as learning_curves
    from .plan import LearningCurveSettings as LearningCurveSettings
    from .result_object import LearningCurves as LearningCurves

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "learning_curve": ["learning_curves"],
        "plan": ["LearningCurveSettings"],
        "result_object": ["LearningCurves"],
    },
)
