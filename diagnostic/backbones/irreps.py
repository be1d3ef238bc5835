"""e3nn's irreps and coupling tensors, imported so that every supported release loads.

e3nn 0.4.4 (which MACE pins) reads its tables with ``torch.load``, and torch >= 2.6 refuses the slices in them unless
they are declared harmless first. It also compiles helpers in a way that torch >= 2.13 calls deprecated, at import.
"""

import warnings

import torch

torch.serialization.add_safe_globals([slice])

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*torch.jit", category=DeprecationWarning)
    from e3nn import o3

__all__ = ["o3"]
