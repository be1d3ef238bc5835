"""Injected force fields of known l, and the orientations at which frames are used.

Enters: frames and marks. Leaves: signals ``(frames, atoms, (l_top + 1)^2)`` and lab targets at Haar-random orientations.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .angular_terms import angular_fields as angular_fields
    from .fields import impurity as impurity
    from .fields import signals as signals

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "angular_terms": ["angular_fields"],
        "fields": ["impurity", "signals"],
    },
)
