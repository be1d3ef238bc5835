"""What a run leaves behind: files written whole or not at all, run directories that resume, versions, shipped assets.

Enters: plain data and a folder. Leaves: files on disk, and the same data read back, hashes checked. Knows no other room.
"""

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .job_result import JobResult as JobResult
    from .progress import Progress as Progress
    from .run_directory import RunDirectory as RunDirectory

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "job_result": ["JobResult"],
        "progress": ["Progress"],
        "run_directory": ["RunDirectory"],
    },
)
