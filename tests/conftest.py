"""e3nn is imported the package's way before any test does it: its old releases need a declaration first."""

from hypothesis import HealthCheck, settings

import spectral_ceilings.diagnostic.backbones.irreps  # noqa: F401

# No test asserts a time: on a machine that does other work, drawing examples may take its while.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
