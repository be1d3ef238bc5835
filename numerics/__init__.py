"""spectral_ceilings.numerics."""
