"""How a model is trained, and what is told on the way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ...theory.errors import InputError


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. A cosine from ``learning_rate`` to a hundredth of it over ``steps``; EMA weights are kept."""

    steps: int = 4000
    batch_size: int = 5
    learning_rate: float = 0.01
    ema_decay: float = 0.99
    validate_every: int = 250
    patience: int = 8
    force_weight: float = 1.0
    energy_weight: float = 0.1
    seed: int = 0
    stress_weight: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "validate_every", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name} is {value!r}, expected an integer >= 1")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed!r}, expected an integer from 0 to {2**63 - 1}")
        if not 0.0 < self.learning_rate < 1.0:
            raise InputError(f"learning_rate is {self.learning_rate}, expected a number between 0 and 1")
        if not 0.0 <= self.stress_weight < float("inf"):
            raise InputError(f"stress_weight is {self.stress_weight}, expected a number of at least 0")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data; without the weight of stress where none is trained on."""
        taken = asdict(self)
        if not self.stress_weight:
            del taken["stress_weight"]
        return taken


@dataclass(frozen=True)
class Progress:
    """What the progress callback gets after each validation."""

    step: int
    steps: int
    force_mae: float
    best: float
    seconds: float
