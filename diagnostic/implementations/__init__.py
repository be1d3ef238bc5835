"""Coupling tables of installed packages and of user modules, held against exact counts and exact values.

Enters: the name of a package, or a module of the user. Leaves: whether each table is complete and right,
and in which convention.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .completeness import Completeness as Completeness
    from .completeness import judge_table as judge_table
    from .coupling_table import CouplingTable as CouplingTable
    from .packages import PACKAGES as PACKAGES
    from .packages import coupling_tables as coupling_tables

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "completeness": ["Completeness", "judge_table"],
        "coupling_table": ["CouplingTable"],
        "packages": ["PACKAGES", "coupling_tables"],
    },
)
