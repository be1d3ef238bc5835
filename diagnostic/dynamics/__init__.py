"""Molecular dynamics that can be killed and resumed: ensembles, cures of a broken symmetry, drivers, trajectories on disk.

Enters: atoms, an ASE calculator, settings. Leaves: a ``Trajectory``, the same to the last bit whether it was interrupted or not.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .copies import run_copies as run_copies
    from .cures import Cure as Cure
    from .cures import parse_cure as parse_cure
    from .every_step import run_trajectory as run_trajectory
    from .heating import random_rotation_heating as random_rotation_heating
    from .outer_step import fastest_period as fastest_period
    from .outer_step import outer_step_sentence as outer_step_sentence
    from .run import run_dynamics as run_dynamics
    from .settings import DynamicsSettings as DynamicsSettings
    from .storage import read_trajectory as read_trajectory
    from .trajectory import Trajectory as Trajectory

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "copies": ["run_copies"],
        "cures": ["Cure", "parse_cure"],
        "every_step": ["run_trajectory"],
        "heating": ["random_rotation_heating"],
        "outer_step": ["fastest_period", "outer_step_sentence"],
        "run": ["run_dynamics"],
        "settings": ["DynamicsSettings"],
        "storage": ["read_trajectory"],
        "trajectory": ["Trajectory"],
    },
)
