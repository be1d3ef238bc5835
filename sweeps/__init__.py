"""Sweeps: many trainings and diagnoses on one machine or a cluster, nothing lost, one table.

Enters: a YAML file or a mapping of stages. Leaves: a directory with one folder for each cell, a table and a page. Runs the
commands of ``ceilings`` by name; knows the numbers of none.
"""

from typing import TYPE_CHECKING

from ..diagnostic.records.lazy import lazy_names

if TYPE_CHECKING:
    from .collected import Collected as Collected
    from .definition import read_definition as read_definition
    from .gather import collect as collect
    from .run_sweep import retry as retry
    from .run_sweep import sweep as sweep
    from .store import Store as Store
    from .store import StoredCell as StoredCell
    from .sweep_result import SweepResult as SweepResult

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "collected": ["Collected"],
        "gather": ["collect"],
        "definition": ["read_definition"],
        "store": ["Store", "StoredCell"],
        "run_sweep": ["retry", "sweep"],
        "sweep_result": ["SweepResult"],
    },
)
