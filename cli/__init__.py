"""spectral_ceilings.cli."""
