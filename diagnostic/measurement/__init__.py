"""The measurement of a diagnosis: settings, cells, rows, controls, verdicts, and the form of its result.

Enters: frames, a backbone, ``DiagnoseSettings``. Leaves: rows of the recovery table, and the verdict against the ceiling.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .result import RECOVERY_COLUMNS as RECOVERY_COLUMNS
    from .result import validate as validate
    from .saved_errors import SavedRun as SavedRun
    from .saved_errors import intervals as intervals
    from .settings import DiagnoseSettings as DiagnoseSettings

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "result": ["RECOVERY_COLUMNS", "validate"],
        "saved_errors": ["SavedRun", "intervals"],
        "settings": ["DiagnoseSettings"],
    },
)
