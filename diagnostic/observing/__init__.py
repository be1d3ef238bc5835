"""The job of observables: which are wrong in a model that breaks a symmetry, by how much, and what cures them.

Enters: a model, a structure, settings. Leaves: observables, predictions, cures with their cost, verdicts, a page.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .cures import compare_cures as compare_cures
    from .cures import cures_table as cures_table
    from .guarantees import sufficient_grid as sufficient_grid
    from .job import observe as observe
    from .result_object import Observation as Observation
    from .settings import ObserveSettings as ObserveSettings

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "cures": ["compare_cures", "cures_table"],
        "guarantees": ["sufficient_grid"],
        "job": ["observe"],
        "result_object": ["Observation"],
        "settings": ["ObserveSettings"],
    },
)
