"""Every claim of the paper: procedure, criterion, measured value, verdict.

Import from here; the modules behind it are

- `registry` with ``claims.toml``: the claims, each with a criterion that was written before it was measured;
- `theorems`, `calibration`, `aspirin`, `backbones`, `depth`, `molecules`, `isolation`, `cost`, `bandwidth`: the checks;
- `paper`, `run`, `context`, `effort`, `measures`: what runs them, and what they share;
- `outcome`, `charts`, `report`, `result_object`: what they give back, and how it is shown.
"""

from typing import TYPE_CHECKING

from ..diagnostic.records.lazy import lazy_names

if TYPE_CHECKING:
    from .bandwidth import force_bandwidth as force_bandwidth
    from .bandwidth import sufficient_degree as sufficient_degree
    from .context import Context as Context
    from .outcome import Chart as Chart
    from .outcome import Line as Line
    from .outcome import Outcome as Outcome
    from .outcome import Value as Value
    from .paper import check_paper as check_paper
    from .registry import Claim as Claim
    from .registry import claims as claims
    from .result_object import PaperResult as PaperResult
    from .run import Checked as Checked
    from .run import run_claims as run_claims

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "bandwidth": ["force_bandwidth", "sufficient_degree"],
        "context": ["Context"],
        "outcome": ["Chart", "Line", "Outcome", "Value"],
        "paper": ["check_paper"],
        "registry": ["Claim", "claims"],
        "result_object": ["PaperResult"],
        "run": ["Checked", "run_claims"],
    },
)
