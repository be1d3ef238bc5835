"""What a trained model's features give back of an injected angular frequency, against the ceiling of theory.

``read_frames`` and ``load_backbone`` bring in the data and the model, ``from_module``, ``from_callable`` and
``from_e3nn`` make a backbone of any other model, ``diagnose`` measures and judges.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .backbone import Backbone, BackboneInfo
    from .diagnosis import diagnose
    from .e3nn_model import from_e3nn
    from .features import Features, Layer
    from .frames import Frames
    from .hooked import from_callable, from_module
    from .loading import load_backbone
    from .reading import read_frames
    from .settings import DiagnoseSettings

#: The module of each public name.
_HOMES = {
    "Backbone": "backbone",
    "BackboneInfo": "backbone",
    "DiagnoseSettings": "settings",
    "Features": "features",
    "Frames": "frames",
    "Layer": "features",
    "diagnose": "diagnosis",
    "from_callable": "hooked",
    "from_e3nn": "e3nn_model",
    "from_module": "hooked",
    "load_backbone": "loading",
    "read_frames": "reading",
}

__all__ = [
    "Backbone",
    "BackboneInfo",
    "DiagnoseSettings",
    "Features",
    "Frames",
    "Layer",
    "diagnose",
    "from_callable",
    "from_e3nn",
    "from_module",
    "load_backbone",
    "read_frames",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: reading frames must not load PyTorch."""
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
