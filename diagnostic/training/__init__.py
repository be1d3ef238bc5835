"""Small backbones trained on a user's frames, resumable, with a record of what was done.

Enters: frames, an architecture and its arguments. Leaves: a ``.safetensors`` file that ``backbones`` loads.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .angular_labels import AddedTerms as AddedTerms
    from .angular_labels import AngularTerms as AngularTerms
    from .angular_labels import learned as learned
    from .mace import MACETrainer as MACETrainer
    from .train import Trainer as Trainer
    from .train import TrainingSettings as TrainingSettings

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "angular_labels": ["AddedTerms", "AngularTerms", "learned"],
        "mace": ["MACETrainer"],
        "train": ["Trainer", "TrainingSettings"],
    },
)
