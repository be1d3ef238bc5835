"""spectral_ceilings.theory."""
