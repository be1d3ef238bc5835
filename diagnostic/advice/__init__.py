"""Advice: which knob limits a force field, from data before anything is trained, or from the errors of a trained model.

Enters: structures with forces, and a backbone or none. Leaves: what higher degrees, more radial channels, a third order and a
longer cutoff hold, each with the same number of coefficients, and a verdict.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .advise import advise_data as advise_data
    from .imitation import imitate as imitate
    from .result_object import AdviceResult as AdviceResult
    from .settings import AdviceSettings as AdviceSettings

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "advise": ["advise_data"],
        "imitation": ["imitate"],
        "result_object": ["AdviceResult"],
        "settings": ["AdviceSettings"],
    },
)
