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
    from .coupling_values import judge_couplings as judge_couplings
    from .harmonic_values import judge_harmonics as judge_harmonics
    from .packages import PACKAGES as PACKAGES
    from .packages import coupling_tables as coupling_tables
    from .report import tables_report as tables_report
    from .values import Source as Source
    from .values import judge_sources as judge_sources
    from .wigner_values import judge_wigner as judge_wigner

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "completeness": ["Completeness", "judge_table"],
        "coupling_table": ["CouplingTable"],
        "coupling_values": ["judge_couplings"],
        "harmonic_values": ["judge_harmonics"],
        "packages": ["PACKAGES", "coupling_tables"],
        "report": ["tables_report"],
        "values": ["Source", "judge_sources"],
        "wigner_values": ["judge_wigner"],
    },
)
