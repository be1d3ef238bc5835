"""What a force field makes of short distances, vibrations, long runs and a liquid, against the calculator of its data.

Enters: a model and a reference as ASE calculators, a structure. Leaves: a verdict on each of four artefacts.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .job import measure_artefacts as measure_artefacts
    from .result_object import Artefacts as Artefacts
    from .runs import run_trajectory as run_trajectory
    from .settings import ArtefactSettings as ArtefactSettings
    from .subject import read_subject as read_subject

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "job": ["measure_artefacts"],
        "result_object": ["Artefacts"],
        "settings": ["ArtefactSettings"],
        "subject": ["read_subject"],
        "runs": ["run_trajectory"],
    },
)
