"""The statistics: sums of squared errors frame by frame, resampled into R2, rho, gains and exact tests.

Enters: ``ErrorSums`` of held-out frames. Leaves: values with intervals and p-values. Knows nothing of how they were fitted.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .error_sums import ErrorSums as ErrorSums
    from .exact_tests import sign_flip as sign_flip
    from .hierarchy import Bootstrap as Bootstrap
    from .hierarchy import Interval as Interval

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "error_sums": ["ErrorSums"],
        "exact_tests": ["sign_flip"],
        "hierarchy": ["Bootstrap", "Interval"],
    },
)
