"""What a trained model's features give back of an injected angular frequency, against the ceiling of theory.

``read_frames`` and ``load_backbone`` bring in the data and the model, ``from_module``, ``from_callable`` and
``from_e3nn`` make a backbone of any other model, ``diagnose`` measures and judges.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .backbones.backbone import Backbone, BackboneInfo
    from .backbones.check import check_backbone
    from .backbones.check_report import BackboneReport
    from .backbones.conventions import fitting_convention
    from .backbones.e3nn_model import from_e3nn
    from .backbones.equivariance import measure_equivariance
    from .backbones.features import Features, Layer
    from .backbones.hooked import from_callable
    from .backbones.hooked_module import from_module
    from .backbones.loading import load_backbone
    from .diagnosis import diagnose
    from .frames.frames import Frames
    from .frames.reading import read_frames
    from .measurement.settings import DiagnoseSettings

#: The module of each public name.
_HOMES = {
    "Backbone": "backbones.backbone",
    "BackboneInfo": "backbones.backbone",
    "BackboneReport": "backbones.check_report",
    "DiagnoseSettings": "measurement.settings",
    "Features": "backbones.features",
    "Frames": "frames.frames",
    "Layer": "backbones.features",
    "check_backbone": "backbones.check",
    "diagnose": "diagnosis",
    "fitting_convention": "backbones.conventions",
    "from_callable": "backbones.hooked",
    "from_e3nn": "backbones.e3nn_model",
    "from_module": "backbones.hooked_module",
    "load_backbone": "backbones.loading",
    "measure_equivariance": "backbones.equivariance",
    "read_frames": "frames.reading",
}

__all__ = [
    "Backbone",
    "BackboneInfo",
    "BackboneReport",
    "DiagnoseSettings",
    "Features",
    "Frames",
    "Layer",
    "check_backbone",
    "diagnose",
    "fitting_convention",
    "from_callable",
    "from_e3nn",
    "from_module",
    "load_backbone",
    "measure_equivariance",
    "read_frames",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: reading frames must not load PyTorch."""
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
