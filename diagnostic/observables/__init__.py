"""What a simulation measures: orientations, torques, drift, distances, correlations, spectra, each with its statistical error.

Enters: a ``Trajectory``, molecules. Leaves: rows of plain data with errors, beside the isotropic answer where it is exact.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .measure import OBSERVABLES as OBSERVABLES
    from .measure import measure_observables as measure_observables
    from .relaxed import relaxed_energies as relaxed_energies
    from .settings import TOLERANCES as TOLERANCES
    from .settings import ObservableSettings as ObservableSettings
    from .statistics import Estimate as Estimate
    from .statistics import blocked as blocked
    from .statistics import blocked_columns as blocked_columns

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "measure": ["OBSERVABLES", "measure_observables"],
        "relaxed": ["relaxed_energies"],
        "settings": ["TOLERANCES", "ObservableSettings"],
        "statistics": ["Estimate", "blocked", "blocked_columns"],
    },
)
