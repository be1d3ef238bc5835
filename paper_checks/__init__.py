"""Every claim of the paper: procedure, criterion, measured value, verdict.

Import from here; the modules behind it are

- `registry` with ``claims.toml``: the claims, each with a criterion that was written before it was measured;
- `theorems`, `calibration`, `aspirin`, `backbones`, `depth`, `molecules`, `isolation`, `cost`, `bandwidth`: the checks;
- `paper`, `run`, `context`, `effort`, `measures`: what runs them, and what they share;
- `outcome`, `charts`, `report`: what they give back, and how it is shown.
"""

from .outcome import Chart, Line, Outcome, Value
from .paper import check_paper
from .registry import Claim, claims
from .run import Checked

__all__ = ["Chart", "Checked", "Claim", "Line", "Outcome", "Value", "check_paper", "claims"]
