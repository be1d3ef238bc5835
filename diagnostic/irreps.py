"""e3nn's irreps and coupling tensors, imported so that every supported release loads.

e3nn 0.4.4 (which MACE pins) reads its tables with ``torch.load``, and torch >= 2.6 refuses the slices in them unless
they are declared harmless first.
"""

import torch

torch.serialization.add_safe_globals([slice])

from e3nn import o3  # noqa: E402 - after the declaration

__all__ = ["o3"]
