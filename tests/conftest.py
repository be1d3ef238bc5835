"""e3nn is imported the package's way before any test does it: its old releases need a declaration first."""

import spectral_ceilings.diagnostic.backbones.irreps  # noqa: F401
